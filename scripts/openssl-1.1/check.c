/* What libcrypto must answer, with the published test vectors; the recipe holds the answers. */
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static void show(const char *what, const unsigned char *data, size_t n) {
    printf("%s ", what);
    for (size_t i = 0; i < n; i++) {
        printf("%02x", data[i]);
    }
    printf("\n");
}

static void digests(void) {
    const char *names[] = {"md4", "md5", "sha1", "sha256", "sha512", "sha3-256", "ripemd160"};
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned n;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        EVP_Digest("abc", 3, out, &n, EVP_get_digestbyname(names[i]), NULL);
        show(names[i], out, n);
    }
    HMAC(EVP_sha256(), "key", 3, (const unsigned char *)"abc", 3, out, &n);
    show("hmac", out, n);
    PKCS5_PBKDF2_HMAC("password", 8, (const unsigned char *)"salt", 4, 4096, EVP_sha1(), 20, out);
    show("pbkdf2", out, 20);
}

static void ciphers(void) {
    const char *names[] = {"aes-128-cbc", "aes-256-gcm", "aes-256-ctr", "des-ede3-cbc",
                           "rc2-40-cbc",  "rc4",         "bf-cbc",      "chacha20-poly1305"};
    unsigned char key[32], iv[16], out[64];
    int n, last;

    for (int i = 0; i < 32; i++) {
        key[i] = (unsigned char)i;
        iv[i % 16] = (unsigned char)(255 - i);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

        EVP_EncryptInit_ex(ctx, EVP_get_cipherbyname(names[i]), NULL, key, iv);
        EVP_EncryptUpdate(ctx, out, &n, (const unsigned char *)"a message of some length", 24);
        EVP_EncryptFinal_ex(ctx, out + n, &last);
        show(names[i], out, (size_t)(n + last));
        EVP_CIPHER_CTX_free(ctx);
    }
}

static void sign(const char *what, EVP_PKEY *key) {
    unsigned char out[512];
    size_t n = sizeof(out);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good, bad;

    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key);
    EVP_DigestSignUpdate(ctx, "abc", 3);
    EVP_DigestSignFinal(ctx, out, &n);
    EVP_MD_CTX_reset(ctx);
    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key);
    EVP_DigestVerifyUpdate(ctx, "abc", 3);
    good = EVP_DigestVerifyFinal(ctx, out, n);
    EVP_MD_CTX_reset(ctx);
    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key);
    EVP_DigestVerifyUpdate(ctx, "abd", 3);
    bad = EVP_DigestVerifyFinal(ctx, out, n);
    printf("%s signs: %d %d\n", what, good, bad);
    EVP_MD_CTX_free(ctx);
}

static EVP_PKEY *generate(int type, int bits, int curve) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(type, NULL);
    EVP_PKEY *key = NULL;

    EVP_PKEY_keygen_init(ctx);
    if (curve) {
        EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, curve);
    } else {
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits);
    }
    EVP_PKEY_keygen(ctx, &key);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void certificate(EVP_PKEY *key) {
    X509 *cert = X509_new(), *back;
    X509_NAME *name = X509_get_subject_name(cert);
    BIO *bio = BIO_new(BIO_s_mem());
    char text[80];

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"wasi", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    ASN1_TIME_set_string(X509_getm_notBefore(cert), "20220101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(cert), "20991231235959Z");
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());
    PEM_write_bio_X509(bio, cert);
    back = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    printf("certificate %s, verify %d\n", X509_NAME_oneline(X509_get_subject_name(back), text, sizeof(text)),
           X509_verify(back, key));
    BIO_free(bio);
    X509_free(back);
    X509_free(cert);
}

int main(void) {
    unsigned char a[64] = {0};
    EVP_PKEY *rsa, *ec;

    printf("%s\n", OPENSSL_VERSION_TEXT);
    digests();
    ciphers();
    printf("random %d, %s\n", RAND_bytes(a, 64), memcmp(a, a + 32, 32) != 0 ? "differs" : "repeats");
    rsa = generate(EVP_PKEY_RSA, 1024, 0);
    ec = generate(EVP_PKEY_EC, 0, NID_X9_62_prime256v1);
    sign("rsa", rsa);
    sign("ec", ec);
    certificate(rsa);
    certificate(ec);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    /* the first error was that of a changed message */
    printf("%s\n", ERR_reason_error_string(ERR_get_error()));
    return 0;
}
