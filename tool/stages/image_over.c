#include "image_over.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../registry/layout_tally.h"
#include "../../registry/layout_walk.h"
#include "../base/mem.h"
#include "image_over_artifact.h"

#define BASE_NAME "org.opencontainers.image.base.name"
#define BASE_DIGEST "org.opencontainers.image.base.digest"
#define CREATED "org.opencontainers.image.created"

/* --- Media types ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *oci, *docker;
} twins[] = {
    {WL_MT_MANIFEST, WL_MT_DOCKER_MANIFEST},
    {WL_MT_INDEX, WL_MT_DOCKER_INDEX},
    {WL_MT_CONFIG, WL_MT_DOCKER_CONFIG},
    {WL_MT_LAYER_GZIP, WL_MT_DOCKER_LAYER_GZIP},
    {WL_MT_LAYER, "application/vnd.docker.image.rootfs.diff.tar"},
};

const char *wl_over_media_type(enum wl_over_format format, const char *media_type) {
    for (size_t i = 0; i < WL_ARRAY_LEN(twins); i++)
        if (strcmp(media_type, twins[i].oci) == 0 || strcmp(media_type, twins[i].docker) == 0)
            return format == WL_OVER_DOCKER ? twins[i].docker : twins[i].oci;
    return format == WL_OVER_DOCKER ? NULL : media_type;
}

/* --- Reading a base ------------------------------------------------------------------------------------------------- */

void wl_over_base_release(struct wl_over_base *b) {
    wl_arena_release(&b->arena);
    *b = (struct wl_over_base){0};
}

struct reading {
    const struct wl_layout *l;
    struct wl_over_base *b;
};

static void copy_pairs(struct wl_oci_pairs *to, struct wl_arena *a, const struct wl_oci_pairs *from) {
    for (size_t i = 0; i < from->n; i++)
        wl_oci_pairs_set(to, a, from->v[i].key, from->v[i].value);
}

static int parse_again(struct reading *r, const struct wl_oci_descriptor *d, struct wl_over_part *p,
                       struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0}, config = {0};
    struct wl_digest_hex name = wl_digest_str(&d->digest);
    struct wl_arena *a = &r->b->arena;

    if (wl_blob_load(r->l, &d->digest, (int64_t)d->size, &text, err) < 0 ||
        wl_oci_manifest_parse(name.s, wl_buf_blob(&text), d->media_type, WL_OCI_LOCAL, a, &p->m, err) < 0 ||
        wl_blob_load(r->l, &p->m.config.digest, (int64_t)p->m.config.size, &config, err) < 0 ||
        wl_oci_config_parse(wl_digest_str(&p->m.config.digest).s, wl_buf_blob(&config), WL_OCI_LOCAL, a, &p->c, err) <
            0)
        return -1;
    if (p->c.n_diff_ids != p->m.layers.n)
        return wl_fail(err, WL_FAILED, "%s has %zu layers and its configuration %zu", name.s, p->m.layers.n,
                       p->c.n_diff_ids);
    for (size_t i = 0; i < p->m.layers.n; i++)
        if (!wl_layout_blob_has(r->l, &p->m.layers.v[i].digest, (int64_t)p->m.layers.v[i].size))
            return wl_fail(err, WL_FAILED, "its layer %s is missing: pull or build it again",
                           wl_digest_str(&p->m.layers.v[i].digest).s);
    return 0;
}

static bool is_image_config(const char *media_type) {
    return strcmp(media_type, WL_MT_CONFIG) == 0 || strcmp(media_type, WL_MT_DOCKER_CONFIG) == 0;
}

static int visit(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    struct reading *r = arg;
    struct wl_over_part *p = &r->b->v[r->b->n];

    if (item->role == WL_ROLE_INDEX && !r->b->is_index) {
        r->b->is_index = true;
        copy_pairs(&r->b->annotations, &r->b->arena, &item->x->annotations);
    }
    if (item->role != WL_ROLE_MANIFEST || !is_image_config(item->m->config.media_type) || item->m->artifact_type)
        return 0;
    if (item->d->platform.os && strcmp(item->d->platform.os, "unknown") == 0) /* buildx's attestations */
        return 0;
    if (r->b->n == WL_OVER_PARTS)
        return wl_fail(err, WL_FAILED, "its index has more than %d images", WL_OVER_PARTS);
    if (parse_again(r, item->d, p, err) < 0)
        return -1;
    p->d = (struct wl_oci_descriptor){.media_type = p->m.media_type ? p->m.media_type : WL_MT_MANIFEST,
                                      .digest = item->d->digest,
                                      .size = item->d->size,
                                      .platform = p->c.platform};
    r->b->n++;
    return 0;
}

