/* `wlpack inspect` of an image: its documents and the files of its layers, all verified on the way. */
#ifndef WL_CMD_INSPECT_IMAGE_H
#define WL_CMD_INSPECT_IMAGE_H

#include <stdbool.h>

#include "../../registry/layout.h"

/* Prints the image when all of it could be read. JSON: {"name", "digest", "mediaType", "index" (the document, for an
 * index), "manifests": [{"digest", "manifest", "config", "layers": [{"digest", "mediaType", "size", "files": [...]}]}]}. */
int wl_inspect_image(const struct wl_layout *l, const struct wl_layout_entry *e, bool json, struct wl_err *err);

#endif
