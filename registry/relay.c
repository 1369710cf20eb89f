#include "relay.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tool/base/mem.h"
#include "../tool/base/proc.h"

#define LOOK_MS 200 /* how often an interruption is looked for while waiting */

struct wl_relay {
    struct wl_client *from;
    const struct wl_oci_descriptor *d;
    pthread_mutex_t mutex;
    pthread_cond_t moved; /* something was written, read or ended */
    pthread_t thread;
    bool running; /* there is a thread to be joined */
    bool stop;    /* it shall end */
    bool ended;   /* it has, with rc and err */
    int rc;
    struct wl_err err;
    uint8_t *buffer;
    size_t head; /* where the next byte is read */
    size_t fill; /* bytes in the buffer */
    struct wl_sha256 h;
    uint64_t pos; /* bytes handed out */
    bool failed;  /* what read gave was the download's own failure */
};

struct wl_relay *wl_relay_new(struct wl_client *from, const struct wl_oci_descriptor *d) {
    struct wl_relay *r = wl_calloc(1, sizeof(*r));
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->mutex, NULL);
    pthread_cond_init(&r->moved, &attr);
    pthread_condattr_destroy(&attr);
    r->from = from;
    r->d = d;
    return r;
}

/* Waits until something moves, or a moment; the mutex is held. */
static void wait_a_moment(struct wl_relay *r) {
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&r->moved, &r->mutex, &until);
}

/* The download's side. */
static int relay_write(void *arg, const void *data, size_t n, struct wl_err *err) {
    struct wl_relay *r = arg;
    const uint8_t *p = data;
    int rc = 0;

    pthread_mutex_lock(&r->mutex);
    while (n > 0 && rc == 0) {
        size_t at = (r->head + r->fill) % WL_RELAY_BUFFER;
        size_t room = WL_RELAY_BUFFER - r->fill;
        size_t k = WL_RELAY_BUFFER - at < room ? WL_RELAY_BUFFER - at : room;

        if (r->stop || wl_interrupted()) {
            rc = wl_fail(err, WL_NET, "interrupted");
        } else if (k == 0) {
            wait_a_moment(r);
        } else {
            k = k < n ? k : n;
            memcpy(r->buffer + at, p, k);
            r->fill += k;
            p += k;
            n -= k;
            pthread_cond_broadcast(&r->moved);
        }
    }
    pthread_mutex_unlock(&r->mutex);
    return rc;
}

static void *run(void *arg) {
    struct wl_relay *r = arg;
    struct wl_err err;
    int rc = wl_client_blob_stream(r->from, r->d, relay_write, r, NULL, &err);

    pthread_mutex_lock(&r->mutex);
    r->ended = true;
    r->rc = rc;
    if (rc < 0)
        r->err = err;
    pthread_cond_broadcast(&r->moved);
    pthread_mutex_unlock(&r->mutex);
    return NULL;
}

static void stop(struct wl_relay *r) {
    if (!r->running)
        return;
    pthread_mutex_lock(&r->mutex);
    r->stop = true;
    pthread_cond_broadcast(&r->moved);
    pthread_mutex_unlock(&r->mutex);
    pthread_join(r->thread, NULL);
    r->running = false;
}

void wl_relay_free(struct wl_relay *r) {
    if (!r)
        return;
    stop(r);
    wl_sha256_release(&r->h);
    pthread_cond_destroy(&r->moved);
    pthread_mutex_destroy(&r->mutex);
    free(r->buffer);
    free(r);
}

void wl_relay_freep(struct wl_relay **r) {
    wl_relay_free(*r);
}

static int start(struct wl_relay *r, struct wl_err *err) {
    int e;

    stop(r);
    if (!r->buffer)
        r->buffer = wl_malloc(WL_RELAY_BUFFER);
    r->stop = r->ended = false;
    r->head = r->fill = 0;
    r->pos = 0;
    wl_sha256_release(&r->h);
    wl_sha256_init(&r->h);
    e = pthread_create(&r->thread, NULL, run, r);
    if (e)
        return wl_fail_errno(err, e, "cannot start a thread");
    r->running = true;
    return 0;
}

/* Takes what is in the buffer, waiting for the first byte; *ret_n 0: the download is over. */
static int take(struct wl_relay *r, void *buf, size_t n, size_t *ret_n, struct wl_err *err) {
    int rc = 0;

    pthread_mutex_lock(&r->mutex);
    while (r->fill == 0 && !r->ended && !wl_interrupted())
        wait_a_moment(r);
    if (r->fill == 0 && !r->ended)
        rc = wl_fail(err, WL_NET, "interrupted");
    else if (r->fill == 0 && r->rc < 0) {
        *err = r->err;
        r->failed = true;
        rc = -1;
    } else {
        size_t k = WL_RELAY_BUFFER - r->head < r->fill ? WL_RELAY_BUFFER - r->head : r->fill;

        k = k < n ? k : n;
        memcpy(buf, r->buffer + r->head, k);
        r->head = (r->head + k) % WL_RELAY_BUFFER;
        r->fill -= k;
        *ret_n = k;
        pthread_cond_broadcast(&r->moved);
    }
    pthread_mutex_unlock(&r->mutex);
    return rc;
}

static ssize_t relay_read(void *arg, void *buf, size_t n, struct wl_err *err) {
    struct wl_relay *r = arg;
    struct wl_digest got;
    size_t k = 0;

    if (!r->running && start(r, err) < 0)
        return -1;
    if (r->pos == r->d->size)
        return 0;
    if (take(r, buf, n, &k, err) < 0)
        return -1;
    wl_sha256_update(&r->h, buf, k);
    r->pos += k;
    if (r->pos < r->d->size)
        return (ssize_t)k;
    got = wl_sha256_final(&r->h);
    if (wl_digest_equal(&got, &r->d->digest))
        return (ssize_t)k;
    r->failed = true;
    return wl_fail(err, WL_NET, "%s sends a blob with the digest %s instead of %s", wl_client_host(r->from),
                   wl_digest_str(&got).s, wl_digest_str(&r->d->digest).s);
}

static int relay_seek(void *arg, uint64_t offset, struct wl_err *err) {
    struct wl_relay *r = arg;
    uint8_t skip[4096];

    if (offset == r->pos && (r->running || offset == 0))
        return 0;
    if (offset < r->pos || !r->running) {
        if (start(r, err) < 0)
            return -1;
    }
    while (r->pos < offset) {
        ssize_t n = relay_read(r, skip, offset - r->pos < sizeof(skip) ? (size_t)(offset - r->pos) : sizeof(skip), err);

        if (n < 0)
            return -1;
        if (n == 0)
            return wl_fail(err, WL_FAILED, "a blob is read beyond its end");
    }
    return 0;
}

bool wl_relay_source_failed(const struct wl_relay *r) {
    return r->failed;
}

struct wl_http_source wl_relay_source(struct wl_relay *r) {
    return (struct wl_http_source){relay_read, relay_seek, r, r->d->size};
}
