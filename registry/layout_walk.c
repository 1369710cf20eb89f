#include "layout_walk.h"

#include <string.h>

#include "../tool/base/mem.h"
#include "../tool/base/proc.h"

#define NESTING_MAX 4 /* an index in an index in ... */
#define CHUNK (64u << 10)

/* --- The walk ------------------------------------------------------------------------------------------------------- */

struct walk {
    const struct wl_layout *l;
    wl_layout_visit *visit;
    void *arg;
    struct wl_arena arena;
};

static void walk_release(struct walk *w) {
    wl_arena_release(&w->arena);
}

static int visit(const struct walk *w, enum wl_layout_role role, const struct wl_oci_descriptor *d,
                 const struct wl_oci_manifest *m, const struct wl_oci_index *x, struct wl_err *err) {
    const struct wl_layout_item item = {.role = role, .d = d, .m = m, .x = x};

    return w->visit(w->arg, &item, err);
}

static int walk_manifest(struct walk *w, const struct wl_oci_descriptor *d, struct wl_blob text, struct wl_err *err) {
    struct wl_oci_manifest m = {0};

    if (wl_oci_manifest_parse(wl_digest_str(&d->digest).s, text, d->media_type, WL_OCI_LOCAL, &w->arena, &m, err) < 0 ||
        visit(w, WL_ROLE_MANIFEST, d, &m, NULL, err) < 0 || visit(w, WL_ROLE_CONFIG, &m.config, &m, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < m.layers.n; i++)
        if (visit(w, WL_ROLE_LAYER, &m.layers.v[i], &m, NULL, err) < 0)
            return -1;
    return 0;
}

static int walk_one(struct walk *w, const struct wl_oci_descriptor *d, int depth, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};
    enum wl_oci_kind kind = wl_oci_kind(d->media_type);
    struct wl_oci_index x = {0};
    struct wl_blob text;

    if (depth > NESTING_MAX)
        return wl_fail(err, WL_FAILED, "the index %s is nested too deeply", wl_digest_str(&d->digest).s);
    if (depth > 0 && !wl_layout_blob_has(w->l, &d->digest, -1))
        return 0;
    if (kind == WL_OCI_OTHER)
        return visit(w, WL_ROLE_OTHER, d, NULL, NULL, err);
    if (wl_blob_load(w->l, &d->digest, (int64_t)d->size, &bytes, err) < 0)
        return -1;
    text = wl_buf_blob(&bytes);
    if (kind == WL_OCI_MANIFEST)
        return walk_manifest(w, d, text, err);
    if (wl_oci_index_parse(wl_digest_str(&d->digest).s, text, d->media_type, WL_OCI_LOCAL, &w->arena, &x, err) < 0 ||
        visit(w, WL_ROLE_INDEX, d, NULL, &x, err) < 0)
        return -1;
    for (size_t i = 0; i < x.manifests.n; i++)
        if (walk_one(w, &x.manifests.v[i], depth + 1, err) < 0)
            return -1;
    return 0;
}

static struct wl_oci_descriptor descriptor_of(const struct wl_layout_entry *e) {
    return (struct wl_oci_descriptor){
        .media_type = e->media_type,
        .digest = e->digest,
        .size = e->size,
        .artifact_type = e->artifact_type,
        .platform = {.os = e->os, .architecture = e->architecture, .variant = e->variant},
    };
}

int wl_layout_walk(const struct wl_layout *l, const struct wl_layout_entry *entry, wl_layout_visit *fn, void *arg,
                   struct wl_err *err) {
    WL_AUTO(walk_release) struct walk w = {.l = l, .visit = fn, .arg = arg};
    const struct wl_oci_descriptor d = descriptor_of(entry);

    return walk_one(&w, &d, 0, err);
}

static int visit_present(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    const struct wl_digest_hex name = wl_digest_str(&item->d->digest);

    if (wl_layout_blob_has(arg, &item->d->digest, (int64_t)item->d->size))
        return 0;
    return wl_fail(err, WL_FAILED, "%s is missing", name.s);
}

bool wl_layout_complete(const struct wl_layout *l, const struct wl_layout_entry *entry) {
    struct wl_err ignored;

    return wl_layout_walk(l, entry, visit_present, (void *)l, &ignored) == 0;
}

/* --- Facts about an image ------------------------------------------------------------------------------------------- */

struct info {
    const struct wl_layout *l;
    struct wl_image_info *ret;
    struct wl_digest *seen;
    size_t n_seen;
};

