#include "verify.h"

#include <stdlib.h>
#include <string.h>

#include "../../registry/cosign.h"
#include "../../registry/layout_referrers.h"
#include "../../registry/layout_walk.h"
#include "../../registry/pull.h"
#include "../../registry/referrers.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../run/attest.h"

#define REFERRERS_MAX 64         /* referrers of one image that are looked at */
#define REFERRER_BYTES (1 << 20) /* longest manifest of one */
#define SHOWN 10                 /* differences that are told */

void wl_verify_release(struct wl_verify *v) {
    for (size_t i = 0; i < v->n_checks; i++)
        free(v->checks[i].detail);
    wl_strv_release(&v->notes);
    wl_layout_entries_release(&v->referrers);
}

bool wl_verify_ok(const struct wl_verify *v) {
    for (size_t i = 0; i < v->n_checks; i++)
        if (!v->checks[i].ok)
            return false;
    return v->n_checks > 0;
}

void wl_verify_check(struct wl_verify *v, const char *name, bool ok, char *detail) {
    if (v->n_checks < WL_VERIFY_CHECKS)
        v->checks[v->n_checks++] = (struct wl_verify_check){.name = name, .ok = ok, .detail = detail};
    else
        free(detail);
}

/* --- Digests ------------------------------------------------------------------------------------------------------ */

struct digests {
    const struct wl_layout *l;
    size_t n;
    uint64_t bytes;
};

static int visit(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    struct digests *d = arg;

    d->n++;
    d->bytes += item->d->size;
    if (item->role == WL_ROLE_INDEX || item->role == WL_ROLE_MANIFEST)
        return 0; /* the walk has read it */
    return wl_blob_verify(d->l, &item->d->digest, (int64_t)item->d->size, err);
}

/* A damaged blob is a finding, not an error of the run. */
static void check_digests(struct wl_verify *v) {
    struct digests d = {.l = v->layout};
    struct wl_layout_entry e = {.media_type = (char *)v->d->media_type, .digest = v->d->digest, .size = v->d->size};
    struct wl_err err;

    if (wl_layout_walk(v->layout, &e, visit, &d, &err) < 0)
        wl_verify_check(v, "digests", false, wl_strdup(err.msg));
    else
        wl_verify_check(v, "digests", true, wl_sprintf("%zu objects, %s", d.n, wl_size(d.bytes).s));
}

/* --- Referrers ---------------------------------------------------------------------------------------------------- */

/* Brings what refers to the image into the layout. */
static int fetch_referrers(struct wl_verify *v, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_descriptors list = {0};

    if (wl_referrers_list(v->client, &v->d->digest, NULL, &a, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.n && i < REFERRERS_MAX; i++) {
        const struct wl_oci_descriptor *d = &list.v[i];
        WL_AUTO(wl_pull_result_release) struct wl_pull_result pulled = {0};
        struct wl_layout_entry e = {.media_type = (char *)d->media_type,
                                    .digest = d->digest,
                                    .size = d->size,
                                    .artifact_type = (char *)d->artifact_type};

        if (wl_oci_kind(d->media_type) != WL_OCI_MANIFEST || d->size > REFERRER_BYTES)
            continue;
        if (wl_pull(v->client, v->layout, wl_digest_str(&d->digest).s, NULL, 0, NULL, &pulled, err) < 0 ||
            wl_layout_tag(v->layout, &e, err) < 0)
            return -1;
    }
    return 0;
}

/* The document of the first referrer of a type; false when there is none. */
static bool document(const struct wl_verify *v, const char *type, struct wl_buf *ret, struct wl_err *err) {
    for (size_t i = 0; i < v->referrers.n; i++) {
        WL_AUTO(wl_arena_release) struct wl_arena a = {0};
        const struct wl_layout_entry *e = &v->referrers.v[i];
        struct wl_oci_descriptor d = wl_layout_entry_descriptor(e);

        if (e->artifact_type && strcmp(e->artifact_type, type) == 0)
            return wl_layout_attached(v->layout, &d, &a, NULL, ret, err) == 0;
    }
    wl_fail(err, WL_FAILED, "none is attached");
    return false;
}

/* --- Provenance --------------------------------------------------------------------------------------------------- */

static void check_recipe(struct wl_verify *v, const struct wl_attest *said) {
    WL_AUTO(wl_attest_release) struct wl_attest here = {0};
    WL_AUTO(wl_strv_release) struct wl_strv differences = {0};
    WL_AUTO(wl_strv_release) struct wl_strv kits = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_err err;

    if (wl_attest_here(v->home, said->recipe, said->flavour, &here, &err) < 0) {
        wl_verify_check(v, "recipe", false, wl_sprintf("%s (--no-recipe leaves this check out)", err.msg));
        return;
    }
    wl_attest_diff(said, &here, &differences, &kits);
    for (size_t i = 0; i < kits.n; i++)
        wl_strv_add(&v->notes, kits.v[i]);
    for (size_t i = 0; i < differences.n && i < SHOWN; i++)
        wl_buf_addf(&text, "%s%s", i ? "; " : "", differences.v[i]);
    if (differences.n > SHOWN)
        wl_buf_addf(&text, "; and %zu more", differences.n - SHOWN);
    if (differences.n)
        wl_verify_check(v, "recipe", false, wl_buf_steal(&text));
    else
        wl_verify_check(v, "recipe", true, wl_sprintf("%s: %zu materials agree", said->recipe, said->n));
}

/* "shop over php:7.4.33-cli, git 0a1b..., built by ..."; a new string. */
static char *describe_app(const struct wl_attest *a) {
    const struct wl_material *git = wl_attest_find(a, WL_MATERIAL_GIT);

    return wl_sprintf("%s, over %s%s%s, built by %s", a->recipe, a->base, git ? ", git " : "",
                      !git           ? ""
                      : git->version ? git->version
                                     : git->commit,
                      a->builder);
}

/* An image in another form: which, of what, and who built that. */
static void note_form(struct wl_verify *v, const struct wl_attest *a) {
    const struct wl_attest_form *f = &a->form;
    const struct wl_material *image = NULL;

    for (size_t i = 0; i < a->n; i++)
        if (a->v[i].role == WL_MATERIAL_IMAGE)
            image = &a->v[i];
    if (f->built_by && image)
        wl_strv_addf(&v->notes, "made from %s by push%s%s%s%s%s%s, itself built by %s", wl_digest_str(&image->digest).s,
                     f->platform ? " --platform " : "", f->platform ? f->platform : "", f->format ? " --format " : "",
                     f->format ? f->format : "", f->compression ? " --compression " : "",
                     f->compression ? f->compression : "", f->built_by);
}

/* Reads the provenance into *ret; false when that is a failed check. */
static bool check_provenance(struct wl_verify *v, struct wl_attest *ret) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_err err;

    if (!document(v, WL_MT_INTOTO, &text, &err) || wl_attest_parse("provenance", wl_buf_blob(&text), ret, &err) < 0) {
        wl_verify_check(v, "provenance", false, wl_strdup(err.msg));
        return false;
    }
    if (!wl_digest_equal(&ret->subject, &v->d->digest)) {
        wl_verify_check(v, "provenance", false,
                        wl_sprintf("speaks of another image, %s", wl_digest_str(&ret->subject).s));
        return false;
    }
    note_form(v, ret);
    if (ret->kind == WL_ATTEST_APP)
        wl_verify_check(v, "provenance", true, describe_app(ret));
    else
        wl_verify_check(
            v, "provenance", true,
            wl_sprintf("%s, flavour %s, image %s, built by %s", ret->recipe, ret->flavour, ret->image, ret->builder));
    return true;
}

