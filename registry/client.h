/* A registry's API for one repository (distribution-spec 1.1, "Endpoints"). Thread safe: workers share one client.
 *
 * Every call authorises itself, tries again what fails in passing (WL_CLIENT_TRIES, with backoff and Retry-After) and fails with
 * WL_NET and a message that names the registry, what was done, what it answered and the way out. All calls of a client share one
 * budget of repetitions, so that a registry that fails most of the time is given up and not hammered. Credentials go to the registry's
 * own origin only: neither to where an upload's Location leads nor along a redirect. */
#ifndef WL_REGISTRY_CLIENT_H
#define WL_REGISTRY_CLIENT_H

#include <stdbool.h>

#include "../tool/base/err.h"
#include "../tool/base/out.h"
#include "auth.h"
#include "http.h"
#include "layout.h"
#include "oci.h"
#include "reference.h"

#define WL_CLIENT_TRIES 5             /* of one call */
#define WL_CLIENT_RETRY_AFTER_MAX 120 /* seconds that a registry may make us wait at a time */
#define WL_CLIENT_BUDGET 40           /* repetitions that may be saved up; each costs one, */
#define WL_CLIENT_BUDGET_GAIN 4       /* and so many answers that are none gain one */

enum wl_client_flags {
    WL_CLIENT_PLAIN_HTTP = 1, /* http even when the host is not this machine */
    WL_CLIENT_PUSH = 2,       /* ask for the right to push as well as to pull */
    WL_CLIENT_PING_ONLY = 4,  /* no repository: for a login */
};

struct wl_client;

/* Connects: finds out whether the registry answers, by https or (on this machine, or with PLAIN_HTTP) by http, and what
 * authorisation it wants. ref names host and repository. user and password (may be NULL) go before the credential files. */
int wl_client_open(const struct wl_reference *ref, unsigned flags, const char *user, const char *password,
                   struct wl_client **ret, struct wl_err *err);
void wl_client_close(struct wl_client *c);
void wl_client_closep(struct wl_client **c);

const char *wl_client_host(const struct wl_client *c); /* as the user says it */
const char *wl_client_path(const struct wl_client *c); /* the repository */
const char *wl_client_base(const struct wl_client *c); /* "https://host" */
/* What the registry said in Warning headers, each once. Read it when no call is running. */
const struct wl_strv *wl_client_warnings(const struct wl_client *c);

/* Whether the registry has sent bytes that are not those of the digest or size asked for, or has not the blob that a manifest of its
 * own names; that call has failed. */
bool wl_client_wrong_bytes(const struct wl_client *c);

/* What it cost so far. */
struct wl_client_stats {
    uint64_t requests;   /* answered or not */
    uint64_t repeated;   /* of these, to repeat one that failed in passing */
    uint64_t sent_again; /* bytes of blobs that were sent in vain before */
};
struct wl_client_stats wl_client_stats(struct wl_client *c);

/* A login's check: one call that needs authorisation. Fails when it is refused. *ret_needed: whether any was asked for. */
int wl_client_check_login(struct wl_client *c, bool *ret_needed, struct wl_err *err);

/* Whether the repository has the blob: 200 with the right Content-Length or digest; anything else that is an answer means no. */
int wl_client_blob_exists(struct wl_client *c, const struct wl_oci_descriptor *d, bool *ret, struct wl_err *err);

/* An upload. */
struct wl_client_upload {
    const struct wl_oci_descriptor *d;
    const struct wl_http_source
        *body;              /* d->size bytes; it must fail rather than hand out the last byte of other bytes than d's */
    const char *mount_from; /* a repository of this registry that may have the blob: it is asked to link it; or NULL */
    const struct wl_progress *progress;
    bool mounted; /* result: linked, nothing was sent */
};
/* Uploads a blob, streaming: one PUT, as every registry takes it. Where that is refused (405, 411, 501, 400) it is sent by PATCH, where it
 * is too large for the registry or the proxy in front of it (413) in chunks, and when a large one breaks off and the registry says
 * how far it got, from there on. Before it fails it looks whether the blob has arrived all the same. */
int wl_client_blob_upload(struct wl_client *c, struct wl_client_upload *u, struct wl_err *err);

/* The same for a blob of a layout, which is verified while it is read, or sealed (layout.h): a damaged one is never
 * completed. mount_from, progress and
 * ret_mounted may be NULL. */
int wl_client_blob_put(struct wl_client *c, const struct wl_layout *layout, const struct wl_oci_descriptor *d,
                       const char *mount_from, const struct wl_progress *progress, bool *ret_mounted,
                       struct wl_err *err);

/* Says that uploads may want to mount from this repository of the same registry: tokens are asked for the right to pull from it as
 * well, and where that is refused for those without. */
void wl_client_will_mount(struct wl_client *c, const char *path);

/* Downloads a blob, streaming, with resume: write gets each byte once, in order, at most d->size of them (exactly so many on success).
 * The digest is the caller's to check. */
int wl_client_blob_stream(struct wl_client *c, const struct wl_oci_descriptor *d,
                          int (*write)(void *arg, const void *p, size_t n, struct wl_err *err), void *arg,
                          const struct wl_progress *progress, struct wl_err *err);

/* Downloads a blob into the layout, streaming, with resume; it appears there only when size and digest are right. */
int wl_client_blob_get(struct wl_client *c, struct wl_layout *layout, const struct wl_oci_descriptor *d,
                       const struct wl_progress *progress, struct wl_err *err);

/* The tags of the repository, in the registry's order (distribution-spec 1.1, "Listing Tags"), at most WL_CLIENT_TAGS_MAX. A
 * repository that is not there is a failure. */
#define WL_CLIENT_TAGS_MAX 100000
int wl_client_tags(struct wl_client *c, struct wl_strv *ret, struct wl_err *err);

/* Asks what a tag or "sha256:.." stands for. Nothing there: *ret_found false. Where HEAD does not say (no digest, 405) the
 * manifest itself is fetched. */
int wl_client_manifest_head(struct wl_client *c, const char *tag_or_digest, bool *ret_found, struct wl_digest *ret,
                            struct wl_err *err);
/* Fetches a manifest or index (appended to *ret), checked against the digest asked for and Docker-Content-Digest.
 * *ret_type: its media type, a new string. */
int wl_client_manifest_get(struct wl_client *c, const char *tag_or_digest, struct wl_buf *ret, char **ret_type,
                           struct wl_digest *ret_digest, struct wl_err *err);
/* As get; nothing there: *ret_found false and the other results untouched. */
int wl_client_manifest_find(struct wl_client *c, const char *tag_or_digest, bool *ret_found, struct wl_buf *ret,
                            char **ret_type, struct wl_digest *ret_digest, struct wl_err *err);

/* What a registry says to a manifest that is put there; filled on failure too. */
struct wl_client_put {
    int status;        /* of its answer; 0 when there was none */
    bool missing_blob; /* it failed it for a blob that it says it does not have */
    bool subject;      /* it has filed it under its subject (OCI-Subject): no fallback tag is needed */
};
/* Puts a manifest under a tag or its own digest; checks the digest that comes back. ret may be NULL. */
int wl_client_manifest_put(struct wl_client *c, const char *tag_or_digest, const char *media_type, struct wl_blob bytes,
                           const struct wl_digest *digest, struct wl_client_put *ret, struct wl_err *err);

#endif
