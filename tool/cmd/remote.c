#include "remote.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../base/mem.h"
#include "../base/out.h"
#include "../model/home.h"

#define TIMEOUT_MAX (7 * 24 * 3600) /* seconds */

/* A file that an option names must be there: libcurl's own message does not say which it was. */
static int option_file(const struct wl_args *args, const char *name, const char **ret, struct wl_err *err) {
    const char *path = wl_args_get(args, name);

    if (path && access(path, R_OK) < 0)
        return wl_fail_errno(err, errno, "--%s: cannot read %s", name, path);
    *ret = path;
    return 0;
}

int wl_remote_network(const struct wl_args *args, struct wl_err *err) {
    struct wl_http_settings s = {0};
    long timeout = 0;

    if (wl_args_int(args, "timeout", 1, TIMEOUT_MAX, &timeout, err) < 0 ||
        option_file(args, "cacert", &s.ca_file, err) < 0 || option_file(args, "cert", &s.cert, err) < 0 ||
        option_file(args, "key", &s.key, err) < 0)
        return -1;
    if (s.key && !s.cert)
        return wl_fail(err, WL_USAGE, "--key needs --cert");
    s.timeout_s = (unsigned)timeout;
    wl_http_configure(&s);
    return 0;
}

int wl_remote_reference(const char *s, struct wl_reference *ret, struct wl_err *err) {
    struct wl_reference r;

    if (wl_reference_parse(s, &r, err) < 0)
        return -1;
    if (!r.explicit_host && !strchr(s, '/'))
        return wl_fail(err, WL_USAGE, "\"%s\" names no registry: write HOST/%s (or docker.io/USER/%s)", s, s, s);
    *ret = r;
    return 0;
}

int wl_remote_store(struct wl_layout *ret, unsigned flags, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTOFREE char *dir = NULL;

    if (((flags & WL_LAYOUT_WRITE) ? wl_home_open(&home, err) : wl_home_find(&home, err)) < 0)
        return -1;
    dir = wl_home_path(&home, WL_HOME_OCI);
    if (!(flags & WL_LAYOUT_WRITE) && !wl_fs_is_dir(dir))
        return wl_fail(err, WL_FAILED, "the local store %s is empty: build or pull an image first", dir);
    return wl_layout_open(ret, dir, flags, err);
}

void wl_remote_warnings(const struct wl_client *c) {
    const struct wl_strv *w = wl_client_warnings(c);

    for (size_t i = 0; i < w->n; i++)
        wl_warn("%s says: %s", wl_client_host(c), w->v[i]);
}

char *wl_remote_pinned(const struct wl_reference *r, const struct wl_digest *d) {
    return wl_sprintf("%s/%s@%s", r->host, r->path, wl_digest_str(d).s);
}
