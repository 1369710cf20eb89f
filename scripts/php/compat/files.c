/*
 * Modes and owners of files. WASI has none: a host tells neither those of its
 * files nor takes any. What this process sets (chmod, chown, a mode given to
 * open or mkdir, the umask) it finds again with stat as long as it runs;
 * everything else is root's and has the mode that a file made with the usual
 * umask has. Root, which we are, may do everything anyway.
 *
 * Link with --wrap for each function of that name here.
 */
#include "links.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_MODES 512
#define USUAL_UMASK 022
#define LINKS_IN_A_ROW 8
#define BLOCK_BYTES 4096

struct kept_mode {
    dev_t dev;
    ino_t ino;
    mode_t mode;
    uid_t uid;
    gid_t gid;
};

/* A ring: the oldest entry makes room. */
static struct kept_mode kept[KEPT_MODES];
static size_t kept_count, kept_next;
static mode_t current_umask = USUAL_UMASK;

int __real_stat(const char *path, struct stat *st);
int __real_lstat(const char *path, struct stat *st);
ssize_t __real_readlink(const char *path, char *buf, size_t size);
int __real_fstat(int fd, struct stat *st);
int __real_access(const char *path, int how);
int __real_open(const char *path, int flags, ...);
FILE *__real_fopen(const char *path, const char *mode);
int __real_mkdir(const char *path, mode_t mode);
int __real_rename(const char *from, const char *to);
off_t __real_lseek(int fd, off_t offset, int how);
int __real_chdir(const char *path);
DIR *__real_opendir(const char *path);
int __real_unlink(const char *path);
int __real_rmdir(const char *path);

static struct kept_mode *find_kept(const struct stat *st) {
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i].ino == st->st_ino && kept[i].dev == st->st_dev) {
            return &kept[i];
        }
    }
    return NULL;
}

static mode_t usual_mode(const struct stat *st) {
    if (S_ISLNK(st->st_mode)) {
        return 0777;
    }
    return (S_ISDIR(st->st_mode) ? 0777 : 0666) & ~USUAL_UMASK;
}

/* The entry of a file, a new one with the usual mode if need be. */
static struct kept_mode *kept_of(const struct stat *st) {
    struct kept_mode *at = find_kept(st);

    if (!at) {
        at = &kept[kept_next];
        kept_next = (kept_next + 1) % KEPT_MODES;
        if (kept_count < KEPT_MODES) {
            kept_count++;
        }
        *at = (struct kept_mode){st->st_dev, st->st_ino, usual_mode(st), 0, 0};
    }
    return at;
}

static void keep_mode(const struct stat *st, mode_t mode) {
    if (mode != usual_mode(st) || find_kept(st)) {
        kept_of(st)->mode = mode;
    }
}

static void keep_owner(const struct stat *st, uid_t uid, gid_t gid) {
    struct kept_mode *at = kept_of(st);

    at->uid = uid == (uid_t)-1 ? at->uid : uid;
    at->gid = gid == (gid_t)-1 ? at->gid : gid;
}

static int with_mode(int result, struct stat *st) {
    if (result == 0 && (st->st_mode & 07777) == 0) {
        const struct kept_mode *at = kept_count ? find_kept(st) : NULL;

        st->st_mode |= at ? at->mode : usual_mode(st);
        /* and no blocks; programs divide by their size */
        st->st_blksize = BLOCK_BYTES;
        st->st_blocks = (st->st_size + 511) / 512;
        st->st_uid = at ? at->uid : 0;
        st->st_gid = at ? at->gid : 0;
    }
    return result;
}

/*
 * Some hosts open a file through a link to an absolute path and cannot stat it.
 * They say so by an error of their own, not by ENOENT.
 */
static int stat_through(const char *path, struct stat *st) {
    char target[PATH_MAX];
    int result = __real_stat(path, st);

    for (int i = 0; result < 0 && errno != ENOENT && i < LINKS_IN_A_ROW; i++) {
        int saved = errno;
        ssize_t length = __real_readlink(path, target, sizeof(target) - 1);

        if (length <= 0 || target[0] != '/') {
            errno = saved;
            break;
        }
        target[length] = 0;
        path = target;
        result = __real_stat(path, st);
    }
    return result;
}

/* The C library takes no name for the working folder. */
static bool unnamed(const char *path) {
    if (path[0]) {
        return false;
    }
    errno = ENOENT;
    return true;
}

/*
 * The name without the slashes behind it where it ends with "../", which not every host finds; else path itself. Only the
 * parent folder has such a name, so nothing is lost. NULL: the name is too long.
 */
