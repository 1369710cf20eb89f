#include "client.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../tool/base/json.h"
#include "../tool/base/mem.h"
#include "../tool/base/proc.h"
#include "client_internal.h"
#include "http_internal.h"

#define MESSAGE_MAX 300 /* characters shown of a registry's own message */
#define WARNINGS_MAX 16 /* Warning headers kept */
#define REFUSALS_MAX 3  /* 401 answers to one call */
#define RENEWALS_MAX 10 /* the same, where a call of its kind was let in before */
#define ERRORS_SHOWN 3  /* of an error body's list */
#define PING_TRIES 3    /* first requests whose connection may break */

/* --- Errors ------------------------------------------------------------------------------------------------ */

/* Appends the registry's own words, if the body is the JSON of the specification (distribution-spec 1.1, "Error Codes"). */
static void add_body_errors(const struct wl_http_response *res, struct wl_buf *out) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    struct wl_err ignored;
    const wl_json *errors;

    if (res->body.len == 0 || wl_json_parse(&doc, "error", wl_buf_str(&res->body), res->body.len, WL_NET, &ignored) < 0)
        return;
    errors = wl_json_get(wl_json_root(doc), "errors");
    if (!errors || wl_json_kind(errors) != WL_JSON_ARRAY)
        return;
    for (size_t i = 0; i < wl_json_len(errors) && i < ERRORS_SHOWN; i++) {
        const char *code = wl_json_get_str(wl_json_at(errors, i), "code");
        const char *message = wl_json_get_str(wl_json_at(errors, i), "message");

        wl_buf_addf(out, ": %s%s%.*s", code ? code : "", code && message ? ": " : "", MESSAGE_MAX,
                    message ? message : "");
    }
}

bool wl_client_error_has(const struct wl_http_response *res, const char *code) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    struct wl_err ignored;
    const wl_json *errors;

    if (res->body.len == 0 || wl_json_parse(&doc, "error", wl_buf_str(&res->body), res->body.len, WL_NET, &ignored) < 0)
        return false;
    errors = wl_json_get(wl_json_root(doc), "errors");
    for (size_t i = 0; errors && wl_json_kind(errors) == WL_JSON_ARRAY && i < wl_json_len(errors); i++) {
        const char *has = wl_json_get_str(wl_json_at(errors, i), "code");

        if (has && strcasecmp(has, code) == 0)
            return true;
    }
    return false;
}

static const char *status_text(int status) {
    static const struct {
        int status;
        const char *text;
    } texts[] = {{400, "bad request"},
                 {401, "not authorised"},
                 {403, "forbidden"},
                 {404, "not found"},
                 {405, "not allowed"},
                 {407, "the proxy wants a login: https_proxy=http://USER:PASSWORD@HOST:PORT"},
                 {408, "timed out"},
                 {409, "conflict"},
                 {413, "too large for it"},
                 {416, "out of order"},
                 {429, "too many requests"},
                 {500, "internal error"},
                 {502, "bad gateway"},
                 {503, "out of service now"},
                 {504, "its gateway timed out"}};

    for (size_t i = 0; i < WL_ARRAY_LEN(texts); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return status >= 200 && status < 300 ? "which is not what a registry answers here" : "unexpected";
}

int wl_client_status_error(struct wl_client *c, const char *what, const struct wl_http_response *res,
                           struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};

    if (res->url && !wl_url_same_origin(res->url, c->base_url)) {
        WL_AUTOFREE char *elsewhere = wl_url_host_port(res->url);

        return wl_fail(err, WL_NET, "%s: %s: %s, where the registry sent us, answers %d (%s)", c->host, what,
                       elsewhere ? elsewhere : "the host", res->status, status_text(res->status));
    }
    wl_buf_addf(&text, "%s: %s: the registry answers %d (%s)", c->host, what, res->status, status_text(res->status));
    add_body_errors(res, &text);
    if (res->status == 401 || res->status == 403) {
        wl_auth_describe(c->auth, &text);
        wl_buf_addf(&text, "; log in with `wlpack login %s`", c->host);
    } else if (res->status == 404 && (c->flags & WL_CLIENT_PUSH)) {
        wl_buf_adds(&text, "; some registries want a repository to be created before the first push");
    } else if (res->status == 405 && (c->flags & WL_CLIENT_PUSH)) {
        wl_buf_adds(&text, "; it may be read-only");
    }
    return wl_fail(err, WL_NET, "%s", wl_buf_str(&text));
}

