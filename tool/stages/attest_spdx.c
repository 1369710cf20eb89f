/* SPDX 2.3, the JSON form. */
#include <stdlib.h>
#include <string.h>

#include "../base/json.h"
#include "../version.h"
#include "attest.h"

#define SPDX_ROOT "SPDXRef-image"
#define SPDX_APP "SPDXRef-app"

/* An SPDX id: letters, digits, '.' and '-' only; the number keeps ids apart that clean to the same. */
static char *spdx_id(size_t i, const char *name) {
    char *id = wl_sprintf("SPDXRef-%zu-%s", i, name);

    for (char *p = id; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", *p))
            *p = '-';
    return id;
}

static char *file_id(size_t i) {
    return wl_sprintf("SPDXRef-File-%zu", i);
}

static void one_checksum(struct wl_jw *w, const char *algorithm, const char *hex) {
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "algorithm", algorithm);
    wl_jw_kstr(w, "checksumValue", hex);
    wl_jw_end(w, '}');
}

static void checksums(struct wl_jw *w, const struct wl_digest *d, const struct wl_sha1_sum *sha1) {
    wl_jw_key(w, "checksums");
    wl_jw_begin(w, '[');
    if (sha1)
        one_checksum(w, "SHA1", wl_sha1_hex(sha1).s);
    one_checksum(w, "SHA256", wl_digest_hexonly(d).s);
    wl_jw_end(w, ']');
}

static const char *or_none(const char *s) {
    return s ? s : "NOASSERTION";
}

/* --- Packages ----------------------------------------------------------------------------------------------------- */

/* What a package has beyond a material. */
struct package {
    const char *id;
    const struct wl_material *m;
    const char *purpose;
    const char *verification; /* of its files; NULL: they were not looked at */
    const char *purl;         /* or NULL */
    const char *comment;      /* or NULL */
};

static void external_reference(struct wl_jw *w, const char *purl) {
    wl_jw_key(w, "externalRefs");
    wl_jw_begin(w, '[');
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "referenceCategory", "PACKAGE-MANAGER");
    wl_jw_kstr(w, "referenceType", "purl");
    wl_jw_kstr(w, "referenceLocator", purl);
    wl_jw_end(w, '}');
    wl_jw_end(w, ']');
}

static void write_package(struct wl_jw *w, const struct package *p) {
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "SPDXID", p->id);
    wl_jw_kstr(w, "name", p->m->name);
    if (p->m->version)
        wl_jw_kstr(w, "versionInfo", p->m->version);
    wl_jw_kstr(w, "downloadLocation", or_none(p->m->uri));
    wl_jw_kbool(w, "filesAnalyzed", p->verification != NULL);
    if (p->verification) {
        wl_jw_key(w, "packageVerificationCode");
        wl_jw_begin(w, '{');
        wl_jw_kstr(w, "packageVerificationCodeValue", p->verification);
        wl_jw_end(w, '}');
    }
    wl_jw_kstr(w, "licenseConcluded", "NOASSERTION");
    wl_jw_kstr(w, "licenseDeclared", or_none(p->m->license));
    wl_jw_kstr(w, "copyrightText", "NOASSERTION");
    wl_jw_kstr(w, "primaryPackagePurpose", p->purpose);
    if (p->comment)
        wl_jw_kstr(w, "comment", p->comment);
    if (p->purl)
        external_reference(w, p->purl);
    checksums(w, &p->m->digest, NULL);
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

/* Git and app.json are no packages: the former is where the application comes from, the latter stands in the provenance. */
static bool is_package(const struct wl_material *m) {
    return m->role != WL_MATERIAL_GIT && m->role != WL_MATERIAL_APP;
}

