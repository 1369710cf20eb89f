/* Where wlpack keeps things: $WLPACK_HOME, else $XDG_CACHE_HOME/wlpack, else ~/.cache/wlpack. */
#ifndef WL_MODEL_HOME_H
#define WL_MODEL_HOME_H

#include "../base/buf.h"
#include "../base/err.h"

/* The folders below it, for wl_home_path. */
#define WL_HOME_OCI "oci"           /* the local image store, an OCI image layout */
#define WL_HOME_VERIFIED "verified" /* marks of modules that `run` has verified (run_runtime.c) */
#define WL_HOME_MAPPED "mapped"   /* MARK/NAME: verified modules with native code, as `run` maps them (run_runtime.c) */
#define WL_HOME_ROOTS "roots"     /* KEY-BOOT/: images as `run` keeps them unpacked (run_roots.c) */
#define WL_HOME_STORE "store"     /* finished steps, see store.h */
#define WL_HOME_KITS "kits"       /* NAME-VERSION/, see kit.h */
#define WL_HOME_MIRROR "mirror"   /* source archives by file name, looked at before the network */
#define WL_HOME_SOURCES "sources" /* verified downloads, named by their sha256 */
#define WL_HOME_LOCKS "locks"
#define WL_HOME_LOGS "logs" /* NAME/STAGE.log */
#define WL_HOME_WORK "work" /* trees that are being built, see run/work.h */
#define WL_HOME_TMP "tmp"   /* one folder per running process, see wl_home_tmp */

struct wl_home {
    char *root;     /* absolute */
    char *fallback; /* the default home where WLPACK_HOME names another one and it exists, else NULL */
    char *session;  /* this process's temporary folder, NULL until wl_home_tmp */
    int session_lock;
};
#define WL_HOME_INIT {.session_lock = -1}

/* Decides where the home is; touches nothing on disk. Fails (WL_FAILED) when no variable says it. */
int wl_home_find(struct wl_home *ret, struct wl_err *err);

/* wl_home_find, and the folder is created and tried for writing; temporary folders of processes that are gone are
 * removed. The error names the folder and the variable. */
int wl_home_open(struct wl_home *ret, struct wl_err *err);

/* Removes this process's temporary folder, where it had one also those of processes that are gone (a child of a killed one may
 * have held it for a moment longer when this one began), and frees the names. A zeroed or initialised struct is fine. */
void wl_home_close(struct wl_home *h);

/* root/sub or root/sub/name; new strings. */
char *wl_home_path(const struct wl_home *h, const char *sub);
char *wl_home_path2(const struct wl_home *h, const char *sub, const char *name);

/* A path `NAME-<number>` that does not exist yet inside this process's temporary folder (which is created, with a
 * lock that tells others that we live). On the same file system as the store, so that a rename puts it in place.
 * Everything in it goes away with wl_home_close, or with the next wlpack when this one is killed. */
int wl_home_tmp(struct wl_home *h, const char *name, char **ret, struct wl_err *err);

/* Removes temporary folders whose process is gone. */
int wl_home_sweep(const struct wl_home *h, struct wl_err *err);

/* Where what comes with the program is ("recipes", "scripts/run-node.mjs"): in the checkout that the program was built in
 * (PROGRAM/../../NAME), else in the installed tree (PROGRAM/../../share/wlpack/NAME). A new string, absolute; the path
 * in the installed tree when neither exists. */
char *wl_home_data(const char *name);

/* An advisory lock `locks/NAME.lock`, as wl_fs_lock; safe against its removal by gc in between. */
int wl_home_lock(const struct wl_home *h, const char *name, unsigned flags, int *ret_fd, struct wl_err *err);

#endif
