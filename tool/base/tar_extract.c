#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"
#include "mem.h"
#include "tar_internal.h"

#define DEPTH_MAX 100 /* components of a name */
#define CHUNK (64u << 10)

/* One unpacking. Folders under the root are only ever made, never replaced, and never entered through a link; so a link
 * that has its ".." in front is resolved from a place that is known, and cannot lead out. */
struct extract {
    const struct wl_tar_extract *spec;
    struct wl_tar_reader *r;
    int root;
    char *last; /* the folder that last_fd is open on, "" for the root */
    int last_fd;
    struct dir_time *dirs; /* whose times are set at the end */
    size_t n_dirs, cap_dirs;
    uint64_t files;
};

struct dir_time {
    char *path;
    struct timespec t;
};

/* A name cut into components, "." and doubled slashes dropped, `strip` of them too. */
struct name {
    const char *raw; /* as it stands in the archive */
    char *text;
    const char *part[DEPTH_MAX];
    size_t n;
    char *dir; /* all but the last, joined; "" for none */
};

static void name_release(struct name *n) {
    free(n->text);
    free(n->dir);
}

static void extract_release(struct extract *x) {
    wl_tar_free(x->r);
    for (size_t i = 0; i < x->n_dirs; i++)
        free(x->dirs[i].path);
    free(x->dirs);
    free(x->last);
    wl_closep(&x->last_fd);
    wl_closep(&x->root);
}

static int refuse(const struct extract *x, const char *name, struct wl_err *err, const char *why) {
    return wl_fail(err, WL_FAILED, "%s: refused: %s %s", x->spec->archive, name, why);
}

/* --- Names ------------------------------------------------------------------------------------------------------ */

static int parse_name(const struct extract *x, const char *raw, unsigned strip, struct name *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf dir = {0};
    char *save = NULL;
    size_t skipped = 0;

    if (raw[0] == '\0' || raw[0] == '/')
        return refuse(x, raw, err, "is an absolute or empty name");
    if (strlen(raw) >= PATH_MAX)
        return wl_fail(err, WL_FAILED, "%s: refused: a name of %zu bytes", x->spec->archive, strlen(raw));
    ret->raw = raw;
    ret->text = wl_strdup(raw);
    for (char *p = strtok_r(ret->text, "/", &save); p; p = strtok_r(NULL, "/", &save)) {
        if (strcmp(p, ".") == 0)
            continue;
        if (strcmp(p, "..") == 0)
            return refuse(x, raw, err, "has \"..\" in its name");
        if (strlen(p) > NAME_MAX || ret->n == DEPTH_MAX)
            return refuse(x, raw, err, "is too long or too deep");
        if (skipped++ >= strip)
            ret->part[ret->n++] = p;
    }
    for (size_t i = 0; i + 1 < ret->n; i++)
        wl_buf_addf(&dir, "%s%s", i ? "/" : "", ret->part[i]);
    ret->dir = wl_buf_steal(&dir);
    return 0;
}