static void relate(struct wl_jw *w, const struct wl_attest *a, size_t i) {
    const struct wl_material *m = &a->v[i];
    WL_AUTOFREE char *id = spdx_id(i, m->name);
    WL_AUTOFREE char *source = source_id(a, m->of);

    switch (m->role) {
    case WL_MATERIAL_SOURCE:
        relationship(w, SPDX_ROOT, strcmp(m->of, a->recipe) == 0 ? "GENERATED_FROM" : "STATIC_LINK", id);
        break;
    case WL_MATERIAL_PATCH:
        relationship(w, id, "PATCH_FOR", source);
        break;
    case WL_MATERIAL_SCRIPT:
    case WL_MATERIAL_KIT:
        relationship(w, id, "BUILD_TOOL_OF", SPDX_ROOT);
        break;
    case WL_MATERIAL_BASE:
        relationship(w, SPDX_ROOT, "DEPENDS_ON", id);
        break;
    case WL_MATERIAL_IMAGE:
        relationship(w, SPDX_ROOT, "GENERATED_FROM", id);
        break;
    case WL_MATERIAL_GIT:
    case WL_MATERIAL_APP:
        break;
    }
}

/* pkg:oci (purl-spec, "oci"): "ghcr.io/you/php:7.4" with its digest; a new string. */
static char *oci_purl(const struct wl_material *m) {
    const char *slash = strrchr(m->name, '/');
    const char *last = slash ? slash + 1 : m->name;
    int name = (int)strcspn(last, ":@");
    const char *tag = last[name] == ':' ? last + name + 1 : "";
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};

    wl_buf_addf(&out, "pkg:oci/%.*s@sha256%%3A%s", name, last, wl_digest_hexonly(&m->digest).s);
    if (slash && strpbrk(m->name, ".:") && strpbrk(m->name, ".:") < strchr(m->name, '/'))
        wl_buf_addf(&out, "?repository_url=%.*s", (int)(last - m->name) + name, m->name);
    if (*tag)
        wl_buf_addf(&out, "%stag=%.*s", strchr(wl_buf_str(&out), '?') ? "&" : "?", (int)strcspn(tag, "@"), tag);
    return wl_buf_steal(&out);
}

static void material_package(struct wl_jw *w, const struct wl_attest *a, size_t i) {
    static const char *const purposes[] = {"SOURCE",    "SOURCE", "SOURCE", "APPLICATION",
                                           "CONTAINER", "",       "",       "CONTAINER"};
    const struct wl_material *m = &a->v[i];
    WL_AUTOFREE char *id = spdx_id(i, m->name);
    bool image = m->role == WL_MATERIAL_BASE || m->role == WL_MATERIAL_IMAGE;
    WL_AUTOFREE char *purl = image ? oci_purl(m) : NULL;
    const struct package p = {.id = id, .m = m, .purpose = purposes[m->role], .purl = purl};

    if (is_package(m))
        write_package(w, &p);
}

/* --- The files of an application ---------------------------------------------------------------------------------- */

static int compare_sums(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct wl_sha1_sum));
}

/* SPDX 2.3, 7.9: the SHA-1 of all the files' SHA-1, sorted, in hex, joined. */
static struct wl_sha1_hex verification_code(const struct wl_attest *a) {
    WL_AUTOFREE struct wl_sha1_sum *sums = wl_calloc(a->n_files + 1, sizeof(*sums));
    WL_AUTO(wl_sha1_release) struct wl_sha1 h = {0};
    struct wl_sha1_sum all;

    for (size_t i = 0; i < a->n_files; i++)
        sums[i] = a->files[i].sha1;
    qsort(sums, a->n_files, sizeof(*sums), compare_sums);
    wl_sha1_init(&h);
    for (size_t i = 0; i < a->n_files; i++)
        wl_sha1_update(&h, wl_sha1_hex(&sums[i]).s, 2 * sizeof(sums[i].b));
    all = wl_sha1_final(&h);
    return wl_sha1_hex(&all);
}

/* The application: the layer, as a package that contains its files. */
static void app_package(struct wl_jw *w, const struct wl_attest *a) {
    const struct wl_material *git = wl_attest_find(a, WL_MATERIAL_GIT);
    const struct wl_material m = {.name = a->name,
                                  .version = a->version,
                                  .license = a->license,
                                  .uri = git ? git->uri : NULL,
                                  .digest = a->layer};
    WL_AUTOFREE char *many = wl_sprintf("%zu files, too many to be listed one by one: the checksum is that of the "
                                        "layer that holds them",
                                        a->n_unlisted);
    struct wl_sha1_hex code = verification_code(a);
    struct package p = {.id = SPDX_APP, .m = &m, .purpose = "APPLICATION", .verification = code.s};

    if (a->n_unlisted) {
        p.verification = NULL;
        p.comment = many;
    }
    write_package(w, &p);
}

