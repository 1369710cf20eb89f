/* What a library recipe installs, and what the recipes that need it see of that.
 *
 * The commands of a library install into an empty folder, ${out}. What is kept of it is the same wherever it was built:
 * pkg-config files get a prefix relative to themselves, times are fixed, and what no dependent can use (programs, manuals,
 * libtool's .la files) is dropped. A dependent's commands see the trees of all its libraries in one folder, ${deps}. */
#ifndef WL_STAGES_LIBRARY_H
#define WL_STAGES_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

struct wl_library_stats {
    uint64_t files, bytes;
    unsigned archives; /* static libraries */
};

/* Puts what stands in `out` into the folder `dir` (created). Fails with WL_RECIPE when neither include/ nor lib/ has a
 * file, and for what could not be used elsewhere: a shared object, a link that leads out of the tree, a file that names
 * `work` (the build's folder), anything but files, folders and links. */
int wl_library_collect(const char *out, const char *work, const char *dir, struct wl_library_stats *ret,
                       struct wl_err *err);

struct wl_library_tree {
    const char *id;   /* recipe, for errors */
    const char *path; /* what wl_library_collect made */
};

/* Copies all trees into the folder `dir` (created). A file that two of them bring is a WL_RECIPE error that names both. */
int wl_library_union(const struct wl_library_tree *v, size_t n, const char *dir, struct wl_err *err);

#endif
