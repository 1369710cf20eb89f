#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/json.h"
#include "../base/tree.h"

#define META_MAX (64u << 20) /* a meta.json that lists every file of a large tree */
#define META_VERSION 1

void wl_meta_release(struct wl_meta *m) {
    wl_arena_release(&m->arena);
    memset(m, 0, sizeof(*m));
}

const char *wl_meta_fact(const struct wl_meta *m, const char *name) {
    for (size_t i = 0; i < m->n_facts; i++)
        if (strcmp(m->facts[i].name, name) == 0)
            return m->facts[i].value;
    return NULL;
}

const struct wl_store_file *wl_meta_file(const struct wl_meta *m, const char *path) {
    for (size_t i = 0; i < m->n_files; i++)
        if (strcmp(m->files[i].path, path) == 0)
            return &m->files[i];
    return NULL;
}

static char *entry_path(const struct wl_home *home, const char *key, const char *sub) {
    return wl_sprintf("%s/" WL_HOME_STORE "/%s/%s", home->root, key, sub);
}

bool wl_store_has(const struct wl_home *home, const char *key) {
    WL_AUTOFREE char *meta = entry_path(home, key, "meta.json");

    return access(meta, F_OK) == 0;
}

char *wl_store_path(const struct wl_home *home, const char *key, const char *path) {
    WL_AUTOFREE char *files = entry_path(home, key, "files");

    return path[0] ? wl_path_join(files, path) : WL_STEAL(files);
}

void wl_store_touch(const struct wl_home *home, const char *key) {
    WL_AUTOFREE char *meta = entry_path(home, key, "meta.json");

    (void)utimensat(AT_FDCWD, meta, NULL, 0);
}

/* --- meta.json ----------------------------------------------------------------------------------------------- */

static void write_facts(struct wl_jw *w, const struct wl_meta *m) {
    wl_jw_key(w, "facts");
    wl_jw_begin(w, '{');
    for (size_t i = 0; i < m->n_facts; i++)
        wl_jw_kstr(w, m->facts[i].name, m->facts[i].value);
    wl_jw_end(w, '}');
}

/* Digests every file of the new entry while its meta.json is written. */
struct describe {
    const char *dir;
    struct wl_jw *w;
};

static int link_digest(const char *path, struct wl_digest *ret, uint64_t *ret_size, struct wl_err *err) {
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target));

    if (n < 0)
        return wl_fail_errno(err, errno, "cannot read the link %s", path);
    *ret = wl_digest_of(target, (size_t)n);
    *ret_size = (uint64_t)n;
    return 0;
}

static int file_digest(const char *path, bool is_link, struct wl_digest *ret, uint64_t *ret_size, struct wl_err *err) {
    return is_link ? link_digest(path, ret, ret_size, err) : wl_digest_file(path, ret, ret_size, err);
}

static int describe_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err) {
    struct describe *d = arg;
    WL_AUTOFREE char *path = wl_path_join(d->dir, rel);
    bool is_link = S_ISLNK(st->st_mode);
    struct wl_digest digest;
    uint64_t size;

    if (S_ISDIR(st->st_mode))
        return 0;
    if (file_digest(path, is_link, &digest, &size, err) < 0)
        return -1;
    wl_jw_begin(d->w, '{');
    wl_jw_kstr(d->w, "path", rel);
    wl_jw_kint(d->w, "size", (int64_t)size);
    wl_jw_kstr(d->w, "digest", wl_digest_str(&digest).s);
    if (is_link)
        wl_jw_kbool(d->w, "link", true);
    wl_jw_end(d->w, '}');
    return 0;
}

static int write_meta(const struct wl_entry *e, const struct wl_meta *m, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    WL_AUTOFREE char *path = wl_path_join(e->tmp, "meta.json");
    struct wl_jw w = {.out = &b};
    struct describe d = {e->dir, &w};

    wl_jw_begin(&w, '{');
    wl_jw_kint(&w, "version", META_VERSION);
    wl_jw_kstr(&w, "recipe", m->recipe);
    wl_jw_kstr(&w, "step", m->step);
    wl_jw_kint(&w, "milliseconds", (int64_t)(m->seconds * 1000));
    wl_jw_kstr(&w, "inputs", m->inputs ? m->inputs : "");
    write_facts(&w, m);
    wl_jw_key(&w, "files");
    wl_jw_begin(&w, '[');
    if (wl_tree_walk(e->dir, describe_visit, &d, err) < 0)
        return -1;
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
    return wl_fs_write(path, b.p, b.len, err);
}

static const struct wl_pair *read_facts(struct wl_arena *a, const wl_json *facts, size_t *ret_n) {
    struct wl_pair *p = wl_arena_alloc(a, (wl_json_len(facts) + 1) * sizeof(*p));
    const char *name;
    const wl_json *value;
    size_t n = 0;

    for (void *it = NULL; wl_json_next(facts, &it, &name, &value); n++) {
        if (!wl_json_str(value))
            return NULL;
        p[n] = (struct wl_pair){wl_arena_strdup(a, name), wl_arena_strdup(a, wl_json_str(value))};
    }
    *ret_n = n;
    return p;
}

