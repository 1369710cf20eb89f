/* Shared by http.c (libcurl), http_more.c and http_certs.c alone. */
#ifndef WL_REGISTRY_HTTP_INTERNAL_H
#define WL_REGISTRY_HTTP_INTERNAL_H

#include "../tool/base/buf.h"

/* An HTTP date as seconds since 1970; -1 when it is none. */
long long wl_http_date(const char *s);

/* Certificates of one HOST:PORT from docker's and podman's certs.d folders. */
struct host_certs {
    struct host_certs *next;
    char *host;
    struct wl_buf ca; /* the host's own and the system's, PEM; empty when the host has none of its own */
    char *cert;       /* a client certificate and its key, or NULL */
    char *key;
};

/* Finds host in the list, reading its folders when it is new. system_bundle (may be NULL) is added to a host's own. */
const struct host_certs *wl_http_certs(struct host_certs **list, const char *host, const char *system_bundle);
void wl_http_certs_free(struct host_certs *list);

#endif