static const char *without_slash(const char *path, char name[PATH_MAX]) {
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    if (!path[length] || length < 2 || memcmp(path + length - 2, "..", 2) != 0 ||
        (length > 2 && path[length - 3] != '/')) {
        return path;
    }
    if (length >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(name, path, length);
    name[length] = 0;
    return name;
}

/* Hosts let a slash behind the name of a file pass. */
static int as_named(const char *path, int result, const struct stat *st) {
    if (result == 0 && unnamed(path)) {
        return -1;
    }
    if (result == 0 && path[strlen(path) - 1] == '/' && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    return result;
}

int __wrap_stat(const char *path, struct stat *st) {
    char parent[PATH_MAX];
    const char *name = without_slash(path, parent);

    return name ? with_mode(as_named(path, stat_through(name, st), st), st) : -1;
}

int __wrap_lstat(const char *path, struct stat *st) {
    char parent[PATH_MAX];
    const char *name = without_slash(path, parent);
    int result = name ? with_mode(as_named(path, __real_lstat(name, st), st), st) : -1;
    const char *target = result == 0 && S_ISLNK(st->st_mode) ? compat_kept_link(st) : NULL;

    if (target) {
        st->st_size = (off_t)strlen(target);
    }
    return result;
}

int __wrap_fstat(int fd, struct stat *st) {
    return with_mode(__real_fstat(fd, st), st);
}

int __wrap_chmod(const char *path, mode_t mode) {
    struct stat st;

    if (unnamed(path) || __real_stat(path, &st) < 0) {
        return -1;
    }
    keep_mode(&st, mode & 07777);
    return 0;
}

int __wrap_fchmod(int fd, mode_t mode) {
    struct stat st;

    if (__real_fstat(fd, &st) < 0) {
        return -1;
    }
    keep_mode(&st, mode & 07777);
    return 0;
}

int chown(const char *path, uid_t uid, gid_t gid) {
    struct stat st;

    if (unnamed(path) || __real_stat(path, &st) < 0) {
        return -1;
    }
    keep_owner(&st, uid, gid);
    return 0;
}

int lchown(const char *path, uid_t uid, gid_t gid) {
    struct stat st;

    if (unnamed(path) || __real_lstat(path, &st) < 0) {
        return -1;
    }
    keep_owner(&st, uid, gid);
    return 0;
}

int fchown(int fd, uid_t uid, gid_t gid) {
    struct stat st;

    if (__real_fstat(fd, &st) < 0) {
        return -1;
    }
    keep_owner(&st, uid, gid);
    return 0;
}

/* Root may do everything but run what nobody may run. */
int __wrap_access(const char *path, int how) {
    char parent[PATH_MAX];
    const char *name = without_slash(path, parent);
    struct stat st;

    if (!name || unnamed(name) || __real_access(name, how & ~X_OK) < 0) {
        return -1;
    }
    if ((how & X_OK) && (__wrap_stat(path, &st) < 0 || (S_ISREG(st.st_mode) && !(st.st_mode & 0111)))) {
        errno = EACCES;
        return -1;
    }
    return 0;
}

mode_t umask(mode_t mask) {
    mode_t before = current_umask;

    current_umask = mask & 0777;
    return before;
}

/* Is there anything to remember about a new file of this mode? An inode that was ours may come back. */
static bool worth_keeping(mode_t mode, mode_t usual) {
    return kept_count > 0 || (mode & ~current_umask) != usual;
}

int __wrap_open(const char *path, int flags, ...) {
    char parent[PATH_MAX];
    const char *name = without_slash(path, parent);
    mode_t mode = 0;
    bool is_new = false;
    struct stat st;
    va_list args;
    int fd;

    if (!name || unnamed(name)) {
        return -1;
    }
    if (flags & O_CREAT) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
        is_new = worth_keeping(mode, 0666 & ~USUAL_UMASK) && __real_stat(path, &st) < 0;
    }
    fd = __real_open(name, flags, mode);
    if (fd >= 0 && is_new && __real_fstat(fd, &st) == 0) {
        keep_mode(&st, mode & 07777 & ~current_umask);
    }
    return fd;
}

/* Not by way of open(). */
FILE *__wrap_fopen(const char *path, const char *mode) {
    return unnamed(path) ? NULL : __real_fopen(path, mode);
}

int __wrap_mkdir(const char *path, mode_t mode) {
    struct stat st;

    if (unnamed(path) || __real_mkdir(path, mode) < 0) {
        return -1;
    }
    if (worth_keeping(mode, 0777 & ~USUAL_UMASK) && __real_stat(path, &st) == 0) {
        keep_mode(&st, mode & 07777 & ~current_umask);
    }
    return 0;
}

/* The inode of a file that goes may be the next one's. */
static void forget(const char *path) {
    struct stat st;
    struct kept_mode *at = NULL;

    if (kept_count > 0 && __real_lstat(path, &st) == 0 && (S_ISDIR(st.st_mode) || st.st_nlink <= 1)) {
        at = find_kept(&st);
    }
    if (at) {
        *at = (struct kept_mode){st.st_dev, st.st_ino, usual_mode(&st), 0, 0};
    }
}

int __wrap_unlink(const char *path) {
    if (unnamed(path)) {
        return -1;
    }
    forget(path);
    return __real_unlink(path);
}

int __wrap_rmdir(const char *path) {
    if (unnamed(path)) {
        return -1;
    }
    forget(path);
    return __real_rmdir(path);
}

int __wrap_rename(const char *from, const char *to) {
    struct stat st;

    if (__wrap_lstat(from, &st) < 0 || unnamed(to)) {
        return -1;
    }
    return S_ISLNK(st.st_mode) ? compat_rename_link(from, to) : __real_rename(from, to);
}

/* The C library cuts how to 8 bits. */
off_t __wrap_lseek(int fd, off_t offset, int how) {
    if (how != SEEK_SET && how != SEEK_CUR && how != SEEK_END) {
        errno = EINVAL;
        return -1;
    }
    return __real_lseek(fd, offset, how);
}

/* The C library keeps "." and ".." and links in the name of the working folder. */
int __wrap_chdir(const char *path) {
    char real[PATH_MAX];

    return realpath(path, real) ? __real_chdir(real) : -1;
}

DIR *__wrap_opendir(const char *path) {
    char parent[PATH_MAX];
    const char *name = without_slash(path, parent);

    return name && !unnamed(name) ? __real_opendir(name) : NULL;
}
