#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../../registry/oci.h"
#include "../base/buf.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../model/home.h"
#include "../model/plan.h"
#include "../run/build.h"
#include "cmd.h"
#include "talk.h"

#define ARCHS_MAX 8

/* What the callbacks need. */
struct talk {
    bool explain;
};

/* Steps long enough to be announced. */
static bool is_long(enum wl_stage s) {
    return s == WL_STAGE_CONFIGURE || s == WL_STAGE_COMPILE || s == WL_STAGE_OPTIMIZE || s == WL_STAGE_AOT;
}

static void explain_step(const struct wl_step_event *e) {
    static const char *const words[] = {"in the store", "not needed", "built", "reused", "built"};

    wl_info("%s: %-20s %s", e->recipe, e->label, words[e->status]);
    for (size_t i = 0; e->why && i < e->why->n; i++)
        wl_info("    %s", e->why->v[i]);
}

static void on_step(void *arg, const struct wl_step_event *e) {
    const struct talk *t = arg;

    if (t->explain && e->status <= WL_STEP_STARTED)
        explain_step(e);
    else if (e->status == WL_STEP_STARTED && is_long(e->step->stage))
        wl_info("%s: %s ...", e->recipe, e->label);
    if (e->status == WL_STEP_REUSED || e->status == WL_STEP_DONE)
        wl_info("%s: %-20s %s%.1f s%s%s", e->recipe, e->label, e->status == WL_STEP_REUSED ? "reused, " : "",
                e->seconds, e->detail ? "  " : "", e->detail ? e->detail : "");
}

static void print_product(const struct wl_build_product *p, bool json) {
    const char *what = p->path ? p->path : p->name;

    if (json) {
        WL_AUTO(wl_buf_release) struct wl_buf b = {0};
        struct wl_jw w = {.out = &b};

        wl_jw_begin(&w, '{');
        wl_jw_kstr(&w, "kind", p->kind);
        if (p->path)
            wl_jw_kstr(&w, "recipe", p->name);
        wl_jw_kstr(&w, p->path ? "path" : "name", what);
        wl_jw_kint(&w, "size", (int64_t)p->size);
        wl_jw_kstr(&w, "digest", wl_digest_str(&p->digest).s);
        wl_jw_end(&w, '}');
        wl_result("%s", b.p);
    } else {
        wl_result("%s\t%s\t%llu\t%s", p->kind, what, (unsigned long long)p->size, wl_digest_str(&p->digest).s);
    }
}

/* --arch x86_64,aarch64 or none; Go's names are taken, too. */
static int parse_archs(char *list, const char **ret, struct wl_err *err) {
    static const char *const names[][2] = {
        {"x86_64", "x86_64"}, {"amd64", "x86_64"}, {"aarch64", "aarch64"}, {"arm64", "aarch64"}};
    size_t n = 0;

    ret[0] = NULL;
    if (strcmp(list, "none") == 0)
        return 0;
    for (char *p = list, *next; p; p = next) {
        const char *name = NULL;

        next = strchr(p, ',');
        if (next)
            *next++ = '\0';
        for (size_t i = 0; i < WL_ARRAY_LEN(names); i++)
            if (strcmp(names[i][0], p) == 0)
                name = names[i][1];
        if (!name)
            return wl_fail(err, WL_USAGE, "--arch: no architecture \"%s\"; there are x86_64, aarch64 and none", p);
        for (size_t i = 0; i < n; i++)
            if (strcmp(ret[i], name) == 0)
                return wl_fail(err, WL_USAGE, "--arch: %s stands there twice", name);
        if (n + 1 == ARCHS_MAX)
            return wl_fail(err, WL_USAGE, "--arch: too many architectures");
        ret[n++] = name;
        ret[n] = NULL;
    }
    return 0;
}

static int build_one(struct wl_home *home, const char *id, const struct wl_build_options *o,
                     const struct wl_build_events *ev, bool json, struct wl_err *err) {
    WL_AUTO(wl_build_result_release) struct wl_build_result res = {0};
    struct rusage own;

    if (wl_build(home, id, o, ev, &res, err) < 0)
        return -1;
    if (res.ran == 0)
        wl_info("%s: up to date", id);
    for (size_t i = 0; i < res.n; i++)
        print_product(&res.v[i], json);
    if (getrusage(RUSAGE_SELF, &own) == 0)
        wl_verbose("%s: peak memory %ld MiB, of the largest child %ld MiB", id, own.ru_maxrss / 1024,
                   res.max_child_rss_kb / 1024);
    return 0;
}

