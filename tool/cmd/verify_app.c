/* What `verify` looks at in an application's image. */
#include <stdlib.h>
#include <string.h>

#include "../../registry/layout_walk.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/tar.h"
#include "../model/app.h"
#include "../stages/attest.h"
#include "../stages/image_over.h"
#include "local.h"
#include "verify.h"

#define SHOWN 5 /* files that are told */

/* The layers of the manifests that an entry reaches. */
struct layer {
    struct wl_digest digest;
    uint64_t size;
};
struct manifest {
    struct layer *layers;
    size_t n;
    bool artifact;                /* its one layer is a module, no archive */
    struct wl_oci_descriptor own; /* of the layer that the application made, when it is there; strings are constants */
};
struct manifests {
    struct manifest *v;
    size_t n;
    const struct wl_digest *wanted; /* the application's layer; may be NULL */
};

static void manifests_release(struct manifests *m) {
    for (size_t i = 0; i < m->n; i++)
        free(m->v[i].layers);
    free(m->v);
}

static int on_item(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    struct manifests *all = arg;
    struct manifest *m;

    (void)err;
    if (item->role != WL_ROLE_MANIFEST)
        return 0;
    all->v = wl_reallocarray(all->v, all->n + 1, sizeof(*all->v));
    m = &all->v[all->n++];
    *m = (struct manifest){.layers = wl_calloc(item->m->layers.n + 1, sizeof(struct layer))};
    for (size_t i = 0; i < item->m->layers.n; i++) {
        const struct wl_oci_descriptor *d = &item->m->layers.v[i];

        m->layers[m->n++] = (struct layer){d->digest, d->size};
        m->artifact = m->artifact || strcmp(d->media_type, WL_MT_WASM) == 0;
        if (all->wanted && wl_digest_equal(&d->digest, all->wanted))
            m->own = (struct wl_oci_descriptor){.media_type = "", .digest = d->digest, .size = d->size};
    }
    return 0;
}

/* --- The base --------------------------------------------------------------------------------------------------------- */

/* The base out of the local store, when it is there; l is its layout then. */
static bool read_base(struct wl_layout *l, const struct wl_digest *digest, struct manifests *ret) {
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};
    struct wl_err ignored;
    bool there = false;

    return wl_local_open(l, 0, &there, &ignored) == 0 && there &&
           wl_layout_find(l, wl_digest_str(digest).s, &e, &ignored) == 0 &&
           wl_layout_walk(l, &e, on_item, ret, &ignored) == 0;
}

static int hash_rest(struct wl_tar_reader *t, struct wl_digest *ret, struct wl_err *err) {
    WL_AUTO(wl_sha256_release) struct wl_sha256 h = {0};
    char chunk[65536];
    size_t n = 1;

    wl_sha256_init(&h);
    while (n > 0) {
        if (wl_tar_read(t, chunk, sizeof(chunk), &n, err) < 0)
            return -1;
        wl_sha256_update(&h, chunk, n);
    }
    *ret = wl_sha256_final(&h);
    return 0;
}

/* The digest of a layer's bytes when they are unpacked. */
static bool unpacked(const struct wl_layout *l, const struct layer *layer, struct wl_digest *ret) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    WL_AUTO(wl_tar_freep) struct wl_tar_reader *t = NULL;
    const struct wl_tar_source source = {.read = wl_blob_read_source, .arg = &r};
    struct wl_err ignored;

    return wl_blob_open(&r, l, &layer->digest, (int64_t)layer->size, &ignored) == 0 &&
           wl_tar_open_raw(&t, "layer", &source, NULL, &ignored) == 0 && hash_rest(t, ret, &ignored) == 0;
}

/* Whether the layers of one begin with those of the other: the very blobs or, where an image was packed another way (deep), what they
 * unpack to. */