static void write_files(struct wl_jw *w, const struct wl_attest *a) {
    wl_jw_key(w, "files");
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < a->n_files; i++) {
        WL_AUTOFREE char *id = file_id(i);
        WL_AUTOFREE char *name = wl_sprintf("./%s", a->files[i].name);

        wl_jw_begin(w, '{');
        wl_jw_kstr(w, "SPDXID", id);
        wl_jw_kstr(w, "fileName", name);
        checksums(w, &a->files[i].digest, &a->files[i].sha1);
        wl_jw_kstr(w, "licenseConcluded", "NOASSERTION");
        wl_jw_kstr(w, "copyrightText", "NOASSERTION");
        wl_jw_end(w, '}');
    }
    wl_jw_end(w, ']');
}

/* --- The document --------------------------------------------------------------------------------------------------- */

static void write_head(struct wl_jw *w, const struct wl_attest *a) {
    WL_AUTOFREE char *space =
        wl_sprintf("https://spdx.org/spdxdocs/wlpack-%s-%s", a->recipe, wl_digest_hexonly(&a->subject).s);

    wl_jw_kstr(w, "spdxVersion", "SPDX-2.3");
    wl_jw_kstr(w, "dataLicense", "CC0-1.0");
    wl_jw_kstr(w, "SPDXID", "SPDXRef-DOCUMENT");
    wl_jw_kstr(w, "name", a->subject_name);
    wl_jw_kstr(w, "documentNamespace", space);
    wl_jw_key(w, "creationInfo");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "created", a->created);
    wl_jw_key(w, "creators");
    wl_jw_begin(w, '[');
    wl_jw_str(w, "Tool: wlpack-" WLPACK_VERSION);
    wl_jw_end(w, ']');
    wl_jw_end(w, '}');
}

static void write_relationships(struct wl_jw *w, const struct wl_attest *a) {
    wl_jw_key(w, "relationships");
    wl_jw_begin(w, '[');
    relationship(w, "SPDXRef-DOCUMENT", "DESCRIBES", SPDX_ROOT);
    if (a->has_layer)
        relationship(w, SPDX_ROOT, "CONTAINS", SPDX_APP);
    for (size_t i = 0; i < a->n; i++)
        relate(w, a, i);
    for (size_t i = 0; i < a->n_files; i++) {
        WL_AUTOFREE char *id = file_id(i);

        relationship(w, SPDX_APP, "CONTAINS", id);
    }
    wl_jw_end(w, ']');
}

void wl_attest_spdx(const struct wl_attest *a, struct wl_buf *out) {
    struct wl_jw w = {.out = out, .indent = a->n_files ? 0 : 1}; /* long lists are for machines */
    const struct wl_material m = {
        .name = a->subject_name, .version = a->version, .license = a->license, .digest = a->subject};
    const struct package root = {.id = SPDX_ROOT, .m = &m, .purpose = "CONTAINER"};

    wl_jw_begin(&w, '{');
    write_head(&w, a);
    wl_jw_key(&w, "packages");
    wl_jw_begin(&w, '[');
    write_package(&w, &root);
    if (a->has_layer)
        app_package(&w, a);
    for (size_t i = 0; i < a->n; i++)
        material_package(&w, a, i);
    wl_jw_end(&w, ']');
    if (a->n_files)
        write_files(&w, a);
    write_relationships(&w, a);
    wl_jw_end(&w, '}');
    wl_buf_addc(out, '\n');
}

