/* Tags that belong to a manifest and not to an image of its own: "sha256-<64 hex>.sig" and its like, by which cosign keeps signatures,
 * attestations and SBOMs beside what they speak of (its SIGNATURE_SPEC.md, "Storage"). In a layout the entry has that very name, without a
 * repository: what is said holds wherever the manifest is. */
#ifndef WL_REGISTRY_DIGEST_TAG_H
#define WL_REGISTRY_DIGEST_TAG_H

#include <stdbool.h>
#include <stddef.h>

#include "../tool/base/digest.h"

#define WL_DIGEST_TAGS 3 /* .sig, .att, .sbom */

struct wl_digest_tag {
    char s[WL_DIGEST_STR + sizeof(".sbom")];
};
/* The tag number `which`, below WL_DIGEST_TAGS (0: the signatures), by value. */
struct wl_digest_tag wl_digest_tag(const struct wl_digest *subject, size_t which);

/* Whether a tag is one of them, and of which manifest. */
bool wl_digest_tag_parse(const char *tag, struct wl_digest *ret_subject);

/* Whether a tag is the referrers' fallback tag (referrers.h), "sha256-<64 hex>". */
bool wl_fallback_tag_parse(const char *tag, struct wl_digest *ret_subject);

#endif
