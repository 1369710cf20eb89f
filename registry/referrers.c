#include "referrers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../tool/base/json.h"
#include "../tool/base/mem.h"
#include "client_internal.h"

#define SETTLE_MIN_MS 100  /* before what was written to a fallback tag is looked at once more */
#define SETTLE_MAX_MS 5000 /* at most */

struct wl_referrers_tag wl_referrers_tag(const struct wl_digest *subject) {
    struct wl_referrers_tag t;

    memcpy(t.s, wl_digest_str(subject).s, sizeof(t.s));
    t.s[strlen("sha256")] = '-';
    return t;
}

struct wl_oci_descriptor wl_referrers_descriptor(const struct wl_oci_manifest *m, const struct wl_oci_descriptor *d) {
    return (struct wl_oci_descriptor){.media_type = d->media_type,
                                      .digest = d->digest,
                                      .size = d->size,
                                      .artifact_type = m->artifact_type ? m->artifact_type : m->config.media_type,
                                      .annotations = m->annotations};
}

/* --- Listing ----------------------------------------------------------------------------------------------- */

static int take_index(const char *name, struct wl_blob text, const char *artifact_type, struct wl_arena *a,
                      struct wl_oci_descriptors *ret, struct wl_err *err) {
    struct wl_oci_index x;

    if (wl_oci_index_parse(name, text, NULL, WL_OCI_REMOTE, a, &x, err) < 0)
        return -1;
    for (size_t i = 0; i < x.manifests.n; i++) {
        const struct wl_oci_descriptor *d = &x.manifests.v[i];

        if (artifact_type && (!d->artifact_type || strcmp(d->artifact_type, artifact_type) != 0))
            continue;
        if (ret->n >= WL_OCI_ITEMS_MAX)
            return wl_fail(err, WL_NET, "%s: more than %d referrers", name, WL_OCI_ITEMS_MAX);
        wl_oci_descriptors_add(ret, a, d);
    }
    return 0;
}

/* An answer by which a registry says that it does not know this part of the API: 404 by the specification; others refuse the method or
 * the path, or show a page to people. */
static bool knows_no_api(const struct wl_http_response *res) {
    const char *type = wl_http_header(res, "Content-Type", 0);

    if (res->status == 200)
        return type && !strstr(type, "json");
    return res->status == 400 || res->status == 404 || res->status == 405 || res->status == 406 || res->status == 501;
}

/* All pages of the API. *ret_known false: the registry has no such API. */
static int list_by_api(struct wl_client *c, const struct wl_digest *subject, const char *artifact_type,
                       struct wl_arena *a, struct wl_oci_descriptors *ret, bool *ret_known, struct wl_err *err) {
    static const char *const headers[] = {"Accept: " WL_MT_INDEX, NULL};
    WL_AUTOFREE char *what = wl_sprintf("referrers of %s", wl_digest_str(subject).s);
    WL_AUTOFREE char *filter = artifact_type ? wl_url_escape(artifact_type) : NULL;
    char *url = wl_client_url(c, "referrers/%s%s%s", wl_digest_str(subject).s, filter ? "?artifactType=" : "",
                              filter ? filter : "");

    *ret_known = true;
    for (unsigned page = 0; url; page++) {
        WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
        WL_AUTOFREE char *this = WL_STEAL(url);
        struct wl_http_request req = {.url = this, .headers = headers, .max_body = WL_OCI_DOC_MAX};

        if (page >= WL_REFERRERS_PAGES)
            return wl_fail(err, WL_NET, "%s: %s: more than %d pages", c->host, what, WL_REFERRERS_PAGES);
        if (wl_client_call(c, &req, 0, &res, err) < 0)
            return -1;
        if (page == 0 && knows_no_api(&res)) {
            *ret_known = false;
            return 0;
        }
        if (res.status != 200)
            return wl_client_status_error(c, what, &res, err);
        if (take_index(what, (struct wl_blob){(const uint8_t *)wl_buf_str(&res.body), res.body.len}, artifact_type, a,
                       ret, err) < 0)
            return wl_err_context(err, "%s", c->host);
        url = wl_client_next_page(&res);
        if (url && !wl_url_same_origin(url, c->base_url)) {
            free(url);
            return wl_fail(err, WL_NET, "%s: %s: the next page is on another host: refused", c->host, what);
        }
    }
    return 0;
}

