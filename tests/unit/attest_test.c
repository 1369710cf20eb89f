/* base/signature, stages/attest, and the registry's side of both: referrers in a layout, cosign's payload. */
#include <string.h>

#include "layout_fixture.h"

#include "../../registry/bundle.h"
#include "../../registry/cosign.h"
#include "../../registry/digest_tag.h"
#include "../../registry/layout_referrers.h"
#include "../../registry/referrers.h"
#include "../../tool/base/json.h"
#include "../../tool/base/signature.h"
#include "../../tool/stages/attest.h"

static struct wl_blob text(const char *s) {
    return (struct wl_blob){(const uint8_t *)s, strlen(s)};
}

static char *write_key(const char *dir, const char *name, const struct wl_buf *pem) {
    char *path = wl_path_join(dir, name);
    struct wl_err err;

    assert_ok(wl_fs_write(path, pem->p, pem->len, &err));
    return path;
}

/* --- Signatures ---------------------------------------------------------------------------------------------------- */

static void sign_and_verify(void **state) {
    WL_AUTO(wl_sign_key_release) struct wl_sign_key k = {0}, public = {0}, other = {0};
    WL_AUTO(wl_buf_release) struct wl_buf pem = {0}, sig = {0};
    WL_AUTOFREE char *path = NULL;
    char *dir = test_dir();
    struct wl_err err;

    (void)state;
    assert_ok(wl_sign_key_new(&k, &err));
    assert_ok(wl_sign_key_write_public(&k, &pem, &err));
    path = write_key(dir, "k.pub", &pem);
    assert_ok(wl_sign_key_load(path, NULL, &public, &err));
    assert_false(public.is_private);
    assert_ok(wl_sign(&k, text("hello"), &sig, &err));
    assert_true(wl_sign_verify(&public, text("hello"), (struct wl_blob){(uint8_t *)sig.p, sig.len}));
    assert_false(wl_sign_verify(&public, text("hellp"), (struct wl_blob){(uint8_t *)sig.p, sig.len}));
    assert_false(wl_sign_verify(&public, text("hello"), (struct wl_blob){(uint8_t *)sig.p, sig.len - 1}));
    assert_false(wl_sign_verify(&public, text("hello"), text("")));
    assert_ok(wl_sign_key_new(&other, &err));
    assert_false(wl_sign_verify(&other, text("hello"), (struct wl_blob){(uint8_t *)sig.p, sig.len}));
    wl_buf_clear(&sig);
    assert_fails(wl_sign(&public, text("x"), &sig, &err), WL_FAILED, "needs the private key");
    test_rmdir(dir);
}

/* Made by the openssl program: `openssl dgst -sha256 -sign`. */
static void known_signature(void **state) {
    static const char pem[] =
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEft851vQ2BnVQTnJ5WRvHPisfq1yY\n"
        "ra9YnFwAkQ2f15z9KRIKLQDtP8ii6+RNnvGtb/dZDBoHBB9XDTJgRsJX7Q==\n"
        "-----END PUBLIC KEY-----\n";
    static const char b64[] =
        "MEYCIQD9uzzQHoQP86l3mBFv6xCOIDQmf/gGLgVqGim5SG1VSQIhANDMnpyL8Vu+LUoNrbCAhPUEC3viqv534YUVhDOdD+D3";
    WL_AUTO(wl_sign_key_release) struct wl_sign_key k = {0};
    WL_AUTOFREE char *path = NULL;
    char *dir = test_dir();
    uint8_t sig[256];
    size_t n;
    struct wl_err err;

    (void)state;
    path = wl_path_join(dir, "k.pub");
    assert_ok(wl_fs_write(path, pem, strlen(pem), &err));
    assert_ok(wl_sign_key_load(path, NULL, &k, &err));
    assert_int_equal(wl_base64_decode(b64, sig, &n), 0);
    assert_true(wl_sign_verify(&k, text("a known text\n"), (struct wl_blob){sig, n}));
    assert_false(wl_sign_verify(&k, text("a known text"), (struct wl_blob){sig, n}));
    test_rmdir(dir);
}

