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

enum wl_pull_flags {
    WL_PULL_DRY_RUN = 1, /* fetch the manifests, see what is missing, keep nothing */
};

struct wl_pull_item {
    struct wl_oci_descriptor d; /* strings owned by the result's arena */
    bool there;                 /* was in the layout before */
};

struct wl_pull_result {
    struct wl_arena arena;
    struct wl_oci_descriptor root; /* what the tag stands for, or of an index the manifest that was chosen */
    struct wl_pull_item *items;    /* blobs, then manifests, each behind what it names */
    size_t n_items;
    size_t fetched, there; /* blobs */
    uint64_t bytes_fetched;
};
void wl_pull_result_release(struct wl_pull_result *r);

/* flags: of wl_pull_flags. platform NULL: everything that the tag stands for. Otherwise the one manifest of an index that fits: same os, architecture and
 * variant, else the one without variant; none: the error lists what there is. The layout must be open for writing. Nothing is
 * tagged. progress may be NULL. */
int wl_pull(struct wl_client *c, struct wl_layout *layout, const char *tag_or_digest,
            const struct wl_oci_platform *platform, unsigned flags, const struct wl_progress *progress,
            struct wl_pull_result *ret, struct wl_err *err);

#define WL_PULL_REFERRERS_MAX 1024 /* that one image may bring along */
#define WL_PULL_REFERRERS_DEPTH 3  /* a signature of an SBOM of an image ... */

/* Pulls what is said about what root reaches in the layout (see wl_layout_all_referrers): referrers, and what is under digest tags
 * (digest_tag.h), both listed in index.json. *ret_n: how many. */
int wl_pull_referrers(struct wl_client *c, struct wl_layout *layout, const struct wl_oci_descriptor *root,
                      const struct wl_progress *progress, size_t *ret_n, struct wl_err *err);

/* The manifest of an index for a platform: exact, else without a variant; none: the error lists what there is. */
int wl_pull_choose(const char *name, const struct wl_oci_index *x, const struct wl_oci_platform *platform,
                   const struct wl_oci_descriptor **ret, struct wl_err *err);

#endif