/* --- Calls ------------------------------------------------------------------------------------------------- */

char *wl_client_url(const struct wl_client *c, const char *fmt, ...) {
    struct wl_buf b = {0};
    WL_AUTOFREE char *rest = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&rest, fmt, ap) < 0)
        abort();
    va_end(ap);
    wl_buf_addf(&b, "%s/v2/%s/%s", c->base_url, c->path, rest);
    return wl_buf_steal(&b);
}

char *wl_client_location(struct wl_client *c, const char *what, const struct wl_http_response *res,
                         struct wl_err *err) {
    const char *location = wl_http_header(res, "Location", 0);
    char *url;

    if (!location) {
        wl_fail(err, WL_NET, "%s: %s: the registry's answer has no Location", c->host, what);
        return NULL;
    }
    url = wl_url_resolve(res->url, location);
    if (url && wl_starts(c->base_url, "https://") && wl_starts(url, "http://")) {
        /* a proxy in front of the registry did not tell it that it speaks TLS: the same host is meant, by https */
        WL_AUTOFREE char *upgraded = wl_sprintf("https://%s", url + strlen("http://"));

        free(url);
        url = wl_url_same_origin(upgraded, c->base_url) ? WL_STEAL(upgraded) : NULL;
    }
    if (!url)
        wl_fail(err, WL_NET, "%s: %s: the registry's Location leads nowhere that may be followed", c->host, what);
    return url;
}

char *wl_client_next_page(const struct wl_http_response *res) {
    const char *link;

    for (size_t i = 0; (link = wl_http_header(res, "Link", i)); i++) {
        const char *open = strchr(link, '<');
        const char *close = open ? strchr(open, '>') : NULL;
        WL_AUTOFREE char *target = close ? wl_strndup(open + 1, (size_t)(close - open - 1)) : NULL;

        if (target && (strcasestr(close, "rel=\"next\"") || strcasestr(close, "rel=next")))
            return wl_url_resolve(res->url, target);
    }
    return NULL;
}

static void keep_warnings(struct wl_client *c, const struct wl_http_response *res) {
    const char *text;

    for (size_t i = 0; (text = wl_http_header(res, "Warning", i)); i++) {
        pthread_mutex_lock(&c->mutex);
        if (c->warnings.n < WARNINGS_MAX && !wl_strv_has(&c->warnings, text))
            wl_strv_add(&c->warnings, text);
        pthread_mutex_unlock(&c->mutex);
    }
}

bool wl_client_may_repeat(struct wl_client *c) {
    bool may;

    pthread_mutex_lock(&c->mutex);
    may = c->budget >= WL_CLIENT_BUDGET_GAIN;
    if (may) {
        c->budget -= WL_CLIENT_BUDGET_GAIN;
        c->stats.repeated++;
    }
    pthread_mutex_unlock(&c->mutex);
    return may;
}

bool wl_client_transient(const struct wl_http_response *res) {
    return wl_http_status_transient(res->status) ||
           (res->status == 403 && wl_http_retry_after(res, WL_CLIENT_RETRY_AFTER_MAX) >= 0);
}

void wl_client_wasted(struct wl_client *c, uint64_t n) {
    pthread_mutex_lock(&c->mutex);
    c->stats.sent_again += n;
    pthread_mutex_unlock(&c->mutex);
}

void wl_client_note_wrong_bytes(struct wl_client *c) {
    __atomic_store_n(&c->wrong_bytes, true, __ATOMIC_RELAXED);
}

bool wl_client_wrong_bytes(const struct wl_client *c) {
    return __atomic_load_n(&c->wrong_bytes, __ATOMIC_RELAXED);
}

