#include "layout_tally.h"

#include "../tool/base/mem.h"

void wl_tally_release(struct wl_tally *t) {
    wl_arena_release(&t->arena);
}

void wl_tally_add(struct wl_tally *t, const struct wl_oci_descriptor *d) {
    for (size_t i = 0; i < t->counted.n; i++)
        if (wl_digest_equal(&t->counted.v[i].digest, &d->digest))
            return;
    wl_oci_descriptors_add(&t->counted, &t->arena, d);
    t->size += d->size;
}

int wl_tally_put(struct wl_tally *t, const char *media_type, const struct wl_buf *text, struct wl_oci_descriptor *ret,
                 struct wl_err *err) {
    struct wl_digest digest;

    *ret = wl_oci_descriptor_of(media_type, wl_buf_blob(text));
    wl_tally_add(t, ret);
    return wl_layout_blob_put(t->layout, wl_buf_blob(text), &digest, err);
}
