#include "image_over_artifact.h"

#include <string.h>

#include "../base/json.h"
#include "../base/mem.h"
#include "../base/tar.h"

#define CHUNK (64u << 10)
#define OS "wasip1" /* preview 1: what a core module that imports wasi_snapshot_preview1 is */

static const uint8_t core_module[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};

/* The one module, found and copied out. */
struct module {
    const struct wl_layout *l;
    char *name; /* in the layer; NULL: not found yet */
    struct wl_digest digest;
    uint64_t size;
};

static void module_release(struct module *m) {
    free(m->name);
}

static int copy_module(struct module *m, struct wl_tar_reader *t, struct wl_err *err) {
    WL_AUTO(wl_blob_cancel) struct wl_blob_writer w = WL_BLOB_WRITER_INIT;
    uint8_t chunk[CHUNK];
    bool first = true;
    size_t n = 1;

    if (wl_blob_begin(&w, m->l, err) < 0)
        return -1;
    while (n > 0) {
        if (wl_tar_read(t, chunk, sizeof(chunk), &n, err) < 0)
            return -1;
        if (first && (n < sizeof(core_module) || memcmp(chunk, core_module, sizeof(core_module)) != 0))
            return wl_fail(err, WL_USAGE,
                           "/%s is no core module: a wasm-artifact of a component or of text is not made", m->name);
        first = false;
        if (wl_blob_write(&w, chunk, n, err) < 0)
            return -1;
    }
    return wl_blob_commit(&w, NULL, &m->digest, &m->size, err);
}

static int take_layer(struct module *m, const struct wl_digest *digest, uint64_t size, struct wl_err *err) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    WL_AUTO(wl_tar_freep) struct wl_tar_reader *t = NULL;
    const struct wl_tar_source source = {.read = wl_blob_read_source, .arg = &r};
    struct wl_tar_entry e;
    bool end = false;

    if (wl_blob_open(&r, m->l, digest, (int64_t)size, err) < 0 ||
        wl_tar_open(&t, wl_digest_str(digest).s, &source, NULL, err) < 0)
        return -1;
    for (;;) {
        if (wl_tar_next(t, &e, &end, err) < 0)
            return -1;
        if (end)
            return wl_tar_drain(t, err);
        if (e.type == WL_TAR_DIR)
            continue;
        if (e.type != WL_TAR_FILE || m->name)
            return wl_fail(err, WL_USAGE, "a wasm-artifact holds one module and nothing else; this image also has /%s",
                           e.name);
        m->name = wl_strdup(e.name);
        if (copy_module(m, t, err) < 0)
            return -1;
    }
}

static const struct wl_over_part *portable(const struct wl_over_base *b) {
    for (size_t i = 0; i < b->n; i++)
        if (!b->v[i].c.platform.variant)
            return &b->v[i];
    return b->n ? &b->v[0] : NULL;
}

static int find_module(struct module *m, const struct wl_over *o, const struct wl_over_part *part, struct wl_err *err) {
    for (size_t i = 0; part && i < part->m.layers.n; i++)
        if (take_layer(m, &part->m.layers.v[i].digest, part->m.layers.v[i].size, err) < 0)
            return -1;
    if (o->layer && take_layer(m, &o->layer->digest, o->layer->size, err) < 0)
        return -1;
    return m->name ? 0 : wl_fail(err, WL_USAGE, "a wasm-artifact holds one module, and there is none");
}

static int put(const struct wl_layout *l, const struct wl_buf *text, const char *media_type,
               struct wl_oci_descriptor *ret, struct wl_err *err) {
    struct wl_blob blob = {(const uint8_t *)text->p, text->len};
    struct wl_digest digest;

    *ret = wl_oci_descriptor_of(media_type, blob);
    return wl_layout_blob_put(l, blob, &digest, err);
}

static void write_config(const char *created, const struct module *m, struct wl_buf *out) {
    struct wl_jw w = {.out = out};

    wl_jw_begin(&w, '{');
    if (created)
        wl_jw_kstr(&w, "created", created);
    wl_jw_kstr(&w, "architecture", "wasm");
    wl_jw_kstr(&w, "os", OS);
    wl_jw_key(&w, "layerDigests");
    wl_jw_begin(&w, '[');
    wl_jw_str(&w, wl_digest_str(&m->digest).s);
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
}

static void annotate(const struct wl_over *o, const struct wl_over_part *part, const char *created, struct wl_arena *a,
                     struct wl_oci_pairs *to) {
    const struct wl_oci_pairs *from = o->keep && part ? &part->m.annotations : &o->annotations;

    if (!o->keep)
        wl_oci_pairs_set(to, a, "org.opencontainers.image.created", created);
    for (size_t i = 0; i < from->n; i++)
        wl_oci_pairs_set(to, a, from->v[i].key, from->v[i].value);
}

static int check(const struct wl_over *o, struct wl_err *err) {
    const struct {
        const char *what;
        bool given;
    } parts[] = {
        {"a cmd", o->cmd},
        {"an environment", o->env && *o->env},
        {"a workdir", o->workdir},
        {"a user", o->user},
        {"ports", o->ports && *o->ports},
        {"labels", o->labels.n > 0},
        {"platforms", o->platforms && *o->platforms},
    };

    for (size_t i = 0; i < WL_ARRAY_LEN(parts); i++)
        if (parts[i].given)
            return wl_fail(err, WL_USAGE, "a wasm-artifact cannot hold %s", parts[i].what);
    return 0;
}

/* Its program is the module, and nothing is handed to it. */
static int check_entrypoint(const struct wl_over *o, const struct module *m, struct wl_err *err) {
    const char *const *e = o->entrypoint;

    if (!e || (e[0][0] == '/' && strcmp(e[0] + 1, m->name) == 0 && !e[1]))
        return 0;
    return wl_fail(err, WL_USAGE, "a wasm-artifact cannot hold an entrypoint but its module alone, /%s", m->name);
}

int wl_artifact_put(const struct wl_over *o, const struct wl_over_base *base, const struct wl_layout *layout,
                    struct wl_oci_descriptor *ret, struct wl_image_result *ret_result, struct wl_err *err) {
    WL_AUTO(module_release) struct module m = {.l = layout};
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTO(wl_buf_release) struct wl_buf config = {0}, text = {0};
    WL_AUTOFREE char *created = wl_image_time(o->epoch);
    const struct wl_over_part *part = portable(base);
    struct wl_oci_manifest manifest = {.media_type = WL_MT_MANIFEST};
    struct wl_oci_descriptor layer;

    if (check(o, err) < 0 || find_module(&m, o, part, err) < 0 || check_entrypoint(o, &m, err) < 0)
        return -1;
    write_config(o->keep ? (part ? part->c.created : NULL) : created, &m, &config);
    if (put(layout, &config, WL_MT_WASM_CONFIG, &manifest.config, err) < 0)
        return -1;
    layer = (struct wl_oci_descriptor){.media_type = WL_MT_WASM, .digest = m.digest, .size = m.size};
    wl_oci_descriptors_add(&manifest.layers, &arena, &layer);
    annotate(o, part, created, &arena, &manifest.annotations);
    wl_oci_manifest_write(&manifest, &text);
    if (put(layout, &text, WL_MT_MANIFEST, ret, err) < 0)
        return -1;
    *ret_result =
        (struct wl_image_result){.digest = ret->digest, .size = ret->size + manifest.config.size + layer.size};
    return 0;
}