static bool check_sbom(struct wl_verify *v, struct wl_sbom *ret) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_err err;

    if (!document(v, WL_MT_SPDX, &text, &err) || wl_sbom_parse("SBOM", wl_buf_blob(&text), ret, &err) < 0) {
        wl_verify_check(v, "sbom", false, wl_strdup(err.msg));
        return false;
    }
    if (!wl_digest_equal(&ret->subject, &v->d->digest)) {
        wl_verify_check(v, "sbom", false, wl_sprintf("speaks of another image, %s", wl_digest_str(&ret->subject).s));
        return false;
    }
    if (ret->n_files)
        wl_verify_check(v, "sbom", true,
                        wl_sprintf("%s, %zu packages, %zu files", ret->version, ret->n_packages, ret->n_files));
    else
        wl_verify_check(v, "sbom", true, wl_sprintf("%s, %zu packages", ret->version, ret->n_packages));
    return true;
}

static void check_attestations(struct wl_verify *v) {
    WL_AUTO(wl_attest_release) struct wl_attest said = {0};
    WL_AUTO(wl_sbom_release) struct wl_sbom sbom = {0};
    bool has_provenance = check_provenance(v, &said);
    bool has_sbom;

    if (has_provenance && said.kind == WL_ATTEST_BUILD && v->recipe)
        check_recipe(v, &said);
    has_sbom = check_sbom(v, &sbom);
    if (has_provenance && said.kind == WL_ATTEST_APP)
        wl_verify_app(v, &said, has_sbom ? &sbom : NULL);
}

/* --- Signatures --------------------------------------------------------------------------------------------------- */

static int check_signature(struct wl_verify *v, const char *what, const struct wl_digest *d, struct wl_err *err) {
    struct wl_cosign_result r;

    if (wl_cosign_verify(v->client, v->layout, d, v->key, &r, err) < 0)
        return -1;
    if (r.good > 0)
        wl_verify_check(v, "signature", true, wl_sprintf("%s: signed by this key", what));
    else if (r.other > 0)
        wl_verify_check(v, "signature", false,
                        wl_sprintf("%s: none of its %zu signatures is good for this key", what, r.other));
    else
        wl_verify_check(v, "signature", false, wl_sprintf("%s: not signed", what));
    return 0;
}

static int check_signatures(struct wl_verify *v, struct wl_err *err) {
    if (check_signature(v, "image", &v->d->digest, err) < 0)
        return -1;
    for (size_t i = 0; i < v->referrers.n; i++) {
        const struct wl_layout_entry *e = &v->referrers.v[i];

        if (e->artifact_type &&
            (strcmp(e->artifact_type, WL_MT_INTOTO) == 0 || strcmp(e->artifact_type, WL_MT_SPDX) == 0) &&
            check_signature(v, e->artifact_type, &e->digest, err) < 0)
            return -1;
    }
    return 0;
}

int wl_verify_run(struct wl_verify *v, struct wl_err *err) {
    check_digests(v);
    if ((v->client && fetch_referrers(v, err) < 0) ||
        wl_layout_referrers(v->layout, &v->d->digest, &v->referrers, err) < 0)
        return -1;
    check_attestations(v);
    return v->key ? check_signatures(v, err) : 0;
}
