#include "auth.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../tool/base/digest.h"
#include "../tool/base/json.h"
#include "../tool/base/mem.h"
#include "challenge.h"
#include "reference.h"

#define MARGIN_MAX_S 10 /* a token is renewed so long before it expires, or a quarter of its life */
#define CLIENT_ID "wlpack"
#define TRIES 4 /* of a token request that fails in passing */
#define RETRY_AFTER_MAX 30

enum scheme { NONE, BASIC, BEARER };

struct wl_auth {
    pthread_mutex_t mutex;
    struct wl_http *http;
    char *host;
    char *path;
    char *base_url;
    enum scheme scheme;
    char *realm;
    char *service;
    struct wl_strv scopes;
    struct wl_strv optional; /* scopes that may be refused */
    struct wl_credentials cred;
    bool cred_looked_up;
    bool cred_failed; /* that cannot be done: no helper is made to hang, or to ask somebody, twice */
    struct wl_err cred_err;
    char *value;       /* what Authorization is now; NULL: to be fetched (BEARER) or nothing (NONE) */
    long long expires; /* monotonic seconds; 0: never */
};

static long long now_s(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

void wl_auth_new(const struct wl_auth_options *o, struct wl_auth **ret) {
    struct wl_auth *a = wl_calloc(1, sizeof(*a));

    pthread_mutex_init(&a->mutex, NULL);
    a->http = o->http;
    a->host = wl_strdup(o->host);
    a->path = wl_strdup(o->path);
    a->base_url = wl_strdup(o->base_url);
    if (o->scope)
        wl_strv_add(&a->scopes, o->scope);
    if (o->user) {
        a->cred = (struct wl_credentials){.user = wl_strdup(o->user),
                                          .password = wl_strdup(o->password ? o->password : ""),
                                          .from = wl_strdup("the command line")};
        wl_out_secret(a->cred.password);
        a->cred_looked_up = true;
    }
    *ret = a;
}

void wl_auth_free(struct wl_auth *a) {
    if (!a)
        return;
    wl_credentials_release(&a->cred);
    wl_strv_release(&a->scopes);
    wl_strv_release(&a->optional);
    free(a->host);
    free(a->path);
    free(a->base_url);
    free(a->realm);
    free(a->service);
    free(a->value);
    pthread_mutex_destroy(&a->mutex);
    free(a);
}

static int look_up(struct wl_auth *a, struct wl_err *err) {
    if (a->cred_looked_up)
        return 0;
    if (!a->cred_failed && wl_credentials_find(a->host, a->path, &a->cred, &a->cred_err) < 0)
        a->cred_failed = true;
    if (a->cred_failed) {
        *err = a->cred_err;
        return -1;
    }
    a->cred_looked_up = true;
    return 0;
}

static char *basic_value(const char *user, const char *password) {
    WL_AUTOFREE char *plain = wl_sprintf("%s:%s", user, password);
    WL_AUTOFREE char *encoded = wl_base64_encode(plain, strlen(plain));

    wl_out_secret(encoded);
    wl_out_secret(password);
    return wl_sprintf("Basic %s", encoded);
}

static int login_error(struct wl_auth *a, struct wl_err *err) {
    if (a->cred.from)
        return wl_fail(err, WL_NET, "%s refuses the login of %s (from %s); log in again with `wlpack login %s`",
                       a->host, a->cred.user ? a->cred.user : "an identity token", a->cred.from, a->host);
    return wl_fail(err, WL_NET, "%s needs a login: `wlpack login %s`", a->host, a->host);
}

/* --- Tokens ------------------------------------------------------------------------------------------------ */

/* A realm must not see our password in the clear, unless the registry itself is plain http on this machine. */
static int check_realm(const struct wl_auth *a, const char *realm, struct wl_err *err) {
    WL_AUTOFREE char *host = NULL;
    const char *p;

    if (!wl_url_valid(realm))
        return wl_fail(err, WL_NET, "%s names \"%.200s\" as its token server, which is no http(s) URL", a->host, realm);
    if (strncasecmp(realm, "https://", 8) == 0)
        return 0;
    p = realm + strlen("http://");
    host = wl_strndup(p, strcspn(p, "/?#"));
    if (strchr(host, '@') || !wl_starts(a->base_url, "http://") || !wl_host_is_loopback(host) ||
        !wl_host_is_loopback(a->base_url + strlen("http://")))
        return wl_fail(err, WL_NET,
                       "%s names %s as its token server: refused, since it is not https (allowed only when "
                       "both are on this machine)",
                       a->host, realm);
    return 0;
}

static void add_param(struct wl_buf *b, const char *key, const char *value) {
    WL_AUTOFREE char *escaped = NULL;

    if (!value || !*value)
        return;
    escaped = wl_url_escape(value);
    wl_buf_addf(b, "%s%s=%s", b->len ? "&" : "", key, escaped);
}

static void add_scopes(struct wl_buf *b, const struct wl_auth *a) {
    for (size_t i = 0; i < a->scopes.n; i++)
        add_param(b, "scope", a->scopes.v[i]);
    for (size_t i = 0; i < a->optional.n; i++)
        add_param(b, "scope", a->optional.v[i]);
}

/* Sends a token request with repetitions when it fails in passing. */
static int send_request(struct wl_auth *a, struct wl_http_request *req, struct wl_http_response *ret,
                        struct wl_err *err) {
    for (unsigned attempt = 1;; attempt++) {
        int wait = -1;

        if (wl_http_request(a->http, req, ret, err) == 0) {
            if (!wl_http_status_transient(ret->status) || attempt >= TRIES)
                return 0;
            wait = wl_http_retry_after(ret, RETRY_AFTER_MAX);
            wl_http_response_release(ret);
        } else if (!req->transient || attempt >= TRIES) {
            return wl_err_context(err, "%s: no token", a->host);
        }
        if (wl_http_backoff(attempt, wait, err) < 0)
            return -1;
    }
}

/* GET of a token, by Basic when there are credentials. */
static int get_token(struct wl_auth *a, struct wl_http_response *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf query = {0};
    WL_AUTOFREE char *authorization = NULL;
    WL_AUTOFREE char *url = NULL;
    struct wl_http_request req = {.max_body = WL_AUTH_TOKEN_MAX};

    add_param(&query, "service", a->service);
    add_scopes(&query, a);
    if (a->cred.user && a->cred.password) {
        add_param(&query, "account", a->cred.user);
        authorization = basic_value(a->cred.user, a->cred.password);
    } else if (a->cred.identity_token) {
        authorization = basic_value(a->cred.user ? a->cred.user : "<token>", a->cred.identity_token);
    }
    url = wl_sprintf("%s%s%s", a->realm, query.len ? strchr(a->realm, '?') ? "&" : "?" : "", wl_buf_str(&query));
    req.url = url;
    req.authorization = authorization;
    return send_request(a, &req, ret, err);
}

/* POST with an identity token (OAuth2 refresh). */
static int post_token(struct wl_auth *a, struct wl_http_response *ret, struct wl_err *err) {
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    WL_AUTO(wl_buf_release) struct wl_buf form = {0};
    WL_AUTO(wl_buf_release) struct wl_buf scopes = {0};
    struct wl_http_request req = {.method = "POST",
                                  .url = a->realm,
                                  .headers = headers,
                                  .max_body = WL_AUTH_TOKEN_MAX,
                                  .flags = WL_HTTP_SAME_ORIGIN};

    for (size_t i = 0; i < a->scopes.n; i++)
        wl_buf_addf(&scopes, "%s%s", i ? " " : "", a->scopes.v[i]);
    for (size_t i = 0; i < a->optional.n; i++)
        wl_buf_addf(&scopes, "%s%s", scopes.len ? " " : "", a->optional.v[i]);
    add_param(&form, "grant_type", "refresh_token");
    add_param(&form, "service", a->service);
    add_param(&form, "client_id", CLIENT_ID);
    add_param(&form, "scope", wl_buf_str(&scopes));
    add_param(&form, "refresh_token", a->cred.identity_token);
    req.body = wl_buf_blob(&form);
    return send_request(a, &req, ret, err);
}

static int read_token(struct wl_auth *a, const struct wl_http_response *res, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTOFREE char *label = wl_sprintf("token of %s", a->host);
    const wl_json *root;
    const char *token;
    int64_t lifetime = 0;

    if (wl_json_parse(&doc, label, wl_buf_str(&res->body), res->body.len, WL_NET, err) < 0)
        return -1;
    root = wl_json_root(doc);
    token = wl_json_get_str(root, "token");
    if (!token || !*token)
        token = wl_json_get_str(root, "access_token");
    if (!token || !*token)
        return wl_json_fail(doc, "$", err, "holds neither token nor access_token");
    if (!wl_json_get_int(root, "expires_in", &lifetime) || lifetime <= 0)
        lifetime = WL_AUTH_LIFETIME_DEFAULT;
    wl_out_secret(token);
    free(a->value);
    a->value = wl_sprintf("Bearer %s", token);
    a->expires = now_s() + lifetime - (lifetime / 4 < MARGIN_MAX_S ? lifetime / 4 : MARGIN_MAX_S);
    return 0;
}

static int ask_for_token(struct wl_auth *a, struct wl_http_response *ret, struct wl_err *err) {
    bool got = false;

    if (a->cred.identity_token) {
        if (post_token(a, ret, err) < 0)
            return -1;
        if (ret->status == 400 || ret->status == 401 || ret->status == 404 || ret->status == 405)
            wl_http_response_release(ret);
        else
            got = true;
    }
    return got ? 0 : get_token(a, ret, err);
}

static int fetch_token(struct wl_auth *a, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};

    if (a->cred.registry_token) {
        free(a->value);
        a->value = wl_sprintf("Bearer %s", a->cred.registry_token);
        a->expires = 0;
        return 0;
    }
    if (ask_for_token(a, &res, err) < 0)
        return -1;
    if (res.status >= 400 && res.status < 500 && a->optional.n) { /* without what we can do without */
        wl_strv_release(&a->optional);
        wl_http_response_release(&res);
        if (ask_for_token(a, &res, err) < 0)
            return -1;
    }
    if (res.status == 401 || res.status == 403)
        return login_error(a, err);
    if (res.status != 200)
        return wl_fail(err, WL_NET, "%s: its token server answers %d", a->host, res.status);
    return read_token(a, &res, err);
}