static void key_files(void **state) {
    WL_AUTO(wl_sign_key_release) struct wl_sign_key k = {0}, back = {0};
    WL_AUTO(wl_buf_release) struct wl_buf pem = {0};
    WL_AUTOFREE char *path = NULL;
    WL_AUTOFREE char *bad = NULL;
    char *dir = test_dir();
    struct wl_err err;

    (void)state;
    assert_ok(wl_sign_key_new(&k, &err));
    assert_ok(wl_sign_key_write_private(&k, "secret", &pem, &err));
    assert_non_null(strstr(pem.p, "ENCRYPTED"));
    path = write_key(dir, "k", &pem);
    assert_fails(wl_sign_key_load(path, NULL, &back, &err), WL_FAILED, "WLPACK_KEY_PASSWORD");
    assert_fails(wl_sign_key_load(path, "wrong", &back, &err), WL_FAILED, "password is wrong");
    assert_ok(wl_sign_key_load(path, "secret", &back, &err));
    assert_true(back.is_private);
    bad = wl_path_join(dir, "bad");
    assert_ok(wl_fs_write(bad, "hello", 5, &err));
    assert_fails(wl_sign_key_load(bad, NULL, &back, &err), WL_FAILED, "no key in PEM");
    assert_fails(wl_sign_key_load("/nonexistent/key", NULL, &back, &err), WL_FAILED, "/nonexistent/key");
    test_rmdir(dir);
}

/* What is in the file that `cosign generate-key-pair` (3.1) wrote with the password "secret1", and its public key. */
static const char cosign_json[] =
    "{\"kdf\":{\"name\":\"scrypt\",\"params\":{\"N\":65536,\"r\":8,\"p\":1},\"salt\":\"got6/"
    "LunNaGAzGWVhGjxN+KqwdZaJXdtygb"
    "vA1vMWjU=\"},\"cipher\":{\"name\":\"nacl/secretbox\",\"nonce\":\"VYjXCxZF0sFUz1XJJP7H/+yo4hOhpsRJ\"},\"ciphertex"
    "t\":\"ldwsE7zN7wSqw7cmNNLg0jqdx2K2Ey8QNJ/s7myb+ef6l6wgttFK+H5LtNxNwExAtMSI8yAuq3nbboi2NBvXgM6ZTxr2rXbN"
    "PJYg0Hh0N5A0iM4+gDZoJdHSGLPGqJ9MEpJZiZoQ97L2EKTKhqD9fwfMqgZGV8cgi3BNp3rr8rp7w7Co4RkEKDUuj7ep1dQWPL6N"
    "rHDk1fFjPQ==\"}";
static const char cosign_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENRhk/QGoZisVUFbh9dW4tItInkI5\n"
                                    "RntEy1SGQVg6ysp3BccM0/TKugPZ1Zj3O3s+Ea37ZyWtt0FKIAmmooEawA==\n"
                                    "-----END PUBLIC KEY-----\n";

/* Loads the document as cosign would write it. */
static int load_cosign_key(const char *dir, const char *json, const char *password, struct wl_sign_key *ret,
                           struct wl_err *err) {
    WL_AUTOFREE char *b64 = wl_base64_encode(json, strlen(json));
    WL_AUTO(wl_buf_release) struct wl_buf pem = {0};
    WL_AUTOFREE char *path = NULL;

    wl_buf_adds(&pem, "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n");
    for (const char *p = b64; *p; p += strlen(p) < 64 ? strlen(p) : 64)
        wl_buf_addf(&pem, "%.64s\n", p);
    wl_buf_adds(&pem, "-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n");
    path = write_key(dir, "cosign.key", &pem);
    return wl_sign_key_load(path, password, ret, err);
}

static void cosign_keys(void **state) {
    static const struct {
        const char *from, *to, *error;
    } bad[] = {
        {"scrypt", "argon2", "no key that cosign has encrypted"},
        {"nacl/secretbox", "nacl/other", "no key that cosign has encrypted"},
        {"\"nonce\":\"VYj", "\"nonce\":\"", "no key that cosign has encrypted"},
        {"\"N\":65536", "\"N\":\"65536\"", "no key that cosign has encrypted"},
        {"\"N\":65536", "\"N\":65537", "asks for more than"},
        {"\"N\":65536", "\"N\":1073741824", "asks for more than"},
        {"\"r\":8", "\"r\":64", "asks for more than"},
        {"\"r\":8", "\"r\":-8", "asks for more than"},
        {"\"p\":1", "\"p\":0", "asks for more than"},
        {"\"p\":1", "\"p\":1000", "asks for more than"},
        {"got6", "goT6", "password is wrong"},
        {"ldws", "ldWs", "password is wrong"},
        {"}", "", "no key that cosign has encrypted"},
        {"{", "", "no key that cosign has encrypted"},
    };
    WL_AUTO(wl_sign_key_release) struct wl_sign_key k = {0}, none = {0};
    WL_AUTO(wl_buf_release) struct wl_buf pem = {0};
    char *dir = test_dir();
    struct wl_err err;

    (void)state;
    assert_ok(load_cosign_key(dir, cosign_json, "secret1", &k, &err));
    assert_true(k.is_private);
    assert_ok(wl_sign_key_write_public(&k, &pem, &err));
    assert_string_equal(wl_buf_str(&pem), cosign_public);
    assert_fails(load_cosign_key(dir, cosign_json, "secret2", &none, &err), WL_FAILED, "password is wrong");
    assert_fails(load_cosign_key(dir, cosign_json, "", &none, &err), WL_FAILED, "password is wrong");
    assert_fails(load_cosign_key(dir, cosign_json, NULL, &none, &err), WL_FAILED, "COSIGN_PASSWORD");
    for (size_t i = 0; i < WL_ARRAY_LEN(bad); i++) {
        const char *at = strstr(cosign_json, bad[i].from);
        WL_AUTOFREE char *json =
            wl_sprintf("%.*s%s%s", (int)(at - cosign_json), cosign_json, bad[i].to, at + strlen(bad[i].from));

        assert_fails(load_cosign_key(dir, json, "secret1", &none, &err), WL_FAILED, bad[i].error);
    }
    test_rmdir(dir);
}

