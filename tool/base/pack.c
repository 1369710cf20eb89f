#include "pack.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"
#include "mem.h"
#include "pack_zstd.h"

#define SLOTS (WL_PACK_THREADS + 1)

const char *const wl_codec_names[] = {"gzip", "gzip-max", "zstd", "zstd-max", NULL};

const struct wl_codec *wl_codec_find(const char *name) {
    static const struct wl_codec *const all[] = {&wl_codec_gzip, &wl_codec_gzip_max, &wl_codec_zstd,
                                                 &wl_codec_zstd_max};

    for (size_t i = 0; i < WL_ARRAY_LEN(all); i++)
        if (!name || strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

enum slot_state { EMPTY, READY, BUSY, DONE };
struct slot {
    enum slot_state state;
    char *in, *out;
    size_t n_in, n_out;
};

struct wl_pack {
    const struct wl_codec *codec;
    int (*put)(void *arg, const void *p, size_t n, struct wl_err *err);
    void *arg;
    unsigned threads;
    struct slot slots[SLOTS];
    size_t n_slots;
    size_t filling; /* the slot that add writes to */
    size_t oldest;  /* the first one that is not put yet */
    void *context;  /* of the calling thread, when it compresses itself */
    pthread_t workers[WL_PACK_THREADS];
    unsigned n_workers;
    pthread_mutex_t lock; /* over the slots' states and stop */
    pthread_cond_t ready, done;
    bool stop;
};

/* The processors that we may use: a container's share is smaller than the machine. */
static unsigned processors(void) {
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

static unsigned most_threads(const struct wl_codec *c) {
    size_t n = WL_PACK_MEMORY / (c->context + c->block + c->bound);

    return n < 2 ? 2 : n > WL_PACK_THREADS ? WL_PACK_THREADS : (unsigned)n;
}

struct wl_pack *wl_pack_open(const struct wl_codec *codec, unsigned threads,
                             int (*put)(void *arg, const void *p, size_t n, struct wl_err *err), void *arg) {
    struct wl_pack *z = wl_calloc(1, sizeof(*z));

    z->codec = codec;
    z->put = put;
    z->arg = arg;
    z->threads = threads ? threads : processors();
    if (z->threads > most_threads(codec))
        z->threads = most_threads(codec);
    z->n_slots = z->threads > 1 ? z->threads + 1 : 1;
    pthread_mutex_init(&z->lock, NULL);
    pthread_cond_init(&z->ready, NULL);
    pthread_cond_init(&z->done, NULL);
    return z;
}

static void compress(struct wl_pack *z, void *context, struct slot *s) {
    if (!s->out)
        s->out = wl_malloc(z->codec->bound);
    s->n_out = z->codec->compress(context, s->in, s->n_in, s->out, z->codec->bound);
}

/* --- Workers -------------------------------------------------------------------------------------------------------- */

static struct slot *next_ready(struct wl_pack *z) {
    for (size_t i = 0; i < z->n_slots; i++) {
        struct slot *s = &z->slots[(z->oldest + i) % z->n_slots];

        if (s->state == READY)
            return s;
    }
    return NULL;
}

static void *work(void *arg) {
    struct wl_pack *z = arg;
    void *context = z->codec->open();
    struct slot *s;

    pthread_mutex_lock(&z->lock);
    while (!z->stop) {
        s = next_ready(z);
        if (!s) {
            pthread_cond_wait(&z->ready, &z->lock);
            continue;
        }
        s->state = BUSY;
        pthread_mutex_unlock(&z->lock);
        compress(z, context, s);
        pthread_mutex_lock(&z->lock);
        s->state = DONE;
        pthread_cond_signal(&z->done);
    }
    pthread_mutex_unlock(&z->lock);
    z->codec->close(context);
    return NULL;
}

/* One more worker, with all signals left to the calling thread. None is no harm as long as there is one. */
static void hire(struct wl_pack *z) {
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&z->workers[z->n_workers], NULL, work, z) == 0)
        z->n_workers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- The calling thread --------------------------------------------------------------------------------------------- */

static int put_slot(struct wl_pack *z, const struct slot *s, struct wl_err *err) {
    if (s->n_out == 0)
        return wl_fail(err, WL_FAILED, "a block cannot be compressed");
    return z->put(z->arg, s->out, s->n_out, err);
}

/* Puts what is done, in order: with `all` everything, else until the slot that add writes to next is free. */
static int put_done(struct wl_pack *z, bool all, struct wl_err *err) {
    for (;;) {
        struct slot *s = &z->slots[z->oldest];
        bool taken;

        pthread_mutex_lock(&z->lock);
        while (s->state != DONE && (all ? s : &z->slots[z->filling])->state != EMPTY)
            pthread_cond_wait(&z->done, &z->lock);
        taken = s->state == DONE;
        if (taken) {
            s->state = EMPTY;
            s->n_in = 0;
            z->oldest = (z->oldest + 1) % z->n_slots;
        }
        pthread_mutex_unlock(&z->lock);
        if (!taken)
            return 0;
        if (put_slot(z, s, err) < 0)
            return -1;
    }
}

/* Compresses the block here and now. */
static int block_here(struct wl_pack *z, struct wl_err *err) {
    struct slot *s = &z->slots[z->filling];

    if (!z->context)
        z->context = z->codec->open();
    compress(z, z->context, s);
    s->n_in = 0;
    return put_slot(z, s, err);
}

/* The block is full, or it is the last. */
static int block(struct wl_pack *z, struct wl_err *err) {
    struct slot *s = &z->slots[z->filling];

    if (z->threads > 1 && z->n_workers < z->threads)
        hire(z);
    if (z->n_workers == 0)
        return block_here(z, err);
    pthread_mutex_lock(&z->lock);
    s->state = READY;
    pthread_cond_signal(&z->ready);
    pthread_mutex_unlock(&z->lock);
    z->filling = (z->filling + 1) % z->n_slots;
    return put_done(z, false, err);
}

int wl_pack_add(struct wl_pack *z, const void *p, size_t n, struct wl_err *err) {
    const char *c = p;

    while (n > 0) {
        struct slot *s = &z->slots[z->filling];
        size_t room = z->codec->block - s->n_in;
        size_t part = n < room ? n : room;

        if (!s->in)
            s->in = wl_malloc(z->codec->block);
        memcpy(s->in + s->n_in, c, part);
        s->n_in += part;
        c += part;
        n -= part;
        if (s->n_in == z->codec->block && block(z, err) < 0)
            return -1;
    }
    return 0;
}

int wl_pack_finish(struct wl_pack *z, struct wl_err *err) {
    if (z->slots[z->filling].n_in > 0 && (z->n_workers ? block(z, err) : block_here(z, err)) < 0)
        return -1;
    return z->n_workers ? put_done(z, true, err) : 0;
}

void wl_pack_free(struct wl_pack *z) {
    if (!z)
        return;
    pthread_mutex_lock(&z->lock);
    z->stop = true;
    pthread_cond_broadcast(&z->ready);
    pthread_mutex_unlock(&z->lock);
    for (unsigned i = 0; i < z->n_workers; i++)
        pthread_join(z->workers[i], NULL);
    if (z->context)
        z->codec->close(z->context);
    for (size_t i = 0; i < z->n_slots; i++) {
        free(z->slots[i].in);
        free(z->slots[i].out);
    }
    pthread_cond_destroy(&z->done);
    pthread_cond_destroy(&z->ready);
    pthread_mutex_destroy(&z->lock);
    free(z);
}

void wl_pack_freep(struct wl_pack **z) {
    wl_pack_free(*z);
    *z = NULL;
}
