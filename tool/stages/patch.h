/* The patch stage: applies a series to an unpacked tree with GNU patch. */
#ifndef WL_STAGES_PATCH_H
#define WL_STAGES_PATCH_H

#include "../base/err.h"
#include "../model/series.h"

/* Applies every patch of the series to the tree, in order, with fuzz 0 (-p1). A patch that does not apply is a
 * WL_RECIPE error that names the patch and the file it is for and shows the hunk that failed. The tree is then half
 * patched: the caller works in a temporary folder and drops it. What patch says is written to log_path (NULL:
 * dropped). No backups or rejects are left in the tree. */
int wl_stage_patch(const char *tree, const struct wl_series *series, const char *log_path, struct wl_err *err);

#endif
