#include "closure.h"

#include <string.h>

#define COMPILE "compile" /* the label of the step whose result a library is */

struct loading {
    struct wl_closure *c;
    const struct wl_strv *path;
    struct wl_strv stack; /* from the recipe down to the one that is being loaded */
    struct wl_err *err;
};

static void loading_release(struct loading *l) {
    wl_strv_release(&l->stack);
}

static void unit_release(struct wl_unit *u) {
    wl_series_release(&u->series);
    wl_scripts_release(&u->scripts);
    wl_recipe_freep(&u->recipe);
    free(u->deps);
    memset(u, 0, sizeof(*u));
}

void wl_closure_release(struct wl_closure *c) {
    for (size_t i = 0; i < c->n; i++)
        unit_release(&c->v[i]);
    free(c->v);
    *c = (struct wl_closure){0};
}

static int load_one(struct loading *l, const char *id, const char *flavour, struct wl_unit *u) {
    if (wl_recipe_load(&u->recipe, l->path, id, flavour, l->err) < 0 || wl_recipe_buildable(u->recipe, l->err) < 0 ||
        wl_recipe_epoch(u->recipe, &u->epoch, l->err) < 0)
        return -1;
    if (wl_series_load(&u->series, u->recipe->patches_dir, l->err) < 0)
        return -1;
    return wl_scripts_load(&u->scripts, u->recipe, l->err);
}

static bool has(const struct wl_unit *u, size_t index) {
    for (size_t i = 0; i < u->n_deps; i++)
        if (u->deps[i] == index)
            return true;
    return false;
}

static void add_dep(struct wl_unit *u, size_t index) {
    size_t at = u->n_deps;

    if (has(u, index))
        return;
    u->deps = wl_reallocarray(u->deps, u->n_deps + 1, sizeof(*u->deps));
    for (; at > 0 && u->deps[at - 1] > index; at--)
        u->deps[at] = u->deps[at - 1];
    u->deps[at] = index;
    u->n_deps++;
}

static int circle(struct loading *l, const char *id) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    size_t i = 0;

    while (strcmp(l->stack.v[i], id) != 0)
        i++;
    for (; i < l->stack.n; i++)
        wl_buf_addf(&text, "%s -> ", l->stack.v[i]);
    return wl_fail(l->err, WL_RECIPE, "deps go in a circle: %s%s", text.p, id);
}

/* What two versions of one library install would meet in one folder. */
static int same_name(struct loading *l, const struct wl_unit *u) {
    for (size_t i = 0; i < u->n_deps; i++)
        for (size_t k = 0; k < i; k++) {
            const struct wl_recipe *a = l->c->v[u->deps[k]].recipe, *b = l->c->v[u->deps[i]].recipe;

            if (strcmp(a->name, b->name) == 0)
                return wl_fail(l->err, WL_RECIPE, "recipe %s needs both %s and %s, directly or through others",
                               u->recipe->id, a->id, b->id);
        }
    return 0;
}

static int load_unit(struct loading *l, const char *id, const char *flavour, size_t *ret);

/* One of the libraries that `u` names, and with it all that that one needs. */
static int load_dep(struct loading *l, struct wl_unit *u, const char *id) {
    const struct wl_unit *dep;
    size_t index;

    if (wl_strv_has(&l->stack, id))
        return circle(l, id);
    if (load_unit(l, id, NULL, &index) < 0)
        return -1;
    dep = &l->c->v[index];
    if (!wl_recipe_is_library(dep->recipe))
        return wl_fail(l->err, WL_RECIPE, "%s is no library but of kind %s", id, dep->recipe->kind);
    for (size_t i = 0; i < dep->n_deps; i++)
        add_dep(u, dep->deps[i]);
    add_dep(u, index);
    return 0;
}

static int load_unit(struct loading *l, const char *id, const char *flavour, size_t *ret) {
    WL_AUTO(unit_release) struct wl_unit u = {0};

    for (size_t i = 0; i < l->c->n; i++)
        if (strcmp(l->c->v[i].recipe->id, id) == 0) {
            *ret = i;
            return 0;
        }
    if (load_one(l, id, flavour, &u) < 0)
        return -1;
    wl_strv_add(&l->stack, id);
    for (size_t i = 0; i < u.recipe->deps.n; i++)
        if (load_dep(l, &u, u.recipe->deps.v[i]) < 0)
            return wl_err_context(l->err, "recipe %s: deps", id);
    free(l->stack.v[--l->stack.n]);
    l->stack.v[l->stack.n] = NULL;
    if (same_name(l, &u) < 0)
        return -1;
    if (l->c->n == WL_CLOSURE_UNITS)
        return wl_fail(l->err, WL_RECIPE, "more than %d recipes need each other", WL_CLOSURE_UNITS);
    l->c->v = wl_reallocarray(l->c->v, l->c->n + 1, sizeof(*l->c->v));
    l->c->v[l->c->n] = u;
    u = (struct wl_unit){0};
    *ret = l->c->n++;
    return 0;
}

int wl_closure_load(struct wl_closure *ret, const struct wl_strv *path, const char *id, const char *flavour,
                    struct wl_err *err) {
    WL_AUTO(wl_closure_release) struct wl_closure c = {0};
    WL_AUTO(loading_release) struct loading l = {.c = &c, .path = path, .err = err};
    size_t last;

    if (load_unit(&l, id, flavour, &last) < 0)
        return -1;
    *ret = c;
    c = (struct wl_closure){0};
    return 0;
}

int wl_closure_plan(const struct wl_closure *c, const struct wl_plan_spec *spec, struct wl_plan *ret,
                    struct wl_err *err) {
    for (size_t i = 0; i < c->n; i++) {
        const struct wl_unit *u = &c->v[i];
        struct wl_plan_dep deps[WL_CLOSURE_UNITS];
        struct wl_plan_spec one = *spec;

        for (size_t k = 0; k < u->n_deps; k++) {
            const struct wl_plan_step *step = wl_plan_find(&ret[u->deps[k]], COMPILE);

            deps[k] = (struct wl_plan_dep){c->v[u->deps[k]].recipe->id, wl_digest_str(&step->key)};
        }
        one.recipe = u->recipe;
        one.series = &u->series;
        one.scripts = &u->scripts;
        one.epoch = u->epoch;
        one.deps = deps;
        one.n_deps = u->n_deps;
        if (wl_plan_make(&ret[i], &one, err) < 0)
            return -1;
    }
    return 0;
}
