#include "remote.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/proc.h"
#include "../model/home.h"

#define CA_FILE_MAX (8 << 20)       /* bytes of --cacert */
#define TIMEOUT_MAX (7 * 24 * 3600) /* seconds */

/* A file that an option names must be there: libcurl's own message does not say which it was. */
static int option_file(const struct wl_args *args, const char *name, const char **ret, struct wl_err *err) {
    const char *path = wl_args_get(args, name);

    if (path && access(path, R_OK) < 0)
        return wl_fail_errno(err, errno, "--%s: cannot read %s", name, path);
    *ret = path;
    return 0;
}

/* A file without a certificate would make every registry one that is not trusted. */
static int check_ca(const char *path, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};

    if (!path)
        return 0;
    if (wl_fs_read(path, CA_FILE_MAX, &text, err) < 0)
        return -1;
    if (!strstr(wl_buf_str(&text), "-----BEGIN CERTIFICATE-----") &&
        !strstr(wl_buf_str(&text), "-----BEGIN TRUSTED CERTIFICATE-----"))
        return wl_fail(err, WL_FAILED, "--cacert: %s holds no certificate (PEM)", path);
    return 0;
}

int wl_remote_network(const struct wl_args *args, struct wl_err *err) {
    struct wl_http_settings s = {0};
    const char *key = "key";
    long timeout = 0;

    for (const struct wl_opt *o = args->opts; o->name; o++)
        if (strcmp(o->name, "cert-key") == 0)
            key = o->name; /* --key is something else there */

    if (wl_args_int(args, "timeout", 1, TIMEOUT_MAX, &timeout, err) < 0 ||
        option_file(args, "cacert", &s.ca_file, err) < 0 || check_ca(s.ca_file, err) < 0 ||
        option_file(args, "cert", &s.cert, err) < 0 || option_file(args, key, &s.key, err) < 0)
        return -1;
    if (s.key && !s.cert)
        return wl_fail(err, WL_USAGE, "--%s needs --cert", key);
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
    return wl_layout_open(ret, dir, flags | WL_LAYOUT_SEALED, err);
}

void wl_remote_warnings(const struct wl_client *c) {
    const struct wl_strv *w = wl_client_warnings(c);

    for (size_t i = 0; i < w->n; i++)
        wl_warn("%s says: %s", wl_client_host(c), w->v[i]);
}

char *wl_remote_pinned(const struct wl_reference *r, const struct wl_digest *d) {
    return wl_sprintf("%s/%s@%s", r->host, r->path, wl_digest_str(d).s);
}

/* --- Mirrors ----------------------------------------------------------------------------------------------- */

struct place {
    struct wl_reference ref;
    unsigned flags;
};

/* What follows PREFIX in "HOST/PATH" as whole parts ("" or "/..."); NULL when it does not begin so. */
static const char *behind(const char *full, const char *prefix) {
    size_t n = strlen(prefix);

    return strncmp(full, prefix, n) == 0 && (full[n] == '\0' || full[n] == '/') ? full + n : NULL;
}

/* One "PREFIX=MIRROR" of the variable. *ret_fits: it is about the reference. */
static int read_mirror(const char *item, const struct wl_reference *ref, struct place *ret, bool *ret_fits,
                       struct wl_err *err) {
    const char *equals = strchr(item, '=');
    WL_AUTOFREE char *prefix = equals ? wl_strndup(item, (size_t)(equals - item)) : NULL;
    WL_AUTOFREE char *full = wl_sprintf("%s/%s", ref->host, ref->path);
    WL_AUTOFREE char *text = NULL;
    const char *rest;

    *ret_fits = false;
    if (!equals || !*prefix || !equals[1])
        return wl_fail(err, WL_USAGE, "WLPACK_REGISTRY_MIRROR: \"%s\" is not HOST=MIRROR", item);
    rest = behind(full, prefix);
    if (!rest)
        return 0;
    equals++;
    if (wl_starts(equals, "http://")) {
        equals += strlen("http://");
        ret->flags |= WL_CLIENT_PLAIN_HTTP;
    }
    text = wl_sprintf("%s%s", equals, rest);
    if (wl_remote_reference(text, &ret->ref, err) < 0)
        return wl_err_context(err, "WLPACK_REGISTRY_MIRROR");
    memcpy(ret->ref.tag, ref->tag, sizeof(ret->ref.tag));
    ret->ref.has_digest = ref->has_digest;
    ret->ref.digest = ref->digest;
    *ret_fits = true;
    return 0;
}

