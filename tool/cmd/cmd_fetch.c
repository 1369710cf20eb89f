#include "../base/mem.h"
#include "../base/out.h"
#include "../model/home.h"
#include "../run/build.h"
#include "cmd.h"
#include "talk.h"

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_strv_release) struct wl_strv ids = {0}, paths = {0};
    struct wl_progress progress = wl_out_progress();
    struct wl_build_events ev = wl_talk(NULL, NULL, &progress);
    struct wl_build_options o = {.flavour = wl_args_get(args, "flavour"),
                                 .mirror = wl_args_get(args, "mirror"),
                                 .offline = wl_args_has(args, "offline")};

    (void)ret_status;
    if (wl_home_open(&home, err) < 0)
        return -1;
    for (int i = 0; i < args->n_pos; i++) {
        size_t told = ids.n;

        if (wl_build_fetch(&home, args->pos[i], &o, &ev, &ids, &paths, err) < 0)
            return -1;
        for (; told < ids.n; told++)
            wl_result("%s\t%s", ids.v[told], paths.v[told]);
    }
    return 0;
}

static const struct wl_opt opts[] = {
    {"flavour", 0, "NAME", "the recipe's flavour, which may need other libraries; default: wasi"},
    {"mirror", 0, "DIR-or-URL", "look for source archives here first; default: WLPACK_MIRROR"},
    {"offline", 0, NULL, "look into folders only"},
    {0}};

const struct wl_verb wl_verb_fetch = {
    .name = "fetch",
    .usage = "fetch [OPTIONS] NAME...",
    .summary = "fetch the source archives of recipes, for a build without network",
    .help =
        "Gets the archives of each recipe and of the libraries that it needs from the mirrors or their URLs, checks\n"
        "them and keeps them in the store, where `wlpack build --offline` finds them. Prints name and file, separated\n"
        "by a tab.",
    .opts = opts,
    .min_pos = 1,
    .max_pos = -1,
    .run = run,
};
