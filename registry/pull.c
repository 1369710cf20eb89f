#include "pull.h"

#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "parallel.h"

struct text {
    struct wl_blob bytes; /* in the arena */
    struct wl_oci_descriptor d;
};

struct pull {
    struct wl_client *c;
    struct wl_layout *layout;
    const struct wl_progress *progress;
    struct wl_arena arena;
    struct text *texts; /* manifests, each after what it names */
    size_t n_texts;
    size_t text_bytes;
    struct wl_oci_descriptor *blobs;
    size_t n_blobs;
    bool *there;
};

void wl_pull_result_release(struct wl_pull_result *r) {
    wl_arena_release(&r->arena);
    free(r->items);
    memset(r, 0, sizeof(*r));
}

static void pull_release(struct pull *p) {
    wl_arena_release(&p->arena);
    free(p->texts);
    free(p->blobs);
    free(p->there);
}

static void add_blob(struct pull *p, const struct wl_oci_descriptor *d) {
    for (size_t i = 0; i < p->n_blobs; i++)
        if (wl_digest_equal(&p->blobs[i].digest, &d->digest))
            return;
    p->blobs = wl_reallocarray(p->blobs, p->n_blobs + 1, sizeof(*p->blobs));
    p->blobs[p->n_blobs++] = *d;
}

int wl_pull_choose(const char *name, const struct wl_oci_index *x, const struct wl_oci_platform *platform,
                   const struct wl_oci_descriptor **ret, struct wl_err *err) {
    struct wl_oci_platform plain = *platform;
    WL_AUTO(wl_buf_release) struct wl_buf list = {0};
    WL_AUTOFREE char *wanted = wl_oci_platform_str(platform);

    plain.variant = NULL;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < x->manifests.n; i++)
            if (wl_oci_platform_equal(&x->manifests.v[i].platform, pass ? &plain : platform)) {
                *ret = &x->manifests.v[i];
                return 0;
            }
    for (size_t i = 0; i < x->manifests.n; i++) {
        WL_AUTOFREE char *s = wl_oci_platform_str(&x->manifests.v[i].platform);

        wl_buf_addf(&list, "%s%s", i ? ", " : "", s);
    }
    return wl_fail(err, WL_NET, "%s has nothing for %s; there is: %s", name, wanted,
                   list.len ? wl_buf_str(&list) : "nothing");
}

static int fetch_tree(struct pull *p, const char *name, const struct wl_oci_descriptor *expected,
                      const struct wl_oci_platform *platform, unsigned depth, struct wl_oci_descriptor *ret,
                      struct wl_err *err);

static int walk_index(struct pull *p, const char *name, const struct wl_oci_index *x, unsigned depth,
                      struct wl_err *err) {
    struct wl_oci_descriptor ignored;

    if (x->manifests.n > WL_PULL_MANIFESTS)
        return wl_fail(err, WL_NET, "%s: %s names %zu manifests; at most %d are accepted", wl_client_host(p->c), name,
                       x->manifests.n, WL_PULL_MANIFESTS);
    for (size_t i = 0; i < x->manifests.n; i++)
        if (fetch_tree(p, wl_digest_str(&x->manifests.v[i].digest).s, &x->manifests.v[i], NULL, depth + 1, &ignored,
                       err) < 0)
            return -1;
    return 0;
}

static void add_text(struct pull *p, struct wl_blob bytes, const struct wl_oci_descriptor *d) {
    p->texts = wl_reallocarray(p->texts, p->n_texts + 1, sizeof(*p->texts));
    p->texts[p->n_texts++] = (struct text){bytes, *d};
}

static int take_manifest(struct pull *p, const char *name, struct wl_blob bytes, const char *type,
                         struct wl_oci_descriptor *d, struct wl_err *err) {
    struct wl_oci_manifest m;

    if (wl_oci_manifest_parse(name, bytes, type, WL_OCI_REMOTE, &p->arena, &m, err) < 0)
        return -1;
    d->media_type = m.media_type;
    for (size_t i = 0; i < m.layers.n; i++)
        add_blob(p, &m.layers.v[i]);
    add_blob(p, &m.config);
    add_text(p, bytes, d);
    return 0;
}

static int take_index(struct pull *p, const char *name, struct wl_blob bytes, const char *type,
                      const struct wl_oci_platform *platform, unsigned depth, struct wl_oci_descriptor *d,
                      struct wl_err *err) {
    struct wl_oci_index x;
    const struct wl_oci_descriptor *chosen = NULL;

    if (wl_oci_index_parse(name, bytes, type, WL_OCI_REMOTE, &p->arena, &x, err) < 0)
        return -1;
    if (platform) {
        if (wl_pull_choose(name, &x, platform, &chosen, err) < 0)
            return -1;
        return fetch_tree(p, wl_digest_str(&chosen->digest).s, chosen, NULL, depth + 1, d, err);
    }
    d->media_type = x.media_type;
    if (walk_index(p, name, &x, depth, err) < 0)
        return -1;
    add_text(p, bytes, d);
    return 0;
}

