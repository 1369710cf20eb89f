/* Shared by http*.c; cred_helper.c and client.c ask for the time left. */
#ifndef WL_REGISTRY_HTTP_INTERNAL_H
#define WL_REGISTRY_HTTP_INTERNAL_H

#include <pthread.h>

#include "../tool/base/buf.h"
#include "http.h"

#define WL_HTTP_IDLE_MAX 8 /* connections kept for reuse */

struct host_certs;

struct wl_http {
    pthread_mutex_t mutex;
    void *idle[WL_HTTP_IDLE_MAX]; /* CURL handles */
    size_t n_idle;
    const struct wl_http_settings *settings;
    const char *ca_file; /* --cacert, SSL_CERT_FILE; or NULL */
    const char *ca_dir;  /* SSL_CERT_DIR; or NULL */
    char *own_host;      /* the one that sees the client certificate of the settings */
    struct host_certs *certs;
    struct wl_http_trust *trust; /* for hosts without certificates of their own; made when first used */
    bool trust_known;            /* that was tried */
};

/* One exchange, zeroed but for req, url and err. The response is the caller's, also on failure. */
struct wl_http_exchange {
    struct wl_http_request *req;
    const char *url;
    void *c; /* a CURL handle */
    struct wl_http_trust *trust;
    struct wl_http_response res;
    size_t header_bytes;
    uint64_t body_bytes; /* of a 2xx body */
    uint64_t pos;        /* in the body that is sent */
    bool begun;
    bool cut;    /* an error's body was longer than is kept: ended on purpose */
    bool failed; /* *err was set by a callback */
    struct wl_err *err;
    char text[256]; /* CURL_ERROR_SIZE */
};
int wl_http_perform(struct wl_http *h, struct wl_http_exchange *x, const char *method, bool with_authorization);

/* A CURL handle, fresh but for the connections that it keeps (NULL: there is none), and its way back. */
void *wl_http_take_handle(struct wl_http *h);
void wl_http_give_handle(struct wl_http *h, void *c);

/* Milliseconds until the deadline; INT64_MAX without one. */
long long wl_http_time_left(void);
/* The error for when it has passed. */
int wl_http_too_late(struct wl_err *err);

/* The URL without its query (which may hold a signature) and user, for messages; a new string. */
char *wl_http_url_shown(const char *url);

/* Tells a CURL handle which proxy to ask for a URL, or none (http_proxy.c). */
void wl_http_set_proxy(void *curl, const char *url);
/* Keeps the logins in the proxy variables out of messages. */
void wl_http_hide_proxies(void);
/* Whether a NO_PROXY list names a host (an address without brackets) and port ("443"). */
bool wl_http_no_proxy(const char *list, const char *host, const char *port);

/* Tells a CURL handle which certificates to trust and to show for a URL. Returns what it trusts, owned by h; NULL: what libcurl reads. */
struct wl_http_trust *wl_http_set_certs(struct wl_http *h, void *curl, const char *url);

/* Certificates read once for all connections (http_trust.c): those in a PEM file, in a folder of OpenSSL's (SSL_CERT_DIR) and in pem (may be
 * empty). file or dir may be NULL. NULL: not possible here, libcurl reads them for each connection. Thread safe. */
struct wl_http_trust;
struct wl_http_trust *wl_http_trust_new(const char *file, const char *dir, const struct wl_buf *pem);
void wl_http_trust_free(struct wl_http_trust *t);
/* Makes a CURL handle trust those and no others; t may be NULL. It must live as long as the handle's connections. */
void wl_http_trust_use(struct wl_http_trust *t, void *curl);
/* A certificate was not trusted: reads what was not read yet; true when that is worth another try. */
bool wl_http_trust_more(struct wl_http_trust *t);

/* An HTTP date as seconds since 1970; -1 when it is none. */
long long wl_http_date(const char *s);

/* Certificates of one HOST:PORT from docker's and podman's certs.d folders. */
struct host_certs {
    struct host_certs *next;
    char *host;
    struct wl_buf own_ca; /* the host's own, PEM */
    struct wl_buf ca;     /* the same and the system's; empty when the host has none of its own */
    struct wl_http_trust *trust;
    char *cert; /* a client certificate and its key, or NULL */
    char *key;
};

void wl_http_certs_free(struct host_certs *list);

#endif
