/* SHA-256 digests (FIPS 180-4) and their OCI spelling, `sha256:<64 lower-case hex>` (image-spec 1.1, descriptor.md,
 * "Digests"). */
#ifndef WL_BASE_DIGEST_H
#define WL_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define WL_DIGEST_HEX 64
#define WL_DIGEST_STR (7 + WL_DIGEST_HEX) /* characters of "sha256:..." without the NUL */

struct wl_digest {
    uint8_t b[32];
};

struct wl_digest_hex {
    char s[WL_DIGEST_STR + 1];
};

/* Streaming. A zeroed struct is ready for init; final or release ends it. */
struct wl_sha256 {
    void *ctx;
};

void wl_sha256_init(struct wl_sha256 *h);
void wl_sha256_update(struct wl_sha256 *h, const void *p, size_t n);
struct wl_digest wl_sha256_final(struct wl_sha256 *h);
void wl_sha256_release(struct wl_sha256 *h);

struct wl_digest wl_digest_of(const void *p, size_t n);
/* The digest of a whole file; *ret_size (may be NULL) its length in bytes. */
int wl_digest_file(const char *path, struct wl_digest *ret, uint64_t *ret_size, struct wl_err *err);

bool wl_digest_equal(const struct wl_digest *a, const struct wl_digest *b);

/* SHA-1 (FIPS 180-4), for what SPDX wants beside SHA-256; nothing here trusts it. Streaming as above. */
struct wl_sha1 {
    void *ctx;
};
struct wl_sha1_sum {
    uint8_t b[20];
};
struct wl_sha1_hex {
    char s[41];
};
void wl_sha1_init(struct wl_sha1 *h);
void wl_sha1_update(struct wl_sha1 *h, const void *p, size_t n);
struct wl_sha1_sum wl_sha1_final(struct wl_sha1 *h);
void wl_sha1_release(struct wl_sha1 *h);
struct wl_sha1_hex wl_sha1_hex(const struct wl_sha1_sum *d);

/* By value, so that `printf("%s", wl_digest_str(&d).s)` works; hex is without "sha256:". */
struct wl_digest_hex wl_digest_str(const struct wl_digest *d);
struct wl_digest_hex wl_digest_hexonly(const struct wl_digest *d);

/* Strict: exactly "sha256:" and 64 lower-case hex digits, or (hex form) the 64 digits alone. */
bool wl_digest_parse(const char *s, struct wl_digest *ret);
bool wl_digest_parse_hex(const char *s, struct wl_digest *ret);

/* Keys: a digest over a sequence of named values, each written as its length and bytes so that no two different
 * sequences give the same input. */
void wl_sha256_field(struct wl_sha256 *h, const char *name, const void *p, size_t n);
void wl_sha256_field_str(struct wl_sha256 *h, const char *name, const char *s);

/* Base64 (RFC 4648, section 4) with padding. Encode: a new string. Decode: strict, at most strlen(s) bytes into
 * ret (the caller gives that much room); -1 when malformed. */
char *wl_base64_encode(const void *p, size_t n);
int wl_base64_decode(const char *s, uint8_t *ret, size_t *ret_len);

#endif
