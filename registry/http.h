/* HTTP/1.1 over TCP or TLS: one request, one response, with limits. The only user of libcurl.
 *
 * http and https only. Redirects are followed by us, at most WL_HTTP_REDIRECTS, never from https to http, and never with
 * `authorization` once host, port or scheme have changed. Proxies come from the environment, as curl and Go's programs have it: http_proxy,
 * https_proxy, all_proxy, no_proxy in either case (names with what is below them, addresses, networks as 10.0.0.0/8, each with a port or
 * without). Certificates: the system's, or SSL_CERT_FILE / SSL_CERT_DIR, plus *.crt in docker's and podman's
 * certs.d/HOST:PORT/ folders, with the client certificates there (*.cert, *.key). A stalled transfer ends (WL_HTTP_STALL_S), wl_interrupted() ends every transfer within a second.
 * Every failure here has code WL_NET, unless a caller's own callback set another. */
#ifndef WL_REGISTRY_HTTP_H
#define WL_REGISTRY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../tool/base/buf.h"
#include "../tool/base/err.h"
#include "../tool/base/out.h"

#define WL_HTTP_REDIRECTS 10
#define WL_HTTP_CONNECT_S 20                       /* seconds to connect, TLS included */
#define WL_HTTP_STALL_S 60                         /* seconds with less than 1 byte/s */
#define WL_HTTP_HEADERS_MAX (256 * 1024)           /* bytes of all header lines of a response */
#define WL_HTTP_BODY_MAX (4 * 1024 * 1024 + 65536) /* bytes of a body kept in memory, unless the request says less */
#define WL_HTTP_ERROR_BODY_MAX (64 * 1024)         /* bytes kept of an error's body when there is a sink */

/* What a command line says about all clients of this process. Called once, before the first client is made; strings must stay. */
struct wl_http_settings {
    const char *ca_file; /* trusted instead of the system's certificates; NULL: SSL_CERT_FILE, the system's */
    const char *cert;    /* a client certificate (PEM) shown to the host of wl_http_own_host alone; or NULL */
    const char *key;     /* its key; NULL: in the same file */
    unsigned timeout_s;  /* no transfer and no waiting goes on longer from now on; 0: no limit */
};
void wl_http_configure(const struct wl_http_settings *s);

/* A client: connections that are reused. Thread safe; every thread that is inside a request holds one connection. */
struct wl_http;
int wl_http_new(struct wl_http **ret, struct wl_err *err);
void wl_http_free(struct wl_http *h);
void wl_http_freep(struct wl_http **h);
/* Which HOST:PORT is the one that this client is for. */
void wl_http_own_host(struct wl_http *h, const char *host_port);

/* A request body that can be read again from any offset (redirects, retries, a connection that breaks).
 * read: up to n bytes, 0 at the end, -1 with *err. seek: sets the position. */
struct wl_http_source {
    ssize_t (*read)(void *arg, void *buf, size_t n, struct wl_err *err);
    int (*seek)(void *arg, uint64_t offset, struct wl_err *err);
    void *arg;
    uint64_t size;
};

/* Where the body of a 2xx response goes. begin (may be NULL) is called once before the first byte with the
 * status (200, or 206 for a granted range) and the total size if known (0: unknown). */
struct wl_http_sink {
    int (*begin)(void *arg, int status, uint64_t total, struct wl_err *err);
    int (*write)(void *arg, const void *p, size_t n, struct wl_err *err);
    void *arg;
};

enum wl_http_flags {
    WL_HTTP_NO_REDIRECT = 1, /* a 3xx is the response */
    WL_HTTP_SAME_ORIGIN = 2, /* a 3xx to another origin is the response: the body is for nobody else */
};

