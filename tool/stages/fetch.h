/* The fetch stage: a source archive by its sha256, from the store, a mirror or its URLs. */
#ifndef WL_STAGES_FETCH_H
#define WL_STAGES_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/err.h"
#include "../base/out.h"
#include "../model/home.h"

#define WL_FETCH_MAX ((uint64_t)2 << 30) /* largest archive, unless the spec says less */

struct wl_fetch {
    const char *owner;          /* the recipe, for `wlpack fetch OWNER` in errors */
    const char *file;           /* its name in mirrors */
    const char *sha256;         /* 64 lower-case hex digits */
    const char *const *urls;    /* tried in order; NULL-terminated; may be NULL */
    const char *const *mirrors; /* folders or http(s) URLs, tried before the URLs; NULL-terminated; may be NULL */
    bool offline;               /* mirrors that are folders only */
    uint64_t max_size;          /* 0: WL_FETCH_MAX */
    const struct wl_progress *progress;
    struct wl_strv *notes; /* lines worth a warning are added (a place that had a wrong file); may be NULL */
};

/* The verified file's path under sources/ (a new string). Looks there first; an archive there whose digest is wrong by now is
 * dropped with a note and fetched again.
 * A download is resumed where an earlier one broke. A file with a wrong checksum is removed and the next place is tried.
 * Fails with WL_NET when no place has it (each one is named with its reason), with WL_FAILED when the checksum was
 * wrong (URL, expected and got). */
int wl_stage_fetch(struct wl_home *home, const struct wl_fetch *f, char **ret_path, struct wl_err *err);

/* Whether it is in sources/ already (by name; its bytes are checked when they are used). */
bool wl_fetch_has(const struct wl_home *home, const char *sha256);
/* Where it is or would be; a new string. */
char *wl_fetch_path(const struct wl_home *home, const char *sha256);

/* The mirrors to try, in order: `given` (--mirror; may be NULL), else WLPACK_MIRROR; then the home's and the default home's
 * mirror folder where they exist. */
void wl_fetch_mirrors(const struct wl_home *home, const char *given, struct wl_strv *ret);

#endif