static const struct wl_store_file *read_files(struct wl_arena *a, const wl_json *list, size_t *ret_n) {
    size_t n = wl_json_len(list);
    struct wl_store_file *f = wl_arena_alloc(a, (n + 1) * sizeof(*f));

    for (size_t i = 0; i < n; i++) {
        const wl_json *o = wl_json_at(list, i);
        const char *path = wl_json_get_str(o, "path");
        const char *digest = wl_json_get_str(o, "digest");
        const wl_json *is_link = wl_json_get(o, "link");
        int64_t size;

        if (!path || !digest || !wl_json_get_int(o, "size", &size) || !wl_digest_parse(digest, &f[i].digest))
            return NULL;
        f[i].path = wl_arena_strdup(a, path);
        f[i].size = (uint64_t)size;
        f[i].link = is_link && wl_json_kind(is_link) == WL_JSON_TRUE;
    }
    *ret_n = n;
    return f;
}

int wl_store_meta(const struct wl_home *home, const char *key, struct wl_meta *ret, struct wl_err *err) {
    WL_AUTOFREE char *path = entry_path(home, key, "meta.json");
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    const wl_json *o;
    int64_t version = 0, ms = 0;

    if (wl_fs_read(path, META_MAX, &text, err) < 0 ||
        wl_json_parse(&doc, path, wl_buf_str(&text), text.len, WL_FAILED, err) < 0)
        return -1;
    o = wl_json_root(doc);
    if (!wl_json_get_int(o, "version", &version) || version != META_VERSION || !wl_json_get_str(o, "recipe") ||
        !wl_json_get_str(o, "step") || !wl_json_get_str(o, "inputs") || !wl_json_get_int(o, "milliseconds", &ms))
        return wl_fail(err, WL_FAILED, "%s is damaged or of another wlpack", path);
    m.recipe = wl_arena_strdup(&m.arena, wl_json_get_str(o, "recipe"));
    m.step = wl_arena_strdup(&m.arena, wl_json_get_str(o, "step"));
    m.seconds = (double)ms / 1000;
    m.inputs = wl_arena_strdup(&m.arena, wl_json_get_str(o, "inputs"));
    m.facts = read_facts(&m.arena, wl_json_get(o, "facts"), &m.n_facts);
    m.files = read_files(&m.arena, wl_json_get(o, "files"), &m.n_files);
    if (!m.facts || !m.files)
        return wl_fail(err, WL_FAILED, "%s is damaged", path);
    *ret = m;
    memset(&m, 0, sizeof(m));
    return 0;
}

int wl_store_verify(const struct wl_home *home, const char *key, const struct wl_meta *m, const char *path,
                    struct wl_err *err) {
    if (path && !wl_meta_file(m, path))
        return wl_fail(err, WL_FAILED, "the store entry %.12s has no file %s", key, path);
    for (size_t i = 0; i < m->n_files; i++) {
        const struct wl_store_file *f = &m->files[i];
        WL_AUTOFREE char *full = NULL;
        struct wl_digest digest;
        uint64_t size;

        if (path && strcmp(path, f->path) != 0)
            continue;
        full = wl_store_path(home, key, f->path);
        if (file_digest(full, f->link, &digest, &size, err) < 0)
            return wl_err_context(err, "the store entry %.12s (%s of %s) is damaged", key, m->step, m->recipe);
        if (!wl_digest_equal(&digest, &f->digest))
            return wl_fail(err, WL_FAILED,
                           "the store entry %.12s (%s of %s) is damaged: %s has another digest than recorded", key,
                           m->step, m->recipe, f->path);
    }
    return 0;
}

/* --- Entries ------------------------------------------------------------------------------------------------- */

int wl_store_drop(struct wl_home *home, const char *key, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_home_path2(home, WL_HOME_STORE, key);
    WL_AUTOFREE char *away = NULL;

    if (!wl_fs_exists(path))
        return 0;
    if (wl_home_tmp(home, "drop", &away, err) < 0)
        return -1;
    if (rename(path, away) < 0)
        return errno == ENOENT ? 0 : wl_fail_errno(err, errno, "cannot remove %s", path);
    return wl_fs_remove(away, err);
}

static int take_lock(struct wl_entry *e, void (*waiting)(void *arg), void *arg, struct wl_err *err) {
    if (wl_home_lock(e->home, e->key, WL_LOCK_NOWAIT, &e->lock, err) < 0)
        return -1;
    if (e->lock >= 0)
        return 0;
    if (waiting)
        waiting(arg);
    return wl_home_lock(e->home, e->key, 0, &e->lock, err);
}

