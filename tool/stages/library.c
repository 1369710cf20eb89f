#include "library.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/tree.h"

#define FILE_MAX_BYTES (256u << 20) /* largest file of a library */
#define PC_MAX (1u << 20)           /* largest pkg-config file */
#define LIBRARY_MTIME 1000000000    /* time of every file: 9 Sep 2001, older than any object that is made from it */
#define PC_PREFIX "${pcfiledir}/../.."

/* Folders that nobody who compiles against a library needs. */
static const char *const dropped[] = {"bin",        "sbin",          "share/man",     "share/doc",
                                      "share/info", "share/gtk-doc", "share/aclocal", "share/locale"};

static bool below(const char *rel, const char *dir) {
    size_t n = strlen(dir);

    return strncmp(rel, dir, n) == 0 && (rel[n] == '/' || rel[n] == '\0');
}

static bool is_dropped(const char *rel) {
    for (size_t i = 0; i < WL_ARRAY_LEN(dropped); i++)
        if (below(rel, dropped[i]))
            return true;
    return wl_ends(rel, ".la");
}

/* "lib/libz.so", "lib/libz.so.1.3" */
static bool is_shared(const char *rel) {
    const char *base = wl_path_base(rel), *so = strstr(base, ".so");

    return below(rel, "lib") && wl_starts(base, "lib") && so && (so[3] == '\0' || so[3] == '.');
}

/* --- pkg-config files ------------------------------------------------------------------------------------------- */

/* Whether a path may begin at line[i]. */
static bool path_starts(const char *line, size_t i) {
    if (i == 0 || strchr("= \t\"'", line[i - 1]))
        return true;
    return i >= 2 && line[i - 2] == '-' && (line[i - 1] == 'I' || line[i - 1] == 'L');
}

/* Appends a line in which the folder `from` (a whole path or the front of one; "" for the root) reads `to`. */
static void add_replaced(struct wl_buf *out, const char *line, size_t n, const char *from, const char *to) {
    size_t len = strlen(from), i = 0;

    while (i < n) {
        bool ends = i + len == n || strchr(len ? "/ \t\"':" : "/", line[i + len]);

        if (path_starts(line, i) && n - i >= len && strncmp(line + i, from, len) == 0 && ends && line[i] == '/') {
            wl_buf_adds(out, to);
            i += len;
        }
        if (i < n)
            wl_buf_addc(out, line[i++]);
    }
}

/* The value of the file's "prefix=" line without a slash at its end; NULL when there is none. A new string. */
static char *pc_prefix(const char *text) {
    const char *at = wl_starts(text, "prefix=") ? text : strstr(text, "\nprefix=");
    size_t n;

    if (!at)
        return NULL;
    at = strchr(at, '=') + 1;
    n = strcspn(at, "\n");
    while (n > 0 && strchr(" \t\r/", at[n - 1]))
        n--;
    return wl_strndup(at, n);
}

/* Where the .pc file stands decides the prefix: lib/pkgconfig and share/pkgconfig are both two folders deep. */
static void relocate_pc(const char *text, const char *out_dir, struct wl_buf *ret) {
    WL_AUTOFREE char *prefix = pc_prefix(text);
    if (!prefix)
        wl_buf_adds(ret, "prefix=" PC_PREFIX "\n");
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        WL_AUTO(wl_buf_release) struct wl_buf line = {0};

        if (wl_starts(p, "prefix=")) {
            wl_buf_adds(ret, "prefix=" PC_PREFIX);
        } else {
            add_replaced(&line, p, n, out_dir, "${prefix}");
            if (prefix)
                add_replaced(ret, wl_buf_str(&line), line.len, prefix, "${prefix}");
            else
                wl_buf_add(ret, wl_buf_str(&line), line.len);
        }
        wl_buf_addc(ret, '\n');
        p += n + (p[n] == '\n');
    }
}

static int put_pc(const char *from, const char *to, const char *out_dir, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0}, moved = {0};

    if (wl_fs_read(from, PC_MAX, &text, err) < 0)
        return -1;
    relocate_pc(wl_buf_str(&text), out_dir, &moved);
    return wl_fs_write(to, moved.p, moved.len, err);
}

/* --- Collecting ------------------------------------------------------------------------------------------------- */

struct collect {
    const char *out, *work, *dir;
    struct wl_library_stats *stats;
};

/* A link has to stay inside of the tree wherever that stands. */
static int check_link(const struct collect *c, const char *rel, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(c->out, rel);
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    int depth = 0;

    if (n < 0)
        return wl_fail_errno(err, errno, "cannot read the link %s", path);
    target[n] = '\0';
    for (const char *p = rel; (p = strchr(p, '/')); p++)
        depth++;
    for (const char *p = target; *p && depth >= 0; p += strcspn(p, "/"), p += *p == '/')
        depth += strncmp(p, "../", 3) == 0 || strcmp(p, "..") == 0 ? -1 : 1;
    if (target[0] == '/' || depth < 0)
        return wl_fail(err, WL_RECIPE, "installs the link %s to %s, which leads out of ${out}", rel, target);
    return 0;
}

