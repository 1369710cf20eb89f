/* Keeping what a configure script did, and telling when it need not run again.
 *
 * A configure run is kept as the difference it made to the tree (files written, names removed), together with what it read:
 * every file whose access time moved, by digest, and the list of all names in the tree. When a later tree has the same
 * names and the same bytes in those files, and command, environment, kit and folder are the same, a run would do the
 * same again: the difference is laid over the tree instead. A patch that touches code which configure never looked at thus
 * costs no configure. Where the file system keeps no access times, nothing is reused beyond the very same tree. */
#ifndef WL_STAGES_CONFIGURE_H
#define WL_STAGES_CONFIGURE_H

#include <stdbool.h>

#include "../base/digest.h"
#include "../base/err.h"
#include "../base/mem.h"

/* Modification time of every source file before configure and compile run (9 Sep 2001): equal times keep make from
 * regenerating what a release ships generated, and let a file that configure wrote be told from one that it did not. */
#define WL_CONFIGURE_MTIME 1000000000

struct wl_tree_file {
    const char *path;
    struct wl_digest digest; /* of a file's bytes or a link's target; zero for folders */
    char type;               /* 'f', 'l', 'd' */
};

/* A tree before configure: every entry, sorted by path as a walk gives them. */
struct wl_tree_state {
    struct wl_tree_file *v;
    size_t n, cap;
    struct wl_digest names; /* over all paths and types */
    struct wl_arena arena;
};
void wl_tree_state_release(struct wl_tree_state *s);

/* Notes the state of the tree and stamps its times (wl_tree_stamp). */
int wl_configure_before(const char *tree, struct wl_tree_state *ret, struct wl_err *err);

/* After the run: puts the difference into the empty folder `into` (delta/..., removed, read). *ret_traced is false when access
 * times are not kept here: then the result serves only the very same tree. */
int wl_configure_keep(const char *tree, const struct wl_tree_state *before, const char *into, bool *ret_traced,
                      struct wl_err *err);

/* True when a kept result (the folder that wl_configure_keep filled) holds for a tree in this state. */
bool wl_configure_holds(const char *kept, const struct wl_tree_state *tree);

/* Lays a kept result over a tree that was stamped. */
int wl_configure_apply(const char *kept, const char *tree, struct wl_err *err);

#endif
