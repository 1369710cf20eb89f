#include "build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"
#include "../stages/fetch.h"
#include "run.h"

/* By enum wl_kit_index. */
static const char *const kit_names[WL_KIT_COUNT] = {"wasi-sdk", "binaryen", "wasmedge"};

/* --- Small things that the parts of a run share ----------------------------------------------------------------- */

void wl_outcome_fact(struct wl_outcome *o, const char *name, const char *fmt, ...) {
    WL_AUTOFREE char *value = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&value, fmt, ap);
    va_end(ap);
    if (n < 0 || o->n_facts == WL_RUN_FACTS)
        abort();
    o->facts[o->n_facts++] = (struct wl_pair){name, wl_arena_strdup(&o->arena, value)};
}

static void outcome_release(struct wl_outcome *o) {
    free(o->detail);
    wl_arena_release(&o->arena);
    memset(o, 0, sizeof(*o));
}

size_t wl_run_index(const struct wl_run *r, const struct wl_plan_step *step) {
    return (size_t)(step - r->plan.v);
}

struct wl_digest_hex wl_run_key(const struct wl_run *r, const struct wl_plan_step *step) {
    struct wl_sha256 h = {0};
    struct wl_digest d;

    if (step->stage != WL_STAGE_CONFIGURE)
        return wl_digest_hexonly(&step->key);
    wl_sha256_init(&h);
    wl_sha256_field(&h, "step", step->key.b, sizeof(step->key.b));
    wl_sha256_field_str(&h, "folder", r->srcdir);
    d = wl_sha256_final(&h);
    return wl_digest_hexonly(&d);
}

/* Labels hold blanks; file names rather not. */
static char *with_label(const char *front, const char *label, const char *tail) {
    char *s = wl_sprintf("%s%s%s", front, label, tail);

    for (char *p = s + strlen(front); *p; p++)
        if (*p == ' ' || *p == '/')
            *p = '-';
    return s;
}

char *wl_run_log(const struct wl_run *r, const struct wl_plan_step *step) {
    bool standard = strcmp(r->recipe->flavour, WL_RECIPE_FLAVOUR) == 0;
    WL_AUTOFREE char *front = wl_sprintf("%s/" WL_HOME_LOGS "/%s%s%s/", r->home->root, r->id, standard ? "" : ".",
                                         standard ? "" : r->recipe->flavour);

    return with_label(front, step->label, ".log");
}

char *wl_run_last_name(const struct wl_run *r, const char *label) {
    WL_AUTOFREE char *front = wl_sprintf("%s.%s.", r->id, r->recipe->flavour);

    return with_label(front, label, "");
}

int wl_run_kit(const struct wl_run *r, enum wl_kit_index i, const struct wl_kit **ret, struct wl_err *err) {
    if (!r->kits[i].name) {
        *err = r->kit_errors[i];
        return -1;
    }
    *ret = &r->kits[i];
    return 0;
}

int wl_run_artefact(const struct wl_run *r, const struct wl_plan_step *step, const char *artefact, char **ret,
                    struct wl_err *err) {
    struct wl_digest_hex key = wl_run_key(r, step);
    WL_AUTOFREE char *name = wl_sprintf("%s.wasm", artefact);
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};

    if (wl_store_meta(r->home, key.s, &m, err) < 0 || wl_store_verify(r->home, key.s, &m, name, err) < 0)
        return -1;
    *ret = wl_store_path(r->home, key.s, name);
    return 0;
}

/* --- Loading ------------------------------------------------------------------------------------------------------ */

static void find_kits(struct wl_run *r) {
    for (size_t i = 0; i < WL_KIT_COUNT; i++)
        if (wl_kit_find(r->home, kit_names[i], &r->kits[i], &r->kit_errors[i]) < 0)
            memset(&r->kits[i], 0, sizeof(r->kits[i]));
}