static bool begins_with(const struct wl_layout *l, const struct manifest *m, const struct wl_layout *base_l,
                        const struct manifest *base, bool deep) {
    for (size_t i = 0; i < base->n; i++) {
        struct wl_digest a, b;

        if (i >= m->n)
            return false;
        if (!wl_digest_equal(&m->layers[i].digest, &base->layers[i].digest) &&
            (!deep || !unpacked(l, &m->layers[i], &a) || !unpacked(base_l, &base->layers[i], &b) ||
             !wl_digest_equal(&a, &b)))
            return false;
    }
    return true;
}

static bool stands_on(const struct wl_layout *l, const struct manifest *m, const struct wl_layout *base_l,
                      const struct manifests *base) {
    for (int deep = 0; deep < 2; deep++)
        for (size_t i = 0; i < base->n; i++)
            if (begins_with(l, m, base_l, &base->v[i], deep))
                return true;
    return false;
}

static void check_base(struct wl_verify *v, const struct wl_attest *said, const struct manifests *image) {
    WL_AUTO(manifests_release) struct manifests base = {0};
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    const struct wl_material *m = wl_attest_find(said, WL_MATERIAL_BASE);

    if (!m) {
        wl_verify_check(v, "base", strcmp(said->base, WL_APP_SCRATCH) == 0,
                        wl_strdup(strcmp(said->base, WL_APP_SCRATCH) == 0 ? "none: from scratch"
                                                                          : "the provenance does not say its digest"));
        return;
    }
    if (!read_base(&l, &m->digest, &base)) {
        wl_strv_addf(&v->notes, "the base %s is not here: that its layers are below was not checked",
                     wl_digest_str(&m->digest).s);
        return;
    }
    for (size_t i = 0; i < image->n; i++)
        if (!image->v[i].artifact && !stands_on(v->layout, &image->v[i], &l, &base)) {
            wl_verify_check(v, "base", false, wl_sprintf("the layers of %s are not below", m->name));
            return;
        }
    wl_verify_check(v, "base", true, wl_sprintf("%s, %s", m->name, wl_digest_str(&m->digest).s));
}

/* --- The files -------------------------------------------------------------------------------------------------------- */

/* A file by its name, as JSON writes it (which a name that is no UTF-8 does not survive), and its digest. */
struct file {
    char *name;
    struct wl_digest digest;
};
struct files {
    struct file *v;
    size_t n, cap;
};

static void files_release(struct files *f) {
    for (size_t i = 0; i < f->n; i++)
        free(f->v[i].name);
    free(f->v);
}

static void add(struct files *f, const char *name, const struct wl_digest *digest) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text};

    wl_jw_str(&w, name);
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        f->v = wl_reallocarray(f->v, f->cap, sizeof(*f->v));
    }
    f->v[f->n++] = (struct file){wl_buf_steal(&text), *digest};
}

static int compare(const void *pa, const void *pb) {
    const struct file *a = pa, *b = pb;
    int rc = strcmp(a->name, b->name);

    return rc ? rc : memcmp(a->digest.b, b->digest.b, sizeof(a->digest.b));
}

static void sort(struct files *f) {
    if (f->n > 1)
        qsort(f->v, f->n, sizeof(*f->v), compare);
}

/* The files in a layer. */
static int read_layer(const struct wl_layout *l, const struct wl_oci_descriptor *d, struct files *ret,
                      struct wl_err *err) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    WL_AUTO(wl_tar_freep) struct wl_tar_reader *t = NULL;
    const struct wl_tar_source source = {.read = wl_blob_read_source, .arg = &r};
    struct wl_digest digest;

    if (wl_blob_open(&r, l, &d->digest, (int64_t)d->size, err) < 0 ||
        wl_tar_open(&t, wl_digest_str(&d->digest).s, &source, NULL, err) < 0)
        return -1;
    for (;;) {
        struct wl_tar_entry e;
        WL_AUTOFREE char *name = NULL;
        bool end = false;

        if (wl_tar_next(t, &e, &end, err) < 0)
            return -1;
        if (end)
            return wl_tar_drain(t, err);
        if (e.type != WL_TAR_FILE)
            continue;
        name = wl_strdup(e.name);
        if (hash_rest(t, &digest, err) < 0)
            return -1;
        add(ret, name, &digest);
    }
}

