/* One exchange: a request that goes out by libcurl, what comes back, and the limits on both. */
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tool/base/mem.h"
#include "../tool/base/proc.h"
#include "http_internal.h"
#include "reference.h"

#define UPLOAD_BUFFER (512L * 1024)   /* bytes handed to the kernel at a time */
#define DOWNLOAD_BUFFER (256L * 1024) /* bytes received at a time */
#define UPLOAD_STALL_S 300            /* an upload's server may hash and store for long before it answers */
#define EXPECT_MIN (8 * 1024 * 1024)  /* bytes of a body from which the server is asked first whether it wants it */

_Static_assert(sizeof(((struct wl_http_exchange *)0)->text) >= CURL_ERROR_SIZE, "libcurl writes its messages there");

static size_t on_header(char *p, size_t size, size_t n, void *arg) {
    struct wl_http_exchange *x = arg;
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

static long status_of(const struct wl_http_exchange *x) {
    long status = 0;

    curl_easy_getinfo(x->c, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static uint64_t expected_length(const struct wl_http_exchange *x) {
    curl_off_t n = -1;

    curl_easy_getinfo(x->c, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n);
    return n < 0 ? 0 : (uint64_t)n;
}

static int to_sink(struct wl_http_exchange *x, long status, const char *p, size_t n) {
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
    struct wl_http_exchange *x = arg;
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
    struct wl_http_exchange *x = arg;
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
    struct wl_http_exchange *x = arg;

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
    struct wl_http_exchange *x = arg;
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

static void set_method(struct wl_http_exchange *x, const char *method) {
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

static void set_options(struct wl_http *h, struct wl_http_exchange *x) {
    CURL *c = x->c;

    curl_easy_setopt(c, CURLOPT_URL, x->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "wlpack");
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->text);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)WL_HTTP_CONNECT_S);
    if (wl_http_time_left() != INT64_MAX)
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
    wl_http_set_proxy(c, x->url);
    x->trust = wl_http_set_certs(h, c, x->url);
}

static int not_trusted(struct wl_http_exchange *x, const char *method, const char *url, const char *host, CURLcode rc,
                       const char *text) {
    const char *file = getenv("SSL_CERT_FILE");

    if (file && *file && access(file, R_OK) < 0)
        return wl_fail(x->err, WL_NET,
                       "%s %s: the certificate is not trusted: %s; SSL_CERT_FILE is %s, which cannot be read", method,
                       url, text, file);
    if (rc == CURLE_SSL_CACERT_BADFILE)
        return wl_fail(x->err, WL_NET, "%s %s: the trusted certificates cannot be used: %s", method, url, text);
    return wl_fail(x->err, WL_NET,
                   "%s %s: the certificate is not trusted: %s; for a private authority set SSL_CERT_FILE to its "
                   "certificate or store it as /etc/docker/certs.d/%s/ca.crt",
                   method, url, text, host);
}

/* The message of a failed transfer. */
static int transfer_error(struct wl_http_exchange *x, const char *method, CURLcode rc) {
    WL_AUTOFREE char *url = wl_http_url_shown(x->url);
    WL_AUTOFREE char *host = wl_url_host_port(x->url);
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
    case CURLE_SSL_CACERT_BADFILE: /* without a folder of others (SSL_CERT_DIR) */
        return not_trusted(x, method, url, host ? host : "HOST", rc, text);
    case CURLE_SSL_CERTPROBLEM:
        return wl_fail(x->err, WL_NET, "%s %s: the client certificate cannot be used: %s; does the key belong to it?",
                       method, url, text);
    case CURLE_COULDNT_CONNECT:
        x->req->unreachable = true;
        x->req->transient = true;
        break;
    case CURLE_SSL_CONNECT_ERROR: /* the certificates have codes of their own; this is a handshake that was broken off, or no TLS */
        x->req->transient = strcasestr(text, "reset") || strstr(text, "SYSCALL");
        break;
    case CURLE_OPERATION_TIMEDOUT:
        x->req->timed_out = true;
        x->req->transient = true;
        break;
    case CURLE_RECV_ERROR:
        x->req->transient =
            !strstr(text, "response 4"); /* a proxy that refuses the tunnel ("CONNECT tunnel failed, response 407") */
        break;
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

int wl_http_perform(struct wl_http *h, struct wl_http_exchange *x, const char *method, bool with_authorization) {
    WL_AUTO(slist_freep) struct curl_slist *headers = NULL;
    CURLcode rc;

    if (set_headers(x->req, with_authorization, &headers, x->err) < 0)
        return -1;
    x->c = wl_http_take_handle(h);
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
    if (rc == CURLE_PEER_FAILED_VERIFICATION && wl_http_trust_more(x->trust)) /* nothing was sent yet */
        rc = curl_easy_perform(x->c);
    x->res.status = (int)status_of(x);
    if (rc != CURLE_OK && !(x->cut && rc == CURLE_WRITE_ERROR)) {
        transfer_error(x, method, rc);
        curl_easy_cleanup(x->c); /* whatever state the connection is in */
        return -1;
    }
    wl_http_give_handle(h, x->c);
    return 0;
}