int wl_entry_begin(struct wl_entry *e, struct wl_home *home, const char *key, bool force, void (*waiting)(void *arg),
                   void *arg, bool *ret_there, struct wl_err *err) {
    WL_AUTO(wl_entry_cancel) struct wl_entry n = WL_ENTRY_INIT;

    n.home = home;
    n.key = wl_strdup(key);
    if (take_lock(&n, waiting, arg, err) < 0)
        return -1;
    *ret_there = !force && wl_store_has(home, key);
    if (*ret_there)
        return 0;
    if (wl_home_tmp(home, "entry", &n.tmp, err) < 0)
        return -1;
    n.dir = wl_path_join(n.tmp, "files");
    if (wl_fs_mkdirs(n.dir, err) < 0)
        return -1;
    *e = n;
    n = (struct wl_entry)WL_ENTRY_INIT;
    return 0;
}

int wl_entry_commit(struct wl_entry *e, const struct wl_meta *m, struct wl_err *err) {
    WL_AUTOFREE char *place = wl_home_path2(e->home, WL_HOME_STORE, e->key);

    if (write_meta(e, m, err) < 0 || wl_fs_mkdirs_parent(place, err) < 0 || wl_store_drop(e->home, e->key, err) < 0)
        return wl_err_context(err, "cannot keep the step %s of %s", m->step, m->recipe);
    if (rename(e->tmp, place) < 0)
        return wl_fail_errno(err, errno, "cannot put %s in place", place);
    wl_entry_cancel(e);
    return 0;
}

void wl_entry_cancel(struct wl_entry *e) {
    struct wl_err ignored;

    if (e->tmp)
        wl_fs_remove(e->tmp, &ignored);
    if (e->lock >= 0) {
        WL_AUTOFREE char *lock = wl_sprintf("%s/" WL_HOME_LOCKS "/%s.lock", e->home->root, e->key);

        unlink(lock); /* before it is let go: whoever waits finds that the path is another file, and takes that */
        wl_closep(&e->lock);
    }
    free(e->key);
    free(e->tmp);
    free(e->dir);
    *e = (struct wl_entry)WL_ENTRY_INIT;
}

/* --- Last keys, gc -------------------------------------------------------------------------------------------- */

char *wl_store_last(const struct wl_home *home, const char *name) {
    WL_AUTOFREE char *path = wl_sprintf("%s/" WL_HOME_STORE "/last/%s", home->root, name);
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_digest d;
    struct wl_err ignored;

    if (wl_fs_read(path, WL_DIGEST_HEX, &b, &ignored) < 0 || !wl_digest_parse_hex(wl_buf_str(&b), &d))
        return NULL;
    return wl_buf_steal(&b);
}

int wl_store_set_last(const struct wl_home *home, const char *name, const char *key, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_sprintf("%s/" WL_HOME_STORE "/last/%s", home->root, name);
    WL_AUTOFREE char *old = wl_store_last(home, name);

    if (old && strcmp(old, key) == 0)
        return 0;
    return wl_fs_write(path, key, strlen(key), err);
}

int wl_store_use(const struct wl_home *home, unsigned flags, int *ret_fd, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_home_path(home, "store.lock");

    return wl_fs_lock(path, flags, ret_fd, err);
}

static int keys_in_use(const struct wl_home *home, struct wl_strv *ret, struct wl_err *err) {
    WL_AUTOFREE char *last = wl_home_path2(home, WL_HOME_STORE, "last");
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    if (!wl_fs_is_dir(last))
        return 0;
    if (wl_fs_list(last, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        char *key = wl_store_last(home, names.v[i]);

        if (key)
            wl_strv_take(ret, key);
    }
    return 0;
}

static int remove_all_in(const char *dir, struct wl_err *err) {
    return wl_fs_is_dir(dir) ? wl_fs_remove(dir, err) : 0;
}

int wl_store_gc(struct wl_home *home, unsigned flags, unsigned *ret_entries, uint64_t *ret_bytes, struct wl_err *err) {
    WL_AUTOFREE char *store = wl_home_path(home, WL_HOME_STORE);
    WL_AUTOFREE char *last = wl_path_join(store, "last");
    WL_AUTOFREE char *locks = wl_home_path(home, WL_HOME_LOCKS);
    WL_AUTO(wl_strv_release) struct wl_strv names = {0}, used = {0};
    bool dry = flags & WL_GC_DRY_RUN;

    *ret_entries = 0;
    *ret_bytes = 0;
    if (!wl_fs_is_dir(store))
        return 0;
    if (wl_fs_list(store, &names, err) < 0 || (!(flags & WL_GC_ALL) && keys_in_use(home, &used, err) < 0))
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *path = wl_path_join(store, names.v[i]);
        uint64_t bytes, entries;

        if (strlen(names.v[i]) != WL_DIGEST_HEX || wl_strv_has(&used, names.v[i]))
            continue;
        wl_tree_usage(path, &bytes, &entries);
        *ret_bytes += bytes;
        (*ret_entries)++;
        if (!dry && wl_store_drop(home, names.v[i], err) < 0)
            return -1;
    }
    if (dry)
        return 0;
    if ((flags & WL_GC_ALL) && remove_all_in(last, err) < 0)
        return -1;
    return remove_all_in(locks, err);
}
