/* Inside the layout: changing index.json. */
#ifndef WL_REGISTRY_LAYOUT_INTERNAL_H
#define WL_REGISTRY_LAYOUT_INTERNAL_H

#include "layout.h"

/* Locks index.json and reads it; *ret_lock is held until closed. The layout must be open for writing. */
int wl_layout_change_begin(const struct wl_layout *l, struct wl_layout_entries *ret, int *ret_lock, struct wl_err *err);
/* Sorts the entries and replaces index.json. */
int wl_layout_change_write(const struct wl_layout *l, struct wl_layout_entries *e, struct wl_err *err);

#endif
