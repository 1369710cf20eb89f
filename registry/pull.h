/* Pulling an image or an index into the local layout. Blobs that are there are skipped; every other one is verified while it
 * streams in. Manifests are stored after what they name, so that an interrupted pull leaves nothing half done. */
#ifndef WL_REGISTRY_PULL_H
#define WL_REGISTRY_PULL_H

#include <stdint.h>

#include "../tool/base/err.h"
#include "../tool/base/out.h"
#include "client.h"
#include "layout.h"
#include "oci.h"

#define WL_PULL_WORKERS 4            /* blobs on their way at the same time */
#define WL_PULL_MANIFESTS 256        /* manifests of one index */
#define WL_PULL_DEPTH 4              /* an index in an index ... */
#define WL_PULL_TEXT_MAX (16u << 20) /* bytes of all manifests together: they are kept until the blobs are there */

struct wl_pull_result {
    struct wl_arena arena;
    struct wl_oci_descriptor root; /* what the tag stands for, or of an index the manifest that was chosen */
    size_t fetched, there;         /* blobs */
    uint64_t bytes_fetched;
};
void wl_pull_result_release(struct wl_pull_result *r);

/* platform NULL: everything that the tag stands for. Otherwise the one manifest of an index that fits: same os, architecture and
 * variant, else the one without variant; none: the error lists what there is. The layout must be open for writing. Nothing is
 * tagged. progress may be NULL. */
int wl_pull(struct wl_client *c, struct wl_layout *layout, const char *tag_or_digest,
            const struct wl_oci_platform *platform, const struct wl_progress *progress, struct wl_pull_result *ret,
            struct wl_err *err);

/* The manifest of an index for a platform: exact, else without a variant; none: the error lists what there is. */
int wl_pull_choose(const char *name, const struct wl_oci_index *x, const struct wl_oci_platform *platform,
                   const struct wl_oci_descriptor **ret, struct wl_err *err);

#endif
