/* Seals: what was hashed once and has not changed since need not be hashed again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tool/base/mem.h"
#include "layout_internal.h"

#define SEALS ".seals"
#define SEAL_MAX 256 /* bytes of one */

/* Everything that changes when the file does; the time of the last change is not for programs to set. A new string. */
static char *seal_of(const struct stat *st) {
    return wl_sprintf("%llx %llx %llx %llx.%09ld %llx.%09ld\n", (unsigned long long)st->st_dev,
                      (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
                      (unsigned long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                      (unsigned long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static char *seal_path(const struct wl_layout *l, const struct wl_digest *d) {
    return wl_sprintf("%s/" SEALS "/%s", l->dir, wl_digest_hexonly(d).s);
}

static bool wanted(const struct wl_layout *l, const struct stat *st) {
    return l->sealed && st->st_size >= WL_SEAL_MIN;
}

void wl_seal_put(const struct wl_layout *l, const struct wl_digest *d, const struct stat *st) {
    WL_AUTOFREE char *path = seal_path(l, d);
    WL_AUTOFREE char *text = seal_of(st);
    WL_AUTO(wl_closep) int fd = -1;
    struct wl_err ignored;

    if (!wanted(l, st))
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 && errno == ENOENT && wl_fs_mkdirs_parent(path, &ignored) == 0)
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd >= 0 && wl_write_all(fd, text, strlen(text)) < 0)
        unlink(path); /* half of one holds for nothing, either */
}

bool wl_seal_holds(const struct wl_layout *l, const struct wl_digest *d, const struct stat *st) {
    WL_AUTOFREE char *path = seal_path(l, d);
    WL_AUTOFREE char *want = seal_of(st);
    WL_AUTO(wl_buf_release) struct wl_buf has = {0};
    struct wl_err ignored;

    return wanted(l, st) && wl_fs_read(path, SEAL_MAX, &has, &ignored) == 0 && strcmp(wl_buf_str(&has), want) == 0;
}

void wl_seal_drop(const struct wl_layout *l, const struct wl_digest *d) {
    WL_AUTOFREE char *path = seal_path(l, d);

    unlink(path);
}
