/* Sigstore bundles (sigstore's protobuf-specs, "Bundle", version 0.3, as JSON), which cosign 3 makes by default: a DSSE envelope with an in-toto
 * statement about a manifest, kept as a referrer of it. Signatures by a key pair only: certificates and log entries are not looked at. */
#ifndef WL_REGISTRY_BUNDLE_H
#define WL_REGISTRY_BUNDLE_H

#include "../tool/base/buf.h"
#include "../tool/base/digest.h"
#include "../tool/base/err.h"
#include "../tool/base/signature.h"

#define WL_MT_BUNDLE "application/vnd.dev.sigstore.bundle.v0.3+json" /* artifactType and layer */
#define WL_BUNDLE_MAX (256u << 10)                                   /* longest bundle that is looked at */

/* 0 when the bundle's envelope is signed by the key, and its statement says that this manifest is signed (predicate
 * https://sigstore.dev/cosign/sign/v1; attestations are none). */
int wl_bundle_check(struct wl_blob bundle, const struct wl_digest *subject, const struct wl_sign_key *k,
                    struct wl_err *err);

#endif
