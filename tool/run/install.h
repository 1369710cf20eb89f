/* Installing a kit from its upstream's release, as the recipe kit-NAME says. */
#ifndef WL_RUN_INSTALL_H
#define WL_RUN_INSTALL_H

#include "../base/err.h"
#include "../model/home.h"
#include "../model/kit.h"
#include "build.h"

/* Downloads the archive for this machine (checked by its sha256), unpacks it into kits/NAME-VERSION and writes kit.json; the
 * folder appears whole or not at all. An installed one of that version stays. *ret is the installed kit. */
int wl_kit_install(struct wl_home *home, const char *name, const struct wl_build_options *o,
                   const struct wl_build_events *ev, struct wl_kit *ret, struct wl_err *err);

#endif
