#include "image_base.h"

#include <string.h>

#include "../../registry/pull.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../model/recipe.h"
#include "../run/app.h"
#include "../run/build.h"
#include "remote.h"
#include "talk.h"

#define USUAL_IMAGE "cli"

void wl_image_base_release(struct wl_image_base *b) {
    wl_over_base_release(&b->over);
    free(b->name);
    b->name = NULL;
}

/* --- A recipe ------------------------------------------------------------------------------------------------------- */

static void on_step(void *arg, const struct wl_step_event *e) {
    (void)arg;
    if (e->status == WL_STEP_DONE || e->status == WL_STEP_REUSED)
        wl_info("%s: %-20s %.1f s", e->recipe, e->step->label, e->seconds);
}

static int build(struct wl_home *home, const char *id, unsigned flags, struct wl_err *err) {
    const struct wl_progress progress = wl_out_progress();
    const struct wl_build_events ev = wl_talk(on_step, NULL, &progress);
    WL_AUTO(wl_build_result_release) struct wl_build_result res = {0};
    WL_AUTOFREE char *output = NULL; /* nobody asked for the modules themselves */
    struct wl_build_options o = {.until = WL_STAGE_IMAGE, .offline = (flags & WL_BASE_OFFLINE) != 0};

    if (wl_home_tmp(home, "modules", &output, err) < 0)
        return -1;
    o.output = output;
    return wl_build(home, id, &o, &ev, &res, err);
}

static int pick_image(const struct wl_recipe *r, const struct wl_app *app, const struct wl_recipe_image **ret,
                      struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf names = {0};
    const struct wl_recipe_image *i = wl_omap_get(&r->images, app->image ? app->image : USUAL_IMAGE);

    if (!i && !app->image && r->images.n)
        i = r->images.v[0];
    for (size_t k = 0; k < r->images.n; k++)
        wl_buf_addf(&names, "%s%s", k ? ", " : "", r->images.keys[k]);
    if (!i)
        return wl_fail(err, WL_RECIPE, "%s: the recipe %s has no image \"%s\"; it has %s", app->path, r->id,
                       app->image ? app->image : USUAL_IMAGE, r->images.n ? wl_buf_str(&names) : "none");
    *ret = i;
    return 0;
}

static int from_recipe(struct wl_home *home, const struct wl_strv *path, const struct wl_app *app, const char *id,
                       unsigned flags, char **ret, struct wl_err *err) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = NULL;
    const struct wl_recipe_image *image = NULL;
    bool has_aot, want_aot;

    if (wl_recipe_load(&r, path, id, NULL, err) < 0 || wl_recipe_buildable(r, err) < 0 ||
        pick_image(r, app, &image, err) < 0)
        return -1;
    has_aot = r->aot && (!image->aot.set || image->aot.v);
    want_aot = app->aot.set ? app->aot.v : has_aot;
    if (want_aot && !has_aot)
        return wl_fail(err, WL_RECIPE, "%s: the recipe %s makes no image with native code: leave out \"aot\"",
                       app->path, id);
    if (build(home, id, flags, err) < 0)
        return -1;
    *ret = wl_sprintf("%s:%s%s", r->name, image->tag, want_aot ? "-aot" : "");
    return 0;
}

/* --- A registry ----------------------------------------------------------------------------------------------------- */

static char *full_name(const struct wl_reference *r) {
    struct wl_reference full = *r;

    if (!full.has_digest && !full.tag[0])
        memcpy(full.tag, WL_REF_DEFAULT_TAG, sizeof(WL_REF_DEFAULT_TAG));
    return wl_reference_str(&full);
}

