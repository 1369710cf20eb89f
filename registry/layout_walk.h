/* What an entry of a layout reaches: the one traversal behind gc, sizes, save and load. */
#ifndef WL_REGISTRY_LAYOUT_WALK_H
#define WL_REGISTRY_LAYOUT_WALK_H

#include "layout.h"
#include "oci.h"

enum wl_layout_role { WL_ROLE_INDEX, WL_ROLE_MANIFEST, WL_ROLE_CONFIG, WL_ROLE_LAYER, WL_ROLE_OTHER };

/* Gets each document after its bytes were verified (m or x is set then and lives until the walk ends), configs and
 * layers unread. A blob that two manifests share comes twice. -1 stops the walk with its error. */
struct wl_layout_item {
    enum wl_layout_role role;
    const struct wl_oci_descriptor *d;
    const struct wl_oci_manifest *m; /* role MANIFEST */
    const struct wl_oci_index *x;    /* role INDEX */
};
typedef int wl_layout_visit(void *arg, const struct wl_layout_item *item, struct wl_err *err);

/* Visits the manifest or index (which must be there), then what it names, in order. Manifests of an index that are not in the
 * layout (platforms that were never fetched) are passed over; so are entries of an unknown type, as WL_ROLE_OTHER. */
int wl_layout_walk(const struct wl_layout *l, const struct wl_layout_entry *entry, wl_layout_visit *visit, void *arg,
                   struct wl_err *err);

/* True when all that the entry reaches is there, by name and size (the documents verified, the other bytes not read). */
bool wl_layout_complete(const struct wl_layout *l, const struct wl_layout_entry *entry);

/* What `wlpack images` says about an entry. */
struct wl_image_info {
    struct wl_strv platforms; /* "wasi/wasm", "wasi/wasm/x86_64"; of an index those that are there */
    uint64_t size;            /* of all blobs reached, each once */
    char *created;            /* of the first configuration; NULL when it does not say */
    bool is_index;
};
int wl_image_info(const struct wl_layout *l, const struct wl_layout_entry *entry, struct wl_image_info *ret,
                  struct wl_err *err);
void wl_image_info_release(struct wl_image_info *i);

/* Copies what the entry reaches, verified; `to` is open for writing. Blobs that are there already are not read. */
int wl_layout_copy_blobs(const struct wl_layout *from, const struct wl_layout_entry *entry, const struct wl_layout *to,
                         struct wl_err *err);
/* Copies what the entry reaches, verified, and tags it in `to` (open for writing) under `name` (NULL: its own). Blobs that are
 * there already are not read. */
int wl_layout_copy(const struct wl_layout *from, const struct wl_layout_entry *entry, const struct wl_layout *to,
                   const char *name, struct wl_err *err);

#endif
