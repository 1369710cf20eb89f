#include "plan.h"

#include <string.h>

#include "../wasm/aot_ir.h"
#include "../wasm/direct_calls.h"
#include "../wasm/lower_eh.h"
#include "recipe_impl.h"

#define PLAN_ARCHS 8           /* most architectures */
#define WL_LIBRARY_VERSION "1" /* of what is done to the tree that a library installs; as below */

/* What a stage does to its inputs. Raise a number when wlpack's own work in that stage changes what comes out. */
static const struct {
    const char *name;
    const char *version;
} stages[WL_STAGE_COUNT] = {
    [WL_STAGE_FETCH] = {"fetch", "1"},         [WL_STAGE_UNPACK] = {"unpack", "1"},   [WL_STAGE_PATCH] = {"patch", "1"},
    [WL_STAGE_CONFIGURE] = {"configure", "1"}, [WL_STAGE_COMPILE] = {"compile", "1"}, [WL_STAGE_LOWER] = {"lower", "1"},
    [WL_STAGE_OPTIMIZE] = {"optimize", "1"},   [WL_STAGE_CHECK] = {"check", "1"},     [WL_STAGE_AOT] = {"aot", "2"},
    [WL_STAGE_IMAGE] = {"image", "3"},
};

const char *wl_stage_name(enum wl_stage s) {
    return stages[s].name;
}

int wl_stage_parse(const char *name, enum wl_stage *ret, struct wl_err *err) {
    const char *names[WL_STAGE_COUNT + 1] = {NULL};
    WL_AUTO(wl_buf_release) struct wl_buf list = {0};
    const char *near;

    for (int i = 0; i < WL_STAGE_COUNT; i++) {
        if (strcmp(stages[i].name, name) == 0) {
            *ret = (enum wl_stage)i;
            return 0;
        }
        names[i] = stages[i].name;
        wl_buf_addf(&list, "%s%s", i ? " " : "", names[i]);
    }
    near = wl_nearest(name, names);
    if (near)
        return wl_fail(err, WL_USAGE, "no stage \"%s\"; did you mean \"%s\"? The stages are: %s", name, near, list.p);
    return wl_fail(err, WL_USAGE, "no stage \"%s\"; the stages are: %s", name, list.p);
}

/* --- Steps and their inputs ------------------------------------------------------------------------------------- */

struct maker {
    struct wl_plan *p;
    const struct wl_plan_spec *spec;
    const struct wl_recipe *r;
    struct wl_plan_step *step; /* the one being made */
    size_t room;               /* of its inputs */
    struct wl_err *err;
};

static void begin(struct maker *m, enum wl_stage stage, const char *label) {
    m->step = &m->p->v[m->p->n];
    m->step->stage = stage;
    m->step->label = label;
    m->room = 0;
}

static void input(struct maker *m, const char *name, const char *value) {
    struct wl_plan_step *s = m->step;

    if (s->n_inputs == m->room) {
        struct wl_plan_input *more;

        m->room = m->room ? m->room * 2 : 16;
        more = wl_arena_alloc(&m->p->arena, m->room * sizeof(*more));
        if (s->n_inputs)
            memcpy(more, s->inputs, s->n_inputs * sizeof(*more));
        s->inputs = more;
    }
    s->inputs[s->n_inputs].name = wl_arena_strdup(&m->p->arena, name);
    s->inputs[s->n_inputs].value = wl_arena_strdup(&m->p->arena, value);
    s->n_inputs++;
}

static void input_digest(struct maker *m, const char *what, const char *name, const struct wl_digest *d,
                         const char *more) {
    WL_AUTOFREE char *full = wl_sprintf("%s %s", what, name);
    WL_AUTOFREE char *value = wl_sprintf("%s%s", wl_digest_str(d).s, more);

    input(m, full, value);
}

/* The parent's key stands for all that went into it. */
static void parent(struct maker *m, size_t index) {
    const struct wl_plan_step *p = &m->p->v[index];

    if (m->step->n_parents == WL_PLAN_PARENTS)
        abort(); /* PLAN_ARCHS is lower */
    m->step->parents[m->step->n_parents++] = index;
    input_digest(m, "step", p->label, &p->key, "");
}

static void input_kit(struct maker *m, const char *name, const char *identity) {
    WL_AUTOFREE char *full = wl_sprintf("kit %s", name);

    input(m, full, identity ? identity : "missing");
}

