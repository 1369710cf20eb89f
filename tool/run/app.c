#include "app.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../model/recipe.h"
#include "../stages/attest.h"
#include "../stages/layer.h"
#include "app_entry.h"
#include "attest.h"

#define CREATED_BY "wlpack image"
#define REVISION "org.opencontainers.image.revision"

void wl_app_result_release(struct wl_app_result *r) {
    wl_arena_release(&r->arena);
    *r = (struct wl_app_result){0};
}

int wl_app_format(const char *name, enum wl_over_format *ret, struct wl_err *err) {
    for (size_t i = 0; name && wl_app_formats[i]; i++)
        if (strcmp(wl_app_formats[i], name) == 0) {
            *ret = (enum wl_over_format)i;
            return 0;
        }
    if (name)
        return wl_fail(err, WL_USAGE, "no format \"%s\"; there are oci, docker and wasm-artifact", name);
    *ret = WL_OVER_OCI;
    return 0;
}

void wl_app_fill_layer(struct wl_layer *l, const struct wl_files *files) {
    for (size_t i = 0; i < files->n; i++) {
        const struct wl_files_entry *e = &files->v[i];

        if (e->kind == WL_FILES_DIR)
            wl_layer_add_dir(l, e->name);
        else if (e->kind == WL_FILES_LINK)
            wl_layer_add_symlink(l, e->name, e->target);
        else
            wl_layer_add_file(l, e->name, e->path, e->exec);
    }
}

/* Of the base's configuration, "2022-11-03T12:00:00Z" or with an offset; 0 when it does not say. */
static int64_t base_time(const struct wl_over_base *b) {
    struct tm tm = {0};
    const char *end;

    if (b->n == 0 || !b->v[0].c.created)
        return 0;
    end = strptime(b->v[0].c.created, "%Y-%m-%dT%H:%M:%S", &tm);
    return end && timegm(&tm) > 0 ? (int64_t)timegm(&tm) : 0;
}

static int find_epoch(const struct wl_app_spec *s, int64_t *ret, struct wl_err *err) {
    struct wl_recipe r = {.epoch = s->app->epoch};

    if (!r.epoch.set)
        r.epoch = (struct wl_oint){.set = true, .v = s->git && s->git->time ? s->git->time : base_time(s->base)};
    return wl_recipe_epoch(&r, ret, err);
}

/* "host/team/shop:1.0" -> "shop" and "1.0". */
static void title_of(const char *name, struct wl_arena *a, const char **ret_title, const char **ret_tag) {
    const char *slash = strrchr(name, '/');
    const char *last = slash ? slash + 1 : name;
    const char *colon = strchr(last, ':');

    *ret_title = wl_arena_strndup(a, last, colon ? (size_t)(colon - last) : strlen(last));
    *ret_tag = colon && strcmp(colon, ":latest") != 0 ? colon + 1 : NULL;
}

static void annotate(const struct wl_app_spec *s, struct wl_arena *a, struct wl_oci_pairs *to) {
    const struct wl_app *app = s->app;
    const char *title, *tag;

    title_of(s->names[0], a, &title, &tag);
    wl_image_annotate(to, a, title, app->version ? app->version : tag, app->description, app->license, NULL,
                      s->git ? s->git->source : NULL);
    if (s->git && s->git->revision)
        wl_oci_pairs_set(to, a, REVISION, s->git->revision);
    for (size_t i = 0; i < app->annotations.n; i++)
        wl_oci_pairs_set(to, a, app->annotations.v[i].key, app->annotations.v[i].value);
}

static void describe(const struct wl_app_spec *s, struct wl_arena *a, struct wl_strv *env, struct wl_strv *ports,
                     struct wl_over *o) {
    const struct wl_app *app = s->app;

    for (size_t i = 0; i < app->env.n; i++)
        wl_strv_addf(env, "%s=%s", app->env.v[i].key, app->env.v[i].value);
    for (size_t i = 0; i < app->ports.n; i++)
        wl_strv_addf(ports, "%s%s", app->ports.v[i], strchr(app->ports.v[i], '/') ? "" : "/tcp");
    for (size_t i = 0; i < app->labels.n; i++)
        wl_oci_pairs_set(&o->labels, a, app->labels.v[i].key, app->labels.v[i].value);
    annotate(s, a, &o->annotations);
    o->entrypoint = app->entrypoint.v;
    o->cmd = app->cmd.v;
    o->env = (const char *const *)env->v;
    o->ports = (const char *const *)ports->v;
    o->workdir = app->workdir;
    o->user = app->user;
    o->base_name = s->base_name;
    o->created_by = CREATED_BY;
    o->platforms = s->platforms;
}

static char *own(const char *s) {
    return s ? wl_strdup(s) : NULL;
}

struct wl_layout_entry wl_app_entry(const struct wl_oci_descriptor *d, const char *name) {
    return (struct wl_layout_entry){.name = own(name),
                                    .media_type = wl_strdup(d->media_type),
                                    .digest = d->digest,
                                    .size = d->size,
                                    .os = own(d->platform.os),
                                    .architecture = own(d->platform.architecture),
                                    .variant = own(d->platform.variant)};
}

int wl_app_tag(const struct wl_layout *l, const struct wl_oci_descriptor *d, const char *name, struct wl_err *err) {
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = wl_app_entry(d, name);

    return wl_layout_tag(l, &e, err);
}

static int make_layer(const struct wl_app_spec *s, const struct wl_layout *layout, struct wl_layer *layer,
                      struct wl_app_result *r, struct wl_err *err) {
    if (s->files->n == 0)
        return 0;
    wl_app_fill_layer(layer, s->files);
    layer->digests = s->attest;
    if (wl_layer_write(layer, layout, r->epoch, wl_codec_find(s->compression), &r->layer, err) < 0)
        return -1;
    r->has_layer = true;
    return 0;
}

