#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"

#define LOCK_TRIES 100 /* a lock file that is removed between open and lock is opened again */

static char *default_home(void) {
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");

    if (xdg && xdg[0] == '/')
        return wl_path_join(xdg, "wlpack");
    if (home && home[0] == '/')
        return wl_path_join(home, ".cache/wlpack");
    return NULL;
}

static char *absolute(const char *path) {
    WL_AUTOFREE char *cwd = NULL;

    if (path[0] == '/')
        return wl_strdup(path);
    cwd = getcwd(NULL, 0);
    return wl_path_join(cwd ? cwd : "/", path);
}

int wl_home_find(struct wl_home *ret, struct wl_err *err) {
    struct wl_home h = WL_HOME_INIT;
    const char *given = getenv("WLPACK_HOME");
    WL_AUTOFREE char *standard = default_home();
    size_t n;

    if (given && given[0])
        h.root = absolute(given);
    else if (standard)
        h.root = WL_STEAL(standard);
    else
        return wl_fail(err, WL_FAILED, "none of WLPACK_HOME, XDG_CACHE_HOME and HOME says where the store is");
    for (n = strlen(h.root); n > 1 && h.root[n - 1] == '/'; n--)
        h.root[n - 1] = '\0';
    if (standard && strcmp(standard, h.root) != 0 && wl_fs_is_dir(standard))
        h.fallback = WL_STEAL(standard);
    *ret = h;
    return 0;
}

int wl_home_open(struct wl_home *ret, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home h = WL_HOME_INIT;

    if (wl_home_find(&h, err) < 0)
        return -1;
    if (wl_fs_mkdirs(h.root, err) < 0)
        return wl_err_context(err, "the store $WLPACK_HOME cannot be used");
    if (access(h.root, R_OK | W_OK | X_OK) < 0)
        return wl_fail_errno(err, errno, "the store %s (WLPACK_HOME) cannot be written", h.root);
    if (wl_home_sweep(&h, err) < 0)
        return -1;
    *ret = h;
    h = (struct wl_home)WL_HOME_INIT;
    return 0;
}

void wl_home_close(struct wl_home *h) {
    struct wl_err ignored;

    if (h->session) {
        WL_AUTOFREE char *lock = wl_sprintf("%s.lock", h->session);

        wl_fs_remove(h->session, &ignored);
        unlink(lock);
        wl_closep(&h->session_lock);
        wl_home_sweep(h, &ignored); /* behind one that was dying when this one began */
    }
    free(h->root);
    free(h->fallback);
    free(h->session);
    *h = (struct wl_home)WL_HOME_INIT;
}

char *wl_home_path(const struct wl_home *h, const char *sub) {
    return wl_path_join(h->root, sub);
}

char *wl_home_path2(const struct wl_home *h, const char *sub, const char *name) {
    return wl_sprintf("%s/%s/%s", h->root, sub, name);
}

/* Whether the path still names the file that is open as fd. */
static bool same_file(const char *path, int fd) {
    struct stat a, b;

    return stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int lock_path(const char *path, unsigned flags, int *ret_fd, struct wl_err *err) {
    for (int i = 0; i < LOCK_TRIES; i++) {
        WL_AUTO(wl_closep) int fd = -1;

        if (wl_fs_lock(path, flags, &fd, err) < 0)
            return -1;
        if (fd < 0 || same_file(path, fd)) {
            *ret_fd = wl_steal_fd(&fd);
            return 0;
        }
    }
    return wl_fail(err, WL_FAILED, "the lock %s is removed again and again", path);
}

int wl_home_lock(const struct wl_home *h, const char *name, unsigned flags, int *ret_fd, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_sprintf("%s/" WL_HOME_LOCKS "/%s.lock", h->root, name);

    return lock_path(path, flags, ret_fd, err);
}

static int open_session(struct wl_home *h, struct wl_err *err) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    for (int i = 0; i < LOCK_TRIES; i++) {
        WL_AUTOFREE char *dir =
            wl_sprintf("%s/" WL_HOME_TMP "/%ld-%lx-%d", h->root, (long)getpid(), (unsigned long)now.tv_nsec, i);
        WL_AUTOFREE char *lock = wl_sprintf("%s.lock", dir);
        WL_AUTO(wl_closep) int fd = -1;

        if (lock_path(lock, WL_LOCK_NOWAIT, &fd, err) < 0)
            return -1;
        if (fd < 0 || wl_fs_exists(dir))
            continue;
        if (wl_fs_mkdirs(dir, err) < 0)
            return -1;
        h->session = WL_STEAL(dir);
        h->session_lock = wl_steal_fd(&fd);
        return 0;
    }
    return wl_fail(err, WL_FAILED, "cannot get a temporary folder in %s/" WL_HOME_TMP, h->root);
}

int wl_home_tmp(struct wl_home *h, const char *name, char **ret, struct wl_err *err) {
    static unsigned counter;

    if (!h->session && open_session(h, err) < 0)
        return -1;
    *ret = wl_sprintf("%s/%s-%u", h->session, name, __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED));
    return 0;
}

/* The lock goes last: whoever finds a lock that nobody holds finds the folder, too. */
static int sweep_one(const char *tmp, const char *name, struct wl_err *err) {
    WL_AUTOFREE char *lock = wl_path_join(tmp, name);
    WL_AUTOFREE char *dir = wl_strndup(lock, strlen(lock) - strlen(".lock"));
    WL_AUTO(wl_closep) int fd = -1;

    if (wl_fs_lock(lock, WL_LOCK_NOWAIT, &fd, err) < 0)
        return -1;
    if (fd < 0 || !same_file(lock, fd))
        return 0;
    if (wl_fs_remove(dir, err) < 0)
        return -1;
    unlink(lock);
    return 0;
}

int wl_home_sweep(const struct wl_home *h, struct wl_err *err) {
    WL_AUTOFREE char *tmp = wl_home_path(h, WL_HOME_TMP);
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    if (!wl_fs_is_dir(tmp))
        return 0;
    if (wl_fs_list(tmp, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++)
        if (wl_ends(names.v[i], ".lock") && sweep_one(tmp, names.v[i], err) < 0)
            return -1;
    return 0;
}

char *wl_home_data(const char *name) {
    WL_AUTOFREE char *self = realpath("/proc/self/exe", NULL);
    WL_AUTOFREE char *dir = self ? wl_strndup(self, (size_t)(strrchr(self, '/') - self)) : wl_strdup("/usr/bin");
    WL_AUTOFREE char *checkout = wl_sprintf("%s/../%s", dir, name);
    WL_AUTOFREE char *installed = wl_sprintf("%s/../share/wlpack/%s", dir, name);
    char *real = realpath(checkout, NULL);

    if (!real)
        real = realpath(installed, NULL);
    return real ? real : WL_STEAL(installed);
}
