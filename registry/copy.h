/* Copying an image or an index from one registry to another, without unpacking and without the local store: what the target has is
 * skipped, what another repository of the same registry has is mounted, the rest streams through (see relay.h). */
#ifndef WL_REGISTRY_COPY_H
#define WL_REGISTRY_COPY_H

#include "client.h"
#include "push.h"

#define WL_COPY_TEXT_MAX (16u << 20) /* bytes of manifests kept between looking and sending; more are fetched twice */
#define WL_COPY_REFERRERS_DEPTH 3    /* a signature of an SBOM of an image ... */

enum wl_copy_flags {
    WL_COPY_REFERRERS = 1, /* with everything that is said about it, and about that: referrers and digest tags */
    WL_COPY_DRY_RUN = 2,
};

/* What is copied where. `reference` (a tag or digest) in `from` becomes tag ("" for by digest) in `to`; both clients may be of the same
 * registry. platform (may be NULL): of an index that one manifest alone. progress may be NULL. */
struct wl_copy {
    struct wl_client *from, *to;
    const char *reference, *tag;
    const struct wl_oci_platform *platform;
    unsigned flags;
    const struct wl_progress *progress;
};

struct wl_copy_result {
    struct wl_push_result push;    /* of the image and its referrers */
    struct wl_oci_descriptor root; /* what was copied; its strings live in push's arena */
    size_t referrers;              /* copied, with what is under digest tags (digest_tag.h) */
    size_t kept;                   /* digest tags that were left as they are, since the target has another one there */
    bool source_failed;            /* result on failure: it was the source that failed, another one may help */
};
void wl_copy_result_release(struct wl_copy_result *r);

int wl_copy(const struct wl_copy *spec, struct wl_copy_result *ret, struct wl_err *err);

#endif
