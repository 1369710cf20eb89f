/* The kits (wasi-sdk, binaryen, wasmedge): toolchains from outside that decide the bytes that come out, so that their
 * identity is part of every key. Found by environment variable, then in $WLPACK_HOME/kits, then in the default home's
 * kits; never in PATH. */
#ifndef WL_MODEL_KIT_H
#define WL_MODEL_KIT_H

#include "../base/buf.h"
#include "../base/err.h"
#include "home.h"

struct wl_kit {
    char *name;     /* "wasi-sdk" */
    char *version;  /* "22.1.8-20241209"; "-" for a root from the environment without kit.json */
    char *origin;   /* "upstream", "debian", "environment" */
    char *identity; /* "sha256:..." over what it was made from */
    char *root;     /* absolute */
};

/* Finds a kit by name. Reads kit.json only (or, for a root from the environment that has none, digests the main
 * program). Where the kit is missing the error names the places and the command that gets it.
 * Among several installed versions the one that sorts last (by numbers, then text) is taken. */
int wl_kit_find(const struct wl_home *home, const char *name, struct wl_kit *ret, struct wl_err *err);

/* Reads root/kit.json. */
int wl_kit_read(const char *root, struct wl_kit *ret, struct wl_err *err);

void wl_kit_release(struct wl_kit *k);

/* root/sub, a new string ("bin/clang"). */
char *wl_kit_path(const struct wl_kit *k, const char *sub);

/* Every kit that is installed under a home's kits folder and every one that the environment names, in the order in
 * which wl_kit_find prefers them; *ret_n kits in *ret, which the caller frees with wl_kits_free. */
int wl_kit_list(const struct wl_home *home, struct wl_kit **ret, size_t *ret_n, struct wl_err *err);
void wl_kits_free(struct wl_kit *kits, size_t n);

/* The environment variable of a kit ("WASI_SDK_ROOT" for "wasi-sdk"); a new string. */
char *wl_kit_variable(const char *name);

#endif
