/* Images as `wlpack run` keeps them: unpacked once, copied for each guest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/digest.h"
#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/tree.h"
#include "run_guest.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT_DIGITS 8 /* of it, in a name */

/* KEY-BOOT: files are not synced, so what was written before the machine went down is not believed. NULL: there is no such number. */
static char *name_of(const struct wl_digest *key) {
    WL_AUTO(wl_closep) int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    char boot[BOOT_DIGITS];

    if (fd < 0 || read(fd, boot, sizeof(boot)) != BOOT_DIGITS)
        return NULL;
    return wl_sprintf("%s-%.*s", wl_digest_hexonly(key).s, BOOT_DIGITS, boot);
}

static char *path_of(const struct wl_home *home, const char *name) {
    return wl_home_path2(home, WL_HOME_ROOTS, name);
}

int wl_guest_root_lock(const struct wl_home *home, const char *name, unsigned flags, int *ret_fd, struct wl_err *err) {
    WL_AUTOFREE char *lock = wl_sprintf("root-%s", name);

    return wl_home_lock(home, lock, flags, ret_fd, err);
}

bool wl_guest_root_kept(struct wl_home *home, const struct wl_digest *key, struct wl_guest_image *ret) {
    WL_AUTOFREE char *name = name_of(key), *path = name ? path_of(home, name) : NULL, *root = NULL;
    WL_AUTO(wl_closep) int lock = -1;
    struct wl_err ignored;

    if (!path || !wl_fs_is_dir(path) || wl_guest_root_lock(home, name, WL_LOCK_SHARED, &lock, &ignored) < 0 ||
        !wl_fs_is_dir(path) || wl_home_tmp(home, "rootfs", &root, &ignored) < 0)
        return false;
    if (wl_tree_copy(path, root, &ignored) < 0) {
        wl_fs_remove(root, &ignored);
        return false;
    }
    ret->root = WL_STEAL(root);
    ret->kept = WL_STEAL(path);
    ret->lock = wl_steal_fd(&lock);
    return true;
}

void wl_guest_root_keep(struct wl_home *home, const struct wl_digest *key, struct wl_guest_image *image) {
    WL_AUTOFREE char *name = name_of(key), *path = name ? path_of(home, name) : NULL, *root = NULL;
    WL_AUTO(wl_closep) int lock = -1;
    struct wl_err ignored;

    if (!path || wl_fs_mkdirs_parent(path, &ignored) < 0 || rename(image->root, path) < 0)
        return; /* also when another process was faster */
    root = WL_STEAL(image->root);
    if (wl_guest_root_kept(home, key, image))
        return;
    /* no room for a copy: it is used up, unless somebody else runs from it */
    if (wl_guest_root_lock(home, name, WL_LOCK_NOWAIT, &lock, &ignored) == 0 && lock >= 0 && rename(path, root) == 0)
        image->root = WL_STEAL(root);
}
