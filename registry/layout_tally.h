/* Putting the documents of one image into a layout, and its size as pulled: all documents and layers, each blob once. */
#ifndef WL_REGISTRY_LAYOUT_TALLY_H
#define WL_REGISTRY_LAYOUT_TALLY_H

#include "layout.h"
#include "oci.h"

/* Begin with {.layout = ...}; the layout must be open for writing. */
struct wl_tally {
    const struct wl_layout *layout;
    struct wl_arena arena;
    struct wl_oci_descriptors counted; /* what `size` holds */
    uint64_t size;                     /* bytes */
};
void wl_tally_release(struct wl_tally *t);

/* Counts a blob that is there; parts may share blobs. The strings of *d must live as long as the tally. */
void wl_tally_add(struct wl_tally *t, const struct wl_oci_descriptor *d);

/* Stores a document, describes it in *ret and counts it. media_type must live as long as the tally. */
int wl_tally_put(struct wl_tally *t, const char *media_type, const struct wl_buf *text, struct wl_oci_descriptor *ret,
                 struct wl_err *err);

#endif
