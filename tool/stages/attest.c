#include "attest.h"

#include <stdlib.h>
#include <string.h>

#include "../base/json.h"
#include "../version.h"

static const char *const roles[] = {"source", "patch", "script", "kit", "file"};

#define PATHS_ROOT "$"

const char *wl_material_role_name(enum wl_material_role r) {
    return roles[r];
}

void wl_attest_release(struct wl_attest *a) {
    free(a->v);
    wl_arena_release(&a->arena);
    memset(a, 0, sizeof(*a));
}

static const char *keep(struct wl_attest *a, const char *s) {
    return s ? wl_arena_strdup(&a->arena, s) : NULL;
}

void wl_attest_add(struct wl_attest *a, const struct wl_material *m) {
    if (a->n == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 32;
        a->v = wl_reallocarray(a->v, a->cap, sizeof(*a->v));
    }
    a->v[a->n++] = (struct wl_material){
        .role = m->role,
        .of = keep(a, m->of),
        .name = keep(a, m->name),
        .version = keep(a, m->version),
        .uri = keep(a, m->uri),
        .license = keep(a, m->license),
        .digest = m->digest,
    };
}

/* --- SPDX 2.3 ----------------------------------------------------------------------------------------------------- */

#define SPDX_ROOT "SPDXRef-image"

/* An SPDX id: letters, digits, '.' and '-' only; the number keeps ids apart that clean to the same. */
static char *spdx_id(size_t i, const char *name) {
    char *id = wl_sprintf("SPDXRef-%zu-%s", i, name);

    for (char *p = id; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", *p))
            *p = '-';
    return id;
}

static void checksum(struct wl_jw *w, const struct wl_digest *d) {
    wl_jw_key(w, "checksums");
    wl_jw_begin(w, '[');
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "algorithm", "SHA256");
    wl_jw_kstr(w, "checksumValue", wl_digest_hexonly(d).s);
    wl_jw_end(w, '}');
    wl_jw_end(w, ']');
}

static const char *or_none(const char *s) {
    return s ? s : "NOASSERTION";
}

static void spdx_package(struct wl_jw *w, const char *id, const struct wl_material *m, const char *purpose) {
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "SPDXID", id);
    wl_jw_kstr(w, "name", m->name);
    if (m->version)
        wl_jw_kstr(w, "versionInfo", m->version);
    wl_jw_kstr(w, "downloadLocation", or_none(m->uri));
    wl_jw_kbool(w, "filesAnalyzed", false);
    wl_jw_kstr(w, "licenseConcluded", "NOASSERTION");
    wl_jw_kstr(w, "licenseDeclared", or_none(m->license));
    wl_jw_kstr(w, "copyrightText", "NOASSERTION");
    wl_jw_kstr(w, "primaryPackagePurpose", purpose);
    checksum(w, &m->digest);
    wl_jw_end(w, '}');
}

static void relationship(struct wl_jw *w, const char *from, const char *type, const char *to) {
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "spdxElementId", from);
    wl_jw_kstr(w, "relationshipType", type);
    wl_jw_kstr(w, "relatedSpdxElement", to);
    wl_jw_end(w, '}');
}

/* The id of the source that belongs to a recipe; the image when there is none. A new string. */
static char *source_id(const struct wl_attest *a, const char *of) {
    for (size_t i = 0; i < a->n; i++)
        if (a->v[i].role == WL_MATERIAL_SOURCE && strcmp(a->v[i].of, of) == 0)
            return spdx_id(i, a->v[i].name);
    return wl_strdup(SPDX_ROOT);
}

static void relate(struct wl_jw *w, const struct wl_attest *a, size_t i) {
    const struct wl_material *m = &a->v[i];
    WL_AUTOFREE char *id = spdx_id(i, m->name);
    WL_AUTOFREE char *source = source_id(a, m->of);

    switch (m->role) {
    case WL_MATERIAL_SOURCE:
        if (strcmp(m->of, a->recipe) == 0)
            relationship(w, SPDX_ROOT, "GENERATED_FROM", id);
        else
            relationship(w, SPDX_ROOT, "STATIC_LINK", id);
        break;
    case WL_MATERIAL_PATCH:
        relationship(w, id, "PATCH_FOR", source);
        break;
    case WL_MATERIAL_SCRIPT:
    case WL_MATERIAL_KIT:
        relationship(w, id, "BUILD_TOOL_OF", SPDX_ROOT);
        break;
    case WL_MATERIAL_FILE:
        relationship(w, SPDX_ROOT, "CONTAINS", id);
        break;
    }
}

