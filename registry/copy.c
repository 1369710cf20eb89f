#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "digest_tag.h"
#include "pull.h"
#include "referrers.h"
#include "relay.h"

struct text {
    struct wl_digest digest;
    struct wl_buf bytes;
};

struct copy {
    struct wl_client *from;
    struct wl_client *to;
    const struct wl_progress *progress;
    unsigned flags;
    bool same; /* both are the same registry */
    struct text *texts;
    size_t n_texts;
    size_t text_bytes;
    size_t referrers, kept;
    bool source_failed; /* set by any worker */
};

static void blame_source(struct copy *p) {
    __atomic_store_n(&p->source_failed, true, __ATOMIC_RELAXED);
}

static void copy_release(struct copy *p) {
    for (size_t i = 0; i < p->n_texts; i++)
        wl_buf_release(&p->texts[i].bytes);
    free(p->texts);
}

static void keep_text(struct copy *p, const struct wl_digest *digest, const char *bytes, size_t n) {
    if (n > WL_COPY_TEXT_MAX - p->text_bytes)
        return;
    p->text_bytes += n;
    p->texts = wl_reallocarray(p->texts, p->n_texts + 1, sizeof(*p->texts));
    p->texts[p->n_texts] = (struct text){.digest = *digest};
    wl_buf_add(&p->texts[p->n_texts++].bytes, bytes, n);
}

static int get_manifest(void *arg, const struct wl_oci_descriptor *d, struct wl_buf *ret, struct wl_err *err) {
    struct copy *p = arg;
    WL_AUTOFREE char *type = NULL;
    struct wl_digest digest;
    size_t before = ret->len;

    for (size_t i = 0; i < p->n_texts; i++)
        if (wl_digest_equal(&p->texts[i].digest, &d->digest)) {
            wl_buf_add(ret, p->texts[i].bytes.p, p->texts[i].bytes.len);
            return 0;
        }
    if (wl_client_manifest_get(p->from, wl_digest_str(&d->digest).s, ret, &type, &digest, err) < 0) {
        blame_source(p);
        return -1;
    }
    if (ret->len - before != d->size)
        return wl_fail(err, WL_NET, "%s: manifest %s: %zu bytes, where its index says %llu", wl_client_host(p->from),
                       wl_digest_str(&d->digest).s, ret->len - before, (unsigned long long)d->size);
    keep_text(p, &digest, ret->p + before, ret->len - before);
    return 0;
}

static int copy_blob(void *arg, struct wl_client *to, const struct wl_oci_descriptor *d, bool send,
                     const char *mount_from, const struct wl_progress *progress, bool *ret_mounted,
                     struct wl_err *err) {
    struct copy *p = arg;
    WL_AUTO(wl_relay_freep) struct wl_relay *relay = NULL;
    struct wl_http_source body;
    struct wl_client_upload u = {.d = d, .body = &body, .mount_from = mount_from, .progress = progress};

    if (!send)
        return 0;
    relay = wl_relay_new(p->from, d);
    body = wl_relay_source(relay);
    if (wl_client_blob_upload(to, &u, err) < 0) {
        if (wl_relay_source_failed(relay))
            blame_source(p);
        return -1;
    }
    *ret_mounted = u.mounted;
    return 0;
}

static const char *mount_from(void *arg, const struct wl_oci_descriptor *d) {
    const struct copy *p = arg;

    (void)d;
    return p->same ? wl_client_path(p->from) : NULL;
}

/* Adds what a referrer's copy cost to the image's. */
static void add_result(struct wl_push_result *to, struct wl_push_result *part) {
    to->items = wl_reallocarray(to->items, to->n_items + part->n_items, sizeof(*to->items));
    for (size_t i = 0; i < part->n_items; i++) {
        struct wl_push_item *item = &to->items[to->n_items++];

        *item = part->items[i];
        item->d.media_type = wl_arena_strdup(&to->arena, item->d.media_type);
        item->d.artifact_type = NULL;
        memset(&item->d.annotations, 0, sizeof(item->d.annotations));
        memset(&item->d.platform, 0, sizeof(item->d.platform));
    }
    to->sent += part->sent;
    to->there += part->there;
    to->mounted += part->mounted;
    to->bytes_sent += part->bytes_sent;
}

static int copy_one(struct copy *p, const struct wl_oci_descriptor *root, const char *tag, struct wl_push_result *ret,
                    struct wl_err *err) {
    const struct wl_push_source source = {get_manifest, copy_blob, mount_from, p, WL_OCI_REMOTE};

    return wl_push_from(p->to, &source, root, tag, p->flags & WL_COPY_DRY_RUN ? WL_PUSH_DRY_RUN : 0, p->progress, ret,
                        err);
}

static int copy_referrers(struct copy *p, const struct wl_digest *subject, unsigned depth, struct wl_push_result *sum,
                          struct wl_err *err);

/* One thing that is said about something, then what is said about it. */
static int copy_referrer(struct copy *p, const struct wl_oci_descriptor *d, const char *tag, unsigned depth,
                         struct wl_push_result *sum, struct wl_err *err) {
    WL_AUTO(wl_push_result_release) struct wl_push_result part = {0};

    if (copy_one(p, d, tag, &part, err) < 0)
        return wl_err_context(err, "referrer %s", *tag ? tag : wl_digest_str(&d->digest).s);
    add_result(sum, &part);
    p->referrers++;
    return copy_referrers(p, &d->digest, depth + 1, sum, err);
}

