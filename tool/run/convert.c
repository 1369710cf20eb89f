#include "convert.h"

#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "../base/pack.h"
#include "../base/tar.h"
#include "../stages/image_over.h"
#include "../stages/layer.h"
#include "app.h"
#include "convert_attest.h"

/* Layers that were made anew: parts of an index share some. */
struct again {
    struct wl_digest old;
    struct wl_layer_result now;
};
struct layers {
    const struct wl_layout *l;
    const struct wl_codec *codec;
    struct again *v;
    struct wl_repacked *names; /* the same, digests alone */
    size_t n;
};

static void layers_release(struct layers *s) {
    free(s->v);
    free(s->names);
}

static int read_tar(void *arg, void *buf, size_t cap, size_t *ret_n, struct wl_err *err) {
    return wl_tar_read(arg, buf, cap, ret_n, err);
}

static int repack(struct layers *s, const struct wl_oci_descriptor *d, struct wl_layer_result *ret,
                  struct wl_err *err) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    WL_AUTO(wl_tar_freep) struct wl_tar_reader *t = NULL;
    const struct wl_tar_source source = {.read = wl_blob_read_source, .arg = &r};

    if (wl_blob_open(&r, s->l, &d->digest, (int64_t)d->size, err) < 0 ||
        wl_tar_open_raw(&t, wl_digest_str(&d->digest).s, &source, NULL, err) < 0 ||
        wl_layer_pack(s->l, s->codec, read_tar, t, ret, err) < 0)
        return -1;
    return wl_tar_drain(t, err);
}

static int find_or_repack(struct layers *s, const struct wl_oci_descriptor *d, struct wl_layer_result *ret,
                          struct wl_err *err) {
    for (size_t i = 0; i < s->n; i++)
        if (wl_digest_equal(&s->v[i].old, &d->digest)) {
            *ret = s->v[i].now;
            return 0;
        }
    if (repack(s, d, ret, err) < 0)
        return -1;
    s->v = wl_reallocarray(s->v, s->n + 1, sizeof(*s->v));
    s->names = wl_reallocarray(s->names, s->n + 1, sizeof(*s->names));
    s->names[s->n] = (struct wl_repacked){d->digest, ret->digest};
    s->v[s->n++] = (struct again){.old = d->digest, .now = *ret};
    return 0;
}

static bool fits(const struct wl_codec *c, const char *media_type) {
    const char *want = c->zstd ? WL_MT_LAYER_ZSTD : WL_MT_LAYER_GZIP;

    return !wl_ends(c->name, "-max") && strcmp(wl_over_media_type(WL_OVER_OCI, media_type), want) == 0;
}

static int convert_layer(struct layers *s, struct wl_oci_descriptor *d, const struct wl_digest *diff_id,
                         struct wl_err *err) {
    struct wl_layer_result r;

    if (fits(s->codec, d->media_type))
        return 0;
    if (find_or_repack(s, d, &r, err) < 0)
        return -1;
    if (!wl_digest_equal(&r.diff_id, diff_id))
        return wl_fail(err, WL_FAILED, "the layer %s unpacks to something else than its configuration says",
                       wl_digest_str(&d->digest).s);
    *d = (struct wl_oci_descriptor){.media_type = r.media_type, .digest = r.digest, .size = r.size};
    return 0;
}

static int convert_layers(struct layers *s, const char *compression, struct wl_over_base *b, struct wl_err *err) {
    s->codec = wl_codec_find(compression);
    if (!s->codec)
        return wl_fail(err, WL_USAGE, "no compression \"%s\"; there are gzip, gzip-max, zstd and zstd-max",
                       compression);
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < b->v[i].m.layers.n; k++)
            if (convert_layer(s, &b->v[i].m.layers.v[k], &b->v[i].c.diff_ids[k], err) < 0)
                return -1;
    return 0;
}

/* The form that it has, when no other is asked for. */
static enum wl_over_format own_format(const struct wl_layout_entry *e) {
    bool docker = strcmp(e->media_type, WL_MT_DOCKER_MANIFEST) == 0 || strcmp(e->media_type, WL_MT_DOCKER_INDEX) == 0;

    return docker ? WL_OVER_DOCKER : WL_OVER_OCI;
}

int wl_convert(const struct wl_layout *l, const struct wl_layout_entry *entry, const struct wl_convert *how,
               struct wl_arena *a, struct wl_converted *ret, struct wl_err *err) {
    WL_AUTO(wl_over_base_release) struct wl_over_base base = {0};
    WL_AUTO(layers_release) struct layers layers = {.l = l};
    struct wl_over o = {.keep = true, .platforms = how->platforms, .format = own_format(entry)};
    struct wl_converted r = {0};
    struct wl_convert_attest attest = {.layout = l, .from = entry, .to = &r.d, .how = how};
    struct wl_image_result result;

    if (how->format && wl_app_format(how->format, &o.format, err) < 0)
        return -1;
    if (wl_over_read(l, entry, &base, err) < 0 ||
        (how->compression && convert_layers(&layers, how->compression, &base, err) < 0) ||
        wl_over_put(&o, &base, l, a, &r.d, &result, err) < 0)
        return wl_err_context(err, "%s", entry->name ? entry->name : wl_digest_str(&entry->digest).s);
    attest.layers = layers.names;
    attest.n_layers = layers.n;
    attest.artifact = o.format == WL_OVER_ARTIFACT;
    if (wl_convert_attest(&attest, &r.left, err) < 0)
        return wl_err_context(err, "SBOM and provenance of %s",
                              entry->name ? entry->name : wl_digest_str(&entry->digest).s);
    *ret = r;
    return 0;
}
