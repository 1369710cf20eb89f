#include "../base/mem.h"
#include "../base/out.h"
#include "../model/home.h"
#include "cmd.h"
#include "local.h"

static int gc_images(const struct wl_home *home, bool dry, struct wl_err *err) {
    WL_AUTOFREE char *dir = wl_home_path(home, WL_HOME_OCI);
    struct wl_layout_gc n = {0};

    if (!wl_fs_exists(dir))
        return 0;
    if (wl_layout_gc(dir, dry ? WL_LAYOUT_GC_DRY : 0, &n, err) < 0)
        return -1;
    wl_result("images\t%zu blobs %s\t%s\t%zu kept", n.removed, dry ? "to remove" : "removed",
              wl_size(n.removed_bytes).s, n.kept);
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;

    (void)ret_status;
    if (wl_home_find(&home, err) < 0)
        return -1;
    return gc_images(&home, wl_args_has(args, "dry-run"), err);
}

static const struct wl_opt opts[] = {
    {.name = "dry-run", .letter = 'n', .help = "count only, remove nothing"},
    {0},
};

const struct wl_verb wl_verb_gc = {
    .name = "gc",
    .usage = "gc [OPTIONS]",
    .summary = "free what nothing needs any more",
    .help =
        "Removes from the image store the blobs that no image reaches, and what was left by processes that\n"
        "were killed. Waits for other wlpack processes to finish writing. One line a store: what went, its size.\n\n"
        "Example: wlpack gc --dry-run",
    .opts = opts,
    .run = run,
};