/* Only P-256 is taken: an RSA key and one over P-384. */
static void other_kinds(void **state) {
    static const char p384[] =
        "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEzP7aoo7aavwRzYhRs9iEqrRMKbMqtFtl\n"
        "3JqfIaWCHbeg4lZgPQZgYuQC1XYec0NFBB+75eol4EVL1nNOxBDwCv9bPTUTjC0Q\n"
        "VnThEtS4KB0vrTA7wYuqUkr9Exu/NK08\n"
        "-----END PUBLIC KEY-----\n";
    WL_AUTO(wl_sign_key_release) struct wl_sign_key k = {0};
    WL_AUTOFREE char *path = NULL;
    char *dir = test_dir();
    struct wl_err err;

    (void)state;
    path = wl_path_join(dir, "k.pub");
    assert_ok(wl_fs_write(path, p384, strlen(p384), &err));
    assert_fails(wl_sign_key_load(path, NULL, &k, &err), WL_FAILED, "only ECDSA keys over P-256");
    test_rmdir(dir);
}

static void cosign_payload(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_digest d = wl_digest_of("x", 1), other = wl_digest_of("y", 1);
    struct wl_err err;

    (void)state;
    wl_cosign_payload("registry.example.com/team/php", &d, &b);
    assert_string_equal(wl_buf_str(&b),
                        "{\"critical\":{\"identity\":{\"docker-reference\":\"registry.example.com/team/php\"},"
                        "\"image\":{\"docker-manifest-digest\":\"sha256:"
                        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\"},"
                        "\"type\":\"cosign container image signature\"},\"optional\":null}");
    assert_ok(wl_cosign_payload_check(wl_buf_blob(&b), &d, &err));
    assert_fails(wl_cosign_payload_check(wl_buf_blob(&b), &other, &err), WL_FAILED, "signs another manifest");
    assert_fails(wl_cosign_payload_check(text("{}"), &d, &err), WL_FAILED, "critical.type");
    assert_fails(wl_cosign_payload_check(text("{"), &d, &err), WL_FAILED, "signature payload");
    assert_string_equal(wl_cosign_tag(&d).s,
                        "sha256-2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881.sig");
}

/* Made by cosign 3.1.3: `cosign sign --key`. */
static const char cosign_key[] =
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJ3j2F8HP6uCf3inPjgDCXwupqxGw\ntP"
    "y8kJp0b8lhXtfV4RPLdN97jKMMaDhj1O5ssAN4ycs0oHbnEfMuTeYTIw==\n-----END PUBLIC KEY-----\n";
