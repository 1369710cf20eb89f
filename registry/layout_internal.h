/* Inside the layout: changing index.json. */
#ifndef WL_REGISTRY_LAYOUT_INTERNAL_H
#define WL_REGISTRY_LAYOUT_INTERNAL_H

#include <sys/stat.h>

#include "layout.h"

/* Locks index.json and reads it; *ret_lock is held until closed. The layout must be open for writing. */
int wl_layout_change_begin(const struct wl_layout *l, struct wl_layout_entries *ret, int *ret_lock, struct wl_err *err);
/* Sorts the entries and replaces index.json. */
int wl_layout_change_write(const struct wl_layout *l, struct wl_layout_entries *e, struct wl_err *err);

/* Seals (layout_seal.c), in a layout that was opened with WL_LAYOUT_SEALED: DIR/.seals/<64 hex> says that the blob's bytes had this digest when
 * they were written or last read to their end, and by device, inode, size and times that the file has not been changed since - not within
 * the clock's tick either, unless somebody else wrote to it within a few milliseconds behind the rename. Small blobs have none: hashing them
 * costs less. A seal that cannot be written or read is none.
 * put: st is of the blob's file, as it was before it was read. drop: the blob has gone. */
#define WL_SEAL_MIN (1 << 20) /* bytes of the smallest blob that has one */
void wl_seal_put(const struct wl_layout *l, const struct wl_digest *d, const struct stat *st);
bool wl_seal_holds(const struct wl_layout *l, const struct wl_digest *d, const struct stat *st);
void wl_seal_drop(const struct wl_layout *l, const struct wl_digest *d);

#endif
