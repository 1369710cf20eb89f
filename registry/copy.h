/* Copying an image or an index from one registry to another, without unpacking and without the local store: what the target has is
 * skipped, what another repository of the same registry has is mounted, the rest streams through (see relay.h). */
#ifndef WL_REGISTRY_COPY_H
#define WL_REGISTRY_COPY_H

#include "client.h"
#include "push.h"

#define WL_COPY_TEXT_MAX (16u << 20) /* bytes of manifests kept between looking and sending; more are fetched twice */
#define WL_COPY_REFERRERS_DEPTH 3    /* a signature of an SBOM of an image ... */

enum wl_copy_flags {
    WL_COPY_REFERRERS = 1, /* with everything that refers to it, and what refers to that */
    WL_COPY_DRY_RUN = 2,
};

/* Copies what `reference` (a tag or digest) stands for in `from` to tag ("" for by digest) in `to`. platform (may be NULL): of an
 * index that one manifest alone. *ret_root: what was copied; its strings live in ret's arena. *ret_referrers (may be NULL): how many
 * referrers were. Both clients may be of the same registry. */
int wl_copy(struct wl_client *from, struct wl_client *to, const char *reference, const char *tag,
            const struct wl_oci_platform *platform, unsigned flags, const struct wl_progress *progress,
            struct wl_push_result *ret, struct wl_oci_descriptor *ret_root, size_t *ret_referrers, struct wl_err *err);

#endif