static void input_number(struct maker *m, const char *name, long long n) {
    WL_AUTOFREE char *value = wl_sprintf("%lld", n);

    input(m, name, value);
}

/* A field of a decoded object as JSON; absent ones give no input. */
static void input_fields(struct maker *m, const struct wl_spec *spec, const void *obj, const char *prefix,
                         const char *const *names) {
    for (const struct wl_spec_field *f = spec->fields; obj && f->name; f++) {
        WL_AUTO(wl_buf_release) struct wl_buf value = {0};
        WL_AUTOFREE char *full = wl_sprintf("%s%s", prefix, f->name);
        struct wl_jw w = {.out = &value};
        bool wanted = false;

        for (size_t i = 0; names[i]; i++)
            wanted = wanted || strcmp(names[i], f->name) == 0;
        if (!wanted || !wl_spec_present(f, obj))
            continue;
        wl_spec_print_field(f, obj, &w);
        input(m, full, value.p);
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct wl_plan_input *)a)->name, ((const struct wl_plan_input *)b)->name);
}

/* Ends the step: sorts its inputs, makes its key; returns its index. */
static size_t end(struct maker *m) {
    struct wl_plan_step *s = m->step;
    WL_AUTO(wl_sha256_release) struct wl_sha256 h = {0};

    if (s->n_inputs)
        qsort(s->inputs, s->n_inputs, sizeof(*s->inputs), by_name);
    wl_sha256_init(&h);
    wl_sha256_field_str(&h, "stage", stages[s->stage].name);
    wl_sha256_field_str(&h, "version", stages[s->stage].version);
    for (size_t i = 0; i < s->n_inputs; i++)
        wl_sha256_field_str(&h, s->inputs[i].name, s->inputs[i].value);
    s->key = wl_sha256_final(&h);
    return m->p->n++;
}

/* --- From source to compiled tree ------------------------------------------------------------------------------- */

static size_t make_source(struct maker *m) {
    WL_AUTOFREE char *strip = wl_sprintf("%d", wl_recipe_strip(&m->r->source->strip));
    size_t at;

    begin(m, WL_STAGE_FETCH, "fetch");
    input(m, "source.sha256", m->r->source->sha256);
    at = end(m);
    begin(m, WL_STAGE_UNPACK, "unpack");
    parent(m, at);
    input(m, "source.strip", strip);
    at = end(m);
    if (m->spec->series && m->spec->series->n) {
        WL_AUTO(wl_buf_release) struct wl_buf order = {0};

        begin(m, WL_STAGE_PATCH, "patch");
        parent(m, at);
        for (size_t i = 0; i < m->spec->series->n; i++) {
            const struct wl_patch *p = &m->spec->series->v[i];

            input_digest(m, "patch", p->name, &p->digest, "");
            wl_buf_addf(&order, "%s%s", i ? " " : "", p->name);
        }
        input(m, "series", order.p);
        at = end(m);
    }
    return at;
}

/* Does any string of the command, or of the recipe's environment, use the variable? */
static bool uses(const struct wl_recipe *r, const struct wl_recipe_command *c, const char *var) {
    for (size_t i = 0; i < c->argv.n; i++)
        if (strstr(c->argv.v[i], var))
            return true;
    for (size_t i = 0; i < c->env.n; i++)
        if (strstr(c->env.v[i].value, var))
            return true;
    for (size_t i = 0; i < r->env.n; i++)
        if (strstr(r->env.v[i].value, var))
            return true;
    return false;
}

static void input_script(struct maker *m, const struct wl_script *s) {
    input_digest(m, "script", s->name, &s->digest, s->executable ? " executable" : "");
}

static bool is_file_of(const struct wl_recipe_image *image, const char *name) {
    for (size_t i = 0; i < image->files.n; i++) {
        const struct wl_files_rule *rule = image->files.v[i];

        if (strcmp(rule->from, ".") == 0 || wl_files_match(rule->from, name))
            return true;
    }
    return false;
}

/* Files of images are no scripts. */
static bool is_image_file(const struct maker *m, const char *name) {
    for (size_t i = 0; i < m->r->images.n; i++)
        if (is_file_of(m->r->images.v[i], name))
            return true;
    return false;
}