int wl_over_read(const struct wl_layout *l, const struct wl_layout_entry *entry, struct wl_over_base *ret,
                 struct wl_err *err) {
    struct reading r = {.l = l, .b = ret};

    *ret = (struct wl_over_base){.digest = entry->digest};
    if (wl_layout_walk(l, entry, visit, &r, err) < 0)
        goto fail;
    if (ret->n > 0)
        return 0;
    wl_fail(err, WL_FAILED, "it holds no image that something could stand on");
fail:
    wl_over_base_release(ret);
    return -1;
}

/* --- Platforms ------------------------------------------------------------------------------------------------------ */

static bool is_wasm(const struct wl_oci_platform *p) {
    return p->architecture && wl_starts(p->architecture, "wasm");
}

static bool eq(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int add_choice(struct wl_over_choice *v, size_t *n, const struct wl_over_part *part,
                      const struct wl_oci_platform *platform, struct wl_err *err) {
    for (size_t i = 0; i < *n; i++)
        if (wl_oci_platform_equal(&v[i].platform, platform)) {
            WL_AUTOFREE char *s = wl_oci_platform_str(platform);

            return wl_fail(err, WL_USAGE, "two images for the platform %s", s);
        }
    if (*n == WL_OVER_PARTS)
        return wl_fail(err, WL_USAGE, "more than %d platforms", WL_OVER_PARTS);
    v[(*n)++] = (struct wl_over_choice){.part = part, .platform = *platform};
    return 0;
}

/* The part for a platform that is no wasm: with native code for it, else the very platform, else the portable one. */
static const struct wl_over_part *part_for(const struct wl_over_base *b, const struct wl_oci_platform *want) {
    const struct wl_over_part *best = NULL;
    int rank = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct wl_oci_platform *p = &b->v[i].c.platform;
        int r = wl_oci_platform_equal(p, want)                                   ? 3
                : is_wasm(p) && p->variant && eq(p->variant, want->architecture) ? 2
                : is_wasm(p) && !p->variant                                      ? 1
                                                                                 : 0;

        if (r > rank) {
            rank = r;
            best = &b->v[i];
        }
    }
    return best;
}

static int choose_one(const struct wl_over_base *b, const struct wl_oci_platform *want, struct wl_over_choice *v,
                      size_t *n, struct wl_err *err) {
    const struct wl_over_part *part;
    size_t before = *n;

    if (b->n == 0)
        return add_choice(v, n, NULL, want, err);
    if (!is_wasm(want)) {
        part = part_for(b, want);
        if (part)
            return add_choice(v, n, part, want, err);
    }
    for (size_t i = 0; is_wasm(want) && i < b->n; i++) {
        struct wl_oci_platform p = {
            .os = want->os, .architecture = want->architecture, .variant = b->v[i].c.platform.variant};

        if (!is_wasm(&b->v[i].c.platform) || (want->variant && !eq(want->variant, p.variant)))
            continue;
        if (add_choice(v, n, &b->v[i], &p, err) < 0)
            return -1;
    }
    if (*n == before) {
        WL_AUTOFREE char *s = wl_oci_platform_str(want);
        WL_AUTO(wl_buf_release) struct wl_buf have = {0};

        for (size_t i = 0; i < b->n; i++) {
            WL_AUTOFREE char *p = wl_oci_platform_str(&b->v[i].c.platform);

            wl_buf_addf(&have, "%s%s", i ? ", " : "", p);
        }
        return wl_fail(err, WL_USAGE, "the base has nothing for the platform %s; it has %s", s, wl_buf_str(&have));
    }
    return 0;
}

int wl_over_choose(const struct wl_over *o, const struct wl_over_base *base, struct wl_arena *a,
                   struct wl_over_choice ret[WL_OVER_PARTS], size_t *ret_n, struct wl_err *err) {
    const struct wl_oci_platform usual = {.os = WL_IMAGE_OS, .architecture = WL_IMAGE_ARCHITECTURE};

    *ret_n = 0;
    for (const char *const *s = o->platforms; s && *s; s++) {
        struct wl_oci_platform want;

        if (wl_oci_platform_parse(*s, a, &want, err) < 0 || choose_one(base, &want, ret, ret_n, err) < 0)
            return -1;
    }
    if (o->platforms && *o->platforms)
        return 0;
    if (base->n == 0)
        return add_choice(ret, ret_n, NULL, &usual, err);
    for (size_t i = 0; i < base->n; i++)
        if (add_choice(ret, ret_n, &base->v[i], &base->v[i].c.platform, err) < 0)
            return -1;
    return 0;
}

