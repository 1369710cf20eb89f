#include "cosign.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tool/base/json.h"
#include "../tool/base/mem.h"
#include "bundle.h"
#include "pull.h"
#include "push.h"
#include "referrers.h"

#define TYPE "cosign container image signature"
#define NO_TIME "0001-01-01T00:00:00Z" /* what cosign writes: signatures have no time of their own */

struct wl_cosign_tag wl_cosign_tag(const struct wl_digest *subject) {
    struct wl_cosign_tag t;

    memcpy(t.s, wl_digest_str(subject).s, WL_DIGEST_STR);
    t.s[strlen("sha256")] = '-';
    memcpy(t.s + WL_DIGEST_STR, ".sig", sizeof(".sig"));
    return t;
}

/* --- The payload --------------------------------------------------------------------------------------------------- */

void wl_cosign_payload(const char *repository, const struct wl_digest *subject, struct wl_buf *ret) {
    struct wl_jw w = {.out = ret};

    wl_jw_begin(&w, '{');
    wl_jw_key(&w, "critical");
    wl_jw_begin(&w, '{');
    wl_jw_key(&w, "identity");
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "docker-reference", repository);
    wl_jw_end(&w, '}');
    wl_jw_key(&w, "image");
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "docker-manifest-digest", wl_digest_str(subject).s);
    wl_jw_end(&w, '}');
    wl_jw_kstr(&w, "type", TYPE);
    wl_jw_end(&w, '}');
    wl_jw_key(&w, "optional");
    wl_jw_raw(&w, "null");
    wl_jw_end(&w, '}');
}

int wl_cosign_payload_check(struct wl_blob payload, const struct wl_digest *subject, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    const wl_json *critical;
    const char *type, *digest;

    if (wl_json_parse(&doc, "signature payload", (const char *)payload.p, payload.len, WL_FAILED, err) < 0)
        return -1;
    critical = wl_json_get(wl_json_root(doc), "critical");
    type = wl_json_get_str(critical, "type");
    digest = wl_json_get_str(wl_json_get(critical, "image"), "docker-manifest-digest");
    if (!type || strcmp(type, TYPE) != 0)
        return wl_json_fail(doc, "$.critical.type", err, "not \"" TYPE "\"");
    if (!digest || strcmp(digest, wl_digest_str(subject).s) != 0)
        return wl_json_fail(doc, "$.critical.image", err, "signs another manifest than %s", wl_digest_str(subject).s);
    return 0;
}

/* --- The signatures of a manifest ---------------------------------------------------------------------------------- */

/* The manifest under the signature tag; *ret_found false when there is none. Strings live in the arena. */
static int get_signatures(struct wl_client *c, const struct wl_digest *subject, struct wl_arena *a,
                          struct wl_oci_manifest *ret, bool *ret_found, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *type = NULL;
    struct wl_cosign_tag tag = wl_cosign_tag(subject);
    struct wl_digest digest;

    if (wl_client_manifest_head(c, tag.s, ret_found, &digest, err) < 0)
        return -1;
    if (!*ret_found)
        return 0;
    if (wl_client_manifest_get(c, wl_digest_str(&digest).s, &text, &type, &digest, err) < 0)
        return -1;
    return wl_oci_manifest_parse(tag.s, wl_buf_blob(&text), type, WL_OCI_REMOTE, a, ret, err);
}

/* 0 when the layer is a good signature; whatever else it is stands in err. */
static int check_layer(struct wl_client *c, struct wl_layout *l, const struct wl_oci_descriptor *d,
                       const struct wl_digest *subject, const struct wl_sign_key *k, struct wl_err *err) {
    const char *b64 = wl_oci_pairs_get(&d->annotations, WL_COSIGN_ANNOTATION);
    WL_AUTO(wl_buf_release) struct wl_buf payload = {0};
    uint8_t sig[WL_SIGNATURE_BYTES * 2];
    size_t n = 0;

    if (strcmp(d->media_type, WL_MT_COSIGN) != 0 || !b64 || strlen(b64) > sizeof(sig) ||
        d->size > WL_COSIGN_PAYLOAD_MAX || wl_base64_decode(b64, sig, &n) < 0)
        return wl_fail(err, WL_FAILED, "no signature of a kind that is known");
    if (wl_client_blob_get(c, l, d, NULL, err) < 0 || wl_blob_load(l, &d->digest, (int64_t)d->size, &payload, err) < 0)
        return -1;
    if (!wl_sign_verify(k, wl_buf_blob(&payload), (struct wl_blob){sig, n}))
        return wl_fail(err, WL_FAILED, "the signature is not by this key");
    return wl_cosign_payload_check(wl_buf_blob(&payload), subject, err);
}

/* Counts a signature that was looked at; fails when the registry, not the signature, was at fault. */
static int count(struct wl_cosign_result *r, int rc, const struct wl_digest *subject, const struct wl_err *why,
                 struct wl_err *err) {
    if (rc == 0)
        r->good++;
    else
        r->other++;
    if (rc < 0 && r->good == 0 && why->code == WL_NET)
        return wl_fail(err, WL_NET, "signatures of %s: %s", wl_digest_str(subject).s, why->msg);
    return 0;
}

