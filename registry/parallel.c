#include "parallel.h"

#include <pthread.h>
#include <stdbool.h>

#include "../tool/base/proc.h"

struct work {
    int (*fn)(void *arg, size_t i, struct wl_err *err);
    void *arg;
    size_t n;
    pthread_mutex_t mutex;
    size_t next;
    bool failed;
    struct wl_err err; /* of the first that failed */
};

static bool take(struct work *w, size_t *ret) {
    bool got;

    pthread_mutex_lock(&w->mutex);
    got = !w->failed && !wl_interrupted() && w->next < w->n;
    if (got)
        *ret = w->next++;
    pthread_mutex_unlock(&w->mutex);
    return got;
}

static void *run(void *arg) {
    struct work *w = arg;
    size_t i;

    while (take(w, &i)) {
        struct wl_err err;

        if (w->fn(w->arg, i, &err) == 0)
            continue;
        pthread_mutex_lock(&w->mutex);
        if (!w->failed) {
            w->failed = true;
            w->err = err;
        }
        pthread_mutex_unlock(&w->mutex);
    }
    return NULL;
}

int wl_parallel(size_t n, size_t workers, int (*fn)(void *arg, size_t i, struct wl_err *err), void *arg,
                struct wl_err *err) {
    struct work w = {.fn = fn, .arg = arg, .n = n, .mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[WL_PARALLEL_MAX];
    size_t started = 0;

    if (workers > WL_PARALLEL_MAX)
        workers = WL_PARALLEL_MAX;
    while (started + 1 < workers && started + 1 < n) {
        if (pthread_create(&threads[started], NULL, run, &w) != 0)
            break; /* fewer threads do it as well */
        started++;
    }
    run(&w);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    if (w.failed)
        *err = w.err;
    else if (wl_interrupted())
        return wl_fail(err, WL_NET, "interrupted");
    return w.failed ? -1 : 0;
}
