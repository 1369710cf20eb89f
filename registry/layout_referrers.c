#include "layout_referrers.h"

#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "digest_tag.h"
#include "layout_internal.h"
#include "layout_walk.h"

#define EMPTY_JSON "{}" /* manifest.md, "Guidance for an Empty Descriptor" */

/* Puts the blobs of an attachment; *ret describes its manifest. */
static int put(const struct wl_layout *l, const struct wl_oci_descriptor *subject, const struct wl_attachment *a,
               struct wl_oci_descriptor *ret, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_blob empty = {(const uint8_t *)EMPTY_JSON, strlen(EMPTY_JSON)};
    struct wl_oci_descriptor layer = wl_oci_descriptor_of(a->media_type, a->bytes);
    struct wl_oci_manifest m = {
        .artifact_type = a->artifact_type,
        .config = wl_oci_descriptor_of(WL_MT_EMPTY, empty),
        .has_subject = true,
        .subject = {.media_type = subject->media_type, .digest = subject->digest, .size = subject->size},
        .annotations = a->annotations,
    };
    struct wl_digest ignored;

    wl_oci_descriptors_add(&m.layers, &arena, &layer);
    wl_oci_manifest_write(&m, &text);
    *ret = wl_oci_descriptor_of(WL_MT_MANIFEST, wl_buf_blob(&text));
    if (wl_layout_blob_put(l, empty, &ignored, err) < 0 || wl_layout_blob_put(l, a->bytes, &ignored, err) < 0)
        return -1;
    return wl_layout_blob_put(l, wl_buf_blob(&text), &ignored, err);
}

bool wl_layout_subject(const struct wl_layout *l, const struct wl_layout_entry *e, struct wl_digest *ret) {
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_manifest m;
    struct wl_err ignored;

    if (e->name)
        return wl_digest_tag_parse(e->name, ret);
    if (wl_oci_kind(e->media_type) != WL_OCI_MANIFEST ||
        wl_blob_load(l, &e->digest, (int64_t)e->size, &text, &ignored) < 0 ||
        wl_oci_manifest_parse("referrer", wl_buf_blob(&text), e->media_type, WL_OCI_LOCAL, &arena, &m, &ignored) < 0 ||
        !m.has_subject)
        return false;
    *ret = m.subject.digest;
    return true;
}

static bool refers(const struct wl_layout *l, const struct wl_layout_entry *e, const struct wl_digest *subject) {
    struct wl_digest d;

    return wl_layout_subject(l, e, &d) && wl_digest_equal(&d, subject);
}

int wl_layout_attach(const struct wl_layout *l, const struct wl_oci_descriptor *subject, const struct wl_attachment *a,
                     struct wl_digest *ret, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    WL_AUTO(wl_closep) int lock = -1;
    struct wl_oci_descriptor d;
    size_t kept = 0;

    if (!wl_layout_blob_has(l, &subject->digest, (int64_t)subject->size))
        return wl_fail(err, WL_FAILED, "%s, to which something was to be attached, is not in %s",
                       wl_digest_str(&subject->digest).s, l->dir);
    if (put(l, subject, a, &d, err) < 0 || wl_layout_change_begin(l, &all, &lock, err) < 0)
        return -1;
    for (size_t i = 0; i < all.n; i++) {
        struct wl_layout_entry *e = &all.v[i];

        if (e->artifact_type && strcmp(e->artifact_type, a->artifact_type) == 0 && refers(l, e, &subject->digest))
            wl_layout_entry_release(e);
        else
            all.v[kept++] = *e;
    }
    all.n = kept;
    all.v = wl_reallocarray(all.v, all.n + 1, sizeof(*all.v));
    all.v[all.n++] = (struct wl_layout_entry){.media_type = wl_strdup(d.media_type),
                                              .digest = d.digest,
                                              .size = d.size,
                                              .artifact_type = wl_strdup(a->artifact_type)};
    if (wl_layout_change_write(l, &all, err) < 0)
        return -1;
    if (ret)
        *ret = d.digest;
    return 0;
}

int wl_layout_referrers(const struct wl_layout *l, const struct wl_digest *subject, struct wl_layout_entries *ret,
                        struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};

    if (wl_layout_list(l, &all, err) < 0)
        return -1;
    ret->v = wl_calloc(all.n + 1, sizeof(*ret->v));
    for (size_t i = 0; i < all.n; i++) {
        if (!refers(l, &all.v[i], subject))
            continue;
        ret->v[ret->n++] = all.v[i];
        memset(&all.v[i], 0, sizeof(all.v[i])); /* moved */
    }
    return 0;
}

bool wl_layout_is_attachment(const struct wl_layout_entry *e) {
    struct wl_digest ignored;

    return e->name ? wl_digest_tag_parse(e->name, &ignored) || wl_fallback_tag_parse(e->name, &ignored)
                   : e->artifact_type != NULL;
}

/* --- All of them -------------------------------------------------------------------------------------------------- */

/* What was found so far, as subjects that more may refer to. */
struct subjects {
    struct wl_digest *v;
    size_t n;
};

static void subjects_release(struct subjects *s) {
    free(s->v);
}

static void add_subject(struct subjects *s, const struct wl_digest *d) {
    for (size_t i = 0; i < s->n; i++)
        if (wl_digest_equal(&s->v[i], d))
            return;
    s->v = wl_reallocarray(s->v, s->n + 1, sizeof(*s->v));
    s->v[s->n++] = *d;
}

static int visit_subject(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    (void)err;
    if (item->role == WL_ROLE_MANIFEST || item->role == WL_ROLE_INDEX)
        add_subject(arg, &item->d->digest);
    return 0;
}

