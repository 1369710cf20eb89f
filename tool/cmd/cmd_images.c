#include "cmd.h"
#include "local.h"

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    bool there = false;

    (void)ret_status;
    if (wl_local_open(&l, 0, &there, err) < 0)
        return -1;
    return wl_local_print_entries(&l, wl_args_has(args, "json"), err);
}

static const struct wl_opt opts[] = {
    {.name = "json", .help = "one JSON array: name, digest, mediaType, platforms, size, created"},
    {0},
};

const struct wl_verb wl_verb_images = {
    .name = "images",
    .usage = "images [OPTIONS]",
    .summary = "list the images of the local store",
    .help = "Lists the images of the local store, one a line: name, digest, platforms, size of all that a\n"
            "pull would fetch, date. The store is an OCI image layout, $WLPACK_HOME/oci; skopeo reads it as\n"
            "oci:$WLPACK_HOME/oci:NAME.\n\n"
            "Example: wlpack images --json",
    .opts = opts,
    .run = run,
};
