/* A piece of our own work in a child: its memory goes away with it, and what ends it does not end us. */
#ifndef WL_BASE_FORKED_H
#define WL_BASE_FORKED_H

#include <stddef.h>

#include "err.h"

/* Runs fn(arg, ret, err) in a forked child and waits. What fn puts into ret (plain bytes, no pointers, ret_size of them) and
 * its error come back; ret is written on success only. A child that ends without a word is a failure that names `what`.
 * *ret_rss_kb (may be NULL): its peak memory in KiB. Not while other threads run. */
int wl_forked(const char *what, int (*fn)(void *arg, void *ret, struct wl_err *err), void *arg, void *ret,
              size_t ret_size, long *ret_rss_kb, struct wl_err *err);

#endif
