/* An image over another: every manifest of a base, with one more layer and a changed configuration; or the base itself under another
 * platform or in another format. The same inputs give the same bytes. Blobs of the base are named, not copied: base and result are in
 * the same layout. */
#ifndef WL_STAGES_IMAGE_OVER_H
#define WL_STAGES_IMAGE_OVER_H

#include <stdint.h>

#include "../../registry/layout.h"
#include "../../registry/oci.h"
#include "../base/err.h"
#include "image.h"

#define WL_OVER_PARTS 64 /* manifests of a base, and of a result */

/* OCI: image-spec 1.1. DOCKER: image manifest version 2, schema 2, without annotations, which it does not know. ARTIFACT: the
 * Wasm OCI artifact layout of CNCF's TAG Runtime: one raw application/wasm layer and a configuration of its own; it has no
 * files, no entrypoint and no environment. */
enum wl_over_format { WL_OVER_OCI, WL_OVER_DOCKER, WL_OVER_ARTIFACT };
#define WL_MT_WASM_CONFIG "application/vnd.wasm.config.v0+json"
#define WL_MT_WASM "application/wasm"

/* One manifest of a base. */
struct wl_over_part {
    struct wl_oci_descriptor d; /* its platform is the configuration's */
    struct wl_oci_manifest m;
    struct wl_oci_config c;
};
struct wl_over_base {
    struct wl_arena arena;
    struct wl_over_part v[WL_OVER_PARTS];
    size_t n;
    bool is_index;
    struct wl_digest digest;         /* of the manifest or the index */
    struct wl_oci_pairs annotations; /* of the index */
};
/* Reads what the entry names, verified. Entries of an index that are no images (attestations), or are not in the layout, are passed
 * over; there must be an image left, with all its blobs. A zeroed base, for scratch, holds nothing. */
int wl_over_read(const struct wl_layout *l, const struct wl_layout_entry *entry, struct wl_over_base *ret,
                 struct wl_err *err);
void wl_over_base_release(struct wl_over_base *b);

/* What is laid over it. Strings are borrowed; NULL, empty and zero things leave what the base has. */
struct wl_over {
    const struct wl_layer_result *layer;
    const char *const *entrypoint; /* also drops the base's cmd */
    const char *const *cmd;
    const char *const *env; /* "K=V": replaces the base's K */
    const char *workdir, *user;
    const char *const *ports; /* "8080/tcp" */
    struct wl_oci_pairs labels;
    struct wl_oci_pairs annotations; /* replace the base's, unless keep */
    const char *base_name;           /* annotation org.opencontainers.image.base.name, and the digest beside it */
    const char *created_by;
    int64_t epoch;
    bool keep; /* nothing is laid over: the base's dates and annotations stay */
    /* "os/architecture[/variant]". For a wasm architecture each part of the base gets the new name and keeps its variant; for
     * another one (linux/amd64) it is the part with code for it, else the portable one. */
    const char *const *platforms;
    enum wl_over_format format;
};

/* Puts configurations, manifests and, when there is more than one, an index into the layout. *ret describes the top document; its
 * strings are constants or in the arena. */
int wl_over_put(const struct wl_over *o, const struct wl_over_base *base, const struct wl_layout *layout,
                struct wl_arena *a, struct wl_oci_descriptor *ret, struct wl_image_result *ret_result,
                struct wl_err *err);

/* The parts that were chosen for the platforms, with the platform that each gets. */
struct wl_over_choice {
    const struct wl_over_part *part; /* NULL: scratch */
    struct wl_oci_platform platform;
};
int wl_over_choose(const struct wl_over *o, const struct wl_over_base *base, struct wl_arena *a,
                   struct wl_over_choice ret[WL_OVER_PARTS], size_t *ret_n, struct wl_err *err);

/* The media type of a layer or configuration in a format; NULL when the format has none for it. */
const char *wl_over_media_type(enum wl_over_format format, const char *media_type);

#endif
