/* SLSA 1.0 provenance in an in-toto Statement 1. */
#include <stdlib.h>
#include <string.h>

#include "../base/json.h"
#include "../version.h"
#include "attest.h"

#define STATEMENT "https://in-toto.io/Statement/v1"
#define PATHS_ROOT "$"
#define LAYER "layer" /* the by-product's name */

/* --- Writing -------------------------------------------------------------------------------------------------------- */

static void sha256(struct wl_jw *w, const struct wl_digest *d) {
    wl_jw_key(w, "digest");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "sha256", wl_digest_hexonly(d).s);
    wl_jw_end(w, '}');
}

static void git_commit(struct wl_jw *w, const char *commit) {
    wl_jw_key(w, "digest");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "gitCommit", commit);
    wl_jw_end(w, '}');
}

/* A ResourceDescriptor; role and recipe stand in its annotations. */
static void material(struct wl_jw *w, const struct wl_material *m) {
    wl_jw_begin(w, '{');
    if (m->uri)
        wl_jw_kstr(w, "uri", m->uri);
    if (m->commit)
        git_commit(w, m->commit);
    else
        sha256(w, &m->digest);
    wl_jw_kstr(w, "name", m->name);
    wl_jw_key(w, "annotations");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "role", wl_material_role_name(m->role));
    wl_jw_kstr(w, "of", m->of);
    if (m->version)
        wl_jw_kstr(w, "version", m->version);
    if (m->license)
        wl_jw_kstr(w, "license", m->license);
    wl_jw_end(w, '}');
    wl_jw_end(w, '}');
}

static void optional(struct wl_jw *w, const char *key, const char *s) {
    if (s)
        wl_jw_kstr(w, key, s);
}

static void form(struct wl_jw *w, const struct wl_attest_form *f) {
    wl_jw_key(w, "form");
    wl_jw_begin(w, '{');
    optional(w, "platform", f->platform);
    optional(w, "format", f->format);
    optional(w, "compression", f->compression);
    wl_jw_kstr(w, "builtBy", f->built_by);
    wl_jw_end(w, '}');
}

static void parameters(struct wl_jw *w, const struct wl_attest *a) {
    wl_jw_key(w, "externalParameters");
    wl_jw_begin(w, '{');
    if (a->kind == WL_ATTEST_BUILD) {
        wl_jw_kstr(w, "recipe", a->recipe);
        wl_jw_kstr(w, "flavour", a->flavour);
        wl_jw_kstr(w, "image", a->image);
    } else {
        wl_jw_kstr(w, "app", a->recipe);
        wl_jw_kstr(w, "base", a->base);
        wl_jw_kstr(w, "format", a->format);
        optional(w, "compression", a->compression);
    }
    wl_jw_kint(w, "epoch", a->epoch);
    if (a->form.built_by)
        form(w, &a->form);
    wl_jw_end(w, '}');
}

static void build_definition(struct wl_jw *w, const struct wl_attest *a) {
    wl_jw_key(w, "buildDefinition");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "buildType", a->kind == WL_ATTEST_BUILD ? WL_ATTEST_BUILD_TYPE : WL_ATTEST_APP_TYPE);
    parameters(w, a);
    wl_jw_key(w, "resolvedDependencies");
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < a->n; i++)
        material(w, &a->v[i]);
    wl_jw_end(w, ']');
    wl_jw_end(w, '}');
}

/* The layer that was made: with it, the image can be told apart from its base. */
static void by_products(struct wl_jw *w, const struct wl_attest *a) {
    wl_jw_key(w, "byproducts");
    wl_jw_begin(w, '[');
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "name", LAYER);
    sha256(w, &a->layer);
    wl_jw_end(w, '}');
    wl_jw_end(w, ']');
}

static void run_details(struct wl_jw *w, const struct wl_attest *a) {
    wl_jw_key(w, "runDetails");
    wl_jw_begin(w, '{');
    wl_jw_key(w, "builder");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "id", a->builder ? a->builder : WL_ATTEST_BUILDER);
    wl_jw_key(w, "version");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "wlpack", WLPACK_VERSION);
    wl_jw_end(w, '}');
    wl_jw_end(w, '}');
    if (a->has_layer)
        by_products(w, a);
    wl_jw_end(w, '}');
}

void wl_attest_provenance(const struct wl_attest *a, struct wl_buf *out) {
    struct wl_jw w = {.out = out, .indent = 1};

    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "_type", STATEMENT);
    wl_jw_key(&w, "subject");
    wl_jw_begin(&w, '[');
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "name", a->subject_name);
    sha256(&w, &a->subject);
    wl_jw_end(&w, '}');
    wl_jw_end(&w, ']');
    wl_jw_kstr(&w, "predicateType", WL_PREDICATE_SLSA);
    wl_jw_key(&w, "predicate");
    wl_jw_begin(&w, '{');
    build_definition(&w, a);
    run_details(&w, a);
    wl_jw_end(&w, '}');
    wl_jw_end(&w, '}');
    wl_buf_addc(out, '\n');
}

/* --- Reading ------------------------------------------------------------------------------------------------------- */

static const char *keep(struct wl_attest *a, const char *s) {
    return s ? wl_arena_strdup(&a->arena, s) : NULL;
}

static bool get_sha256(const wl_json *o, struct wl_digest *ret) {
    const char *hex = wl_json_get_str(wl_json_get(o, "digest"), "sha256");

    return hex && wl_digest_parse_hex(hex, ret);
}

/* What a material is known by: git's by its commit, all others by a sha256. */
static bool get_digest(const wl_json *o, struct wl_material *m) {
    if (m->role != WL_MATERIAL_GIT)
        return get_sha256(o, &m->digest);
    m->commit = wl_json_get_str(wl_json_get(o, "digest"), "gitCommit");
    return m->commit != NULL;
}

