#include "install.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../base/digest.h"
#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/tar.h"
#include "../model/recipe.h"
#include "../stages/fetch.h"

/* "x86_64-linux", as recipes name hosts. */
static int host_name(char **ret, struct wl_err *err) {
    struct utsname u;

    if (uname(&u) < 0)
        return wl_fail_errno(err, errno, "cannot tell this machine's architecture");
    *ret = wl_sprintf("%s-linux", u.machine);
    return 0;
}

/* The identity is a digest of what the kit was made from, so that it is the same wherever it is unpacked. */
static int write_kit_json(const char *dir, const struct wl_recipe *recipe, const char *name, const char *host,
                          const char *sha256, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    WL_AUTOFREE char *path = wl_path_join(dir, "kit.json");
    WL_AUTOFREE char *made_from = wl_sprintf("%s %s %s\n", name, recipe->version, sha256);
    struct wl_digest identity = wl_digest_of(made_from, strlen(made_from));
    struct wl_jw w = {.out = &b, .indent = 2};

    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "name", name);
    wl_jw_kstr(&w, "version", recipe->version);
    wl_jw_kstr(&w, "origin", "upstream");
    wl_jw_kstr(&w, "host", host);
    wl_jw_kstr(&w, "identity", wl_digest_str(&identity).s);
    wl_jw_key(&w, "packages");
    wl_jw_begin(&w, '[');
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "name", name);
    wl_jw_kstr(&w, "version", recipe->version);
    wl_jw_kstr(&w, "sha256", sha256);
    wl_jw_end(&w, '}');
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
    wl_buf_addc(&b, '\n');
    return wl_fs_write(path, b.p, b.len, err);
}

/* Some releases have lib64 where others have lib. */
static int one_lib(const char *dir, struct wl_err *err) {
    WL_AUTOFREE char *lib = wl_path_join(dir, "lib");
    WL_AUTOFREE char *lib64 = wl_path_join(dir, "lib64");

    if (!wl_fs_exists(lib) && wl_fs_is_dir(lib64) && symlink("lib64", lib) < 0)
        return wl_fail_errno(err, errno, "cannot create %s", lib);
    return 0;
}

static int check_programs(const char *dir, const struct wl_recipe *recipe, struct wl_err *err) {
    for (size_t i = 0; i < recipe->kit->programs.n; i++) {
        WL_AUTOFREE char *path = wl_path_join(dir, recipe->kit->programs.v[i]);

        if (access(path, X_OK) < 0)
            return wl_fail(err, WL_RECIPE, "the archive holds no program %s", recipe->kit->programs.v[i]);
    }
    return 0;
}

static int fetch(struct wl_home *home, const char *id, const struct wl_recipe_source *h,
                 const struct wl_build_options *o, const struct wl_build_events *ev, char **ret, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv mirrors = {0}, notes = {0};
    struct wl_fetch f = {.owner = id,
                         .file = h->file,
                         .sha256 = h->sha256,
                         .urls = h->urls.v,
                         .offline = o->offline,
                         .progress = ev->progress,
                         .notes = &notes};
    int rc;

    wl_fetch_mirrors(home, o->mirror, &mirrors);
    f.mirrors = (const char *const *)mirrors.v;
    rc = wl_stage_fetch(home, &f, ret, err);
    for (size_t i = 0; i < notes.n; i++)
        ev->note(ev->arg, notes.v[i]);
    return rc;
}

static int put_in_place(struct wl_home *home, const struct wl_recipe *recipe, const char *name, const char *host,
                        const struct wl_recipe_source *h, const char *archive, const char *place, struct wl_err *err) {
    WL_AUTOFREE char *tmp = NULL;
    struct wl_tar_extract x = {.archive = archive, .strip = (unsigned)wl_recipe_strip(&h->strip)};

    if (wl_home_tmp(home, "kit", &tmp, err) < 0)
        return -1;
    x.dest = tmp;
    if (wl_tar_extract(&x, NULL, err) < 0 || one_lib(tmp, err) < 0 || check_programs(tmp, recipe, err) < 0 ||
        write_kit_json(tmp, recipe, name, host, h->sha256, err) < 0 || wl_fs_mkdirs_parent(place, err) < 0)
        return -1;
    if (rename(tmp, place) < 0)
        return wl_fail_errno(err, errno, "cannot put %s in place", place);
    return 0;
}

static int install(struct wl_home *home, const char *id, const char *name, const struct wl_build_options *o,
                   const struct wl_build_events *ev, struct wl_kit *ret, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};
    WL_AUTO(wl_recipe_freep) struct wl_recipe *recipe = NULL;
    WL_AUTO(wl_closep) int lock = -1;
    WL_AUTOFREE char *host = NULL;
    WL_AUTOFREE char *place = NULL;
    WL_AUTOFREE char *archive = NULL;
    const struct wl_recipe_source *h;
    struct wl_err ignored;

    wl_recipe_path(&path);
    if (wl_recipe_load(&recipe, &path, id, NULL, err) < 0 || host_name(&host, err) < 0)
        return -1;
    if (!recipe->kit || !recipe->version)
        return wl_fail(err, WL_RECIPE, "%s is no kit", id);
    h = wl_omap_get(&recipe->kit->hosts, host);
    if (!h)
        return wl_fail(err, WL_FAILED, "there is no release for %s; set %s to one that you have", host,
                       recipe->kit->env ? recipe->kit->env : "its environment variable");
    place = wl_sprintf("%s/" WL_HOME_KITS "/%s-%s", home->root, name, recipe->version);
    if (wl_home_lock(home, id, 0, &lock, err) < 0)
        return -1;
    if (wl_kit_read(place, ret, &ignored) == 0)
        return 0;
    if (fetch(home, id, h, o, ev, &archive, err) < 0)
        return err->code == WL_NET ? wl_err_context(err, "`make setup` makes the kit from the distribution's packages "
                                                         "where upstream does not answer")
                                   : -1;
    if (put_in_place(home, recipe, name, host, h, archive, place, err) < 0)
        return -1;
    return wl_kit_read(place, ret, err);
}

int wl_kit_install(struct wl_home *home, const char *name, const struct wl_build_options *o,
                   const struct wl_build_events *ev, struct wl_kit *ret, struct wl_err *err) {
    WL_AUTOFREE char *id = wl_sprintf("kit-%s", name);

    if (install(home, id, name, o, ev, ret, err) < 0)
        return wl_err_context(err, "kit %s", name);
    return 0;
}
