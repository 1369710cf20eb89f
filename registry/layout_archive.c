#include "layout_archive.h"

#include <string.h>

#include "../tool/base/json.h"
#include "../tool/base/mem.h"
#include "../tool/base/proc.h"
#include "../tool/base/tar.h"
#include "layout_referrers.h"
#include "layout_walk.h"
#include "oci.h"
#include "reference.h"

#define CHUNK (64u << 10)
#define DOCKER_HUB "docker.io/"
#define DOCKER_LIBRARY "docker.io/library/"

/* One archive being written: what it must hold is gathered first, since a tar's entries stand in order. */
struct saving {
    const struct wl_layout *l;
    struct wl_file f;
    struct blob {
        struct wl_digest digest;
        uint64_t size;
    } *blobs;
    size_t n, cap;
    struct wl_arena arena;
    struct wl_jw docker; /* manifest.json */
    struct wl_buf docker_text;
    const char *name; /* of the image being gathered */
    bool told;        /* its first manifest is in manifest.json */
    bool attachment;  /* it is no image: it does not go there */
};

static void saving_release(struct saving *s) {
    wl_file_cancel(&s->f);
    free(s->blobs);
    wl_arena_release(&s->arena);
    wl_buf_release(&s->docker_text);
}

/* --- Gathering ------------------------------------------------------------------------------------------------------ */

static char *blob_name(const struct wl_digest *d) {
    return wl_sprintf("blobs/sha256/%s", wl_digest_hexonly(d).s);
}

/* docker knows no index: of one it gets the first manifest, the portable one. */
static void tell_docker(struct saving *s, const struct wl_oci_manifest *m) {
    WL_AUTOFREE char *config = blob_name(&m->config.digest);
    const char *base = s->name ? wl_path_base(s->name) : NULL;
    WL_AUTOFREE char *tagged =
        base ? wl_sprintf("%s%s", s->name, strchr(base, ':') ? "" : ":" WL_REF_DEFAULT_TAG) : NULL;

    wl_jw_begin(&s->docker, '{');
    wl_jw_kstr(&s->docker, "Config", config);
    wl_jw_key(&s->docker, "RepoTags");
    wl_jw_begin(&s->docker, '[');
    if (tagged)
        wl_jw_str(&s->docker, tagged);
    wl_jw_end(&s->docker, ']');
    wl_jw_key(&s->docker, "Layers");
    wl_jw_begin(&s->docker, '[');
    for (size_t i = 0; i < m->layers.n; i++) {
        WL_AUTOFREE char *layer = blob_name(&m->layers.v[i].digest);

        wl_jw_str(&s->docker, layer);
    }
    wl_jw_end(&s->docker, ']');
    wl_jw_end(&s->docker, '}');
    s->told = true;
}

static int visit(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    struct saving *s = arg;

    (void)err;
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 32;
        s->blobs = wl_reallocarray(s->blobs, s->cap, sizeof(*s->blobs));
    }
    s->blobs[s->n++] = (struct blob){item->d->digest, item->d->size};
    if (item->role == WL_ROLE_MANIFEST && !s->told && !s->attachment)
        tell_docker(s, item->m);
    return 0;
}

static int compare(const void *a, const void *b) {
    return memcmp(((const struct blob *)a)->digest.b, ((const struct blob *)b)->digest.b, sizeof(struct wl_digest));
}

static int gather(struct saving *s, const struct wl_layout_entries *images, struct wl_err *err) {
    size_t kept = 0;

    s->docker.out = &s->docker_text;
    wl_jw_begin(&s->docker, '[');
    for (size_t i = 0; i < images->n; i++) {
        s->name = images->v[i].name;
        s->told = false;
        s->attachment = wl_layout_is_attachment(&images->v[i]);
        if (wl_layout_walk(s->l, &images->v[i], visit, s, err) < 0)
            return wl_err_context(err, "%s", s->name ? s->name : "a nameless image");
    }
    wl_jw_end(&s->docker, ']');
    if (s->n > 1)
        qsort(s->blobs, s->n, sizeof(*s->blobs), compare);
    for (size_t i = 0; i < s->n; i++)
        if (kept == 0 || compare(&s->blobs[kept - 1], &s->blobs[i]) != 0)
            s->blobs[kept++] = s->blobs[i];
    s->n = kept;
    return 0;
}

static void make_index(struct saving *s, const struct wl_layout_entries *images, struct wl_buf *ret) {
    struct wl_oci_index index = {0};

    for (size_t i = 0; i < images->n; i++) {
        const struct wl_layout_entry *e = &images->v[i];
        struct wl_oci_descriptor d = wl_layout_entry_descriptor(e);
        struct wl_reference ref;
        struct wl_err ignored;

        if (e->name)
            wl_oci_pairs_set(&d.annotations, &s->arena, WL_LAYOUT_REF_NAME, e->name);
        if (e->name && !wl_layout_is_attachment(e) && wl_reference_parse(e->name, &ref, &ignored) == 0) {
            WL_AUTOFREE char *full = wl_reference_str(&ref);

            wl_oci_pairs_set(&d.annotations, &s->arena, WL_ARCHIVE_CONTAINERD_NAME, full);
        }
        wl_oci_descriptors_add(&index.manifests, &s->arena, &d);
    }
    wl_oci_index_write(&index, ret);
}

