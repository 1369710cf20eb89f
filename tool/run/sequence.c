/* Which steps of a plan have to run, and running them in order. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/mem.h"
#include "../base/proc.h"
#include "../stages/fetch.h"
#include "run.h"

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
    if (s->stage == WL_STAGE_COMPILE && wl_recipe_is_library(r->recipe))
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
    WL_AUTOFREE char *label = r->id == r->asked ? NULL : wl_sprintf("%s/%s", r->id, step->label);
    struct wl_step_event e = {.recipe = r->asked,
                              .label = label ? label : step->label,
                              .step = step,
                              .status = status,
                              .seconds = seconds,
                              .detail = detail,
                              .why = why};

    r->ev->step(r->ev->arg, &e);
}

static void outcome_release(struct wl_outcome *o) {
    free(o->detail);
    wl_arena_release(&o->arena);
    memset(o, 0, sizeof(*o));
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

    r->ev->info(r->ev->arg, "another wlpack makes the same step, waiting for it");
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

/* The digest over the names and bytes below WL_RUN_TREE. */
static struct wl_digest tree_digest(const struct wl_meta *m) {
    struct wl_sha256 h = {0};

    wl_sha256_init(&h);
    for (size_t i = 0; i < m->n_files; i++) {
        const struct wl_store_file *f = &m->files[i];

        if (!wl_starts(f->path, WL_RUN_TREE "/"))
            continue;
        wl_sha256_field_str(&h, f->path + strlen(WL_RUN_TREE "/"), f->link ? "link" : "file");
        wl_sha256_field(&h, "digest", f->digest.b, sizeof(f->digest.b));
    }
    return wl_sha256_final(&h);
}

/* Drops the entry of a library's compile step and makes it again. */
static int remake_tree(struct wl_run *lib, const struct wl_plan_step *step, const struct wl_err *why,
                       struct wl_err *err) {
    WL_AUTOFREE char *text = wl_sprintf("%s: %s; it is made again", lib->id, why->msg);

    lib->ev->note(lib->ev->arg, text);
    if (wl_store_drop(lib->home, wl_run_key(lib, step).s, err) < 0 || do_step(lib, step, err) < 0)
        return -1;
    wl_tree_close(lib);
    return 0;
}

int wl_run_tree(struct wl_run *lib, struct wl_digest *ret, struct wl_err *err) {
    const struct wl_plan_step *step = wl_plan_find(&lib->plan, wl_stage_name(WL_STAGE_COMPILE));
    struct wl_digest_hex key = wl_run_key(lib, step);
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    struct wl_err why;

    if (wl_store_meta(lib->home, key.s, &m, &why) < 0 &&
        (remake_tree(lib, step, &why, err) < 0 || wl_store_meta(lib->home, key.s, &m, err) < 0))
        return -1;
    *ret = tree_digest(&m);
    lib->tree_known = true;
    return 0;
}

int wl_run_sound_tree(struct wl_run *lib, char **ret_path, struct wl_err *err) {
    const struct wl_plan_step *step = wl_plan_find(&lib->plan, wl_stage_name(WL_STAGE_COMPILE));
    struct wl_digest_hex key = wl_run_key(lib, step);
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    struct wl_digest before = lib->tree, after;
    struct wl_err why;

    if (wl_store_meta(lib->home, key.s, &m, &why) < 0 || wl_store_verify(lib->home, key.s, &m, NULL, &why) < 0) {
        if (remake_tree(lib, step, &why, err) < 0 || wl_run_tree(lib, &after, err) < 0)
            return -1;
        if (!wl_digest_equal(&before, &after))
            return wl_fail(err, WL_FAILED,
                           "%s installs other files than before: its build is not reproducible. Build again", lib->id);
    }
    *ret_path = wl_store_path(lib->home, key.s, WL_RUN_TREE);
    return 0;
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
        return r->id == r->asked ? wl_err_context(err, "%s: %s", r->id, step->label)
                                 : wl_err_context(err, "%s: %s/%s", r->asked, r->id, step->label);
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

int wl_run_steps(struct wl_run *r, bool dry, struct wl_err *err) {
    decide(r);
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