struct wl_client_stats wl_client_stats(struct wl_client *c) {
    struct wl_client_stats s;

    pthread_mutex_lock(&c->mutex);
    s = c->stats;
    pthread_mutex_unlock(&c->mutex);
    return s;
}

static void count(struct wl_client *c, bool good) {
    pthread_mutex_lock(&c->mutex);
    c->stats.requests++;
    if (good && c->budget < WL_CLIENT_BUDGET * WL_CLIENT_BUDGET_GAIN)
        c->budget++;
    pthread_mutex_unlock(&c->mutex);
}

static bool writes(const struct wl_http_request *req) {
    return req->method && strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0;
}

/* Remembers that a call with authorisation was let in: who may write is not kept from writing by a token that is refused later. */
static void note_let_in(struct wl_client *c, const struct wl_http_request *req, const struct wl_http_response *res) {
    if (res->status != 401 && res->status != 403 && !wl_client_transient(res))
        __atomic_store_n(&c->let_in[writes(req)], true, __ATOMIC_RELAXED);
}

/* How often this call counts as refused. Several tokens in a row can be taken back by the server, or by what another worker's call
 * met; that is a failure in passing, out of the budget of repetitions, where the right itself has been shown. */
static unsigned refusals(struct wl_client *c, const struct wl_http_request *req, unsigned refused) {
    bool passing = refused >= WL_AUTH_REFUSALS_MAX && refused < RENEWALS_MAX &&
                   __atomic_load_n(&c->let_in[writes(req)], __ATOMIC_RELAXED) && wl_client_may_repeat(c);

    return passing ? 0 : refused;
}

static int one_call(struct wl_client *c, struct wl_http_request *req, unsigned flags, struct wl_http_response *ret,
                    struct wl_err *err) {
    bool own = wl_url_same_origin(req->url, c->base_url);

    for (unsigned n = 0;; n++) {
        WL_AUTOFREE char *authorization = NULL;
        unsigned refused;
        int rc;

        if (own && wl_auth_value(c->auth, &authorization, err) < 0)
            return -1;
        req->authorization = authorization;
        rc = wl_http_request(c->http, req, ret, err);
        req->authorization = NULL;
        count(c, rc == 0 && !wl_client_transient(ret));
        if (rc < 0)
            return -1;
        keep_warnings(c, ret);
        if (own && authorization)
            note_let_in(c, req, ret);
        if (ret->status != 401 || !own || ((flags & WL_CALL_EAGER) && authorization) ||
            !wl_url_same_origin(ret->url, c->base_url)) /* our login is not for where it redirects to */
            return 0;
        refused = refusals(c, req, n);
        if (refused >= REFUSALS_MAX)
            return 0;
        pthread_mutex_lock(&c->mutex);
        c->challenged = true;
        pthread_mutex_unlock(&c->mutex);
        rc = wl_auth_challenged(c->auth, ret, authorization, refused, err);
        wl_http_response_release(ret);
        if (rc < 0)
            return -1;
    }
}

int wl_client_call(struct wl_client *c, struct wl_http_request *req, unsigned flags, struct wl_http_response *ret,
                   struct wl_err *err) {
    for (unsigned attempt = 1;; attempt++) {
        bool last = (flags & WL_CALL_ONCE) || attempt >= WL_CLIENT_TRIES;
        int wait = -1;

        if (one_call(c, req, flags, ret, err) == 0) {
            if (!wl_client_transient(ret) || last || !wl_client_may_repeat(c))
                return 0;
            wait = wl_http_retry_after(ret, WL_CLIENT_RETRY_AFTER_MAX);
            wl_http_response_release(ret);
        } else if (!(req->transient = req->transient || req->unreachable) || last || wl_interrupted() ||
                   !wl_client_may_repeat(c)) {
            return -1;
        }
        if (wl_http_backoff(attempt, wait, err) < 0)
            return -1;
    }
}

/* --- Opening ----------------------------------------------------------------------------------------------- */

