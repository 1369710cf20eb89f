#include "push.h"

#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "parallel.h"
#include "referrers.h"

/* What is to be sent: blobs and manifests, each once, manifests after what they name. */
struct push {
    struct wl_client *c;
    const struct wl_push_source *from;
    unsigned flags;
    const struct wl_progress *progress;
    struct wl_arena arena;
    struct wl_push_item *blobs;
    size_t n_blobs;
    struct wl_push_item *manifests;
    size_t n_manifests;
};

void wl_push_result_release(struct wl_push_result *r) {
    wl_arena_release(&r->arena);
    free(r->items);
    memset(r, 0, sizeof(*r));
}

static void push_release(struct push *p) {
    wl_arena_release(&p->arena);
    free(p->blobs);
    free(p->manifests);
}

static void add_item(struct wl_push_item **v, size_t *n, const struct wl_push_item *item) {
    for (size_t i = 0; i < *n; i++)
        if (wl_digest_equal(&(*v)[i].d.digest, &item->d.digest))
            return;
    *v = wl_reallocarray(*v, *n + 1, sizeof(**v));
    (*v)[(*n)++] = *item;
}

static void add_blob(struct push *p, const struct wl_oci_descriptor *d) {
    add_item(&p->blobs, &p->n_blobs, &(struct wl_push_item){.d = *d});
}

static int collect(struct push *p, const struct wl_oci_descriptor *d, unsigned depth, struct wl_err *err);

static int collect_manifest(struct push *p, const char *name, struct wl_blob text, struct wl_push_item *item,
                            struct wl_err *err) {
    struct wl_oci_descriptor *d = &item->d;
    struct wl_oci_manifest m;

    if (wl_oci_manifest_parse(name, text, d->media_type, p->from->origin, &p->arena, &m, err) < 0)
        return -1;
    for (size_t i = 0; i < m.layers.n; i++)
        add_blob(p, &m.layers.v[i]);
    add_blob(p, &m.config);
    item->has_subject = m.has_subject;
    item->subject = m.subject.digest;
    *d = wl_referrers_descriptor(&m, d);
    return 0;
}

static int collect_index(struct push *p, const char *name, struct wl_blob text, struct wl_push_item *item,
                         unsigned depth, struct wl_err *err) {
    struct wl_oci_descriptor *d = &item->d;
    struct wl_oci_index x;

    if (wl_oci_index_parse(name, text, d->media_type, p->from->origin, &p->arena, &x, err) < 0)
        return -1;
    for (size_t i = 0; i < x.manifests.n; i++)
        if (collect(p, &x.manifests.v[i], depth + 1, err) < 0)
            return -1;
    item->has_subject = x.has_subject;
    item->subject = x.subject.digest;
    d->artifact_type = x.artifact_type;
    d->annotations = x.annotations;
    return 0;
}

/* Adds a manifest or index behind everything that it names. */
static int collect(struct push *p, const struct wl_oci_descriptor *d, unsigned depth, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *name = wl_sprintf("manifest %s", wl_digest_str(&d->digest).s);
    enum wl_code code = p->from->origin == WL_OCI_REMOTE ? WL_NET : WL_FAILED;
    struct wl_push_item item = {.d = *d, .manifest = true};
    struct wl_blob blob;
    int rc;

    if (depth > WL_PUSH_DEPTH || p->n_manifests >= WL_PUSH_MANIFESTS)
        return wl_fail(err, code, "%s: too many manifests or too deep", name);
    if (p->from->manifest(p->from->arg, d, &text, err) < 0)
        return -1;
    blob = wl_buf_blob(&text);
    switch (wl_oci_kind(d->media_type)) {
    case WL_OCI_MANIFEST:
        rc = collect_manifest(p, name, blob, &item, err);
        break;
    case WL_OCI_INDEX:
        rc = collect_index(p, name, blob, &item, depth, err);
        break;
    default:
        rc = wl_fail(err, code, "%s: \"%.100s\" is neither an image manifest nor an index", name, d->media_type);
    }
    if (rc == 0)
        add_item(&p->manifests, &p->n_manifests, &item);
    return rc;
}

