/* Attestations of the images that a build makes: what went into them, from the recipe, its series and scripts, and the kits. */
#ifndef WL_RUN_ATTEST_H
#define WL_RUN_ATTEST_H

#include "../../registry/layout.h"
#include "../model/home.h"
#include "../stages/attest.h"

/* What a build of the recipe would be made from here and now: recipe, flavour and materials of *ret; subject and image stay empty. For
 * `verify`, to hold against what a statement says. */
int wl_attest_here(const struct wl_home *home, const char *id, const char *flavour, struct wl_attest *ret,
                   struct wl_err *err);

/* Attaches SBOM and provenance to the subject, which is in the layout (open for writing), in place of earlier ones. */
int wl_attest_attach(const struct wl_attest *a, const struct wl_layout *l, const struct wl_oci_descriptor *subject,
                     struct wl_err *err);

/* The same for one document: its type (both of the referrer and of its layer) and, of a statement, the predicate's type (else NULL). */
int wl_attest_attach_one(const struct wl_layout *l, const struct wl_oci_descriptor *subject, const char *type,
                         const struct wl_buf *text, const char *predicate, struct wl_err *err);

/* Who builds, by $WLPACK_BUILDER_ID; NULL when it does not say. */
const char *wl_attest_builder(void);

#endif
