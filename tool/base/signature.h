/* Signatures: ECDSA over P-256 with SHA-256 (FIPS 186-5), as DER, with keys in PEM: what `cosign` makes and checks with a key
 * pair. */
#ifndef WL_BASE_SIGNATURE_H
#define WL_BASE_SIGNATURE_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

#define WL_KEY_BYTES (16 << 10)                        /* longest key file */
#define WL_SIGNATURE_BYTES 128                         /* longest signature */
#define WL_KEY_PASSWORD_VARIABLE "WLPACK_KEY_PASSWORD" /* what verbs take the password from */

/* A key of either kind; a zeroed struct is none. */
struct wl_sign_key {
    void *key;
    bool is_private;
};
void wl_sign_key_release(struct wl_sign_key *k);

/* Makes a new private key. */
int wl_sign_key_new(struct wl_sign_key *ret, struct wl_err *err);

/* What verbs take the password of a key from: WLPACK_KEY_PASSWORD, else COSIGN_PASSWORD; NULL: neither is set. */
const char *wl_sign_key_password(void);

/* Reads a private key (PKCS #8, encrypted or not, SEC 1, or what `cosign generate-key-pair` writes) or a public one
 * (SubjectPublicKeyInfo) from a PEM file. An encrypted one needs the password (may be NULL). Other curves and key types are refused. */
int wl_sign_key_load(const char *path, const char *password, struct wl_sign_key *ret, struct wl_err *err);

/* Appends the private key as PKCS #8 (with a password: encrypted, PBES2 with AES-256-CBC), or its public half as
 * SubjectPublicKeyInfo. */
int wl_sign_key_write_private(const struct wl_sign_key *k, const char *password, struct wl_buf *ret,
                              struct wl_err *err);
int wl_sign_key_write_public(const struct wl_sign_key *k, struct wl_buf *ret, struct wl_err *err);

/* Appends the DER signature over the bytes. */
int wl_sign(const struct wl_sign_key *k, struct wl_blob bytes, struct wl_buf *ret, struct wl_err *err);
/* True when the signature is this key's over the bytes; everything else, malformed ones too, is false. */
bool wl_sign_verify(const struct wl_sign_key *k, struct wl_blob bytes, struct wl_blob signature);

#endif
