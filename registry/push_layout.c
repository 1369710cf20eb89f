/* A layout as the source of a push, and what it knows about where its blobs came from. */
#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "layout_walk.h"
#include "push.h"
#include "reference.h"

#define ORIGINS_MAX 65536 /* blobs whose origin is remembered */

/* A blob that a repository of the target's registry has, by the name of the image that it came with. */
struct origin {
    struct wl_digest digest;
    const char *path; /* in the arena */
};

struct source {
    const struct wl_layout *layout;
    struct wl_arena arena;
    struct origin *origins;
    size_t n;
    const char *path; /* of the entry that is walked */
};

static void source_release(struct source *s) {
    wl_arena_release(&s->arena);
    free(s->origins);
}

static int load_manifest(void *arg, const struct wl_oci_descriptor *d, struct wl_buf *ret, struct wl_err *err) {
    const struct source *s = arg;

    return wl_blob_load(s->layout, &d->digest, (int64_t)d->size, ret, err);
}

static int push_blob(void *arg, struct wl_client *to, const struct wl_oci_descriptor *d, bool send,
                     const char *mount_from, const struct wl_progress *progress, bool *ret_mounted,
                     struct wl_err *err) {
    const struct source *s = arg;

    if (!wl_layout_blob_has(s->layout, &d->digest, (int64_t)d->size))
        return wl_fail(err, WL_FAILED, "the local store has no blob %s of %llu bytes", wl_digest_str(&d->digest).s,
                       (unsigned long long)d->size);
    return send ? wl_client_blob_put(to, s->layout, d, mount_from, progress, ret_mounted, err) : 0;
}

static const char *origin_of(void *arg, const struct wl_oci_descriptor *d) {
    const struct source *s = arg;

    for (size_t i = 0; i < s->n; i++)
        if (wl_digest_equal(&s->origins[i].digest, &d->digest))
            return s->origins[i].path;
    return NULL;
}

static int note_blob(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    struct source *s = arg;

    (void)err;
    if (item->role != WL_ROLE_CONFIG && item->role != WL_ROLE_LAYER)
        return 0;
    if (s->n >= ORIGINS_MAX || origin_of(s, item->d))
        return 0;
    s->origins = wl_reallocarray(s->origins, s->n + 1, sizeof(*s->origins));
    s->origins[s->n++] = (struct origin){item->d->digest, s->path};
    return 0;
}

/* The repository path when name is "HOST/PATH:TAG" of this registry and not of this repository. */
static const char *path_at(const char *name, const struct wl_client *c, struct wl_reference *r) {
    struct wl_err ignored;

    if (!name || wl_reference_parse(name, r, &ignored) < 0 || !r->explicit_host ||
        strcmp(r->host, wl_client_host(c)) != 0 || strcmp(r->path, wl_client_path(c)) == 0)
        return NULL;
    return r->path;
}

/* Local images that are named like images of the target's registry came from there or went there. Damage is not our matter here. */
static void find_origins(struct source *s, struct wl_client *c) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    struct wl_err ignored;

    if (wl_layout_list(s->layout, &all, &ignored) < 0)
        return;
    for (size_t i = 0; i < all.n; i++) {
        struct wl_reference r;
        const char *path = path_at(all.v[i].name, c, &r);

        if (!path)
            continue;
        s->path = wl_arena_strdup(&s->arena, path);
        wl_layout_walk(s->layout, &all.v[i], note_blob, s, &ignored);
        wl_client_will_mount(c, path);
    }
}

int wl_push(struct wl_client *c, const struct wl_layout *layout, const struct wl_oci_descriptor *root, const char *tag,
            unsigned flags, const struct wl_progress *progress, struct wl_push_result *ret, struct wl_err *err) {
    WL_AUTO(source_release) struct source s = {.layout = layout};
    const struct wl_push_source from = {load_manifest, push_blob, origin_of, &s, WL_OCI_LOCAL};

    if (!(flags & WL_PUSH_DRY_RUN))
        find_origins(&s, c);
    return wl_push_from(c, &from, root, tag, flags, progress, ret, err);
}