/* Opens a folder below fd, never through a link; makes it when create. */
static int step(int fd, const char *part, bool create) {
    int next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (next >= 0 || errno != ENOENT || !create)
        return next;
    if (mkdirat(fd, part, 0755) < 0)
        return -1;
    return openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* *ret_fd: the first `n` components as an open folder; borrowed until the next call. */
static int open_dir(struct extract *x, const struct name *name, const char *path, size_t n, bool create, int *ret_fd,
                    struct wl_err *err) {
    WL_AUTO(wl_closep) int fd = -1;

    if (x->last && strcmp(x->last, path) == 0) {
        *ret_fd = x->last_fd;
        return 0;
    }
    fd = fcntl(x->root, F_DUPFD_CLOEXEC, 0);
    for (size_t i = 0; i < n && fd >= 0; i++) {
        int next = step(fd, name->part[i], create);
        int e = errno;

        if (next < 0 && (e == ELOOP || e == ENOTDIR))
            return refuse(x, name->raw, err, "leads through a link or a file");
        if (next < 0)
            return wl_fail_errno(err, e, "%s: cannot unpack into the folder %s", x->spec->archive, path);
        wl_closep(&fd);
        fd = next;
    }
    if (fd < 0)
        return wl_fail_errno(err, errno, "%s: cannot open its folder", x->spec->archive);
    free(x->last);
    x->last = wl_strdup(path);
    wl_closep(&x->last_fd);
    *ret_fd = x->last_fd = wl_steal_fd(&fd);
    return 0;
}

/* Something has the name already: a file may replace a file, a link a link; no more. */
static int make_room(const struct extract *x, int dir, const char *base, mode_t type, const char *raw,
                     struct wl_err *err) {
    struct stat st;

    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return wl_fail_errno(err, errno, "%s: cannot look at %s", x->spec->archive, raw);
    if ((st.st_mode & S_IFMT) != type)
        return refuse(x, raw, err, "comes twice, as different things");
    if (unlinkat(dir, base, 0) < 0)
        return wl_fail_errno(err, errno, "%s: cannot replace %s", x->spec->archive, raw);
    return 0;
}

static struct timespec time_of(const struct wl_tar_entry *e) {
    struct timespec t = {.tv_sec = (time_t)e->mtime, .tv_nsec = e->mtime_nsec};

    if (e->mtime < 0)
        t = (struct timespec){0};
    if (t.tv_nsec < 0 || t.tv_nsec > 999999999)
        t.tv_nsec = 0;
    return t;
}

/* --- One entry -------------------------------------------------------------------------------------------------- */

static int copy_data(struct extract *x, int fd, const char *raw, struct wl_err *err) {
    char chunk[CHUNK];
    size_t n = 0;

    for (;;) {
        if (wl_tar_read(x->r, chunk, sizeof(chunk), &n, err) < 0)
            return -1;
        if (n == 0)
            return 0;
        if (wl_write_all(fd, chunk, n) < 0)
            return wl_fail_errno(err, errno, "%s: cannot write %s", x->spec->archive, raw);
    }
}

static int put_file(struct extract *x, const struct wl_tar_entry *e, int dir, const char *base, struct wl_err *err) {
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const struct timespec times[2] = {time_of(e), time_of(e)};
    WL_AUTO(wl_closep) int fd = openat(dir, base, flags, 0600);

    if (fd < 0 && errno == EEXIST) {
        if (make_room(x, dir, base, S_IFREG, e->name, err) < 0)
            return -1;
        fd = openat(dir, base, flags, 0600);
    }
    if (fd < 0)
        return wl_fail_errno(err, errno, "%s: cannot create %s", x->spec->archive, e->name);
    if (copy_data(x, fd, e->name, err) < 0)
        return -1;
    if (fchmod(fd, (e->mode & 0100) ? 0755 : 0644) < 0 || futimens(fd, times) < 0)
        return wl_fail_errno(err, errno, "%s: cannot set mode and time of %s", x->spec->archive, e->name);
    x->files++;
    return 0;
}

/* A target is good when it is relative, has ".." in front only, and not more of them than there are folders above. */
static bool target_ok(const char *target, size_t depth) {
    const char *p = target;
    bool names = false;

    if (*p == '\0' || *p == '/' || strlen(target) >= PATH_MAX)
        return false;
    while (*p) {
        size_t n = strcspn(p, "/");

        if (n == 2 && p[0] == '.' && p[1] == '.') {
            if (names || depth-- == 0)
                return false;
        } else if (n > 0 && !(n == 1 && p[0] == '.')) {
            names = true;
        }
        p += n;
        p += strspn(p, "/");
    }
    return true;
}

static int put_symlink(struct extract *x, const struct wl_tar_entry *e, size_t depth, int dir, const char *base,
                       struct wl_err *err) {
    const struct timespec times[2] = {time_of(e), time_of(e)};
    int rc;

    if (!target_ok(e->link, depth)) {
        WL_AUTOFREE char *why = wl_sprintf("is a link that may lead out of the archive (to \"%s\")", e->link);

        return refuse(x, e->name, err, why);
    }
    rc = symlinkat(e->link, dir, base);
    if (rc < 0 && errno == EEXIST) {
        if (make_room(x, dir, base, S_IFLNK, e->name, err) < 0)
            return -1;
        rc = symlinkat(e->link, dir, base);
    }
    if (rc < 0)
        return wl_fail_errno(err, errno, "%s: cannot create the link %s", x->spec->archive, e->name);
    utimensat(dir, base, times, AT_SYMLINK_NOFOLLOW); /* best effort: not every file system keeps it */
    return 0;
}

static int put_hardlink(struct extract *x, const struct wl_tar_entry *e, const struct name *name, struct wl_err *err) {
    WL_AUTO(name_release) struct name to = {0};
    const char *base = name->part[name->n - 1];
    WL_AUTO(wl_closep) int to_fd = -1;
    struct stat st;
    int dir = -1;
    int rc;

    if (parse_name(x, e->link, x->spec->strip, &to, err) < 0)
        return wl_err_context(err, "the target of the hard link %s", e->name);
    if (to.n == 0)
        return refuse(x, e->name, err, "is a hard link to no file of the archive");
    if (open_dir(x, &to, to.dir, to.n - 1, false, &dir, err) < 0)
        return wl_err_context(err, "the target of the hard link %s", e->name);
    to_fd = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    if (fstatat(to_fd, to.part[to.n - 1], &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return refuse(x, e->name, err, "is a hard link to something that is no file unpacked before");
    if (strcmp(to.dir, name->dir) == 0 && strcmp(to.part[to.n - 1], base) == 0)
        return 0;
    if (open_dir(x, name, name->dir, name->n - 1, true, &dir, err) < 0)
        return -1;
    rc = linkat(to_fd, to.part[to.n - 1], dir, base, 0);
    if (rc < 0 && errno == EEXIST) {
        if (make_room(x, dir, base, S_IFREG, e->name, err) < 0)
            return -1;
        rc = linkat(to_fd, to.part[to.n - 1], dir, base, 0);
    }
    if (rc < 0)
        return wl_fail_errno(err, errno, "%s: cannot create the hard link %s", x->spec->archive, e->name);
    return 0;
}

static int put_dir(struct extract *x, const struct wl_tar_entry *e, const struct name *name, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_sprintf("%s%s%s", name->dir, *name->dir ? "/" : "", name->part[name->n - 1]);
    int dir = -1;

    if (open_dir(x, name, path, name->n, true, &dir, err) < 0)
        return -1;
    if (x->n_dirs == x->cap_dirs) {
        x->cap_dirs = x->cap_dirs ? 2 * x->cap_dirs : 64;
        x->dirs = wl_reallocarray(x->dirs, x->cap_dirs, sizeof(*x->dirs));
    }
    x->dirs[x->n_dirs++] = (struct dir_time){.path = WL_STEAL(path), .t = time_of(e)};
    return 0;
}

static int put_entry(struct extract *x, const struct wl_tar_entry *e, struct wl_err *err) {
    WL_AUTO(name_release) struct name name = {0};
    int dir = -1;

    if (parse_name(x, e->name, x->spec->strip, &name, err) < 0)
        return -1;
    if (e->type == WL_TAR_OTHER)
        return refuse(x, e->name, err, "is a device, a FIFO or a socket");
    if (name.n == 0 && e->type != WL_TAR_DIR && x->spec->strip == 0)
        return refuse(x, e->name, err, "is the folder itself, as something else");
    if (name.n == 0)
        return 0;
    if (e->type == WL_TAR_DIR)
        return put_dir(x, e, &name, err);
    if (e->type == WL_TAR_HARDLINK)
        return put_hardlink(x, e, &name, err);
    if (open_dir(x, &name, name.dir, name.n - 1, true, &dir, err) < 0)
        return -1;
    if (e->type == WL_TAR_SYMLINK)
        return put_symlink(x, e, name.n - 1, dir, name.part[name.n - 1], err);
    return put_file(x, e, dir, name.part[name.n - 1], err);
}

/* --- All of them ------------------------------------------------------------------------------------------------- */

struct file_source {
    const struct wl_tar_extract *spec;
    int fd;
    uint64_t at, size, reported;
};

#define REPORT_EVERY (1u << 20)

static void report(struct file_source *s, bool finished) {
    const struct wl_progress *p = s->spec->progress;

    if (!p || !p->report || (!finished && s->at - s->reported < REPORT_EVERY && s->at >= s->reported))
        return;
    s->reported = s->at;
    p->report(p->arg, wl_path_base(s->spec->archive), finished ? s->size : s->at, s->size, finished);
}

static int file_read(void *arg, void *buf, size_t cap, size_t *ret_n, struct wl_err *err) {
    struct file_source *s = arg;
    ssize_t n;

    do
        n = read(s->fd, buf, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return wl_fail_errno(err, errno, "cannot read %s", s->spec->archive);
    s->at += (uint64_t)n;
    report(s, false);
    *ret_n = (size_t)n;
    return 0;
}

static int file_seek(void *arg, uint64_t at, struct wl_err *err) {
    struct file_source *s = arg;

    if (lseek(s->fd, (off_t)at, SEEK_SET) < 0)
        return wl_fail_errno(err, errno, "cannot read %s", s->spec->archive);
    s->at = at;
    return 0;
}

static int open_source(struct file_source *s, int *ret_fd, struct wl_err *err) {
    struct stat st;

    *ret_fd = s->fd = open(s->spec->archive, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) < 0)
        return wl_fail_errno(err, errno, "cannot open %s", s->spec->archive);
    if (!S_ISREG(st.st_mode))
        return wl_fail(err, WL_FAILED, "%s is not a regular file", s->spec->archive);
    s->size = (uint64_t)st.st_size;
    return 0;
}

/* Last, since every entry made in a folder changes its time; the deepest first does not matter for setting them. */
static int set_dir_times(struct extract *x, struct wl_err *err) {
    for (size_t i = 0; i < x->n_dirs; i++) {
        const struct timespec times[2] = {x->dirs[i].t, x->dirs[i].t};

        if (utimensat(x->root, x->dirs[i].path, times, AT_SYMLINK_NOFOLLOW) < 0)
            return wl_fail_errno(err, errno, "%s: cannot set the time of %s", x->spec->archive, x->dirs[i].path);
    }
    return 0;
}

static int extract_all(struct extract *x, struct file_source *s, struct wl_err *err) {
    const struct wl_tar_source source = {.read = file_read, .seek = file_seek, .arg = s, .size = s->size};
    struct wl_tar_entry e;
    bool end = false;

    if (wl_tar_open(&x->r, x->spec->archive, &source, &x->spec->limits, err) < 0)
        return -1;
    for (;;) {
        if (wl_tar_next(x->r, &e, &end, err) < 0)
            return -1;
        if (end)
            break;
        if (put_entry(x, &e, err) < 0)
            return -1;
    }
    if (wl_tar_stats(x->r).entries == 0)
        return wl_fail(err, WL_FAILED, "%s: it holds nothing", x->spec->archive);
    report(s, true);
    return set_dir_times(x, err);
}

int wl_tar_extract_here(const struct wl_tar_extract *spec, struct wl_tar_stats *ret, struct wl_err *err) {
    WL_AUTO(extract_release) struct extract x = {.spec = spec, .root = -1, .last_fd = -1};
    struct file_source s = {.spec = spec, .fd = -1};
    WL_AUTO(wl_closep) int fd = -1;

    if (open_source(&s, &fd, err) < 0)
        return -1;
    x.root = open(spec->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (x.root < 0)
        return wl_fail_errno(err, errno, "cannot open the folder %s", spec->dest);
    if (extract_all(&x, &s, err) < 0)
        return -1;
    *ret = wl_tar_stats(x.r);
    ret->files = x.files;
    return 0;
}