/* --platform and --compression. */
static int image_options(const struct wl_args *args, struct wl_arena *a, struct wl_build_options *o,
                         struct wl_err *err) {
    const char *platform = wl_args_get(args, "platform");
    struct wl_oci_platform p;

    o->compression = wl_args_get(args, "compression");
    if (o->compression && !wl_codec_find(o->compression))
        return wl_fail(err, WL_USAGE, "--compression: no \"%s\"; there are gzip, gzip-max, zstd and zstd-max",
                       o->compression);
    if (!platform)
        return 0;
    if (wl_oci_platform_parse(platform, a, &p, err) < 0)
        return -1;
    if (p.variant)
        return wl_fail(err, WL_USAGE, "--platform takes OS/ARCH: the variants are the architectures of --arch");
    o->os = p.os;
    o->architecture = p.architecture;
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTOFREE char *list = NULL;
    const char *archs[ARCHS_MAX];
    struct wl_progress progress = wl_out_progress();
    struct talk talk = {.explain = wl_args_has(args, "explain")};
    struct wl_build_options o = {.flavour = wl_args_get(args, "flavour"),
                                 .until = WL_STAGE_IMAGE,
                                 .offline = wl_args_has(args, "offline"),
                                 .force = wl_args_has(args, "force"),
                                 .output = wl_args_get(args, "output"),
                                 .mirror = wl_args_get(args, "mirror")};
    struct wl_build_events ev = wl_talk(on_step, &talk, &progress);
    long jobs = 0;

    (void)ret_status;
    if (wl_args_int(args, "jobs", 1, 1024, &jobs, err) < 0)
        return -1;
    o.jobs = (int)jobs;
    if (wl_args_get(args, "until") && wl_stage_parse(wl_args_get(args, "until"), &o.until, err) < 0)
        return -1;
    if (wl_args_get(args, "arch")) {
        list = wl_strdup(wl_args_get(args, "arch"));
        if (parse_archs(list, archs, err) < 0)
            return -1;
        o.archs = archs;
    }
    if (image_options(args, &arena, &o, err) < 0 || wl_home_open(&home, err) < 0)
        return -1;
    for (int i = 0; i < args->n_pos; i++)
        if (build_one(&home, args->pos[i], &o, &ev, wl_args_has(args, "json"), err) < 0)
            return -1;
    return 0;
}

static const struct wl_opt opts[] = {
    {"until", 0, "STAGE", "stop behind fetch, unpack, patch, configure, compile, lower, optimize, check, aot or image"},
    {"arch", 0, "LIST", "precompile for these (x86_64,aarch64) or none; default: this machine's"},
    {"flavour", 0, "NAME", "the recipe's flavour; default: wasi"},
    {"jobs", 'j', "N", "commands at once; default: one per processor"},
    {"output", 'o', "DIR", "where the files go, under DIR/NAME/bin; default: build-output"},
    {"mirror", 0, "DIR-or-URL", "look for source archives here first; default: WLPACK_MIRROR"},
    {"platform", 0, "OS/ARCH", "of the images, instead of the recipe's: wasip1/wasm, linux/amd64 ..."},
    {"compression", 0, "NAME", "of the images' layers: gzip-max (default), gzip, zstd or zstd-max"},
    {"offline", 0, NULL, "use no network"},
    {"explain", 0, NULL, "say of each step whether it runs, and why"},
    {"force", 0, NULL, "run every step of the named recipes again"},
    {"json", 0, NULL, "print a JSON object per result"},
    {0}};

const struct wl_verb wl_verb_build = {
    .name = "build",
    .usage = "build [OPTIONS] NAME...",
    .summary = "build recipes: from the source to images in the local store",
    .help =
        "Fetches the source of each recipe, patches, configures, compiles, optimises and checks it, precompiles it\n"
        "and makes its images. The libraries that it needs come first; their steps are told as LIBRARY/STEP. Every\n"
        "finished step is kept under a key of all that it was made from: what is unchanged is not made again.\n\n"
        "Prints one line per result: kind, path or image, size, digest, separated by tabs. The logs of the\n"
        "commands are in $WLPACK_HOME/logs/NAME.\n\n"
        "  wlpack build php-7.4.33\n"
        "  wlpack build --until compile --explain lua-5.4.7",
    .opts = opts,
    .min_pos = 1,
    .max_pos = -1,
    .run = run,
};
