#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "local.h"
#include "remote.h"

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries gone = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text, .indent = 2};
    WL_AUTOFREE struct wl_digest *digests = wl_calloc((size_t)args->n_pos, sizeof(*digests));
    bool dry = wl_args_has(args, "dry-run");

    (void)ret_status;
    if (wl_local_open(&l, dry ? 0 : WL_LAYOUT_WRITE, NULL, err) < 0 ||
        wl_layout_untag_all(&l, (const char *const *)args->pos, (size_t)args->n_pos, dry, &gone, err) < 0)
        return -1;
    wl_jw_begin(&w, '[');
    for (size_t i = 0; i < gone.n; i++) {
        wl_local_json_name(&w, gone.v[i].name, &gone.v[i].digest, gone.v[i].media_type);
        digests[i] = gone.v[i].digest;
    }
    wl_jw_end(&w, ']');
    if (!dry && wl_remote_digest_file(args, digests, gone.n, err) < 0)
        return -1;
    wl_buf_addc(&text, '\n');
    if (wl_args_has(args, "json"))
        wl_result_raw(text.p, text.len);
    return 0;
}

static const struct wl_opt opts[] = {
    {.name = "digest-file", .arg = "FILE", .help = "write the digests that lost a name (one a line) to FILE"},
    {.name = "dry-run", .letter = 'n', .help = "take nothing away, only see that it is there"},
    {.name = "json", .help = "one JSON array of what was taken away: name, digest, mediaType"},
    {0},
};

const struct wl_verb wl_verb_rm = {
    .name = "rm",
    .usage = "rm [OPTIONS] REF...",
    .summary = "take names out of the local store",
    .help = "Takes the names away; a digest takes all its names. Blobs that no other image needs stay until\n"
            "`wlpack gc`. Stops at the first name that is not there.\n\n"
            "Example: wlpack rm php:7.4.32-cli php:7.4.32-cgi",
    .opts = opts,
    .min_pos = 1,
    .max_pos = -1,
    .run = run,
};