/* The scripts that commands read: all (but for images' files), unless every one of them says which. Those stand in several lists
 * once. */
static int input_scripts(struct maker *m, const struct wl_recipe_command *const *c, size_t n) {
    const struct wl_scripts *all = m->spec->scripts;
    bool every = false;

    for (size_t i = 0; i < n; i++) {
        every = every || !c[i]->inputs.v;
        for (size_t k = 0; k < c[i]->inputs.n; k++) {
            bool there = false;

            for (size_t j = 0; all && j < all->n; j++)
                there = there || strcmp(all->v[j].name, c[i]->inputs.v[k]) == 0;
            if (!there)
                return wl_fail(m->err, WL_RECIPE, "recipe %s: inputs name \"%s\", which is not in %s", m->r->id,
                               c[i]->inputs.v[k], m->r->scripts_dir ? m->r->scripts_dir : "any scripts folder");
        }
    }
    for (size_t j = 0; all && j < all->n; j++) {
        bool wanted = every && !is_image_file(m, all->v[j].name);

        for (size_t i = 0; i < n && !wanted; i++)
            for (size_t k = 0; k < c[i]->inputs.n; k++)
                wanted = wanted || strcmp(all->v[j].name, c[i]->inputs.v[k]) == 0;
        if (wanted)
            input_script(m, &all->v[j]);
    }
    return 0;
}

/* What configure and compile have in common. Flags count where they are used. */
static int input_commands(struct maker *m, const char *what, const struct wl_recipe_command *const *c, size_t n) {
    static const char *const fields[] = {"argv", "env", "dir", NULL};
    static const char *const env[] = {"env", NULL};
    static const char *const cflags[] = {"cflags", NULL};
    static const char *const ldflags[] = {"ldflags", NULL};
    bool c_used = false, ld_used = false;

    for (size_t i = 0; i < n; i++) {
        WL_AUTOFREE char *prefix = n > 1 ? wl_sprintf("%s[%zu].", what, i) : wl_sprintf("%s.", what);

        input_fields(m, &wl_recipe_command_spec, c[i], prefix, fields);
        c_used = c_used || uses(m->r, c[i], "${cflags}");
        ld_used = ld_used || uses(m->r, c[i], "${ldflags}");
    }
    input_fields(m, &wl_recipe_spec, m->r, "", env);
    if (c_used)
        input_fields(m, &wl_recipe_spec, m->r, "", cflags);
    if (ld_used)
        input_fields(m, &wl_recipe_spec, m->r, "", ldflags);
    input(m, "host", WL_RECIPE_HOST);
    input(m, "target", WL_RECIPE_TARGET);
    input_number(m, "epoch", m->spec->epoch); /* SOURCE_DATE_EPOCH of the commands: what __DATE__ says */
    input_kit(m, "wasi-sdk", m->spec->wasi_sdk);
    for (size_t i = 0; i < m->spec->n_deps; i++) {
        WL_AUTOFREE char *name = wl_sprintf("dep %s", m->spec->deps[i].id);

        input(m, name, m->spec->deps[i].value.s);
    }
    return input_scripts(m, c, n);
}

static int make_tree(struct maker *m, size_t at, size_t *ret) {
    const struct wl_recipe_command *const *compile = (const struct wl_recipe_command *const *)m->r->compile.v;
    WL_AUTO(wl_buf_release) struct wl_buf files = {0};
    struct wl_jw w = {.out = &files};

    if (m->r->configure) {
        const struct wl_recipe_command *const one = m->r->configure;

        begin(m, WL_STAGE_CONFIGURE, "configure");
        parent(m, at);
        if (input_commands(m, "configure", &one, 1) < 0)
            return -1;
        at = end(m);
    }
    begin(m, WL_STAGE_COMPILE, "compile");
    parent(m, at);
    if (input_commands(m, "compile", compile, m->r->compile.n) < 0)
        return -1;
    if (wl_recipe_is_library(m->r))
        input(m, "library", WL_LIBRARY_VERSION);
    wl_jw_begin(&w, '[');
    for (size_t i = 0; i < m->r->artefacts.n; i++) {
        const struct wl_recipe_artefact *a = m->r->artefacts.v[i];

        wl_jw_str(&w, a->from);
    }
    wl_jw_end(&w, ']');
    input(m, "artefacts.from", files.p);
    *ret = end(m);
    return 0;
}