/* Those under the signature tag. */
static int verify_tag(struct wl_client *c, struct wl_layout *l, const struct wl_digest *subject,
                      const struct wl_sign_key *k, struct wl_cosign_result *r, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_manifest m;
    bool found;

    if (get_signatures(c, subject, &a, &m, &found, err) < 0)
        return -1;
    for (size_t i = 0; found && i < m.layers.n && i < WL_COSIGN_MAX; i++) {
        struct wl_err why = {0};
        int rc = check_layer(c, l, &m.layers.v[i], subject, k, &why);

        if (count(r, rc, subject, &why, err) < 0)
            return -1;
    }
    return 0;
}

/* One bundle that refers to the manifest. */
static int check_bundle(struct wl_client *c, struct wl_layout *l, const struct wl_oci_descriptor *d,
                        const struct wl_digest *subject, const struct wl_sign_key *k, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_buf_release) struct wl_buf bundle = {0};
    WL_AUTOFREE char *type = NULL;
    struct wl_oci_manifest m;
    struct wl_digest digest;

    if (wl_client_manifest_get(c, wl_digest_str(&d->digest).s, &text, &type, &digest, err) < 0 ||
        wl_oci_manifest_parse("bundle", wl_buf_blob(&text), type, WL_OCI_REMOTE, &a, &m, err) < 0)
        return -1;
    if (m.layers.n != 1 || m.layers.v[0].size > WL_BUNDLE_MAX)
        return wl_fail(err, WL_FAILED, "no bundle of a kind that is known");
    if (wl_client_blob_get(c, l, &m.layers.v[0], NULL, err) < 0 ||
        wl_blob_load(l, &m.layers.v[0].digest, (int64_t)m.layers.v[0].size, &bundle, err) < 0)
        return -1;
    return wl_bundle_check(wl_buf_blob(&bundle), subject, k, err);
}

static int verify_bundles(struct wl_client *c, struct wl_layout *l, const struct wl_digest *subject,
                          const struct wl_sign_key *k, struct wl_cosign_result *r, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_descriptors list = {0};

    if (wl_referrers_list(c, subject, WL_MT_BUNDLE, &a, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.n && i < WL_COSIGN_MAX; i++) {
        struct wl_err why = {0};
        int rc = check_bundle(c, l, &list.v[i], subject, k, &why);

        if (count(r, rc, subject, &why, err) < 0)
            return -1;
    }
    return 0;
}

int wl_cosign_verify(struct wl_client *c, struct wl_layout *l, const struct wl_digest *subject,
                     const struct wl_sign_key *k, struct wl_cosign_result *ret, struct wl_err *err) {
    struct wl_cosign_result r = {0};

    if (verify_tag(c, l, subject, k, &r, err) < 0 || (r.good == 0 && verify_bundles(c, l, subject, k, &r, err) < 0))
        return -1;
    *ret = r;
    return 0;
}

/* --- Signing ------------------------------------------------------------------------------------------------------- */

static int put_text(struct wl_layout *l, const char *media_type, const struct wl_buf *text,
                    struct wl_oci_descriptor *ret, struct wl_err *err) {
    struct wl_digest ignored;

    *ret = wl_oci_descriptor_of(media_type, wl_buf_blob(text));
    return wl_layout_blob_put(l, wl_buf_blob(text), &ignored, err);
}

/* The layer of a new signature. */
static int make_layer(struct wl_layout *l, const char *repository, const struct wl_digest *subject,
                      const struct wl_sign_key *k, struct wl_arena *a, struct wl_oci_descriptor *ret,
                      struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf payload = {0};
    WL_AUTO(wl_buf_release) struct wl_buf sig = {0};
    WL_AUTOFREE char *b64 = NULL;

    wl_cosign_payload(repository, subject, &payload);
    if (wl_sign(k, wl_buf_blob(&payload), &sig, err) < 0 || put_text(l, WL_MT_COSIGN, &payload, ret, err) < 0)
        return -1;
    b64 = wl_base64_encode(sig.p, sig.len);
    wl_oci_pairs_set(&ret->annotations, a, WL_COSIGN_ANNOTATION, b64);
    return 0;
}

/* An image configuration, as cosign expects one: its diff_ids are the layers' digests. */
static int make_config(struct wl_layout *l, const struct wl_oci_descriptors *layers, struct wl_arena *a,
                       struct wl_oci_descriptor *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_config config = {.created = NO_TIME};

    for (size_t i = 0; i < layers->n; i++) {
        wl_oci_config_add_diff_id(&config, a, &layers->v[i].digest);
        wl_oci_config_add_history(&config, a, &(struct wl_oci_history){.created = NO_TIME});
    }
    wl_oci_config_write(&config, &text);
    return put_text(l, WL_MT_CONFIG, &text, ret, err);
}

/* What is under the tag already has to be in the layout, since all of it is pushed again. */
static int fetch_layers(struct wl_client *c, struct wl_layout *l, const struct wl_oci_manifest *old,
                        struct wl_err *err) {
    if (old->layers.n >= WL_COSIGN_MAX)
        return wl_fail(err, WL_FAILED, "there are %zu signatures already", old->layers.n);
    for (size_t i = 0; i < old->layers.n; i++) {
        const struct wl_oci_descriptor *d = &old->layers.v[i];

        if (d->size > WL_COSIGN_PAYLOAD_MAX)
            return wl_fail(err, WL_NET, "a signature of %llu bytes is none", (unsigned long long)d->size);
        if (!wl_layout_blob_has(l, &d->digest, (int64_t)d->size) && wl_client_blob_get(c, l, d, NULL, err) < 0)
            return -1;
    }
    return 0;
}

static int sign_once(struct wl_client *c, struct wl_layout *l, const char *repository, const struct wl_digest *subject,
                     const struct wl_sign_key *k, bool *ret_added, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_push_result_release) struct wl_push_result pushed = {0};
    struct wl_oci_manifest m = {0};
    struct wl_cosign_result have = {0};
    struct wl_oci_descriptor layer, root;
    bool found;

    /* a bundle alone is not enough: podman and older cosigns look at the tag */
    if (verify_tag(c, l, subject, k, &have, err) < 0)
        return -1;
    if (have.good > 0) {
        *ret_added = false;
        return 0;
    }
    if (get_signatures(c, subject, &a, &m, &found, err) < 0 || (found && fetch_layers(c, l, &m, err) < 0) ||
        make_layer(l, repository, subject, k, &a, &layer, err) < 0)
        return -1;
    wl_oci_descriptors_add(&m.layers, &a, &layer);
    if (make_config(l, &m.layers, &a, &m.config, err) < 0)
        return -1;
    wl_oci_manifest_write(&m, &text);
    if (put_text(l, WL_MT_MANIFEST, &text, &root, err) < 0 ||
        wl_push(c, l, &root, wl_cosign_tag(subject).s, 0, NULL, &pushed, err) < 0)
        return -1;
    *ret_added = true;
    return 0;
}