/* --- Blobs ------------------------------------------------------------------------------------------------- */

static int push_blob(void *arg, size_t i, struct wl_err *err) {
    struct push *p = arg;
    struct wl_push_item *item = &p->blobs[i];
    const struct wl_push_source *from = p->from;
    bool send = !(p->flags & WL_PUSH_DRY_RUN);
    const char *mount_from = NULL;

    if (wl_client_blob_exists(p->c, &item->d, &item->there, err) < 0)
        return -1;
    if (item->there)
        return 0;
    if (send && from->mount_from)
        mount_from = from->mount_from(from->arg, &item->d);
    return from->blob(from->arg, p->c, &item->d, send, mount_from, p->progress, &item->mounted, err);
}

static int push_blobs(struct push *p, struct wl_err *err) {
    return wl_parallel(p->n_blobs, WL_PUSH_WORKERS, push_blob, p, err);
}

/* --- Manifests --------------------------------------------------------------------------------------------- */

/* ECR and others refuse manifests with a subject by 405, 400 or 415. */
static int put_error(const struct wl_push_item *item, const struct wl_client_put *put, struct wl_err *err) {
    WL_AUTOFREE char *text = NULL;

    if (!item->has_subject || (put->status != 400 && put->status != 405 && put->status != 415))
        return -1;
    text = wl_strdup(err->msg);
    return wl_fail(err, err->code, "%s; it may refuse manifests that refer to another one (subject)", text);
}

/* Whether name stands for these bytes already: an immutable tag refuses even them. */
static bool is_there(struct push *p, const char *name, const struct wl_digest *digest) {
    struct wl_err ignored;
    struct wl_digest has;
    bool found;

    return wl_client_manifest_head(p->c, name, &found, &has, &ignored) == 0 && found && wl_digest_equal(&has, digest);
}

/* Puts one manifest. A registry that says it lacks a blob that it has just taken gets the blobs once more. */
static int put_manifest(struct push *p, const struct wl_push_item *item, const char *name, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    const struct wl_oci_descriptor *d = &item->d;
    struct wl_client_put put;
    struct wl_blob bytes;

    if (p->from->manifest(p->from->arg, d, &text, err) < 0)
        return -1;
    bytes = wl_buf_blob(&text);
    for (int attempt = 0;; attempt++) {
        if (wl_client_manifest_put(p->c, name, d->media_type, bytes, &d->digest, &put, err) == 0)
            break;
        if (put.missing_blob && attempt == 0) {
            if (push_blobs(p, err) < 0)
                return -1;
            continue;
        }
        if (put.status >= 400 && put.status < 500 && put.status != 401 && is_there(p, name, &d->digest))
            break;
        return put_error(item, &put, err);
    }
    if (item->has_subject && !put.subject)
        return wl_referrers_add(p->c, &item->subject, d, err);
    return 0;
}

/* What the tag will stand for goes up under the tag alone: the registry files it under its digest as well. By digest first and then by tag
 * would be the same bytes twice, and no more certain: no registry moves a tag on condition. It would leave an image without a name behind
 * wherever the tag is refused (immutable ones), which some registries keep for good. What it would give, that the image is there
 * whoever has the tag, tag_lost sees to. */
static int put_manifests(struct push *p, const char *tag, struct wl_err *err) {
    for (size_t i = 0; i < p->n_manifests; i++) {
        const struct wl_push_item *item = &p->manifests[i];
        bool root = i + 1 == p->n_manifests;

        if (put_manifest(p, item, root && *tag ? tag : wl_digest_str(&item->d.digest).s, err) < 0)
            return -1;
    }
    return 0;
}

