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
#define WL_ATTEST_BUILD_TYPE "urn:wlpack:build:v1" /* buildDefinition.buildType of a recipe's image */
#define WL_ATTEST_APP_TYPE "urn:wlpack:image:v1"   /* and of an application's */
#define WL_ATTEST_BUILDER "urn:wlpack:builder"     /* runDetails.builder.id where nobody says another */
#define WL_ATTEST_MATERIALS 4096                   /* most materials of a statement that is read */
#define WL_ATTEST_FILES 20000                      /* most files that an SBOM lists one by one */

enum wl_material_role {
    WL_MATERIAL_SOURCE, /* the archive that was compiled */
    WL_MATERIAL_PATCH,
    WL_MATERIAL_SCRIPT,
    WL_MATERIAL_KIT,  /* a toolchain, by its identity */
    WL_MATERIAL_BASE, /* of an application: the image that it stands on, by its manifest or index */
    WL_MATERIAL_GIT,  /* the repository that its files come from, by the commit */
    WL_MATERIAL_APP,  /* its app.json */
    WL_MATERIAL_IMAGE /* of an image in another form (push --platform ...): the one that it was made from */
};
const char *wl_material_role_name(enum wl_material_role r); /* "source" ... */
bool wl_material_role_parse(const char *s, enum wl_material_role *ret);

/* One thing that went in. `of`: the recipe that it belongs to ("php-7.4.33", "zlib-1.3.1"), or the application. */
struct wl_material {
    enum wl_material_role role;
    const char *of;
    const char *name;    /* "php-7.4.33.tar.xz", "0001-compat.patch", "wasi-sdk", "php:7.4.33-cli" */
    const char *version; /* sources and kits; else NULL */
    const char *uri;     /* where it comes from; NULL: not said */
    const char *license; /* SPDX expression; NULL: not said */
    const char *commit;  /* GIT, in hex, instead of the digest */
    struct wl_digest digest;
};

/* A file of an application. */
struct wl_attest_file {
    const char *name; /* in the image, relative to its root */
    struct wl_digest digest;
    struct wl_sha1_sum sha1; /* SPDX wants it */
};

enum wl_attest_kind { WL_ATTEST_BUILD, WL_ATTEST_APP };

/* The form that an image was given after it was built, as it was asked for; NULL: that stayed as it was. */
struct wl_attest_form {
    const char *platform; /* "wasip1/wasm,linux/amd64" */
    const char *format, *compression;
    const char *built_by; /* runDetails.builder.id of the image before; NULL: there is no such form */
};

/* Strings are borrowed; those that parse gives live in the arena. A zeroed struct is empty. */
struct wl_attest {
    struct wl_arena arena;
    enum wl_attest_kind kind;
    const char *recipe;  /* id: "php-7.4.33"; of an application its title, "shop" */
    const char *flavour; /* BUILD: "wasi" */
    const char *image;   /* BUILD: name of the image among the recipe's: "cli" */
    const char *base, *format,
        *compression;         /* APP: as app.json or the command line say them; compression may be NULL */
    const char *subject_name; /* local reference: "php:7.4.33-cli" */
    struct wl_digest subject; /* of its manifest or index */
    const char *name, *version, *license, *homepage;
    const char *builder; /* NULL: WL_ATTEST_BUILDER */
    struct wl_attest_form form;
    int64_t epoch;
    const char *created; /* the same as RFC 3339 has it */
    struct wl_material *v;
    size_t n, cap;
    bool has_layer;         /* APP: it has files of its own, */
    struct wl_digest layer; /* in this blob */
    struct wl_attest_file *files;
    size_t n_files, cap_files;
    size_t n_unlisted; /* as many files and more than WL_ATTEST_FILES: none of them is listed */
};
void wl_attest_release(struct wl_attest *a);

/* Append a copy; its strings are copied into the arena. */
void wl_attest_add(struct wl_attest *a, const struct wl_material *m);
void wl_attest_add_file(struct wl_attest *a, const struct wl_attest_file *f);
/* The first material of a role, or NULL. */
const struct wl_material *wl_attest_find(const struct wl_attest *a, enum wl_material_role role);

/* Appends the document. */
void wl_attest_spdx(const struct wl_attest *a, struct wl_buf *out);
void wl_attest_provenance(const struct wl_attest *a, struct wl_buf *out);

/* Reads a provenance statement of ours: kind, what was asked for, subject, builder, layer and materials. `name` is what errors call it.
 * Anything else than in-toto Statement 1 with a SLSA 1.0 predicate of one of our build types is a WL_FAILED error. */
int wl_attest_parse(const char *name, struct wl_blob text, struct wl_attest *ret, struct wl_err *err);

/* An SBOM, as far as it can be checked. Strings live in the arena. */
struct wl_sbom {
    struct wl_arena arena;
    const char *version; /* "SPDX-2.3" */
    struct wl_digest subject;
    size_t n_packages;
    bool has_app; /* the application is one of the packages, its layer is this: */
    struct wl_digest layer;
    bool listed;                  /* and these are its files */
    struct wl_attest_file *files; /* sha1 is not read */
    size_t n_files;
};
void wl_sbom_release(struct wl_sbom *s);
/* Reads one; WL_FAILED when it is no SPDX 2 document, or its first package, the subject, has no SHA256. */
int wl_sbom_parse(const char *name, struct wl_blob text, struct wl_sbom *ret, struct wl_err *err);

/* An SBOM of ours for the same image in another form: `text` with the digests of the subject and of the application's layer replaced.
 * Neither can occur as anything else: what the image and the layer hold cannot contain their digests. Appended to *out. */
struct wl_sbom_change {
    struct wl_digest subject, new_subject;
    bool has_layer;
    struct wl_digest layer, new_layer;
};
void wl_sbom_rewrite(struct wl_blob text, const struct wl_sbom_change *c, struct wl_buf *out);

/* What differs between what a statement says and what is here, one line each ("patch 0001-compat.patch of php-7.4.33: sha256:.. in the
 * statement, sha256:.. here"); materials are matched by role, recipe and name; the image that another form was made from is none. Those of the kits go to *ret_kits: the same recipe may be
 * built with other kits. */
void wl_attest_diff(const struct wl_attest *said, const struct wl_attest *here, struct wl_strv *ret,
                    struct wl_strv *ret_kits);

#endif