void wl_attest_spdx(const struct wl_attest *a, struct wl_buf *out) {
    static const char *const purposes[] = {"SOURCE", "SOURCE", "SOURCE", "APPLICATION", "FILE"};
    struct wl_jw w = {.out = out, .indent = 1};
    WL_AUTOFREE char *space =
        wl_sprintf("https://spdx.org/spdxdocs/wlpack-%s-%s", a->recipe, wl_digest_hexonly(&a->subject).s);
    struct wl_material root = {
        .name = a->subject_name, .version = a->version, .license = a->license, .digest = a->subject};

    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "spdxVersion", "SPDX-2.3");
    wl_jw_kstr(&w, "dataLicense", "CC0-1.0");
    wl_jw_kstr(&w, "SPDXID", "SPDXRef-DOCUMENT");
    wl_jw_kstr(&w, "name", a->subject_name);
    wl_jw_kstr(&w, "documentNamespace", space);
    wl_jw_key(&w, "creationInfo");
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "created", a->created);
    wl_jw_key(&w, "creators");
    wl_jw_begin(&w, '[');
    wl_jw_str(&w, "Tool: wlpack-" WLPACK_VERSION);
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
    wl_jw_key(&w, "packages");
    wl_jw_begin(&w, '[');
    spdx_package(&w, SPDX_ROOT, &root, "CONTAINER");
    for (size_t i = 0; i < a->n; i++) {
        WL_AUTOFREE char *id = spdx_id(i, a->v[i].name);

        spdx_package(&w, id, &a->v[i], purposes[a->v[i].role]);
    }
    wl_jw_end(&w, ']');
    wl_jw_key(&w, "relationships");
    wl_jw_begin(&w, '[');
    relationship(&w, "SPDXRef-DOCUMENT", "DESCRIBES", SPDX_ROOT);
    for (size_t i = 0; i < a->n; i++)
        relate(&w, a, i);
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
    wl_buf_addc(out, '\n');
}

/* --- in-toto and SLSA --------------------------------------------------------------------------------------------- */

#define STATEMENT "https://in-toto.io/Statement/v1"

static void sha256(struct wl_jw *w, const struct wl_digest *d) {
    wl_jw_key(w, "digest");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "sha256", wl_digest_hexonly(d).s);
    wl_jw_end(w, '}');
}

/* A ResourceDescriptor; role and recipe stand in its annotations. */
static void material(struct wl_jw *w, const struct wl_material *m) {
    wl_jw_begin(w, '{');
    if (m->uri)
        wl_jw_kstr(w, "uri", m->uri);
    sha256(w, &m->digest);
    wl_jw_kstr(w, "name", m->name);
    wl_jw_key(w, "annotations");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "role", roles[m->role]);
    wl_jw_kstr(w, "of", m->of);
    if (m->version)
        wl_jw_kstr(w, "version", m->version);
    if (m->license)
        wl_jw_kstr(w, "license", m->license);
    wl_jw_end(w, '}');
    wl_jw_end(w, '}');
}

static void build_definition(struct wl_jw *w, const struct wl_attest *a) {
    wl_jw_key(w, "buildDefinition");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "buildType", WL_ATTEST_BUILD_TYPE);
    wl_jw_key(w, "externalParameters");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "recipe", a->recipe);
    wl_jw_kstr(w, "flavour", a->flavour);
    wl_jw_kstr(w, "image", a->image);
    wl_jw_kint(w, "epoch", a->epoch);
    wl_jw_end(w, '}');
    wl_jw_key(w, "resolvedDependencies");
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < a->n; i++)
        material(w, &a->v[i]);
    wl_jw_end(w, ']');
    wl_jw_end(w, '}');
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

