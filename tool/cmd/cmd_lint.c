/* `wlpack lint`: checks recipes, their patch series and their scripts. */
#include <string.h>
#include <sys/stat.h>

#include "../base/fs.h"
#include "../base/out.h"
#include "../model/closure.h"
#include "../model/recipe.h"
#include "../model/series.h"
#include "cmd.h"

/* A script that a command starts must be executable; sources that it reads need not be. */
static int lint_scripts(const struct wl_recipe *r, const struct wl_scripts *scripts, struct wl_err *err) {
    for (size_t i = 0; i < r->compile.n + 1; i++) {
        const struct wl_recipe_command *c = i < r->compile.n ? r->compile.v[i] : r->configure;
        const char *name;

        if (!c || !wl_starts(c->argv.v[0], "${scripts}/"))
            continue;
        name = c->argv.v[0] + strlen("${scripts}/");
        for (size_t k = 0; k <= scripts->n; k++) {
            if (k == scripts->n)
                return wl_fail(err, WL_RECIPE, "recipe %s: starts %s, which is not in %s", r->id, c->argv.v[0],
                               r->scripts_dir ? r->scripts_dir : "any scripts folder");
            if (strcmp(scripts->v[k].name, name) != 0)
                continue;
            if (!scripts->v[k].executable)
                return wl_fail(err, WL_RECIPE, "%s/%s: is started by recipe %s but not executable", r->scripts_dir,
                               name, r->id);
            break;
        }
    }
    return 0;
}

static int lint_plan(const struct wl_strv *path, const char *id, const char *flavour, struct wl_err *err) {
    WL_AUTO(wl_closure_release) struct wl_closure c = {0};
    struct wl_plan_spec spec = {0};
    struct wl_plan *plans;
    int rc;

    if (wl_closure_load(&c, path, id, flavour, err) < 0)
        return -1;
    plans = wl_calloc(c.n, sizeof(*plans));
    rc = wl_closure_plan(&c, &spec, plans, err);
    for (size_t i = 0; i < c.n; i++)
        wl_plan_release(&plans[i]);
    free(plans);
    return rc;
}

static int lint_flavour(const struct wl_strv *path, const char *id, const char *flavour, struct wl_err *err) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = NULL;
    WL_AUTO(wl_scripts_release) struct wl_scripts scripts = {0};
    struct wl_err ignored;

    if (wl_recipe_load(&r, path, id, flavour, err) < 0 || wl_scripts_load(&scripts, r, err) < 0)
        return -1;
    if (r->patches_dir && wl_series_lint(r->patches_dir, err) < 0)
        return -1;
    if (wl_recipe_buildable(r, &ignored) < 0)
        return 0;
    return lint_scripts(r, &scripts, err) < 0 ? -1 : lint_plan(path, id, flavour, err);
}

static int lint(const struct wl_strv *path, const char *id, struct wl_err *err) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = NULL;

    if (wl_recipe_load(&r, path, id, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < r->flavour_names.n; i++)
        if (lint_flavour(path, id, r->flavour_names.v[i], err) < 0)
            return -1;
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0}, ids = {0};
    size_t bad = 0;

    (void)ret_status;
    if (wl_args_has(args, "schema") || wl_args_has(args, "fields")) {
        WL_AUTO(wl_buf_release) struct wl_buf text = {0};

        if (wl_args_has(args, "schema"))
            wl_recipe_schema(&text);
        else
            wl_recipe_reference(&text);
        wl_result_raw(text.p, text.len);
        return 0;
    }
    wl_recipe_path(&path);
    for (int i = 0; i < args->n_pos; i++)
        wl_strv_add(&ids, args->pos[i]);
    if (!args->n_pos && wl_recipe_list(&path, &ids, err) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++) {
        if (lint(&path, ids.v[i], err) < 0) {
            bad++;
            if (ids.n > 1)
                wl_error(err);
        } else {
            wl_result("%s: ok", ids.v[i]);
        }
    }
    if (bad && ids.n > 1)
        return wl_fail(err, WL_RECIPE, "%zu of %zu recipes have errors", bad, ids.n);
    return bad ? -1 : 0;
}

static const struct wl_opt opts[] = {
    {"fields", 0, NULL, "print the keys of a recipe with their meaning (Markdown) and stop"},
    {"schema", 0, NULL, "print the JSON Schema of recipes and stop"},
    {0},
};

const struct wl_verb wl_verb_lint = {
    .name = "lint",
    .usage = "lint [NAME...] | lint --schema | lint --fields",
    .summary = "check recipes, patch series and scripts",
    .help = "Checks the named recipes, or all: the file's form, every flavour, the patch series with its\n"
            "headers, the scripts that are started, and the libraries that are needed.\n\n"
            "Example: wlpack lint php-7.4.33",
    .opts = opts,
    .max_pos = -1,
    .run = run,
};
