#include "signature.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "cosign_key.h"
#include "fs.h"
#include "mem.h"

#define CURVE "prime256v1"

static void free_bio(BIO **b) {
    BIO_free(*b);
}

static void free_md(EVP_MD_CTX **c) {
    EVP_MD_CTX_free(*c);
}

static int fail(struct wl_err *err, const char *what) {
    unsigned long e = ERR_peek_last_error();
    const char *why = e ? ERR_reason_error_string(e) : NULL;

    ERR_clear_error();
    return wl_fail(err, WL_FAILED, "%s%s%s", what, why ? ": " : "", why ? why : "");
}

void wl_sign_key_release(struct wl_sign_key *k) {
    EVP_PKEY_free(k->key);
    *k = (struct wl_sign_key){0};
}

int wl_sign_key_new(struct wl_sign_key *ret, struct wl_err *err) {
    EVP_PKEY *key = EVP_EC_gen(CURVE);

    if (!key)
        return fail(err, "cannot make a key");
    *ret = (struct wl_sign_key){.key = key, .is_private = true};
    return 0;
}

/* What OpenSSL asks when a key is encrypted; never the terminal. */
static int password(char *buf, int size, int writing, void *arg) {
    const char *p = arg;
    size_t n = p ? strlen(p) : 0;

    (void)writing;
    if (!p || n > (size_t)size)
        return -1;
    memcpy(buf, p, n);
    return (int)n;
}

static bool is_p256(EVP_PKEY *key) {
    char group[64] = "";

    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) &&
           strcmp(group, CURVE) == 0;
}

static int refuse(const char *path, const char *text, const char *pass, struct wl_err *err) {
    ERR_clear_error();
    if (strstr(text, "ENCRYPTED"))
        return wl_fail(err, WL_FAILED, "%s: %s", path,
                       pass ? "the password is wrong" : "this key needs its password, in " WL_KEY_PASSWORD_VARIABLE);
    return wl_fail(err, WL_FAILED, "%s: no key in PEM in it", path);
}

const char *wl_sign_key_password(void) {
    const char *own = getenv(WL_KEY_PASSWORD_VARIABLE);

    return own ? own : getenv(WL_COSIGN_PASSWORD_VARIABLE);
}

/* A file of cosign's own. */
static int load_cosign(const char *path, const char *text, const char *pass, struct wl_sign_key *k,
                       struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf der = {0};
    const unsigned char *p;

    if (!pass)
        return wl_fail(
            err, WL_FAILED,
            "%s: this key needs its password, in " WL_KEY_PASSWORD_VARIABLE " or " WL_COSIGN_PASSWORD_VARIABLE, path);
    if (wl_cosign_key_open(path, text, pass, &der, err) < 0)
        return -1;
    p = (const unsigned char *)der.p;
    k->key = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
    OPENSSL_cleanse(der.p, der.len);
    return k->key ? 0 : fail(err, "what is encrypted in it is no key");
}

/* A key in PEM that OpenSSL reads. */
static int load_pem(const char *path, const struct wl_buf *text, const char *pass, struct wl_sign_key *k,
                    struct wl_err *err) {
    WL_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(text->p, (int)text->len);

    k->key = k->is_private ? PEM_read_bio_PrivateKey(bio, NULL, password, (void *)pass)
                           : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    return k->key ? 0 : refuse(path, text->p, pass, err);
}

int wl_sign_key_load(const char *path, const char *pass, struct wl_sign_key *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_sign_key_release) struct wl_sign_key k = {0};
    const char *s;

    if (wl_fs_read(path, WL_KEY_BYTES, &text, err) < 0)
        return -1;
    s = wl_buf_str(&text);
    k.is_private = strstr(s, "PRIVATE KEY-----") != NULL;
    if ((wl_cosign_key_is(s) ? load_cosign(path, s, pass, &k, err) : load_pem(path, &text, pass, &k, err)) < 0)
        return -1;
    if (!is_p256(k.key))
        return wl_fail(err, WL_FAILED, "%s: only ECDSA keys over P-256 are used, and this is another kind", path);
    *ret = k;
    k = (struct wl_sign_key){0};
    return 0;
}

static void add_bio(struct wl_buf *ret, BIO *bio) {
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);

    wl_buf_add(ret, p, (size_t)n);
}

int wl_sign_key_write_private(const struct wl_sign_key *k, const char *pass, struct wl_buf *ret, struct wl_err *err) {
    WL_AUTO(free_bio) BIO *bio = BIO_new(BIO_s_mem());

    if (!bio || !PEM_write_bio_PKCS8PrivateKey(bio, k->key, pass ? EVP_aes_256_cbc() : NULL, pass,
                                               pass ? (int)strlen(pass) : 0, NULL, NULL))
        return fail(err, "cannot write the private key");
    add_bio(ret, bio);
    return 0;
}

int wl_sign_key_write_public(const struct wl_sign_key *k, struct wl_buf *ret, struct wl_err *err) {
    WL_AUTO(free_bio) BIO *bio = BIO_new(BIO_s_mem());

    if (!bio || !PEM_write_bio_PUBKEY(bio, k->key))
        return fail(err, "cannot write the public key");
    add_bio(ret, bio);
    return 0;
}

int wl_sign(const struct wl_sign_key *k, struct wl_blob bytes, struct wl_buf *ret, struct wl_err *err) {
    WL_AUTO(free_md) EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char sig[WL_SIGNATURE_BYTES];
    size_t n = sizeof(sig);

    if (!k->is_private)
        return wl_fail(err, WL_FAILED, "signing needs the private key, not the public one");
    if (!md || EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, k->key) != 1 ||
        EVP_DigestSign(md, sig, &n, bytes.p, bytes.len) != 1)
        return fail(err, "cannot sign");
    wl_buf_add(ret, sig, n);
    return 0;
}

bool wl_sign_verify(const struct wl_sign_key *k, struct wl_blob bytes, struct wl_blob signature) {
    WL_AUTO(free_md) EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, k->key) == 1 &&
              EVP_DigestVerify(md, signature.p, signature.len, bytes.p, bytes.len) == 1;

    ERR_clear_error();
    return ok;
}
