/* Shared by client*.c and referrers.c alone. */
#ifndef WL_REGISTRY_CLIENT_INTERNAL_H
#define WL_REGISTRY_CLIENT_INTERNAL_H

#include <pthread.h>

#include "client.h"

/* An entry that this client has added to a fallback tag (referrers.c). */
struct wl_added {
    struct wl_digest subject;
    struct wl_buf index; /* an index that holds it alone */
};

struct wl_client {
    struct wl_http *http;
    struct wl_auth *auth;
    char *host;     /* as the user says it */
    char *path;     /* repository */
    char *base_url; /* scheme://host[:port], no slash at the end */
    unsigned flags;
    bool wrong_bytes; /* set by any worker */
    bool challenged;  /* the registry wanted authorisation at least once */
    bool let_in[2];   /* a call that reads, one that writes, was answered when authorisation went along */
    pthread_mutex_t mutex;
    struct wl_strv warnings;
    struct wl_client_stats stats;
    struct wl_added *added;
    size_t n_added;
    long long add_ms; /* the longest time that adding took, from the reading to the answer */
    unsigned budget;  /* quarters of a repetition: WL_CLIENT_BUDGET_GAIN make one */
};

enum wl_call_flags {
    WL_CALL_ONCE = 1,  /* a failure in passing is the caller's to deal with (an upload must start anew) */
    WL_CALL_EAGER = 2, /* a 401 is an answer like any other when authorisation was sent along */
};

/* wl_http_request with authorisation (at the client's own origin only) and repetitions. On failure req->transient is
 * as there. */
int wl_client_call(struct wl_client *c, struct wl_http_request *req, unsigned flags, struct wl_http_response *ret,
                   struct wl_err *err);

/* Takes one repetition out of the budget; false when it is used up. */
bool wl_client_may_repeat(struct wl_client *c);
/* Whether an answer is a failure in passing: as wl_http_status_transient, and 403 with Retry-After (GHCR's secondary limits). */
bool wl_client_transient(const struct wl_http_response *res);
/* Notes that bytes came that are not those asked for. */
void wl_client_note_wrong_bytes(struct wl_client *c);
/* Counts bytes of a blob that were sent in vain. */
void wl_client_wasted(struct wl_client *c, uint64_t n);

/* How progress and messages call a blob; a new string. */
char *wl_client_blob_name(const struct wl_oci_descriptor *d);

/* The target of a Link header with rel="next" (RFC 8288), a new string; NULL when there is none. */
char *wl_client_next_page(const struct wl_http_response *res);

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