/* One look at /v2/ by one scheme. *ret_status 0: no answer, and *err says why. */
static int look(struct wl_client *c, const char *scheme, const char *api_host, struct wl_http_response *ret,
                struct wl_http_request *req, struct wl_err *err) {
    WL_AUTOFREE char *url = wl_sprintf("%s://%s/v2/", scheme, api_host);
    int rc;

    *req = (struct wl_http_request){.url = url, .max_body = WL_HTTP_ERROR_BODY_MAX};
    for (unsigned attempt = 1;; attempt++) {
        rc = wl_http_request(c->http, req, ret, err);
        req->url = NULL;
        if (rc < 0 || !wl_http_status_transient(ret->status) || attempt >= WL_CLIENT_TRIES)
            break;
        req->url = url;
        rc = wl_http_backoff(attempt, wl_http_retry_after(ret, WL_CLIENT_RETRY_AFTER_MAX), err);
        wl_http_response_release(ret);
        if (rc < 0)
            break;
    }
    free(c->base_url);
    c->base_url = wl_sprintf("%s://%s", scheme, api_host);
    if (rc == 0) { /* a redirect of the whole registry to https is taken for good */
        WL_AUTOFREE char *https = wl_sprintf("https://%s", api_host);

        if (wl_starts(scheme, "http") && wl_starts(ret->url, https) && ret->url[strlen(https)] == '/') {
            free(c->base_url);
            c->base_url = WL_STEAL(https);
        }
    }
    return rc;
}

/* A TLS server that is spoken to by http answers 400 or hangs up. */
static bool wants_tls(int rc, const struct wl_http_request *req, const struct wl_http_response *res) {
    return rc < 0 ? !req->unreachable && !wl_interrupted() : res->status == 400;
}

/* What Go's servers ("Client sent an HTTP request to an HTTPS server.") and nginx say to http at a port for https. */
static bool says_https(const struct wl_http_response *res) {
    return res->status == 400 && res->body.len > 0 && strcasestr(wl_buf_str(&res->body), "https");
}

static bool is_no_tls(const struct wl_err *err) {
    return strcasestr(err->msg, "wrong version number") != NULL;
}

static int connect_error(struct wl_client *c, unsigned flags, struct wl_err *err) {
    wl_err_context(err, "the registry %s does not answer", c->host);
    if (!(flags & WL_CLIENT_PLAIN_HTTP) && is_no_tls(err))
        return wl_fail(err, WL_NET, "the registry %s does not speak https; if plain http is meant, say --plain-http",
                       c->host);
    return -1;
}

/* Whether a failed look is worth another one: the connection was broken off. A host that is not there or says nothing stays so. */
static bool broke(const struct wl_http_request *req) {
    return req->transient && !req->unreachable && !req->timed_out && !wl_interrupted();
}

/* Finds scheme and authorisation. On this machine http is looked at first: no credentials go along, and it costs a
 * plain registry no failed TLS handshake. *ret_broke: on failure, whether it may work another time. */
static int ping_once(struct wl_client *c, const char *api_host, struct wl_http_response *ret, bool *ret_broke,
                     struct wl_err *err) {
    bool loopback = wl_host_is_loopback(api_host);
    struct wl_http_request req;
    struct wl_err first = {.code = WL_OK};
    int rc;

    *ret_broke = false;
    if ((c->flags & WL_CLIENT_PLAIN_HTTP) || loopback) {
        rc = look(c, "http", api_host, ret, &req, err);
        *ret_broke = rc < 0 && broke(&req);
        if ((c->flags & WL_CLIENT_PLAIN_HTTP) && rc == 0 && says_https(ret))
            return wl_fail(err, WL_NET, "the registry %s speaks https: leave out --plain-http", c->host);
        if ((c->flags & WL_CLIENT_PLAIN_HTTP) || !wants_tls(rc, &req, ret))
            return rc < 0 ? connect_error(c, c->flags, err) : 0;
        if (rc < 0)
            first = *err;
        wl_http_response_release(ret);
    }
    if (look(c, "https", api_host, ret, &req, err) == 0)
        return 0;
    *ret_broke = *ret_broke || broke(&req);
    if (first.code != WL_OK && is_no_tls(err)) /* plain http it is, and that is what is wrong with it */
        *err = first;
    return connect_error(c, c->flags, err);
}

