#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "proc.h"

#define COPY_CHUNK (1 << 20)
#define LINK_TRIES 100   /* temporary names that may be taken */
#define REMOVE_DEPTH 200 /* deepest tree that is removed */

char *wl_path_join(const char *a, const char *b) {
    size_t n = strlen(a);

    if (b[0] == '/' || n == 0)
        return wl_strdup(b);
    return wl_sprintf("%s%s%s", a, a[n - 1] == '/' ? "" : "/", b);
}

const char *wl_path_base(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int read_fd(int fd, const char *path, size_t max, struct wl_buf *ret, struct wl_err *err) {
    for (;;) {
        ssize_t n;

        wl_buf_reserve(ret, 65536);
        n = read(fd, ret->p + ret->len, ret->cap - ret->len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return wl_fail_errno(err, errno, "cannot read %s", path);
        ret->len += (size_t)n;
        ret->p[ret->len] = '\0';
        if (ret->len > max)
            return wl_fail(err, WL_FAILED, "%s is larger than the %zu bytes allowed", path, max);
        if (n == 0)
            return 0;
    }
}

int wl_fs_read(const char *path, size_t max, struct wl_buf *ret, struct wl_err *err) {
    WL_AUTO(wl_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0)
        return wl_fail_errno(err, errno, "cannot open %s", path);
    if (fstat(fd, &st) < 0)
        return wl_fail_errno(err, errno, "cannot stat %s", path);
    if (!S_ISREG(st.st_mode))
        return wl_fail(err, WL_FAILED, "%s is not a regular file", path);
    if ((size_t)st.st_size <= max)
        wl_buf_reserve(ret, (size_t)st.st_size + 1);
    return read_fd(fd, path, max, ret, err);
}

int wl_fs_mkdirs(const char *path, struct wl_err *err) {
    WL_AUTOFREE char *copy = wl_strdup(path);

    for (char *p = copy + 1; *copy; p++) {
        char c = *p;

        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            return wl_fail_errno(err, errno, "cannot create the folder %s", copy);
        *p = c;
        if (c == '\0')
            break;
    }
    if (!wl_fs_is_dir(path))
        return wl_fail(err, WL_FAILED, "%s exists and is not a folder", path);
    return 0;
}

int wl_fs_mkdirs_parent(const char *path, struct wl_err *err) {
    WL_AUTOFREE char *copy = wl_strdup(path);
    char *slash = strrchr(copy, '/');

    if (!slash || slash == copy)
        return 0;
    *slash = '\0';
    return wl_fs_mkdirs(copy, err);
}

static int remove_at(int dirfd, const char *name, int depth);

static int remove_children(int dirfd, const char *name, int depth) {
    int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = NULL;
    struct dirent *e;
    int rc = 0;

    if (fd < 0 && errno == EACCES) {
        if (fchmodat(dirfd, name, 0700, 0) == 0)
            fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0 || !(d = fdopendir(fd))) {
        wl_closep(&fd);
        return -1;
    }
    fchmod(fd, 0700);
    while (rc == 0 && (e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = remove_at(fd, e->d_name, depth + 1);
    closedir(d);
    return rc;
}

static int remove_at(int dirfd, const char *name, int depth) {
    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -1;
    if (depth > REMOVE_DEPTH) {
        errno = ELOOP;
        return -1;
    }
    if (remove_children(dirfd, name, depth) < 0)
        return -1;
    return unlinkat(dirfd, name, AT_REMOVEDIR);
}

int wl_fs_remove(const char *path, struct wl_err *err) {
    if (remove_at(AT_FDCWD, path, 0) < 0)
        return wl_fail_errno(err, errno, "cannot remove %s", path);
    return 0;
}

bool wl_fs_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool wl_fs_is_dir(const char *path) {
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int wl_fs_list(const char *path, struct wl_strv *ret, struct wl_err *err) {
    DIR *d = opendir(path);
    struct dirent *e;

    if (!d)
        return wl_fail_errno(err, errno, "cannot list %s", path);
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            wl_strv_add(ret, e->d_name);
    closedir(d);
    wl_strv_sort(ret);
    return 0;
}

int wl_write_all(int fd, const void *p, size_t n) {
    const char *c = p;

    while (n > 0) {
        ssize_t w = write(fd, c, n);

        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -1;
        c += w;
        n -= (size_t)w;
    }
    return 0;
}

/* N of /dev/stdout, /dev/stderr and /dev/fd/N, or -1. */
static int own_descriptor(const char *path) {
    static const char *const prefixes[] = {"/dev/fd/", "/proc/self/fd/"};
    char *end = NULL;

    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < WL_ARRAY_LEN(prefixes); i++)
        if (wl_starts(path, prefixes[i]) && path[strlen(prefixes[i])]) {
            long n = strtol(path + strlen(prefixes[i]), &end, 10);

            return *end == '\0' && n >= 0 && n <= INT_MAX ? (int)n : -1;
        }
    return -1;
}

/* What a rename must not replace is written to as it is: *ret_fd is -1 for a file, a folder and what is not there. */
static int open_special(const char *path, int *ret_fd, struct wl_err *err) {
    int own = own_descriptor(path);
    struct stat st;

    *ret_fd = -1;
    if (own >= 0)
        *ret_fd = fcntl(own, F_DUPFD_CLOEXEC, 3);
    else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        *ret_fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    else
        return 0;
    return *ret_fd < 0 ? wl_fail_errno(err, errno, "cannot open %s", path) : 0;
}

/* A file without a name in the folder of path, which nothing that ends us leaves behind; -1 where the file system has none, or nobody could
 * give it a name later. */
static int open_nameless(const char *path, mode_t mode) {
    WL_AUTOFREE char *dir = wl_strdup(path);
    char *slash = strrchr(dir, '/');

    if (slash)
        slash[slash == dir] = '\0';
    return access("/proc/self/fd", X_OK) == 0 ? open(slash ? dir : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode & 0700)
                                              : -1;
}

/* Gives a nameless file its name: at once where the place is free, else by way of a temporary name, since no link replaces a file. */
static int name_it(struct wl_file *f, struct wl_err *err) {
    WL_AUTOFREE char *own = wl_sprintf("/proc/self/fd/%d", f->fd);
    int e;

    if (linkat(AT_FDCWD, own, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    e = errno;
    for (unsigned i = 0; e == EEXIST && i < LINK_TRIES; i++) {
        WL_AUTOFREE char *tmp = wl_sprintf("%s.tmp-%ld-%u", f->beside, (long)getpid(), i);

        if (linkat(AT_FDCWD, own, AT_FDCWD, tmp, AT_SYMLINK_FOLLOW) == 0) {
            wl_cleanup_add(tmp);
            f->tmp = WL_STEAL(tmp);
            return 0;
        }
        e = errno;
    }
    return wl_fail_errno(err, e, "cannot put %s in place", f->path);
}

int wl_file_open(struct wl_file *f, const char *path, mode_t mode, bool sync, struct wl_err *err) {
    WL_AUTOFREE char *tmp = wl_sprintf("%s.tmp-XXXXXX", path);
    int fd = -1;

    if (open_special(path, &fd, err) < 0)
        return -1;
    if (fd >= 0) {
        *f = (struct wl_file){.fd = fd, .path = wl_strdup(path)};
        return 0;
    }
    if (wl_fs_mkdirs_parent(path, err) < 0)
        return -1;
    f->sync = sync;
    f->fd = open_nameless(path, mode);
    f->nameless = f->fd >= 0;
    if (!f->nameless && (f->fd = mkostemp(tmp, O_CLOEXEC)) < 0)
        return wl_fail_errno(err, errno, "cannot create %s", path);
    f->path = wl_strdup(path);
    f->beside = wl_strdup(path);
    if (!f->nameless) {
        wl_cleanup_add(tmp);
        f->tmp = WL_STEAL(tmp);
    }
    if (fchmod(f->fd, mode) < 0) {
        wl_fail_errno(err, errno, "cannot set the mode of %s", path);
        wl_file_cancel(f);
        return -1;
    }
    return 0;
}

int wl_file_write(struct wl_file *f, const void *p, size_t n, struct wl_err *err) {
    if (wl_write_all(f->fd, p, n) < 0)
        return wl_fail_errno(err, errno, "cannot write %s", f->path);
    return 0;
}

int wl_file_commit(struct wl_file *f, struct wl_err *err) {
    int rc = 0;

    if (f->sync && fsync(f->fd) < 0)
        rc = wl_fail_errno(err, errno, "cannot write %s", f->path);
    if (rc == 0 && f->nameless)
        rc = name_it(f, err);
    if (close(f->fd) < 0 && rc == 0)
        rc = wl_fail_errno(err, errno, "cannot write %s", f->path);
    f->fd = -1;
    if (rc == 0 && f->tmp && rename(f->tmp, f->path) < 0)
        rc = wl_fail_errno(err, errno, "cannot put %s in place", f->path);
    if (rc == 0 && f->tmp) {
        wl_cleanup_remove(f->tmp);
        free(f->tmp);
        f->tmp = NULL;
    }
    wl_file_cancel(f);
    return rc;
}

void wl_file_cancel(struct wl_file *f) {
    wl_closep(&f->fd);
    f->fd = -1;
    if (f->tmp) {
        unlink(f->tmp);
        wl_cleanup_remove(f->tmp);
    }
    free(f->tmp);
    free(f->path);
    free(f->beside);
    f->tmp = f->path = f->beside = NULL;
}

int wl_fs_write(const char *path, const void *p, size_t n, struct wl_err *err) {
    WL_AUTO(wl_file_cancel) struct wl_file f = WL_FILE_INIT;

    if (wl_file_open(&f, path, 0644, false, err) < 0 || wl_file_write(&f, p, n, err) < 0)
        return -1;
    return wl_file_commit(&f, err);
}

static int copy_bytes(int in, int out, const char *from, const char *to, struct wl_err *err) {
    WL_AUTOFREE char *chunk = NULL;
    ssize_t n = copy_file_range(in, NULL, out, NULL, SSIZE_MAX / 2, 0);

    while (n > 0)
        n = copy_file_range(in, NULL, out, NULL, SSIZE_MAX / 2, 0);
    chunk = wl_malloc(COPY_CHUNK);
    while ((n = read(in, chunk, COPY_CHUNK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return wl_fail_errno(err, errno, "cannot read %s", from);
        if (wl_write_all(out, chunk, (size_t)n) < 0)
            return wl_fail_errno(err, errno, "cannot write %s", to);
    }
    return 0;
}

int wl_fs_copy(const char *from, const char *to, struct wl_err *err) {
    WL_AUTO(wl_file_cancel) struct wl_file f = WL_FILE_INIT;
    WL_AUTO(wl_closep) int in = open(from, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (in < 0 || fstat(in, &st) < 0)
        return wl_fail_errno(err, errno, "cannot open %s", from);
    if (wl_file_open(&f, to, (st.st_mode & 0111) ? 0755 : 0644, false, err) < 0 ||
        copy_bytes(in, f.fd, from, to, err) < 0)
        return -1;
    return wl_file_commit(&f, err);
}

int wl_fs_tempdir(const char *beside, char **ret_path, struct wl_err *err) {
    WL_AUTOFREE char *tmp = wl_sprintf("%s.tmp-XXXXXX", beside);

    if (wl_fs_mkdirs_parent(beside, err) < 0)
        return -1;
    if (!mkdtemp(tmp))
        return wl_fail_errno(err, errno, "cannot create a folder beside %s", beside);
    *ret_path = WL_STEAL(tmp);
    return 0;
}

int wl_fs_lock(const char *path, unsigned flags, int *ret_fd, struct wl_err *err) {
    int op = (flags & WL_LOCK_SHARED) ? LOCK_SH : LOCK_EX;
    WL_AUTO(wl_closep) int fd = -1;

    if (wl_fs_mkdirs_parent(path, err) < 0)
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return wl_fail_errno(err, errno, "cannot open the lock %s", path);
    while (flock(fd, op | ((flags & WL_LOCK_NOWAIT) ? LOCK_NB : 0)) < 0) {
        if (errno == EWOULDBLOCK) {
            *ret_fd = -1;
            return 0;
        }
        if (errno != EINTR)
            return wl_fail_errno(err, errno, "cannot lock %s", path);
        if (wl_interrupted())
            return wl_fail(err, WL_FAILED, "interrupted while waiting for the lock %s", path);
    }
    *ret_fd = wl_steal_fd(&fd);
    return 0;
}