static const char cosign_bundle[] =
    "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":{\"pub"
    "licKey\":{\"hint\":\"ykEfOg7FhgsL/vuY3YMf+a+BITnX7/1piDtxss7vtr4=\"}},\"dsseEnvelope\":{\"payloa"
    "d\":\"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJkaWdlc3QiOnsic2"
    "hhMjU2IjoiMjEyYTQ4OWZlMzc3OTNmNjE0YzFhMGJiMTE5MjZmOTc1MjAwMDAxNDc5NWUyN2IxMzBjYTJkNWEyNzM2ZTgzMC"
    "J9LCJhbm5vdGF0aW9ucyI6e319XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vc2lnc3RvcmUuZGV2L2Nvc2lnbi9zaWduL3"
    "YxIiwicHJlZGljYXRlIjp7fX0=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\""
    "sig\":\"MEUCIQD670Ro5A2QXLEBmkwhpwlys8blmoInkkuCsWpObcgmnAIgI3FBmBVHsdxz56onkJ7piVwoVFBeDSFctSQC"
    "DD+VTrE=\"}]}}";
#define COSIGN_SUBJECT "212a489fe37793f614c1a0bb11926f9752000014795e27b130ca2d5a2736e830"

static void change(char *s, const char *what, const char *to) {
    char *at = strstr(s, what);

    assert_non_null(at);
    memcpy(at, to, strlen(to));
}

static void bundles(void **state) {
    WL_AUTO(wl_sign_key_release) struct wl_sign_key k = {0}, other = {0};
    WL_AUTOFREE char *path = NULL;
    WL_AUTOFREE char *bad = wl_strdup(cosign_bundle);
    char *dir = test_dir();
    struct wl_digest d, elsewhere = wl_digest_of("y", 1);
    struct wl_err err;

    (void)state;
    path = wl_path_join(dir, "k.pub");
    assert_ok(wl_fs_write(path, cosign_key, strlen(cosign_key), &err));
    assert_ok(wl_sign_key_load(path, NULL, &k, &err));
    assert_ok(wl_sign_key_new(&other, &err));
    assert_true(wl_digest_parse_hex(COSIGN_SUBJECT, &d));
    assert_ok(wl_bundle_check(text(cosign_bundle), &d, &k, &err));
    assert_fails(wl_bundle_check(text(cosign_bundle), &d, &other, &err), WL_FAILED, "not by this key");
    assert_fails(wl_bundle_check(text(cosign_bundle), &elsewhere, &k, &err), WL_FAILED, "signs another manifest");
    change(bad, "eyJf", "eyJe"); /* the first bytes of the statement */
    assert_fails(wl_bundle_check(text(bad), &d, &k, &err), WL_FAILED, "not by this key");
    change(bad, "eyJe", "e*Je");
    assert_fails(wl_bundle_check(text(bad), &d, &k, &err), WL_FAILED, "no base64");
    change(bad, "vnd.in-toto+json", "vnd.in-tota+json");
    assert_fails(wl_bundle_check(text(bad), &d, &k, &err), WL_FAILED, "no envelope of an in-toto statement");
    assert_fails(wl_bundle_check(text("{}"), &d, &k, &err), WL_FAILED, "dsseEnvelope");
    assert_fails(wl_bundle_check(text("["), &d, &k, &err), WL_FAILED, "sigstore bundle");
    test_rmdir(dir);
}

/* An attestation is signed as well and says nothing about whose image it is. */
static void bundle_of_an_attestation(void **state) {
    static const char statement[] =
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":\"" COSIGN_SUBJECT
        "\"}}],\"predicateType\":\"https://slsa.dev/provenance/v1\"}";
    WL_AUTO(wl_sign_key_release) struct wl_sign_key k = {0};
    WL_AUTO(wl_buf_release) struct wl_buf covered = {0}, sig = {0};
    WL_AUTOFREE char *payload = wl_base64_encode(statement, strlen(statement));
    WL_AUTOFREE char *b64 = NULL;
    WL_AUTOFREE char *bundle = NULL;
    struct wl_digest d;
    struct wl_err err;

    (void)state;
    assert_ok(wl_sign_key_new(&k, &err));
    wl_buf_addf(&covered, "DSSEv1 28 application/vnd.in-toto+json %zu %s", strlen(statement), statement);
    assert_ok(wl_sign(&k, wl_buf_blob(&covered), &sig, &err));
    b64 = wl_base64_encode(sig.p, sig.len);
    bundle = wl_sprintf("{\"dsseEnvelope\":{\"payload\":\"%s\",\"payloadType\":\"application/vnd.in-toto+json\","
                        "\"signatures\":[{\"sig\":\"%s\"}]}}",
                        payload, b64);
    assert_true(wl_digest_parse_hex(COSIGN_SUBJECT, &d));
    assert_fails(wl_bundle_check(text(bundle), &d, &k, &err), WL_FAILED, "is no signature of an image");
}

/* --- Documents ----------------------------------------------------------------------------------------------------- */

static struct wl_attest sample(void) {
    struct wl_attest a = {.recipe = "php-7.4.33",
                          .flavour = "wasi",
                          .image = "cli",
                          .subject_name = "php:7.4.33-cli",
                          .subject = wl_digest_of("image", 5),
                          .name = "php",
                          .version = "7.4.33",
                          .license = "PHP-3.01",
                          .epoch = 1667433600,
                          .created = "2022-11-03T00:00:00Z"};

    wl_attest_add(&a, &(struct wl_material){.role = WL_MATERIAL_SOURCE,
                                            .of = "php-7.4.33",
                                            .name = "php-7.4.33.tar.xz",
                                            .version = "7.4.33",
                                            .uri = "https://www.php.net/distributions/php-7.4.33.tar.xz",
                                            .license = "PHP-3.01",
                                            .digest = wl_digest_of("s", 1)});
    wl_attest_add(&a, &(struct wl_material){.role = WL_MATERIAL_PATCH,
                                            .of = "php-7.4.33",
                                            .name = "0001 \"odd\".patch",
                                            .digest = wl_digest_of("p", 1)});
    wl_attest_add(&a, &(struct wl_material){.role = WL_MATERIAL_SOURCE,
                                            .of = "zlib-1.3.1",
                                            .name = "zlib-1.3.1.tar.gz",
                                            .digest = wl_digest_of("z", 1)});
    wl_attest_add(&a, &(struct wl_material){.role = WL_MATERIAL_KIT,
                                            .of = "php-7.4.33",
                                            .name = "binaryen",
                                            .version = "120",
                                            .digest = wl_digest_of("k", 1)});
    return a;
}

static void provenance_round_trip(void **state) {
    WL_AUTO(wl_attest_release) struct wl_attest a = sample(), b = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0}, again = {0};
    WL_AUTO(wl_strv_release) struct wl_strv diff = {0}, kits = {0};
    struct wl_err err;

    (void)state;
    wl_attest_provenance(&a, &out);
    wl_attest_provenance(&a, &again);
    assert_string_equal(out.p, again.p);
    assert_ok(wl_attest_parse("provenance", wl_buf_blob(&out), &b, &err));
    assert_string_equal(b.recipe, "php-7.4.33");
    assert_string_equal(b.builder, WL_ATTEST_BUILDER);
    assert_true(wl_digest_equal(&a.subject, &b.subject));
    assert_int_equal(b.n, 4);
    assert_string_equal(b.v[1].name, "0001 \"odd\".patch");
    wl_attest_diff(&a, &b, &diff, &kits);
    assert_int_equal(diff.n + kits.n, 0);
}

