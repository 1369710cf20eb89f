#include "run_guest.h"

#include <stdlib.h>
#include <string.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../model/recipe.h"

#define OUTPUT "build-output" /* where `wlpack build` puts modules when nothing else is said */
#define ARTEFACT "cli"        /* the artefact that is run when none is named and it is there */

void wl_guest_release(struct wl_guest *g) {
    free(g->module);
    free(g->portable);
    wl_closep(&g->lock);
    g->lock = -1;
    wl_strv_release(&g->args);
    wl_strv_release(&g->env);
    wl_strv_release(&g->ports);
    for (size_t i = 0; i < g->n_dirs; i++) {
        free(g->dirs[i].host);
        free(g->dirs[i].guest);
    }
    g->n_dirs = 0;
}

int wl_guest_add_dir(struct wl_guest *g, char *host, char *guest, bool readonly, struct wl_err *err) {
    if (g->n_dirs == WL_GUEST_DIRS_MAX) {
        free(host);
        free(guest);
        return wl_fail(err, WL_USAGE, "more than %d folders for one guest", WL_GUEST_DIRS_MAX);
    }
    g->dirs[g->n_dirs++] = (struct wl_guest_dir){host, guest, readonly};
    return 0;
}

/* The artefact to run: the one named, else "cli", else the first. */
static int choose_artefact(const struct wl_recipe *r, const char *name, const struct wl_recipe_artefact **ret,
                           struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf names = {0};

    *ret = wl_omap_get(&r->artefacts, name ? name : ARTEFACT);
    if (!*ret && !name && r->artefacts.n > 0)
        *ret = r->artefacts.v[0];
    for (size_t i = 0; i < r->artefacts.n; i++)
        wl_buf_addf(&names, "%s%s", i ? ", " : "", r->artefacts.keys[i]);
    if (!*ret)
        return wl_fail(err, WL_USAGE, "%s has no artefact \"%s\" (it has: %s)", r->id, name, wl_buf_str(&names));
    return 0;
}

static int from_recipe(const struct wl_strv *path, const struct wl_guest_find *f, struct wl_guest *ret,
                       struct wl_err *err) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = NULL;
    const struct wl_recipe_artefact *a;
    WL_AUTOFREE char *plain = NULL;
    WL_AUTOFREE char *native = NULL;
    bool standard;

    if (wl_recipe_load(&r, path, f->name, f->flavour, err) < 0 || choose_artefact(r, f->artefact, &a, err) < 0)
        return -1;
    standard = strcmp(r->flavour, WL_RECIPE_FLAVOUR) == 0;
    plain = wl_sprintf("%s/%s%s%s/bin/%s", f->output ? f->output : OUTPUT, r->id, standard ? "" : ".",
                       standard ? "" : r->flavour, a->file);
    native = wl_sprintf("%.*s-aot.wasm", (int)(strlen(plain) - (wl_ends(plain, ".wasm") ? 5 : 0)), plain);
    if (!wl_fs_exists(plain))
        return wl_fail(err, WL_FAILED, "%s is not built: there is no %s; `wlpack build %s` makes it", r->id, plain,
                       r->id);
    if (!f->interpret && wl_fs_exists(native)) {
        ret->module = WL_STEAL(native);
        ret->portable = WL_STEAL(plain);
    } else {
        ret->module = WL_STEAL(plain);
    }
    return 0;
}

static int from_image(struct wl_home *home, const struct wl_guest_find *f, struct wl_guest *ret, struct wl_err *err) {
    WL_AUTO(wl_guest_image_release) struct wl_guest_image image = WL_GUEST_IMAGE_INIT;
    const char *entry;

    if (wl_guest_image(home, f->name, !f->interpret, &image, err) < 0)
        return -1;
    entry = f->entrypoint ? f->entrypoint : image.entrypoint.n ? image.entrypoint.v[0] : NULL;
    if (!entry)
        return wl_fail(err, WL_FAILED, "%s has no entrypoint; name one with --entrypoint /FILE.wasm", f->name);
    if (strstr(entry, ".."))
        return wl_fail(err, WL_FAILED, "%s: the entrypoint %s leads out of the image", f->name, entry);
    ret->module = wl_sprintf("%s/%s", image.kept ? image.kept : image.root, entry + (*entry == '/'));
    ret->lock = wl_steal_fd(&image.lock);
    if (!wl_fs_exists(ret->module))
        return wl_fail(err, WL_FAILED, "%s holds no file %s", f->name, entry);
    if (!f->entrypoint)
        for (size_t i = 1; i < image.entrypoint.n; i++)
            wl_strv_add(&ret->args, image.entrypoint.v[i]);
    if (!f->args)
        for (size_t i = 0; i < image.cmd.n; i++)
            wl_strv_add(&ret->args, image.cmd.v[i]);
    for (size_t i = 0; i < image.env.n; i++)
        wl_strv_add(&ret->env, image.env.v[i]);
    return wl_guest_add_dir(ret, WL_STEAL(image.root), wl_strdup("/"), false, err);
}

/* "./x", "a/b.wasm", "x.wasm" are files whatever else has that name. An image reference may hold a '/' too, but then
 * not end in .wasm and not be a file. */
static bool is_file(const char *name) {
    return name[0] == '/' || name[0] == '.' || wl_ends(name, ".wasm") ||
           (strchr(name, '/') && wl_fs_exists(name) && !wl_fs_is_dir(name));
}

int wl_guest_find(struct wl_home *home, const struct wl_guest_find *f, struct wl_guest *ret, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};
    WL_AUTO(wl_strv_release) struct wl_strv recipes = {0};
    int rc;

    ret->interpret = f->interpret;
    wl_recipe_path(&path);
    if (is_file(f->name)) {
        if (!wl_fs_exists(f->name))
            return wl_fail(err, WL_FAILED, "there is no file %s", f->name);
        ret->module = wl_strdup(f->name);
        rc = 0;
    } else if (wl_recipe_list(&path, &recipes, err) < 0) {
        return -1;
    } else if (wl_strv_has(&recipes, f->name)) {
        rc = from_recipe(&path, f, ret, err);
    } else {
        rc = from_image(home, f, ret, err);
    }
    for (int i = 0; rc == 0 && i < f->n_args; i++)
        wl_strv_add(&ret->args, f->args[i]);
    return rc;
}
