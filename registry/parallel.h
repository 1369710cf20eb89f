/* The same work on many things by a few threads. */
#ifndef WL_REGISTRY_PARALLEL_H
#define WL_REGISTRY_PARALLEL_H

#include <stddef.h>

#include "../tool/base/err.h"

#define WL_PARALLEL_MAX 16 /* threads */

/* Calls fn(arg, i) for every i below n, at most `workers` at a time (the caller's thread is one of them). After the first failure
 * or an interruption nothing new is begun; what runs is waited for, and *err is that first failure. */
int wl_parallel(size_t n, size_t workers, int (*fn)(void *arg, size_t i, struct wl_err *err), void *arg,
                struct wl_err *err);

#endif