void wl_sbom_rewrite(struct wl_blob text, const struct wl_sbom_change *c, struct wl_buf *out) {
    const struct wl_digest *const from[] = {&c->subject, &c->layer}, *const to[] = {&c->new_subject, &c->new_layer};
    size_t first = out->len;

    wl_buf_add(out, text.p, text.len);
    for (int i = 0; i < (c->has_layer ? 2 : 1); i++) {
        struct wl_digest_hex old = wl_digest_hexonly(from[i]), now = wl_digest_hexonly(to[i]);
        char *p = out->p + first;

        while ((p = memmem(p, (size_t)(out->p + out->len - p), old.s, WL_DIGEST_HEX)) != NULL) {
            memcpy(p, now.s, WL_DIGEST_HEX);
            p += WL_DIGEST_HEX;
        }
    }
}

/* --- Reading ------------------------------------------------------------------------------------------------------- */

static const char *sha256_of(const wl_json *o) {
    const wl_json *sums = wl_json_get(o, "checksums");

    for (size_t i = 0; i < wl_json_len(sums); i++) {
        const char *algorithm = wl_json_get_str(wl_json_at(sums, i), "algorithm");

        if (algorithm && strcmp(algorithm, "SHA256") == 0)
            return wl_json_get_str(wl_json_at(sums, i), "checksumValue");
    }
    return NULL;
}

static bool is_true(const wl_json *v) {
    return v && wl_json_kind(v) == WL_JSON_TRUE;
}

static int parse_files(const struct wl_json_doc *doc, struct wl_sbom *s, struct wl_err *err) {
    const wl_json *files = wl_json_get(wl_json_root(doc), "files");

    if (wl_json_len(files) > WL_ATTEST_FILES)
        return wl_json_fail(doc, "$.files", err, "more than %d files", WL_ATTEST_FILES);
    s->files = wl_calloc(wl_json_len(files) + 1, sizeof(*s->files));
    for (size_t i = 0; i < wl_json_len(files); i++) {
        const char *name = wl_json_get_str(wl_json_at(files, i), "fileName");
        const char *hex = sha256_of(wl_json_at(files, i));

        if (!name || !wl_starts(name, "./") || !hex || !wl_digest_parse_hex(hex, &s->files[i].digest)) {
            WL_AUTOFREE char *at = wl_json_path_index("$.files", i);

            return wl_json_fail(doc, at, err, "a file needs a name (./...) and a SHA256");
        }
        s->files[s->n_files++].name = wl_arena_strdup(&s->arena, name + 2);
    }
    return 0;
}

static int parse(const struct wl_json_doc *doc, struct wl_sbom *s, struct wl_err *err) {
    const wl_json *packages = wl_json_get(wl_json_root(doc), "packages");
    const char *version = wl_json_get_str(wl_json_root(doc), "spdxVersion");
    const char *sum = sha256_of(wl_json_at(packages, 0));

    if (!version || !wl_starts(version, "SPDX-2."))
        return wl_json_fail(doc, "$.spdxVersion", err, "no SPDX 2 document");
    if (!sum || !wl_digest_parse_hex(sum, &s->subject))
        return wl_json_fail(doc, "$.packages", err, "the first package has no SHA256");
    s->version = wl_arena_strdup(&s->arena, version);
    s->n_packages = wl_json_len(packages);
    for (size_t i = 0; i < s->n_packages && !s->has_app; i++) {
        const char *id = wl_json_get_str(wl_json_at(packages, i), "SPDXID");
        const char *layer = sha256_of(wl_json_at(packages, i));

        if (id && strcmp(id, SPDX_APP) == 0 && layer && wl_digest_parse_hex(layer, &s->layer)) {
            s->has_app = true;
            s->listed = is_true(wl_json_get(wl_json_at(packages, i), "filesAnalyzed"));
        }
    }
    return parse_files(doc, s, err);
}

void wl_sbom_release(struct wl_sbom *s) {
    free(s->files);
    wl_arena_release(&s->arena);
    memset(s, 0, sizeof(*s));
}

int wl_sbom_parse(const char *name, struct wl_blob text, struct wl_sbom *ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_sbom_release) struct wl_sbom s = {0};

    if (wl_json_parse(&doc, name, (const char *)text.p, text.len, WL_FAILED, err) < 0 || parse(doc, &s, err) < 0)
        return -1;
    *ret = s;
    memset(&s, 0, sizeof(s));
    return 0;
}
