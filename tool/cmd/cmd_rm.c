#include "cmd.h"
#include "local.h"

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;

    (void)ret_status;
    if (wl_local_open(&l, WL_LAYOUT_WRITE, NULL, err) < 0)
        return -1;
    for (int i = 0; i < args->n_pos; i++)
        if (wl_layout_untag(&l, args->pos[i], err) < 0)
            return -1;
    return 0;
}

const struct wl_verb wl_verb_rm = {
    .name = "rm",
    .usage = "rm REF...",
    .summary = "take names out of the local store",
    .help = "Takes the names away; a digest takes all its names. Blobs that no other image needs stay until\n"
            "`wlpack gc`. Stops at the first name that is not there.\n\n"
            "Example: wlpack rm php:7.4.32-cli php:7.4.32-cgi",
    .min_pos = 1,
    .max_pos = -1,
    .run = run,
};
