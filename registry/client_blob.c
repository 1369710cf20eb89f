#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "../tool/base/proc.h"
#include "client_internal.h"

static char *short_name(const struct wl_oci_descriptor *d) {
    return wl_sprintf("%s %.12s", strstr(d->media_type, "config") ? "config" : "blob", wl_digest_hexonly(&d->digest).s);
}

int wl_client_blob_exists(struct wl_client *c, const struct wl_oci_descriptor *d, bool *ret, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *url = wl_client_url(c, "blobs/%s", wl_digest_str(&d->digest).s);
    struct wl_http_request req = {.method = "HEAD", .url = url};
    const char *digest;
    const char *length;

    if (wl_client_call(c, &req, 0, &res, err) < 0)
        return -1;
    digest = wl_http_header(&res, "Docker-Content-Digest", 0);
    length = wl_http_header(&res, "Content-Length", 0);
    *ret = res.status == 200 && ((digest && strcmp(digest, wl_digest_str(&d->digest).s) == 0) ||
                                 (!digest && length && strtoull(length, NULL, 10) == d->size));
    return 0;
}

/* --- Upload ------------------------------------------------------------------------------------------------ */

/* The blob as a request body. */
struct blob_source {
    const struct wl_layout *layout;
    const struct wl_oci_descriptor *d;
    struct wl_blob_reader r;
};

static int source_seek(void *arg, uint64_t offset, struct wl_err *err) {
    struct blob_source *s = arg;
    char skip[4096];

    wl_blob_close(&s->r);
    if (wl_blob_open(&s->r, s->layout, &s->d->digest, (int64_t)s->d->size, err) < 0)
        return -1;
    while (offset > 0) {
        size_t n;

        if (wl_blob_read(&s->r, skip, offset < sizeof(skip) ? (size_t)offset : sizeof(skip), &n, err) < 0)
            return -1;
        if (n == 0)
            return wl_fail(err, WL_FAILED, "%s: read beyond its end", s->r.path);
        offset -= n;
    }
    return 0;
}

/* Looks behind the last byte before it is handed out: a damaged blob is not sent to its end. */
static ssize_t source_read(void *arg, void *buf, size_t cap, struct wl_err *err) {
    struct blob_source *s = arg;
    size_t n;
    size_t end;
    char none;

    if (wl_blob_read(&s->r, buf, cap, &n, err) < 0)
        return -1;
    if (n > 0 && s->r.done == s->r.size && wl_blob_read(&s->r, &none, 1, &end, err) < 0)
        return -1;
    return (ssize_t)n;
}

static void source_close(struct blob_source *s) {
    wl_blob_close(&s->r);
}

/* The session of an upload: where the PUT goes, with the digest added to whatever query is there. */
static int open_upload(struct wl_client *c, const char *what, const struct wl_oci_descriptor *d, char **ret,
                       struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *url = wl_client_url(c, "blobs/uploads/");
    WL_AUTOFREE char *location = NULL;
    struct wl_http_request req = {.method = "POST", .url = url, .body = {(const uint8_t *)"", 0}};
    char *fragment;

    if (wl_client_call(c, &req, 0, &res, err) < 0)
        return -1;
    if (res.status != 202)
        return wl_client_status_error(c, what, &res, err);
    location = wl_client_location(c, what, &res, err);
    if (!location)
        return -1;
    fragment = strchr(location, '#');
    if (fragment)
        *fragment = '\0';
    *ret = wl_sprintf("%s%sdigest=sha256%%3A%s", location, strchr(location, '?') ? "&" : "?",
                      wl_digest_hexonly(&d->digest).s);
    return 0;
}

/* Whether a failed PUT may be tried again with a new session: 404 and 416 mean that this one is lost. */
static bool try_again(const struct wl_http_response *res) {
    return wl_http_status_transient(res->status) || res->status == 404 || res->status == 416 ||
           wl_client_error_has(res, "BLOB_UPLOAD_INVALID");
}

enum outcome { DONE, AGAIN, FAILED };

/* One session: POST, PUT. AGAIN and FAILED leave *err set. */
static enum outcome upload(struct wl_client *c, const char *what, struct blob_source *s,
                           const struct wl_progress *progress, int *wait, struct wl_err *err) {
    static const char *const headers[] = {"Content-Type: application/octet-stream", NULL};
    const struct wl_http_source source = {source_read, source_seek, s, s->d->size};
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *url = NULL;
    WL_AUTOFREE char *name = short_name(s->d);
    struct wl_http_request req = {
        .method = "PUT", .headers = headers, .source = &source, .progress = progress, .what = name};
    bool stored = false;

    *wait = -1;
    if (open_upload(c, what, s->d, &url, err) < 0)
        return FAILED;
    req.url = url;
    if (wl_client_call(c, &req, WL_CALL_ONCE, &res, err) < 0)
        return req.transient ? AGAIN : FAILED;
    if (res.status == 201)
        return DONE;
    if (res.status >= 200 && res.status < 300) { /* not what the specification says: believe it when it is seen */
        if (wl_client_blob_exists(c, s->d, &stored, err) < 0)
            return FAILED;
        if (stored)
            return DONE;
    }
    *wait = wl_http_retry_after(&res, WL_CLIENT_RETRY_AFTER_MAX);
    wl_client_status_error(c, what, &res, err);
    return try_again(&res) ? AGAIN : FAILED;
}