static void count(struct info *in, const struct wl_oci_descriptor *d) {
    for (size_t i = 0; i < in->n_seen; i++)
        if (wl_digest_equal(&in->seen[i], &d->digest))
            return;
    in->seen = wl_reallocarray(in->seen, in->n_seen + 1, sizeof(*in->seen));
    in->seen[in->n_seen++] = d->digest;
    in->ret->size += d->size;
}

/* Platform and time of an image configuration; other kinds of configuration say nothing. */
static int read_config(struct info *in, const struct wl_oci_descriptor *d, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTOFREE char *platform = NULL;
    struct wl_oci_config c = {0};
    struct wl_blob text;

    if (strcmp(d->media_type, WL_MT_CONFIG) != 0 && strcmp(d->media_type, WL_MT_DOCKER_CONFIG) != 0)
        return 0;
    if (wl_blob_load(in->l, &d->digest, (int64_t)d->size, &bytes, err) < 0)
        return -1;
    text = wl_buf_blob(&bytes);
    if (wl_oci_config_parse(wl_digest_str(&d->digest).s, text, WL_OCI_LOCAL, &arena, &c, err) < 0)
        return -1;
    platform = wl_oci_platform_str(&c.platform);
    if (!wl_strv_has(&in->ret->platforms, platform))
        wl_strv_add(&in->ret->platforms, platform);
    if (c.created && !in->ret->created)
        in->ret->created = wl_strdup(c.created);
    return 0;
}

static int visit_info(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    struct info *in = arg;

    count(in, item->d);
    if (item->role == WL_ROLE_INDEX)
        in->ret->is_index = true;
    return item->role == WL_ROLE_CONFIG ? read_config(in, item->d, err) : 0;
}

void wl_image_info_release(struct wl_image_info *i) {
    wl_strv_release(&i->platforms);
    free(i->created);
    *i = (struct wl_image_info){0};
}

int wl_image_info(const struct wl_layout *l, const struct wl_layout_entry *entry, struct wl_image_info *ret,
                  struct wl_err *err) {
    WL_AUTO(wl_image_info_release) struct wl_image_info info = {0};
    struct info in = {.l = l, .ret = &info};
    int rc = wl_layout_walk(l, entry, visit_info, &in, err);

    free(in.seen);
    if (rc < 0)
        return wl_err_context(err, "%s", entry->name ? entry->name : "a nameless image");
    *ret = info;
    info = (struct wl_image_info){0};
    return 0;
}

/* --- Copying -------------------------------------------------------------------------------------------------------- */

struct copy {
    const struct wl_layout *from, *to;
};

static int copy_blob(const struct copy *c, const struct wl_oci_descriptor *d, struct wl_err *err) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    WL_AUTO(wl_blob_cancel) struct wl_blob_writer w = WL_BLOB_WRITER_INIT;
    char chunk[CHUNK];
    size_t n = 1;

    if (wl_layout_blob_has(c->to, &d->digest, (int64_t)d->size))
        return 0;
    if (wl_blob_open(&r, c->from, &d->digest, (int64_t)d->size, err) < 0 || wl_blob_begin(&w, c->to, err) < 0)
        return -1;
    while (n > 0) {
        if (wl_blob_read(&r, chunk, sizeof(chunk), &n, err) < 0 || wl_blob_write(&w, chunk, n, err) < 0)
            return -1;
        if (wl_interrupted())
            return wl_fail(err, WL_FAILED, "interrupted while copying an image");
    }
    return wl_blob_commit(&w, &d->digest, NULL, NULL, err);
}

static int visit_copy(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    return copy_blob(arg, item->d, err);
}

int wl_layout_copy_blobs(const struct wl_layout *from, const struct wl_layout_entry *entry, const struct wl_layout *to,
                         struct wl_err *err) {
    struct copy c = {.from = from, .to = to};

    if (wl_layout_walk(from, entry, visit_copy, &c, err) < 0)
        return wl_err_context(err, "%s", entry->name ? entry->name : "a nameless image");
    return 0;
}

int wl_layout_copy(const struct wl_layout *from, const struct wl_layout_entry *entry, const struct wl_layout *to,
                   const char *name, struct wl_err *err) {
    struct wl_layout_entry e = *entry;

    if (wl_layout_copy_blobs(from, entry, to, err) < 0)
        return -1;
    e.name = name ? (char *)name : entry->name;
    return wl_layout_tag(to, &e, err);
}
