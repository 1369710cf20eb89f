/* Application images: the files of an app.json as a layer over every manifest of a base. Prints nothing. */
#ifndef WL_RUN_APP_H
#define WL_RUN_APP_H

#include "../../registry/layout.h"
#include "../model/app.h"
#include "../stages/image_over.h"
#include "git.h"

#define WL_APP_NAMES 16 /* names that one image may get */

/* Strings are borrowed. */
struct wl_app_spec {
    const struct wl_app *app;
    const struct wl_files *files;
    const struct wl_over_base *base;
    const char *base_name; /* for the annotation; NULL for scratch */
    const struct wl_git *git;
    const char *const *names; /* local names to tag, at least one, each with its tag */
    const char *const *platforms;
    const char *format;      /* NULL: oci */
    const char *compression; /* NULL: gzip */
    bool attest;             /* attach SBOM and provenance */
};

struct wl_app_result {
    struct wl_arena arena;
    struct wl_oci_descriptor d;
    struct wl_image_result image;
    bool has_layer;
    struct wl_layer_result layer;
    int64_t epoch;
};
void wl_app_result_release(struct wl_app_result *r);

/* Writes layer, configurations, manifests, index, sets the names, and attaches SBOM and provenance. The layout is open for writing and holds the base. */
int wl_app_make(const struct wl_app_spec *s, const struct wl_layout *layout, struct wl_app_result *ret,
                struct wl_err *err);

/* Puts collected files into a layer. */
struct wl_layer;
void wl_app_fill_layer(struct wl_layer *l, const struct wl_files *files);

/* The number of a format of wl_app_formats; NULL is "oci". Names that are none: a usage error. */
int wl_app_format(const char *name, enum wl_over_format *ret, struct wl_err *err);

/* The entry of what *d describes, to be released; name may be NULL. */
struct wl_layout_entry wl_app_entry(const struct wl_oci_descriptor *d, const char *name);
/* Gives what *d describes one more local name. */
int wl_app_tag(const struct wl_layout *l, const struct wl_oci_descriptor *d, const char *name, struct wl_err *err);

#endif
