/* gzip blocks for pack.h: members of 1 MiB of input each. The only user of libdeflate. Go's, zlib's and libarchive's readers take any
 * number of members. */
#ifndef WL_BASE_GZIP_H
#define WL_BASE_GZIP_H

#include "pack.h"

#define WL_GZIP_MEMBER (1u << 20) /* bytes of input in a member */

extern const struct wl_codec wl_codec_gzip;     /* level 6 */
extern const struct wl_codec wl_codec_gzip_max; /* level 12: 3 % smaller, 8 times slower */

#endif
