/* What libsodium must answer, with the published test vectors; the recipe holds the answers. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

static void show(const char *what, const unsigned char *data, size_t n) {
    char hex[512];

    printf("%s %s\n", what, sodium_bin2hex(hex, sizeof(hex), data, n));
}

int main(void) {
    unsigned char out[128], seed[32] = {0}, pk[32], sk[64], key[32], nonce[24] = {0};
    unsigned long long n;

    if (sodium_init() < 0) {
        return 1;
    }
    printf("%s\n", sodium_version_string());
    crypto_hash_sha256(out, (const unsigned char *)"abc", 3);
    show("sha256", out, 32);
    crypto_generichash(out, 64, (const unsigned char *)"abc", 3, NULL, 0);
    show("blake2b", out, 64);
    /* RFC 8032, test 1 */
    sodium_hex2bin(seed, sizeof(seed), "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", 64, NULL,
                   NULL, NULL);
    crypto_sign_seed_keypair(pk, sk, seed);
    show("ed25519", pk, sizeof(pk));
    crypto_sign_detached(out, &n, (const unsigned char *)"", 0, sk);
    show("signature", out, 64);
    printf("verify %d %d\n", crypto_sign_verify_detached(out, (const unsigned char *)"", 0, pk),
           crypto_sign_verify_detached(out, (const unsigned char *)"x", 1, pk));
    /* RFC 7748, 6.1 */
    sodium_hex2bin(seed, sizeof(seed), "77076d0a7318a57d3c16c17251b26645c6c2f6a26bd97b4d2b4f5f3bbf5b3b0a", 64, NULL,
                   NULL, NULL);
    crypto_scalarmult_base(pk, seed);
    show("x25519", pk, sizeof(pk));
    memset(key, 7, sizeof(key));
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, &n, (const unsigned char *)"message", 7, NULL, 0, NULL, nonce, key);
    show("xchacha20poly1305", out, (size_t)n);
    out[0] ^= 1;
    printf("forged %d\n",
           crypto_aead_xchacha20poly1305_ietf_decrypt(out + 32, NULL, NULL, out, n, NULL, 0, nonce, key));
    if (crypto_pwhash(key, sizeof(key), "password", 8, nonce, 1, 8192, crypto_pwhash_ALG_ARGON2ID13)) {
        return 2;
    }
    show("argon2id", key, sizeof(key));
    if (crypto_pwhash_scryptsalsa208sha256_ll((const unsigned char *)"", 0, (const unsigned char *)"", 0, 16, 1, 1, out,
                                              64)) {
        return 3;
    }
    show("scrypt", out, 64);
    randombytes_buf(out, 32);
    randombytes_buf(out + 32, 32);
    printf("random %s\n", memcmp(out, out + 32, 32) != 0 && !sodium_is_zero(out, 32) ? "differs" : "repeats");
    return 0;
}
