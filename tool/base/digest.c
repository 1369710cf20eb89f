#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

#define READ_CHUNK 65536

static void must(int ok) {
    if (!ok) {
        fprintf(stderr, "wlpack: SHA-256 or SHA-1 is not available in this OpenSSL\n");
        abort();
    }
}

void wl_sha256_init(struct wl_sha256 *h) {
    if (!h->ctx)
        h->ctx = EVP_MD_CTX_new();
    must(h->ctx != NULL);
    must(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL));
}

void wl_sha256_update(struct wl_sha256 *h, const void *p, size_t n) {
    must(EVP_DigestUpdate(h->ctx, p, n));
}

struct wl_digest wl_sha256_final(struct wl_sha256 *h) {
    struct wl_digest d;

    must(EVP_DigestFinal_ex(h->ctx, d.b, NULL));
    wl_sha256_release(h);
    return d;
}

void wl_sha256_release(struct wl_sha256 *h) {
    EVP_MD_CTX_free(h->ctx);
    h->ctx = NULL;
}

void wl_sha1_init(struct wl_sha1 *h) {
    if (!h->ctx)
        h->ctx = EVP_MD_CTX_new();
    must(h->ctx != NULL);
    must(EVP_DigestInit_ex(h->ctx, EVP_sha1(), NULL));
}

void wl_sha1_update(struct wl_sha1 *h, const void *p, size_t n) {
    must(EVP_DigestUpdate(h->ctx, p, n));
}

struct wl_sha1_sum wl_sha1_final(struct wl_sha1 *h) {
    struct wl_sha1_sum d;

    must(EVP_DigestFinal_ex(h->ctx, d.b, NULL));
    wl_sha1_release(h);
    return d;
}

void wl_sha1_release(struct wl_sha1 *h) {
    EVP_MD_CTX_free(h->ctx);
    h->ctx = NULL;
}

struct wl_digest wl_digest_of(const void *p, size_t n) {
    WL_AUTO(wl_sha256_release) struct wl_sha256 h = {0};

    wl_sha256_init(&h);
    wl_sha256_update(&h, p, n);
    return wl_sha256_final(&h);
}

int wl_digest_file(const char *path, struct wl_digest *ret, uint64_t *ret_size, struct wl_err *err) {
    WL_AUTO(wl_sha256_release) struct wl_sha256 h = {0};
    WL_AUTO(wl_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t size = 0;
    char chunk[READ_CHUNK];
    ssize_t n;

    if (fd < 0)
        return wl_fail_errno(err, errno, "cannot open %s", path);
    wl_sha256_init(&h);
    while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return wl_fail_errno(err, errno, "cannot read %s", path);
        wl_sha256_update(&h, chunk, (size_t)n);
        size += (uint64_t)n;
    }
    *ret = wl_sha256_final(&h);
    if (ret_size)
        *ret_size = size;
    return 0;
}

bool wl_digest_equal(const struct wl_digest *a, const struct wl_digest *b) {
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static void bytes_to_hex(const uint8_t *b, size_t n, char *out) {
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[b[i] >> 4];
        out[2 * i + 1] = digits[b[i] & 15];
    }
    out[2 * n] = '\0';
}

static void to_hex(const struct wl_digest *d, char *out) {
    bytes_to_hex(d->b, sizeof(d->b), out);
}

struct wl_sha1_hex wl_sha1_hex(const struct wl_sha1_sum *d) {
    struct wl_sha1_hex h;

    bytes_to_hex(d->b, sizeof(d->b), h.s);
    return h;
}

struct wl_digest_hex wl_digest_str(const struct wl_digest *d) {
    struct wl_digest_hex h = {.s = "sha256:"};

    to_hex(d, h.s + 7);
    return h;
}

struct wl_digest_hex wl_digest_hexonly(const struct wl_digest *d) {
    struct wl_digest_hex h;

    to_hex(d, h.s);
    return h;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool wl_digest_parse_hex(const char *s, struct wl_digest *ret) {
    struct wl_digest d;

    if (strlen(s) != WL_DIGEST_HEX)
        return false;
    for (size_t i = 0; i < sizeof(d.b); i++) {
        int hi = hex_value(s[2 * i]);
        int lo = hex_value(s[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return false;
        d.b[i] = (uint8_t)(hi << 4 | lo);
    }
    *ret = d;
    return true;
}

bool wl_digest_parse(const char *s, struct wl_digest *ret) {
    return strncmp(s, "sha256:", 7) == 0 && wl_digest_parse_hex(s + 7, ret);
}

void wl_sha256_field(struct wl_sha256 *h, const char *name, const void *p, size_t n) {
    char head[32];
    int len = snprintf(head, sizeof(head), "%zu:%zu:", strlen(name), n);

    wl_sha256_update(h, head, (size_t)len);
    wl_sha256_update(h, name, strlen(name));
    wl_sha256_update(h, p, n);
}

void wl_sha256_field_str(struct wl_sha256 *h, const char *name, const char *s) {
    wl_sha256_field(h, name, s, strlen(s));
}

char *wl_base64_encode(const void *p, size_t n) {
    char *out = wl_malloc((n + 2) / 3 * 4 + 1);

    EVP_EncodeBlock((unsigned char *)out, p, (int)n);
    return out;
}

int wl_base64_decode(const char *s, uint8_t *ret, size_t *ret_len) {
    size_t n = strlen(s);
    size_t pad = 0;
    int len;

    if (n % 4 != 0 || n > 1 << 20)
        return -1;
    while (pad < 2 && n > pad && s[n - 1 - pad] == '=')
        pad++;
    if (strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") != n - pad)
        return -1;
    len = EVP_DecodeBlock(ret, (const unsigned char *)s, (int)n);
    if (len < 0)
        return -1;
    *ret_len = (size_t)len - pad;
    return 0;
}
