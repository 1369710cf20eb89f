#include "docker_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../registry/oci.h"
#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/tar.h"
#include "../stages/layer.h"
#include "app.h"

#define LAYERS_MAX 1024

struct reading {
    const char *dir;
    const struct wl_layout *to;
    const struct wl_json_doc *doc;
    struct wl_arena arena;
    struct wl_layout_entries images; /* found so far */
};

static void reading_release(struct reading *r) {
    wl_arena_release(&r->arena);
    wl_layout_entries_release(&r->images);
}

/* A file of the archive; a new string, or NULL with the error. Links inside were checked when it was unpacked. */
static char *inside(const struct reading *r, const char *path, const char *name, struct wl_err *err) {
    for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (*p == '/' || *p == '\0' || (p[0] == '.' && p[1] == '.' && (p[2] == '/' || !p[2]))) {
            wl_json_fail(r->doc, path, err, "\"%s\" is no name inside of the archive", name);
            return NULL;
        }
    return wl_path_join(r->dir, name);
}

static int read_fd(void *arg, void *buf, size_t cap, size_t *ret_n, struct wl_err *err) {
    ssize_t n;

    do
        n = read(*(int *)arg, buf, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return wl_fail_errno(err, errno, "cannot read a layer");
    *ret_n = (size_t)n;
    return 0;
}

static int read_tar(void *arg, void *buf, size_t cap, size_t *ret_n, struct wl_err *err) {
    return wl_tar_read(arg, buf, cap, ret_n, err);
}

static int take_layer(struct reading *r, const char *file, const char *name, struct wl_layer_result *ret,
                      struct wl_err *err) {
    WL_AUTO(wl_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
    WL_AUTO(wl_tar_freep) struct wl_tar_reader *t = NULL;
    const struct wl_tar_source source = {.read = read_fd, .arg = &fd};

    if (fd < 0)
        return wl_fail_errno(err, errno, "cannot open the layer %s", name);
    if (wl_tar_open_raw(&t, name, &source, NULL, err) < 0)
        return -1;
    return wl_layer_pack(r->to, NULL, read_tar, t, ret, err);
}

/* All layers of an image, against the configuration's diff_ids. */
static int take_layers(struct reading *r, const wl_json *list, const char *path, const struct wl_oci_config *c,
                       struct wl_oci_manifest *m, struct wl_err *err) {
    size_t n = wl_json_len(list);

    if (n != c->n_diff_ids || n > LAYERS_MAX)
        return wl_json_fail(r->doc, path, err, "there are %zu layers and the configuration has %zu", n, c->n_diff_ids);
    for (size_t i = 0; i < n; i++) {
        WL_AUTOFREE char *at = wl_json_path_index(path, i);
        const char *name = wl_json_str(wl_json_at(list, i));
        WL_AUTOFREE char *file = name ? inside(r, at, name, err) : NULL;
        struct wl_oci_descriptor d;
        struct wl_layer_result layer;

        if (!name)
            return wl_json_fail(r->doc, at, err, "must be a string");
        if (!file || take_layer(r, file, name, &layer, err) < 0)
            return -1;
        if (!wl_digest_equal(&layer.diff_id, &c->diff_ids[i]))
            return wl_json_fail(r->doc, at, err, "%s is not the layer that the configuration names", name);
        d = (struct wl_oci_descriptor){.media_type = layer.media_type, .digest = layer.digest, .size = layer.size};
        wl_oci_descriptors_add(&m->layers, &r->arena, &d);
    }
    return 0;
}

static int put(struct reading *r, const char *media_type, const struct wl_buf *text, struct wl_oci_descriptor *ret,
               struct wl_err *err) {
    struct wl_blob blob = {(const uint8_t *)wl_buf_str(text), text->len};
    struct wl_digest digest;

    *ret = wl_oci_descriptor_of(media_type, blob);
    return wl_layout_blob_put(r->to, blob, &digest, err);
}

static int take_config(struct reading *r, const char *name, const char *path, struct wl_oci_config *ret,
                       struct wl_oci_descriptor *ret_d, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *file = name ? inside(r, path, name, err) : NULL;

    if (!name)
        return wl_json_fail(r->doc, path, err, "must be a string");
    if (!file || wl_fs_read(file, WL_OCI_DOC_MAX, &text, err) < 0 ||
        wl_oci_config_parse(name, wl_buf_blob(&text), WL_OCI_LOCAL, &r->arena, ret, err) < 0)
        return -1;
    return put(r, WL_MT_CONFIG, &text, ret_d, err);
}

/* Notes an entry for when all has been read; name may be NULL. */
static void note(struct reading *r, const struct wl_oci_descriptor *d, const char *name) {
    r->images.v = wl_reallocarray(r->images.v, r->images.n + 1, sizeof(*r->images.v));
    r->images.v[r->images.n++] = wl_app_entry(d, name);
}

static int note_all(struct reading *r, const wl_json *tags, const struct wl_oci_descriptor *d, struct wl_err *err) {
    struct wl_oci_descriptor plain = {.media_type = d->media_type, .digest = d->digest, .size = d->size};

    if (wl_json_len(tags) == 0)
        note(r, &plain, NULL);
    for (size_t i = 0; i < wl_json_len(tags); i++) {
        const char *name = wl_json_str(wl_json_at(tags, i));

        if (name && wl_layout_name_check(name, err) < 0)
            return -1;
        if (name)
            note(r, d, name);
    }
    return 0;
}

static int take_image(struct reading *r, const wl_json *image, size_t i, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *config_path = wl_sprintf("$[%zu].Config", i), *layers_path = wl_sprintf("$[%zu].Layers", i);
    struct wl_oci_manifest m = {0};
    struct wl_oci_config c = {0};
    struct wl_oci_descriptor d;

    if (take_config(r, wl_json_get_str(image, "Config"), config_path, &c, &m.config, err) < 0 ||
        take_layers(r, wl_json_get(image, "Layers"), layers_path, &c, &m, err) < 0)
        return -1;
    wl_oci_manifest_write(&m, &text);
    if (put(r, WL_MT_MANIFEST, &text, &d, err) < 0)
        return -1;
    d.platform = c.platform;
    return note_all(r, wl_json_get(image, "RepoTags"), &d, err);
}

int wl_docker_archive_read(const char *dir, const struct wl_layout *to, struct wl_err *err) {
    WL_AUTO(reading_release) struct reading r = {.dir = dir, .to = to};
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *file = wl_path_join(dir, "manifest.json");
    const wl_json *all;

    if (wl_fs_read(file, WL_OCI_DOC_MAX, &text, err) < 0 ||
        wl_json_parse(&doc, "manifest.json", wl_buf_str(&text), text.len, WL_FAILED, err) < 0)
        return -1;
    r.doc = doc;
    all = wl_json_root(doc);
    if (wl_json_kind(all) != WL_JSON_ARRAY || wl_json_len(all) == 0 || wl_json_len(all) > WL_DOCKER_IMAGES)
        return wl_json_fail(doc, "$", err, "must be a list of 1 to %d images", WL_DOCKER_IMAGES);
    for (size_t i = 0; i < wl_json_len(all); i++)
        if (take_image(&r, wl_json_at(all, i), i, err) < 0)
            return -1;
    return wl_layout_tag_all(to, r.images.v, r.images.n, err);
}
