#include "build.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../model/closure.h"
#include "run.h"

/* By enum wl_kit_index. */
static const char *const kit_names[WL_KIT_COUNT] = {"wasi-sdk", "binaryen", "wasmedge"};

/* A recipe and its libraries, each with its own plan and its own work tree. They are built one behind the other: what a
 * library installed is part of the keys of those who need it. */
struct builds {
    struct wl_closure closure; /* its units' contents are in the runs */
    struct wl_run *v;
    size_t n; /* the last one is the recipe itself */
    struct wl_kits kits;
    struct wl_build_options lib_options;
};

/* --- Loading ------------------------------------------------------------------------------------------------------ */

static void find_kits(const struct wl_home *home, struct wl_kits *ret) {
    for (size_t i = 0; i < WL_KIT_COUNT; i++)
        if (wl_kit_find(home, kit_names[i], &ret->v[i], &ret->errors[i]) < 0)
            memset(&ret->v[i], 0, sizeof(ret->v[i]));
}

static int make_plan(struct wl_run *r, struct wl_err *err) {
    static struct utsname machine;
    static const char *own[] = {machine.machine, NULL};
    struct wl_plan_dep deps[WL_CLOSURE_UNITS];
    struct wl_plan_spec spec = {.recipe = r->recipe,
                                .series = r->recipe->patches_dir ? &r->series : NULL,
                                .scripts = r->recipe->scripts_dir ? &r->scripts : NULL,
                                .wasi_sdk = r->kits->v[WL_KIT_SDK].identity,
                                .binaryen = r->kits->v[WL_KIT_BINARYEN].identity,
                                .wasmedge = r->kits->v[WL_KIT_WASMEDGE].identity,
                                .archs = r->o->archs,
                                .epoch = r->epoch,
                                .compression = r->o->compression,
                                .deps = deps,
                                .n_deps = r->n_libs};

    for (size_t i = 0; i < r->n_libs; i++) {
        deps[i] = (struct wl_plan_dep){.id = r->libs[i]->id, .value = {"not built"}};
        if (r->libs[i]->tree_known)
            deps[i].value = wl_digest_str(&r->libs[i]->tree);
    }
    if (uname(&machine) < 0)
        return wl_fail_errno(err, errno, "cannot tell this machine's architecture");
    if (!spec.archs)
        spec.archs = own;
    return wl_plan_make(&r->plan, &spec, err);
}

/* The platform asked for, in place of the recipe's. */
static void set_platform(struct wl_run *r) {
    struct wl_recipe_platform *p;

    if (!r->o->os)
        return;
    p = wl_arena_alloc(&r->recipe->arena, sizeof(*p));
    p->os = wl_arena_strdup(&r->recipe->arena, r->o->os);
    p->architecture = wl_arena_strdup(&r->recipe->arena, r->o->architecture);
    r->recipe->platform = p;
}

/* The run of a unit takes over what the unit holds. */
static void init_run(struct builds *b, size_t i, struct wl_home *home, const struct wl_build_options *o,
                     const struct wl_build_events *ev) {
    struct wl_unit *u = &b->closure.v[i];
    struct wl_run *r = &b->v[i];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    *r = (struct wl_run){.home = home, .o = o, .ev = ev, .work_lock = -1, .kits = &b->kits};
    r->recipe = WL_STEAL(u->recipe);
    set_platform(r);
    r->series = u->series;
    r->scripts = u->scripts;
    u->series = (struct wl_series){0};
    u->scripts = (struct wl_scripts){0};
    r->epoch = u->epoch;
    r->id = r->recipe->id;
    r->libs = wl_calloc(u->n_deps + 1, sizeof(struct wl_run *));
    for (; r->n_libs < u->n_deps; r->n_libs++)
        r->libs[r->n_libs] = &b->v[u->deps[r->n_libs]];
    r->jobs = o->jobs > 0 ? o->jobs : cpus > 0 ? (int)cpus : 1;
    r->work = wl_sprintf("%s/" WL_HOME_WORK "/%s.%s", home->root, r->id, r->recipe->flavour);
    r->srcdir = wl_path_join(r->work, "src");
    r->deps = wl_path_join(r->work, "deps");
    r->out = wl_recipe_is_library(r->recipe) ? wl_path_join(r->work, "out") : NULL;
}

static void run_release(struct wl_run *r) {
    wl_tree_close(r);
    wl_plan_release(&r->plan);
    wl_series_release(&r->series);
    wl_scripts_release(&r->scripts);
    wl_recipe_freep(&r->recipe);
    wl_build_result_release(&r->result);
    free(r->libs);
    free(r->cached);
    free(r->need);
    free(r->work);
    free(r->srcdir);
    free(r->scripts_copy);
    free(r->deps);
    free(r->out);
}

