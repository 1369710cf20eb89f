/* A recipe and all the library recipes that it needs, directly or through others: what a build, a plan and a fetch work
 * on. */
#ifndef WL_MODEL_CLOSURE_H
#define WL_MODEL_CLOSURE_H

#include <stdint.h>

#include "plan.h"
#include "recipe.h"
#include "series.h"

#define WL_CLOSURE_UNITS 128 /* most recipes in a closure */

/* One recipe with all that lies beside it. */
struct wl_unit {
    struct wl_recipe *recipe;
    struct wl_series series;
    struct wl_scripts scripts;
    int64_t epoch;
    size_t *deps; /* indices of all units that it needs, also through others, ascending */
    size_t n_deps;
};

/* In an order in which they can be built: a unit stands behind all that it needs, the recipe itself is the last. */
struct wl_closure {
    struct wl_unit *v;
    size_t n;
};

/* Loads recipe `id` in a flavour (as wl_recipe_load; libraries come in their default flavour) and its libraries. All
 * of them must be buildable. WL_RECIPE errors name who needs whom: a library that does not exist, a recipe that is none,
 * a circle, two versions of one library. */
int wl_closure_load(struct wl_closure *ret, const struct wl_strv *path, const char *id, const char *flavour,
                    struct wl_err *err);
void wl_closure_release(struct wl_closure *c);

/* The plans of all units, by what their recipes say alone: a library stands in the keys of those who need it with the key
 * of its compile step. Of `spec` only the kits and the architectures count (those for the last unit). ret: an array of c->n
 * plans, zeroed; the caller releases each, also after a failure. */
int wl_closure_plan(const struct wl_closure *c, const struct wl_plan_spec *spec, struct wl_plan *ret,
                    struct wl_err *err);

#endif
