/* gzip whose bytes depend on the input only (and on the library's version, hence wl_gzip_name). The only user of libdeflate.
 *
 * Level 6 in members of 1 MiB of input each (RFC 1952, 2.2 allows any number of members; Go's, zlib's and libarchive's readers
 * take them). On a module of PHP, one thread: zlib-6 41 MB/s, ratio .207; libdeflate-6 116 MB/s, .204; -9 29 MB/s, .203;
 * -12 3 MB/s, .194. The members cost 0.2 % and keep memory flat; their size is fixed, so the bytes would be the same
 * from any number of threads. */
#ifndef WL_BASE_GZIP_H
#define WL_BASE_GZIP_H

#include <stddef.h>

#include "err.h"

#define WL_GZIP_MEMBER (1u << 20) /* bytes of input in a member */

/* "libdeflate 1.14 gzip-6 1M": two equal names give equal bytes. It belongs into every key under which a digest of
 * compressed bytes is found. */
const char *wl_gzip_name(void);

/* A stream: init; add...; finish; release (a cleanup; a zeroed struct is fine). put gets the compressed bytes. */
struct wl_gzip {
    int (*put)(void *arg, const void *p, size_t n, struct wl_err *err);
    void *arg;
    void *compressor;
    char *block; /* the member being filled */
    size_t fill;
    char *packed;
    size_t packed_cap;
};

void wl_gzip_init(struct wl_gzip *z, int (*put)(void *arg, const void *p, size_t n, struct wl_err *err), void *arg);
int wl_gzip_add(struct wl_gzip *z, const void *p, size_t n, struct wl_err *err);
int wl_gzip_finish(struct wl_gzip *z, struct wl_err *err); /* flushes; nothing added gives no bytes */
void wl_gzip_release(struct wl_gzip *z);

#endif