/* --- Putting -------------------------------------------------------------------------------------------------------- */

struct work {
    const struct wl_over *o;
    const struct wl_over_base *base;
    struct wl_arena arena;
    char *created;
    struct wl_tally tally;
};

static void work_release(struct work *w) {
    wl_tally_release(&w->tally);
    wl_arena_release(&w->arena);
    free(w->created);
}

static void replace(struct wl_oci_strings *to, struct wl_arena *a, const char *const *v) {
    *to = (struct wl_oci_strings){0};
    for (; *v; v++)
        wl_oci_strings_add(to, a, *v);
}

/* A copy, since the arena's lists of the base must stay as they are. */
static struct wl_oci_strings copy_strings(struct wl_arena *a, const struct wl_oci_strings *from) {
    struct wl_oci_strings out = {0};

    for (size_t i = 0; i < from->n; i++)
        wl_oci_strings_add(&out, a, from->v[i]);
    return out;
}

static void set_env(struct wl_oci_strings *env, struct wl_arena *a, const char *kv) {
    size_t n = strcspn(kv, "=");

    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], kv, n) == 0 && env->v[i][n] == '=') {
            env->v[i] = wl_arena_strdup(a, kv);
            return;
        }
    wl_oci_strings_add(env, a, kv);
}

static void set_port(struct wl_oci_strings *ports, struct wl_arena *a, const char *port) {
    for (size_t i = 0; i < ports->n; i++)
        if (strcmp(ports->v[i], port) == 0)
            return;
    wl_oci_strings_add(ports, a, port);
}

static void change(struct work *w, struct wl_oci_config *c) {
    const struct wl_over *o = w->o;
    struct wl_oci_pairs labels = {0};

    if (o->entrypoint) {
        replace(&c->entrypoint, &w->arena, o->entrypoint);
        c->cmd = (struct wl_oci_strings){0};
    }
    if (o->cmd)
        replace(&c->cmd, &w->arena, o->cmd);
    c->env = copy_strings(&w->arena, &c->env);
    for (const char *const *e = o->env; e && *e; e++)
        set_env(&c->env, &w->arena, *e);
    c->exposed_ports = copy_strings(&w->arena, &c->exposed_ports);
    for (const char *const *p = o->ports; p && *p; p++)
        set_port(&c->exposed_ports, &w->arena, *p);
    if (o->workdir)
        c->working_dir = o->workdir;
    if (o->user)
        c->user = o->user;
    copy_pairs(&labels, &w->arena, &c->labels);
    copy_pairs(&labels, &w->arena, &o->labels);
    c->labels = labels;
}

/* The base's layers and ours, in the configuration. */
static void add_layers(struct work *w, const struct wl_oci_config *base, struct wl_oci_config *c) {
    const struct wl_oci_history ours = {.created = w->created, .created_by = w->o->created_by};

    c->diff_ids = NULL, c->n_diff_ids = 0;
    c->history = NULL, c->n_history = 0;
    for (size_t i = 0; base && i < base->n_diff_ids; i++)
        wl_oci_config_add_diff_id(c, &w->arena, &base->diff_ids[i]);
    for (size_t i = 0; base && i < base->n_history; i++)
        wl_oci_config_add_history(c, &w->arena, &base->history[i]);
    if (w->o->layer) {
        wl_oci_config_add_diff_id(c, &w->arena, &w->o->layer->diff_id);
        wl_oci_config_add_history(c, &w->arena, &ours);
    }
}

static int put_config(struct work *w, const struct wl_over_choice *choice, struct wl_oci_descriptor *ret,
                      struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_config c = choice->part ? choice->part->c : (struct wl_oci_config){0};

    if (!w->o->keep)
        c.created = w->created;
    c.platform = choice->platform;
    change(w, &c);
    add_layers(w, choice->part ? &choice->part->c : NULL, &c);
    if (c.entrypoint.n == 0 && c.cmd.n == 0)
        return wl_fail(err, WL_RECIPE, "an image needs an entrypoint, and neither it nor its base has one");
    wl_oci_config_write(&c, &text);
    return wl_tally_put(&w->tally, wl_over_media_type(w->o->format, WL_MT_CONFIG), &text, ret, err);
}