static bool get_sha256(const wl_json *o, struct wl_digest *ret) {
    const char *hex = wl_json_get_str(wl_json_get(o, "digest"), "sha256");

    return hex && wl_digest_parse_hex(hex, ret);
}

static bool get_role(const char *s, enum wl_material_role *ret) {
    for (size_t i = 0; s && i < WL_ARRAY_LEN(roles); i++)
        if (strcmp(roles[i], s) == 0) {
            *ret = (enum wl_material_role)i;
            return true;
        }
    return false;
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

        if (!m.of || !m.name || !get_role(wl_json_get_str(notes, "role"), &m.role) || !get_sha256(o, &m.digest)) {
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

static int parse(const struct wl_json_doc *doc, struct wl_attest *a, struct wl_err *err) {
    const wl_json *root = wl_json_root(doc);
    const wl_json *subject = wl_json_at(wl_json_get(root, "subject"), 0);
    const wl_json *predicate = wl_json_get(root, "predicate");
    const wl_json *build = wl_json_get(predicate, "buildDefinition");
    const wl_json *params = wl_json_get(build, "externalParameters");

    if (!is(root, "_type", STATEMENT) || !is(root, "predicateType", WL_PREDICATE_SLSA))
        return wl_json_fail(doc, PATHS_ROOT, err, "no in-toto statement with SLSA 1.0 provenance");
    if (!is(build, "buildType", WL_ATTEST_BUILD_TYPE))
        return wl_json_fail(doc, "$.predicate.buildDefinition", err, "not made by wlpack: buildType is not %s",
                            WL_ATTEST_BUILD_TYPE);
    a->recipe = keep(a, wl_json_get_str(params, "recipe"));
    a->flavour = keep(a, wl_json_get_str(params, "flavour"));
    a->image = keep(a, wl_json_get_str(params, "image"));
    a->subject_name = keep(a, wl_json_get_str(subject, "name"));
    if (!a->subject_name)
        a->subject_name = ""; /* a name is not required */
    a->builder = keep(a, wl_json_get_str(wl_json_get(wl_json_get(predicate, "runDetails"), "builder"), "id"));
    wl_json_get_int(params, "epoch", &a->epoch);
    if (!a->recipe || !a->flavour || !a->image || !a->builder)
        return wl_json_fail(doc, "$.predicate", err, "recipe, flavour, image or builder is missing");
    if (!get_sha256(subject, &a->subject))
        return wl_json_fail(doc, "$.subject", err, "the subject has no sha256");
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

/* --- Comparing ----------------------------------------------------------------------------------------------------- */

static const struct wl_material *same(const struct wl_attest *in, const struct wl_material *m) {
    for (size_t i = 0; i < in->n; i++)
        if (in->v[i].role == m->role && strcmp(in->v[i].of, m->of) == 0 && strcmp(in->v[i].name, m->name) == 0)
            return &in->v[i];
    return NULL;
}

void wl_attest_diff(const struct wl_attest *said, const struct wl_attest *here, struct wl_strv *ret,
                    struct wl_strv *ret_kits) {
    for (size_t i = 0; i < said->n; i++) {
        const struct wl_material *m = &said->v[i];
        const struct wl_material *own = same(here, m);
        struct wl_strv *to = m->role == WL_MATERIAL_KIT ? ret_kits : ret;

        if (!own)
            wl_strv_addf(to, "%s %s of %s: not here", roles[m->role], m->name, m->of);
        else if (!wl_digest_equal(&own->digest, &m->digest))
            wl_strv_addf(to, "%s %s of %s: %s in the statement, %s here", roles[m->role], m->name, m->of,
                         wl_digest_str(&m->digest).s, wl_digest_str(&own->digest).s);
    }
    for (size_t i = 0; i < here->n; i++) {
        const struct wl_material *m = &here->v[i];

        if (!same(said, m))
            wl_strv_addf(m->role == WL_MATERIAL_KIT ? ret_kits : ret, "%s %s of %s: not in the statement",
                         roles[m->role], m->name, m->of);
    }
}