static int check_file(const struct collect *c, const char *rel, const char *path, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};

    if (wl_fs_read(path, FILE_MAX_BYTES, &bytes, err) < 0)
        return -1;
    if (bytes.len && memmem(bytes.p, bytes.len, c->work, strlen(c->work)))
        return wl_fail(err, WL_RECIPE,
                       "installs %s, which names the folder of this build and so would be another file elsewhere; "
                       "configure with a fixed --prefix and install with `make install prefix=${out}`",
                       rel);
    return 0;
}

static int put_file(const struct collect *c, const char *rel, const struct stat *st, struct wl_err *err) {
    WL_AUTOFREE char *from = wl_path_join(c->out, rel);
    WL_AUTOFREE char *to = wl_path_join(c->dir, rel);

    if (is_shared(rel))
        return wl_fail(err, WL_RECIPE,
                       "installs the shared object %s, which nothing could load; build static ones only", rel);
    if (wl_fs_mkdirs_parent(to, err) < 0)
        return -1;
    if (S_ISLNK(st->st_mode)) {
        if (check_link(c, rel, err) < 0)
            return -1;
    } else if (wl_ends(rel, ".pc") && S_ISREG(st->st_mode)) {
        if (put_pc(from, to, c->out, err) < 0 || check_file(c, rel, to, err) < 0)
            return -1;
    } else if (S_ISREG(st->st_mode) && check_file(c, rel, from, err) < 0) {
        return -1;
    }
    if ((!wl_ends(rel, ".pc") || !S_ISREG(st->st_mode)) && wl_tree_copy_one(c->out, c->dir, rel, st, err) < 0)
        return -1;
    c->stats->files++;
    c->stats->bytes += (uint64_t)st->st_size;
    c->stats->archives += wl_ends(rel, ".a");
    return 0;
}

static int collect_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err) {
    const struct collect *c = arg;

    return S_ISDIR(st->st_mode) || is_dropped(rel) ? 0 : put_file(c, rel, st, err);
}

static bool holds(const char *dir, const char *sub) {
    WL_AUTOFREE char *path = wl_path_join(dir, sub);

    return wl_fs_is_dir(path);
}

int wl_library_collect(const char *out, const char *work, const char *dir, struct wl_library_stats *ret,
                       struct wl_err *err) {
    struct wl_library_stats stats = {0};
    struct collect c = {out, work, dir, &stats};
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    if (wl_fs_mkdirs(dir, err) < 0 || wl_tree_walk(out, collect_visit, &c, err) < 0 || wl_fs_list(out, &names, err) < 0)
        return -1;
    if (names.n == 0)
        return wl_fail(err, WL_RECIPE, "installs nothing: its commands left ${out} empty");
    if (!holds(dir, "include") && !holds(dir, "lib"))
        return wl_fail(err, WL_RECIPE, "installs neither ${out}/include nor ${out}/lib, but %s%s", names.v[0],
                       names.n > 1 ? " and more" : "");
    if (wl_tree_stamp(dir, LIBRARY_MTIME, err) < 0)
        return -1;
    *ret = stats;
    return 0;
}

/* --- The union -------------------------------------------------------------------------------------------------- */

struct joining {
    const struct wl_library_tree *v;
    size_t at; /* whose tree is being copied */
    const char *dir;
};

/* Who of those before brought `rel`. */
static const char *brought_by(const struct joining *j, const char *rel) {
    struct stat st;

    for (size_t i = 0; i < j->at; i++) {
        WL_AUTOFREE char *path = wl_path_join(j->v[i].path, rel);

        if (lstat(path, &st) == 0)
            return j->v[i].id;
    }
    return "something else";
}

static int join_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err) {
    const struct joining *j = arg;
    WL_AUTOFREE char *to = wl_path_join(j->dir, rel);
    struct stat there;

    if (lstat(to, &there) == 0 && !(S_ISDIR(there.st_mode) && S_ISDIR(st->st_mode)))
        return wl_fail(err, WL_RECIPE, "the libraries %s and %s both install %s", brought_by(j, rel), j->v[j->at].id,
                       rel);
    return wl_tree_copy_one(j->v[j->at].path, j->dir, rel, st, err);
}

int wl_library_union(const struct wl_library_tree *v, size_t n, const char *dir, struct wl_err *err) {
    struct joining j = {.v = v, .dir = dir};

    if (wl_fs_mkdirs(dir, err) < 0)
        return -1;
    for (; j.at < n; j.at++)
        if (wl_tree_walk(v[j.at].path, join_visit, &j, err) < 0)
            return -1;
    return 0;
}