static int ping(struct wl_client *c, const char *api_host, struct wl_http_response *ret, struct wl_err *err) {
    for (unsigned attempt = 1;; attempt++) {
        bool again;

        if (ping_once(c, api_host, ret, &again, err) == 0)
            return 0;
        if (!again || attempt >= PING_TRIES || wl_http_backoff(attempt, -1, err) < 0)
            return -1;
    }
}

int wl_client_open(const struct wl_reference *ref, unsigned flags, const char *user, const char *password,
                   struct wl_client **ret, struct wl_err *err) {
    WL_AUTO(wl_client_closep) struct wl_client *c = wl_calloc(1, sizeof(*c));
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *scope = NULL;
    struct wl_auth_options o = {.user = user, .password = password};

    pthread_mutex_init(&c->mutex, NULL);
    c->host = wl_strdup(ref->host);
    c->path = wl_strdup(ref->path);
    c->flags = flags;
    c->budget = WL_CLIENT_BUDGET * WL_CLIENT_BUDGET_GAIN;
    if (wl_http_new(&c->http, err) < 0)
        return -1;
    wl_http_own_host(c->http, wl_reference_api_host(ref));
    if (ping(c, wl_reference_api_host(ref), &res, err) < 0)
        return -1;
    if (!(flags & WL_CLIENT_PING_ONLY))
        scope = wl_sprintf("repository:%s:pull%s", ref->path, (flags & WL_CLIENT_PUSH) ? ",push" : "");
    o.http = c->http;
    o.host = c->host;
    o.path = c->path;
    o.base_url = c->base_url;
    o.scope = scope;
    wl_auth_new(&o, &c->auth);
    if (res.status == 401 &&
        wl_url_same_origin(
            res.url, c->base_url)) { /* what is wrong with it the first call will meet again, if it matters there */
        c->challenged = true;
        if (wl_auth_challenged(c->auth, &res, NULL, 0, err) < 0 && wl_http_time_left() == 0)
            return -1;
    }
    if (res.status >= 500 || res.status == 429 || res.status == 407)
        return wl_client_status_error(c, "/v2/", &res, err);
    keep_warnings(c, &res);
    *ret = WL_STEAL(c);
    return 0;
}

void wl_client_close(struct wl_client *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->n_added; i++)
        wl_buf_release(&c->added[i].index);
    free(c->added);
    wl_auth_free(c->auth);
    wl_http_free(c->http);
    wl_strv_release(&c->warnings);
    pthread_mutex_destroy(&c->mutex);
    free(c->host);
    free(c->path);
    free(c->base_url);
    free(c);
}

void wl_client_closep(struct wl_client **c) {
    wl_client_close(*c);
}

const char *wl_client_host(const struct wl_client *c) {
    return c->host;
}

const char *wl_client_path(const struct wl_client *c) {
    return c->path;
}

void wl_client_will_mount(struct wl_client *c, const char *path) {
    WL_AUTOFREE char *scope = wl_sprintf("repository:%s:pull", path);

    wl_auth_want_scope(c->auth, scope);
}

const char *wl_client_base(const struct wl_client *c) {
    return c->base_url;
}

const struct wl_strv *wl_client_warnings(const struct wl_client *c) {
    return &c->warnings;
}

int wl_client_check_login(struct wl_client *c, bool *ret_needed, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *url = wl_sprintf("%s/v2/", c->base_url);
    struct wl_http_request req = {.url = url, .max_body = WL_HTTP_ERROR_BODY_MAX};

    if (wl_client_call(c, &req, 0, &res, err) < 0)
        return -1;
    if (res.status == 401 || res.status == 403 || res.status >= 500)
        return wl_client_status_error(c, "login", &res, err);
    *ret_needed = c->challenged;
    return 0;
}
