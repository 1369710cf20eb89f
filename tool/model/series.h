/* Patch series: patches/<series>/series names the patch files of that folder in order, one a line; empty lines and
 * lines that start with '#' are skipped. See patches/README.md. */
#ifndef WL_MODEL_SERIES_H
#define WL_MODEL_SERIES_H

#include <stdbool.h>

#include "../base/buf.h"
#include "../base/digest.h"
#include "../base/err.h"
#include "../base/mem.h"

#define WL_SERIES_BYTES (256 << 10) /* longest series file */
#define WL_SERIES_PATCHES 512       /* most patches in a series */
#define WL_PATCH_BYTES (16 << 20)   /* longest patch */

struct wl_patch {
    const char *name; /* "0001-netdb.patch" */
    const char *path;
    struct wl_digest digest;
};

/* A zeroed struct is an empty series. */
struct wl_series {
    struct wl_patch *v;
    size_t n;
    struct wl_arena arena;
};

/* Reads dir/series and digests the patches. dir NULL gives an empty series. Errors (WL_RECIPE) read "file:line:
 * message": names that are no plain file names, that stand twice or that do not exist. */
int wl_series_load(struct wl_series *ret, const char *dir, struct wl_err *err);
void wl_series_release(struct wl_series *s);

/* The names alone, from the text of a series file; `name` is what errors call it. */
int wl_series_parse(struct wl_strv *ret, const char *name, const char *text, size_t len, struct wl_err *err);

/* Checks a patch's header for lint: a Description and a Forwarded field before the first hunk (DEP-3). */
int wl_patch_check_header(const char *name, const char *text, size_t len, struct wl_err *err);

/* Checks a whole series folder for lint: headers, and no patch file that the series does not name. */
int wl_series_lint(const char *dir, struct wl_err *err);

#endif
