#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../model/home.h"
#include "../model/kit.h"
#include "../model/recipe.h"
#include "../run/install.h"
#include "cmd.h"
#include "talk.h"

static void print_kit(const struct wl_kit *k, const char *state, bool json) {
    if (json) {
        WL_AUTO(wl_buf_release) struct wl_buf b = {0};
        struct wl_jw w = {.out = &b};

        wl_jw_begin(&w, '{');
        wl_jw_kstr(&w, "name", k->name);
        wl_jw_kstr(&w, "version", k->version);
        wl_jw_kstr(&w, "state", state);
        if (k->origin)
            wl_jw_kstr(&w, "origin", k->origin);
        if (k->root)
            wl_jw_kstr(&w, "path", k->root);
        if (k->identity)
            wl_jw_kstr(&w, "identity", k->identity);
        wl_jw_end(&w, '}');
        wl_result("%s", b.p);
    } else {
        wl_result("%s\t%s\t%s\t%s\t%s", k->name, k->version, state, k->origin ? k->origin : "-",
                  k->root ? k->root : "-");
    }
}

/* The recipes kit-*, without the prefix. */
static int known_kits(struct wl_strv *ret, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0}, all = {0};

    wl_recipe_path(&path);
    if (wl_recipe_list(&path, &all, err) < 0)
        return -1;
    for (size_t i = 0; i < all.n; i++)
        if (wl_starts(all.v[i], "kit-"))
            wl_strv_add(ret, all.v[i] + strlen("kit-"));
    return 0;
}

/* The first installed one of a name is the one that builds use, provided the environment or wl_kit_find prefer it. */
static int list(const struct wl_home *home, bool json, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv known = {0}, seen = {0};
    struct wl_kit *kits = NULL;
    size_t n = 0;

    if (known_kits(&known, err) < 0 || wl_kit_list(home, &kits, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct wl_kit used = {0};
        struct wl_err ignored;
        bool is_used = wl_kit_find(home, kits[i].name, &used, &ignored) == 0 && strcmp(used.root, kits[i].root) == 0;

        print_kit(&kits[i], is_used ? "used" : "installed", json);
        wl_strv_add(&seen, kits[i].name);
        wl_kit_release(&used);
    }
    wl_kits_free(kits, n);
    for (size_t i = 0; i < known.n; i++) {
        struct wl_kit missing = {.name = known.v[i], .version = (char *)"-"};

        if (!wl_strv_has(&seen, known.v[i]))
            print_kit(&missing, "missing", json);
    }
    return 0;
}

static int which(const struct wl_home *home, const struct wl_args *args, struct wl_err *err) {
    WL_AUTO(wl_kit_release) struct wl_kit kit = {0};
    WL_AUTOFREE char *path = NULL;

    if (args->n_pos < 2 || args->n_pos > 3)
        return wl_fail(err, WL_USAGE, "kit which takes a kit's name and perhaps a program");
    if (wl_kit_find(home, args->pos[1], &kit, err) < 0)
        return -1;
    if (args->n_pos == 2) {
        wl_result("%s", kit.root);
        return 0;
    }
    path = wl_sprintf("%s/bin/%s", kit.root, args->pos[2]);
    if (access(path, X_OK) < 0)
        return wl_fail(err, WL_FAILED, "the kit %s has no program %s", kit.name, args->pos[2]);
    wl_result("%s", path);
    return 0;
}

static int install(struct wl_home *home, const struct wl_args *args, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_progress progress = wl_out_progress();
    struct wl_build_events ev = wl_talk(NULL, NULL, &progress);
    struct wl_build_options o = {.mirror = wl_args_get(args, "mirror")};

    for (int i = 1; i < args->n_pos; i++)
        wl_strv_add(&names, args->pos[i]);
    if (names.n == 0 && known_kits(&names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTO(wl_kit_release) struct wl_kit kit = {0};

        if (wl_kit_install(home, names.v[i], &o, &ev, &kit, err) < 0)
            return -1;
        print_kit(&kit, "installed", wl_args_has(args, "json"));
    }
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    const char *what = args->pos[0];

    (void)ret_status;
    if (strcmp(what, "install") == 0)
        return wl_home_open(&home, err) < 0 ? -1 : install(&home, args, err);
    if (wl_home_find(&home, err) < 0)
        return -1;
    if (strcmp(what, "list") == 0)
        return list(&home, wl_args_has(args, "json"), err);
    if (strcmp(what, "which") == 0)
        return which(&home, args, err);
    return wl_fail(err, WL_USAGE, "kit: there are list, install and which, not \"%s\"", what);
}

static const struct wl_opt opts[] = {
    {"mirror", 0, "DIR-or-URL", "look for the archives here first; default: WLPACK_MIRROR"},
    {"json", 0, NULL, "print a JSON object per kit"},
    {0}};

const struct wl_verb wl_verb_kit = {
    .name = "kit",
    .usage = "kit list | install [NAME...] | which NAME [PROGRAM]",
    .summary = "the toolchains: what is installed, get one, where it is",
    .help =
        "A kit is a toolchain from outside that decides the bytes of a build: wasi-sdk, binaryen, wasmedge. Builds "
        "take\n"
        "the one that WASI_SDK_ROOT, BINARYEN_ROOT or WASMEDGE_ROOT names, else an installed one, and never what is\n"
        "in PATH.\n\n"
        "  list     name, version, state (used, installed, missing), origin and folder of each\n"
        "  install  downloads the pinned releases (default: of all kits), checks and unpacks them; where those sites\n"
        "           do not answer, `make setup` makes the same kits from the distribution's packages\n"
        "  which    the folder of a kit, or of a program in it",
    .opts = opts,
    .min_pos = 1,
    .max_pos = -1,
    .run = run,
};