/* --- Writing -------------------------------------------------------------------------------------------------------- */

static int put_zeros(struct saving *s, size_t n, struct wl_err *err) {
    static const char zeros[WL_TAR_END];

    return n > 0 ? wl_file_write(&s->f, zeros, n, err) : 0;
}

static int put_header(struct saving *s, const char *name, enum wl_tar_type type, uint64_t size, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf head = {0};
    const struct wl_tar_entry e = {
        .name = name, .type = type, .mode = type == WL_TAR_DIR ? 0755 : 0644, .size = size, .mtime = 0};

    if (wl_tar_header(&e, &head, err) < 0)
        return -1;
    return wl_file_write(&s->f, head.p, head.len, err);
}

static int put_text(struct saving *s, const char *name, const char *text, size_t len, struct wl_err *err) {
    if (put_header(s, name, WL_TAR_FILE, len, err) < 0 || wl_file_write(&s->f, text, len, err) < 0)
        return -1;
    return put_zeros(s, wl_tar_padding(len), err);
}

static int put_blob(struct saving *s, const struct blob *b, struct wl_err *err) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    WL_AUTOFREE char *name = blob_name(&b->digest);
    char chunk[CHUNK];
    size_t n = 1;

    if (wl_blob_open(&r, s->l, &b->digest, (int64_t)b->size, err) < 0 ||
        put_header(s, name, WL_TAR_FILE, r.size, err) < 0)
        return -1;
    while (n > 0) {
        if (wl_blob_read(&r, chunk, sizeof(chunk), &n, err) < 0 || wl_file_write(&s->f, chunk, n, err) < 0)
            return -1;
        if (wl_interrupted())
            return wl_fail(err, WL_FAILED, "interrupted while saving an image");
    }
    return put_zeros(s, wl_tar_padding(r.size), err);
}

int wl_archive_save(const struct wl_layout *l, const struct wl_layout_entries *images, enum wl_archive_format format,
                    const char *path, struct wl_err *err) {
    static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    WL_AUTO(saving_release) struct saving s = {.l = l, .f = WL_FILE_INIT};
    WL_AUTO(wl_buf_release) struct wl_buf index = {0};

    if (gather(&s, images, err) < 0)
        return -1;
    make_index(&s, images, &index);
    if (wl_file_open(&s.f, path, 0644, false, err) < 0 || put_header(&s, "blobs", WL_TAR_DIR, 0, err) < 0 ||
        put_header(&s, "blobs/sha256", WL_TAR_DIR, 0, err) < 0)
        return -1;
    for (size_t i = 0; i < s.n; i++)
        if (put_blob(&s, &s.blobs[i], err) < 0)
            return -1;
    if (put_text(&s, "index.json", index.p, index.len, err) < 0)
        return -1;
    if (format == WL_ARCHIVE_DOCKER && put_text(&s, "manifest.json", s.docker_text.p, s.docker_text.len, err) < 0)
        return -1;
    if (put_text(&s, "oci-layout", version, strlen(version), err) < 0 || put_zeros(&s, WL_TAR_END, err) < 0)
        return -1;
    return wl_file_commit(&s.f, err);
}

/* --- Names of others ------------------------------------------------------------------------------------------------ */

/* Whether the ref.name of an archive is a whole name that only leaves out what containerd's spells out. */
static bool same_image(const char *name, const char *full) {
    struct wl_reference a, b;
    struct wl_err ignored;

    return name && wl_reference_parse(name, &a, &ignored) == 0 && wl_reference_parse(full, &b, &ignored) == 0 &&
           strcmp(a.host, b.host) == 0 && strcmp(a.path, b.path) == 0 &&
           strcmp(wl_reference_tag(&a), wl_reference_tag(&b)) == 0;
}

char *wl_archive_name(const struct wl_layout_entry *e) {
    const char *name = e->name;
    struct wl_err ignored;

    for (size_t i = 0; i + 1 < e->annotations.n; i += 2)
        if (strcmp(e->annotations.v[i], WL_ARCHIVE_CONTAINERD_NAME) == 0) {
            if (same_image(name, e->annotations.v[i + 1]))
                return wl_layout_name_check(name, &ignored) == 0 ? wl_strdup(name) : NULL;
            name = e->annotations.v[i + 1];
        }
    if (!name)
        return NULL;
    if (wl_starts(name, DOCKER_LIBRARY))
        name += strlen(DOCKER_LIBRARY);
    else if (wl_starts(name, DOCKER_HUB))
        name += strlen(DOCKER_HUB);
    return wl_layout_name_check(name, &ignored) == 0 ? wl_strdup(name) : NULL;
}
