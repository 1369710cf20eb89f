#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "local.h"
#include "remote.h"

/* Says and prints what became of one name. */
static void tell(const struct wl_layout_entry *e, const char *name, bool dry, bool json) {
    if (dry)
        wl_info("%s would be %s", name, wl_digest_str(&e->digest).s);
    else
        wl_verbose("%s is %s now", name, wl_digest_str(&e->digest).s);
    if (json) {
        WL_AUTO(wl_buf_release) struct wl_buf text = {0};
        struct wl_jw w = {.out = &text};

        wl_local_json_name(&w, name, &e->digest, e->media_type);
        wl_buf_addc(&text, '\n');
        wl_result_raw(text.p, text.len);
    }
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};
    size_t n = (size_t)args->n_pos - 1;
    WL_AUTOFREE struct wl_layout_entry *entries = wl_calloc(n, sizeof(*entries));
    bool dry = wl_args_has(args, "dry-run");

    (void)ret_status;
    for (size_t i = 0; i < n; i++)
        if (wl_layout_name_check(args->pos[1 + i], err) < 0)
            return -1;
    if (wl_local_open(&l, dry ? 0 : WL_LAYOUT_WRITE, NULL, err) < 0 || wl_layout_find(&l, args->pos[0], &e, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) { /* the strings stay e's and the command line's */
        entries[i] = e;
        entries[i].name = (char *)args->pos[1 + i];
    }
    if (!dry && (wl_layout_tag_all(&l, entries, n, err) < 0 || wl_remote_digest_file(args, &e.digest, 1, err) < 0))
        return -1;
    for (size_t i = 0; i < n; i++)
        tell(&e, entries[i].name, dry, wl_args_has(args, "json"));
    return 0;
}

static const struct wl_opt opts[] = {
    {.name = "digest-file", .arg = "FILE", .help = "write the digest to FILE as well"},
    {.name = "dry-run", .letter = 'n', .help = "only see that SOURCE is there and each TARGET is a name"},
    {.name = "json", .help = "print name, digest and media type as a JSON object, one a line"},
    {0},
};

const struct wl_verb wl_verb_tag = {
    .name = "tag",
    .usage = "tag [OPTIONS] SOURCE TARGET...",
    .summary = "give a local image more names",
    .help = "SOURCE is a local name, a digest (sha256: and 8 digits or more) or NAME@sha256:DIGEST. An image that has "
            "the name\n"
            "TARGET so far loses it; its blobs stay until `wlpack gc`. What is attached to the image belongs to its\n"
            "digest: it is there under each of its names. Of several TARGETs all are given or none.\n\n"
            "Example: wlpack tag php:7.4.33-cli registry.example.org/team/php:7.4",
    .opts = opts,
    .min_pos = 2,
    .max_pos = -1,
    .run = run,
};
