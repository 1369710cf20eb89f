/* Uploads of blobs (distribution-spec 1.1, "Pushing blobs"): mount, one PUT, and what else registries need. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "../tool/base/proc.h"
#include "client_internal.h"

#define CHUNK (16u << 20)               /* bytes of a chunk for a registry that takes no more at once */
#define CHUNK_MAX ((uint64_t)512 << 20) /* largest OCI-Chunk-Min-Length that is honoured */
#define RESUME_MIN (1u << 20)           /* an upload that broke off is resumed when so many bytes are there */

static const char *const octets[] = {"Content-Type: application/octet-stream", NULL};

enum outcome { DONE, AGAIN, FAILED };

/* How the bytes travel; it changes when a registry refuses one way. */
enum way { WHOLE, PATCHED, CHUNKED };

struct upload {
    struct wl_client *c;
    struct wl_client_upload *u;
    char *what; /* for messages */
    char *name; /* for the progress */
    enum way way;
    bool mount;         /* not refused yet */
    uint64_t min_chunk; /* OCI-Chunk-Min-Length */
    char *location;     /* of the session */
    uint64_t sent;      /* bytes handed to the network in this session */
    int wait;           /* seconds that the registry asked for; -1 */
};

/* --- The body ---------------------------------------------------------------------------------------------- */

/* A part of the blob as a request body; counts what is read. */
struct part {
    struct upload *up;
    uint64_t from;
    uint64_t size;
    uint64_t pos;
    uint64_t high; /* furthest position reached */
};

static ssize_t part_read(void *arg, void *buf, size_t n, struct wl_err *err) {
    struct part *p = arg;
    const struct wl_http_source *body = p->up->u->body;
    ssize_t got;

    if (n > p->size - p->pos)
        n = (size_t)(p->size - p->pos);
    if (n == 0)
        return 0;
    got = body->read(body->arg, buf, n, err);
    if (got > 0)
        p->pos += (uint64_t)got;
    if (p->pos > p->high)
        p->high = p->pos;
    return got;
}

static int part_seek(void *arg, uint64_t offset, struct wl_err *err) {
    struct part *p = arg;
    const struct wl_http_source *body = p->up->u->body;

    p->pos = offset;
    return body->seek(body->arg, p->from + offset, err);
}

/* Sends bytes [from, from + size) by PUT or PATCH. */
static int send_part(struct upload *up, const char *method, const char *url, const char *const *headers, uint64_t from,
                     uint64_t size, struct wl_http_request *req, struct wl_http_response *ret, struct wl_err *err) {
    struct part p = {.up = up, .from = from, .size = size};
    const struct wl_http_source source = {part_read, part_seek, &p, size};
    int rc;

    *req = (struct wl_http_request){.method = method,
                                    .url = url,
                                    .headers = headers,
                                    .source = &source,
                                    .progress = up->way == WHOLE ? up->u->progress : NULL,
                                    .what = up->name};
    rc = wl_client_call(up->c, req, WL_CALL_ONCE, ret, err);
    req->source = NULL;
    req->url = NULL;
    up->sent += p.high;
    return rc;
}

/* --- The session ------------------------------------------------------------------------------------------- */

/* Takes the Location of an answer as the session's, without a fragment. */
static int take_location(struct upload *up, const struct wl_http_response *res, struct wl_err *err) {
    char *location = wl_client_location(up->c, up->what, res, err);
    char *fragment = location ? strchr(location, '#') : NULL;

    if (!location)
        return -1;
    if (fragment)
        *fragment = '\0';
    free(up->location);
    up->location = location;
    return 0;
}

/* The session's URL with the digest added to whatever query is there; a new string. */
static char *closing_url(const struct upload *up) {
    return wl_sprintf("%s%sdigest=sha256%%3A%s", up->location, strchr(up->location, '?') ? "&" : "?",
                      wl_digest_hexonly(&up->u->d->digest).s);
}

static int post(struct upload *up, const char *query, unsigned flags, struct wl_http_response *ret,
                struct wl_err *err) {
    WL_AUTOFREE char *url = wl_client_url(up->c, "blobs/uploads/%s", query);
    struct wl_http_request req = {.method = "POST", .url = url, .body = {(const uint8_t *)"", 0}};

    return wl_client_call(up->c, &req, flags, ret, err);
}