static int make_plan(struct wl_run *r, struct wl_err *err) {
    static struct utsname machine;
    static const char *own[] = {machine.machine, NULL};
    struct wl_plan_spec spec = {.recipe = r->recipe,
                                .series = r->recipe->patches_dir ? &r->series : NULL,
                                .scripts = r->recipe->scripts_dir ? &r->scripts : NULL,
                                .wasi_sdk = r->kits[WL_KIT_SDK].identity,
                                .binaryen = r->kits[WL_KIT_BINARYEN].identity,
                                .wasmedge = r->kits[WL_KIT_WASMEDGE].identity,
                                .archs = r->o->archs,
                                .epoch = r->epoch,
                                .compression = r->o->compression};

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

static int load(struct wl_run *r, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    r->jobs = r->o->jobs > 0 ? r->o->jobs : cpus > 0 ? (int)cpus : 1;
    wl_recipe_path(&path);
    if (wl_recipe_load(&r->recipe, &path, r->id, r->o->flavour, err) < 0)
        return -1;
    set_platform(r);
    if (wl_recipe_buildable(r->recipe, err) < 0 || wl_recipe_epoch(r->recipe, &r->epoch, err) < 0 ||
        wl_series_load(&r->series, r->recipe->patches_dir, err) < 0 || wl_scripts_load(&r->scripts, r->recipe, err) < 0)
        return -1;
    r->work = wl_sprintf("%s/" WL_HOME_WORK "/%s.%s", r->home->root, r->id, r->recipe->flavour);
    r->srcdir = wl_path_join(r->work, "src");
    find_kits(r);
    return make_plan(r, err);
}

static void run_release(struct wl_run *r) {
    wl_tree_close(r);
    wl_plan_release(&r->plan);
    wl_series_release(&r->series);
    wl_scripts_release(&r->scripts);
    wl_recipe_freep(&r->recipe);
    for (size_t i = 0; i < WL_KIT_COUNT; i++)
        wl_kit_release(&r->kits[i]);
    wl_build_result_release(&r->result);
    free(r->cached);
    free(r->need);
    free(r->work);
    free(r->srcdir);
    free(r->scripts_copy);
}

/* --- What has to run ----------------------------------------------------------------------------------------------- */

static bool is_cached(const struct wl_run *r, const struct wl_plan_step *step) {
    if (step->stage == WL_STAGE_FETCH)
        return wl_fetch_has(r->home, r->recipe->source->sha256);
    if (r->o->force || !wl_store_has(r->home, wl_run_key(r, step).s))
        return false;
    return step->stage != WL_STAGE_IMAGE || wl_image_present(r, step);
}

/* Whether the build hands out what this step makes: nothing else of this build is made from it, or it is a module. */
static bool is_goal(const struct wl_run *r, size_t i) {
    const struct wl_plan_step *s = &r->plan.v[i];

    if (s->stage > r->o->until)
        return false;
    if (s->stage == WL_STAGE_OPTIMIZE || s->stage == WL_STAGE_AOT)
        return true;
    for (size_t k = i + 1; k < r->plan.n; k++)
        for (size_t p = 0; p < r->plan.v[k].n_parents; p++)
            if (r->plan.v[k].parents[p] == i && r->plan.v[k].stage <= r->o->until &&
                r->plan.v[k].stage != WL_STAGE_CHECK && r->plan.v[k].stage != WL_STAGE_AOT &&
                r->plan.v[k].stage != WL_STAGE_IMAGE)
                return false;
    return true;
}

static void decide(struct wl_run *r) {
    r->cached = wl_calloc(r->plan.n + 1, sizeof(*r->cached));
    r->need = wl_calloc(r->plan.n + 1, sizeof(*r->need));
    for (size_t i = 0; i < r->plan.n; i++) {
        r->cached[i] = is_cached(r, &r->plan.v[i]);
        r->need[i] = is_goal(r, i);
    }
    for (size_t i = r->plan.n; i-- > 0;)
        for (size_t p = 0; r->need[i] && !r->cached[i] && p < r->plan.v[i].n_parents; p++)
            r->need[r->plan.v[i].parents[p]] = true;
}

/* Why a step has to run, for --explain. */
static void explain(const struct wl_run *r, const struct wl_plan_step *step, struct wl_strv *why) {
    WL_AUTOFREE char *name = wl_run_last_name(r, step->label);
    WL_AUTOFREE char *last = wl_store_last(r->home, name);
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    struct wl_err ignored;

    if (step->stage == WL_STAGE_FETCH)
        wl_strv_add(why, "not in the store");
    else if (last && strcmp(last, wl_run_key(r, step).s) == 0)
        wl_strv_add(why, r->o->force ? "forced" : "its result is no longer there");
    else if (last && wl_store_meta(r->home, last, &m, &ignored) == 0)
        wl_plan_explain(m.inputs, step, why);
    else
        wl_plan_explain(NULL, step, why);
}

static void tell(const struct wl_run *r, const struct wl_plan_step *step, enum wl_step_status status, double seconds,
                 const char *detail, const struct wl_strv *why) {
    struct wl_step_event e = {
        .recipe = r->id, .step = step, .status = status, .seconds = seconds, .detail = detail, .why = why};

    r->ev->step(r->ev->arg, &e);
}

/* --- Running one step ----------------------------------------------------------------------------------------------- */

static int make(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                struct wl_err *err) {
    switch (step->stage) {
    case WL_STAGE_COMPILE:
        return wl_tree_compile(r, step, dir, out, err);
    case WL_STAGE_LOWER:
        return wl_step_lower(r, step, dir, out, err);
    case WL_STAGE_OPTIMIZE:
        return wl_step_optimize(r, step, dir, out, err);
    case WL_STAGE_CHECK:
        return wl_step_check(r, step, dir, out, err);
    case WL_STAGE_AOT:
        return wl_step_aot(r, step, dir, out, err);
    case WL_STAGE_IMAGE:
        return wl_step_image(r, step, dir, out, err);
    default:
        return wl_tree_make(r, step, out, err);
    }
}

static void on_waiting(void *arg) {
    const struct wl_run *r = arg;

    r->ev->verbose(r->ev->arg, "another wlpack makes the same step, waiting for it");
}

static double since(const struct timespec *start) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Makes the step and keeps it in the store. *ret_there: another process has made it meanwhile. */
static int make_and_keep(struct wl_run *r, const struct wl_plan_step *step, struct wl_outcome *out, bool *ret_there,
                         struct wl_err *err) {
    WL_AUTO(wl_entry_cancel) struct wl_entry e = WL_ENTRY_INIT;
    WL_AUTO(wl_buf_release) struct wl_buf inputs = {0};
    struct wl_meta m = {.recipe = r->id, .step = step->label};
    bool image_gone = step->stage == WL_STAGE_IMAGE;
    struct timespec start;

    if (wl_entry_begin(&e, r->home, wl_run_key(r, step).s, r->o->force || image_gone, on_waiting, r, ret_there, err) <
        0)
        return -1;
    if (*ret_there)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (make(r, step, e.dir, out, err) < 0)
        return -1;
    wl_plan_inputs_print(step, &inputs);
    m.inputs = wl_buf_str(&inputs);
    m.facts = out->facts;
    m.n_facts = out->n_facts;
    m.seconds = since(&start);
    return wl_entry_commit(&e, &m, err);
}

static int run_step(struct wl_run *r, const struct wl_plan_step *step, struct wl_outcome *out, bool *ret_there,
                    struct wl_err *err) {
    WL_AUTOFREE char *name = wl_run_last_name(r, step->label);

    *ret_there = false;
    if (step->stage == WL_STAGE_FETCH)
        return make(r, step, NULL, out, err);
    /* the tree's lock comes before any key's: two processes must not hold one each and wait for the other's */
    if (step->stage <= WL_STAGE_COMPILE && wl_tree_open(r, err) < 0)
        return -1;
    if (step->stage == WL_STAGE_CONFIGURE) { /* keeps its result itself */
        if (make(r, step, NULL, out, err) < 0)
            return -1;
    } else if (make_and_keep(r, step, out, ret_there, err) < 0) {
        return -1;
    }
    if (step->stage == WL_STAGE_COMPILE)
        wl_tree_close(r);
    return wl_store_set_last(r->home, name, wl_run_key(r, step).s, err);
}

static int do_step(struct wl_run *r, const struct wl_plan_step *step, struct wl_err *err);

int wl_run_sound(struct wl_run *r, const struct wl_plan_step *step, const char *artefact, struct wl_err *err) {
    WL_AUTOFREE char *path = NULL;
    WL_AUTOFREE char *text = NULL;
    struct wl_err why;

    if (wl_run_artefact(r, step, artefact, &path, &why) == 0)
        return 0;
    text = wl_sprintf("%s: %s; it is made again", r->id, why.msg);
    r->ev->note(r->ev->arg, text);
    if (wl_store_drop(r->home, wl_run_key(r, step).s, err) < 0)
        return -1;
    return do_step(r, step, err);
}

/* The modules that a step is made from. */
static int sound_parents(struct wl_run *r, const struct wl_plan_step *step, struct wl_err *err) {
    for (size_t i = 0; step->artefact && i < step->n_parents; i++)
        if (wl_run_sound(r, &r->plan.v[step->parents[i]], step->artefact, err) < 0)
            return -1;
    return 0;
}

static int do_step(struct wl_run *r, const struct wl_plan_step *step, struct wl_err *err) {
    WL_AUTO(outcome_release) struct wl_outcome out = {0};
    WL_AUTO(wl_strv_release) struct wl_strv why = {0};
    struct timespec start;
    bool there;

    if (wl_interrupted())
        return wl_fail(err, WL_FAILED, "interrupted");
    if (sound_parents(r, step, err) < 0)
        return -1;
    explain(r, step, &why);
    tell(r, step, WL_STEP_STARTED, 0, NULL, &why);
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (run_step(r, step, &out, &there, err) < 0)
        return wl_err_context(err, "%s: %s", r->id, step->label);
    r->result.ran += !there;
    tell(r, step, there ? WL_STEP_CACHED : out.reused ? WL_STEP_REUSED : WL_STEP_DONE, since(&start), out.detail, NULL);
    return 0;
}

static int remember_cached(struct wl_run *r, const struct wl_plan_step *step, struct wl_err *err) {
    WL_AUTOFREE char *name = wl_run_last_name(r, step->label);

    if (step->stage == WL_STAGE_FETCH)
        return 0;
    return wl_store_set_last(r->home, name, wl_run_key(r, step).s, err);
}

static int sequence(struct wl_run *r, bool dry, struct wl_err *err) {
    for (size_t i = 0; i < r->plan.n; i++) {
        const struct wl_plan_step *step = &r->plan.v[i];

        if (step->stage > r->o->until)
            continue;
        if (r->cached[i] || !r->need[i]) {
            tell(r, step, r->cached[i] ? WL_STEP_CACHED : WL_STEP_NOT_NEEDED, 0, NULL, NULL);
            if (!dry && r->cached[i] && remember_cached(r, step, err) < 0)
                return -1;
        } else if (dry) {
            WL_AUTO(wl_strv_release) struct wl_strv why = {0};

            explain(r, step, &why);
            tell(r, step, WL_STEP_STARTED, 0, NULL, &why);
        } else if (do_step(r, step, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- Outside -------------------------------------------------------------------------------------------------------- */

static int build(struct wl_run *r, bool dry, struct wl_err *err) {
    WL_AUTO(wl_closep) int use = -1;

    if (load(r, err) < 0)
        return -1;
    if (!dry && wl_store_use(r->home, false, &use, err) < 0)
        return -1;
    decide(r);
    if (sequence(r, dry, err) < 0)
        return -1;
    wl_tree_close(r);
    return dry ? 0 : wl_run_products(r, err);
}

int wl_build(struct wl_home *home, const char *id, const struct wl_build_options *o, const struct wl_build_events *ev,
             struct wl_build_result *ret, struct wl_err *err) {
    WL_AUTO(run_release) struct wl_run r = {.home = home, .o = o, .ev = ev, .id = id, .work_lock = -1};

    if (build(&r, false, err) < 0)
        return -1;
    *ret = r.result;
    memset(&r.result, 0, sizeof(r.result));
    return 0;
}

int wl_build_dry(struct wl_home *home, const char *id, const struct wl_build_options *o,
                 const struct wl_build_events *ev, struct wl_err *err) {
    WL_AUTO(run_release) struct wl_run r = {.home = home, .o = o, .ev = ev, .id = id, .work_lock = -1};

    return build(&r, true, err);
}

int wl_build_fetch(struct wl_home *home, const char *id, const struct wl_build_options *o,
                   const struct wl_build_events *ev, char **ret_path, struct wl_err *err) {
    WL_AUTO(run_release) struct wl_run r = {.home = home, .o = o, .ev = ev, .id = id, .work_lock = -1};
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};

    wl_recipe_path(&path);
    if (wl_recipe_load(&r.recipe, &path, id, o->flavour, err) < 0 || wl_recipe_buildable(r.recipe, err) < 0)
        return -1;
    if (wl_run_fetch(&r, ret_path, err) < 0)
        return wl_err_context(err, "%s", id);
    return 0;
}
