/* Archives that `docker save` wrote before version 25, and that skopeo and podman still write as docker-archive: manifest.json,
 * configurations, layers as plain tars. */
#ifndef WL_RUN_DOCKER_ARCHIVE_H
#define WL_RUN_DOCKER_ARCHIVE_H

#include "../../registry/layout.h"
#include "../base/err.h"

#define WL_DOCKER_IMAGES 256 /* images of one archive */

/* Makes OCI images, each under its names, in the layout (open for writing) out of an archive that was unpacked into dir. Layers
 * become gzip; each must unpack to what its configuration says. The configuration's bytes stay. An image without a name gets
 * none. */
int wl_docker_archive_read(const char *dir, const struct wl_layout *to, struct wl_err *err);

#endif