static void builds_release(struct builds *b) {
    for (size_t i = 0; i < b->n; i++)
        run_release(&b->v[i]);
    free(b->v);
    for (size_t i = 0; i < WL_KIT_COUNT; i++)
        wl_kit_release(&b->kits.v[i]);
    wl_closure_release(&b->closure);
}

/* A library that is needed by others is never forced (naming it on the command line does that), gives no native code, and
 * is built as far as those need it: not at all when they stop in front of their commands. */
static void library_options(struct wl_build_options *lib, const struct wl_build_options *o) {
    static const char *const none[] = {NULL};

    *lib = *o;
    lib->flavour = NULL;
    lib->force = false;
    lib->archs = none;
    lib->until = o->until >= WL_STAGE_CONFIGURE ? WL_STAGE_CHECK : WL_STAGE_FETCH;
}

static int load(struct builds *b, struct wl_home *home, const char *id, const struct wl_build_options *o,
                const struct wl_build_events *ev, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};

    wl_recipe_path(&path);
    if (wl_closure_load(&b->closure, &path, id, o->flavour, err) < 0)
        return -1;
    library_options(&b->lib_options, o);
    b->v = wl_calloc(b->closure.n, sizeof(*b->v));
    for (; b->n < b->closure.n; b->n++)
        init_run(b, b->n, home, b->n + 1 < b->closure.n ? &b->lib_options : o, ev);
    for (size_t i = 0; i < b->n; i++)
        b->v[i].asked = b->v[b->n - 1].id;
    return 0;
}

/* --- Building ----------------------------------------------------------------------------------------------------- */

/* One recipe of the closure; those that it needs were here before. */
static int build_run(struct builds *b, struct wl_run *r, bool dry, struct wl_err *err) {
    struct wl_run *last = &b->v[b->n - 1];
    const struct wl_plan_step *compile;

    if (make_plan(r, err) < 0 || wl_run_steps(r, dry, err) < 0)
        return -1;
    if (!dry)
        wl_tree_sweep(r);
    compile = wl_plan_find(&r->plan, "compile");
    if (r != last) {
        last->result.ran += r->result.ran;
        if (r->result.max_child_rss_kb > last->result.max_child_rss_kb)
            last->result.max_child_rss_kb = r->result.max_child_rss_kb;
    }
    if (!wl_recipe_is_library(r->recipe) || r->o->until < WL_STAGE_COMPILE ||
        (dry && !r->cached[wl_run_index(r, compile)]))
        return 0;
    return wl_run_tree(r, &r->tree, err);
}

static int build(struct builds *b, struct wl_home *home, const char *id, const struct wl_build_options *o,
                 const struct wl_build_events *ev, bool dry, struct wl_err *err) {
    WL_AUTO(wl_closep) int use = -1;

    if (load(b, home, id, o, ev, err) < 0)
        return -1;
    find_kits(home, &b->kits);
    if (!dry && wl_store_use(home, WL_LOCK_SHARED, &use, err) < 0)
        return -1;
    for (size_t i = 0; i < b->n; i++)
        if (build_run(b, &b->v[i], dry, err) < 0)
            return -1;
    return dry ? 0 : wl_run_products(&b->v[b->n - 1], err);
}

int wl_build(struct wl_home *home, const char *id, const struct wl_build_options *o, const struct wl_build_events *ev,
             struct wl_build_result *ret, struct wl_err *err) {
    WL_AUTO(builds_release) struct builds b = {0};
    struct wl_run *last;

    if (build(&b, home, id, o, ev, false, err) < 0)
        return -1;
    last = &b.v[b.n - 1];
    *ret = last->result;
    memset(&last->result, 0, sizeof(last->result));
    return 0;
}

int wl_build_dry(struct wl_home *home, const char *id, const struct wl_build_options *o,
                 const struct wl_build_events *ev, struct wl_err *err) {
    WL_AUTO(builds_release) struct builds b = {0};

    return build(&b, home, id, o, ev, true, err);
}

int wl_build_fetch(struct wl_home *home, const char *id, const struct wl_build_options *o,
                   const struct wl_build_events *ev, struct wl_strv *ret_ids, struct wl_strv *ret_paths,
                   struct wl_err *err) {
    WL_AUTO(builds_release) struct builds b = {0};

    if (load(&b, home, id, o, ev, err) < 0)
        return -1;
    for (size_t i = 0; i < b.n; i++) {
        char *path;

        if (wl_strv_has(ret_ids, b.v[i].id))
            continue;
        if (wl_run_fetch(&b.v[i], &path, err) < 0)
            return wl_err_context(err, "%s", b.v[i].id);
        wl_strv_add(ret_ids, b.v[i].id);
        wl_strv_take(ret_paths, path);
    }
    return 0;
}
