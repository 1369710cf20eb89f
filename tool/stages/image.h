/* An image: configuration and manifest (image-spec 1.1) over layers that are in a layout, tagged there. The same spec gives the
 * same bytes, anywhere and at any time: the only time in it is the epoch, nothing is taken from the machine. */
#ifndef WL_STAGES_IMAGE_H
#define WL_STAGES_IMAGE_H

#include <stdint.h>

#include "../../registry/layout.h"
#include "../../registry/oci.h"
#include "../base/err.h"

#define WL_IMAGE_OS "wasi"           /* platform where the recipe says nothing */
#define WL_IMAGE_ARCHITECTURE "wasm" /* podman and crun know wasi/wasm, not wasip1 */

/* One manifest: the portable module, or one precompiled for an architecture. */
struct wl_image_part {
    const char *variant; /* platform.variant and the config's; NULL: the portable one */
    const struct wl_layer_result *layers;
    size_t n_layers;
    struct wl_oci_pairs annotations; /* of this manifest only, beside the image's */
};

/* Strings are borrowed for the call; NULL ones are left out. */
struct wl_image {
    const char *name;              /* the local name to tag, "php:7.4.33-cli"; NULL: stored, not tagged */
    const char *os;                /* NULL: WL_IMAGE_OS */
    const char *architecture;      /* NULL: WL_IMAGE_ARCHITECTURE */
    const char *const *entrypoint; /* NULL-terminated, at least one; its first must be absolute ("/php.wasm") */
    const char *const *cmd;
    const char *const *env;   /* "K=V", in order */
    const char *const *ports; /* "8080/tcp" */
    const char *workdir;
    struct wl_oci_pairs labels;      /* of the configuration */
    struct wl_oci_pairs annotations; /* of manifests and index; org.opencontainers.image.created is added from epoch */
    const char *created_by;          /* history of the layers; no version, no path: it is part of the digest */
    int64_t epoch;
    /* One part gives a plain manifest. More give an index: the portable part must come first, the others need different
     * variants: asked for wasi/wasm without a variant,
     * containerd, podman and oras then all give the portable one. */
    const struct wl_image_part *parts;
    size_t n_parts;
};

struct wl_image_result {
    struct wl_digest digest; /* of the manifest or index that the name points at */
    uint64_t size;           /* of the image as pulled: all documents and layers, each blob once */
    bool is_index;
};

/* Puts configuration(s), manifest(s) and index into the layout (open for writing; the layers are there already) and tags. */
int wl_image_put(const struct wl_image *image, const struct wl_layout *layout, struct wl_image_result *ret,
                 struct wl_err *err);

/* Adds the usual org.opencontainers.image.* annotations; NULL values are left out. source: where the recipe's sources come
 * from, a URL. */
void wl_image_annotate(struct wl_oci_pairs *p, struct wl_arena *a, const char *title, const char *version,
                       const char *description, const char *licenses, const char *url, const char *source);

/* "2022-11-01T12:35:00Z" for seconds since 1970 (0 to the year 9999); a new string. */
char *wl_image_time(int64_t epoch);

#endif