static void differences(void **state) {
    WL_AUTO(wl_attest_release) struct wl_attest a = sample(), b = sample();
    WL_AUTO(wl_strv_release) struct wl_strv diff = {0}, kits = {0};

    (void)state;
    b.v[1].digest = wl_digest_of("changed", 7);
    b.v[2].name = "zlib-1.3.2.tar.gz";
    b.v[3].digest = wl_digest_of("another kit", 11);
    wl_attest_diff(&a, &b, &diff, &kits);
    assert_int_equal(diff.n, 3);
    assert_true(wl_starts(diff.v[0], "patch 0001 \"odd\".patch of php-7.4.33: sha256:"));
    assert_string_equal(diff.v[1], "source zlib-1.3.1.tar.gz of zlib-1.3.1: not here");
    assert_string_equal(diff.v[2], "source zlib-1.3.2.tar.gz of zlib-1.3.1: not in the statement");
    assert_int_equal(kits.n, 1);
    assert_true(wl_starts(kits.v[0], "kit binaryen"));
}

static void bad_statements(void **state) {
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", "provenance"},
        {"[]", "no in-toto statement"},
        {"{\"_type\":\"https://in-toto.io/Statement/v0.1\"}", "no in-toto statement"},
        {"{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"https://slsa.dev/provenance/v1\","
         "\"predicate\":{\"buildDefinition\":{\"buildType\":\"https://example.com/x\"}}}",
         "not made by wlpack"},
        {"{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"https://slsa.dev/provenance/v1\","
         "\"predicate\":{\"buildDefinition\":{\"buildType\":\"urn:wlpack:image:v1\",\"externalParameters\":"
         "{\"app\":\"a\"}}}}",
         "app, base, format or builder is missing"},
        {"{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"https://slsa.dev/provenance/v1\","
         "\"predicate\":{\"buildDefinition\":{\"buildType\":\"urn:wlpack:build:v1\"}}}",
         "recipe, flavour, image or builder is missing"},
        {"{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"https://slsa.dev/provenance/v1\","
         "\"predicate\":{\"buildDefinition\":{\"buildType\":\"urn:wlpack:build:v1\",\"externalParameters\":"
         "{\"recipe\":\"a\",\"flavour\":\"b\",\"image\":\"c\"}},\"runDetails\":{\"builder\":{\"id\":\"d\"}}}}",
         "the subject has no sha256"},
        {"{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"https://slsa.dev/provenance/"
         "v1\",\"subject\":"
         "[{\"digest\":{\"sha256\":\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\"}}],"
         "\"predicate\":{\"buildDefinition\":{\"buildType\":\"urn:wlpack:build:v1\",\"externalParameters\":"
         "{\"recipe\":\"a\",\"flavour\":\"b\",\"image\":\"c\"},\"resolvedDependencies\":[{\"name\":\"x\"}]},"
         "\"runDetails\":{\"builder\":{\"id\":\"d\"}}}}",
         "resolvedDependencies[0]: a material needs"},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        struct wl_attest a;
        struct wl_err err;

        assert_fails(wl_attest_parse("provenance", text(cases[i].in), &a, &err), WL_FAILED, cases[i].want);
    }
}

