/* Referrers: manifests that point at another one by `subject` - an SBOM, provenance, a signature (distribution-spec 1.1, "Pushing
 * Manifests with Subject", "Listing Referrers", "Referrers Tag Schema").
 *
 * To attach something: put its blobs and a manifest with `artifactType` and `subject` into a layout and wl_push() it with the tag
 * "" (by digest). wl_push does what follows here: when the registry's answer lacks OCI-Subject, the index under the fallback tag
 * gets the manifest's descriptor. To find it again: wl_referrers_list, then wl_client_manifest_get and wl_client_blob_get (or
 * wl_pull) by digest. */
#ifndef WL_REGISTRY_REFERRERS_H
#define WL_REGISTRY_REFERRERS_H

#include "../tool/base/err.h"
#include "client.h"
#include "oci.h"

#define WL_REFERRERS_PAGES 64 /* answers that one list may be spread over */
#define WL_REFERRERS_TRIES 6  /* of the fallback tag's update, when others write it at the same time */

/* The fallback tag of a subject, "sha256-<64 hex>", by value. */
struct wl_referrers_tag {
    char s[WL_DIGEST_STR + 1];
};
struct wl_referrers_tag wl_referrers_tag(const struct wl_digest *subject);

/* The descriptor under which a manifest with a subject is listed: its media type, digest and size, the artifactType (of a manifest
 * without one its config's media type) and its annotations. Strings stay the manifest's. */
struct wl_oci_descriptor wl_referrers_descriptor(const struct wl_oci_manifest *m, const struct wl_oci_descriptor *d);

/* What refers to the subject: by the referrers API, where there is none by the fallback tag. artifact_type (may be NULL): that
 * one alone, filtered here when the registry does not. Nothing refers to it: an empty list. Strings live in the arena; what the
 * registry says is not verified further than the syntax. */
int wl_referrers_list(struct wl_client *c, const struct wl_digest *subject, const char *artifact_type,
                      struct wl_arena *a, struct wl_oci_descriptors *ret, struct wl_err *err);

/* Adds d to the index under the fallback tag (made when it is missing) unless it is there. Other entries and unknown members are kept
 * as they stand. The registry has no compare-and-swap: the index is read back and the addition repeated when another writer was
 * faster, WL_REFERRERS_TRIES times. */
int wl_referrers_add(struct wl_client *c, const struct wl_digest *subject, const struct wl_oci_descriptor *d,
                     struct wl_err *err);

/* How many milliseconds to wait before what was added by reading, changing and writing a tag is looked at once more, when that took so
 * long. */
unsigned long wl_referrers_pause_ms(long long took_ms);

/* Looks once more, a moment later, at what wl_referrers_add has written by this client, and adds again what another writer has lost: who
 * read the index before we wrote it may write it after we have read it back. Called once behind the last referrer; costs nothing when
 * nothing was written. Not thread safe. */
int wl_referrers_settle(struct wl_client *c, struct wl_err *err);

#endif
