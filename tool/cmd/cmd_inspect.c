#include <string.h>

#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "inspect_image.h"
#include "inspect_wasm.h"
#include "local.h"
#include "remote.h"
#include "source.h"

/* An image: its digest is what --digest-file wants. */
static int inspect_image(const struct wl_args *args, const struct wl_layout *l, const struct wl_layout_entry *e,
                         struct wl_err *err) {
    if (wl_inspect_image(l, e, wl_args_has(args, "json"), err) < 0)
        return -1;
    return wl_remote_digest_file(args, &e->digest, 1, err);
}

/* What is no image has no digest of its own. */
static int no_digest(const struct wl_args *args, struct wl_err *err) {
    if (wl_args_has(args, "digest-file"))
        return wl_fail(err, WL_USAGE, "%s is no image: it has no digest for --digest-file", args->pos[0]);
    return 0;
}

/* oci:DIR:NAME and the like: the image when there is one, else the list. */
static int inspect_source(const struct wl_args *args, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_source_release) struct wl_source s = WL_SOURCE_INIT;

    if (wl_home_open(&home, err) < 0 || wl_source_open(&home, args->pos[0], &s, err) < 0)
        return -1;
    if (s.images.n == 1)
        return inspect_image(args, &s.l, &s.images.v[0], err);
    return no_digest(args, err) < 0 ? -1 : wl_local_print_entries(&s.l, wl_args_has(args, "json"), err);
}

static int inspect_layout(const char *dir, bool json, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;

    if (wl_layout_open(&l, dir, 0, err) < 0)
        return -1;
    return wl_local_print_entries(&l, json, err);
}

static int inspect_ref(const struct wl_args *args, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};

    if (wl_local_open(&l, 0, NULL, err) < 0 || wl_layout_find(&l, args->pos[0], &e, err) < 0)
        return -1;
    return inspect_image(args, &l, &e, err);
}

/* "./x", "/x", "x.wasm" are paths whatever the store holds; of other names those that the store does not know. */
static bool is_path(const char *s) {
    return s[0] == '/' || s[0] == '.' || wl_ends(s, ".wasm");
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    const char *what = args->pos[0];
    bool json = wl_args_has(args, "json");
    const char *rest;

    (void)ret_status;
    if (wl_source_kind(what, &rest) != WL_SOURCE_NONE)
        return inspect_source(args, err);
    if (!is_path(what)) {
        if (inspect_ref(args, err) == 0)
            return 0;
        if (!wl_fs_exists(what) || err->code == WL_NET)
            return -1;
    }
    if (no_digest(args, err) < 0)
        return -1;
    if (wl_fs_is_dir(what))
        return inspect_layout(what, json, err);
    return wl_inspect_wasm(what, json, err);
}

static const struct wl_opt opts[] = {
    {.name = "digest-file", .arg = "FILE", .help = "write the digest of the image to FILE as well"},
    {.name = "json", .help = "everything as one JSON value"},
    {0},
};

const struct wl_verb wl_verb_inspect = {
    .name = "inspect",
    .usage = "inspect [OPTIONS] REF|LAYOUT|FILE.wasm",
    .summary = "show an image, a layout or a module",
    .help = "An image of the local store (a name, or sha256: and 8 digits or more): its manifest, its configuration\n"
            "and the files of its layers; every blob is verified. A folder with an OCI image layout: its entries. A\n"
            "oci:DIR:NAME, oci-archive:FILE[:NAME] and docker-archive:FILE[:NAME] are looked into as well. A\n"
            ".wasm: imports, exports, features, sections, precompiled code.\n\n"
            "Example: wlpack inspect php:7.4.33-cli",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