static void spdx(void **state) {
    WL_AUTO(wl_attest_release) struct wl_attest a = sample();
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    const wl_json *packages, *relations;
    struct wl_err err;

    (void)state;
    wl_attest_spdx(&a, &out);
    assert_ok(wl_json_parse(&doc, "SBOM", out.p, out.len, WL_FAILED, &err));
    packages = wl_json_get(wl_json_root(doc), "packages");
    relations = wl_json_get(wl_json_root(doc), "relationships");
    assert_int_equal(wl_json_len(packages), 5);
    assert_int_equal(wl_json_len(relations), 5);
    assert_string_equal(wl_json_get_str(wl_json_at(packages, 2), "SPDXID"), "SPDXRef-1-0001--odd-.patch");
    assert_string_equal(wl_json_get_str(wl_json_at(relations, 1), "relationshipType"), "GENERATED_FROM");
    assert_string_equal(wl_json_get_str(wl_json_at(relations, 2), "relationshipType"), "PATCH_FOR");
    assert_string_equal(wl_json_get_str(wl_json_at(relations, 2), "relatedSpdxElement"), "SPDXRef-0-php-7.4.33.tar.xz");
    assert_string_equal(wl_json_get_str(wl_json_at(relations, 3), "relationshipType"), "STATIC_LINK");
    assert_string_equal(wl_json_str(wl_json_lookup(doc, "$.creationInfo.created")), "2022-11-03T00:00:00Z");
}

/* --- Applications -------------------------------------------------------------------------------------------------- */

static struct wl_attest app_sample(void) {
    struct wl_attest a = {.kind = WL_ATTEST_APP,
                          .recipe = "shop",
                          .base = "ghcr.io/you/php:7.4",
                          .format = "oci",
                          .subject_name = "shop:1.0",
                          .subject = wl_digest_of("image", 5),
                          .name = "shop",
                          .created = "2022-11-03T00:00:00Z",
                          .has_layer = true,
                          .layer = wl_digest_of("layer", 5)};

    wl_attest_add(
        &a, &(struct wl_material){
                .role = WL_MATERIAL_BASE, .of = "shop", .name = "ghcr.io/you/php:7.4", .digest = wl_digest_of("b", 1)});
    wl_attest_add(&a, &(struct wl_material){.role = WL_MATERIAL_GIT, .of = "shop", .name = "git", .commit = "0a1b"});
    wl_attest_add_file(&a, &(struct wl_attest_file){.name = "site/a b.php", .digest = wl_digest_of("x", 1)});
    return a;
}

static void app_round_trip(void **state) {
    WL_AUTO(wl_attest_release) struct wl_attest a = app_sample(), b = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct wl_err err;

    (void)state;
    wl_attest_provenance(&a, &out);
    assert_ok(wl_attest_parse("provenance", wl_buf_blob(&out), &b, &err));
    assert_int_equal(b.kind, WL_ATTEST_APP);
    assert_string_equal(b.recipe, "shop");
    assert_string_equal(b.base, "ghcr.io/you/php:7.4");
    assert_true(b.has_layer && wl_digest_equal(&a.layer, &b.layer));
    assert_int_equal(b.n, 2);
    assert_string_equal(wl_attest_find(&b, WL_MATERIAL_GIT)->commit, "0a1b");
    assert_null(wl_attest_find(&b, WL_MATERIAL_SOURCE));
}

static void app_sbom(void **state) {
    WL_AUTO(wl_attest_release) struct wl_attest a = app_sample();
    WL_AUTO(wl_sbom_release) struct wl_sbom s = {0}, plain = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    WL_AUTO(wl_attest_release) struct wl_attest build = sample();
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    struct wl_err err;

    (void)state;
    wl_attest_spdx(&a, &out);
    assert_ok(wl_sbom_parse("SBOM", wl_buf_blob(&out), &s, &err));
    assert_true(wl_digest_equal(&s.subject, &a.subject));
    assert_true(s.has_app && s.listed && wl_digest_equal(&s.layer, &a.layer));
    assert_int_equal(s.n_packages, 3);
    assert_int_equal(s.n_files, 1);
    assert_string_equal(s.files[0].name, "site/a b.php");
    assert_ok(wl_json_parse(&doc, "SBOM", out.p, out.len, WL_FAILED, &err));
    assert_string_equal(wl_json_str(wl_json_lookup(doc, "$.packages[2].externalRefs[0].referenceLocator")),
                        "pkg:oci/php@sha256%3A3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
                        "?repository_url=ghcr.io/you/php&tag=7.4");
    wl_buf_clear(&out);
    wl_attest_spdx(&build, &out);
    assert_ok(wl_sbom_parse("SBOM", wl_buf_blob(&out), &plain, &err));
    assert_false(plain.has_app);
    assert_fails(wl_sbom_parse("SBOM", text("{}"), &s, &err), WL_FAILED, "no SPDX 2 document");
    assert_fails(wl_sbom_parse("SBOM", text("{\"spdxVersion\":\"SPDX-2.3\"}"), &s, &err), WL_FAILED,
                 "first package has no SHA256");
}

