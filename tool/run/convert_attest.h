/* What is said about an image, for the same image in another form: the SBOM and the provenance that wlpack made.
 *
 * The SBOM stays what it is but for the digests of the image and of the application's layer: another form has the same contents. The
 * provenance names the new image, what form was asked for, the image that it was made from and who had built that, and as builder whoever
 * makes the form. */
#ifndef WL_RUN_CONVERT_ATTEST_H
#define WL_RUN_CONVERT_ATTEST_H

#include "convert.h"

/* From which digest to which a layer was packed again. */
struct wl_repacked {
    struct wl_digest old, now;
};

struct wl_convert_attest {
    const struct wl_layout *layout; /* open for writing */
    const struct wl_layout_entry *from;
    const struct wl_oci_descriptor *to;
    const struct wl_convert *how;
    const struct wl_repacked *layers;
    size_t n_layers;
    bool artifact; /* `to` is a module alone */
};

/* Attaches them to `to`. *ret_left: how much else is attached to `from` itself. Documents that speak of another image than that are left, too;
 * what is attached to the parts of an index, or to documents in turn, is not looked at: the index has its own. */
int wl_convert_attest(const struct wl_convert_attest *c, size_t *ret_left, struct wl_err *err);

#endif
