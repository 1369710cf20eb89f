#include "image.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "../../registry/layout_tally.h"
#include "../base/mem.h"

#define OCI "org.opencontainers.image."
#define EPOCH_MAX 253402300799ll /* 9999-12-31T23:59:59Z */

char *wl_image_time(int64_t epoch) {
    time_t t = (time_t)epoch;
    char text[32] = "";
    struct tm tm;

    if (gmtime_r(&t, &tm))
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return wl_strdup(text);
}

void wl_image_annotate(struct wl_oci_pairs *p, struct wl_arena *a, const char *title, const char *version,
                       const char *description, const char *licenses, const char *url, const char *source) {
    const char *const all[][2] = {
        {OCI "title", title},       {OCI "version", version}, {OCI "description", description},
        {OCI "licenses", licenses}, {OCI "url", url},         {OCI "source", source},
    };

    for (size_t i = 0; i < WL_ARRAY_LEN(all); i++)
        if (all[i][1])
            wl_oci_pairs_set(p, a, all[i][0], all[i][1]);
}

/* What is built up during one wl_image_put. */
struct work {
    const struct wl_image *image;
    struct wl_arena arena;
    char *created;
    struct wl_tally tally;
};

static void work_release(struct work *w) {
    wl_tally_release(&w->tally);
    wl_arena_release(&w->arena);
    free(w->created);
}

static int check(const struct wl_image *im, struct wl_err *err) {
    const char *name = im->name ? im->name : "the image";

    if (!im->entrypoint || !im->entrypoint[0])
        return wl_fail(err, WL_RECIPE, "%s: an image needs an entrypoint", name);
    if (im->entrypoint[0][0] != '/')
        return wl_fail(err, WL_RECIPE,
                       "%s: the entrypoint \"%s\" must be an absolute path: some runtimes search PATH for other names",
                       name, im->entrypoint[0]);
    if (im->epoch < 0 || im->epoch > EPOCH_MAX)
        return wl_fail(err, WL_RECIPE, "%s: the time %" PRId64 " is before 1970 or after 9999", name, im->epoch);
    if (im->n_parts == 0)
        return wl_fail(err, WL_FAILED, "%s: there is nothing to put into it", name);
    for (size_t i = 0; i < im->n_parts; i++) {
        const struct wl_image_part *p = &im->parts[i];

        if (im->n_parts > 1 && !p->variant != (i == 0))
            return wl_fail(err, WL_FAILED, "%s: of several parts the first, and no other, is the portable one", name);
        for (size_t k = 1; k < i; k++)
            if (strcmp(im->parts[k].variant, p->variant) == 0)
                return wl_fail(err, WL_FAILED, "%s: two parts for the variant \"%s\"", name, p->variant);
    }
    return 0;
}

static struct wl_oci_platform platform(const struct wl_image *im, const struct wl_image_part *part) {
    return (struct wl_oci_platform){
        .os = im->os ? im->os : WL_IMAGE_OS,
        .architecture = im->architecture ? im->architecture : WL_IMAGE_ARCHITECTURE,
        .variant = part->variant,
    };
}

static void add_strings(struct wl_oci_strings *to, struct wl_arena *a, const char *const *v) {
    for (; v && *v; v++)
        wl_oci_strings_add(to, a, *v);
}

static int put_config(struct work *w, const struct wl_image_part *part, struct wl_oci_descriptor *ret,
                      struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    const struct wl_image *im = w->image;
    const struct wl_oci_history history = {.created = w->created, .created_by = im->created_by};
    struct wl_oci_config c = {
        .created = w->created,
        .platform = platform(im, part),
        .working_dir = im->workdir,
        .labels = im->labels,
    };

    add_strings(&c.entrypoint, &w->arena, im->entrypoint);
    add_strings(&c.cmd, &w->arena, im->cmd);
    add_strings(&c.env, &w->arena, im->env);
    add_strings(&c.exposed_ports, &w->arena, im->ports);
    for (size_t i = 0; i < part->n_layers; i++) {
        wl_oci_config_add_diff_id(&c, &w->arena, &part->layers[i].diff_id);
        wl_oci_config_add_history(&c, &w->arena, &history);
    }
    wl_oci_config_write(&c, &text);
    return wl_tally_put(&w->tally, WL_MT_CONFIG, &text, ret, err);
}