/* --- Referrers in a layout ----------------------------------------------------------------------------------------- */

static struct wl_oci_descriptor put_image(const struct wl_layout *l, const char *name, const char *config) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct wl_oci_manifest m = {.config = wl_oci_descriptor_of("application/x-test", text(config))};
    struct wl_oci_descriptor d;
    struct wl_layout_entry e = {0};
    struct wl_digest ignored;
    struct wl_err err;

    assert_ok(wl_layout_blob_put(l, text(config), &ignored, &err));
    wl_oci_manifest_write(&m, &out);
    d = wl_oci_descriptor_of(WL_MT_MANIFEST, wl_buf_blob(&out));
    assert_ok(wl_layout_blob_put(l, wl_buf_blob(&out), &ignored, &err));
    e = (struct wl_layout_entry){
        .name = (char *)name, .media_type = (char *)d.media_type, .digest = d.digest, .size = d.size};
    assert_ok(wl_layout_tag(l, &e, &err));
    return d;
}

static size_t count(const struct wl_layout *l, const struct wl_oci_descriptor *subject) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries e = {0};
    struct wl_err err;

    assert_ok(wl_layout_referrers(l, &subject->digest, &e, &err));
    return e.n;
}

static void referrers(void **state) {
    struct fixture f = setup();
    struct wl_oci_descriptor one = put_image(&f.l, "one:1", "1"), two = put_image(&f.l, "two:1", "2");
    struct wl_attachment sbom = {.artifact_type = WL_MT_SPDX, .media_type = WL_MT_SPDX, .bytes = text("first")};
    struct wl_attachment proof = {.artifact_type = WL_MT_INTOTO, .media_type = WL_MT_INTOTO, .bytes = text("proof")};
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries e = {0};
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTO(wl_buf_release) struct wl_buf document = {0};
    struct wl_oci_descriptor d, gone = one;
    struct wl_oci_manifest m;
    struct wl_layout_gc gc;
    struct wl_err err;

    (void)state;
    assert_ok(wl_layout_attach(&f.l, &one, &sbom, NULL, &err));
    assert_ok(wl_layout_attach(&f.l, &one, &proof, NULL, &err));
    assert_ok(wl_layout_attach(&f.l, &two, &proof, NULL, &err));
    assert_int_equal(count(&f.l, &one), 2);
    sbom.bytes = text("second");
    assert_ok(wl_layout_attach(&f.l, &one, &sbom, NULL, &err));
    assert_int_equal(count(&f.l, &one), 2); /* in place of the first */
    assert_int_equal(count(&f.l, &two), 1);
    assert_ok(wl_layout_referrers(&f.l, &two.digest, &e, &err));
    d = wl_layout_entry_descriptor(&e.v[0]);
    assert_ok(wl_layout_attached(&f.l, &d, &arena, &m, &document, &err));
    assert_string_equal(wl_buf_str(&document), "proof");
    assert_true(m.has_subject && wl_digest_equal(&m.subject.digest, &two.digest));
    gone.digest = wl_digest_of("gone", 4);
    assert_fails(wl_layout_attach(&f.l, &gone, &sbom, NULL, &err), WL_FAILED, "is not in");

    /* gc keeps them with their image and drops them behind it */
    wl_layout_close(&f.l);
    assert_ok(wl_layout_gc(f.path, 0, &gc, &err));
    assert_int_equal(gc.removed, 2); /* the first SBOM and its manifest */
    assert_ok(wl_layout_open(&f.l, f.path, WL_LAYOUT_WRITE, &err));
    assert_int_equal(count(&f.l, &one), 2);
    assert_ok(wl_layout_untag(&f.l, "one:1", &err));
    wl_layout_close(&f.l);
    assert_ok(wl_layout_gc(f.path, WL_LAYOUT_GC_DRY, &gc, &err));
    assert_int_equal(gc.removed, 2 + 3); /* manifest, config; SBOM, two manifests: the proof is shared */
    assert_ok(wl_layout_gc(f.path, 0, &gc, &err));
    assert_int_equal(gc.removed, 2 + 3);
    assert_ok(wl_layout_open(&f.l, f.path, WL_LAYOUT_WRITE, &err));
    assert_int_equal(count(&f.l, &one), 0);
    assert_int_equal(count(&f.l, &two), 1);
    teardown(&f);
}

