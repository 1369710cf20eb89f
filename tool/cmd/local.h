/* What the verbs of the local store share: opening it, and telling its images. */
#ifndef WL_CMD_LOCAL_H
#define WL_CMD_LOCAL_H

#include <stdbool.h>

#include "../../registry/layout_walk.h"
#include "../base/json.h"

/* Opens $WLPACK_HOME/oci. For reading, a store that was never written gives *ret_there false and success; for writing
 * (WL_LAYOUT_CREATE) it is made and ret_there may be NULL. */
int wl_local_open(struct wl_layout *ret, unsigned flags, bool *ret_there, struct wl_err *err);

/* A JSON document as a value of its own: text is checked, then written as it stands. */
int wl_local_json_doc(struct wl_jw *w, const char *name, const struct wl_buf *text, struct wl_err *err);

/* The entries of a layout as records, or as one JSON array. A damaged image is a record that says so; the error (of the first one)
 * is returned at the end. */
int wl_local_print_entries(const struct wl_layout *l, bool json, struct wl_err *err);

/* {"name": ..., "digest": ..., "mediaType": ...}; NULL ones are left out. */
void wl_local_json_name(struct wl_jw *w, const char *name, const struct wl_digest *digest, const char *media_type);

#endif
