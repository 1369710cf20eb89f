/* Pushing an image or an index of the local layout: blobs in parallel (what is there is skipped), then manifests, an index
 * after its manifests, the tag last; then what the tag stands for is read back. A manifest with a subject is filed under the fallback
 * tag where the registry does not do that itself (see referrers.h). */
#ifndef WL_REGISTRY_PUSH_H
#define WL_REGISTRY_PUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "../tool/base/err.h"
#include "../tool/base/out.h"
#include "client.h"
#include "layout.h"
#include "oci.h"

#define WL_PUSH_WORKERS 4      /* blobs on their way at the same time */
#define WL_PUSH_MANIFESTS 1024 /* manifests below one index, all levels */
#define WL_PUSH_DEPTH 4        /* an index in an index ... */

enum wl_push_flags {
    WL_PUSH_DRY_RUN = 1, /* look what is there, send nothing */
};

/* One thing that was looked at, for --dry-run and --json. */
struct wl_push_item {
    struct wl_oci_descriptor d; /* strings owned by the result's arena */
    bool manifest;              /* a manifest or an index; else a blob */
    bool there;                 /* was there already */
    bool has_subject;           /* a manifest that refers to another one */
    struct wl_digest subject;
};

struct wl_push_result {
    struct wl_arena arena;
    struct wl_push_item *items; /* in the order in which they are sent */
    size_t n_items;
    size_t sent, there;  /* blobs */
    uint64_t bytes_sent; /* of blobs */
};
void wl_push_result_release(struct wl_push_result *r);

/* Pushes the manifest or index that root names to the client's repository, under a tag ("" for by digest only). Every
 * blob is verified on its way out. progress may be NULL. */
int wl_push(struct wl_client *c, const struct wl_layout *layout, const struct wl_oci_descriptor *root, const char *tag,
            unsigned flags, const struct wl_progress *progress, struct wl_push_result *ret, struct wl_err *err);

#endif
