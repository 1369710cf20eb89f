/* The private key files that `cosign generate-key-pair` writes: PEM around JSON that names scrypt (RFC 7914) and NaCl's secretbox, under
 * which a PKCS #8 key in DER stands (sigstore's encrypted-key format). The only user of libsodium. */
#ifndef WL_BASE_COSIGN_KEY_H
#define WL_BASE_COSIGN_KEY_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

#define WL_COSIGN_PASSWORD_VARIABLE "COSIGN_PASSWORD" /* what cosign takes the password from; it may be empty */
#define WL_COSIGN_SCRYPT_BYTES (256u << 20) /* memory that a file may ask for (128 N r); cosign's own asks for 64 MiB */

/* Whether the text is such a file, by its PEM header (both of its names). */
bool wl_cosign_key_is(const char *text);

/* Decrypts it: appends the DER, which the caller wipes. `path` is what errors call it. */
int wl_cosign_key_open(const char *path, const char *text, const char *password, struct wl_buf *ret,
                       struct wl_err *err);

#endif