/* --- Attestations --------------------------------------------------------------------------------------------------- */

static void add_file(void *arg, const char *name, const struct wl_digest *digest, const struct wl_sha1_sum *sha1) {
    wl_attest_add_file(arg, &(struct wl_attest_file){name, *digest, *sha1});
}

static void count_file(void *arg, const char *name, const struct wl_digest *digest, const struct wl_sha1_sum *sha1) {
    size_t *n = arg;

    (void)name;
    (void)digest;
    (void)sha1;
    ++*n;
}

static void add_files(const struct wl_layer *layer, struct wl_attest *a) {
    size_t n = 0;

    wl_layer_each_file(layer, count_file, &n);
    if (n > WL_ATTEST_FILES)
        a->n_unlisted = n;
    else
        wl_layer_each_file(layer, add_file, a);
}

/* "git+https://git.example.org/team/shop.git@COMMIT", as SPDX and SLSA write it. */
static void add_git(const struct wl_git *git, struct wl_attest *a) {
    WL_AUTOFREE char *commit = git->revision ? wl_strndup(git->revision, strcspn(git->revision, "-")) : NULL;
    WL_AUTOFREE char *uri =
        git->source ? wl_sprintf("%s%s@%s", strstr(git->source, "://") ? "git+" : "", git->source, commit ? commit : "")
                    : NULL;

    if (commit)
        wl_attest_add(a, &(struct wl_material){.role = WL_MATERIAL_GIT,
                                               .of = a->recipe,
                                               .name = "git",
                                               .version = git->revision, /* with -dirty when it is */
                                               .uri = uri && strstr(uri, "://") ? uri : NULL,
                                               .commit = commit});
}

static int attest(const struct wl_app_spec *s, const struct wl_layout *l, const struct wl_layer *layer,
                  struct wl_app_result *r, struct wl_err *err) {
    WL_AUTOFREE char *created = wl_image_time(r->epoch);
    WL_AUTO(wl_attest_release)
    struct wl_attest a = {
        .kind = WL_ATTEST_APP,
        .base = s->base_name ? s->base_name : WL_APP_SCRATCH,
        .format = s->format ? s->format : wl_app_formats[0],
        .compression = s->compression,
        .subject_name = s->names[0],
        .subject = r->d.digest,
        .license = s->app->license,
        .builder = wl_attest_builder(),
        .epoch = r->epoch,
        .created = created,
        .has_layer = r->has_layer,
        .layer = r->layer.digest,
    };
    struct wl_material app = {.role = WL_MATERIAL_APP, .name = wl_path_base(s->app->path)};
    const char *tag;

    title_of(s->names[0], &a.arena, &a.recipe, &tag);
    a.name = app.of = a.recipe;
    a.version = s->app->version ? s->app->version : tag;
    if (s->base_name)
        wl_attest_add(&a,
                      &(struct wl_material){
                          .role = WL_MATERIAL_BASE, .of = a.recipe, .name = s->base_name, .digest = s->base->digest});
    if (s->git)
        add_git(s->git, &a);
    if (wl_digest_file(s->app->path, &app.digest, NULL, err) < 0)
        return -1;
    wl_attest_add(&a, &app);
    if (r->has_layer)
        add_files(layer, &a);
    if (a.n_files == 1 && strcmp(a.format, wl_app_formats[WL_OVER_ARTIFACT]) == 0)
        a.layer = a.files[0].digest; /* an artifact's layer is the module itself */
    return wl_attest_attach(&a, l, &r->d, err);
}

/* That the program is there, in each part that was chosen for a platform. */
static int check_entrypoint(const struct wl_app_spec *s, const struct wl_over *o, const struct wl_layout *layout,
                            struct wl_arena *a, struct wl_err *err) {
    struct wl_over_choice choices[WL_OVER_PARTS];
    size_t n = 0;

    if (s->app->entrypoint.n == 0 || (s->base->n > 0 && o->format == WL_OVER_ARTIFACT))
        return 0;
    if (wl_over_choose(o, s->base, a, choices, &n, err) < 0)
        return -1;
    return wl_app_check_entrypoint(s, choices, n, layout, err);
}

/* --- All of it ------------------------------------------------------------------------------------------------------ */

int wl_app_make(const struct wl_app_spec *s, const struct wl_layout *layout, struct wl_app_result *ret,
                struct wl_err *err) {
    WL_AUTO(wl_app_result_release) struct wl_app_result r = {0};
    WL_AUTO(wl_arena_release) struct wl_arena scratch = {0};
    WL_AUTO(wl_layer_release) struct wl_layer layer = {0};
    WL_AUTO(wl_strv_release) struct wl_strv env = {0}, ports = {0};
    struct wl_over o = {0};

    if (wl_app_format(s->format, &o.format, err) < 0)
        return -1;
    describe(s, &scratch, &env, &ports, &o);
    if (check_entrypoint(s, &o, layout, &scratch, err) < 0 || find_epoch(s, &r.epoch, err) < 0 ||
        make_layer(s, layout, &layer, &r, err) < 0)
        return -1;
    o.epoch = r.epoch;
    o.layer = r.has_layer ? &r.layer : NULL;
    if (wl_over_put(&o, s->base, layout, &r.arena, &r.d, &r.image, err) < 0)
        return -1;
    for (const char *const *name = s->names; *name; name++)
        if (wl_app_tag(layout, &r.d, *name, err) < 0)
            return -1;
    if (s->attest && attest(s, layout, &layer, &r, err) < 0)
        return -1;
    *ret = r;
    r = (struct wl_app_result){0};
    return 0;
}
