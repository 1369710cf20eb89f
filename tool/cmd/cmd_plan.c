/* `wlpack plan`: the steps of a build and their keys, without building. */
#include <string.h>
#include <sys/utsname.h>

#include "../base/json.h"
#include "../base/out.h"
#include "../model/closure.h"
#include "../model/home.h"
#include "../model/kit.h"
#include "cmd.h"

#define ARCHS_MAX 8

/* The identity of a kit, or NULL with a warning when it is not there. A new string. */
static char *identity(const struct wl_home *home, const char *name) {
    WL_AUTO(wl_kit_release) struct wl_kit kit = {0};
    struct wl_err err;

    if (wl_kit_find(home, name, &kit, &err) < 0) {
        wl_warn("%s", err.msg);
        return NULL;
    }
    return wl_strdup(kit.identity);
}

/* A step as the plan of unit `at` shows it: a library's with its recipe in front. A new string. */
static char *shown(const struct wl_closure *c, size_t at, const char *label) {
    return at + 1 == c->n ? wl_strdup(label) : wl_sprintf("%s/%s", c->v[at].recipe->id, label);
}

static void json_inputs(struct wl_jw *w, const struct wl_plan_step *s) {
    wl_jw_key(w, "inputs");
    wl_jw_begin(w, '{');
    for (size_t k = 0; k < s->n_inputs; k++)
        wl_jw_kstr(w, s->inputs[k].name, s->inputs[k].value);
    wl_jw_end(w, '}');
}

/* What comes before a step: its parents and, where commands run, the libraries. */
static void json_after(struct wl_jw *w, const struct wl_closure *c, size_t at, const struct wl_plan *plan,
                       const struct wl_plan_step *s) {
    const struct wl_unit *u = &c->v[at];
    bool commands = s->stage == WL_STAGE_CONFIGURE || s->stage == WL_STAGE_COMPILE;

    wl_jw_key(w, "after");
    wl_jw_begin(w, '[');
    for (size_t k = 0; k < s->n_parents; k++) {
        WL_AUTOFREE char *label = shown(c, at, plan->v[s->parents[k]].label);

        wl_jw_str(w, label);
    }
    for (size_t k = 0; commands && k < u->n_deps; k++) {
        WL_AUTOFREE char *label = shown(c, u->deps[k], "compile");

        wl_jw_str(w, label);
    }
    wl_jw_end(w, ']');
}

static void json_step(struct wl_jw *w, const struct wl_closure *c, size_t at, const struct wl_plan *plan,
                      const struct wl_plan_step *s) {
    WL_AUTOFREE char *label = shown(c, at, s->label);

    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "step", label);
    wl_jw_kstr(w, "recipe", c->v[at].recipe->id);
    wl_jw_kstr(w, "stage", wl_stage_name(s->stage));
    wl_jw_kstr(w, "key", wl_digest_str(&s->key).s);
    if (s->tag)
        wl_jw_kstr(w, "tag", s->tag);
    json_after(w, c, at, plan, s);
    json_inputs(w, s);
    wl_jw_end(w, '}');
}

static void print_json(const struct wl_closure *c, const struct wl_plan *plans) {
    const struct wl_recipe *r = c->v[c->n - 1].recipe;
    WL_AUTO(wl_buf_release) struct wl_buf text = {0}, recipe = {0};
    struct wl_jw w = {.out = &text, .indent = 2};

    wl_recipe_print(r, 0, &recipe);
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "recipe", r->id);
    wl_jw_kstr(&w, "flavour", r->flavour);
    wl_jw_key(&w, "merged");
    wl_jw_raw(&w, recipe.p);
    wl_jw_key(&w, "steps");
    wl_jw_begin(&w, '[');
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < plans[i].n; k++)
            json_step(&w, c, i, &plans[i], &plans[i].v[k]);
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
    wl_buf_addc(&text, '\n');
    wl_result_raw(text.p, text.len);
}

static void print_text(const struct wl_closure *c, const struct wl_plan *plans) {
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < plans[i].n; k++) {
            const struct wl_plan_step *s = &plans[i].v[k];
            WL_AUTOFREE char *label = shown(c, i, s->label);

            wl_result("%s\t%s", label, wl_digest_str(&s->key).s);
            for (size_t j = 0; j < s->n_inputs && wl_out_level() >= WL_VERBOSE; j++)
                wl_result("  %s\t%s", s->inputs[j].name, s->inputs[j].value);
        }
}

/* "x86_64,aarch64" or NULL for this machine's. */
static int parse_archs(const char *list, struct wl_strv *ret, struct wl_err *err) {
    static const char *const known[] = {"x86_64", "aarch64", NULL};
    struct utsname u;

    if (!list) {
        uname(&u);
        wl_strv_add(ret, u.machine);
        return 0;
    }
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ",");
        WL_AUTOFREE char *one = wl_strndup(p, n);
        size_t k = 0;

        while (known[k] && strcmp(known[k], one) != 0)
            k++;
        if (!known[k])
            return wl_fail(err, WL_USAGE, "no architecture \"%s\"; there are x86_64 and aarch64", one);
        if (!wl_strv_has(ret, one))
            wl_strv_add(ret, one);
        p += n + (p[n] == ',');
    }
    return 0;
}

struct plans {
    struct wl_plan *v;
    size_t n;
};

static void plans_release(struct plans *p) {
    for (size_t i = 0; i < p->n; i++)
        wl_plan_release(&p->v[i]);
    free(p->v);
}

static bool any_optimizes(const struct wl_closure *c) {
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].recipe->optimize)
            return true;
    return false;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0}, archs = {0};
    WL_AUTO(wl_closure_release) struct wl_closure closure = {0};
    WL_AUTO(plans_release) struct plans plans = {0};
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTOFREE char *sdk = NULL, *binaryen = NULL, *wasmedge = NULL;
    struct wl_plan_spec spec = {0};

    (void)ret_status;
    wl_recipe_path(&path);
    if (parse_archs(wl_args_get(args, "arch"), &archs, err) < 0 || wl_home_find(&home, err) < 0)
        return -1;
    if (wl_closure_load(&closure, &path, args->pos[0], wl_args_get(args, "flavour"), err) < 0)
        return -1;
    spec.wasi_sdk = sdk = identity(&home, "wasi-sdk");
    spec.binaryen = binaryen = any_optimizes(&closure) ? identity(&home, "binaryen") : NULL;
    spec.wasmedge = wasmedge = identity(&home, "wasmedge");
    spec.archs = (const char *const *)archs.v;
    plans.v = wl_calloc(closure.n, sizeof(*plans.v));
    plans.n = closure.n;
    if (wl_closure_plan(&closure, &spec, plans.v, err) < 0)
        return -1;
    if (wl_args_has(args, "json"))
        print_json(&closure, plans.v);
    else
        print_text(&closure, plans.v);
    return 0;
}

static const struct wl_opt opts[] = {
    {"arch", 0, "LIST", "precompile for these (x86_64,aarch64); default: this machine's"},
    {"flavour", 0, "NAME", "which flavour of the recipe; default: wasi"},
    {"json", 0, NULL, "steps, keys, inputs and the merged recipe, for machines"},
    {0},
};

const struct wl_verb wl_verb_plan = {
    .name = "plan",
    .usage = "plan [OPTIONS] NAME",
    .summary = "show the steps of a build and their keys",
    .help = "Shows what `build` would do, one step a line with its key. A key changes exactly when\n"
            "something changes that the step's result depends on; -v shows all of that. The steps of the libraries\n"
            "that it needs come first, as LIBRARY/STEP.\n\n"
            "Example: wlpack plan -v php-7.4.33",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
