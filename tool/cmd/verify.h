/* What `verify` looks at, check by check, over a layout that holds the image and its referrers. */
#ifndef WL_CMD_VERIFY_H
#define WL_CMD_VERIFY_H

#include <stdbool.h>

#include "../../registry/client.h"
#include "../../registry/layout.h"
#include "../base/signature.h"
#include "../model/home.h"

#define WL_VERIFY_CHECKS 16 /* most checks of one run */

struct wl_verify_check {
    const char *name; /* "digests", "provenance", "recipe" or "base", "sbom", "files", "signature" */
    bool ok;
    char *detail;
};

/* One verification. The borrowed members are set by the verb; checks are appended. */
struct wl_verify {
    const struct wl_home *home;
    struct wl_layout *layout;          /* open for writing when client is set */
    struct wl_client *client;          /* NULL: a local image */
    const struct wl_oci_descriptor *d; /* the image's manifest or index */
    const struct wl_sign_key *key;     /* NULL: signatures are not looked at */
    bool recipe;                       /* hold the provenance against the recipe that is here */
    struct wl_layout_entries referrers;
    struct wl_strv notes; /* worth telling, no failure */
    struct wl_verify_check checks[WL_VERIFY_CHECKS];
    size_t n_checks;
};
void wl_verify_release(struct wl_verify *v);

/* Runs all checks. 0: all were made, whatever they say; -1: one could not be made (the network, the disk). */
int wl_verify_run(struct wl_verify *v, struct wl_err *err);
/* True when every check was passed. */
bool wl_verify_ok(const struct wl_verify *v);

/* Adds a check; detail is a malloc'ed string, owned from now on. */
void wl_verify_check(struct wl_verify *v, const char *name, bool ok, char *detail);

/* The checks of an application's image (verify_app.c): that its layers stand on those of the base that the provenance names, as far
 * as the base is in the local store; that the files in its layer are those that the SBOM lists, no more and no less. sbom NULL:
 * there is none that could be read. */
struct wl_attest;
struct wl_sbom;
void wl_verify_app(struct wl_verify *v, const struct wl_attest *said, const struct wl_sbom *sbom);

#endif
