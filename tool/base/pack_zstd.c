#include "pack_zstd.h"

#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#define BOUND ZSTD_COMPRESSBOUND(WL_ZSTD_FRAME)

static void *open_level(int level, int hash_log, int chain_log) {
    ZSTD_CCtx *c = ZSTD_createCCtx();

    if (!c || ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_hashLog, hash_log)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_chainLog, chain_log)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1))) {
        fprintf(stderr, "wlpack: out of memory (setting up the compressor)\n");
        abort();
    }
    return c;
}

static void *open_usual(void) {
    return open_level(9, 19, 18);
}

static void *open_max(void) {
    return open_level(19, 19, 19);
}

static void close_context(void *context) {
    ZSTD_freeCCtx(context);
}

static size_t compress(void *context, const void *in, size_t n, void *out, size_t cap) {
    size_t size = ZSTD_compress2(context, out, cap, in, n);

    return ZSTD_isError(size) ? 0 : size;
}

/* The library that runs, not the one compiled against: libzstd is a shared object. */
static const char *version(void) {
    static char text[64];

    snprintf(text, sizeof(text), "libzstd %s zstd-9 h19 c18 2M", ZSTD_versionString());
    return text;
}

static const char *version_max(void) {
    static char text[64];

    snprintf(text, sizeof(text), "libzstd %s zstd-19 h19 c19 2M", ZSTD_versionString());
    return text;
}

const struct wl_codec wl_codec_zstd = {.name = "zstd",
                                       .version = version,
                                       .zstd = true,
                                       .block = WL_ZSTD_FRAME,
                                       .context = 3700000,
                                       .bound = BOUND,
                                       .open = open_usual,
                                       .close = close_context,
                                       .compress = compress};
const struct wl_codec wl_codec_zstd_max = {.name = "zstd-max",
                                           .version = version_max,
                                           .zstd = true,
                                           .block = WL_ZSTD_FRAME,
                                           .context = 5500000,
                                           .bound = BOUND,
                                           .open = open_max,
                                           .close = close_context,
                                           .compress = compress};
