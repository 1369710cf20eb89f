#include "http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../tool/base/mem.h"
#include "../tool/base/proc.h"
#include "http_internal.h"
#include "reference.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode init_result;

static void init_curl(void) {
    init_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* What the command line says; set before the first client is made. */
static struct wl_http_settings settings;
static long long deadline_ms; /* monotonic; 0: none */

static long long now_ms(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void wl_http_configure(const struct wl_http_settings *s) {
    settings = *s;
    deadline_ms = s->timeout_s ? now_ms() + (long long)s->timeout_s * 1000 : 0;
}

long long wl_http_time_left(void) {
    long long left = deadline_ms ? deadline_ms - now_ms() : INT64_MAX;

    return left < 0 ? 0 : left;
}

int wl_http_too_late(struct wl_err *err) {
    return wl_fail(err, WL_NET, "the time given by --timeout (%u s) is over", settings.timeout_s);
}

void wl_http_own_host(struct wl_http *h, const char *host_port) {
    free(h->own_host);
    h->own_host = wl_strdup(host_port);
}

static const char *env_path(const char *name) {
    const char *s = getenv(name);

    return s && *s ? s : NULL;
}

int wl_http_new(struct wl_http **ret, struct wl_err *err) {
    struct wl_http *h;

    pthread_once(&once, init_curl);
    if (init_result != CURLE_OK)
        return wl_fail(err, WL_NET, "libcurl cannot start: %s", curl_easy_strerror(init_result));
    wl_http_hide_proxies();
    h = wl_calloc(1, sizeof(*h));
    pthread_mutex_init(&h->mutex, NULL);
    h->settings = &settings;
    h->ca_file = settings.ca_file ? settings.ca_file : env_path("SSL_CERT_FILE");
    h->ca_dir = env_path("SSL_CERT_DIR");
    *ret = h;
    return 0;
}

void wl_http_free(struct wl_http *h) {
    if (!h)
        return;
    for (size_t i = 0; i < h->n_idle; i++)
        curl_easy_cleanup(h->idle[i]);
    wl_http_certs_free(h->certs);
    wl_http_trust_free(h->trust);
    free(h->own_host);
    pthread_mutex_destroy(&h->mutex);
    free(h);
}

void wl_http_freep(struct wl_http **h) {
    wl_http_free(*h);
}

void *wl_http_take_handle(struct wl_http *h) {
    CURL *c = NULL;

    pthread_mutex_lock(&h->mutex);
    if (h->n_idle > 0)
        c = h->idle[--h->n_idle];
    pthread_mutex_unlock(&h->mutex);
    if (c)
        curl_easy_reset(c);
    return c ? c : curl_easy_init();
}

void wl_http_give_handle(struct wl_http *h, void *c) {
    pthread_mutex_lock(&h->mutex);
    if (h->n_idle < WL_HTTP_IDLE_MAX) {
        h->idle[h->n_idle++] = c;
        c = NULL;
    }
    pthread_mutex_unlock(&h->mutex);
    if (c)
        curl_easy_cleanup(c);
}

/* --- A request, with its redirects ---------------------------------------------------------------------------- */

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where a redirect leads, checked; NULL with *err set when it must not be followed. */
static char *redirect_target(const struct wl_http_response *res, const char *from, struct wl_err *err) {
    const char *location = wl_http_header(res, "Location", 0);
    WL_AUTOFREE char *shown = wl_http_url_shown(from);
    char *to;

    if (!location) {
        wl_fail(err, WL_NET, "%s: a redirect (%d) without Location", shown, res->status);
        return NULL;
    }
    to = wl_url_resolve(from, location);
    if (!to) {
        wl_fail(err, WL_NET, "%s: redirects to something that is no http(s) URL", shown);
        return NULL;
    }
    if (strncasecmp(from, "https:", 6) == 0 && strncasecmp(to, "https:", 6) != 0) {
        WL_AUTOFREE char *shown_to = wl_http_url_shown(to);

        wl_fail(err, WL_NET, "%s: redirects from https to %s: refused", shown, shown_to);
        free(to);
        return NULL;
    }
    return to;
}

static int rewind_body(const struct wl_http_request *req, struct wl_err *err) {
    return req->source ? req->source->seek(req->source->arg, 0, err) : 0;
}

static void report_finished(const struct wl_http_request *req, const struct wl_http_exchange *x) {
    uint64_t n = req->source ? req->source->size : req->range_from + x->body_bytes;

    if (req->progress && x->res.status >= 200 && x->res.status < 300)
        req->progress->report(req->progress->arg, req->what, n, n, true);
}

int wl_http_request(struct wl_http *h, struct wl_http_request *req, struct wl_http_response *ret, struct wl_err *err) {
    const char *method = req->method ? req->method : "GET";
    WL_AUTOFREE char *url = wl_strdup(req->url);
    bool with_authorization = true;

    req->transient = false;
    req->unreachable = false;
    req->timed_out = false;
    if (!wl_url_valid(url))
        return wl_fail(err, WL_NET, "\"%.300s\" is no http(s) URL", url);
    for (unsigned hop = 0;; hop++) {
        struct wl_http_exchange x = {.req = req, .url = url, .err = err};
        char *to;

        if (rewind_body(req, err) < 0)
            return -1;
        if (wl_http_perform(h, &x, method, with_authorization) < 0) {
            wl_http_response_release(&x.res);
            return -1;
        }
        if (!is_redirect(x.res.status) || (req->flags & WL_HTTP_NO_REDIRECT)) {
            report_finished(req, &x);
            x.res.url = WL_STEAL(url);
            *ret = x.res;
            return 0;
        }
        to = redirect_target(&x.res, url, err);
        if (to && (req->flags & WL_HTTP_SAME_ORIGIN) && !wl_url_same_origin(url, to)) {
            free(to);
            x.res.url = WL_STEAL(url);
            *ret = x.res;
            return 0;
        }
        if (to && hop + 1 >= WL_HTTP_REDIRECTS) {
            wl_fail(err, WL_NET, "%s %s: more than %d redirects", method, req->url, WL_HTTP_REDIRECTS);
            free(to);
            to = NULL;
        }
        if (x.res.status == 303 && strcmp(method, "HEAD") != 0)
            method = "GET";
        wl_http_response_release(&x.res);
        if (!to)
            return -1;
        with_authorization = with_authorization && wl_url_same_origin(url, to);
        free(url);
        url = to;
    }
}

long long wl_http_date(const char *s) {
    return (long long)curl_getdate(s, NULL);
}
