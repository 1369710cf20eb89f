/* What push, pull, copy and login share: references on the command line, the local store, what a registry says. */
#ifndef WL_CMD_REMOTE_H
#define WL_CMD_REMOTE_H

#include <stdbool.h>

#include "../../registry/client.h"
#include "../../registry/layout.h"
#include "../../registry/pull.h"
#include "../../registry/reference.h"
#include "../base/err.h"
#include "cmd.h"

/* Options of every verb that talks to a registry; wl_remote_network takes them. */
#define WL_REMOTE_OPTS                                                                                                 \
    {"timeout", 0, "SECONDS", "give up when it is not done by then"},                                                  \
        {"cacert", 0, "FILE", "trust these certificates (PEM) instead of the system's"},                               \
        {"cert", 0, "FILE", "show this client certificate (PEM) to the registry"},                                     \
        {"key", 0, "FILE", "the key of --cert, when it is not in the same file"}
/* The same for verbs whose --key signs or verifies: there the client certificate's key is --cert-key. */
#define WL_REMOTE_OPTS_CERT_KEY                                                                                        \
    {"timeout", 0, "SECONDS", "give up when it is not done by then"},                                                  \
        {"cacert", 0, "FILE", "trust these certificates (PEM) instead of the system's"},                               \
        {"cert", 0, "FILE", "show this client certificate (PEM) to the registry"},                                     \
        {"cert-key", 0, "FILE", "the key of --cert, when it is not in the same file"}
int wl_remote_network(const struct wl_args *args, struct wl_err *err);

/* A reference that must name its registry: something is written to it, or it may be a local name ("php:7.4" alone is refused: it would mean
 * docker.io/library). What is only read is taken as docker takes it (wl_reference_parse). */
int wl_remote_reference(const char *s, struct wl_reference *ret, struct wl_err *err);

/* Opens $WLPACK_HOME/oci with the flags of wl_layout_open. */
int wl_remote_store(struct wl_layout *ret, unsigned flags, struct wl_err *err);

/* Calls fn for each place that may have what a reference stands for, until it succeeds: the mirrors that $WLPACK_REGISTRY_MIRROR names
 * for it, in their order, then its own registry. flags: of wl_client_open; fn gets those of the place. When fn fails and *ret_elsewhere is
 * set, the next place is tried, with a warning. The variable: "HOST[/PATH]=MIRROR[/PATH]", several separated by blanks or commas; "http://"
 * in front of a mirror allows plain http to it. */
#define WL_REMOTE_MIRRORS_MAX 8
typedef int wl_remote_place(void *arg, const struct wl_reference *place, unsigned flags, bool *ret_elsewhere,
                            struct wl_err *err);
int wl_remote_each(const struct wl_reference *ref, unsigned flags, wl_remote_place *fn, void *arg, struct wl_err *err);

/* Pulls into the layout (open for writing), from the places above. platform may be NULL; pull_flags: of wl_pull. */
struct wl_remote_pull {
    const struct wl_reference *ref;
    unsigned flags, pull_flags;
    struct wl_layout *layout;
    const struct wl_oci_platform *platform;
    const struct wl_progress *progress;
    bool referrers;     /* with what is said about it */
    size_t n_referrers; /* result: how many that were */
};
int wl_remote_pull(struct wl_remote_pull *p, struct wl_pull_result *ret, struct wl_err *err);

/* Writes digests, one a line, to the file of --digest-file, if it was given. */
int wl_remote_digest_file(const struct wl_args *args, const struct wl_digest *v, size_t n, struct wl_err *err);

/* Prints a registry's warnings once. */
void wl_remote_warnings(const struct wl_client *c);

/* "HOST/PATH@sha256:..": what every tool takes for exactly this image. A new string. */
char *wl_remote_pinned(const struct wl_reference *r, const struct wl_digest *d);

#endif
