/* Images as one file or folder, to carry from one store to another.
 *
 * An oci-archive is a tar of an OCI image layout. A docker-archive here is the same with a manifest.json that points into
 * it (what docker save writes since version 25), so that skopeo, podman and docker load either reading of it. The bytes
 * depend on the images only. */
#ifndef WL_REGISTRY_LAYOUT_ARCHIVE_H
#define WL_REGISTRY_LAYOUT_ARCHIVE_H

#include "layout.h"

/* The image's full name, for containerd and docker. */
#define WL_ARCHIVE_CONTAINERD_NAME "io.containerd.image.name"

enum wl_archive_format { WL_ARCHIVE_OCI, WL_ARCHIVE_DOCKER };

/* Writes the images to a file, by rename. Every blob is verified on the way. */
int wl_archive_save(const struct wl_layout *l, const struct wl_layout_entries *images, enum wl_archive_format format,
                    const char *path, struct wl_err *err);

/* The local name that an entry of somebody's layout asks for: its ref.name, or containerd's name without docker.io's prefix where that says
 * something else (docker writes the tag alone as ref.name); a new string, or NULL when it has none that is a valid name. */
char *wl_archive_name(const struct wl_layout_entry *entry);

#endif