int wl_client_blob_put(struct wl_client *c, const struct wl_layout *layout, const struct wl_oci_descriptor *d,
                       const struct wl_progress *progress, struct wl_err *err) {
    WL_AUTO(source_close) struct blob_source s = {.layout = layout, .d = d, .r = WL_BLOB_READER_INIT};
    WL_AUTOFREE char *what = wl_sprintf("upload of %s", wl_digest_str(&d->digest).s);

    for (unsigned attempt = 1;; attempt++) {
        bool stored = false;
        int wait;
        enum outcome o = upload(c, what, &s, progress, &wait, err);
        struct wl_err ignored;

        if (o == DONE)
            return 0;
        if (o == FAILED || wl_interrupted())
            return -1;
        /* the answer may have been lost and the blob not: some registries then no longer know the session */
        if (wl_client_blob_exists(c, d, &stored, &ignored) == 0 && stored)
            return 0;
        if (attempt >= WL_CLIENT_TRIES)
            return -1;
        if (wl_http_backoff(attempt, wait, err) < 0)
            return -1;
    }
}

/* --- Download ---------------------------------------------------------------------------------------------- */

struct blob_sink {
    const struct wl_layout *layout;
    const struct wl_oci_descriptor *d;
    struct wl_blob_writer w;
    bool open;
};

static int sink_begin(void *arg, int status, uint64_t total, struct wl_err *err) {
    struct blob_sink *s = arg;

    if (total && total != s->d->size)
        return wl_fail(err, WL_NET, "the registry has %" PRIu64 " bytes where the manifest says %" PRIu64, total,
                       s->d->size);
    if (s->open && status == 206)
        return 0;
    wl_blob_cancel(&s->w);
    s->w = (struct wl_blob_writer)WL_BLOB_WRITER_INIT;
    s->open = wl_blob_begin(&s->w, s->layout, err) == 0;
    return s->open ? 0 : -1;
}

static int sink_write(void *arg, const void *p, size_t n, struct wl_err *err) {
    struct blob_sink *s = arg;

    if (n > s->d->size - s->w.size)
        return wl_fail(err, WL_NET, "the registry sends more than the %" PRIu64 " bytes of the manifest", s->d->size);
    return wl_blob_write(&s->w, p, n, err);
}

static void sink_drop(struct blob_sink *s) {
    wl_blob_cancel(&s->w);
}

static enum outcome download(struct wl_client *c, const char *url, const char *what, struct blob_sink *s,
                             const struct wl_progress *progress, int *wait, struct wl_err *err) {
    const struct wl_http_sink sink = {sink_begin, sink_write, s};
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *name = short_name(s->d);
    struct wl_http_request req = {
        .url = url, .sink = &sink, .range_from = s->open ? s->w.size : 0, .progress = progress, .what = name};

    *wait = -1;
    if (wl_client_call(c, &req, WL_CALL_ONCE, &res, err) < 0)
        return req.transient ? AGAIN : FAILED;
    if (res.status == 416 && s->open) { /* no resuming there: from the start */
        wl_blob_cancel(&s->w);
        s->open = false;
        wl_client_status_error(c, what, &res, err);
        return AGAIN;
    }
    if (res.status == 200 || res.status == 206)
        return DONE;
    *wait = wl_http_retry_after(&res, WL_CLIENT_RETRY_AFTER_MAX);
    wl_client_status_error(c, what, &res, err);
    return wl_http_status_transient(res.status) ? AGAIN : FAILED;
}

int wl_client_blob_get(struct wl_client *c, struct wl_layout *layout, const struct wl_oci_descriptor *d,
                       const struct wl_progress *progress, struct wl_err *err) {
    WL_AUTO(sink_drop) struct blob_sink s = {.layout = layout, .d = d, .w = WL_BLOB_WRITER_INIT};
    WL_AUTOFREE char *what = wl_sprintf("download of %s", wl_digest_str(&d->digest).s);
    WL_AUTOFREE char *url = wl_client_url(c, "blobs/%s", wl_digest_str(&d->digest).s);

    for (unsigned attempt = 1;; attempt++) {
        uint64_t before = s.w.size;
        int wait;
        enum outcome o = download(c, url, what, &s, progress, &wait, err);

        if (o == DONE)
            break;
        if (s.w.size > before)
            attempt = 1;
        if (o == FAILED || wl_interrupted() || attempt >= WL_CLIENT_TRIES || wl_http_backoff(attempt, wait, err) < 0)
            return -1;
    }
    if (!s.open && wl_blob_begin(&s.w, layout, err) < 0) /* an empty blob */
        return -1;
    if (wl_blob_commit(&s.w, &d->digest, NULL, NULL, err) < 0) {
        if (err->code == WL_FAILED && !wl_layout_blob_has(layout, &d->digest, -1))
            err->code = WL_NET;
        return wl_err_context(err, "%s: %s", c->host, what);
    }
    return 0;
}