static int pull(const struct wl_layout *l, const struct wl_reference *ref, unsigned flags, struct wl_layout_entry *ret,
                struct wl_err *err) {
    WL_AUTO(wl_pull_result_release) struct wl_pull_result r = {0};
    struct wl_progress progress = wl_out_progress();
    struct wl_remote_pull p = {.ref = ref,
                               .flags = flags & WL_BASE_PLAIN_HTTP ? WL_CLIENT_PLAIN_HTTP : 0,
                               .layout = (struct wl_layout *)l,
                               .progress = &progress};
    WL_AUTOFREE char *name = NULL;

    if (wl_remote_pull(&p, &r, err) < 0)
        return -1;
    wl_info("pulled %s: %zu blobs (%s), %zu already here", wl_digest_str(&r.root.digest).s, r.fetched,
            wl_size(r.bytes_fetched).s, r.there);
    if (*wl_reference_tag(ref)) {
        name = wl_sprintf("%s/%s:%s", ref->host, ref->path, wl_reference_tag(ref));
        if (wl_app_tag(l, &r.root, name, err) < 0)
            return -1;
    }
    *ret = (struct wl_layout_entry){
        .media_type = wl_strdup(r.root.media_type), .digest = r.root.digest, .size = r.root.size};
    return 0;
}

static int from_registry(const struct wl_layout *l, const char *base, unsigned flags, const struct wl_err *local,
                         struct wl_image_base *b, struct wl_layout_entry *ret, struct wl_err *err) {
    struct wl_reference ref;

    if (wl_remote_reference(base, &ref, err) < 0) {
        if (!strchr(base, '/') && !strchr(base, '@'))
            return wl_fail(err, WL_FAILED, "there is no recipe \"%s\", and no image of that name here: %s", base,
                           local->msg);
        return -1;
    }
    if (flags & WL_BASE_OFFLINE)
        return wl_fail(err, WL_FAILED, "%s is not here, and --offline forbids to pull it", base);
    free(b->name);
    b->name = full_name(&ref);
    return pull(l, &ref, flags, ret, err);
}

/* The local image of a reference. What it is called must not depend on the names that it has here when the reference says it all. */
static int find_local(const struct wl_layout *l, const char *base, struct wl_layout_entry *ret, char **ret_name,
                      struct wl_err *err) {
    struct wl_reference ref;
    struct wl_err ignored;

    if (wl_layout_find(l, base, ret, err) < 0)
        return -1;
    if (wl_reference_parse(base, &ref, &ignored) == 0 && (ref.explicit_host || ref.has_digest))
        *ret_name = full_name(&ref);
    else
        *ret_name = wl_strdup(ret->name ? ret->name : base);
    return 0;
}

/* --- Which ---------------------------------------------------------------------------------------------------------- */

static bool is_recipe(const struct wl_strv *path, const char *base) {
    WL_AUTO(wl_strv_release) struct wl_strv all = {0};
    struct wl_err ignored;

    return wl_recipe_id_ok(base) && wl_recipe_list(path, &all, &ignored) == 0 && wl_strv_has(&all, base);
}

static int find(struct wl_home *home, const struct wl_layout *l, const struct wl_app *app, const char *base,
                unsigned flags, struct wl_image_base *b, struct wl_layout_entry *ret, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};
    struct wl_err local = {0};
    bool recipe;

    wl_recipe_path(&path);
    recipe = is_recipe(&path, base);
    if (!recipe && (app->image || app->aot.set))
        return wl_fail(err, WL_RECIPE, "%s: \"%s\" says which image of a recipe, and the base %s is no recipe",
                       app->path, app->image ? "image" : "aot", base);
    if (recipe) {
        if (from_recipe(home, &path, app, base, flags, &b->name, err) < 0)
            return -1;
        return wl_layout_find(l, b->name, ret, err);
    }
    if (!(flags & WL_BASE_PULL) && find_local(l, base, ret, &b->name, &local) == 0)
        return 0;
    return from_registry(l, base, flags, &local, b, ret, err);
}

int wl_image_base_find(struct wl_home *home, const struct wl_layout *l, const struct wl_app *app, const char *base,
                       unsigned flags, struct wl_image_base *ret, struct wl_err *err) {
    WL_AUTO(wl_image_base_release) struct wl_image_base b = {0};
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry entry = {0};

    if (strcmp(base, WL_APP_SCRATCH) == 0)
        return 0;
    if (find(home, l, app, base, flags, &b, &entry, err) < 0 || wl_over_read(l, &entry, &b.over, err) < 0)
        return wl_err_context(err, "base %s", base);
    *ret = b;
    b = (struct wl_image_base){0};
    return 0;
}