/* What is said about what is said: an SBOM's note, its signature under a digest tag, and a list under the fallback tag as regctl keeps it. */
static void referrers_of_referrers(void **state) {
    struct fixture f = setup();
    struct wl_oci_descriptor one = put_image(&f.l, "one:1", "1"), sbom, signature;
    struct wl_attachment a = {.artifact_type = WL_MT_SPDX, .media_type = WL_MT_SPDX, .bytes = text("sbom")};
    struct wl_attachment note = {.artifact_type = "application/x-note", .media_type = "text/plain", .bytes = text("n")};
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0}, listed = {0};
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry image = {0};
    WL_AUTO(wl_buf_release) struct wl_buf index = {0};
    struct wl_oci_index x = {0};
    struct wl_referrers_tag tag = wl_referrers_tag(&one.digest);
    struct wl_layout_entry fallback = {0};
    struct wl_layout_gc gc;
    struct wl_digest ignored;
    struct wl_err err;

    (void)state;
    assert_ok(wl_layout_find(&f.l, "one:1", &image, &err));
    assert_ok(wl_layout_attach(&f.l, &one, &a, NULL, &err));
    assert_ok(wl_layout_referrers(&f.l, &one.digest, &listed, &err));
    sbom = wl_layout_entry_descriptor(&listed.v[0]);
    assert_ok(wl_layout_attach(&f.l, &sbom, &note, NULL, &err));
    signature = put_image(&f.l, wl_digest_tag(&sbom.digest, 0).s, "signature");
    assert_ok(wl_layout_all_referrers(&f.l, &image, &all, &err));
    assert_int_equal(all.n, 3);
    assert_true(wl_digest_equal(&all.v[0].digest, &sbom.digest)); /* before what refers to it */
    for (size_t i = 0; i < all.n; i++)
        assert_true(wl_layout_is_attachment(&all.v[i]));
    assert_false(wl_layout_is_attachment(&image));
    wl_layout_entries_release(&all);

    x.manifests = (struct wl_oci_descriptors){&sbom, 1};
    wl_oci_index_write(&x, &index);
    assert_ok(wl_layout_blob_put(&f.l, wl_buf_blob(&index), &ignored, &err));
    fallback = (struct wl_layout_entry){.name = tag.s,
                                        .media_type = (char *)WL_MT_INDEX,
                                        .digest = wl_digest_of(index.p, index.len),
                                        .size = index.len};
    assert_ok(wl_layout_tag(&f.l, &fallback, &err));
    assert_ok(wl_layout_all_referrers(&f.l, &image, &all, &err));
    assert_int_equal(all.n, 3); /* listed twice, taken once */
    assert_ok(wl_layout_untag(&f.l, fallback.name, &err));

    wl_layout_close(&f.l);
    assert_ok(wl_layout_gc(f.path, 0, &gc, &err));
    assert_int_equal(gc.removed, 1); /* the list alone */
    assert_ok(wl_layout_open(&f.l, f.path, WL_LAYOUT_WRITE, &err));
    assert_true(wl_layout_blob_has(&f.l, &signature.digest, -1));
    assert_ok(wl_layout_untag(&f.l, "one:1", &err));
    wl_layout_close(&f.l);
    assert_ok(wl_layout_gc(f.path, 0, &gc, &err));
    assert_int_equal(gc.kept, 0);
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sign_and_verify),
        cmocka_unit_test(known_signature),
        cmocka_unit_test(key_files),
        cmocka_unit_test(cosign_keys),
        cmocka_unit_test(other_kinds),
        cmocka_unit_test(cosign_payload),
        cmocka_unit_test(provenance_round_trip),
        cmocka_unit_test(differences),
        cmocka_unit_test(bad_statements),
        cmocka_unit_test(spdx),
        cmocka_unit_test(bundles),
        cmocka_unit_test(bundle_of_an_attestation),
        cmocka_unit_test(app_round_trip),
        cmocka_unit_test(app_sbom),
        cmocka_unit_test(referrers),
        cmocka_unit_test(referrers_of_referrers),
    };

    return cmocka_run_group_tests_name("attest", tests, NULL, NULL);
}
