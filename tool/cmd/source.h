/* Images outside of the local store, as skopeo writes them: oci:DIR[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME]. */
#ifndef WL_CMD_SOURCE_H
#define WL_CMD_SOURCE_H

#include <stdbool.h>

#include "../../registry/layout.h"
#include "../model/home.h"

enum wl_source_kind { WL_SOURCE_NONE, WL_SOURCE_OCI, WL_SOURCE_OCI_ARCHIVE, WL_SOURCE_DOCKER_ARCHIVE };

/* The kind that a prefix says; *ret_rest: what stands behind it. NONE: no prefix. */
enum wl_source_kind wl_source_kind(const char *s, const char **ret_rest);
/* Splits PATH[:NAME] at the first ':' behind which no existing file or folder goes on; new strings, *ret_name NULL without. */
void wl_source_split(const char *rest, char **ret_path, char **ret_name);

struct wl_source {
    struct wl_layout l;
    struct wl_layout_entries images; /* all (without referrers, layout_referrers.h), or the one that :NAME names */
};
#define WL_SOURCE_INIT {.l = WL_LAYOUT_INIT}
void wl_source_release(struct wl_source *s);

/* Opens one of the forms above, or a plain path: a folder is a layout, a file an archive of either kind, and so is a pipe
 * and "-", standard input. Archives are unpacked into the home's temporary folder. Nothing is verified yet but what unpacking needs. The error names path and NAME. */
int wl_source_open(struct wl_home *home, const char *s, struct wl_source *ret, struct wl_err *err);

#endif
