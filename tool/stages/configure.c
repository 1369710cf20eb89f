#include "configure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/tree.h"

#define LIST_MAX (64u << 20) /* longest list of read or removed files */
#define TRACED_LINE "traced\n"

void wl_tree_state_release(struct wl_tree_state *s) {
    free(s->v);
    wl_arena_release(&s->arena);
    memset(s, 0, sizeof(*s));
}

static char type_of(const struct stat *st) {
    return S_ISDIR(st->st_mode) ? 'd' : S_ISLNK(st->st_mode) ? 'l' : 'f';
}

/* --- Before -------------------------------------------------------------------------------------------------- */

struct noting {
    const char *tree;
    struct wl_tree_state *state;
    struct wl_sha256 names;
};

static int note_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err) {
    struct noting *n = arg;
    struct wl_tree_state *s = n->state;
    WL_AUTOFREE char *path = wl_path_join(n->tree, rel);
    struct wl_tree_file *f;
    char type = type_of(st);

    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->v = wl_reallocarray(s->v, s->cap, sizeof(*s->v));
    }
    f = &s->v[s->n];
    *f = (struct wl_tree_file){.path = wl_arena_strdup(&s->arena, rel), .type = type};
    if (type == 'f' && wl_digest_file(path, &f->digest, NULL, err) < 0)
        return -1;
    if (type == 'l') {
        char target[PATH_MAX];
        ssize_t len = readlink(path, target, sizeof(target));

        f->digest = wl_digest_of(target, len > 0 ? (size_t)len : 0);
    }
    s->n++;
    wl_sha256_field(&n->names, rel, &type, 1);
    return 0;
}

int wl_configure_before(const char *tree, struct wl_tree_state *ret, struct wl_err *err) {
    WL_AUTO(wl_tree_state_release) struct wl_tree_state s = {0};
    struct noting n = {.tree = tree, .state = &s};
    int rc;

    wl_sha256_init(&n.names);
    rc = wl_tree_walk(tree, note_visit, &n, err);
    s.names = wl_sha256_final(&n.names);
    if (rc < 0 || wl_tree_stamp(tree, WL_CONFIGURE_MTIME, err) < 0)
        return -1;
    *ret = s;
    memset(&s, 0, sizeof(s));
    return 0;
}

/* --- After --------------------------------------------------------------------------------------------------- */

static int compare_file(const void *key, const void *item) {
    return strcmp(key, ((const struct wl_tree_file *)item)->path);
}

static int compare_files(const void *a, const void *b) {
    return strcmp(((const struct wl_tree_file *)a)->path, ((const struct wl_tree_file *)b)->path);
}

struct keeping {
    const char *tree, *delta;
    const struct wl_tree_file *sorted; /* the state before, by path */
    size_t n;
    bool *seen;
    struct wl_buf read; /* lines "digest path" */
};

/* Folders go into the delta where something in them does. */
static int make_parents(const char *delta, const char *rel, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(delta, rel);

    return wl_fs_mkdirs_parent(path, err);
}

static bool unchanged(const struct stat *st) {
    return st->st_mtim.tv_sec == WL_CONFIGURE_MTIME && st->st_mtim.tv_nsec == 0;
}

static int keep_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err) {
    struct keeping *k = arg;
    const struct wl_tree_file *old = bsearch(rel, k->sorted, k->n, sizeof(*k->sorted), compare_file);
    bool same_type = old && old->type == type_of(st);

    if (old)
        k->seen[old - k->sorted] = true;
    if (same_type && S_ISDIR(st->st_mode))
        return 0;
    if (same_type && (st->st_atim.tv_sec != 0 || !unchanged(st)))
        wl_buf_addf(&k->read, "%s %s\n", wl_digest_hexonly(&old->digest).s, rel);
    if (same_type && unchanged(st))
        return 0;
    if (make_parents(k->delta, rel, err) < 0)
        return -1;
    return wl_tree_copy_one(k->tree, k->delta, rel, st, err);
}

