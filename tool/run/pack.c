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
#include "app.h"
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
    return wl_layer_write(&layer, layout, r->epoch, wl_plan_codec(r->o->compression), ret, err);
}

/* The image's own files as one more layer; *ret_n stays 0 when there are none. What the key did not see is not packed. */
static int files_layer(struct wl_run *r, const struct wl_recipe_image *image, const struct wl_layout *layout,
                       struct wl_layer_result *ret, size_t *ret_n, struct wl_err *err) {
    WL_AUTO(wl_files_release) struct wl_files files = {0};
    WL_AUTO(wl_layer_release) struct wl_layer layer = {0};
    const char *top = r->recipe->scripts_dir;

    if (image->files.n == 0)
        return 0;
    if (!top)
        return wl_fail(err, WL_RECIPE, "%s: an image has files, and the recipe no scripts folder", r->id);
    if (wl_files_collect(top, &image->files, NULL, NULL, &files, err) < 0)
        return -1;
    for (size_t i = 0; i < files.n; i++) {
        const char *name = strrchr(files.v[i].path, '/');

        if (files.v[i].kind == WL_FILES_LINK || (files.v[i].kind == WL_FILES_FILE && name && name[1] == '.'))
            return wl_fail(err, WL_RECIPE, "%s: links and hidden files of the scripts folder are not packed",
                           files.v[i].path);
    }
    wl_app_fill_layer(&layer, &files);
    if (wl_layer_write(&layer, layout, r->epoch, wl_plan_codec(r->o->compression), ret, err) < 0)
        return -1;
    *ret_n = 1;
    return 0;
}

/* What an image is described with beside the recipe; lives until it is put. */
struct words {
    struct wl_strv env, ports;
    struct wl_arena arena;
};

static void words_release(struct words *w) {
    wl_strv_release(&w->env);
    wl_strv_release(&w->ports);
    wl_arena_release(&w->arena);
}

static void describe(const struct wl_run *r, const struct wl_recipe_image *image, struct wl_image *out,
                     struct words *w) {
    const struct wl_recipe *recipe = r->recipe;
    const struct wl_list *urls = &recipe->source->urls;

    for (size_t i = 0; i < image->env.n; i++)
        wl_strv_addf(&w->env, "%s=%s", image->env.v[i].key, image->env.v[i].value);
    for (size_t i = 0; i < image->ports.n; i++)
        wl_strv_addf(&w->ports, "%s%s", image->ports.v[i], strchr(image->ports.v[i], '/') ? "" : "/tcp");
    for (size_t i = 0; i < image->labels.n; i++)
        wl_oci_pairs_set(&out->labels, &w->arena, image->labels.v[i].key, image->labels.v[i].value);
    wl_image_annotate(&out->annotations, &w->arena, recipe->name, recipe->version, recipe->summary, recipe->license,
                      recipe->homepage, urls->n ? urls->v[0] : NULL);
    out->os = recipe->platform ? recipe->platform->os : NULL;
    out->architecture = recipe->platform ? recipe->platform->architecture : NULL;
    out->entrypoint = image->entrypoint.v;
    out->cmd = image->cmd.v;
    out->env = (const char *const *)w->env.v;
    out->ports = (const char *const *)w->ports.v;
    out->workdir = image->workdir;
    out->created_by = CREATED_BY;
    out->epoch = r->epoch;
}

/* For a platform that is no wasm ("linux/amd64") the code for that processor is the image: there are no variants. */
static int only_native(const struct wl_image *image, struct wl_image_part *parts, size_t *n, struct wl_err *err) {
    if (*n == 1 || !image->architecture || wl_starts(image->architecture, "wasm"))
        return 0;
    for (size_t i = 1; i < *n; i++) {
        if (strcmp(parts[i].variant, image->architecture) != 0)
            continue;
        parts[0] = parts[i];
        parts[0].variant = NULL;
        *n = 1;
        return 0;
    }
    return wl_fail(err, WL_USAGE, "%s: there is no native code for the platform %s/%s: see --arch", image->name,
                   image->os, image->architecture);
}

static int put_parts(struct wl_run *r, const struct wl_plan_step *step, const struct wl_layout *layout,
                     struct wl_image *image, struct wl_image_result *ret, struct wl_err *err) {
    struct wl_layer_result layers[WL_PLAN_PARENTS][2], files;
    struct wl_image_part parts[WL_PLAN_PARENTS] = {{0}};
    size_t n = step->n_parents, n_files = 0;

    if (files_layer(r, wl_omap_get(&r->recipe->images, step->image), layout, &files, &n_files, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct wl_plan_step *from = &r->plan.v[step->parents[i]];

        if (make_layer(r, from, step->artefact, image->entrypoint[0], layout, &layers[i][0], err) < 0)
            return -1;
        if (n_files)
            layers[i][1] = files;
        parts[i] = (struct wl_image_part){
            .variant = from->arch ? variant_of(from->arch) : NULL, .layers = layers[i], .n_layers = 1 + n_files};
    }
    if (only_native(image, parts, &n, err) < 0)
        return -1;
    image->parts = parts;
    image->n_parts = n;
    return wl_image_put(image, layout, ret, err);
}

int wl_step_image(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                  struct wl_err *err) {
    const struct wl_recipe_image *recipe = wl_omap_get(&r->recipe->images, step->image);
    WL_AUTO(wl_layout_close) struct wl_layout layout = WL_LAYOUT_INIT;
    WL_AUTOFREE char *place = wl_home_path(r->home, WL_HOME_OCI);
    WL_AUTOFREE char *name = wl_sprintf("%s:%s", r->recipe->name, step->tag);
    WL_AUTO(words_release) struct words words = {0};
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry entry = {0};
    struct wl_oci_descriptor subject;
    struct wl_image image = {.name = name};
    struct wl_image_result res;

    (void)dir;
    describe(r, recipe, &image, &words);
    if (wl_layout_open(&layout, place, WL_LAYOUT_CREATE | WL_LAYOUT_SEALED, err) < 0 ||
        put_parts(r, step, &layout, &image, &res, err) < 0 || wl_layout_find(&layout, name, &entry, err) < 0)
        return -1;
    subject = wl_layout_entry_descriptor(&entry);
    if (wl_run_attest(r, step, name, &layout, &subject, err) < 0)
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
