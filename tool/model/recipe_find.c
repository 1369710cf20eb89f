/* Where recipes are. */
#include <string.h>
#include <unistd.h>

#include "../base/fs.h"
#include "home.h"
#include "recipe_impl.h"

#define SUGGESTIONS 3 /* names offered for an unknown recipe */

/* A folder inside the current one is shown relative to it: errors then read like a compiler's. */
static char *shorten(char *path) {
    WL_AUTOFREE char *cwd = getcwd(NULL, 0);
    size_t n = cwd ? strlen(cwd) : 0;

    if (n > 1 && strncmp(path, cwd, n) == 0 && path[n] == '/')
        memmove(path, path + n + 1, strlen(path + n + 1) + 1);
    return path;
}

void wl_recipe_path(struct wl_strv *ret) {
    const char *p = getenv("WLPACK_RECIPES");

    if (!p || !*p) {
        wl_strv_take(ret, shorten(wl_home_data("recipes")));
        return;
    }
    for (;; p++) {
        size_t len = strcspn(p, ":"), n = len;

        while (n > 1 && p[n - 1] == '/')
            n--;
        if (n)
            wl_strv_take(ret, wl_strndup(p, n));
        else
            wl_strv_take(ret, shorten(wl_home_data("recipes")));
        p += len;
        if (!*p)
            return;
    }
}

char *wl_recipe_file(const char *root, const char *id) {
    return wl_sprintf("%s/%s/recipe.json", root, id);
}

int wl_recipe_list(const struct wl_strv *path, struct wl_strv *ret, struct wl_err *err) {
    for (size_t i = 0; i < path->n; i++) {
        WL_AUTO(wl_strv_release) struct wl_strv names = {0};

        if (!wl_fs_is_dir(path->v[i]))
            continue;
        if (wl_fs_list(path->v[i], &names, err) < 0)
            return -1;
        for (size_t k = 0; k < names.n; k++) {
            WL_AUTOFREE char *file = wl_recipe_file(path->v[i], names.v[k]);

            if (wl_recipe_is_id(names.v[k]) && !wl_strv_has(ret, names.v[k]) && wl_fs_exists(file))
                wl_strv_add(ret, names.v[k]);
        }
    }
    wl_strv_sort(ret);
    return 0;
}

void wl_recipe_suggest(const struct wl_strv *path, const char *id, struct wl_buf *out) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    WL_AUTO(wl_strv_release) struct wl_strv found = {0};
    const char *near;
    struct wl_err ignored;

    if (wl_recipe_list(path, &names, &ignored) < 0 || !names.n)
        return;
    near = wl_nearest(id, (const char *const *)names.v);
    if (near)
        wl_strv_add(&found, near);
    for (size_t i = 0; i < names.n && found.n < SUGGESTIONS && *id; i++)
        if (wl_starts(names.v[i], id) && !wl_strv_has(&found, names.v[i]))
            wl_strv_add(&found, names.v[i]);
    for (size_t i = 0; i < found.n; i++)
        wl_buf_addf(out, "%s%s", i == 0 ? "; did you mean " : i + 1 < found.n ? ", " : " or ", found.v[i]);
    if (found.n)
        wl_buf_addc(out, '?');
}

const char *wl_recipe_find_root(const struct wl_strv *path, const char *id) {
    if (!wl_recipe_is_id(id))
        return NULL;
    for (size_t i = 0; i < path->n; i++) {
        WL_AUTOFREE char *file = wl_recipe_file(path->v[i], id);

        if (wl_fs_exists(file))
            return path->v[i];
    }
    return NULL;
}

bool wl_recipe_id_ok(const char *id) {
    return wl_recipe_is_id(id);
}