/* Asks for a mount. *ret_opened: 202 has opened a session instead. Any refusal is for the plain way to deal with. */
static int try_mount(struct upload *up, bool *ret_opened, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *from = wl_url_escape(up->u->mount_from);
    WL_AUTOFREE char *query = wl_sprintf("?mount=sha256%%3A%s&from=%s", wl_digest_hexonly(&up->u->d->digest).s, from);

    *ret_opened = false;
    up->mount = false;
    if (post(up, query, WL_CALL_EAGER, &res, err) < 0)
        return wl_interrupted() ? -1 : 0;
    if (res.status == 201)
        return wl_client_blob_exists(up->c, up->u->d, &up->u->mounted, err);
    *ret_opened = res.status == 202 && wl_http_header(&res, "Location", 0);
    return *ret_opened ? take_location(up, &res, err) : 0;
}

/* Opens a session, or finds that there is nothing to send any more (u->mounted). */
static int open_session(struct upload *up, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    const char *min;
    bool opened = false;

    up->sent = 0;
    if (up->mount && try_mount(up, &opened, err) < 0)
        return -1;
    if (opened || up->u->mounted)
        return 0;
    if (post(up, "", 0, &res, err) < 0)
        return -1;
    if (res.status != 202) {
        if (wl_client_transient(&res))
            up->wait = wl_http_retry_after(&res, WL_CLIENT_RETRY_AFTER_MAX);
        return wl_client_status_error(up->c, up->what, &res, err);
    }
    min = wl_http_header(&res, "OCI-Chunk-Min-Length", 0);
    up->min_chunk = min ? strtoull(min, NULL, 10) : 0;
    if (up->min_chunk > CHUNK_MAX)
        up->min_chunk = CHUNK_MAX;
    return take_location(up, &res, err);
}

/* What to do about an answer that is not the one hoped for. Sets *err. */
static enum outcome judge(struct upload *up, const struct wl_http_response *res, struct wl_err *err) {
    uint64_t size = up->u->d->size;
    enum way was = up->way;

    up->wait = wl_http_retry_after(res, WL_CLIENT_RETRY_AFTER_MAX);
    wl_client_status_error(up->c, up->what, res, err);
    if (wl_client_transient(res) || res->status == 404 || res->status == 416)
        return AGAIN; /* 404, 416: this session is lost */
    if (res->status == 413 && size > CHUNK && up->way != CHUNKED)
        up->way = CHUNKED;
    else if (up->way == WHOLE && (res->status == 405 || res->status == 411 || res->status == 501 ||
                                  (res->status == 400 && !wl_client_error_has(res, "DIGEST_INVALID"))))
        up->way = PATCHED;
    if (up->way == was)
        return FAILED;
    up->wait = 0;
    return AGAIN;
}

/* An answer to the last request. Other codes than 201 are believed when the blob is seen. */
static enum outcome closed(struct upload *up, const struct wl_http_response *res, struct wl_err *err) {
    bool stored = false;

    if (res->status == 201)
        return DONE;
    if (res->status >= 200 && res->status < 300) {
        if (wl_client_blob_exists(up->c, up->u->d, &stored, err) < 0)
            return FAILED;
        if (stored)
            return DONE;
    }
    return judge(up, res, err);
}

/* --- PATCH ------------------------------------------------------------------------------------------------- */

/* The inclusive end that a Range header ("0-99", also "bytes=0-99") says, plus one; 0 when it says nothing. */
static uint64_t range_end(const struct wl_http_response *res) {
    const char *range = wl_http_header(res, "Range", 0);
    const char *dash;

    if (range && wl_starts(range, "bytes="))
        range += strlen("bytes=");
    dash = range && wl_starts(range, "0-") ? range + 1 : NULL;
    return dash && dash[1] >= '0' && dash[1] <= '9' ? strtoull(dash + 1, NULL, 10) + 1 : 0;
}

/* One chunk. The registry must say 202 and, if it says how far it is, that it has all of it: one that answers otherwise drops what
 * comes next (ECR: 201). */
static enum outcome send_chunk(struct upload *up, uint64_t from, uint64_t size, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *range = wl_sprintf("Content-Range: %" PRIu64 "-%" PRIu64, from, from + size - 1);
    WL_AUTOFREE char *url = wl_strdup(up->location);
    const char *const headers[] = {octets[0], range, NULL};
    const char *const whole[] = {octets[0], NULL};
    struct wl_http_request req;
    uint64_t end;

    if (send_part(up, "PATCH", url, size == up->u->d->size ? whole : headers, from, size, &req, &res, err) < 0)
        return req.transient ? AGAIN : FAILED;
    if (res.status != 202 && res.status != 204) {
        if (res.status >= 200 && res.status < 300) {
            wl_client_status_error(up->c, up->what, &res, err);
            return FAILED;
        }
        return judge(up, &res, err);
    }
    end = range_end(&res);
    if (end && end != from + size) {
        wl_fail(err, WL_NET, "%s: %s: the registry has %" PRIu64 " bytes of the %" PRIu64 " that were sent",
                up->c->host, up->what, end, from + size);
        return AGAIN;
    }
    return take_location(up, &res, err) < 0 ? FAILED : DONE;
}

