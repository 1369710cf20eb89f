/* Shared by client.c (connection, calls, errors), client_blob.c and client_manifest.c alone. */
#ifndef WL_REGISTRY_CLIENT_INTERNAL_H
#define WL_REGISTRY_CLIENT_INTERNAL_H

#include <pthread.h>

#include "client.h"

struct wl_client {
    struct wl_http *http;
    struct wl_auth *auth;
    char *host;     /* as the user says it */
    char *path;     /* repository */
    char *base_url; /* scheme://host[:port], no slash at the end */
    unsigned flags;
    bool challenged; /* the registry wanted authorisation at least once */
    pthread_mutex_t mutex;
    struct wl_strv warnings;
};

enum wl_call_flags {
    WL_CALL_ONCE = 1, /* a failure in passing is the caller's to deal with (an upload must start anew) */
};

/* wl_http_request with authorisation (at the client's own origin only) and repetitions. On failure req->transient is
 * as there. */
int wl_client_call(struct wl_client *c, struct wl_http_request *req, unsigned flags, struct wl_http_response *ret,
                   struct wl_err *err);

/* The error for a status that was not expected. what: "upload of sha256:..". */
int wl_client_status_error(struct wl_client *c, const char *what, const struct wl_http_response *res,
                           struct wl_err *err);
/* Whether the error body names this code ("BLOB_UNKNOWN"). */
bool wl_client_error_has(const struct wl_http_response *res, const char *code);

/* "base/v2/PATH/" plus the formatted rest; a new string. */
char *wl_client_url(const struct wl_client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Where a Location leads, checked; a new string, or NULL with *err set. */
char *wl_client_location(struct wl_client *c, const char *what, const struct wl_http_response *res, struct wl_err *err);

#endif