/* The mirrors and, last, the reference itself. */
static int find_places(const struct wl_reference *ref, unsigned flags, struct place *v, size_t *ret_n,
                       struct wl_err *err) {
    const char *s = getenv("WLPACK_REGISTRY_MIRROR");
    size_t n = 0;

    while (s && *s) {
        size_t len = strcspn(s, ", \t\n");
        WL_AUTOFREE char *item = wl_strndup(s, len);
        bool fits = false;

        v[n].flags = flags;
        if (len && read_mirror(item, ref, &v[n], &fits, err) < 0)
            return -1;
        n += fits;
        if (n > WL_REMOTE_MIRRORS_MAX)
            return wl_fail(err, WL_USAGE, "WLPACK_REGISTRY_MIRROR: more than %d mirrors for %s", WL_REMOTE_MIRRORS_MAX,
                           ref->host);
        s += len + (s[len] != '\0');
    }
    v[n++] = (struct place){*ref, flags};
    *ret_n = n;
    return 0;
}

int wl_remote_each(const struct wl_reference *ref, unsigned flags, wl_remote_place *fn, void *arg, struct wl_err *err) {
    struct place places[WL_REMOTE_MIRRORS_MAX + 2] = {0};
    size_t n = 0;

    if (find_places(ref, flags, places, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        bool elsewhere = false;

        if (fn(arg, &places[i].ref, places[i].flags, &elsewhere, err) == 0)
            return 0;
        if (i + 1 == n || !elsewhere || wl_interrupted())
            return -1;
        wl_warn("the mirror %s does not have it: %s", places[i].ref.host, err->msg);
    }
    return -1;
}

/* --- Pulling ----------------------------------------------------------------------------------------------- */

struct pull {
    struct wl_remote_pull *p;
    struct wl_pull_result *ret;
};

static int pull_from(void *arg, const struct wl_reference *place, unsigned flags, bool *ret_elsewhere,
                     struct wl_err *err) {
    struct pull *pull = arg;
    struct wl_remote_pull *p = pull->p;
    WL_AUTO(wl_client_closep) struct wl_client *c = NULL;
    WL_AUTO(wl_pull_result_release) struct wl_pull_result r = {0};
    struct wl_digest_hex digest = wl_digest_str(&place->digest);

    if (wl_client_open(place, flags, NULL, NULL, &c, err) < 0 ||
        wl_pull(c, p->layout, place->has_digest ? digest.s : wl_reference_tag(place), p->platform, p->pull_flags,
                p->progress, &r, err) < 0 ||
        (p->referrers && !(p->pull_flags & WL_PULL_DRY_RUN) &&
         wl_pull_referrers(c, p->layout, &r.root, p->progress, &p->n_referrers, err) < 0)) {
        *ret_elsewhere = err->code == WL_NET;
        return -1;
    }
    wl_remote_warnings(c);
    *pull->ret = r;
    memset(&r, 0, sizeof(r));
    return 0;
}

int wl_remote_pull(struct wl_remote_pull *p, struct wl_pull_result *ret, struct wl_err *err) {
    struct pull pull = {p, ret};

    return wl_remote_each(p->ref, p->flags, pull_from, &pull, err);
}

int wl_remote_digest_file(const struct wl_args *args, const struct wl_digest *v, size_t n, struct wl_err *err) {
    const char *file = wl_args_get(args, "digest-file");
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};

    for (size_t i = 0; i < n; i++)
        wl_buf_addf(&text, "%s\n", wl_digest_str(&v[i]).s);
    return file ? wl_fs_write(file, wl_buf_str(&text), text.len, err) : 0;
}