/* What the signature tag stands for; zeroes for nothing. */
static int look_at_tag(struct wl_client *c, const struct wl_digest *subject, struct wl_digest *ret,
                       struct wl_err *err) {
    bool found;

    *ret = (struct wl_digest){0};
    return wl_client_manifest_head(c, wl_cosign_tag(subject).s, &found, ret, err);
}

int wl_cosign_sign(struct wl_client *c, struct wl_layout *l, const char *repository, const struct wl_digest *subject,
                   const struct wl_sign_key *k, bool *ret_added, struct wl_err *err) {
    for (unsigned attempt = 1;; attempt++) {
        struct wl_digest before, after;
        struct wl_err ignored;

        if (look_at_tag(c, subject, &before, err) < 0)
            return -1;
        if (sign_once(c, l, repository, subject, k, ret_added, err) == 0)
            return 0;
        /* somebody else who signed at the same time moved the tag: with theirs then */
        if (err->code != WL_NET || attempt >= WL_COSIGN_TRIES || look_at_tag(c, subject, &after, &ignored) < 0 ||
            wl_digest_equal(&before, &after) || wl_http_backoff(attempt, -1, err) < 0)
            return -1;
    }
}

static long long now_ms(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void wl_cosign_added_release(struct wl_cosign_added *a) {
    free(a->v);
}

int wl_cosign_sign_noted(struct wl_client *c, struct wl_layout *l, const char *repository,
                         const struct wl_digest *subject, const struct wl_sign_key *k, struct wl_cosign_added *to,
                         bool *ret_added, struct wl_err *err) {
    long long start = now_ms();

    if (wl_cosign_sign(c, l, repository, subject, k, ret_added, err) < 0)
        return -1;
    if (!*ret_added)
        return 0;
    if (now_ms() - start > to->took_ms)
        to->took_ms = now_ms() - start;
    to->v = wl_reallocarray(to->v, to->n + 1, sizeof(*to->v));
    to->v[to->n++] = *subject;
    return 0;
}

int wl_cosign_settle(struct wl_client *c, struct wl_layout *l, const char *repository, const struct wl_sign_key *k,
                     const struct wl_cosign_added *added, struct wl_err *err) {
    bool lost = added->n > 0;

    for (unsigned attempt = 1; lost; attempt++) {
        if (attempt > WL_COSIGN_TRIES)
            return wl_fail(err, WL_NET, "signatures of %s are rewritten by somebody else again and again", repository);
        if (wl_http_wait(wl_referrers_pause_ms(added->took_ms), err) < 0)
            return -1;
        lost = false;
        for (size_t i = 0; i < added->n; i++) {
            bool again;

            if (wl_cosign_sign(c, l, repository, &added->v[i], k, &again, err) < 0)
                return -1;
            lost = lost || again;
        }
    }
    return 0;
}