/* --- From module to image --------------------------------------------------------------------------------------- */

/* Begins a step that works on one artefact's module as step `from` left it. */
static void begin_artefact(struct maker *m, enum wl_stage stage, size_t i, size_t from, const char *arch) {
    const struct wl_recipe_artefact *a = m->r->artefacts.v[i];
    const char *name = m->r->artefacts.keys[i];

    begin(m, stage,
          arch ? wl_arena_sprintf(&m->p->arena, "%s %s %s", stages[stage].name, name, arch)
               : wl_arena_sprintf(&m->p->arena, "%s %s", stages[stage].name, name));
    m->step->artefact = name;
    m->step->arch = arch;
    parent(m, from);
    if (m->p->v[from].stage == WL_STAGE_COMPILE)
        input(m, "artefact.from", a->from);
}

static void make_lower(struct maker *m, size_t *module) {
    static const char *const lower[] = {"lower", NULL};

    for (size_t i = 0; m->r->lower.n && i < m->r->artefacts.n; i++) {
        begin_artefact(m, WL_STAGE_LOWER, i, module[i], NULL);
        input_fields(m, &wl_recipe_spec, m->r, "", lower);
        input_number(m, "lower-eh version", WL_LOWER_EH_VERSION);
        module[i] = end(m);
    }
}

static void make_optimize(struct maker *m, size_t *module) {
    static const char *const optimize[] = {"optimize", NULL};

    for (size_t i = 0; m->r->optimize && i < m->r->artefacts.n; i++) {
        begin_artefact(m, WL_STAGE_OPTIMIZE, i, module[i], NULL);
        input_fields(m, &wl_recipe_spec, m->r, "", optimize);
        input_kit(m, "binaryen", m->spec->binaryen);
        module[i] = end(m);
    }
}

static void make_checks(struct maker *m, const size_t *module) {
    static const char *const all[] = {"argv", "stdout", "exact", "status", NULL};

    for (size_t i = 0; i < m->r->artefacts.n; i++) {
        const struct wl_recipe_artefact *a = m->r->artefacts.v[i];

        if (!a->checks.n)
            continue;
        begin_artefact(m, WL_STAGE_CHECK, i, module[i], NULL);
        for (size_t k = 0; k < a->checks.n; k++) {
            WL_AUTOFREE char *prefix = wl_sprintf("checks[%zu].", k);

            input_fields(m, &wl_recipe_check_spec, a->checks.v[k], prefix, all);
        }
        input_kit(m, "wasmedge", m->spec->wasmedge);
        end(m);
    }
}

static size_t n_archs(const struct wl_plan_spec *spec) {
    size_t n = 0;

    while (spec->archs && spec->archs[n])
        n++;
    return spec->recipe->aot ? n : 0;
}

/* ret[i * archs + k]: the step for artefact i and architecture k. */
static void make_aot(struct maker *m, const size_t *module, size_t *ret) {
    static const char *const aot[] = {"aot", NULL};
    size_t archs = n_archs(m->spec);

    for (size_t i = 0; i < m->r->artefacts.n; i++) {
        for (size_t k = 0; k < archs; k++) {
            begin_artefact(m, WL_STAGE_AOT, i, module[i], wl_arena_strdup(&m->p->arena, m->spec->archs[k]));
            input(m, "arch", m->spec->archs[k]);
            input_fields(m, &wl_recipe_spec, m->r, "", aot);
            input_number(m, "aot version", WL_AOT_IR_VERSION);
            if (m->r->aot && m->r->aot->direct_calls.v)
                input_number(m, "direct-calls version", WL_DIRECT_CALLS_VERSION);
            input_kit(m, "wasmedge", m->spec->wasmedge);
            input_kit(m, "wasi-sdk", m->spec->wasi_sdk); /* its LLVM makes other machines' code */
            ret[i * archs + k] = end(m);
        }
    }
}

static size_t artefact_index(const struct wl_recipe *r, const char *name) {
    size_t i = 0;

    while (strcmp(r->artefacts.keys[i], name) != 0)
        i++;
    return i;
}

/* What an image's files may be: every file of the scripts folder that `from` names, whatever include and exclude say. */
static void input_image_files(struct maker *m, const struct wl_recipe_image *image) {
    const struct wl_scripts *all = m->spec->scripts;

    for (size_t k = 0; all && k < all->n; k++)
        if (is_file_of(image, all->v[k].name))
            input(m, wl_arena_sprintf(&m->p->arena, "file %s", all->v[k].name), wl_digest_str(&all->v[k].digest).s);
}

