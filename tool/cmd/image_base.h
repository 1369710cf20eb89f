/* What an application image stands on: found in the local store, pulled, or built. */
#ifndef WL_CMD_IMAGE_BASE_H
#define WL_CMD_IMAGE_BASE_H

#include <stdbool.h>

#include "../../registry/layout.h"
#include "../model/app.h"
#include "../model/home.h"
#include "../stages/image_over.h"

struct wl_image_base {
    struct wl_over_base over; /* empty for scratch */
    char *name;               /* for people and for the annotation; NULL for scratch */
};
void wl_image_base_release(struct wl_image_base *b);

enum wl_image_base_flags {
    WL_BASE_PULL = 1,    /* pull even when it is here */
    WL_BASE_OFFLINE = 2, /* neither pull nor fetch */
    WL_BASE_PLAIN_HTTP = 4,
};

/* base: "scratch"; the name of a recipe (built first, which does nothing when it is); an image of the local store; else
 * HOST/PATH[:TAG][@DIGEST], pulled. The layout is $WLPACK_HOME/oci, open for writing. */
int wl_image_base_find(struct wl_home *home, const struct wl_layout *l, const struct wl_app *app, const char *base,
                       unsigned flags, struct wl_image_base *ret, struct wl_err *err);

#endif