void wl_auth_want_scope(struct wl_auth *a, const char *scope) {
    pthread_mutex_lock(&a->mutex);
    if (a->scopes.n + a->optional.n < WL_AUTH_SCOPES_MAX && !wl_strv_has(&a->scopes, scope) &&
        !wl_strv_has(&a->optional, scope)) {
        wl_strv_add(&a->optional, scope);
        if (a->scheme == BEARER && !a->cred.registry_token) { /* the next call gets a token that has it */
            free(a->value);
            a->value = NULL;
        }
    }
    pthread_mutex_unlock(&a->mutex);
}

int wl_auth_value(struct wl_auth *a, char **ret, struct wl_err *err) {
    int rc = 0;

    pthread_mutex_lock(&a->mutex);
    if (a->scheme == BEARER && (!a->value || (a->expires && now_s() >= a->expires)))
        rc = fetch_token(a, err);
    if (rc == 0)
        *ret = a->value ? wl_strdup(a->value) : NULL;
    pthread_mutex_unlock(&a->mutex);
    return rc;
}

/* --- Challenges -------------------------------------------------------------------------------------------- */

static void parse_challenges(const struct wl_http_response *res, struct wl_challenges *c) {
    const char *line;

    for (size_t i = 0; (line = wl_http_header(res, "WWW-Authenticate", i)); i++)
        wl_challenges_parse(c, line); /* what could not be read is no scheme of ours */
}

