/*
 * Symbolic links to absolute paths. WASI hosts make none: such a link becomes a
 * relative one to the same file, and this process reads it as it was written.
 *
 * Link with --wrap=symlink,--wrap=readlink.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "links.h"

#define KEPT_LINKS 256

struct kept_link {
    dev_t dev;
    ino_t ino;
    char *target;
};

/* A ring: the oldest entry makes room. */
static struct kept_link kept[KEPT_LINKS];
static size_t kept_count, kept_next;

int __real_lstat(const char *path, struct stat *st);
int __real_symlink(const char *target, const char *path);
ssize_t __real_readlink(const char *path, char *buf, size_t size);

const char *compat_kept_link(const struct stat *st) {
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i].ino == st->st_ino && kept[i].dev == st->st_dev) {
            return kept[i].target;
        }
    }
    return NULL;
}

static void keep(const char *path, const char *target) {
    struct kept_link *at = &kept[kept_next];
    struct stat st;

    if (__real_lstat(path, &st) < 0) {
        return;
    }
    /* an inode that was another link's */
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i].ino == st.st_ino && kept[i].dev == st.st_dev) {
            at = &kept[i];
        }
    }
    if (at == &kept[kept_next]) {
        kept_next = (kept_next + 1) % KEPT_LINKS;
        if (kept_count < KEPT_LINKS) {
            kept_count++;
        }
    }
    free(at->target);
    at->dev = st.st_dev;
    at->ino = st.st_ino;
    at->target = strdup(target);
}

/* The folder of path with no link in it, into real (PATH_MAX). */
static int real_folder(const char *path, char *real) {
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    char folder[PATH_MAX];

    if (length >= sizeof(folder)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(folder, path, length);
    folder[length] = 0;
    if (length == 0) {
        strcpy(folder, slash ? "/" : ".");
    }
    return realpath(folder, real) ? 0 : -1;
}

/* The way from the folder of path to target, an absolute path, into way (PATH_MAX). */
static int relative_way(const char *target, const char *path, char *way) {
    char from[PATH_MAX];
    size_t common = 0, i, length = 0;

    if (real_folder(path, from) < 0) {
        return -1;
    }
    /* up to the last slash that both have */
    for (i = 0; from[i] && from[i] == target[i]; i++) {
        if (from[i] == '/') {
            common = i;
        }
    }
    if (!from[i] && (target[i] == '/' || !target[i])) {
        common = i;
    }
    for (i = common; from[i] && from[1]; i++) {
        if (from[i] == '/' && length + 4 < PATH_MAX) {
            memcpy(way + length, "../", 3);
            length += 3;
        }
    }
    for (target += common; *target == '/'; target++) {}
    if (length + strlen(target) + 2 > PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(way + length, *target ? target : ".");
    return 0;
}

int __wrap_symlink(const char *target, const char *path) {
    char way[PATH_MAX];

    if (__real_symlink(target, path) == 0) {
        return 0;
    }
    if (target[0] != '/' || errno == EEXIST || errno == ENOENT) {
        return -1;
    }
    if (relative_way(target, path, way) < 0 || __real_symlink(way, path) < 0) {
        return -1;
    }
    keep(path, target);
    return 0;
}

/* Some hosts rename what a link points to: a new link takes the place of the old one. */
int compat_rename_link(const char *from, const char *to) {
    char target[PATH_MAX];
    ssize_t length = readlink(from, target, sizeof(target) - 1);
    struct stat old, st;

    if (length < 0 || __real_lstat(from, &old) < 0) {
        return -1;
    }
    target[length] = 0;
    if (__real_lstat(to, &st) == 0) {
        if (st.st_ino == old.st_ino && st.st_dev == old.st_dev) {
            return 0;
        }
        if (S_ISDIR(st.st_mode)) {
            errno = EISDIR;
            return -1;
        }
        if (unlink(to) < 0) {
            return -1;
        }
    }
    return symlink(target, to) < 0 ? -1 : unlink(from);
}

ssize_t __wrap_readlink(const char *path, char *buf, size_t size) {
    ssize_t length = __real_readlink(path, buf, size);
    const char *target = NULL;
    struct stat st;

    if (length >= 0 && kept_count > 0 && __real_lstat(path, &st) == 0) {
        target = compat_kept_link(&st);
    }
    if (target) {
        length = (ssize_t)strnlen(target, size);
        memcpy(buf, target, (size_t)length);
    }
    return length;
}
