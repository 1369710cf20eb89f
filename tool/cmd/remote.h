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
int wl_remote_network(const struct wl_args *args, struct wl_err *err);

/* A reference that must name its registry ("php:7.4" alone is refused: it would mean docker.io). */
int wl_remote_reference(const char *s, struct wl_reference *ret, struct wl_err *err);

/* Opens $WLPACK_HOME/oci with the flags of wl_layout_open. */
int wl_remote_store(struct wl_layout *ret, unsigned flags, struct wl_err *err);

/* Pulls into the layout (open for writing): from the mirrors that $WLPACK_REGISTRY_MIRROR names for the reference, in their order, then
 * from its own registry. flags: of wl_client_open; platform may be NULL. The variable: "HOST[/PATH]=MIRROR[/PATH]", several
 * separated by blanks or commas; "http://" in front of a mirror allows plain http to it. */
#define WL_REMOTE_MIRRORS_MAX 8
int wl_remote_pull(const struct wl_reference *ref, unsigned flags, struct wl_layout *layout,
                   const struct wl_oci_platform *platform, const struct wl_progress *progress,
                   struct wl_pull_result *ret, struct wl_err *err);

/* Prints a registry's warnings once. */
void wl_remote_warnings(const struct wl_client *c);

/* "HOST/PATH@sha256:..": what every tool takes for exactly this image. A new string. */
char *wl_remote_pinned(const struct wl_reference *r, const struct wl_digest *d);

#endif
