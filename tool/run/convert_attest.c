#include "convert_attest.h"

#include <string.h>

#include "../../registry/layout_referrers.h"
#include "../base/mem.h"
#include "../stages/attest.h"
#include "attest.h"

/* What `digest` of a layer is called in the new form. */
static int new_layer(const struct wl_convert_attest *c, const struct wl_digest *digest, struct wl_digest *ret,
                     struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_manifest m;

    *ret = *digest;
    if (c->artifact) { /* its one layer is the module itself */
        if (wl_blob_load(c->layout, &c->to->digest, (int64_t)c->to->size, &text, err) < 0 ||
            wl_oci_manifest_parse("artifact", wl_buf_blob(&text), c->to->media_type, WL_OCI_LOCAL, &a, &m, err) < 0)
            return -1;
        *ret = m.layers.v[0].digest;
    }
    for (size_t i = 0; i < c->n_layers && !c->artifact; i++)
        if (wl_digest_equal(&c->layers[i].old, digest))
            *ret = c->layers[i].now;
    return 0;
}

/* --platform as it was asked for; a new string, NULL when it was not. */
static char *platforms(const struct wl_convert *how) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};

    for (const char *const *p = how->platforms; p && *p; p++)
        wl_buf_addf(&out, "%s%s", out.len ? "," : "", *p);
    return out.len ? wl_buf_steal(&out) : NULL;
}

/* True when it was ours, about `from`, and is attached now. */
static int provenance(const struct wl_convert_attest *c, struct wl_blob text, bool *ret_done, struct wl_err *err) {
    WL_AUTO(wl_attest_release) struct wl_attest a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    WL_AUTOFREE char *platform = platforms(c->how);
    struct wl_digest_hex from = wl_digest_str(&c->from->digest);
    struct wl_material image = {.role = WL_MATERIAL_IMAGE, .digest = c->from->digest};
    struct wl_err ignored;
    const char *me = wl_attest_builder();

    if (wl_attest_parse("provenance", text, &a, &ignored) < 0 || !wl_digest_equal(&a.subject, &c->from->digest))
        return 0;
    image.of = a.recipe;
    image.name = *a.subject_name ? a.subject_name : from.s;
    wl_attest_add(&a, &image);
    a.form = (struct wl_attest_form){platform, c->how->format, c->how->compression, a.builder};
    a.builder = me;
    a.subject = c->to->digest;
    if (a.has_layer && new_layer(c, &a.layer, &a.layer, err) < 0)
        return -1;
    wl_attest_provenance(&a, &out);
    *ret_done = true;
    return wl_attest_attach_one(c->layout, c->to, WL_MT_INTOTO, &out, WL_PREDICATE_SLSA, err);
}

static int sbom(const struct wl_convert_attest *c, struct wl_blob text, bool *ret_done, struct wl_err *err) {
    WL_AUTO(wl_sbom_release) struct wl_sbom s = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct wl_sbom_change change = {.subject = c->from->digest, .new_subject = c->to->digest};
    struct wl_err ignored;

    if (wl_sbom_parse("SBOM", text, &s, &ignored) < 0 || !wl_digest_equal(&s.subject, &c->from->digest))
        return 0;
    change.has_layer = s.has_app;
    change.layer = s.layer;
    if (s.has_app && new_layer(c, &s.layer, &change.new_layer, err) < 0)
        return -1;
    wl_sbom_rewrite(text, &change, &out);
    *ret_done = true;
    return wl_attest_attach_one(c->layout, c->to, WL_MT_SPDX, &out, NULL, err);
}

static int follow(const struct wl_convert_attest *c, const struct wl_layout_entry *e, bool *ret_done,
                  struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_descriptor d = wl_layout_entry_descriptor(e);
    bool is_sbom = e->artifact_type && strcmp(e->artifact_type, WL_MT_SPDX) == 0;
    struct wl_oci_manifest m;

    if (!is_sbom && (!e->artifact_type || strcmp(e->artifact_type, WL_MT_INTOTO) != 0))
        return 0;
    if (wl_layout_attached(c->layout, &d, &a, &m, &text, err) < 0)
        return -1;
    return (is_sbom ? sbom : provenance)(c, wl_buf_blob(&text), ret_done, err);
}

int wl_convert_attest(const struct wl_convert_attest *c, size_t *ret_left, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    size_t left = 0;

    if (wl_digest_equal(&c->from->digest, &c->to->digest)) /* it has that form already */
        return 0;
    if (wl_layout_all_referrers(c->layout, c->from, &all, err) < 0)
        return -1;
    for (size_t i = 0; i < all.n; i++) {
        struct wl_digest subject;
        bool done = false;

        if (!wl_layout_subject(c->layout, &all.v[i], &subject) || !wl_digest_equal(&subject, &c->from->digest))
            continue; /* about a part of an index or about another document */
        if (follow(c, &all.v[i], &done, err) < 0)
            return -1;
        left += !done;
    }
    *ret_left = left;
    return 0;
}
