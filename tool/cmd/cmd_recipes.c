/* `wlpack recipes`: what there is to build. */
#include <string.h>

#include "../base/json.h"
#include "../base/out.h"
#include "../model/recipe.h"
#include "cmd.h"

static void print_json(struct wl_jw *w, const struct wl_recipe *r) {
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "id", r->id);
    wl_jw_kstr(w, "kind", r->kind);
    if (r->name)
        wl_jw_kstr(w, "name", r->name);
    if (r->version)
        wl_jw_kstr(w, "version", r->version);
    if (r->summary)
        wl_jw_kstr(w, "summary", r->summary);
    wl_jw_key(w, "flavours");
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < r->flavour_names.n; i++)
        wl_jw_str(w, r->flavour_names.v[i]);
    wl_jw_end(w, ']');
    wl_jw_key(w, "deps");
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < r->deps.n; i++)
        wl_jw_str(w, r->deps.v[i]);
    wl_jw_end(w, ']');
    wl_jw_key(w, "artefacts");
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < r->artefacts.n; i++)
        wl_jw_str(w, r->artefacts.keys[i]);
    wl_jw_end(w, ']');
    wl_jw_key(w, "images");
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < r->images.n; i++)
        if (r->name && ((struct wl_recipe_image *)r->images.v[i])->tag) {
            WL_AUTOFREE char *ref = wl_sprintf("%s:%s", r->name, ((struct wl_recipe_image *)r->images.v[i])->tag);

            wl_jw_str(w, ref);
        }
    wl_jw_end(w, ']');
    wl_jw_end(w, '}');
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0}, ids = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text, .indent = 2};
    bool json = wl_args_has(args, "json"), all = wl_args_has(args, "all");
    int bad = 0;

    (void)ret_status;
    wl_recipe_path(&path);
    if (wl_recipe_list(&path, &ids, err) < 0)
        return -1;
    if (json)
        wl_jw_begin(&w, '[');
    for (size_t i = 0; i < ids.n; i++) {
        WL_AUTO(wl_recipe_freep) struct wl_recipe *r = NULL;

        if (wl_recipe_load(&r, &path, ids.v[i], NULL, err) < 0) {
            wl_error(err);
            bad++;
        } else if (json) {
            print_json(&w, r);
        } else if (all || strcmp(r->kind, "interpreter") == 0 || strcmp(r->kind, "library") == 0) {
            wl_result("%s\t%s\t%s", r->id, r->kind, r->summary ? r->summary : "");
        }
    }
    if (json) {
        wl_jw_end(&w, ']');
        wl_buf_addc(&text, '\n');
        wl_result_raw(text.p, text.len);
    }
    return bad ? wl_fail(err, WL_RECIPE, "%d of %zu recipes cannot be read", bad, ids.n) : 0;
}

static const struct wl_opt opts[] = {
    {"all", 'a', NULL, "also those that cannot be built: bases and kits"},
    {"json", 0, NULL, "an array with all of them, for machines"},
    {0},
};

const struct wl_verb wl_verb_recipes = {
    .name = "recipes",
    .usage = "recipes [--all] [--json]",
    .summary = "list the recipes",
    .help = "Lists what can be built, one a line: name, kind and summary, parted by tabs.\n"
            "Recipes are looked for in the folders of WLPACK_RECIPES (a colon list; an empty item is the\n"
            "default), else beside the program.\n\n"
            "Example: wlpack recipes --all",
    .opts = opts,
    .run = run,
};