/* The index under the fallback tag; an empty text when there is none. */
static int get_fallback(struct wl_client *c, const struct wl_digest *subject, struct wl_buf *ret, struct wl_err *err) {
    WL_AUTOFREE char *type = NULL;
    struct wl_digest ignored;
    bool found;

    return wl_client_manifest_find(c, wl_referrers_tag(subject).s, &found, ret, &type, &ignored, err);
}

int wl_referrers_list(struct wl_client *c, const struct wl_digest *subject, const char *artifact_type,
                      struct wl_arena *a, struct wl_oci_descriptors *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_descriptors list = {0};
    bool known;

    if (list_by_api(c, subject, artifact_type, a, &list, &known, err) < 0)
        return -1;
    if (!known) {
        if (get_fallback(c, subject, &text, err) < 0)
            return -1;
        if (text.len && take_index(wl_referrers_tag(subject).s, wl_buf_blob(&text), artifact_type, a, &list, err) < 0)
            return wl_err_context(err, "%s", c->host);
    }
    *ret = list;
    return 0;
}

/* --- The fallback tag -------------------------------------------------------------------------------------- */

static bool holds(const struct wl_oci_descriptors *l, const struct wl_digest *d) {
    for (size_t i = 0; i < l->n; i++)
        if (wl_digest_equal(&l->v[i].digest, d))
            return true;
    return false;
}

static void write_raw(struct wl_jw *w, const wl_json *v) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};

    wl_json_print(v, false, &text);
    wl_jw_raw(w, wl_buf_str(&text));
}

/* The old index (which was checked) with one descriptor more; members and entries that we do not know stay. */
static int add_to_index(const struct wl_buf *old, const struct wl_oci_descriptor *d, struct wl_buf *out,
                        struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf ours = {0};
    struct wl_jw w = {.out = out};
    const wl_json *list;
    const wl_json *value;
    const char *key;

    if (wl_json_parse(&doc, "referrers", old->p, old->len, WL_NET, err) < 0)
        return -1;
    wl_oci_descriptor_write(d, &ours);
    list = wl_json_get(wl_json_root(doc), "manifests");
    wl_jw_begin(&w, '{');
    for (void *it = NULL; wl_json_next(wl_json_root(doc), &it, &key, &value);) {
        wl_jw_key(&w, key);
        if (value != list) {
            write_raw(&w, value);
            continue;
        }
        wl_jw_begin(&w, '[');
        for (size_t i = 0; i < wl_json_len(list); i++)
            write_raw(&w, wl_json_at(list, i));
        wl_jw_raw(&w, wl_buf_str(&ours));
        wl_jw_end(&w, ']');
    }
    wl_jw_end(&w, '}');
    return 0;
}

static void new_index(const struct wl_oci_descriptor *d, struct wl_buf *out) {
    struct wl_oci_descriptor copy = *d;
    struct wl_oci_index x = {.manifests = {&copy, 1}};

    wl_oci_index_write(&x, out);
}

/* One look, and an addition when it is missing. *ret_there: it was there already. */
static int add_once(struct wl_client *c, const struct wl_digest *subject, const struct wl_oci_descriptor *d,
                    bool *ret_there, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf old = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_descriptors list = {0};
    struct wl_referrers_tag tag = wl_referrers_tag(subject);
    struct wl_digest digest;

    if (get_fallback(c, subject, &old, err) < 0)
        return -1;
    if (old.len && take_index(tag.s, wl_buf_blob(&old), NULL, &a, &list, err) < 0)
        return wl_err_context(err, "%s", c->host);
    *ret_there = holds(&list, &d->digest);
    if (*ret_there)
        return 0;
    if (!old.len)
        new_index(d, &text);
    else if (add_to_index(&old, d, &text, err) < 0)
        return -1;
    if (text.len > WL_OCI_DOC_MAX)
        return wl_fail(err, WL_NET, "%s: the index %s has no room for another referrer", c->host, tag.s);
    digest = wl_digest_of(text.p, text.len);
    return wl_client_manifest_put(c, tag.s, WL_MT_INDEX, wl_buf_blob(&text), &digest, NULL, err);
}