/* Fetches a manifest or index and all manifests below it; collects the blobs. */
static int fetch_tree(struct pull *p, const char *name, const struct wl_oci_descriptor *expected,
                      const struct wl_oci_platform *platform, unsigned depth, struct wl_oci_descriptor *ret,
                      struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *type = NULL;
    WL_AUTOFREE char *label = wl_sprintf("manifest %s of %s", name, wl_client_host(p->c));
    struct wl_oci_descriptor d = {0};
    enum wl_oci_kind kind;
    struct wl_blob bytes;
    char *copy;

    if (depth > WL_PULL_DEPTH || p->n_texts >= WL_PULL_MANIFESTS)
        return wl_fail(err, WL_NET, "%s: too many manifests or too deep", label);
    if (wl_client_manifest_get(p->c, name, &text, &type, &d.digest, err) < 0)
        return -1;
    if (expected && expected->size != text.len)
        return wl_fail(err, WL_NET, "%s: %zu bytes, where its index says %llu", label, text.len,
                       (unsigned long long)expected->size);
    p->text_bytes += text.len;
    if (p->text_bytes > WL_PULL_TEXT_MAX)
        return wl_fail(err, WL_NET, "%s: the manifests together are larger than %u bytes", label, WL_PULL_TEXT_MAX);
    copy = wl_arena_alloc(&p->arena, text.len);
    memcpy(copy, wl_buf_str(&text), text.len);
    bytes = (struct wl_blob){(const uint8_t *)copy, text.len};
    d.size = text.len;
    if (wl_oci_kind_of_text(label, bytes, WL_OCI_REMOTE, &kind, err) < 0)
        return -1;
    if (expected && !type)
        type = wl_strdup(expected->media_type);
    if ((kind == WL_OCI_INDEX ? take_index(p, label, bytes, type, platform, depth, &d, err)
                              : take_manifest(p, label, bytes, type, &d, err)) < 0)
        return -1;
    *ret = d;
    return 0;
}

static int pull_blob(void *arg, size_t i, struct wl_err *err) {
    struct pull *p = arg;
    const struct wl_oci_descriptor *d = &p->blobs[i];

    return p->there[i] ? 0 : wl_client_blob_get(p->c, p->layout, d, p->progress, err);
}

static int store_texts(struct pull *p, struct wl_err *err) {
    struct wl_digest stored;

    for (size_t i = 0; i < p->n_texts; i++)
        if (wl_layout_blob_put(p->layout, p->texts[i].bytes, &stored, err) < 0)
            return -1;
    return 0;
}

static void add_item(struct wl_pull_result *r, const struct wl_oci_descriptor *d, bool there) {
    r->items[r->n_items++] =
        (struct wl_pull_item){.d = {.media_type = d->media_type, .digest = d->digest, .size = d->size}, .there = there};
}

static void fill_result(struct pull *p, const bool *texts_there, struct wl_pull_result *r) {
    r->items = wl_calloc(p->n_blobs + p->n_texts + 1, sizeof(*r->items));
    for (size_t i = 0; i < p->n_blobs; i++) {
        add_item(r, &p->blobs[i], p->there[i]);
        r->there += p->there[i];
        r->fetched += !p->there[i];
        r->bytes_fetched += p->there[i] ? 0 : p->blobs[i].size;
    }
    for (size_t i = 0; i < p->n_texts; i++)
        add_item(r, &p->texts[i].d, texts_there[i]);
    r->arena = p->arena;
    memset(&p->arena, 0, sizeof(p->arena));
}

int wl_pull(struct wl_client *c, struct wl_layout *layout, const char *tag_or_digest,
            const struct wl_oci_platform *platform, unsigned flags, const struct wl_progress *progress,
            struct wl_pull_result *ret, struct wl_err *err) {
    WL_AUTO(pull_release) struct pull p = {.c = c, .layout = layout, .progress = progress};
    WL_AUTOFREE bool *texts_there = NULL;
    struct wl_pull_result r = {0};

    if (fetch_tree(&p, tag_or_digest, NULL, platform, 0, &r.root, err) < 0)
        return -1;
    p.there = wl_calloc(p.n_blobs + 1, sizeof(*p.there));
    texts_there = wl_calloc(p.n_texts + 1, sizeof(*texts_there));
    for (size_t i = 0; i < p.n_texts; i++)
        texts_there[i] = wl_layout_blob_has(layout, &p.texts[i].d.digest, (int64_t)p.texts[i].d.size);
    for (size_t i = 0; i < p.n_blobs; i++)
        p.there[i] = wl_layout_blob_has(layout, &p.blobs[i].digest, (int64_t)p.blobs[i].size);
    if (!(flags & WL_PULL_DRY_RUN) &&
        (wl_parallel(p.n_blobs, WL_PULL_WORKERS, pull_blob, &p, err) < 0 || store_texts(&p, err) < 0))
        return -1;
    fill_result(&p, texts_there, &r);
    *ret = r;
    return 0;
}
