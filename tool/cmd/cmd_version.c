#include <string.h>

#include "../base/buf.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../version.h"
#include "cmd.h"

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    (void)ret_status;
    (void)err;
    if (wl_args_has(args, "json")) {
        WL_AUTO(wl_buf_release) struct wl_buf b = {0};
        struct wl_jw w = {.out = &b};

        wl_jw_begin(&w, '{');
        wl_jw_kstr(&w, "name", "wlpack");
        wl_jw_kstr(&w, "version", WLPACK_VERSION);
        wl_jw_end(&w, '}');
        wl_result("%s", b.p);
    } else {
        wl_result("wlpack %s", WLPACK_VERSION);
    }
    return 0;
}

static const struct wl_opt opts[] = {{"json", 0, NULL, "print one JSON object"}, {0}};

const struct wl_verb wl_verb_version = {
    .name = "version",
    .usage = "version [--json]",
    .summary = "print the version",
    .opts = opts,
    .run = run,
};
