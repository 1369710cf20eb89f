#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../tool/base/fs.h"
#include "../tool/base/mem.h"
#include "http_internal.h"

#define CA_MAX (8 * 1024 * 1024) /* bytes of certificates for one host */

/* Folders of HOST:PORT folders, in the order in which they are read. */
static const char *const system_folders[] = {"/etc/docker/certs.d", "/etc/containers/certs.d"};

static void read_folder(struct host_certs *c, const char *folder) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_err ignored; /* an unreadable file shows as an untrusted certificate, with the way out */

    if (!wl_fs_is_dir(folder) || wl_fs_list(folder, &names, &ignored) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *path = wl_path_join(folder, names.v[i]);

        if (wl_ends(path, ".crt") && c->own_ca.len < CA_MAX) {
            if (wl_fs_read(path, CA_MAX - c->own_ca.len, &c->own_ca, &ignored) == 0)
                wl_buf_addc(&c->own_ca, '\n');
        } else if (wl_ends(path, ".cert") && !c->cert) {
            c->cert = wl_strdup(path);
            c->key = wl_sprintf("%.*s.key", (int)(strlen(path) - strlen(".cert")), path);
        }
    }
}

static void read_home(struct host_certs *c) {
    const char *home = getenv("HOME");
    WL_AUTOFREE char *folder = NULL;

    if (!home || !*home)
        return;
    folder = wl_sprintf("%s/.config/containers/certs.d/%s", home, c->host);
    read_folder(c, folder);
}

static const struct host_certs *find_certs(struct host_certs **list, const char *host, const char *bundle,
                                           const char *dir) {
    struct wl_err ignored;
    struct host_certs *c = *list;

    while (c && strcmp(c->host, host) != 0)
        c = c->next;
    if (c)
        return c;
    c = wl_calloc(1, sizeof(*c));
    c->host = wl_strdup(host);
    for (size_t i = 0; i < WL_ARRAY_LEN(system_folders); i++) {
        WL_AUTOFREE char *folder = wl_path_join(system_folders[i], host);

        read_folder(c, folder);
    }
    read_home(c);
    if (c->own_ca.len)
        c->trust = wl_http_trust_new(bundle, dir, &c->own_ca);
    if (c->own_ca.len && !c->trust) {
        wl_buf_add(&c->ca, c->own_ca.p, c->own_ca.len);
        if (bundle)
            wl_fs_read(bundle, CA_MAX, &c->ca, &ignored);
    }
    c->next = *list;
    *list = c;
    return c;
}

/* What the certs.d folders hold for the URL's host, read once; lives as long as h. NULL when it is no URL. */
static const struct host_certs *certs_of(struct wl_http *h, const char *url, const char *bundle, const char *dir) {
    WL_AUTOFREE char *host = wl_url_host_port(url);
    const struct host_certs *c = NULL;

    pthread_mutex_lock(&h->mutex);
    if (host)
        c = find_certs(&h->certs, host, bundle, dir);
    pthread_mutex_unlock(&h->mutex);
    return c;
}

/* A client certificate from the command line is for the registry named there, not for where it redirects to. */
static bool is_own_host(const struct wl_http *h, const char *url) {
    WL_AUTOFREE char *host = wl_url_host_port(url);

    return h->settings->cert && h->own_host && host && strcasecmp(host, h->own_host) == 0;
}

/* What is trusted where the host has no certificates of its own. */
static struct wl_http_trust *usual_trust(struct wl_http *h, const char *bundle, const char *dir) {
    const struct wl_buf none = {0};

    pthread_mutex_lock(&h->mutex);
    if (!h->trust_known)
        h->trust = wl_http_trust_new(bundle, dir, &none);
    h->trust_known = true;
    pthread_mutex_unlock(&h->mutex);
    return h->trust;
}

static void set_client_cert(const struct wl_http *h, CURL *c, const char *url, const struct host_certs *certs) {
    if (is_own_host(h, url)) {
        curl_easy_setopt(c, CURLOPT_SSLCERT, h->settings->cert);
        curl_easy_setopt(c, CURLOPT_SSLKEY, h->settings->key ? h->settings->key : h->settings->cert);
    } else if (certs && certs->cert) {
        curl_easy_setopt(c, CURLOPT_SSLCERT, certs->cert);
        curl_easy_setopt(c, CURLOPT_SSLKEY, certs->key);
    }
}

struct wl_http_trust *wl_http_set_certs(struct wl_http *h, void *curl, const char *url) {
    CURL *c = curl;
    const struct host_certs *certs;
    const char *bundle = h->ca_file, *dir = h->ca_dir;
    struct wl_http_trust *trust;

    if (!bundle)
        curl_easy_getinfo(c, CURLINFO_CAINFO, &bundle);
    if (!dir && !h->ca_file) /* the file replaces the system's, as it does for other programs */
        curl_easy_getinfo(c, CURLINFO_CAPATH, &dir);
    curl_easy_setopt(c, CURLOPT_CAINFO, bundle);
    curl_easy_setopt(c, CURLOPT_CAPATH, dir);
    if (strncasecmp(url, "https:", 6) != 0)
        return NULL;
    certs = certs_of(h, url, bundle, dir);
    if (certs && certs->ca.len) {
        struct curl_blob blob = {.data = certs->ca.p, .len = certs->ca.len, .flags = CURL_BLOB_NOCOPY};

        curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob);
    }
    set_client_cert(h, c, url, certs);
    if (certs && certs->own_ca.len)
        trust = certs->trust;
    else
        trust = usual_trust(h, bundle, dir);
    wl_http_trust_use(trust, c);
    return trust;
}

void wl_http_certs_free(struct host_certs *list) {
    while (list) {
        struct host_certs *c = list;

        list = c->next;
        wl_http_trust_free(c->trust);
        wl_buf_release(&c->own_ca);
        wl_buf_release(&c->ca);
        free(c->host);
        free(c->cert);
        free(c->key);
        free(c);
    }
}
