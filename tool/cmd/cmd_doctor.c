#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "../base/fs.h"
#include "../base/isolate.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/proc.h"
#include "../model/home.h"
#include "../model/kit.h"
#include "../model/recipe.h"
#include "cmd.h"

#define DISK_WANTED ((uint64_t)3 << 30) /* a build of PHP with its store entries, and room to spare */

struct report {
    bool json;
    unsigned missing; /* things without which a build cannot work */
};

/* state: "ok", "missing" (needed), "absent" (not needed); fix: the command that gets it, or NULL. */
static void say(struct report *r, const char *state, const char *what, const char *detail, const char *fix) {
    if (strcmp(state, "missing") == 0)
        r->missing++;
    if (r->json) {
        WL_AUTO(wl_buf_release) struct wl_buf b = {0};
        struct wl_jw w = {.out = &b};

        wl_jw_begin(&w, '{');
        wl_jw_kstr(&w, "check", what);
        wl_jw_kstr(&w, "state", state);
        wl_jw_kstr(&w, "detail", detail);
        if (fix)
            wl_jw_kstr(&w, "fix", fix);
        wl_jw_end(&w, '}');
        wl_result("%s", b.p);
    } else {
        wl_result("%-8s %-22s %s%s%s", state, what, detail, fix ? "; get it: " : "", fix ? fix : "");
    }
}

/* Programs that builds and tests call, with the Debian package that has each. */
static const struct {
    const char *program, *package, *use;
    bool needed;
} programs[] = {
    {"make", "make", "runs the builds of recipes", true},
    {"patch", "patch", "applies patch series", true},
    {"sh", "dash", "runs configure scripts", true},
    {"sed", "sed", "runs configure scripts", true},
    {"awk", "mawk", "runs configure scripts", true},
    {"perl", "perl", "some recipes' builds", false},
    {"node", "nodejs", "runtime for `wlpack run` where WasmEdge is missing", false},
    {"podman", "podman", "runs the images", false},
    {"skopeo", "skopeo", "reads the local image store", false},
    {"prove", "perl", "`make test`", false},
};

static void check_programs(struct report *r) {
    for (size_t i = 0; i < WL_ARRAY_LEN(programs); i++) {
        WL_AUTOFREE char *path = wl_proc_which(programs[i].program);
        WL_AUTOFREE char *fix = wl_sprintf("apt-get install %s", programs[i].package);

        if (path)
            say(r, "ok", programs[i].program, path, NULL);
        else
            say(r, programs[i].needed ? "missing" : "absent", programs[i].program, programs[i].use, fix);
    }
}

static void check_kits(struct report *r, const struct wl_home *home) {
    static const char *const names[] = {"wasi-sdk", "binaryen", "wasmedge"};

    for (size_t i = 0; i < WL_ARRAY_LEN(names); i++) {
        WL_AUTO(wl_kit_release) struct wl_kit kit = {0};
        WL_AUTOFREE char *what = wl_sprintf("kit %s", names[i]);
        struct wl_err why;

        if (wl_kit_find(home, names[i], &kit, &why) == 0) {
            WL_AUTOFREE char *detail = wl_sprintf("%s (%s) in %s", kit.version, kit.origin, kit.root);

            say(r, "ok", what, detail, NULL);
        } else {
            WL_AUTOFREE char *fix = wl_sprintf("wlpack kit install %s, or make setup", names[i]);

            say(r, "missing", what, why.msg, fix);
        }
    }
}

static void check_store(struct report *r, const struct wl_home *home) {
    struct wl_home open = WL_HOME_INIT;
    struct statvfs fs;
    struct wl_err why;

    if (wl_home_open(&open, &why) < 0)
        say(r, "missing", "store", why.msg, "set WLPACK_HOME to a folder that can be written");
    else
        say(r, "ok", "store", home->root, NULL);
    wl_home_close(&open);
    if (statvfs(home->root, &fs) == 0) {
        uint64_t available = (uint64_t)fs.f_bavail * fs.f_frsize;
        WL_AUTOFREE char *detail = wl_sprintf("%s available", wl_size(available).s);

        if (available < DISK_WANTED)
            say(r, "missing", "disk", detail, "wlpack gc");
        else
            say(r, "ok", "disk", detail, NULL);
    }
}

static void check_recipes(struct report *r) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0}, names = {0};
    WL_AUTOFREE char *detail = NULL;
    struct wl_err why;

    wl_recipe_path(&path);
    if (wl_recipe_list(&path, &names, &why) < 0 || names.n == 0) {
        say(r, "missing", "recipes", "none found", "set WLPACK_RECIPES to a folder of recipes");
        return;
    }
    detail = wl_sprintf("%zu", names.n);
    say(r, "ok", "recipes", detail, NULL);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    struct report r = {.json = wl_args_has(args, "json")};

    if (wl_home_find(&home, err) < 0)
        return -1;
    check_store(&r, &home);
    check_recipes(&r);
    check_kits(&r, &home);
    check_programs(&r);
    say(&r, wl_net_can_cut() ? "ok" : "absent", "network isolation",
        wl_net_can_cut() ? "build commands get no network" : "build commands can reach the network", NULL);
    *ret_status = r.missing ? WL_FAILED : WL_OK;
    return 0;
}

static const struct wl_opt opts[] = {{"json", 0, NULL, "print a JSON object per check"}, {0}};

const struct wl_verb wl_verb_doctor = {
    .name = "doctor",
    .usage = "doctor [--json]",
    .summary = "what is missing on this machine, and the command that gets it",
    .help =
        "Prints a line per check: ok, missing (a build needs it) or absent (only needed for some things), what it is,\n"
        "and how to get it. Ends with 1 when something that builds need is missing.",
    .opts = opts,
    .max_pos = 0,
    .run = run,
};