/* A zeroed struct plus a url is a GET into memory. */
struct wl_http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const char *const *headers;          /* "Name: value", NULL-terminated; or NULL */
    const char *authorization;           /* value of the Authorization header; or NULL */
    struct wl_blob body;                 /* sent when p is not NULL */
    const struct wl_http_source *source; /* sent when not NULL */
    const struct wl_http_sink *sink;     /* NULL: the body goes into the response, at most max_body bytes */
    uint64_t max_body;   /* most bytes of a 2xx body (with a sink too); 0: WL_HTTP_BODY_MAX, with a sink no limit */
    uint64_t range_from; /* asks for the bytes from here; 0: all */
    const struct wl_progress *progress; /* or NULL; counts the body that is sent, else the one received */
    const char *what;                   /* name for the progress */
    unsigned flags;
    bool transient;   /* result on failure: no or half an answer came, trying again may help */
    bool unreachable; /* result on failure: nothing answered there at all */
    bool timed_out;   /* result on failure: it waited in vain */
};

struct wl_http_response {
    int status;
    struct wl_strv headers; /* "Name: value" lines of the final response */
    struct wl_buf body;     /* the body, or with a sink that of a response other than 2xx */
    char *url;              /* where the response came from, after redirects */
};

/* One exchange. Success means that a complete response came, whatever its status. *ret is filled on success; release
 * it. A body above its limit is a failure. */
int wl_http_request(struct wl_http *h, struct wl_http_request *req, struct wl_http_response *ret, struct wl_err *err);
void wl_http_response_release(struct wl_http_response *r);

/* The value of a header (any case), NULL when absent; nth: 0 for the first of that name. */
const char *wl_http_header(const struct wl_http_response *r, const char *name, size_t nth);
/* Seconds to wait by Retry-After (seconds or a date), at most `max`; -1 when absent or unreadable. */
int wl_http_retry_after(const struct wl_http_response *r, int max);
/* Whether a status is worth another try: 408, 425, 429, 500, 502, 503, 504. */
bool wl_http_status_transient(int status);

/* Downloads a URL to an open file, with resume and retries.
 * offset bytes are there already (0: none); the file is written from there on and truncated to what came. A server that does not
 * grant the range starts again at 0. Broken transfers are tried again from where they broke. A status other than 2xx is a
 * failure that names the URL and the status. max_size: a larger file is a failure (0: WL_HTTP_DOWNLOAD_MAX).
 * ret_size: the size of the file. The digest is the caller's to check. */
#define WL_HTTP_DOWNLOAD_MAX ((uint64_t)4 << 30)
#define WL_HTTP_DOWNLOAD_TRIES 5
struct wl_http_download {
    const char *url;
    int fd;
    uint64_t offset;
    uint64_t max_size;
    const struct wl_progress *progress; /* or NULL */
    const char *what;
    int status;     /* result on failure: the HTTP status that ended it (404 ...), 0 when there was none */
    bool too_large; /* result on failure: it was above max_size */
};
int wl_http_download(struct wl_http *h, struct wl_http_download *d, uint64_t *ret_size, struct wl_err *err);

/* Waits before try number `attempt` (1 is the first repetition): retry_after seconds when >= 0, else exponential with jitter
 * from 0.2 s up to 10 s. Returns early and fails when interrupted, and at once when the settings' deadline would pass. */
int wl_http_backoff(unsigned attempt, int retry_after, struct wl_err *err);

/* Waits so many milliseconds, with the same endings. */
int wl_http_wait(unsigned long ms, struct wl_err *err);

/* URL helpers. */
bool wl_url_valid(const char *url); /* http(s)://host..., no control characters or spaces */
/* Same scheme, host and port (default ports filled in). */
bool wl_url_same_origin(const char *a, const char *b);
/* Resolves a Location against the URL it came from (RFC 3986, section 5.2; scheme-relative and path-relative forms too); a new
 * string, or NULL when it is no http(s) URL. */
char *wl_url_resolve(const char *base, const char *location);
/* "host[:port]" as written, lower case; a new string, NULL when it is no URL. */
char *wl_url_host_port(const char *url);
/* Percent-encodes everything but unreserved characters; a new string. */
char *wl_url_escape(const char *s);

#endif