static long long now_ms(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* add_once, and how long it took when it wrote. */
static int add_timed(struct wl_client *c, const struct wl_digest *subject, const struct wl_oci_descriptor *d,
                     bool *ret_there, struct wl_err *err) {
    long long start = now_ms();

    if (add_once(c, subject, d, ret_there, err) < 0)
        return wl_err_context(err, "adding to the referrers tag");
    if (!*ret_there && now_ms() - start > c->add_ms)
        c->add_ms = now_ms() - start;
    return 0;
}

static void remember(struct wl_client *c, const struct wl_digest *subject, const struct wl_oci_descriptor *d) {
    struct wl_added *a;

    c->added = wl_reallocarray(c->added, c->n_added + 1, sizeof(*c->added));
    a = &c->added[c->n_added++];
    *a = (struct wl_added){.subject = *subject};
    new_index(d, &a->index);
}

int wl_referrers_add(struct wl_client *c, const struct wl_digest *subject, const struct wl_oci_descriptor *d,
                     struct wl_err *err) {
    for (unsigned attempt = 1; attempt <= WL_REFERRERS_TRIES; attempt++) {
        bool there;

        if (add_timed(c, subject, d, &there, err) < 0)
            return -1;
        if (there) {
            if (attempt > 1)
                remember(c, subject, d);
            return 0;
        }
        /* whoever read the index before us and wrote it after us has lost our entry: the next look tells */
        if (attempt > 1 && wl_http_backoff(attempt, -1, err) < 0)
            return -1;
    }
    return wl_fail(err, WL_NET, "%s: the referrers of %s are rewritten by somebody else again and again", c->host,
                   wl_digest_str(subject).s);
}

/* Longer than whoever has read the index before we wrote it may take until it has written it: as long as we took, thrice; and by chance
 * a little more, so that those who meet again and again part. */
unsigned long wl_referrers_pause_ms(long long took_ms) {
    unsigned long ms = took_ms * 3 < SETTLE_MIN_MS ? SETTLE_MIN_MS : (unsigned long)took_ms * 3;
    uint32_t r = 0;

    if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
        r = (uint32_t)now_ms();
    ms += r % (ms / 2);
    return ms < SETTLE_MAX_MS ? ms : SETTLE_MAX_MS;
}

static int look_again(struct wl_client *c, const struct wl_added *added, bool *ret_there, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_descriptors one = {0};

    if (take_index("referrers", wl_buf_blob(&added->index), NULL, &a, &one, err) < 0)
        return -1;
    return add_timed(c, &added->subject, &one.v[0], ret_there, err);
}

int wl_referrers_settle(struct wl_client *c, struct wl_err *err) {
    for (unsigned attempt = 1; c->n_added > 0; attempt++) {
        bool lost = false;

        if (attempt > WL_REFERRERS_TRIES)
            return wl_fail(err, WL_NET, "%s: the referrers of %s are rewritten by somebody else again and again",
                           c->host, wl_digest_str(&c->added[0].subject).s);
        if (wl_http_wait(wl_referrers_pause_ms(c->add_ms), err) < 0)
            return -1;
        for (size_t i = 0; i < c->n_added; i++) {
            bool there;

            if (look_again(c, &c->added[i], &there, err) < 0)
                return -1;
            lost = lost || !there;
        }
        while (!lost && c->n_added > 0)
            wl_buf_release(&c->added[--c->n_added].index);
    }
    return 0;
}
