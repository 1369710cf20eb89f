/* A local image in another form: platform, format, compression. */
#ifndef WL_RUN_CONVERT_H
#define WL_RUN_CONVERT_H

#include "../../registry/layout.h"
#include "../../registry/oci.h"

/* What is NULL stays as it is. */
struct wl_convert {
    const char *const *platforms; /* as in stages/image_over.h; ends with NULL */
    const char *format;           /* of wl_app_formats */
    const char *compression;      /* of wl_codec_names */
};

/* The result: a descriptor whose strings are in the arena, and how many of the things that are said about the image did not follow. */
struct wl_converted {
    struct wl_oci_descriptor d;
    size_t left; /* signatures, and documents that are not wlpack's: they speak of the image as it was */
};

/* Writes the converted documents (and, for another compression, layers) of the entry's image into its layout, which is open for
 * writing, without a name: gc removes them when nobody gives them one. Layers that have the compression already stay, but for the
 * -max ones, which are always made anew. A layer must unpack to what its configuration says.
 *
 * SBOM and provenance of wlpack's follow (convert_attest.h). */
int wl_convert(const struct wl_layout *l, const struct wl_layout_entry *entry, const struct wl_convert *how,
               struct wl_arena *a, struct wl_converted *ret, struct wl_err *err);

#endif
