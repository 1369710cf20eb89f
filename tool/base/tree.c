#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "mem.h"
#include "proc.h"

struct walk {
    wl_tree_visit *visit;
    void *arg;
    unsigned entries;
};

static int walk_dir(struct walk *w, int dirfd, const char *root, const char *rel, int depth, struct wl_err *err);

static int walk_entry(struct walk *w, int dirfd, const char *root, const char *name, const char *rel, int depth,
                      struct wl_err *err) {
    WL_AUTO(wl_closep) int fd = -1;
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return wl_fail_errno(err, errno, "cannot stat %s/%s", root, rel);
    if (++w->entries > WL_TREE_ENTRIES)
        return wl_fail(err, WL_FAILED, "%s holds more than %u entries", root, WL_TREE_ENTRIES);
    if (wl_interrupted())
        return wl_fail(err, WL_FAILED, "interrupted");
    if (w->visit(w->arg, rel, &st, err) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode))
        return 0;
    fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return wl_fail_errno(err, errno, "cannot open %s/%s", root, rel);
    return walk_dir(w, fd, root, rel, depth + 1, err);
}

static int list_fd(int dirfd, struct wl_strv *ret) {
    int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *e;

    if (!d) {
        wl_closep(&copy);
        return -1;
    }
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            wl_strv_add(ret, e->d_name);
    closedir(d);
    wl_strv_sort(ret);
    return 0;
}

static int walk_dir(struct walk *w, int dirfd, const char *root, const char *rel, int depth, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    if (depth > WL_TREE_DEPTH)
        return wl_fail(err, WL_FAILED, "%s/%s is nested deeper than %d folders", root, rel, WL_TREE_DEPTH);
    if (list_fd(dirfd, &names) < 0)
        return wl_fail_errno(err, errno, "cannot list %s/%s", root, rel);
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *path = rel[0] ? wl_path_join(rel, names.v[i]) : wl_strdup(names.v[i]);

        if (walk_entry(w, dirfd, root, names.v[i], path, depth, err) < 0)
            return -1;
    }
    return 0;
}

int wl_tree_walk(const char *root, wl_tree_visit *visit, void *arg, struct wl_err *err) {
    struct walk w = {.visit = visit, .arg = arg};
    WL_AUTO(wl_closep) int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return wl_fail_errno(err, errno, "cannot open the folder %s", root);
    return walk_dir(&w, fd, root, "", 0, err);
}

static int copy_bytes(int in, int out) {
    char chunk[65536];
    ssize_t n = copy_file_range(in, NULL, out, NULL, SSIZE_MAX / 2, 0);

    while (n > 0)
        n = copy_file_range(in, NULL, out, NULL, SSIZE_MAX / 2, 0);
    while ((n = read(in, chunk, sizeof(chunk))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || wl_write_all(out, chunk, (size_t)n) < 0)
            return -1;
    }
    return 0;
}

static int copy_file(const char *src, const char *dst, const struct stat *st, struct wl_err *err) {
    WL_AUTO(wl_closep) int in = open(src, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    WL_AUTO(wl_closep) int out = -1;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};

    if (in < 0)
        return wl_fail_errno(err, errno, "cannot open %s", src);
    if (unlink(dst) < 0 && errno != ENOENT)
        return wl_fail_errno(err, errno, "cannot replace %s", dst);
    out = open(dst, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0 || copy_bytes(in, out) < 0 || fchmod(out, st->st_mode & 0777) < 0 || futimens(out, times) < 0)
        return wl_fail_errno(err, errno, "cannot write %s", dst);
    return 0;
}

static int copy_link(const char *src, const char *dst, const struct stat *st, struct wl_err *err) {
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};
    char target[PATH_MAX];
    ssize_t n = readlink(src, target, sizeof(target) - 1);

    if (n < 0)
        return wl_fail_errno(err, errno, "cannot read the link %s", src);
    target[n] = '\0';
    if ((unlink(dst) < 0 && errno != ENOENT) || symlink(target, dst) < 0 ||
        utimensat(AT_FDCWD, dst, times, AT_SYMLINK_NOFOLLOW) < 0)
        return wl_fail_errno(err, errno, "cannot create the link %s", dst);
    return 0;
}

int wl_tree_copy_one(const char *root, const char *to, const char *rel, const struct stat *st, struct wl_err *err) {
    WL_AUTOFREE char *src = wl_path_join(root, rel);
    WL_AUTOFREE char *dst = wl_path_join(to, rel);

    if (S_ISREG(st->st_mode))
        return copy_file(src, dst, st, err);
    if (S_ISLNK(st->st_mode))
        return copy_link(src, dst, st, err);
    if (!S_ISDIR(st->st_mode))
        return wl_fail(err, WL_FAILED, "%s is neither a file, a folder nor a link", src);
    if (mkdir(dst, (st->st_mode & 0777) | 0700) < 0 && errno != EEXIST)
        return wl_fail_errno(err, errno, "cannot create the folder %s", dst);
    return 0;
}

struct copy {
    const char *from, *to;
};

static int copy_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err) {
    const struct copy *c = arg;

    return wl_tree_copy_one(c->from, c->to, rel, st, err);
}

static int dir_times_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err) {
    const struct copy *c = arg;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};
    WL_AUTOFREE char *dst = NULL;

    if (!S_ISDIR(st->st_mode))
        return 0;
    dst = wl_path_join(c->to, rel);
    if (utimensat(AT_FDCWD, dst, times, 0) < 0)
        return wl_fail_errno(err, errno, "cannot set the time of %s", dst);
    return 0;
}

int wl_tree_copy(const char *from, const char *to, struct wl_err *err) {
    struct copy c = {from, to};

    if (wl_fs_mkdirs(to, err) < 0 || wl_tree_walk(from, copy_visit, &c, err) < 0)
        return -1;
    return wl_tree_walk(from, dir_times_visit, &c, err);
}

struct stamp {
    const char *root;
    struct timespec times[2];
};

static int stamp_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err) {
    const struct stamp *s = arg;
    WL_AUTOFREE char *path = wl_path_join(s->root, rel);

    (void)st;
    if (utimensat(AT_FDCWD, path, s->times, AT_SYMLINK_NOFOLLOW) < 0)
        return wl_fail_errno(err, errno, "cannot set the time of %s", path);
    return 0;
}

int wl_tree_stamp(const char *root, int64_t mtime, struct wl_err *err) {
    struct stamp s = {root, {{.tv_sec = 0}, {.tv_sec = mtime}}};

    return wl_tree_walk(root, stamp_visit, &s, err);
}

struct usage {
    uint64_t bytes, entries;
};

static int usage_visit(void *arg, const char *rel, const struct stat *st, struct wl_err *err) {
    struct usage *u = arg;

    (void)rel;
    (void)err;
    u->bytes += (uint64_t)st->st_blocks * 512;
    u->entries++;
    return 0;
}

void wl_tree_usage(const char *root, uint64_t *ret_bytes, uint64_t *ret_entries) {
    struct usage u = {0};
    struct wl_err ignored;

    (void)wl_tree_walk(root, usage_visit, &u, &ignored);
    *ret_bytes = u.bytes;
    *ret_entries = u.entries;
}