static void annotate(struct work *w, struct wl_oci_pairs *to, const struct wl_oci_pairs *base,
                     const struct wl_digest *base_digest) {
    if (w->o->format == WL_OVER_DOCKER)
        return;
    if (w->o->keep) {
        if (base)
            copy_pairs(to, &w->arena, base);
        return;
    }
    wl_oci_pairs_set(to, &w->arena, CREATED, w->created);
    if (base_digest)
        wl_oci_pairs_set(to, &w->arena, BASE_DIGEST, wl_digest_str(base_digest).s);
    if (base_digest && w->o->base_name)
        wl_oci_pairs_set(to, &w->arena, BASE_NAME, w->o->base_name);
    copy_pairs(to, &w->arena, &w->o->annotations);
}

static int add_layer(struct work *w, struct wl_oci_manifest *m, const struct wl_oci_descriptor *from,
                     struct wl_err *err) {
    struct wl_oci_descriptor d = {
        .media_type = wl_over_media_type(w->o->format, from->media_type), .digest = from->digest, .size = from->size};

    if (!d.media_type)
        return wl_fail(err, WL_USAGE, "docker's format has no layers of type %s: take gzip, or the format oci",
                       from->media_type);
    wl_oci_descriptors_add(&m->layers, &w->arena, &d);
    wl_tally_add(&w->tally, &d);
    return 0;
}

static int put_manifest(struct work *w, const struct wl_over_choice *choice, struct wl_oci_descriptor *ret,
                        struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    const struct wl_over_part *part = choice->part;
    struct wl_oci_manifest m = {.media_type = wl_over_media_type(w->o->format, WL_MT_MANIFEST)};

    if (put_config(w, choice, &m.config, err) < 0)
        return -1;
    for (size_t i = 0; part && i < part->m.layers.n; i++)
        if (add_layer(w, &m, &part->m.layers.v[i], err) < 0)
            return -1;
    if (w->o->layer) {
        struct wl_oci_descriptor d = {
            .media_type = w->o->layer->media_type, .digest = w->o->layer->digest, .size = w->o->layer->size};

        if (add_layer(w, &m, &d, err) < 0)
            return -1;
    }
    annotate(w, &m.annotations, part ? &part->m.annotations : NULL, part ? &part->d.digest : NULL);
    wl_oci_manifest_write(&m, &text);
    return wl_tally_put(&w->tally, m.media_type, &text, ret, err);
}

static int put_index(struct work *w, struct wl_oci_descriptors manifests, struct wl_oci_descriptor *ret,
                     struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_oci_index x = {.media_type = wl_over_media_type(w->o->format, WL_MT_INDEX), .manifests = manifests};

    annotate(w, &x.annotations, &w->base->annotations, w->base->n ? &w->base->digest : NULL);
    wl_oci_index_write(&x, &text);
    return wl_tally_put(&w->tally, x.media_type, &text, ret, err);
}

static struct wl_oci_platform copy_platform(struct wl_arena *a, const struct wl_oci_platform *p) {
    return (struct wl_oci_platform){
        .os = p->os ? wl_arena_strdup(a, p->os) : NULL,
        .architecture = p->architecture ? wl_arena_strdup(a, p->architecture) : NULL,
        .variant = p->variant ? wl_arena_strdup(a, p->variant) : NULL,
    };
}

static int put_all(struct work *w, struct wl_oci_descriptor *ret, bool *ret_index, struct wl_err *err) {
    struct wl_over_choice choices[WL_OVER_PARTS];
    struct wl_oci_descriptors manifests = {0};
    struct wl_oci_descriptor d = {0};
    size_t n = 0;

    if (wl_over_choose(w->o, w->base, &w->arena, choices, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (put_manifest(w, &choices[i], &d, err) < 0)
            return -1;
        d.platform = choices[i].platform;
        wl_oci_descriptors_add(&manifests, &w->arena, &d);
    }
    *ret_index = n > 1;
    if (n > 1 && put_index(w, manifests, &d, err) < 0)
        return -1;
    *ret = d;
    return 0;
}

int wl_over_put(const struct wl_over *o, const struct wl_over_base *base, const struct wl_layout *layout,
                struct wl_arena *a, struct wl_oci_descriptor *ret, struct wl_image_result *ret_result,
                struct wl_err *err) {
    WL_AUTO(work_release) struct work w = {.o = o, .base = base, .tally = {.layout = layout}};
    bool is_index = false;

    if (o->format == WL_OVER_ARTIFACT)
        return wl_artifact_put(o, base, layout, ret, ret_result, err);
    w.created = wl_image_time(o->epoch);
    if (put_all(&w, ret, &is_index, err) < 0)
        return -1;
    ret->platform = copy_platform(a, &ret->platform);
    *ret_result = (struct wl_image_result){.digest = ret->digest, .size = w.tally.size, .is_index = is_index};
    return 0;
}
