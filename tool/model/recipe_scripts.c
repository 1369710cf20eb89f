/* The files of a recipe's scripts folder. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/fs.h"
#include "recipe.h"

#define SCRIPTS_DEPTH 8   /* deepest folder inside a scripts folder */
#define SCRIPTS_MAX 10000 /* most files */

/* Collects the relative names of all regular files below dir/prefix. */
static int collect(const char *dir, const char *prefix, int depth, struct wl_strv *ret, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    WL_AUTOFREE char *here = *prefix ? wl_sprintf("%s/%s", dir, prefix) : wl_strdup(dir);

    if (depth > SCRIPTS_DEPTH)
        return wl_fail(err, WL_RECIPE, "%s: more than %d folders deep", here, SCRIPTS_DEPTH);
    if (wl_fs_list(here, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *name = *prefix ? wl_sprintf("%s/%s", prefix, names.v[i]) : wl_strdup(names.v[i]);
        WL_AUTOFREE char *path = wl_sprintf("%s/%s", dir, name);
        struct stat st;

        if (lstat(path, &st) < 0)
            return wl_fail_errno(err, errno, "%s", path);
        if (S_ISDIR(st.st_mode)) {
            if (collect(dir, name, depth + 1, ret, err) < 0)
                return -1;
        } else if (!S_ISREG(st.st_mode)) {
            return wl_fail(err, WL_RECIPE, "%s: neither a file nor a folder", path);
        } else if (names.v[i][0] != '.' && !wl_ends(names.v[i], "~")) { /* editors' leavings */
            wl_strv_add(ret, name);
        }
        if (ret->n > SCRIPTS_MAX)
            return wl_fail(err, WL_RECIPE, "%s: more than %d files", dir, SCRIPTS_MAX);
    }
    return 0;
}

int wl_scripts_load(struct wl_scripts *ret, const struct wl_recipe *r, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_scripts s = {0};

    if (r->scripts_dir && collect(r->scripts_dir, "", 0, &names, err) < 0)
        return -1;
    wl_strv_sort(&names);
    s.v = wl_arena_alloc(&s.arena, (names.n + 1) * sizeof(*s.v));
    for (; s.n < names.n; s.n++) {
        struct wl_script *one = &s.v[s.n];
        WL_AUTOFREE char *path = wl_sprintf("%s/%s", r->scripts_dir, names.v[s.n]);
        struct stat st;

        one->name = wl_arena_strdup(&s.arena, names.v[s.n]);
        if (wl_digest_file(path, &one->digest, NULL, err) < 0) {
            wl_scripts_release(&s);
            return -1;
        }
        one->executable = stat(path, &st) == 0 && (st.st_mode & S_IXUSR);
    }
    *ret = s;
    return 0;
}

void wl_scripts_release(struct wl_scripts *s) {
    wl_arena_release(&s->arena);
    s->v = NULL;
    s->n = 0;
}
