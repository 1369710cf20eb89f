#include "inspect_image.h"

#include <inttypes.h>
#include <string.h>

#include "../base/mem.h"
#include "../base/out.h"
#include "../base/tar.h"
#include "local.h"

/* The text and the JSON form come out of the same visits: every manifest, then its configuration, then its layers. */
struct inspect {
    const struct wl_layout *l;
    bool json;
    struct wl_jw w;
    struct wl_buf text;
    bool open; /* JSON: a manifest's object is open, its layers array too */
};

static void inspect_release(struct inspect *in) {
    wl_buf_release(&in->text);
}

/* One line, whatever is in it: a file name or a label must not look like a line of ours. */
static void end_line(struct wl_buf *out, size_t from) {
    for (size_t i = from; i < out->len; i++)
        if (out->p[i] == '\n')
            out->p[i] = '?';
    wl_buf_addc(out, '\n');
}

#define add_line(out, ...)                                                                                             \
    do {                                                                                                               \
        size_t from = (out)->len;                                                                                      \
        wl_buf_addf((out), __VA_ARGS__);                                                                               \
        end_line((out), from);                                                                                         \
    } while (0)

static int load(struct inspect *in, const struct wl_oci_descriptor *d, struct wl_buf *ret, struct wl_err *err) {
    return wl_blob_load(in->l, &d->digest, (int64_t)d->size, ret, err);
}

/* --- Layers ---------------------------------------------------------------------------------------------------------- */

static void file_text(const struct wl_tar_entry *e, struct wl_buf *out) {
    char kind = e->type == WL_TAR_DIR ? 'd' : e->type == WL_TAR_SYMLINK ? 'l' : e->type == WL_TAR_FILE ? '-' : '?';

    add_line(out, "  %c%04o %12" PRIu64 "  /%s%s%s", kind, e->mode, e->size, e->name, e->link ? " -> " : "",
             e->link ? e->link : "");
}

static void file_json(const struct wl_tar_entry *e, struct wl_jw *w) {
    const char *kind = e->type == WL_TAR_DIR        ? "dir"
                       : e->type == WL_TAR_SYMLINK  ? "symlink"
                       : e->type == WL_TAR_HARDLINK ? "hardlink"
                       : e->type == WL_TAR_FILE     ? "file"
                                                    : "other";

    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "name", e->name);
    wl_jw_kstr(w, "type", kind);
    wl_jw_kint(w, "mode", e->mode);
    wl_jw_kint(w, "size", (int64_t)e->size);
    if (e->link)
        wl_jw_kstr(w, "link", e->link);
    wl_jw_end(w, '}');
}

static int list_files(struct inspect *in, struct wl_tar_reader *t, uint64_t *ret_bytes, struct wl_buf *files,
                      struct wl_err *err) {
    struct wl_tar_entry e;
    bool end = false;

    for (;;) {
        if (wl_tar_next(t, &e, &end, err) < 0)
            return -1;
        if (end)
            break;
        *ret_bytes += e.size;
        if (in->json)
            file_json(&e, &in->w);
        else
            file_text(&e, files);
    }
    return wl_tar_drain(t, err);
}

/* What the archive reader stumbles over is most often a damaged blob: then that is the error, with its way out. */
static int blame_blob(const struct inspect *in, const struct wl_oci_descriptor *d, struct wl_err *err) {
    struct wl_err cause;

    if (wl_blob_verify(in->l, &d->digest, (int64_t)d->size, &cause) < 0)
        *err = cause;
    return -1;
}

static int show_layer(struct inspect *in, const struct wl_oci_descriptor *d, struct wl_err *err) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    WL_AUTO(wl_tar_freep) struct wl_tar_reader *t = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf files = {0};
    const struct wl_tar_source source = {.read = wl_blob_read_source, .arg = &r};
    struct wl_digest_hex digest = wl_digest_str(&d->digest);
    uint64_t bytes = 0;

    if (in->json) {
        wl_jw_begin(&in->w, '{');
        wl_jw_kstr(&in->w, "digest", digest.s);
        wl_jw_kstr(&in->w, "mediaType", d->media_type);
        wl_jw_kint(&in->w, "size", (int64_t)d->size);
    }
    if (!strstr(d->media_type, "tar")) { /* an artifact's blob */
        if (in->json)
            wl_jw_end(&in->w, '}');
        else
            add_line(&in->text, "blob         %s  %s  %s", digest.s, wl_size(d->size).s, d->media_type);
        return 0;
    }
    if (in->json) {
        wl_jw_key(&in->w, "files");
        wl_jw_begin(&in->w, '[');
    }
    if (wl_blob_open(&r, in->l, &d->digest, (int64_t)d->size, err) < 0 ||
        wl_tar_open(&t, digest.s, &source, NULL, err) < 0 || list_files(in, t, &bytes, &files, err) < 0)
        return blame_blob(in, d, err);
    if (in->json) {
        wl_jw_end(&in->w, ']');
        wl_jw_end(&in->w, '}');
        return 0;
    }
    add_line(&in->text, "layer        %s  %s, %s unpacked", digest.s, wl_size(d->size).s, wl_size(bytes).s);
    wl_buf_add(&in->text, files.p, files.len);
    return 0;
}

/* --- Configuration and manifest -------------------------------------------------------------------------------------- */

static void text_strings(struct wl_buf *out, const char *title, const struct wl_oci_strings *s) {
    WL_AUTO(wl_buf_release) struct wl_buf line = {0};

    if (s->n == 0)
        return;
    wl_buf_addf(&line, "%-12s", title);
    for (size_t i = 0; i < s->n; i++)
        wl_buf_addf(&line, " %s", s->v[i]);
    add_line(out, "%s", line.p);
}

