/* Compression in blocks, by several threads, with bytes that depend on the input, the codec and its library's version only: the
 * input is cut at fixed places, every block is compressed by itself, and the results are joined in order. Both formats
 * allow that (RFC 1952, 2.2: members; RFC 8878, 3: frames). Whatever the number of threads, the bytes are the same.
 *
 * Measured on PHP's module (6.0 MB) and the same with native code (10.2 MB), one thread of an EPYC, CPU time:
 *
 *                             MB/s       ratio           context
 *   zlib-6                    22         .380  .421
 *   zlib-ng-6                 66 - 71    .387  .430
 *   isa-l, its best           273        .418  .459
 *   libdeflate-6  1 MiB       66 - 72    .376  .418      <- gzip
 *   libdeflate-7  1 MiB       53 - 55    .376  .417
 *   libdeflate-9  1 MiB       24         .376  .417
 *   libdeflate-12 1 MiB       9          .363  .405      <- gzip-max
 *   zstd-3        4 MiB       225        .369  .422      1.3 MB
 *   zstd-6        4 MiB       89         .349  .398      3.7 MB
 *   zstd-9        2 MiB       55         .346  .394      13 MB
 *   the same, small tables    72         .347  .396      3.7 MB   <- zstd
 *   zstd-19       4 MiB       3          .306  .352      52 MB
 *   zstd-19, 2 MiB, small     5          .310  .356      5.5 MB   <- zstd-max
 *
 * One block for all instead of 1 MiB gains 0.2 % with gzip, 4 MiB instead of 2 MiB 0.5 % with zstd. The small tables of zstd (2^19
 * and 2^18 entries) keep a stream's memory at 24 MiB; contexts of libdeflate have 0.7 MB, of level 12 9 MB. */
#ifndef WL_BASE_PACK_H
#define WL_BASE_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define WL_PACK_THREADS 6                 /* most threads of one stream */
#define WL_PACK_MEMORY ((size_t)24 << 20) /* and no more than fit into this, but always two */

struct wl_codec {
    const char *name; /* "gzip", "gzip-max", "zstd", "zstd-max" */
    /* "libdeflate 1.14 gzip-6 1M": two equal ones give equal bytes. It belongs into every key under which a digest of compressed
     * bytes is found. */
    const char *(*version)(void);
    bool zstd;      /* the format: zstd, else gzip */
    size_t block;   /* bytes of input in a block */
    size_t context; /* about the bytes of one context */
    size_t bound;   /* most bytes that a block becomes */
    void *(*open)(void);
    void (*close)(void *context);
    /* The size of the result, or 0 when there is none. */
    size_t (*compress)(void *context, const void *in, size_t n, void *out, size_t cap);
};
extern const char *const wl_codec_names[]; /* ends with NULL; the first is the default */
/* The codec of that name; NULL gives the default; unknown ones give NULL. */
const struct wl_codec *wl_codec_find(const char *name);

/* A stream: open; add...; finish; free. put gets the compressed bytes, in order, in the thread that calls add and finish.
 * threads 0: as many as there are processors for us. Memory: (threads + 1) blocks of input and output, and a context for each. */
struct wl_pack;
struct wl_pack *wl_pack_open(const struct wl_codec *codec, unsigned threads,
                             int (*put)(void *arg, const void *p, size_t n, struct wl_err *err), void *arg);
int wl_pack_add(struct wl_pack *z, const void *p, size_t n, struct wl_err *err);
int wl_pack_finish(struct wl_pack *z, struct wl_err *err); /* nothing added gives no bytes */
void wl_pack_free(struct wl_pack *z);
void wl_pack_freep(struct wl_pack **z);

#endif
