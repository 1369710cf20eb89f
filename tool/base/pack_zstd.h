/* Zstandard blocks for pack.h: frames of 2 MiB of input each, with their size and a checksum (RFC 8878, 3.1.1). The only user of
 * libzstd. No frame needs a window above 2 MiB. */
#ifndef WL_BASE_PACK_ZSTD_H
#define WL_BASE_PACK_ZSTD_H

#include "pack.h"

#define WL_ZSTD_FRAME (2u << 20) /* bytes of input in a frame */

extern const struct wl_codec wl_codec_zstd;     /* level 9 with small tables */
extern const struct wl_codec wl_codec_zstd_max; /* level 19 with small tables: 10 % smaller, 14 times slower */

#endif