/* Adds the scopes that a challenge asks for to those we ask for. */
static void take_scopes(struct wl_auth *a, const char *scope) {
    while (scope && *scope) {
        size_t n = strcspn(scope, " ");
        WL_AUTOFREE char *one = wl_strndup(scope, n);

        if (n && a->scopes.n < WL_AUTH_SCOPES_MAX && !wl_strv_has(&a->scopes, one))
            wl_strv_add(&a->scopes, one);
        scope += n + strspn(scope + n, " ");
    }
}

static void set_str(char **to, const char *s) {
    free(*to);
    *to = s ? wl_strdup(s) : NULL;
}

static int take_bearer(struct wl_auth *a, const struct wl_challenge *c, const char *used, unsigned refused,
                       struct wl_err *err) {
    const char *realm = wl_challenge_param(c, "realm");

    if (!realm)
        return wl_fail(err, WL_NET, "%s asks for a token and does not say where to get one", a->host);
    if (check_realm(a, realm, err) < 0)
        return -1;
    if (used && refused >= WL_AUTH_REFUSALS_MAX)
        return login_error(a, err);
    a->scheme = BEARER;
    set_str(&a->realm, realm);
    set_str(&a->service, wl_challenge_param(c, "service"));
    take_scopes(a, wl_challenge_param(c, "scope"));
    set_str(&a->value, NULL);
    return 0;
}

