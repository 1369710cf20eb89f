#include "../../registry/layout_archive.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/tar.h"
#include "../model/home.h"
#include "cmd.h"
#include "local.h"

/* Unpacks an archive into a temporary folder; *ret is a new string. */
static int unpack(struct wl_home *home, const char *file, char **ret, struct wl_err *err) {
    const struct wl_progress progress = wl_out_progress();
    WL_AUTOFREE char *dir = NULL;
    WL_AUTOFREE char *mark = NULL;
    struct wl_tar_extract x = {.archive = file, .progress = &progress};

    if (wl_home_tmp(home, "load", &dir, err) < 0)
        return -1;
    x.dest = dir;
    if (wl_tar_extract(&x, NULL, err) < 0)
        return -1;
    mark = wl_path_join(dir, "oci-layout");
    if (!wl_fs_exists(mark))
        return wl_fail(err, WL_FAILED,
                       "%s holds no OCI image layout; an archive of a docker before 25 becomes one with `skopeo copy "
                       "docker-archive:%s oci-archive:NEW`",
                       file, file);
    *ret = WL_STEAL(dir);
    return 0;
}

static int load_one(const struct wl_layout *from, struct wl_layout_entry *e, const struct wl_layout *to, const char *as,
                    struct wl_err *err) {
    WL_AUTOFREE char *name = as ? wl_strdup(as) : wl_archive_name(e);

    if (!name)
        return wl_fail(err, WL_USAGE, "the image %s has no name that can be used here (%s); give it one with --name",
                       wl_digest_str(&e->digest).s, e->name ? e->name : "none");
    wl_strv_release(&e->annotations); /* they belong to the archive: containerd's name, for one */
    e->annotations = (struct wl_strv){0};
    if (wl_layout_copy(from, e, to, name, err) < 0)
        return -1;
    wl_result("%s\t%s", name, wl_digest_str(&e->digest).s);
    return 0;
}

static int load_all(const char *dir, const char *as, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout from = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_close) struct wl_layout to = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};

    if (wl_layout_open(&from, dir, 0, err) < 0 || wl_layout_list(&from, &all, err) < 0)
        return -1;
    if (all.n == 0)
        return wl_fail(err, WL_FAILED, "there is no image in it");
    if (as && all.n > 1)
        return wl_fail(err, WL_USAGE, "--name names one image; there are %zu", all.n);
    if (wl_local_open(&to, WL_LAYOUT_CREATE, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < all.n; i++)
        if (load_one(&from, &all.v[i], &to, as, err) < 0)
            return -1;
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTOFREE char *dir = NULL;
    const char *what = args->pos[0];
    const char *as = wl_args_get(args, "name");

    (void)ret_status;
    if (as && wl_layout_name_check(as, err) < 0)
        return -1;
    if (wl_home_open(&home, err) < 0)
        return -1;
    if (!wl_fs_is_dir(what) && unpack(&home, what, &dir, err) < 0)
        return -1;
    if (load_all(dir ? dir : what, as, err) < 0)
        return wl_err_context(err, "%s", what);
    return 0;
}

static const struct wl_opt opts[] = {
    {.name = "name", .arg = "NAME", .help = "the local name, instead of the one in the archive"},
    {0},
};

const struct wl_verb wl_verb_load = {
    .name = "load",
    .usage = "load [OPTIONS] FILE|LAYOUT",
    .summary = "read images from a file into the local store",
    .help = "Reads an oci-archive (of `wlpack save`, skopeo, podman; compressed or not), docker's archive since\n"
            "version 25, or an OCI image layout in a folder. Every blob is verified. One line an image: its name and\n"
            "digest.\n\n"
            "Example: wlpack load php.tar",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
