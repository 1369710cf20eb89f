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
    bool mounted;               /* linked from another repository of the registry */
    bool has_subject;           /* a manifest that refers to another one */
    struct wl_digest subject;
};

struct wl_push_result {
    struct wl_arena arena;
    struct wl_push_item *items; /* in the order in which they are sent */
    size_t n_items;
    size_t sent, there, mounted; /* blobs */
    uint64_t bytes_sent;         /* of blobs */
};
void wl_push_result_release(struct wl_push_result *r);

/* Where a push takes things from: a layout, another registry. Functions may be called by several threads at once, manifest by one. */
struct wl_push_source {
    /* Appends the bytes of a manifest or index, verified against d. */
    int (*manifest)(void *arg, const struct wl_oci_descriptor *d, struct wl_buf *ret, struct wl_err *err);
    /* Uploads a blob that `to` does not have, or (send false) says whether it could. */
    int (*blob)(void *arg, struct wl_client *to, const struct wl_oci_descriptor *d, bool send, const char *mount_from,
                const struct wl_progress *progress, bool *ret_mounted, struct wl_err *err);
    /* A repository of the target's registry that has the blob as far as is known here; NULL: unknown. May be NULL. The string lives
     * as long as the source. */
    const char *(*mount_from)(void *arg, const struct wl_oci_descriptor *d);
    void *arg;
    enum wl_oci_origin origin; /* whose fault a bad document is */
};

/* Pushes the manifest or index that root names to the client's repository, under a tag ("" for by digest only). progress may be
 * NULL. A tag that cannot be written because it already stands for these very bytes (an immutable tag) is success. */
int wl_push_from(struct wl_client *c, const struct wl_push_source *from, const struct wl_oci_descriptor *root,
                 const char *tag, unsigned flags, const struct wl_progress *progress, struct wl_push_result *ret,
                 struct wl_err *err);

/* The same from a layout. Every blob is verified on its way out. Blobs that other images of the layout named
 * "HOST/PATH:TAG", of the same registry, have as well are mounted from there. */
int wl_push(struct wl_client *c, const struct wl_layout *layout, const struct wl_oci_descriptor *root, const char *tag,
            unsigned flags, const struct wl_progress *progress, struct wl_push_result *ret, struct wl_err *err);

#endif