static void copy_pairs(struct wl_oci_pairs *to, struct wl_arena *a, const struct wl_oci_pairs *from) {
    for (size_t i = 0; i < from->n; i++)
        wl_oci_pairs_set(to, a, from->v[i].key, from->v[i].value);
}

static void annotate(struct work *w, struct wl_oci_pairs *p) {
    copy_pairs(p, &w->arena, &w->image->annotations);
    wl_oci_pairs_set(p, &w->arena, OCI "created", w->created);
}

static int put_manifest(struct work *w, const struct wl_image_part *part, struct wl_oci_descriptor *ret,
                        struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_manifest m = {0};

    if (put_config(w, part, &m.config, err) < 0)
        return -1;
    for (size_t i = 0; i < part->n_layers; i++) {
        const struct wl_layer_result *l = &part->layers[i];
        struct wl_oci_descriptor d = {
            .media_type = l->media_type ? l->media_type : WL_MT_LAYER_GZIP, .digest = l->digest, .size = l->size};

        if (!wl_layout_blob_has(w->tally.layout, &l->digest, (int64_t)l->size))
            return wl_fail(err, WL_FAILED, "the layer %s is not in %s", wl_digest_str(&l->digest).s,
                           w->tally.layout->dir);
        wl_oci_descriptors_add(&m.layers, &w->arena, &d);
        wl_tally_add(&w->tally, &d);
    }
    annotate(w, &m.annotations);
    copy_pairs(&m.annotations, &w->arena, &part->annotations);
    wl_oci_manifest_write(&m, &text);
    return wl_tally_put(&w->tally, WL_MT_MANIFEST, &text, ret, err);
}

static int put_index(struct work *w, struct wl_oci_descriptors manifests, struct wl_oci_descriptor *ret,
                     struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_index x = {.manifests = manifests};

    annotate(w, &x.annotations);
    wl_oci_index_write(&x, &text);
    return wl_tally_put(&w->tally, WL_MT_INDEX, &text, ret, err);
}

/* The name's entry in index.json: a plain manifest shows its platform there, as skopeo and podman write it. */
static int tag(const struct work *w, const struct wl_oci_descriptor *d, struct wl_err *err) {
    WL_AUTO(wl_layout_entry_release)
    struct wl_layout_entry e = {
        .name = w->image->name ? wl_strdup(w->image->name) : NULL,
        .media_type = wl_strdup(d->media_type),
        .digest = d->digest,
        .size = d->size,
    };

    if (d->platform.os) {
        e.os = wl_strdup(d->platform.os);
        e.architecture = wl_strdup(d->platform.architecture);
        e.variant = d->platform.variant ? wl_strdup(d->platform.variant) : NULL;
    }
    return w->image->name ? wl_layout_tag(w->tally.layout, &e, err) : 0;
}

int wl_image_put(const struct wl_image *im, const struct wl_layout *layout, struct wl_image_result *ret,
                 struct wl_err *err) {
    WL_AUTO(work_release) struct work w = {.image = im, .tally = {.layout = layout}};
    struct wl_oci_descriptors manifests = {0};
    struct wl_oci_descriptor d = {0};

    if (check(im, err) < 0)
        return -1;
    w.created = wl_image_time(im->epoch);
    for (size_t i = 0; i < im->n_parts; i++) {
        if (put_manifest(&w, &im->parts[i], &d, err) < 0)
            return wl_err_context(err, "%s", im->name ? im->name : "the image");
        d.platform = platform(im, &im->parts[i]);
        wl_oci_descriptors_add(&manifests, &w.arena, &d);
    }
    if (im->n_parts > 1 && put_index(&w, manifests, &d, err) < 0)
        return wl_err_context(err, "%s", im->name ? im->name : "the image");
    if (tag(&w, &d, err) < 0)
        return -1;
    *ret = (struct wl_image_result){.digest = d.digest, .size = w.tally.size, .is_index = im->n_parts > 1};
    return 0;
}