static int take_basic(struct wl_auth *a, const char *used, struct wl_err *err) {
    if (used || !a->cred.user || !a->cred.password)
        return login_error(a, err);
    a->scheme = BASIC;
    free(a->value);
    a->value = basic_value(a->cred.user, a->cred.password);
    a->expires = 0;
    return 0;
}

static int challenged(struct wl_auth *a, const struct wl_http_response *res, const char *used, unsigned refused,
                      struct wl_err *err) {
    WL_AUTO(wl_challenges_release) struct wl_challenges all = {0};
    const struct wl_challenge *bearer;

    if (a->value && (!used || strcmp(used, a->value) != 0))
        return 0; /* another worker was here: there is a newer value */
    if (look_up(a, err) < 0)
        return -1;
    parse_challenges(res, &all);
    bearer = wl_challenges_find(&all, "Bearer");
    if (bearer)
        return take_bearer(a, bearer, used, refused, err);
    if (wl_challenges_find(&all, "Basic"))
        return take_basic(a, used, err);
    if (all.n == 0)
        return login_error(a, err);
    return wl_fail(err, WL_NET, "%s asks for the authorisation scheme %.100s, which wlpack does not know", a->host,
                   all.v[0].scheme);
}

int wl_auth_challenged(struct wl_auth *a, const struct wl_http_response *res, const char *used, unsigned refused,
                       struct wl_err *err) {
    int rc;

    pthread_mutex_lock(&a->mutex);
    rc = challenged(a, res, used, refused, err);
    pthread_mutex_unlock(&a->mutex);
    return rc;
}

void wl_auth_describe(struct wl_auth *a, struct wl_buf *out) {
    pthread_mutex_lock(&a->mutex);
    if (a->cred.from)
        wl_buf_addf(out, " (as %s, from %s)", a->cred.user ? a->cred.user : "an identity token", a->cred.from);
    else
        wl_buf_adds(out, " (without a login)");
    pthread_mutex_unlock(&a->mutex);
}

bool wl_auth_has_login(struct wl_auth *a) {
    bool has;

    pthread_mutex_lock(&a->mutex);
    has = a->cred.from != NULL;
    pthread_mutex_unlock(&a->mutex);
    return has;
}
