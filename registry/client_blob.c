#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "../tool/base/proc.h"
#include "client_internal.h"
#include "layout_internal.h"

char *wl_client_blob_name(const struct wl_oci_descriptor *d) {
    bool config = strstr(d->media_type, "config") || strcmp(d->media_type, WL_MT_DOCKER_CONFIG) == 0;

    return wl_sprintf("%s %.12s", config ? "config" : "blob", wl_digest_hexonly(&d->digest).s);
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
    if (wl_blob_open_sealed(&s->r, s->layout, &s->d->digest, (int64_t)s->d->size, err) < 0)
        return -1;
    if (s->r.sealed)
        return wl_blob_seek(&s->r, offset, err);
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

/* An upload of bytes that were not hashed has failed: if it is because of them, that is the error. */
static int look_again(struct blob_source *s, struct wl_err *err) {
    struct wl_err damage;

    if (wl_interrupted() || wl_blob_verify(s->layout, &s->d->digest, (int64_t)s->d->size, &damage) == 0)
        return -1;
    wl_seal_drop(s->layout, &s->d->digest);
    *err = damage;
    return -1;
}

int wl_client_blob_put(struct wl_client *c, const struct wl_layout *layout, const struct wl_oci_descriptor *d,
                       const char *mount_from, const struct wl_progress *progress, bool *ret_mounted,
                       struct wl_err *err) {
    WL_AUTO(source_close) struct blob_source s = {.layout = layout, .d = d, .r = WL_BLOB_READER_INIT};
    const struct wl_http_source body = {source_read, source_seek, &s, d->size};
    struct wl_client_upload u = {.d = d, .body = &body, .mount_from = mount_from, .progress = progress};

    if (wl_client_blob_upload(c, &u, err) < 0)
        return s.r.sealed ? look_again(&s, err) : -1;
    if (ret_mounted)
        *ret_mounted = u.mounted;
    return 0;
}

/* --- Download ---------------------------------------------------------------------------------------------- */

struct stream {
    const struct wl_oci_descriptor *d;
    int (*write)(void *arg, const void *p, size_t n, struct wl_err *err);
    void *arg;
    uint64_t done; /* bytes handed on */
    uint64_t skip; /* bytes that come again and were handed on before */
    bool wrong;    /* it is not so large as it should be, or not there */
};

static int stream_begin(void *arg, int status, uint64_t total, struct wl_err *err) {
    struct stream *s = arg;

    s->wrong = total && total != s->d->size;
    if (s->wrong)
        return wl_fail(err, WL_NET, "the registry has %" PRIu64 " bytes where the manifest says %" PRIu64, total,
                       s->d->size);
    s->skip = status == 206 ? 0 : s->done;
    return 0;
}

static int stream_write(void *arg, const void *p, size_t n, struct wl_err *err) {
    struct stream *s = arg;
    size_t again = s->skip < n ? (size_t)s->skip : n;

    s->skip -= again;
    n -= again;
    s->wrong = n > s->d->size - s->done;
    if (s->wrong)
        return wl_fail(err, WL_NET, "the registry sends more than the %" PRIu64 " bytes of the manifest", s->d->size);
    if (n && s->write(s->arg, (const char *)p + again, n, err) < 0)
        return -1;
    s->done += n;
    return 0;
}

enum outcome { DONE, AGAIN, FAILED };

static enum outcome download(struct wl_client *c, const char *url, const char *what, struct stream *s,
                             const struct wl_progress *progress, int *wait, struct wl_err *err) {
    const struct wl_http_sink sink = {stream_begin, stream_write, s};
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *name = wl_client_blob_name(s->d);
    bool from_start = *wait < -1; /* asked for after a refused range */
    struct wl_http_request req = {
        .url = url, .sink = &sink, .range_from = from_start ? 0 : s->done, .progress = progress, .what = name};

    *wait = -1;
    if (wl_client_call(c, &req, WL_CALL_ONCE, &res, err) < 0)
        return req.transient ? AGAIN : FAILED;
    if (res.status == 416 && s->done) { /* no resuming there: from the start, passing over what we have */
        *wait = -2;
        wl_client_status_error(c, what, &res, err);
        return AGAIN;
    }
    if (res.status == 200 || res.status == 206) {
        if (s->done == s->d->size)
            return DONE;
        s->wrong = true;
        wl_fail(err, WL_NET, "%s: %s: the registry sends %" PRIu64 " bytes where the manifest says %" PRIu64, c->host,
                what, s->done, s->d->size);
        return FAILED;
    }
    *wait = wl_http_retry_after(&res, WL_CLIENT_RETRY_AFTER_MAX);
    wl_client_status_error(c, what, &res, err);
    s->wrong = res.status == 404; /* what its manifest names */
    return wl_client_transient(&res) ? AGAIN : FAILED;
}

int wl_client_blob_stream(struct wl_client *c, const struct wl_oci_descriptor *d,
                          int (*write)(void *arg, const void *p, size_t n, struct wl_err *err), void *arg,
                          const struct wl_progress *progress, struct wl_err *err) {
    struct stream s = {.d = d, .write = write, .arg = arg};
    WL_AUTOFREE char *what = wl_sprintf("download of %s", wl_digest_str(&d->digest).s);
    WL_AUTOFREE char *url = wl_client_url(c, "blobs/%s", wl_digest_str(&d->digest).s);
    int wait = -1;

    for (unsigned attempt = 1;; attempt++) {
        uint64_t before = s.done;
        enum outcome o = download(c, url, what, &s, progress, &wait, err);

        if (o == DONE)
            return 0;
        if (s.wrong)
            wl_client_note_wrong_bytes(c);
        if (s.done > before)
            attempt = 1;
        if (o == FAILED || wl_interrupted() || attempt >= WL_CLIENT_TRIES || !wl_client_may_repeat(c) ||
            wl_http_backoff(attempt, wait, err) < 0)
            return -1;
    }
}

static int to_layout(void *arg, const void *p, size_t n, struct wl_err *err) {
    return wl_blob_write(arg, p, n, err);
}

int wl_client_blob_get(struct wl_client *c, struct wl_layout *layout, const struct wl_oci_descriptor *d,
                       const struct wl_progress *progress, struct wl_err *err) {
    WL_AUTO(wl_blob_cancel) struct wl_blob_writer w = WL_BLOB_WRITER_INIT;

    if (wl_blob_begin(&w, layout, err) < 0 || wl_client_blob_stream(c, d, to_layout, &w, progress, err) < 0)
        return -1;
    if (wl_blob_commit(&w, &d->digest, NULL, NULL, err) < 0) {
        if (err->code == WL_FAILED && !wl_layout_blob_has(layout, &d->digest, -1)) {
            err->code = WL_NET;
            wl_client_note_wrong_bytes(c);
        }
        return wl_err_context(err, "%s: download of %s", c->host, wl_digest_str(&d->digest).s);
    }
    return 0;
}