/* Another pusher has the tag: what was pushed must be there by its digest all the same, as other writers' garbage collection may have
 * taken it for what nobody needs. */
static int tag_lost(struct push *p, const char *tag, const struct wl_digest *to, struct wl_err *err) {
    const struct wl_push_item *item = &p->manifests[p->n_manifests - 1];
    struct wl_digest_hex name = wl_digest_str(&item->d.digest);
    struct wl_err ignored;
    bool there = is_there(p, name.s, &item->d.digest) || put_manifest(p, item, name.s, &ignored) == 0;

    return wl_fail(err, WL_NET, "%s: the tag %s stands for %s now, not for what was pushed (%s), which is %s",
                   wl_client_host(p->c), tag, wl_digest_str(to).s, name.s,
                   there ? "there by this digest" : "not there by its digest either");
}

/* A server that says yes to everything is no registry; and another pusher may have moved the tag. */
static int read_back(struct push *p, const char *tag, struct wl_err *err) {
    const struct wl_digest *digest = &p->manifests[p->n_manifests - 1].d.digest;
    struct wl_digest_hex name = wl_digest_str(digest);
    struct wl_digest has;
    bool found;

    if (wl_client_manifest_head(p->c, *tag ? tag : name.s, &found, &has, err) < 0)
        return wl_err_context(err, "reading back what was pushed");
    if (!found)
        return wl_fail(err, WL_NET, "%s took the push and does not have it now: is it a registry?",
                       wl_client_host(p->c));
    if (!wl_digest_equal(&has, digest))
        return tag_lost(p, tag, &has, err);
    return 0;
}

static int look_at_manifests(struct push *p, struct wl_err *err) {
    for (size_t i = 0; i < p->n_manifests; i++) {
        struct wl_push_item *item = &p->manifests[i];
        struct wl_digest_hex name = wl_digest_str(&item->d.digest);
        struct wl_digest has;

        if (wl_client_manifest_head(p->c, name.s, &item->there, &has, err) < 0)
            return -1;
    }
    return 0;
}

static void fill_result(struct push *p, struct wl_push_result *ret) {
    *ret = (struct wl_push_result){.arena = p->arena};
    memset(&p->arena, 0, sizeof(p->arena));
    ret->items = wl_calloc(p->n_blobs + p->n_manifests, sizeof(*ret->items));
    for (size_t i = 0; i < p->n_blobs; i++) {
        const struct wl_push_item *b = &p->blobs[i];

        ret->items[ret->n_items++] = *b;
        ret->there += b->there;
        ret->mounted += b->mounted;
        if (b->there || b->mounted)
            continue;
        ret->sent++;
        ret->bytes_sent += b->d.size;
    }
    for (size_t i = 0; i < p->n_manifests; i++)
        ret->items[ret->n_items++] = p->manifests[i];
}

int wl_push_from(struct wl_client *c, const struct wl_push_source *from, const struct wl_oci_descriptor *root,
                 const char *tag, unsigned flags, const struct wl_progress *progress, struct wl_push_result *ret,
                 struct wl_err *err) {
    WL_AUTO(push_release)
    struct push p = {.c = c, .from = from, .flags = flags, .progress = progress};
    struct wl_oci_descriptor top = *root;

    top.media_type = wl_arena_strdup(&p.arena, root->media_type);
    top.artifact_type = NULL; /* what it is says the document itself */
    memset(&top.platform, 0, sizeof(top.platform));
    memset(&top.annotations, 0, sizeof(top.annotations));
    if (collect(&p, &top, 0, err) < 0 || push_blobs(&p, err) < 0)
        return -1;
    if (flags & WL_PUSH_DRY_RUN) {
        if (look_at_manifests(&p, err) < 0)
            return -1;
    } else if (put_manifests(&p, tag, err) < 0 || read_back(&p, tag, err) < 0) {
        return -1;
    }
    fill_result(&p, ret);
    return 0;
}
