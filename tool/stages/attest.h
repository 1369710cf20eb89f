/* What an image was made from, as documents that travel with it: an SBOM (SPDX 2.3, JSON) and provenance (SLSA 1.0 in an in-toto
 * Statement 1). Pure: the same facts always give the same bytes; the only time in them is the epoch.
 *
 * The documents become referrers of the image (registry/layout_referrers.h), so that its own digest does not depend on them. */
#ifndef WL_STAGES_ATTEST_H
#define WL_STAGES_ATTEST_H

#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/digest.h"
#include "../base/err.h"
#include "../base/mem.h"

#define WL_MT_SPDX "application/spdx+json"
#define WL_MT_INTOTO "application/vnd.in-toto+json"
#define WL_PREDICATE_SLSA "https://slsa.dev/provenance/v1"
#define WL_ATTEST_BUILD_TYPE "urn:wlpack:build:v1" /* buildDefinition.buildType */
#define WL_ATTEST_BUILDER "urn:wlpack:builder"     /* runDetails.builder.id where nobody says another */
#define WL_ATTEST_MATERIALS 4096                   /* most materials of a statement that is read */

enum wl_material_role {
    WL_MATERIAL_SOURCE, /* the archive that was compiled */
    WL_MATERIAL_PATCH,
    WL_MATERIAL_SCRIPT,
    WL_MATERIAL_KIT, /* a toolchain, by its identity */
    WL_MATERIAL_FILE /* a file of an application */
};
const char *wl_material_role_name(enum wl_material_role r); /* "source" ... */

/* One thing that went in. `of`: the recipe that it belongs to ("php-7.4.33", "zlib-1.3.1"; of an application "app"). */
struct wl_material {
    enum wl_material_role role;
    const char *of;
    const char *name;    /* "php-7.4.33.tar.xz", "0001-compat.patch", "wasi-sdk" */
    const char *version; /* sources and kits; else NULL */
    const char *uri;     /* where it comes from; NULL: not said */
    const char *license; /* SPDX expression; NULL: not said */
    struct wl_digest digest;
};

/* Strings are borrowed; those that parse gives live in the arena. A zeroed struct is empty. */
struct wl_attest {
    struct wl_arena arena;
    const char *recipe;       /* id: "php-7.4.33" */
    const char *flavour;      /* "wasi" */
    const char *image;        /* name of the image among the recipe's: "cli" */
    const char *subject_name; /* local reference: "php:7.4.33-cli" */
    struct wl_digest subject; /* of its manifest or index */
    const char *name, *version, *license, *homepage;
    const char *builder; /* NULL: WL_ATTEST_BUILDER */
    int64_t epoch;
    const char *created; /* the same as RFC 3339 has it */
    struct wl_material *v;
    size_t n, cap;
};
void wl_attest_release(struct wl_attest *a);

/* Appends a copy of *m; its strings are copied into the arena. */
void wl_attest_add(struct wl_attest *a, const struct wl_material *m);

/* Appends the document. */
void wl_attest_spdx(const struct wl_attest *a, struct wl_buf *out);
void wl_attest_provenance(const struct wl_attest *a, struct wl_buf *out);

/* Reads a provenance statement of ours: recipe, flavour, image, subject, builder and materials. `name` is what errors call it.
 * Anything else than in-toto Statement 1 with a SLSA 1.0 predicate of WL_ATTEST_BUILD_TYPE is a WL_FAILED error. */
int wl_attest_parse(const char *name, struct wl_blob text, struct wl_attest *ret, struct wl_err *err);

/* What differs between what a statement says and what is here, one line each ("patch 0001-compat.patch of php-7.4.33: sha256:.. in the
 * statement, sha256:.. here"); materials are matched by role, recipe and name. Those of the kits go to *ret_kits: the same recipe may be
 * built with other kits. */
void wl_attest_diff(const struct wl_attest *said, const struct wl_attest *here, struct wl_strv *ret,
                    struct wl_strv *ret_kits);

#endif
