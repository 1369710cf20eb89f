/* Whether the program that an application image starts is there. */
#ifndef WL_RUN_APP_ENTRY_H
#define WL_RUN_APP_ENTRY_H

#include "app.h"

/* Fails (WL_RECIPE) when the entrypoint that app.json names is neither among the files nor in a base's layers: over scratch at once, else in
 * any of the parts that were chosen for the platforms. Layers are looked through from the top, and only as far as that takes. A layer that
 * cannot be read, or a link on the way to the program, is taken for a program that is there. Not for a Wasm artifact, which has no layers. */
int wl_app_check_entrypoint(const struct wl_app_spec *s, const struct wl_over_choice *choices, size_t n,
                            const struct wl_layout *layout, struct wl_err *err);

#endif