static int parse_materials(const struct wl_json_doc *doc, const wl_json *list, struct wl_attest *a,
                           struct wl_err *err) {
    static const char path[] = "$.predicate.buildDefinition.resolvedDependencies";

    if (wl_json_len(list) > WL_ATTEST_MATERIALS)
        return wl_json_fail(doc, path, err, "more than %d materials", WL_ATTEST_MATERIALS);
    for (size_t i = 0; i < wl_json_len(list); i++) {
        const wl_json *o = wl_json_at(list, i);
        const wl_json *notes = wl_json_get(o, "annotations");
        struct wl_material m = {
            .of = wl_json_get_str(notes, "of"),
            .name = wl_json_get_str(o, "name"),
            .version = wl_json_get_str(notes, "version"),
            .uri = wl_json_get_str(o, "uri"),
            .license = wl_json_get_str(notes, "license"),
        };

        if (!m.of || !m.name || !wl_material_role_parse(wl_json_get_str(notes, "role"), &m.role) ||
            !get_digest(o, &m)) {
            WL_AUTOFREE char *at = wl_json_path_index(path, i);

            return wl_json_fail(doc, at, err, "a material needs a name, a sha256, a role and a recipe");
        }
        wl_attest_add(a, &m);
    }
    return 0;
}

static bool is(const wl_json *o, const char *key, const char *want) {
    const char *s = wl_json_get_str(o, key);

    return s && strcmp(s, want) == 0;
}

static void parse_form(const wl_json *f, struct wl_attest *a) {
    a->form = (struct wl_attest_form){.platform = keep(a, wl_json_get_str(f, "platform")),
                                      .format = keep(a, wl_json_get_str(f, "format")),
                                      .compression = keep(a, wl_json_get_str(f, "compression")),
                                      .built_by = keep(a, wl_json_get_str(f, "builtBy"))};
}

static int parse_parameters(const struct wl_json_doc *doc, const wl_json *params, struct wl_attest *a,
                            struct wl_err *err) {
    wl_json_get_int(params, "epoch", &a->epoch);
    parse_form(wl_json_get(params, "form"), a);
    if (a->kind == WL_ATTEST_APP) {
        a->recipe = keep(a, wl_json_get_str(params, "app"));
        a->base = keep(a, wl_json_get_str(params, "base"));
        a->format = keep(a, wl_json_get_str(params, "format"));
        a->compression = keep(a, wl_json_get_str(params, "compression"));
        if (!a->recipe || !a->base || !a->format || !a->builder)
            return wl_json_fail(doc, "$.predicate", err, "app, base, format or builder is missing");
        return 0;
    }
    a->recipe = keep(a, wl_json_get_str(params, "recipe"));
    a->flavour = keep(a, wl_json_get_str(params, "flavour"));
    a->image = keep(a, wl_json_get_str(params, "image"));
    if (!a->recipe || !a->flavour || !a->image || !a->builder)
        return wl_json_fail(doc, "$.predicate", err, "recipe, flavour, image or builder is missing");
    return 0;
}

static void parse_layer(const wl_json *details, struct wl_attest *a) {
    const wl_json *list = wl_json_get(details, "byproducts");

    for (size_t i = 0; i < wl_json_len(list) && !a->has_layer; i++)
        a->has_layer = is(wl_json_at(list, i), "name", LAYER) && get_sha256(wl_json_at(list, i), &a->layer);
}

static int parse(const struct wl_json_doc *doc, struct wl_attest *a, struct wl_err *err) {
    const wl_json *root = wl_json_root(doc);
    const wl_json *subject = wl_json_at(wl_json_get(root, "subject"), 0);
    const wl_json *predicate = wl_json_get(root, "predicate");
    const wl_json *build = wl_json_get(predicate, "buildDefinition");
    const wl_json *details = wl_json_get(predicate, "runDetails");

    if (!is(root, "_type", STATEMENT) || !is(root, "predicateType", WL_PREDICATE_SLSA))
        return wl_json_fail(doc, PATHS_ROOT, err, "no in-toto statement with SLSA 1.0 provenance");
    if (!is(build, "buildType", WL_ATTEST_BUILD_TYPE) && !is(build, "buildType", WL_ATTEST_APP_TYPE))
        return wl_json_fail(doc, "$.predicate.buildDefinition", err,
                            "not made by wlpack: buildType is neither " WL_ATTEST_BUILD_TYPE
                            " nor " WL_ATTEST_APP_TYPE);
    a->kind = is(build, "buildType", WL_ATTEST_APP_TYPE) ? WL_ATTEST_APP : WL_ATTEST_BUILD;
    a->subject_name = keep(a, wl_json_get_str(subject, "name"));
    if (!a->subject_name)
        a->subject_name = ""; /* a name is not required */
    a->builder = keep(a, wl_json_get_str(wl_json_get(details, "builder"), "id"));
    if (parse_parameters(doc, wl_json_get(build, "externalParameters"), a, err) < 0)
        return -1;
    if (!get_sha256(subject, &a->subject))
        return wl_json_fail(doc, "$.subject", err, "the subject has no sha256");
    parse_layer(details, a);
    return parse_materials(doc, wl_json_get(build, "resolvedDependencies"), a, err);
}

int wl_attest_parse(const char *name, struct wl_blob text, struct wl_attest *ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_attest_release) struct wl_attest a = {0};

    if (wl_json_parse(&doc, name, (const char *)text.p, text.len, WL_FAILED, err) < 0 || parse(doc, &a, err) < 0)
        return -1;
    *ret = a;
    memset(&a, 0, sizeof(a));
    return 0;
}
