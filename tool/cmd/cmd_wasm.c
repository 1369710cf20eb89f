/* `wlpack wasm ...`: the wasm stages by hand, for people who work on a recipe. Plumbing: not for scripts. */
#include <string.h>

#include "../base/fs.h"
#include "../base/out.h"
#include "../wasm/lower_eh.h"
#include "../wasm/module.h"
#include "cmd.h"

#define MAX_INPUT ((size_t)1 << 30)

static int lower_eh(const char *in, const char *out, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf from = {0}, to = {0};
    struct wl_lower_eh_stats st;

    if (wl_fs_read(in, MAX_INPUT, &from, err) < 0)
        return -1;
    if (wl_wasm_lower_eh((struct wl_blob){(const uint8_t *)from.p, from.len}, &to, &st, err) < 0)
        return wl_err_context(err, "%s", in);
    if (wl_fs_write(out, to.p, to.len, err) < 0)
        return -1;
    if (!st.changed) {
        wl_info("%s: uses no exceptions", in);
        return 0;
    }
    wl_info("%s: %s -> %s, %u of %u functions may throw, %u of %u calls checked, %u try, %u throw", in,
            wl_size(st.size_before).s, wl_size(st.size_after).s, st.may_throw, st.functions, st.checked, st.calls,
            st.tries, st.throws);
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    (void)ret_status;
    if (strcmp(args->pos[0], "lower-eh") != 0)
        return wl_fail(err, WL_USAGE, "no wasm stage \"%s\"; there is lower-eh", args->pos[0]);
    if (args->n_pos != 3)
        return wl_fail(err, WL_USAGE, "lower-eh takes IN and OUT");
    return lower_eh(args->pos[1], args->pos[2], err);
}

const struct wl_verb wl_verb_wasm = {
    .name = "wasm",
    .usage = "wasm lower-eh IN.wasm OUT.wasm",
    .summary = "one wasm stage by hand (plumbing)",
    .help = "lower-eh  rewrites exceptions (setjmp and longjmp) into checks behind calls, so that the\n"
            "          module runs on engines without exceptions; what `build` does in its lower stage.\n\n"
            "Example: wlpack wasm lower-eh lua.wasm lua-plain.wasm",
    .min_pos = 1,
    .max_pos = 3,
    .run = run,
};