/* Others leave the artifactType out of index.json. */
static void complete(const struct wl_layout *l, struct wl_layout_entry *e) {
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_manifest m;
    struct wl_err ignored;

    if (e->name || e->artifact_type || wl_blob_load(l, &e->digest, (int64_t)e->size, &text, &ignored) < 0 ||
        wl_oci_manifest_parse("referrer", wl_buf_blob(&text), e->media_type, WL_OCI_LOCAL, &arena, &m, &ignored) < 0)
        return;
    e->artifact_type = wl_strdup(m.artifact_type ? m.artifact_type : m.config.media_type);
}

void wl_layout_candidates_release(struct wl_layout_candidates *c) {
    wl_layout_entries_release(&c->all);
    free(c->subject);
    *c = (struct wl_layout_candidates){0};
}

/* regctl lists referrers in a layout as a registry without the API does: in an index under the fallback tag. */
static void add_fallback(const struct wl_layout *l, const struct wl_layout_entry *e, struct wl_layout_entries *to) {
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_index x;
    struct wl_err ignored;

    if (wl_blob_load(l, &e->digest, (int64_t)e->size, &text, &ignored) < 0 ||
        wl_oci_index_parse("referrers", wl_buf_blob(&text), e->media_type, WL_OCI_LOCAL, &arena, &x, &ignored) < 0)
        return;
    to->v = wl_reallocarray(to->v, to->n + x.manifests.n + 1, sizeof(*to->v));
    for (size_t i = 0; i < x.manifests.n; i++) {
        const struct wl_oci_descriptor *d = &x.manifests.v[i];

        to->v[to->n++] =
            (struct wl_layout_entry){.media_type = wl_strdup(d->media_type), .digest = d->digest, .size = d->size};
    }
}

int wl_layout_candidates(const struct wl_layout *l, struct wl_layout_candidates *ret, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    struct wl_layout_candidates c = {0};
    struct wl_digest ignored;
    size_t n;

    if (wl_layout_list(l, &all, err) < 0)
        return -1;
    n = all.n;
    for (size_t i = 0; i < n; i++)
        if (all.v[i].name && wl_fallback_tag_parse(all.v[i].name, &ignored))
            add_fallback(l, &all.v[i], &all);
    c.subject = wl_calloc(all.n + 1, sizeof(*c.subject));
    c.all.v = wl_calloc(all.n + 1, sizeof(*c.all.v));
    for (size_t i = 0; i < all.n; i++) {
        if (!wl_layout_subject(l, &all.v[i], &c.subject[c.all.n]))
            continue;
        c.all.v[c.all.n++] = all.v[i];
        memset(&all.v[i], 0, sizeof(all.v[i])); /* moved */
    }
    *ret = c;
    return 0;
}

int wl_layout_referrers_of(const struct wl_layout *l, const struct wl_layout_candidates *c,
                           const struct wl_layout_entry *entry, struct wl_layout_entries *ret, struct wl_err *err) {
    WL_AUTO(subjects_release) struct subjects subjects = {0};
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries found = {0};
    WL_AUTOFREE bool *taken = NULL;

    if (c->all.n == 0)
        return 0;
    if (wl_layout_walk(l, entry, visit_subject, &subjects, err) < 0)
        return -1;
    taken = wl_calloc(c->all.n, sizeof(*taken));
    found.v = wl_calloc(c->all.n, sizeof(*found.v));
    for (size_t k = 0; k < subjects.n; k++)
        for (size_t i = 0; i < c->all.n; i++) {
            if (taken[i] || !wl_digest_equal(&c->subject[i], &subjects.v[k]))
                continue;
            if (found.n == WL_LAYOUT_REFERRERS_MAX)
                return wl_fail(err, WL_FAILED, "more than %d referrers", WL_LAYOUT_REFERRERS_MAX);
            for (size_t o = i; o < c->all.n; o++) /* it may be listed twice */
                taken[o] = taken[o] || wl_digest_equal(&c->all.v[o].digest, &c->all.v[i].digest);
            add_subject(&subjects, &c->all.v[i].digest);
            found.v[found.n] = wl_layout_entry_copy(&c->all.v[i]);
            complete(l, &found.v[found.n++]);
        }
    *ret = found;
    memset(&found, 0, sizeof(found));
    return 0;
}

int wl_layout_all_referrers(const struct wl_layout *l, const struct wl_layout_entry *entry,
                            struct wl_layout_entries *ret, struct wl_err *err) {
    WL_AUTO(wl_layout_candidates_release) struct wl_layout_candidates c = {0};

    return wl_layout_candidates(l, &c, err) < 0 ? -1 : wl_layout_referrers_of(l, &c, entry, ret, err);
}

int wl_layout_attached(const struct wl_layout *l, const struct wl_oci_descriptor *d, struct wl_arena *a,
                       struct wl_oci_manifest *m, struct wl_buf *ret_document, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *name = wl_sprintf("the referrer %s", wl_digest_str(&d->digest).s);
    struct wl_oci_manifest own;

    if (wl_blob_load(l, &d->digest, (int64_t)d->size, &text, err) < 0 ||
        wl_oci_manifest_parse(name, wl_buf_blob(&text), d->media_type, WL_OCI_LOCAL, a, &own, err) < 0)
        return -1;
    if (own.layers.n == 0)
        return wl_fail(err, WL_FAILED, "%s holds no document", name);
    if (wl_blob_load_max(l, &own.layers.v[0].digest, (int64_t)own.layers.v[0].size, WL_LAYOUT_DOCUMENT_MAX,
                         ret_document, err) < 0)
        return wl_err_context(err, "%s", name);
    if (m)
        *m = own;
    return 0;
}