/* From offset on by PATCH, in order, each to the Location of the answer before; then the closing PUT. */
static enum outcome send_patches(struct upload *up, uint64_t from, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    uint64_t size = up->u->d->size;
    uint64_t chunk = up->way == CHUNKED ? CHUNK : size;
    WL_AUTOFREE char *url = NULL;
    struct wl_http_request req = {.method = "PUT", .headers = octets, .body = {(const uint8_t *)"", 0}};

    if (chunk < up->min_chunk)
        chunk = up->min_chunk;
    while (from < size) {
        uint64_t n = size - from < chunk ? size - from : chunk;
        enum outcome o = send_chunk(up, from, n, err);

        if (o != DONE)
            return o;
        from += n;
        if (up->u->progress)
            up->u->progress->report(up->u->progress->arg, up->name, from, size, from == size);
    }
    url = closing_url(up);
    req.url = url;
    if (wl_client_call(up->c, &req, WL_CALL_ONCE, &res, err) < 0)
        return req.transient ? AGAIN : FAILED;
    return closed(up, &res, err);
}

/* Where a session that broke off stands; 0: it cannot be resumed. */
static uint64_t session_offset(struct upload *up) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *url = wl_strdup(up->location);
    struct wl_http_request req = {.url = url, .max_body = WL_HTTP_ERROR_BODY_MAX};
    struct wl_err ignored;
    uint64_t end;

    if (wl_client_call(up->c, &req, WL_CALL_ONCE, &res, &ignored) < 0 || (res.status != 204 && res.status != 202))
        return 0;
    end = range_end(&res);
    if (end < RESUME_MIN || end > up->u->d->size)
        return 0;
    if (wl_http_header(&res, "Location", 0) && take_location(up, &res, &ignored) < 0)
        return 0;
    return end;
}

/* --- PUT --------------------------------------------------------------------------------------------------- */

static enum outcome put_whole(struct upload *up, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *url = closing_url(up);
    struct wl_http_request req;
    uint64_t size = up->u->d->size;
    uint64_t offset;

    if (send_part(up, "PUT", url, octets, 0, size, &req, &res, err) == 0)
        return closed(up, &res, err);
    if (!req.transient)
        return FAILED;
    if (up->sent < RESUME_MIN || wl_interrupted())
        return AGAIN;
    offset = session_offset(up);
    if (offset == 0)
        return AGAIN;
    wl_client_wasted(up->c, up->sent - (offset < up->sent ? offset : up->sent));
    up->sent = offset;
    return send_patches(up, offset, err);
}

static void upload_release(struct upload *up) {
    free(up->what);
    free(up->name);
    free(up->location);
}

int wl_client_blob_upload(struct wl_client *c, struct wl_client_upload *u, struct wl_err *err) {
    WL_AUTO(upload_release)
    struct upload up = {.c = c,
                        .u = u,
                        .what = wl_sprintf("upload of %s", wl_digest_str(&u->d->digest).s),
                        .name = wl_client_blob_name(u->d),
                        .mount = u->mount_from != NULL};

    u->mounted = false;
    for (unsigned attempt = 1;; attempt++) {
        struct wl_err ignored;
        bool stored = false;
        enum outcome o;

        up.wait = -1;
        if (open_session(&up, err) < 0)
            return -1;
        if (u->mounted)
            return 0;
        o = up.way == WHOLE ? put_whole(&up, err) : send_patches(&up, 0, err);
        if (o == DONE)
            return 0;
        if (o == FAILED || wl_interrupted())
            return -1;
        /* the answer may have been lost and the blob not: some registries then no longer know the session */
        if (wl_client_blob_exists(c, u->d, &stored, &ignored) == 0 && stored)
            return 0;
        wl_client_wasted(c, up.sent);
        if (attempt >= WL_CLIENT_TRIES || !wl_client_may_repeat(c) || wl_http_backoff(attempt, up.wait, err) < 0)
            return -1;
    }
}
