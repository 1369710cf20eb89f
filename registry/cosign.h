/* Signatures as cosign keeps and checks them (its specification, "SIGNATURE_SPEC.md"): the signed payload is a small JSON object that
 * holds the digest of a manifest; it is the layer of an image under the tag sha256-<hex>.sig of the same repository, the signature in base64 in
 * the layer's annotation. Key pairs only: no certificates, no transparency log (`cosign verify --key K --insecure-ignore-tlog`). */
#ifndef WL_REGISTRY_COSIGN_H
#define WL_REGISTRY_COSIGN_H

#include "../tool/base/err.h"
#include "../tool/base/signature.h"
#include "client.h"
#include "layout.h"

#define WL_MT_COSIGN "application/vnd.dev.cosign.simplesigning.v1+json"
#define WL_COSIGN_ANNOTATION "dev.cosignproject.cosign/signature"
#define WL_COSIGN_PAYLOAD_MAX (64 << 10) /* longest payload that is looked at */
#define WL_COSIGN_MAX 64                 /* most signatures of one manifest */

struct wl_cosign_tag {
    char s[WL_DIGEST_STR + 5];
};
struct wl_cosign_tag wl_cosign_tag(const struct wl_digest *subject);

/* Appends the payload for a manifest of a repository ("registry.example.com/team/php"). */
void wl_cosign_payload(const char *repository, const struct wl_digest *subject, struct wl_buf *ret);
/* 0 when the payload names this manifest. */
int wl_cosign_payload_check(struct wl_blob payload, const struct wl_digest *subject, struct wl_err *err);

struct wl_cosign_result {
    size_t good;  /* signatures by the key over this manifest */
    size_t other; /* all others */
};

/* Looks at the manifest's signatures in the registry: those under its tag and, when none of them is good, cosign 3's bundles
 * (bundle.h). None there, or no good one, is no error. Payloads go through the layout, which must
 * be open for writing; gc removes them. */
int wl_cosign_verify(struct wl_client *c, struct wl_layout *l, const struct wl_digest *subject,
                     const struct wl_sign_key *k, struct wl_cosign_result *ret, struct wl_err *err);

/* Adds a signature beside those that are there, unless there is one by this key. *ret_added: whether one was made. When somebody else
 * signs at the same time it is added to theirs, in WL_COSIGN_TRIES tries. */
#define WL_COSIGN_TRIES 6
int wl_cosign_sign(struct wl_client *c, struct wl_layout *l, const char *repository, const struct wl_digest *subject,
                   const struct wl_sign_key *k, bool *ret_added, struct wl_err *err);

/* Signatures that were added: manifests, and how long the slowest took. */
struct wl_cosign_added {
    struct wl_digest *v;
    size_t n;
    long long took_ms;
};
void wl_cosign_added_release(struct wl_cosign_added *a);
/* Signs and, if that added one, notes it. */
int wl_cosign_sign_noted(struct wl_client *c, struct wl_layout *l, const char *repository,
                         const struct wl_digest *subject, const struct wl_sign_key *k, struct wl_cosign_added *to,
                         bool *ret_added, struct wl_err *err);
/* Looks once more, a moment later, whether all are still there, and adds again those that another signer has lost (see
 * wl_referrers_settle). */
int wl_cosign_settle(struct wl_client *c, struct wl_layout *l, const char *repository, const struct wl_sign_key *k,
                     const struct wl_cosign_added *added, struct wl_err *err);

#endif