/* Whether reading a file moves its access time here. */
static bool access_times_kept(const char *folder) {
    WL_AUTOFREE char *path = wl_path_join(folder, "probe");
    struct timespec times[2] = {{0}, {.tv_sec = WL_CONFIGURE_MTIME}};
    struct wl_err ignored;
    struct stat st;
    char c;
    bool kept = false;
    WL_AUTO(wl_closep) int fd = -1;

    if (wl_fs_write(path, "x", 1, &ignored) < 0)
        return false;
    if (utimensat(AT_FDCWD, path, times, 0) == 0 && (fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0 &&
        read(fd, &c, 1) == 1 && stat(path, &st) == 0)
        kept = st.st_atim.tv_sec != 0;
    unlink(path);
    return kept;
}

static int write_list(const char *folder, const char *name, const struct wl_buf *b, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(folder, name);

    return wl_fs_write(path, wl_buf_str(b), b->len, err);
}

/* Children come behind their parents in a walk; a folder that went is enough. */
static void removed_names(const struct keeping *k, struct wl_buf *ret) {
    const char *gone = NULL;

    for (size_t i = 0; i < k->n; i++) {
        const char *path = k->sorted[i].path;

        if (k->seen[i] || (gone && wl_starts(path, gone) && path[strlen(gone)] == '/'))
            continue;
        gone = path;
        wl_buf_addf(ret, "%s\n", path);
    }
}

int wl_configure_keep(const char *tree, const struct wl_tree_state *before, const char *into, bool *ret_traced,
                      struct wl_err *err) {
    WL_AUTOFREE char *delta = wl_path_join(into, "delta");
    WL_AUTOFREE struct wl_tree_file *sorted = wl_memdup(before->v, before->n * sizeof(*sorted));
    WL_AUTOFREE bool *seen = wl_calloc(before->n + 1, sizeof(*seen));
    struct keeping k = {.tree = tree, .delta = delta, .sorted = sorted, .n = before->n, .seen = seen};
    WL_AUTO(wl_buf_release) struct wl_buf removed = {0}, read_list = {0};
    bool traced = access_times_kept(into);
    int rc;

    qsort(sorted, before->n, sizeof(*sorted), compare_files);
    if (wl_fs_mkdirs(delta, err) < 0)
        return -1;
    rc = wl_tree_walk(tree, keep_visit, &k, err);
    removed_names(&k, &removed);
    wl_buf_addf(&read_list, "%s%s\n", traced ? TRACED_LINE : "untraced\n", wl_digest_hexonly(&before->names).s);
    wl_buf_add(&read_list, wl_buf_str(&k.read), k.read.len);
    wl_buf_release(&k.read);
    if (rc < 0 || write_list(into, "removed", &removed, err) < 0 || write_list(into, "read", &read_list, err) < 0)
        return -1;
    *ret_traced = traced;
    return 0;
}

/* --- Later --------------------------------------------------------------------------------------------------- */

/* One line "digest path" against the tree. */
static bool line_holds(const char *line, size_t n, const struct wl_tree_file *sorted, size_t count) {
    WL_AUTOFREE char *path = NULL;
    const struct wl_tree_file *f;

    if (n < WL_DIGEST_HEX + 2 || line[WL_DIGEST_HEX] != ' ')
        return false;
    path = wl_strndup(line + WL_DIGEST_HEX + 1, n - WL_DIGEST_HEX - 1);
    f = bsearch(path, sorted, count, sizeof(*sorted), compare_file);
    return f && memcmp(wl_digest_hexonly(&f->digest).s, line, WL_DIGEST_HEX) == 0;
}

bool wl_configure_holds(const char *kept, const struct wl_tree_state *tree) {
    WL_AUTOFREE char *path = wl_path_join(kept, "read");
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE struct wl_tree_file *sorted = NULL;
    struct wl_err ignored;
    const char *p, *end;

    if (wl_fs_read(path, LIST_MAX, &text, &ignored) < 0 || !wl_starts(wl_buf_str(&text), TRACED_LINE))
        return false;
    p = text.p + strlen(TRACED_LINE);
    end = text.p + text.len;
    if (end - p < WL_DIGEST_HEX + 1 || memcmp(p, wl_digest_hexonly(&tree->names).s, WL_DIGEST_HEX) != 0)
        return false;
    sorted = wl_memdup(tree->v, tree->n * sizeof(*sorted));
    qsort(sorted, tree->n, sizeof(*sorted), compare_files);
    for (p += WL_DIGEST_HEX + 1; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));

        if (!nl || !line_holds(p, (size_t)(nl - p), sorted, tree->n))
            return false;
        p = nl + 1;
    }
    return true;
}

static int remove_listed(const char *kept, const char *tree, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(kept, "removed");
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};

    if (wl_fs_read(path, LIST_MAX, &text, err) < 0)
        return -1;
    for (char *p = text.p; p && *p;) {
        char *nl = strchr(p, '\n');
        WL_AUTOFREE char *full = NULL;

        if (!nl)
            break;
        *nl = '\0';
        full = wl_path_join(tree, p);
        if (wl_fs_remove(full, err) < 0)
            return -1;
        p = nl + 1;
    }
    return 0;
}

int wl_configure_apply(const char *kept, const char *tree, struct wl_err *err) {
    WL_AUTOFREE char *delta = wl_path_join(kept, "delta");

    if (remove_listed(kept, tree, err) < 0)
        return -1;
    return wl_tree_copy(delta, tree, err);
}
