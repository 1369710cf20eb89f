#include <stdlib.h>
#include <string.h>

#include "../tool/base/json.h"
#include "../tool/base/mem.h"
#include "client_internal.h"

/* What we take; registries convert or refuse by it. */
#define ACCEPT "Accept: " WL_MT_MANIFEST ", " WL_MT_INDEX ", " WL_MT_DOCKER_MANIFEST ", " WL_MT_DOCKER_INDEX

#define DISTURBED_TRIES 3 /* of a PUT that is said to have another digest */
#define PAGES_MAX 1000    /* answers that the list of tags may be spread over */

static const char *const accept_headers[] = {ACCEPT, NULL};

static char *manifest_url(const struct wl_client *c, const char *tag_or_digest) {
    return wl_client_url(c, "manifests/%s", tag_or_digest);
}

/* The media type of an answer; NULL when it says nothing useful. A new string. */
static char *answer_type(const struct wl_http_response *res) {
    const char *type = wl_http_header(res, "Content-Type", 0);

    if (!type || !*type || wl_starts(type, "text/") || wl_starts(type, "application/octet-stream") ||
        (wl_starts(type, "application/json") && !wl_starts(type, "application/json+")))
        return NULL;
    return wl_strndup(type, strcspn(type, "; \t"));
}

/* GET with the digests checked. *ret_found is false on 404. */
static int fetch(struct wl_client *c, const char *tag_or_digest, struct wl_http_response *res, struct wl_digest *ret,
                 bool *ret_found, struct wl_err *err) {
    WL_AUTOFREE char *url = manifest_url(c, tag_or_digest);
    WL_AUTOFREE char *what = wl_sprintf("manifest %s", tag_or_digest);
    struct wl_http_request req = {.url = url, .headers = accept_headers, .max_body = WL_OCI_DOC_MAX};
    struct wl_digest said;
    struct wl_digest asked;
    const char *header;

    if (wl_client_call(c, &req, 0, res, err) < 0)
        return -1;
    *ret_found = res->status == 200;
    if (res->status == 404)
        return 0;
    if (res->status != 200)
        return wl_client_status_error(c, what, res, err);
    *ret = wl_digest_of(res->body.p ? res->body.p : "", res->body.len);
    if (wl_digest_parse(tag_or_digest, &asked) && !wl_digest_equal(&asked, ret)) {
        wl_client_note_wrong_bytes(c);
        return wl_fail(err, WL_NET, "%s: %s: the registry sends other bytes (%s)", c->host, what, wl_digest_str(ret).s);
    }
    header = wl_http_header(res, "Docker-Content-Digest", 0);
    if (header && wl_digest_parse(header, &said) && !wl_digest_equal(&said, ret)) {
        wl_client_note_wrong_bytes(c);
        return wl_fail(err, WL_NET, "%s: %s: the registry announces %s and sends %s", c->host, what, header,
                       wl_digest_str(ret).s);
    }
    return 0;
}

int wl_client_manifest_head(struct wl_client *c, const char *tag_or_digest, bool *ret_found, struct wl_digest *ret,
                            struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTO(wl_http_response_release) struct wl_http_response body = {0};
    WL_AUTOFREE char *url = manifest_url(c, tag_or_digest);
    struct wl_http_request req = {.method = "HEAD", .url = url, .headers = accept_headers};
    const char *header;

    if (wl_client_call(c, &req, 0, &res, err) < 0)
        return -1;
    *ret_found = false;
    if (res.status == 404)
        return 0;
    header = wl_http_header(&res, "Docker-Content-Digest", 0);
    if (res.status == 200 && header && wl_digest_parse(header, ret)) {
        *ret_found = true;
        return 0;
    }
    return fetch(c, tag_or_digest, &body, ret, ret_found, err);
}

int wl_client_manifest_find(struct wl_client *c, const char *tag_or_digest, bool *ret_found, struct wl_buf *ret,
                            char **ret_type, struct wl_digest *ret_digest, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    struct wl_digest digest;

    if (fetch(c, tag_or_digest, &res, &digest, ret_found, err) < 0)
        return -1;
    if (!*ret_found)
        return 0;
    wl_buf_add(ret, res.body.p, res.body.len);
    *ret_type = answer_type(&res);
    *ret_digest = digest;
    return 0;
}

int wl_client_manifest_get(struct wl_client *c, const char *tag_or_digest, struct wl_buf *ret, char **ret_type,
                           struct wl_digest *ret_digest, struct wl_err *err) {
    bool found;

    if (wl_client_manifest_find(c, tag_or_digest, &found, ret, ret_type, ret_digest, err) < 0)
        return -1;
    if (!found)
        return wl_fail(err, WL_NET, "%s has no %s%s in the repository %s", c->host,
                       wl_starts(tag_or_digest, "sha256:") ? "" : "tag ", tag_or_digest, c->path);
    return 0;
}

