#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tool/base/mem.h"
#include "layout.h"
#include "layout_internal.h"
#include "layout_referrers.h"
#include "layout_walk.h"

/* Sorted set of digests as a vector; small enough (one per blob) that a sort at the end beats a tree. */
struct set {
    struct wl_digest *v;
    size_t n, cap;
};

static void set_release(struct set *s) {
    free(s->v);
}

static int compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct wl_digest));
}

static void set_add(struct set *s, const struct wl_digest *d) {
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->v = wl_reallocarray(s->v, s->cap, sizeof(*s->v));
    }
    s->v[s->n++] = *d;
}

static int visit_reach(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    (void)err;
    set_add(arg, &item->d->digest);
    return 0;
}

static void sort(struct set *s) {
    if (s->n > 1)
        qsort(s->v, s->n, sizeof(*s->v), compare);
}

static bool set_has(const struct set *s, const struct wl_digest *d) {
    return s->n > 0 && bsearch(d, s->v, s->n, sizeof(*s->v), compare);
}

/* What one entry reaches. */
static int reach(const struct wl_layout *l, const struct wl_layout_entry *e, struct set *ret, struct wl_err *err) {
    if (wl_layout_walk(l, e, visit_reach, ret, err) < 0)
        return wl_err_context(err, "nothing is removed: %s", e->name ? e->name : "a nameless image");
    return 0;
}

/* Adds what the referrers reach whose subject is reached (by an image or by another referrer, which a signature of an SBOM is); kept
 * tells which those are. */
static int reach_referrers(const struct wl_layout *l, const struct wl_layout_entries *all, bool *kept, struct set *ret,
                           struct wl_err *err) {
    struct wl_digest subject;
    bool more = true;

    while (more) {
        more = false;
        sort(ret);
        for (size_t i = 0; i < all->n; i++) {
            if (kept[i] || !wl_layout_subject(l, &all->v[i], &subject) || !set_has(ret, &subject))
                continue;
            kept[i] = more = true;
            if (reach(l, &all->v[i], ret, err) < 0)
                return -1;
            sort(ret);
        }
    }
    return 0;
}

/* What all entries reach, sorted. Referrers of what is not reached are taken out of *all. */
static int reach_all(const struct wl_layout *l, struct wl_layout_entries *all, struct set *ret, struct wl_err *err) {
    WL_AUTOFREE bool *kept = wl_calloc(all->n + 1, sizeof(*kept));
    struct wl_digest subject;
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++) {
        kept[i] = !wl_layout_subject(l, &all->v[i], &subject);
        if (kept[i] && reach(l, &all->v[i], ret, err) < 0)
            return -1;
    }
    if (reach_referrers(l, all, kept, ret, err) < 0)
        return -1;
    for (size_t i = 0; i < all->n; i++) {
        if (kept[i])
            all->v[n++] = all->v[i];
        else
            wl_layout_entry_release(&all->v[i]);
    }
    all->n = n;
    return 0;
}

static int sweep_blobs(const struct wl_layout *l, const struct set *keep, unsigned flags, struct wl_layout_gc *ret,
                       struct wl_err *err) {
    WL_AUTOFREE char *dir = wl_path_join(l->dir, "blobs/sha256");
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    if (wl_fs_list(dir, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *path = wl_path_join(dir, names.v[i]);
        struct wl_digest d;
        struct stat st;

        if (!wl_digest_parse_hex(names.v[i], &d) || lstat(path, &st) < 0)
            continue; /* not ours */
        if (set_has(keep, &d)) {
            ret->kept++;
            ret->kept_bytes += (uint64_t)st.st_size;
            continue;
        }
        if (!(flags & WL_LAYOUT_GC_DRY)) {
            if (wl_fs_remove(path, err) < 0)
                return -1;
            wl_seal_drop(l, &d);
        }
        ret->removed++;
        ret->removed_bytes += (uint64_t)st.st_size;
    }
    return 0;
}

static int sweep_tmp(const struct wl_layout *l, struct wl_err *err) {
    WL_AUTOFREE char *dir = wl_path_join(l->dir, ".tmp");
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    if (!wl_fs_is_dir(dir))
        return 0;
    if (wl_fs_list(dir, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *path = wl_path_join(dir, names.v[i]);

        if (wl_fs_remove(path, err) < 0)
            return -1;
    }
    return 0;
}

/* Somebody who only looks disturbs nobody who writes. */
static unsigned lock_flags(unsigned flags) {
    if (flags & WL_LAYOUT_GC_DRY)
        return WL_LOCK_SHARED;
    return (flags & WL_LAYOUT_GC_NOWAIT) ? WL_LOCK_NOWAIT : 0;
}

int wl_layout_gc(const char *dir, unsigned flags, struct wl_layout_gc *ret, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTOFREE char *use = wl_path_join(dir, ".use");
    WL_AUTO(set_release) struct set keep = {0};
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    WL_AUTO(wl_closep) int fd = -1;
    WL_AUTO(wl_closep) int lock = -1;
    size_t before;
    struct wl_layout_gc counts = {0};

    if (wl_layout_open(&l, dir, 0, err) < 0)
        return -1;
    if (wl_fs_lock(use, lock_flags(flags), &fd, err) < 0)
        return -1;
    if (fd < 0)
        return wl_fail(err, WL_FAILED, "another wlpack is writing to %s", dir);
    l.use_fd = wl_steal_fd(&fd); /* the exclusive hold allows what a shared one does */
    if (wl_layout_change_begin(&l, &all, &lock, err) < 0)
        return -1;
    before = all.n;
    if (reach_all(&l, &all, &keep, err) < 0)
        return -1;
    if (all.n < before && !(flags & WL_LAYOUT_GC_DRY) && wl_layout_change_write(&l, &all, err) < 0)
        return -1;
    if (sweep_blobs(&l, &keep, flags, &counts, err) < 0)
        return -1;
    if (!(flags & WL_LAYOUT_GC_DRY) && sweep_tmp(&l, err) < 0)
        return -1;
    *ret = counts;
    return 0;
}
