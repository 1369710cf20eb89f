/* Authorisation at one registry for one repository: Basic (RFC 7617) and the token flow of distribution
 * ("Token Authentication", "OAuth2 Token Authentication"). Thread safe: workers that meet a 401 at the same time make one token
 * request between them. */
#ifndef WL_REGISTRY_AUTH_H
#define WL_REGISTRY_AUTH_H

#include <stdbool.h>

#include "../tool/base/err.h"
#include "credentials.h"
#include "http.h"

#define WL_AUTH_SCOPES_MAX 16       /* scopes asked for at once */
#define WL_AUTH_TOKEN_MAX 65536     /* bytes of a token server's answer */
#define WL_AUTH_LIFETIME_DEFAULT 60 /* seconds, when the server does not say */

struct wl_auth;

struct wl_auth_options {
    struct wl_http *http;
    const char *host;     /* as the user says it: the key of the credentials */
    const char *path;     /* repository; "" for a login */
    const char *base_url; /* "https://host": decides what a realm may be */
    const char *scope;    /* "repository:PATH:pull,push"; NULL for none */
    const char *user;     /* given: used instead of the credential files */
    const char *password;
};

/* Strings are copied; http must live longer. Reads the credential files only once a challenge comes. */
void wl_auth_new(const struct wl_auth_options *o, struct wl_auth **ret);
void wl_auth_free(struct wl_auth *a);

/* Asks for one more scope from the next token on. It is optional: a token server that refuses the request gets one without. */
void wl_auth_want_scope(struct wl_auth *a, const char *scope);

/* The value for an Authorization header now; a new string, NULL when none is called for. Gets or renews a token when
 * that is due. */
int wl_auth_value(struct wl_auth *a, char **ret, struct wl_err *err);

#define WL_AUTH_REFUSALS_MAX 2 /* tokens that the registry may refuse for one request */

/* Takes the challenges of a 401. used: the value that was refused (NULL: none); refused: how often this request was refused
 * before. Success: try again with wl_auth_value. Fails when
 * there is nothing left to try: no credentials, refused ones, no scheme that we know; the error says which and how to log
 * in. */
int wl_auth_challenged(struct wl_auth *a, const struct wl_http_response *res, const char *used, unsigned refused,
                       struct wl_err *err);

/* Appends who we are to a message: " (as USER, from FILE)" or " (without a login)". */
void wl_auth_describe(struct wl_auth *a, struct wl_buf *out);
/* True when credentials were found. */
bool wl_auth_has_login(struct wl_auth *a);

#endif
