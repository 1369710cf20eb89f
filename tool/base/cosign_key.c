#include "cosign_key.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "json.h"
#include "mem.h"

#define PART_BYTES 4096 /* longest salt, nonce or ciphertext, decoded */
#define SCRYPT_WORK 16  /* most passes (p) */

static const char *const names[] = {"ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"};

/* What a file says: how the key comes from the password, and what it opens. */
struct sealed {
    int64_t n, r, p;
    uint8_t salt[PART_BYTES], nonce[PART_BYTES], box[PART_BYTES];
    size_t salt_len, nonce_len, box_len;
};

static const char *body_of(const char *text, size_t *ret_len) {
    for (size_t i = 0; i < WL_ARRAY_LEN(names); i++) {
        WL_AUTOFREE char *begin = wl_sprintf("-----BEGIN %s-----", names[i]);
        WL_AUTOFREE char *end = wl_sprintf("-----END %s-----", names[i]);
        const char *from = strstr(text, begin);
        const char *to = from ? strstr(from, end) : NULL;

        if (!to)
            continue;
        from += strlen(begin);
        *ret_len = (size_t)(to - from);
        return from;
    }
    return NULL;
}

bool wl_cosign_key_is(const char *text) {
    for (size_t i = 0; i < WL_ARRAY_LEN(names); i++)
        if (strstr(text, names[i]))
            return true;
    return false;
}

/* The bytes between the lines of the PEM; a NUL follows them. */
static bool decode_pem(const char *text, struct wl_buf *ret) {
    WL_AUTO(wl_buf_release) struct wl_buf lines = {0};
    size_t len, n;
    const char *body = body_of(text, &len);

    for (size_t i = 0; body && i < len; i++)
        if (!strchr(" \t\r\n", body[i]))
            wl_buf_addc(&lines, body[i]);
    if (lines.len == 0)
        return false;
    wl_buf_add(ret, wl_buf_str(&lines), lines.len);
    if (wl_base64_decode(wl_buf_str(&lines), (uint8_t *)ret->p, &n) < 0)
        return false;
    ret->len = n;
    ret->p[n] = '\0';
    return true;
}

static bool get_bytes(const wl_json *o, const char *key, uint8_t ret[PART_BYTES], size_t *ret_len) {
    const char *s = wl_json_get_str(o, key);

    return s && strlen(s) <= PART_BYTES && wl_base64_decode(s, ret, ret_len) == 0;
}

static bool is(const wl_json *o, const char *want) {
    const char *name = wl_json_get_str(o, "name");

    return name && strcmp(name, want) == 0;
}

static bool read_sealed(const wl_json *root, struct sealed *s) {
    const wl_json *kdf = wl_json_get(root, "kdf"), *cipher = wl_json_get(root, "cipher");
    const wl_json *params = wl_json_get(kdf, "params");

    return is(kdf, "scrypt") && is(cipher, "nacl/secretbox") && wl_json_get_int(params, "N", &s->n) &&
           wl_json_get_int(params, "r", &s->r) && wl_json_get_int(params, "p", &s->p) &&
           get_bytes(kdf, "salt", s->salt, &s->salt_len) && get_bytes(cipher, "nonce", s->nonce, &s->nonce_len) &&
           s->nonce_len == crypto_secretbox_NONCEBYTES && get_bytes(root, "ciphertext", s->box, &s->box_len) &&
           s->box_len > crypto_secretbox_MACBYTES;
}

/* N is a power of two; what is asked for stays within our memory and patience. */
static bool affordable(const struct sealed *s) {
    return s->n >= 2 && s->n <= WL_COSIGN_SCRYPT_BYTES && (s->n & (s->n - 1)) == 0 && s->r >= 1 && s->r <= 64 &&
           128 * s->n * s->r <= WL_COSIGN_SCRYPT_BYTES && s->p >= 1 && s->p <= SCRYPT_WORK;
}

static bool open_box(const struct sealed *s, const char *password, uint8_t *ret) {
    uint8_t key[crypto_secretbox_KEYBYTES];
    bool ok =
        crypto_pwhash_scryptsalsa208sha256_ll((const uint8_t *)password, strlen(password), s->salt, s->salt_len,
                                              (uint64_t)s->n, (uint32_t)s->r, (uint32_t)s->p, key, sizeof(key)) == 0 &&
        crypto_secretbox_open_easy(ret, s->box, s->box_len, s->nonce, key) == 0;

    sodium_memzero(key, sizeof(key));
    return ok;
}

int wl_cosign_key_open(const char *path, const char *text, const char *password, struct wl_buf *ret,
                       struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf json = {0};
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTOFREE struct sealed *s = wl_calloc(1, sizeof(*s));
    uint8_t plain[PART_BYTES];
    bool ok;

    if (sodium_init() < 0)
        return wl_fail(err, WL_FAILED, "%s: libsodium cannot start", path);
    if (!decode_pem(text, &json) || wl_json_parse(&doc, path, wl_buf_str(&json), json.len, WL_FAILED, err) < 0 ||
        !read_sealed(wl_json_root(doc), s))
        return wl_fail(err, WL_FAILED,
                       "%s: no key that cosign has encrypted: scrypt and nacl/secretbox are expected in it", path);
    if (!affordable(s))
        return wl_fail(err, WL_FAILED, "%s: it asks for more than %u MiB of memory, or for what scrypt does not allow",
                       path, WL_COSIGN_SCRYPT_BYTES >> 20);
    ok = open_box(s, password, plain);
    if (ok)
        wl_buf_add(ret, plain, s->box_len - crypto_secretbox_MACBYTES);
    sodium_memzero(plain, sizeof(plain));
    return ok ? 0 : wl_fail(err, WL_FAILED, "%s: the password is wrong", path);
}
