#include "remote.h"

#include <string.h>

#include "../base/mem.h"
#include "../base/out.h"
#include "../model/home.h"

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
