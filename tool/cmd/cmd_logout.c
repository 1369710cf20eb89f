#include "../../registry/credentials.h"
#include "../../registry/reference.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    char host[WL_REF_HOST_MAX + 1];
    WL_AUTOFREE char *where = NULL;

    (void)ret_status;
    if (wl_reference_parse_host(args->pos[0], host, err) < 0 || wl_credentials_erase(host, &where, err) < 0)
        return -1;
    if (where)
        wl_info("removed the login of %s from %s", host, where);
    else
        wl_info("there was no login for %s", host);
    return 0;
}

const struct wl_verb wl_verb_logout = {
    .name = "logout",
    .usage = "logout HOST[:PORT]",
    .summary = "forget the login of a registry",
    .help = "Removes the login from every credential file and helper in which wlpack would find it.\n\n"
            "Example: wlpack logout registry.example.com",
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