/* An answer other than 201: some registries say 200 or 204, and so does a server that is none. */
static int check_stored(struct wl_client *c, const char *what, const char *tag_or_digest,
                        const struct wl_digest *digest, const struct wl_http_response *res, struct wl_err *err) {
    struct wl_digest has;
    bool found;

    if (wl_client_manifest_head(c, tag_or_digest, &found, &has, err) < 0)
        return -1;
    if (!found || !wl_digest_equal(&has, digest))
        return wl_client_status_error(c, what, res, err);
    return 0;
}

/* The bytes are ours and the digest is right: a registry that says otherwise was disturbed, as distribution is by another who writes the
 * same tag at the same time. */
static int put_call(struct wl_client *c, struct wl_http_request *req, struct wl_http_response *ret,
                    struct wl_err *err) {
    for (unsigned attempt = 1;; attempt++) {
        if (wl_client_call(c, req, 0, ret, err) < 0)
            return -1;
        if (ret->status != 400 || !wl_client_error_has(ret, "DIGEST_INVALID") || attempt >= DISTURBED_TRIES ||
            !wl_client_may_repeat(c))
            return 0;
        wl_http_response_release(ret);
        if (wl_http_backoff(attempt, -1, err) < 0)
            return -1;
    }
}

int wl_client_manifest_put(struct wl_client *c, const char *tag_or_digest, const char *media_type, struct wl_blob bytes,
                           const struct wl_digest *digest, struct wl_client_put *ret, struct wl_err *err) {
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    WL_AUTOFREE char *url = manifest_url(c, tag_or_digest);
    WL_AUTOFREE char *what = wl_sprintf("manifest %s", tag_or_digest);
    WL_AUTOFREE char *type = wl_sprintf("Content-Type: %s", media_type);
    const char *const headers[] = {type, NULL};
    struct wl_http_request req = {.method = "PUT", .url = url, .headers = headers, .body = bytes};
    struct wl_client_put ignored;
    struct wl_digest said;
    const char *header;

    if (!ret)
        ret = &ignored;
    *ret = (struct wl_client_put){0};
    if (put_call(c, &req, &res, err) < 0)
        return -1;
    ret->status = res.status;
    if (res.status < 200 || res.status > 299) {
        ret->missing_blob =
            wl_client_error_has(&res, "MANIFEST_BLOB_UNKNOWN") || wl_client_error_has(&res, "BLOB_UNKNOWN");
        return wl_client_status_error(c, what, &res, err);
    }
    header = wl_http_header(&res, "OCI-Subject", 0);
    ret->subject = header && wl_digest_parse(header, &said);
    header = wl_http_header(&res, "Docker-Content-Digest", 0);
    if (header && !wl_starts(header, "sha512:") && /* read back by the tag, it says no more and no less */
        (!wl_digest_parse(header, &said) || !wl_digest_equal(&said, digest)))
        return wl_fail(err, WL_NET, "%s: %s: the registry stored other bytes: %.100s instead of %s", c->host, what,
                       header, wl_digest_str(digest).s);
    return res.status == 201 ? 0 : check_stored(c, what, tag_or_digest, digest, &res, err);
}

/* One page of the list of tags. */
static int take_tags(struct wl_client *c, const struct wl_http_response *res, struct wl_strv *ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTOFREE char *name = wl_sprintf("tags of %s/%s", c->host, c->path);
    const wl_json *tags;

    if (wl_json_parse(&doc, name, wl_buf_str(&res->body), res->body.len, WL_NET, err) < 0)
        return -1;
    tags = wl_json_get(wl_json_root(doc), "tags"); /* null in an empty repository */
    for (size_t i = 0; tags && wl_json_kind(tags) == WL_JSON_ARRAY && i < wl_json_len(tags); i++) {
        const char *tag = wl_json_str(wl_json_at(tags, i));

        if (!tag || !wl_reference_tag_valid(tag))
            return wl_json_fail(doc, "$.tags", err, "holds something that is no tag");
        if (ret->n >= WL_CLIENT_TAGS_MAX)
            return wl_json_fail(doc, "$.tags", err, "more than %d tags", WL_CLIENT_TAGS_MAX);
        wl_strv_add(ret, tag);
    }
    return 0;
}

int wl_client_tags(struct wl_client *c, struct wl_strv *ret, struct wl_err *err) {
    char *url = wl_client_url(c, "tags/list");

    for (unsigned page = 0; url; page++) {
        WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
        WL_AUTOFREE char *this = WL_STEAL(url);
        struct wl_http_request req = {.url = this, .max_body = WL_OCI_DOC_MAX};

        if (page >= PAGES_MAX)
            return wl_fail(err, WL_NET, "%s: the list of tags has more than %d pages", c->host, PAGES_MAX);
        if (wl_client_call(c, &req, 0, &res, err) < 0)
            return -1;
        if (res.status != 200)
            return wl_client_status_error(c, "list of tags", &res, err);
        if (take_tags(c, &res, ret, err) < 0)
            return -1;
        url = wl_client_next_page(&res);
        if (url && !wl_url_same_origin(url, c->base_url)) {
            free(url);
            return wl_fail(err, WL_NET, "%s: the list of tags goes on on another host: refused", c->host);
        }
    }
    return 0;
}
