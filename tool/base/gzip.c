#include "gzip.h"

#include <libdeflate.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

#define LEVEL 6
#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

const char *wl_gzip_name(void) {
    return "libdeflate " LIBDEFLATE_VERSION_STRING " gzip-" TEXT(LEVEL) " 1M";
}

void wl_gzip_init(struct wl_gzip *z, int (*put)(void *arg, const void *p, size_t n, struct wl_err *err), void *arg) {
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(LEVEL);

    if (!c) {
        fprintf(stderr, "wlpack: out of memory (setting up the compressor)\n");
        abort();
    }
    *z = (struct wl_gzip){.put = put, .arg = arg, .compressor = c};
    z->packed_cap = libdeflate_gzip_compress_bound(c, WL_GZIP_MEMBER);
    z->packed = wl_malloc(z->packed_cap);
    z->block = wl_malloc(WL_GZIP_MEMBER);
}

static int flush(struct wl_gzip *z, struct wl_err *err) {
    size_t n = libdeflate_gzip_compress(z->compressor, z->block, z->fill, z->packed, z->packed_cap);

    if (n == 0)
        return wl_fail(err, WL_FAILED, "a block cannot be compressed");
    z->fill = 0;
    return z->put(z->arg, z->packed, n, err);
}

int wl_gzip_add(struct wl_gzip *z, const void *p, size_t n, struct wl_err *err) {
    const char *c = p;

    while (n > 0) {
        size_t part = n < WL_GZIP_MEMBER - z->fill ? n : WL_GZIP_MEMBER - z->fill;

        memcpy(z->block + z->fill, c, part);
        z->fill += part;
        c += part;
        n -= part;
        if (z->fill == WL_GZIP_MEMBER && flush(z, err) < 0)
            return -1;
    }
    return 0;
}

int wl_gzip_finish(struct wl_gzip *z, struct wl_err *err) {
    return z->fill > 0 ? flush(z, err) : 0;
}

void wl_gzip_release(struct wl_gzip *z) {
    if (z->compressor)
        libdeflate_free_compressor(z->compressor);
    free(z->block);
    free(z->packed);
    *z = (struct wl_gzip){0};
}