static void text_pairs(struct wl_buf *out, const char *title, const struct wl_oci_pairs *p) {
    for (size_t i = 0; i < p->n; i++)
        add_line(out, "%-12s %s=%s", title, p->v[i].key, p->v[i].value);
}

static int config_text(struct inspect *in, const struct wl_oci_descriptor *d, const struct wl_buf *bytes,
                       struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTOFREE char *platform = NULL;
    struct wl_oci_config c = {0};
    struct wl_buf *out = &in->text;

    add_line(out, "config       %s  %s", wl_digest_str(&d->digest).s, wl_size(d->size).s);
    if (strcmp(d->media_type, WL_MT_CONFIG) != 0 && strcmp(d->media_type, WL_MT_DOCKER_CONFIG) != 0)
        return 0;
    if (wl_oci_config_parse(wl_digest_str(&d->digest).s, wl_buf_blob(bytes), WL_OCI_LOCAL, &arena, &c, err) < 0)
        return -1;
    platform = wl_oci_platform_str(&c.platform);
    add_line(out, "platform     %s", platform);
    if (c.created)
        add_line(out, "created      %s", c.created);
    text_strings(out, "entrypoint", &c.entrypoint);
    text_strings(out, "cmd", &c.cmd);
    if (c.working_dir)
        add_line(out, "workdir      %s", c.working_dir);
    if (c.user && *c.user)
        add_line(out, "user         %s", c.user);
    text_strings(out, "ports", &c.exposed_ports);
    for (size_t i = 0; i < c.env.n; i++)
        add_line(out, "env          %s", c.env.v[i]);
    text_pairs(out, "label", &c.labels);
    return 0;
}

static int show_config(struct inspect *in, const struct wl_oci_descriptor *d, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};

    if (load(in, d, &bytes, err) < 0)
        return -1;
    if (!in->json)
        return config_text(in, d, &bytes, err);
    wl_jw_key(&in->w, "config");
    if (wl_local_json_doc(&in->w, "the configuration", &bytes, err) < 0)
        return -1;
    wl_jw_key(&in->w, "layers");
    wl_jw_begin(&in->w, '[');
    return 0;
}

static void close_manifest(struct inspect *in) {
    if (!in->open)
        return;
    wl_jw_end(&in->w, ']');
    wl_jw_end(&in->w, '}');
    in->open = false;
}

static int show_document(struct inspect *in, const struct wl_layout_item *item, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};
    const struct wl_oci_pairs *annotations = item->m ? &item->m->annotations : &item->x->annotations;

    if (!in->json) {
        add_line(&in->text, "%-12s %s  %s", item->m ? "manifest" : "index", wl_digest_str(&item->d->digest).s,
                 wl_size(item->d->size).s);
        text_pairs(&in->text, "annotation", annotations);
        return 0;
    }
    if (load(in, item->d, &bytes, err) < 0)
        return -1;
    if (item->x) {
        wl_jw_key(&in->w, "index");
        return wl_local_json_doc(&in->w, "the index", &bytes, err);
    }
    close_manifest(in);
    if (in->w.depth == 1) { /* the first manifest of all */
        wl_jw_key(&in->w, "manifests");
        wl_jw_begin(&in->w, '[');
    }
    wl_jw_begin(&in->w, '{');
    wl_jw_kstr(&in->w, "digest", wl_digest_str(&item->d->digest).s);
    wl_jw_key(&in->w, "manifest");
    in->open = true;
    return wl_local_json_doc(&in->w, "the manifest", &bytes, err);
}

static int visit(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    struct inspect *in = arg;

    switch (item->role) {
    case WL_ROLE_INDEX:
    case WL_ROLE_MANIFEST:
        return show_document(in, item, err);
    case WL_ROLE_CONFIG:
        return show_config(in, item->d, err);
    case WL_ROLE_LAYER:
        return show_layer(in, item->d, err);
    default:
        if (!in->json)
            add_line(&in->text, "other        %s  %s  %s", wl_digest_str(&item->d->digest).s, wl_size(item->d->size).s,
                     item->d->media_type);
        return 0;
    }
}

int wl_inspect_image(const struct wl_layout *l, const struct wl_layout_entry *e, bool json, struct wl_err *err) {
    WL_AUTO(inspect_release) struct inspect in = {.l = l, .json = json};

    in.w.out = &in.text;
    if (json) {
        wl_jw_begin(&in.w, '{');
        if (e->name)
            wl_jw_kstr(&in.w, "name", e->name);
        wl_jw_kstr(&in.w, "digest", wl_digest_str(&e->digest).s);
        wl_jw_kstr(&in.w, "mediaType", e->media_type);
    } else if (e->name) {
        add_line(&in.text, "name         %s", e->name);
    }
    if (wl_layout_walk(l, e, visit, &in, err) < 0)
        return wl_err_context(err, "%s", e->name ? e->name : "the image");
    if (!json) {
        WL_AUTOFREE char *clean = wl_out_clean(in.text.p);

        wl_result_raw(clean, strlen(clean));
        return 0;
    }
    close_manifest(&in);
    if (in.w.depth > 1)
        wl_jw_end(&in.w, ']');
    wl_jw_end(&in.w, '}');
    wl_buf_addc(&in.text, '\n');
    wl_result_raw(in.text.p, in.text.len);
    return 0;
}
