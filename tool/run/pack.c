#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../registry/layout_walk.h"
#include "../../registry/oci.h"
#include "../base/fs.h"
#include "../base/mem.h"
#include "../stages/image.h"
#include "../stages/layer.h"
#include "../wasm/aot_file.h"
#include "run.h"

#define CREATED_BY "wlpack"

/* The variant of an architecture's part, as Go and OCI call the architecture. */
static const struct {
    const char *arch, *variant;
} variants[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"riscv64", "riscv64"}};

static const char *variant_of(const char *arch) {
    for (size_t i = 0; i < WL_ARRAY_LEN(variants); i++)
        if (strcmp(variants[i].arch, arch) == 0)
            return variants[i].variant;
    return arch;
}

/* One layer that holds the module of a step where the entrypoint looks for it. Native code that does not belong to its
 * module is not packed. */
static int make_layer(struct wl_run *r, const struct wl_plan_step *from, const char *artefact, const char *entrypoint,
                      const struct wl_layout *layout, struct wl_layer_result *ret, struct wl_err *err) {
    WL_AUTO(wl_layer_release) struct wl_layer layer = {0};
    WL_AUTOFREE char *path = NULL;
    struct wl_aot_info info;

    if (wl_run_artefact(r, from, artefact, &path, err) < 0)
        return -1;
    if (from->arch && wl_aot_verify(path, &info, err) < 0)
        return wl_err_context(err, "the precompiled %s of %s is not packed", artefact, r->recipe->name);
    wl_layer_add_file(&layer, entrypoint + strspn(entrypoint, "/"), path, true);
    return wl_layer_write(&layer, layout, r->epoch, ret, err);
}

static void describe(const struct wl_run *r, const struct wl_recipe_image *image, struct wl_image *out,
                     struct wl_strv *env, struct wl_arena *a) {
    const struct wl_recipe *recipe = r->recipe;
    const struct wl_list *urls = &recipe->source->urls;

    for (size_t i = 0; i < image->env.n; i++)
        wl_strv_addf(env, "%s=%s", image->env.v[i].key, image->env.v[i].value);
    for (size_t i = 0; i < image->labels.n; i++)
        wl_oci_pairs_set(&out->labels, a, image->labels.v[i].key, image->labels.v[i].value);
    wl_image_annotate(&out->annotations, a, recipe->name, recipe->version, recipe->summary, recipe->license,
                      recipe->homepage, urls->n ? urls->v[0] : NULL);
    out->os = recipe->platform ? recipe->platform->os : NULL;
    out->architecture = recipe->platform ? recipe->platform->architecture : NULL;
    out->entrypoint = image->entrypoint.v;
    out->cmd = image->cmd.v;
    out->env = (const char *const *)env->v;
    out->workdir = image->workdir;
    out->created_by = CREATED_BY;
    out->epoch = r->epoch;
}

static int put_parts(struct wl_run *r, const struct wl_plan_step *step, const struct wl_layout *layout,
                     struct wl_image *image, struct wl_image_result *ret, struct wl_err *err) {
    struct wl_layer_result layers[WL_PLAN_PARENTS];
    struct wl_image_part parts[WL_PLAN_PARENTS] = {{0}};

    for (size_t i = 0; i < step->n_parents; i++) {
        const struct wl_plan_step *from = &r->plan.v[step->parents[i]];

        if (make_layer(r, from, step->artefact, image->entrypoint[0], layout, &layers[i], err) < 0)
            return -1;
        parts[i] = (struct wl_image_part){
            .variant = from->arch ? variant_of(from->arch) : NULL, .layers = &layers[i], .n_layers = 1};
    }
    image->parts = parts;
    image->n_parts = step->n_parents;
    return wl_image_put(image, layout, ret, err);
}

int wl_step_image(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                  struct wl_err *err) {
    const struct wl_recipe_image *recipe = wl_omap_get(&r->recipe->images, step->image);
    WL_AUTO(wl_layout_close) struct wl_layout layout = WL_LAYOUT_INIT;
    WL_AUTOFREE char *place = wl_home_path(r->home, WL_HOME_OCI);
    WL_AUTOFREE char *name = wl_sprintf("%s:%s", r->recipe->name, step->tag);
    WL_AUTO(wl_strv_release) struct wl_strv env = {0};
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    struct wl_image image = {.name = name};
    struct wl_image_result res;

    (void)dir;
    describe(r, recipe, &image, &env, &arena);
    if (wl_layout_open(&layout, place, WL_LAYOUT_CREATE, err) < 0 || put_parts(r, step, &layout, &image, &res, err) < 0)
        return -1;
    out->detail = wl_sprintf("%s, %s", name, wl_size(res.size).s);
    wl_outcome_fact(out, "name", "%s", name);
    wl_outcome_fact(out, "digest", "%s", wl_digest_str(&res.digest).s);
    wl_outcome_fact(out, "size", "%llu", (unsigned long long)res.size);
    return 0;
}

bool wl_image_present(const struct wl_run *r, const struct wl_plan_step *step) {
    WL_AUTO(wl_layout_close) struct wl_layout layout = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry entry = {0};
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    WL_AUTOFREE char *place = wl_home_path(r->home, WL_HOME_OCI);
    struct wl_digest_hex key = wl_run_key(r, step);
    const char *name, *digest;
    struct wl_err ignored;

    if (wl_store_meta(r->home, key.s, &m, &ignored) < 0)
        return false;
    name = wl_meta_fact(&m, "name");
    digest = wl_meta_fact(&m, "digest");
    return name && digest && wl_layout_open(&layout, place, 0, &ignored) == 0 &&
           wl_layout_find(&layout, name, &entry, &ignored) == 0 &&
           strcmp(wl_digest_str(&entry.digest).s, digest) == 0 && wl_layout_complete(&layout, &entry);
}