/* What only one of the two has, or has with another digest; a new string, empty when they are the same. */
static char *differences(const struct files *sbom, const struct files *layer) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    size_t i = 0, k = 0, n = 0;

    while (i < sbom->n || k < layer->n) {
        int rc = i == sbom->n ? 1 : k == layer->n ? -1 : strcmp(sbom->v[i].name, layer->v[k].name);

        if (rc == 0 && wl_digest_equal(&sbom->v[i].digest, &layer->v[k].digest)) {
            i++;
            k++;
            continue;
        }
        if (n++ < SHOWN)
            wl_buf_addf(&text, "%s%s %s", n > 1 ? "; " : "", rc > 0 ? layer->v[k].name : sbom->v[i].name,
                        rc > 0   ? "is not in the SBOM"
                        : rc < 0 ? "is not in the image"
                                 : "has another digest in the SBOM");
        i += rc <= 0;
        k += rc >= 0;
    }
    if (n > SHOWN)
        wl_buf_addf(&text, "; and %zu more", n - SHOWN);
    return wl_buf_steal(&text);
}

static void compare_files(struct wl_verify *v, const struct wl_sbom *sbom, const struct manifest *m) {
    WL_AUTO(files_release) struct files in_sbom = {0}, in_layer = {0};
    WL_AUTOFREE char *text = NULL;
    struct wl_err err;

    for (size_t i = 0; i < sbom->n_files; i++)
        add(&in_sbom, sbom->files[i].name, &sbom->files[i].digest);
    if (m->artifact)
        add(&in_layer, sbom->n_files ? sbom->files[0].name : "?", &m->own.digest); /* it has no name in there */
    else if (read_layer(v->layout, &m->own, &in_layer, &err) < 0) {
        wl_verify_check(v, "files", false, wl_strdup(err.msg));
        return;
    }
    sort(&in_sbom);
    sort(&in_layer);
    text = differences(&in_sbom, &in_layer);
    if (*text)
        wl_verify_check(v, "files", false, WL_STEAL(text));
    else
        wl_verify_check(v, "files", true, wl_sprintf("%zu, those of the SBOM and no others", in_layer.n));
}

static void check_files(struct wl_verify *v, const struct wl_attest *said, const struct wl_sbom *sbom,
                        const struct manifests *image) {
    if (!said->has_layer && !sbom->has_app)
        return; /* the application has none */
    if (said->has_layer != sbom->has_app || !wl_digest_equal(&said->layer, &sbom->layer)) {
        wl_verify_check(v, "files", false, wl_strdup("SBOM and provenance name different layers"));
        return;
    }
    for (size_t i = 0; i < image->n; i++)
        if (!image->v[i].own.media_type) {
            wl_verify_check(v, "files", false,
                            wl_sprintf("the image does not hold the layer %s", wl_digest_str(&said->layer).s));
            return;
        }
    if (image->n && sbom->listed)
        compare_files(v, sbom, &image->v[0]);
    else
        wl_verify_check(v, "files", image->n > 0, wl_sprintf("not listed; in %s", wl_digest_str(&said->layer).s));
}

void wl_verify_app(struct wl_verify *v, const struct wl_attest *said, const struct wl_sbom *sbom) {
    WL_AUTO(manifests_release) struct manifests image = {.wanted = said->has_layer ? &said->layer : NULL};
    struct wl_layout_entry e = {.media_type = (char *)v->d->media_type, .digest = v->d->digest, .size = v->d->size};
    struct wl_err err;

    if (wl_layout_walk(v->layout, &e, on_item, &image, &err) < 0)
        return; /* the check of the digests has said so */
    check_base(v, said, &image);
    if (sbom)
        check_files(v, said, sbom, &image);
}
