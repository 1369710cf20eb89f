#include "bundle.h"

#include <stdlib.h>
#include <string.h>

#include "../tool/base/json.h"
#include "../tool/base/mem.h"

#define PAYLOAD_TYPE "application/vnd.in-toto+json"
#define STATEMENT "https://in-toto.io/Statement/v1"
#define SIGN "https://sigstore.dev/cosign/sign/v1"
#define SIGNATURES_MAX 16 /* of one envelope */

/* What is signed (DSSE, "Signature Definition"): the lengths keep type and body apart. */
static void pre_authentication(const char *type, const uint8_t *body, size_t n, struct wl_buf *out) {
    wl_buf_addf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, n);
    wl_buf_add(out, body, n);
}

static bool signed_by(const wl_json *signatures, struct wl_blob bytes, const struct wl_sign_key *k) {
    for (size_t i = 0; i < wl_json_len(signatures) && i < SIGNATURES_MAX; i++) {
        const char *b64 = wl_json_get_str(wl_json_at(signatures, i), "sig");
        uint8_t sig[WL_SIGNATURE_BYTES * 2];
        size_t n = 0;

        if (b64 && strlen(b64) <= sizeof(sig) && wl_base64_decode(b64, sig, &n) == 0 &&
            wl_sign_verify(k, bytes, (struct wl_blob){sig, n}))
            return true;
    }
    return false;
}

static bool is(const wl_json *o, const char *key, const char *want) {
    const char *s = wl_json_get_str(o, key);

    return s && strcmp(s, want) == 0;
}

static int check_statement(struct wl_blob payload, const struct wl_digest *subject, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    struct wl_digest_hex hex = wl_digest_hexonly(subject);
    const wl_json *root;

    if (wl_json_parse(&doc, "signed statement", (const char *)payload.p, payload.len, WL_FAILED, err) < 0)
        return -1;
    root = wl_json_root(doc);
    if (!is(root, "_type", STATEMENT) || !is(root, "predicateType", SIGN))
        return wl_json_fail(doc, "$.predicateType", err, "is no signature of an image (" SIGN ")");
    for (size_t i = 0; i < wl_json_len(wl_json_get(root, "subject")); i++)
        if (is(wl_json_get(wl_json_at(wl_json_get(root, "subject"), i), "digest"), "sha256", hex.s))
            return 0;
    return wl_json_fail(doc, "$.subject", err, "signs another manifest than sha256:%s", hex.s);
}

int wl_bundle_check(struct wl_blob bundle, const struct wl_digest *subject, const struct wl_sign_key *k,
                    struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf covered = {0};
    WL_AUTOFREE uint8_t *payload = NULL;
    const wl_json *envelope;
    const char *b64;
    size_t n = 0;

    if (wl_json_parse(&doc, "sigstore bundle", (const char *)bundle.p, bundle.len, WL_FAILED, err) < 0)
        return -1;
    envelope = wl_json_get(wl_json_root(doc), "dsseEnvelope");
    b64 = wl_json_get_str(envelope, "payload");
    if (!b64 || !is(envelope, "payloadType", PAYLOAD_TYPE))
        return wl_json_fail(doc, "$.dsseEnvelope", err, "no envelope of an in-toto statement");
    payload = wl_malloc(strlen(b64) + 1);
    if (wl_base64_decode(b64, payload, &n) < 0)
        return wl_json_fail(doc, "$.dsseEnvelope.payload", err, "is no base64");
    pre_authentication(PAYLOAD_TYPE, payload, n, &covered);
    if (!signed_by(wl_json_get(envelope, "signatures"), wl_buf_blob(&covered), k))
        return wl_fail(err, WL_FAILED, "the signature is not by this key");
    return check_statement((struct wl_blob){payload, n}, subject, err);
}