static int find_root(struct copy *p, const char *reference, const struct wl_oci_platform *platform, struct wl_arena *a,
                     struct wl_oci_descriptor *ret, struct wl_err *err);

/* A tag that the target has with something else under it (its own signatures, say) is left alone. */
static int copy_digest_tag(struct copy *p, const char *tag, unsigned depth, struct wl_push_result *sum,
                           struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_descriptor d;
    struct wl_digest from, to;
    bool found, there;

    if (wl_client_manifest_head(p->from, tag, &found, &from, err) < 0) {
        blame_source(p);
        return -1;
    }
    if (!found)
        return 0;
    if (wl_client_manifest_head(p->to, tag, &there, &to, err) < 0)
        return -1;
    if (there && !wl_digest_equal(&from, &to)) {
        p->kept++;
        return 0;
    }
    if (find_root(p, wl_digest_str(&from).s, NULL, &a, &d, err) < 0)
        return -1;
    return copy_referrer(p, &d, tag, depth, sum, err);
}

/* What refers to the subject, and to that, each by its digest; then what is under its digest tags. */
static int copy_referrers(struct copy *p, const struct wl_digest *subject, unsigned depth, struct wl_push_result *sum,
                          struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_descriptors list = {0};
    struct wl_digest of = *subject; /* which may lie in what grows */

    if (depth > WL_COPY_REFERRERS_DEPTH)
        return 0;
    if (wl_referrers_list(p->from, &of, NULL, &a, &list, err) < 0) {
        blame_source(p);
        return -1;
    }
    for (size_t i = 0; i < list.n; i++)
        if (copy_referrer(p, &list.v[i], "", depth, sum, err) < 0)
            return -1;
    for (size_t i = 0; i < WL_DIGEST_TAGS; i++)
        if (copy_digest_tag(p, wl_digest_tag(&of, i).s, depth, sum, err) < 0)
            return -1;
    return 0;
}

/* Each manifest of what was copied may have referrers, and so may the index. */
static int all_referrers(struct copy *p, struct wl_push_result *ret, struct wl_err *err) {
    size_t n = ret->n_items;

    for (size_t i = 0; i < n; i++) {
        struct wl_digest subject = ret->items[i].d.digest;

        if (ret->items[i].manifest && copy_referrers(p, &subject, 1, ret, err) < 0)
            return -1;
    }
    return 0;
}

/* Fetches what the reference stands for; with a platform the one manifest of the index. */
static int find_root(struct copy *p, const char *reference, const struct wl_oci_platform *platform, struct wl_arena *a,
                     struct wl_oci_descriptor *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *type = NULL;
    WL_AUTOFREE char *name = wl_sprintf("manifest %s of %s", reference, wl_client_host(p->from));
    struct wl_oci_descriptor d = {0};
    const struct wl_oci_descriptor *chosen;
    struct wl_oci_index x;
    struct wl_blob bytes;
    enum wl_oci_kind kind;

    if (wl_client_manifest_get(p->from, reference, &text, &type, &d.digest, err) < 0) {
        blame_source(p);
        return -1;
    }
    bytes = wl_buf_blob(&text);
    if (wl_oci_kind_of_text(name, bytes, WL_OCI_REMOTE, &kind, err) < 0)
        return -1;
    d.size = text.len;
    d.media_type = type ? wl_arena_strdup(a, type) : kind == WL_OCI_INDEX ? WL_MT_INDEX : WL_MT_MANIFEST;
    keep_text(p, &d.digest, wl_buf_str(&text), text.len);
    if (!platform || kind != WL_OCI_INDEX) {
        *ret = d;
        return 0;
    }
    if (wl_oci_index_parse(name, bytes, type, WL_OCI_REMOTE, a, &x, err) < 0 ||
        wl_pull_choose(name, &x, platform, &chosen, err) < 0)
        return -1;
    *ret = *chosen;
    return 0;
}

void wl_copy_result_release(struct wl_copy_result *r) {
    wl_push_result_release(&r->push);
}

static int copy_all(struct copy *p, const struct wl_copy *spec, struct wl_copy_result *ret, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_push_result_release) struct wl_push_result r = {0};
    struct wl_oci_descriptor root;

    if (find_root(p, spec->reference, spec->platform, &a, &root, err) < 0)
        return -1;
    if (p->same && !(p->flags & WL_COPY_DRY_RUN))
        wl_client_will_mount(p->to, wl_client_path(p->from));
    if (copy_one(p, &root, spec->tag, &r, err) < 0 ||
        ((p->flags & WL_COPY_REFERRERS) && all_referrers(p, &r, err) < 0) || wl_referrers_settle(p->to, err) < 0)
        return -1;
    *ret = (struct wl_copy_result){
        .root = {.media_type = wl_arena_strdup(&r.arena, root.media_type), .digest = root.digest, .size = root.size},
        .referrers = p->referrers,
        .kept = p->kept};
    ret->push = r;
    memset(&r, 0, sizeof(r));
    return 0;
}

int wl_copy(const struct wl_copy *spec, struct wl_copy_result *ret, struct wl_err *err) {
    WL_AUTO(copy_release)
    struct copy p = {.from = spec->from, .to = spec->to, .progress = spec->progress, .flags = spec->flags};

    p.same = strcmp(wl_client_host(p.from), wl_client_host(p.to)) == 0 &&
             strcmp(wl_client_path(p.from), wl_client_path(p.to)) != 0;
    if (copy_all(&p, spec, ret, err) == 0)
        return 0;
    ret->source_failed = p.source_failed;
    return -1;
}