/* One tag: the portable image, or (aot not NULL) the index with its n_aot precompiled parts. */
static void make_tag(struct maker *m, size_t index, size_t module, const size_t *aot, size_t n_aot) {
    static const char *const image_fields[] = {"entrypoint", "cmd", "workdir", "env", "labels", "ports", "files", NULL};
    static const char *const recipe_fields[] = {"name", "version", "summary", "homepage", "license", "platform", NULL};
    const struct wl_recipe_image *image = m->r->images.v[index];
    const size_t a = artefact_index(m->r, image->artefact);
    const struct wl_recipe_artefact *artefact = m->r->artefacts.v[a];
    const char *name = m->r->images.keys[index];

    begin(m, WL_STAGE_IMAGE, wl_arena_sprintf(&m->p->arena, "image %s%s", name, aot ? "-aot" : ""));
    m->step->artefact = m->r->artefacts.keys[a];
    m->step->image = name;
    m->step->tag = wl_arena_sprintf(&m->p->arena, "%s%s", image->tag, aot ? "-aot" : "");
    m->step->aot = aot != NULL;
    parent(m, module);
    for (size_t k = 0; k < n_aot; k++)
        parent(m, aot[k]);
    if (m->p->v[module].stage == WL_STAGE_COMPILE)
        input(m, "artefact.from", artefact->from);
    input(m, "artefact.file", artefact->file);
    input(m, "image.tag", m->step->tag);
    input_fields(m, &wl_recipe_image_spec, image, "image.", image_fields);
    input_fields(m, &wl_recipe_spec, m->r, "", recipe_fields);
    input_image_files(m, image);
    input(m, "source.url", m->r->source->urls.v[0]); /* an annotation */
    input_number(m, "epoch", m->spec->epoch);
    input(m, "compressor", wl_plan_codec(m->spec->compression)->version());
    end(m);
}

static void make_images(struct maker *m, const size_t *module, const size_t *aot) {
    size_t archs = n_archs(m->spec);

    for (size_t i = 0; i < m->r->images.n; i++) {
        const struct wl_recipe_image *image = m->r->images.v[i];
        size_t a = artefact_index(m->r, image->artefact);

        make_tag(m, i, module[a], NULL, 0);
        if (archs && (!image->aot.set || image->aot.v))
            make_tag(m, i, module[a], aot + a * archs, archs);
    }
}

int wl_plan_make(struct wl_plan *ret, const struct wl_plan_spec *spec, struct wl_err *err) {
    WL_AUTO(wl_plan_release) struct wl_plan p = {0};
    struct maker m = {.p = &p, .spec = spec, .r = spec->recipe, .err = err};
    size_t n = spec->recipe->artefacts.n, archs = n_archs(spec);
    size_t *module = wl_arena_alloc(&p.arena, (n + 1) * sizeof(*module));
    size_t *aot = wl_arena_alloc(&p.arena, (n * archs + 1) * sizeof(*aot));
    size_t compiled = 0;

    if (archs > PLAN_ARCHS)
        return wl_fail(err, WL_USAGE, "more than %d architectures", PLAN_ARCHS);
    p.v = wl_arena_alloc(&p.arena, (WL_STAGE_COUNT + n * (3 + archs) + spec->recipe->images.n * 2) * sizeof(*p.v));
    if (make_tree(&m, make_source(&m), &compiled) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        module[i] = compiled;
    make_lower(&m, module);
    make_optimize(&m, module);
    make_checks(&m, module);
    make_aot(&m, module, aot);
    make_images(&m, module, aot);
    *ret = p;
    p = (struct wl_plan){0};
    return 0;
}

const struct wl_codec *wl_plan_codec(const char *compression) {
    return wl_codec_find(compression ? compression : WL_PLAN_COMPRESSION);
}

void wl_plan_release(struct wl_plan *p) {
    wl_arena_release(&p->arena);
    p->v = NULL;
    p->n = 0;
}

const struct wl_plan_step *wl_plan_find(const struct wl_plan *p, const char *label) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i].label, label) == 0)
            return &p->v[i];
    return NULL;
}
