/* What `wlpack run` runs, and with what: the parts behind cmd_run.c. */
#ifndef WL_CMD_RUN_GUEST_H
#define WL_CMD_RUN_GUEST_H

#include <stdbool.h>

#include "../base/buf.h"
#include "../base/digest.h"
#include "../base/err.h"
#include "../model/home.h"
#include "../wasm/aot_file.h"

#define WL_GUEST_TRAP 134 /* exit code after a trap (128 + SIGABRT), whatever the runtime */
#define WL_GUEST_DIRS_MAX 64

struct wl_guest_dir {
    char *host, *guest;
    bool readonly;
};

/* What the guest gets to see; nothing else is. Everything is owned. */
struct wl_guest {
    char *module;        /* the .wasm file */
    char *portable;      /* the portable module where module is the precompiled twin of it; else NULL */
    struct wl_strv args; /* behind argv[0], which is the module's base name */
    struct wl_strv env;  /* "K=V" */
    struct wl_guest_dir dirs[WL_GUEST_DIRS_MAX];
    size_t n_dirs;
    struct wl_strv ports;
    bool interpret; /* leave native code alone */
    int lock;       /* keeps gc away from where module is; -1 */
};
#define WL_GUEST_INIT {.lock = -1}
void wl_guest_release(struct wl_guest *g);
/* Takes host and guest. */
int wl_guest_add_dir(struct wl_guest *g, char *host, char *guest, bool readonly, struct wl_err *err);

/* How the name on the command line was meant. */
struct wl_guest_find {
    const char *name;
    const char *artefact, *flavour, *output; /* of a recipe; NULL: the defaults */
    const char *entrypoint;                  /* of an image; NULL: its own */
    bool interpret;
    char *const *args; /* what stood behind "--"; NULL: nothing did */
    int n_args;
};

/* Finds the module: a file (a name with a '/' or ".wasm" behind), the built artefact of a recipe (OUTPUT/NAME/bin/, its precompiled
 * twin where there is one), or a local image, whose files are unpacked below home's temporary folder and become the
 * guest's "/". Fills in module, portable, args, env and dirs. */
int wl_guest_find(struct wl_home *home, const struct wl_guest_find *f, struct wl_guest *ret, struct wl_err *err);

/* Files of a local image. */
struct wl_guest_image {
    char *root; /* the unpacked tree, the guest's own */
    char *
        kept; /* the same as nobody writes to it, where the program is started from: there it is known and verified; or NULL */
    int lock; /* held while kept is used; -1 */
    struct wl_strv entrypoint, cmd, env;
};
#define WL_GUEST_IMAGE_INIT {.lock = -1}
void wl_guest_image_release(struct wl_guest_image *i);
/* Of an index the portable image is taken, or, with `native`, the one for this machine where there is one. */
int wl_guest_image(struct wl_home *home, const char *ref, bool native, struct wl_guest_image *ret, struct wl_err *err);

/* Unpacked images are kept in $WLPACK_HOME/roots under the digest of what they are made of, so that the second start neither reads nor hashes
 * layers; each guest gets a copy, as it may write. They were verified when they were unpacked, appear by rename, and gc drops those
 * that are not in use (a shared lock while a guest runs).
 * kept: fills in root, kept and lock when it is there and could be copied. keep: hands image->root over, and fills in the same; where it
 * cannot be kept root stays as it is. */
bool wl_guest_root_kept(struct wl_home *home, const struct wl_digest *key, struct wl_guest_image *ret);
void wl_guest_root_keep(struct wl_home *home, const struct wl_digest *key, struct wl_guest_image *image);
/* The lock of one, by its name in roots; flags as of wl_fs_lock. */
int wl_guest_root_lock(const struct wl_home *home, const char *name, unsigned flags, int *ret_fd, struct wl_err *err);

/* Runs it to its end with a runtime: "wasmedge" (from the kit), "node", "wasmtime" (from PATH); NULL: the first of them that is
 * there. *ret_status: the guest's exit code, 128 + n after signal n, WL_GUEST_TRAP after a trap; *ret_trap (a new string, or
 * NULL) then says which where the runtime did not already print it. Native code is checked first (wl_aot_verify). */
int wl_guest_run(const struct wl_home *home, const struct wl_guest *g, const char *runtime, int *ret_status,
                 char **ret_trap, struct wl_err *err);

#endif
