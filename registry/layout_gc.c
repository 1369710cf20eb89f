#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tool/base/mem.h"
#include "layout.h"
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

static int reach_all(const struct wl_layout *l, struct set *ret, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};

    if (wl_layout_list(l, &all, err) < 0)
        return -1;
    for (size_t i = 0; i < all.n; i++) {
        if (wl_layout_walk(l, &all.v[i], visit_reach, ret, err) < 0)
            return wl_err_context(err, "nothing is removed: %s", all.v[i].name ? all.v[i].name : "a nameless image");
    }
    if (ret->n > 1)
        qsort(ret->v, ret->n, sizeof(*ret->v), compare);
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
        if (keep->n > 0 && bsearch(&d, keep->v, keep->n, sizeof(*keep->v), compare)) {
            ret->kept++;
            ret->kept_bytes += (uint64_t)st.st_size;
            continue;
        }
        if (!(flags & WL_LAYOUT_GC_DRY) && wl_fs_remove(path, err) < 0)
            return -1;
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

int wl_layout_gc(const char *dir, unsigned flags, struct wl_layout_gc *ret, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTOFREE char *use = wl_path_join(dir, ".use");
    WL_AUTO(set_release) struct set keep = {0};
    WL_AUTO(wl_closep) int fd = -1;
    struct wl_layout_gc counts = {0};

    if (wl_layout_open(&l, dir, 0, err) < 0)
        return -1;
    if (wl_fs_lock(use, (flags & WL_LAYOUT_GC_NOWAIT) ? WL_LOCK_NOWAIT : 0, &fd, err) < 0)
        return -1;
    if (fd < 0)
        return wl_fail(err, WL_FAILED, "another wlpack is writing to %s", dir);
    if (reach_all(&l, &keep, err) < 0 || sweep_blobs(&l, &keep, flags, &counts, err) < 0)
        return -1;
    if (!(flags & WL_LAYOUT_GC_DRY) && sweep_tmp(&l, err) < 0)
        return -1;
    *ret = counts;
    return 0;
}
