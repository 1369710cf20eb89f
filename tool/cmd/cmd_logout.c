#include "../../registry/credentials.h"
#include "../../registry/reference.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"

/* {"host": ..., "namespace": ..., "place": ...} */
static void print_json(const char *host, const char *path, const char *place) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text};

    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "host", host);
    if (*path)
        wl_jw_kstr(&w, "namespace", path);
    if (place)
        wl_jw_kstr(&w, "place", place);
    wl_jw_end(&w, '}');
    wl_buf_addc(&text, '\n');
    wl_result_raw(text.p, text.len);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    char host[WL_REF_HOST_MAX + 1];
    char path[WL_REF_PATH_MAX + 1];
    const char *slash;
    WL_AUTOFREE char *where = NULL;

    (void)ret_status;
    if (wl_reference_parse_login(args->pos[0], host, path, err) < 0 ||
        wl_credentials_erase(host, path, &where, err) < 0)
        return -1;
    slash = *path ? "/" : "";
    if (where)
        wl_info("removed the login of %s%s%s from %s", host, slash, path, where);
    else
        wl_info("there was no login for %s%s%s", host, slash, path);
    if (wl_args_has(args, "json"))
        print_json(host, path, where);
    return 0;
}

static const struct wl_opt opts[] = {
    {"json", 0, NULL,
     "print a JSON object: host, namespace (if one was given), place (where it was, when there was one)"},
    {0}};

const struct wl_verb wl_verb_logout = {
    .name = "logout",
    .usage = "logout [OPTIONS] HOST[:PORT][/NAMESPACE]",
    .summary = "forget the login of a registry",
    .help = "Removes the login from every credential file and helper in which wlpack would find it. With a\n"
            "namespace that of exactly this namespace, otherwise that of the whole registry; the others stay.\n\n"
            "Example: wlpack logout registry.example.com",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
