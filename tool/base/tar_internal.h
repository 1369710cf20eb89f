/* Between tar_extract.c, which unpacks, and tar_child.c, which lets a child do it. */
#ifndef WL_BASE_TAR_INTERNAL_H
#define WL_BASE_TAR_INTERNAL_H

#include "tar.h"

/* Unpacks into the existing, empty folder spec->dest, in this process. What it made stays when it fails. */
int wl_tar_extract_here(const struct wl_tar_extract *spec, struct wl_tar_stats *ret, struct wl_err *err);

#endif
