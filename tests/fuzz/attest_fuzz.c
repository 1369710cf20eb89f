/* Provenance statements, SBOMs and signature payloads: what a registry hands us as such. */
#include <stdlib.h>
#include <string.h>

#include "../../registry/bundle.h"
#include "../../registry/cosign.h"
#include "../../tool/base/mem.h"
#include "../../tool/stages/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    WL_AUTO(wl_attest_release) struct wl_attest a = {0}, b = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    WL_AUTO(wl_strv_release) struct wl_strv diff = {0}, kits = {0};
    static struct wl_sign_key key; /* of this run; no input is signed by it */
    struct wl_digest zero = {{0}};
    WL_AUTO(wl_sbom_release) struct wl_sbom sbom = {0};
    struct wl_err err;

    if (!key.key && wl_sign_key_new(&key, &err) < 0)
        abort();
    (void)wl_bundle_check((struct wl_blob){data, size}, &zero, &key, &err);
    wl_cosign_payload_check((struct wl_blob){data, size}, &zero, &err);
    if (wl_sbom_parse("SBOM", (struct wl_blob){data, size}, &sbom, &err) == 0 && !sbom.version)
        abort();
    if (wl_attest_parse("provenance", (struct wl_blob){data, size}, &a, &err) < 0)
        return 0;
    /* what was read can be written, read again, and is the same */
    wl_attest_provenance(&a, &out);
    if (wl_attest_parse("again", wl_buf_blob(&out), &b, &err) < 0)
        abort();
    wl_attest_diff(&a, &b, &diff, &kits);
    if (a.n != b.n || a.kind != b.kind || a.has_layer != b.has_layer)
        abort();
    return 0;
}
