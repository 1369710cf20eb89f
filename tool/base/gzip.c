#include "gzip.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>

#define LEVEL 6
#define LEVEL_MAX 12
#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

/* Stored blocks of 64 KiB at worst, with room to spare; checked against libdeflate's own bound in a test. */
#define BOUND (WL_GZIP_MEMBER + (WL_GZIP_MEMBER >> 8) + 1024)

static void *open_level(int level) {
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);

    if (!c) {
        fprintf(stderr, "wlpack: out of memory (setting up the compressor)\n");
        abort();
    }
    return c;
}

static void *open_usual(void) {
    return open_level(LEVEL);
}

static void *open_max(void) {
    return open_level(LEVEL_MAX);
}

static void close_context(void *context) {
    libdeflate_free_compressor(context);
}

static size_t compress(void *context, const void *in, size_t n, void *out, size_t cap) {
    return libdeflate_gzip_compress(context, in, n, out, cap);
}

static const char *version(void) {
    return "libdeflate " LIBDEFLATE_VERSION_STRING " gzip-" TEXT(LEVEL) " 1M";
}

static const char *version_max(void) {
    return "libdeflate " LIBDEFLATE_VERSION_STRING " gzip-" TEXT(LEVEL_MAX) " 1M";
}

const struct wl_codec wl_codec_gzip = {.name = "gzip",
                                       .version = version,
                                       .block = WL_GZIP_MEMBER,
                                       .context = 700000,
                                       .bound = BOUND,
                                       .open = open_usual,
                                       .close = close_context,
                                       .compress = compress};
const struct wl_codec wl_codec_gzip_max = {.name = "gzip-max",
                                           .version = version_max,
                                           .block = WL_GZIP_MEMBER,
                                           .context = 9000000,
                                           .bound = BOUND,
                                           .open = open_max,
                                           .close = close_context,
                                           .compress = compress};
