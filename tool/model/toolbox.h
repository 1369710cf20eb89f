/* The tools and the environment that the commands of a recipe see. Exactly defined, so that the same inputs give the same
 * bytes on another machine, in another folder and at another time.
 *
 * A folder of small programs comes first in PATH: wasm32-wasi-clang (and -clang++, -ar, -ranlib, -nm, -strip). They call
 * the kit's own with the target, the sysroot and the prefix maps, so that no path of this machine stands in what a configure
 * script records of its compiler. */
#ifndef WL_MODEL_TOOLBOX_H
#define WL_MODEL_TOOLBOX_H

#include <stdint.h>

#include "../base/buf.h"
#include "../base/err.h"
#include "kit.h"

/* The names that ${cc}, ${ar}, ${ranlib} and ${nm} stand for. */
#define WL_TOOL_CC "wasm32-wasi-clang"
#define WL_TOOL_AR "wasm32-wasi-ar"
#define WL_TOOL_RANLIB "wasm32-wasi-ranlib"
#define WL_TOOL_NM "wasm32-wasi-nm"

struct wl_toolbox {
    char *dir;     /* the folder of programs */
    char *sysroot; /* ${sysroot} */
    struct wl_strv env;
};

/* Makes the folder (dir/bin, dir/home, dir/tmp) for a tree at srcdir with libraries at deps. The environment holds PATH, HOME
 * and TMPDIR (inside dir), PKG_CONFIG_LIBDIR (inside deps: pkg-config knows these libraries and none of the machine's), LC_ALL,
 * TZ, SOURCE_DATE_EPOCH and nothing else. */
int wl_toolbox_make(struct wl_toolbox *ret, const struct wl_kit *sdk, const char *dir, const char *srcdir,
                    const char *deps, int64_t epoch, struct wl_err *err);
void wl_toolbox_release(struct wl_toolbox *t);

/* Sets a variable ("K=V"), replacing one of that name. */
void wl_env_set(struct wl_strv *env, const char *pair);

#endif
