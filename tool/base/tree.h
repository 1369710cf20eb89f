/* Trees of files: walking, copying with times, and telling what changed. Links are never followed. */
#ifndef WL_BASE_TREE_H
#define WL_BASE_TREE_H

#include <stdint.h>
#include <sys/stat.h>

#include "buf.h"
#include "err.h"

/* Most entries and deepest nesting that a walk accepts. */
#define WL_TREE_ENTRIES 1000000u
#define WL_TREE_DEPTH 100

/* Called for every entry below the root: rel is its path from the root ("a/b"). Returning -1 (with *err set) ends the walk. */
typedef int wl_tree_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err);

/* Visits every entry below root, in byte order within each folder; a folder comes before what is in it. The root itself is not
 * visited. */
int wl_tree_walk(const char *root, wl_tree_visit *visit, void *arg, struct wl_err *err);

/* Copies one entry (regular file, folder, symbolic link) from root/rel to to/rel with its mode and modification time; a folder's
 * contents are not copied. Parents must exist. What is there is replaced. Anything else (a device, a socket) is an error. */
int wl_tree_copy_one(const char *root, const char *to, const char *rel, const struct stat *st, struct wl_err *err);

/* Copies the contents of `from` into the folder `to` (created). Modes and modification times stay; folders are writable. */
int wl_tree_copy(const char *from, const char *to, struct wl_err *err);

/* Gives every entry (links, too) this modification time, and an access time of 1970, so that a later read shows on file
 * systems that keep access times at all (relatime does). */
int wl_tree_stamp(const char *root, int64_t mtime, struct wl_err *err);

/* Bytes on disk and number of entries of a tree; what cannot be read counts as nothing. */
void wl_tree_usage(const char *root, uint64_t *ret_bytes, uint64_t *ret_entries);

#endif
