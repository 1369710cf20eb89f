#include "http.h"

#include <ctype.h>
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

#define UPLOAD_BUFFER (512L * 1024)   /* bytes handed to the kernel at a time */
#define DOWNLOAD_BUFFER (256L * 1024) /* bytes received at a time */
#define UPLOAD_STALL_S 300            /* an upload's server may hash and store for long before it answers */
#define EXPECT_MIN (8 * 1024 * 1024)  /* bytes of a body from which the server is asked first whether it wants it */

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
    free(h->own_host);
    pthread_mutex_destroy(&h->mutex);
    free(h);
}

void wl_http_freep(struct wl_http **h) {
    wl_http_free(*h);
}

static CURL *take_handle(struct wl_http *h) {
    CURL *c = NULL;

    pthread_mutex_lock(&h->mutex);
    if (h->n_idle > 0)
        c = h->idle[--h->n_idle];
    pthread_mutex_unlock(&h->mutex);
    if (c)
        curl_easy_reset(c);
    return c ? c : curl_easy_init();
}

static void give_handle(struct wl_http *h, CURL *c) {
    pthread_mutex_lock(&h->mutex);
    if (h->n_idle < WL_HTTP_IDLE_MAX) {
        h->idle[h->n_idle++] = c;
        c = NULL;
    }
    pthread_mutex_unlock(&h->mutex);
    if (c)
        curl_easy_cleanup(c);
}

/* --- One exchange ------------------------------------------------------------------------------------------ */

struct exchange {
    struct wl_http_request *req;
    const char *url;
    CURL *c;
    struct wl_http_response res;
    size_t header_bytes;
    uint64_t body_bytes; /* of a 2xx body */
    uint64_t pos;        /* in the body that is sent */
    bool begun;
    bool cut;    /* an error's body was longer than is kept: ended on purpose */
    bool failed; /* *err was set by a callback */
    struct wl_err *err;
    char text[CURL_ERROR_SIZE];
};

static size_t on_header(char *p, size_t size, size_t n, void *arg) {
    struct exchange *x = arg;
    size_t len = n * size;

    if (len > 5 &&
        memcmp(p, "HTTP/", 5) == 0) { /* behind a 100 Continue or a proxy's answer the real one starts anew */
        wl_strv_release(&x->res.headers);
        x->header_bytes = 0;
        return n * size;
    }
    x->header_bytes += len;
    if (x->header_bytes > WL_HTTP_HEADERS_MAX) {
        x->failed = true;
        wl_fail(x->err, WL_NET, "the header lines are larger than %d bytes", WL_HTTP_HEADERS_MAX);
        return 0;
    }
    while (len > 0 && isspace((unsigned char)p[len - 1]))
        len--;
    if (len > 0)
        wl_strv_take(&x->res.headers, wl_strndup(p, len));
    return n * size;
}

