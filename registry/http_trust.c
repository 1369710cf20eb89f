/* The certificates that are trusted, read once for all connections. libcurl reads them for each: 145 of them, the usual system's, take 20 ms
 * of processor time, which is more than a push of 5 MB takes otherwise. */
#include <curl/curl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "http_internal.h"

/* What a client trusts. With a folder, whose certificates are looked up by their names' hashes, the file is read only when somebody was
 * not found there. */
struct wl_http_trust {
    pthread_mutex_t mutex;
    X509_STORE *store;
    char *file; /* not read yet; NULL: it was, or there is none */
};

/* Whether libcurl uses the OpenSSL that we are linked with, and a proxy does not have to be trusted by other certificates. */
static bool possible(void) {
    static const char *const proxies[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    const char *version = curl_version_info(CURLVERSION_NOW)->ssl_version;
    WL_AUTOFREE char *own = wl_sprintf("OpenSSL/%d.", OPENSSL_VERSION_MAJOR);

    for (size_t i = 0; i < WL_ARRAY_LEN(proxies); i++) {
        const char *s = getenv(proxies[i]);

        if (s && wl_starts(s, "https:"))
            return false;
    }
    return version && wl_starts(version, own);
}

static bool add_pem(X509_STORE *store, const struct wl_buf *pem) {
    BIO *bio = pem->len ? BIO_new_mem_buf(pem->p, (int)pem->len) : NULL;
    size_t n = 0;

    for (X509 *x = NULL; bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; X509_free(x))
        n += X509_STORE_add_cert(store, x) == 1;
    BIO_free(bio);
    return pem->len == 0 || n > 0;
}

struct wl_http_trust *wl_http_trust_new(const char *file, const char *dir, const struct wl_buf *pem) {
    struct wl_http_trust *t;

    if (!possible() || (!file && !dir))
        return NULL;
    t = wl_calloc(1, sizeof(*t));
    pthread_mutex_init(&t->mutex, NULL);
    t->store = X509_STORE_new();
    /* as libcurl has it: the server may leave out what we have, and any certificate here is trusted, not only a root */
    if (!t->store || X509_STORE_set_flags(t->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
        !add_pem(t->store, pem) || (dir && X509_STORE_load_path(t->store, dir) != 1) ||
        (!dir && X509_STORE_load_file(t->store, file) != 1)) {
        ERR_clear_error();
        wl_http_trust_free(t); /* libcurl will say what is wrong with it */
        return NULL;
    }
    ERR_clear_error();
    t->file = dir && file ? wl_strdup(file) : NULL;
    return t;
}

void wl_http_trust_free(struct wl_http_trust *t) {
    if (!t)
        return;
    X509_STORE_free(t->store);
    pthread_mutex_destroy(&t->mutex);
    free(t->file);
    free(t);
}

static CURLcode on_context(CURL *c, void *ctx, void *arg) {
    const struct wl_http_trust *t = arg;

    (void)c;
    return SSL_CTX_set1_cert_store(ctx, t->store), CURLE_OK;
}

void wl_http_trust_use(struct wl_http_trust *t, void *curl) {
    CURL *c = curl;

    if (!t || curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_context) != CURLE_OK)
        return;
    curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, t);
    curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
}

bool wl_http_trust_more(struct wl_http_trust *t) {
    bool more = false;

    if (!t)
        return false;
    pthread_mutex_lock(&t->mutex);
    if (t->file) {
        more = X509_STORE_load_file(t->store, t->file) == 1;
        ERR_clear_error();
        free(t->file);
        t->file = NULL;
    }
    pthread_mutex_unlock(&t->mutex);
    return more;
}