static long status_of(const struct exchange *x) {
    long status = 0;

    curl_easy_getinfo(x->c, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static uint64_t expected_length(const struct exchange *x) {
    curl_off_t n = -1;

    curl_easy_getinfo(x->c, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n);
    return n < 0 ? 0 : (uint64_t)n;
}

static int to_sink(struct exchange *x, long status, const char *p, size_t n) {
    const struct wl_http_sink *sink = x->req->sink;
    uint64_t total = expected_length(x);

    if (!x->begun && sink->begin) {
        if (total && status == 206)
            total += x->req->range_from;
        if (sink->begin(sink->arg, (int)status, total, x->err) < 0)
            return -1;
    }
    x->begun = true;
    return sink->write(sink->arg, p, n, x->err);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg) {
    struct exchange *x = arg;
    long status = status_of(x);
    bool good = status >= 200 && status < 300;
    uint64_t max = x->req->max_body;

    n *= size;
    if (!good) {
        if (x->res.body.len + n > WL_HTTP_ERROR_BODY_MAX) {
            x->cut = true;
            return 0;
        }
        wl_buf_add(&x->res.body, p, n);
        return n;
    }
    if (max == 0)
        max = x->req->sink ? UINT64_MAX : WL_HTTP_BODY_MAX;
    if (n > max - x->body_bytes || expected_length(x) > max) {
        x->failed = true;
        wl_fail(x->err, WL_NET, "the answer is larger than %llu bytes", (unsigned long long)max);
        return 0;
    }
    x->body_bytes += n;
    if (!x->req->sink) {
        wl_buf_add(&x->res.body, p, n);
        return n;
    }
    if (to_sink(x, status, p, n) < 0) {
        x->failed = true;
        return 0;
    }
    return n;
}

static size_t on_read(char *p, size_t size, size_t n, void *arg) {
    struct exchange *x = arg;
    const struct wl_http_request *req = x->req;
    ssize_t got;

    n *= size;
    if (!req->source) {
        size_t left = req->body.len - (size_t)x->pos;

        n = n < left ? n : left;
        if (n)
            memcpy(p, req->body.p + x->pos, n);
        x->pos += n;
        return n;
    }
    got = req->source->read(req->source->arg, p, n, x->err);
    if (got < 0) {
        x->failed = true;
        return CURL_READFUNC_ABORT;
    }
    x->pos += (uint64_t)got;
    return (size_t)got;
}

static int on_seek(void *arg, curl_off_t offset, int origin) {
    struct exchange *x = arg;

    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_FAIL;
    if (x->req->source && x->req->source->seek(x->req->source->arg, (uint64_t)offset, x->err) < 0) {
        x->failed = true;
        return CURL_SEEKFUNC_FAIL;
    }
    x->pos = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow) {
    struct exchange *x = arg;
    const struct wl_progress *progress = x->req->progress;
    long status = status_of(x);

    (void)ultotal;
    if (wl_interrupted() || wl_http_time_left() == 0)
        return 1;
    if (!progress)
        return 0;
    if (x->req->source)
        progress->report(progress->arg, x->req->what, (uint64_t)ulnow, x->req->source->size, false);
    else if (status >= 200 && status < 300)
        progress->report(progress->arg, x->req->what, x->req->range_from + (uint64_t)dlnow,
                         dltotal ? x->req->range_from + (uint64_t)dltotal : 0, false);
    return 0;
}

static bool header_text_ok(const char *s) {
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

static void slist_freep(struct curl_slist **l) {
    curl_slist_free_all(*l);
}

static int add_header(struct curl_slist **l, const char *line, struct wl_err *err) {
    struct curl_slist *more;

    if (!header_text_ok(line))
        return wl_fail(err, WL_NET, "a header to send holds control characters: refused");
    more = curl_slist_append(*l, line);
    if (!more)
        abort();
    *l = more;
    return 0;
}

/* libcurl asks for "100 Continue" before every PUT; a round trip that a small body is not worth. */
static bool is_small(const struct wl_http_request *req) {
    return (req->source ? req->source->size : req->body.len) < EXPECT_MIN;
}

static int set_headers(const struct wl_http_request *req, bool with_authorization, struct curl_slist **l,
                       struct wl_err *err) {
    for (size_t i = 0; req->headers && req->headers[i]; i++)
        if (add_header(l, req->headers[i], err) < 0)
            return -1;
    if ((req->source || req->body.p) && is_small(req) && add_header(l, "Expect:", err) < 0)
        return -1;
    if (req->authorization && with_authorization) {
        WL_AUTOFREE char *line = wl_sprintf("Authorization: %s", req->authorization);

        if (add_header(l, line, err) < 0)
            return -1;
    }
    return 0;
}

static void set_method(struct exchange *x, const char *method) {
    const struct wl_http_request *req = x->req;
    bool sends = req->source || req->body.p;
    uint64_t size = req->source ? req->source->size : req->body.len;

    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(x->c, CURLOPT_NOBODY, 1L);
    } else if (sends) {
        curl_easy_setopt(x->c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(x->c, CURLOPT_CUSTOMREQUEST, method);
        curl_easy_setopt(x->c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
        curl_easy_setopt(x->c, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(x->c, CURLOPT_READDATA, x);
        curl_easy_setopt(x->c, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(x->c, CURLOPT_SEEKDATA, x);
        curl_easy_setopt(x->c, CURLOPT_UPLOAD_BUFFERSIZE, size < (uint64_t)UPLOAD_BUFFER ? 16384L : UPLOAD_BUFFER);
    } else {
        curl_easy_setopt(x->c, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void set_options(struct wl_http *h, struct exchange *x) {
    CURL *c = x->c;
    WL_AUTOFREE char *host = wl_http_host_port(x->url);

    curl_easy_setopt(c, CURLOPT_URL, x->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "wlpack");
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->text);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)WL_HTTP_CONNECT_S);
    if (deadline_ms)
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)wl_http_time_left() + 1);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, x->req->source ? (long)UPLOAD_STALL_S : (long)WL_HTTP_STALL_S);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
    if (x->req->sink)
        curl_easy_setopt(c, CURLOPT_BUFFERSIZE, DOWNLOAD_BUFFER);
    if (host && wl_host_is_loopback(host)) /* a proxy could not reach what is meant */
        curl_easy_setopt(c, CURLOPT_PROXY, "");
    wl_http_set_certs(h, c, x->url);
}

/* The message of a failed transfer. */
static int transfer_error(struct exchange *x, const char *method, CURLcode rc) {
    WL_AUTOFREE char *url = wl_http_url_shown(x->url);
    WL_AUTOFREE char *host = wl_http_host_port(x->url);
    const char *text = x->text[0] ? x->text : curl_easy_strerror(rc);

    if (x->failed)
        return wl_err_context(x->err, "%s %s", method, url);
    if (wl_http_time_left() == 0 && !wl_interrupted()) {
        wl_http_too_late(x->err);
        return wl_err_context(x->err, "%s %s", method, url);
    }
    switch (rc) {
    case CURLE_ABORTED_BY_CALLBACK:
        return wl_fail(x->err, WL_NET, "%s %s: interrupted", method, url);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        x->req->unreachable = true;
        return wl_fail(x->err, WL_NET, "%s %s: cannot find the host: %s", method, url, text);
    case CURLE_PEER_FAILED_VERIFICATION:
        return wl_fail(x->err, WL_NET,
                       "%s %s: the certificate is not trusted: %s; for a private authority set SSL_CERT_FILE to its "
                       "certificate or store it as /etc/docker/certs.d/%s/ca.crt",
                       method, url, text, host ? host : "HOST");
    case CURLE_COULDNT_CONNECT:
        x->req->unreachable = true;
        x->req->transient = true;
        break;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
        x->req->transient = true;
        break;
    default:
        break;
    }
    return wl_fail(x->err, WL_NET, "%s %s: %s", method, url, text);
}

static int perform(struct wl_http *h, struct exchange *x, const char *method, bool with_authorization) {
    WL_AUTO(slist_freep) struct curl_slist *headers = NULL;
    CURLcode rc;

    if (set_headers(x->req, with_authorization, &headers, x->err) < 0)
        return -1;
    x->c = take_handle(h);
    if (!x->c)
        return wl_fail(x->err, WL_NET, "libcurl gives no handle");
    set_options(h, x);
    set_method(x, method);
    curl_easy_setopt(x->c, CURLOPT_HTTPHEADER, headers);
    if (x->req->range_from) {
        WL_AUTOFREE char *range = wl_sprintf("%llu-", (unsigned long long)x->req->range_from);

        curl_easy_setopt(x->c, CURLOPT_RANGE, range);
    }
    rc = curl_easy_perform(x->c);
    x->res.status = (int)status_of(x);
    if (rc != CURLE_OK && !(x->cut && rc == CURLE_WRITE_ERROR)) {
        transfer_error(x, method, rc);
        curl_easy_cleanup(x->c); /* whatever state the connection is in */
        return -1;
    }
    give_handle(h, x->c);
    return 0;
}

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

static void report_finished(const struct wl_http_request *req, const struct exchange *x) {
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
    if (!wl_url_valid(url))
        return wl_fail(err, WL_NET, "\"%.300s\" is no http(s) URL", url);
    for (unsigned hop = 0;; hop++) {
        struct exchange x = {.req = req, .url = url, .err = err};
        char *to;

        if (rewind_body(req, err) < 0)
            return -1;
        if (perform(h, &x, method, with_authorization) < 0) {
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
