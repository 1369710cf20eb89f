#include <string.h>

#include "../tool/base/json.h"
#include "oci.h"
#include "oci_internal.h"

#define STRING_MAX (256 * 1024) /* bytes of any one string kept */

/* What every reader needs. */
struct reader {
    struct wl_json_doc *doc;
    struct wl_arena *a;
    struct wl_err *err;
};

#define FAIL(r, path, ...) wl_json_fail((r)->doc, path, (r)->err, __VA_ARGS__)

enum need { OPTIONAL, REQUIRED };

/* A member of a kind; *ret is NULL when it is absent (or null) and optional. */
static int member(struct reader *r, const wl_json *obj, const char *path, const char *key, enum wl_json_kind kind,
                  enum need need, const wl_json **ret) {
    static const char *const names[] = {[WL_JSON_OBJECT] = "an object",
                                        [WL_JSON_ARRAY] = "an array",
                                        [WL_JSON_STRING] = "a string",
                                        [WL_JSON_INT] = "an integer"};
    const wl_json *v = wl_json_get(obj, key);

    if (v && wl_json_kind(v) == WL_JSON_NULL)
        v = NULL;
    if (v && wl_json_kind(v) != kind) {
        WL_AUTOFREE char *p = wl_json_path_key(path, key);

        return FAIL(r, p, "must be %s, not %s", names[kind], wl_json_kind_name(v));
    }
    if (!v && need == REQUIRED)
        return FAIL(r, path, "\"%s\" is missing", key);
    *ret = v;
    return 0;
}

static int read_str(struct reader *r, const wl_json *obj, const char *path, const char *key, enum need need,
                    const char **ret) {
    const wl_json *v;

    if (member(r, obj, path, key, WL_JSON_STRING, need, &v) < 0)
        return -1;
    if (v && strlen(wl_json_str(v)) > STRING_MAX)
        return FAIL(r, path, "\"%s\" is too long", key);
    *ret = v ? wl_arena_strdup(r->a, wl_json_str(v)) : NULL;
    return 0;
}

/* An array or object with a bounded number of items. */
static int bounded(struct reader *r, const wl_json *v, const char *path) {
    if (v && wl_json_len(v) > WL_OCI_ITEMS_MAX)
        return FAIL(r, path, "%zu items; at most %d are accepted", wl_json_len(v), WL_OCI_ITEMS_MAX);
    return 0;
}

static int read_strings(struct reader *r, const wl_json *obj, const char *path, const char *key,
                        struct wl_oci_strings *ret) {
    WL_AUTOFREE char *sub = wl_json_path_key(path, key);
    const wl_json *v;

    if (member(r, obj, path, key, WL_JSON_ARRAY, OPTIONAL, &v) < 0 || bounded(r, v, sub) < 0)
        return -1;
    for (size_t i = 0; v && i < wl_json_len(v); i++) {
        const char *s = wl_json_str(wl_json_at(v, i));

        if (!s)
            return FAIL(r, sub, "holds something that is no string");
        wl_oci_strings_add(ret, r->a, s);
    }
    return 0;
}

static int read_set(struct reader *r, const wl_json *obj, const char *path, const char *key,
                    struct wl_oci_strings *ret) {
    WL_AUTOFREE char *sub = wl_json_path_key(path, key);
    const wl_json *v;
    const wl_json *val;
    const char *name;

    if (member(r, obj, path, key, WL_JSON_OBJECT, OPTIONAL, &v) < 0 || bounded(r, v, sub) < 0)
        return -1;
    for (void *it = NULL; v && wl_json_next(v, &it, &name, &val);)
        wl_oci_strings_add(ret, r->a, name);
    return 0;
}

static int read_pairs(struct reader *r, const wl_json *obj, const char *path, const char *key,
                      struct wl_oci_pairs *ret) {
    WL_AUTOFREE char *sub = wl_json_path_key(path, key);
    const wl_json *v;
    const wl_json *val;
    const char *name;
    size_t n = 0;

    if (member(r, obj, path, key, WL_JSON_OBJECT, OPTIONAL, &v) < 0 || bounded(r, v, sub) < 0)
        return -1;
    if (!v || wl_json_len(v) == 0)
        return 0;
    /* the keys are known to differ (the parser refuses duplicates): no search for each */
    ret->v = wl_arena_alloc(r->a, wl_json_len(v) * 2 * sizeof(*ret->v));
    for (void *it = NULL; wl_json_next(v, &it, &name, &val);) {
        if (!wl_json_str(val))
            return FAIL(r, sub, "the value of \"%s\" must be a string, not %s", name, wl_json_kind_name(val));
        ret->v[n++] = (struct wl_oci_pair){wl_arena_strdup(r->a, name), wl_arena_strdup(r->a, wl_json_str(val))};
    }
    ret->n = n;
    return 0;
}

static int read_platform(struct reader *r, const wl_json *obj, const char *path, struct wl_oci_platform *ret) {
    if (read_str(r, obj, path, "os", REQUIRED, &ret->os) < 0 ||
        read_str(r, obj, path, "architecture", REQUIRED, &ret->architecture) < 0 ||
        read_str(r, obj, path, "variant", OPTIONAL, &ret->variant) < 0 ||
        read_str(r, obj, path, "os.version", OPTIONAL, &ret->os_version) < 0)
        return -1;
    if (ret->variant && !*ret->variant)
        ret->variant = NULL;
    return read_strings(r, obj, path, "os.features", &ret->os_features);
}

static int read_descriptor(struct reader *r, const wl_json *v, const char *path, struct wl_oci_descriptor *ret) {
    struct wl_oci_descriptor d = {0};
    const char *digest;
    const wl_json *size;
    const wl_json *platform;
    WL_AUTOFREE char *sub = NULL;

    if (wl_json_kind(v) != WL_JSON_OBJECT)
        return FAIL(r, path, "must be an object, not %s", wl_json_kind_name(v));
    if (read_str(r, v, path, "mediaType", REQUIRED, &d.media_type) < 0 ||
        read_str(r, v, path, "digest", REQUIRED, &digest) < 0 ||
        member(r, v, path, "size", WL_JSON_INT, REQUIRED, &size) < 0 ||
        read_str(r, v, path, "artifactType", OPTIONAL, &d.artifact_type) < 0 ||
        read_pairs(r, v, path, "annotations", &d.annotations) < 0 ||
        member(r, v, path, "platform", WL_JSON_OBJECT, OPTIONAL, &platform) < 0)
        return -1;
    if (!wl_digest_parse(digest, &d.digest))
        return FAIL(r, path, "\"%.100s\" is no digest: sha256: and 64 lower-case hex digits", digest);
    if (wl_json_int(size) < 0 || (uint64_t)wl_json_int(size) > WL_OCI_BLOB_MAX)
        return FAIL(r, path, "a size of %lld bytes is out of range", (long long)wl_json_int(size));
    d.size = (uint64_t)wl_json_int(size);
    sub = wl_json_path_key(path, "platform");
    if (platform && read_platform(r, platform, sub, &d.platform) < 0)
        return -1;
    *ret = d;
    return 0;
}

static int read_descriptors(struct reader *r, const wl_json *obj, const char *path, const char *key,
                            struct wl_oci_descriptors *ret) {
    WL_AUTOFREE char *sub = wl_json_path_key(path, key);
    const wl_json *v;

    if (member(r, obj, path, key, WL_JSON_ARRAY, REQUIRED, &v) < 0 || bounded(r, v, sub) < 0)
        return -1;
    for (size_t i = 0; i < wl_json_len(v); i++) {
        WL_AUTOFREE char *item = wl_json_path_index(sub, i);
        struct wl_oci_descriptor d;

        if (read_descriptor(r, wl_json_at(v, i), item, &d) < 0)
            return -1;
        wl_oci_descriptors_add(ret, r->a, &d);
    }
    return 0;
}

static int read_subject(struct reader *r, const wl_json *root, bool *ret_has, struct wl_oci_descriptor *ret) {
    const wl_json *v;

    if (member(r, root, "$", "subject", WL_JSON_OBJECT, OPTIONAL, &v) < 0)
        return -1;
    if (!v)
        return 0;
    *ret_has = true;
    return read_descriptor(r, v, "$.subject", ret);
}

static int open_doc(struct reader *r, const char *name, struct wl_blob text, enum wl_oci_origin from,
                    struct wl_err *err) {
    enum wl_code code = from == WL_OCI_REMOTE ? WL_NET : WL_FAILED;

    r->err = err;
    if (text.len > WL_OCI_DOC_MAX)
        return wl_fail(err, code, "%s: %zu bytes; at most %d are accepted", name, text.len, WL_OCI_DOC_MAX);
    if (wl_json_parse(&r->doc, name, (const char *)text.p, text.len, code, err) < 0)
        return -1;
    if (wl_json_kind(wl_json_root(r->doc)) != WL_JSON_OBJECT)
        return FAIL(r, "$", "must be an object, not %s", wl_json_kind_name(wl_json_root(r->doc)));
    return 0;
}

static const char *kind_name(enum wl_oci_kind kind) {
    return kind == WL_OCI_MANIFEST ? "an image manifest" : kind == WL_OCI_INDEX ? "an image index" : "something else";
}

/* Which kind the document is, from its mediaType, the announcement and its members, which all must agree. */
static int find_kind(struct reader *r, const char *announced, enum wl_oci_kind *ret, const char **ret_type) {
    const wl_json *root = wl_json_root(r->doc);
    bool layers = wl_json_get(root, "layers") || wl_json_get(root, "config");
    bool manifests = wl_json_get(root, "manifests");
    const wl_json *version;
    const char *type;
    enum wl_oci_kind kind;

    if (member(r, root, "$", "schemaVersion", WL_JSON_INT, REQUIRED, &version) < 0 ||
        read_str(r, root, "$", "mediaType", OPTIONAL, &type) < 0)
        return -1;
    if (wl_json_int(version) != 2)
        return FAIL(r, "$.schemaVersion", "must be 2, not %lld", (long long)wl_json_int(version));
    if (manifests && (layers || wl_json_get(root, "fsLayers")))
        return FAIL(r, "$", "holds the members of a manifest and of an index: refused");
    if (type && announced && !wl_oci_media_type_equal(type, announced))
        return FAIL(r, "$.mediaType", "is \"%.100s\", but was announced as \"%.100s\"", type, announced);
    if (!type)
        type = announced ? wl_arena_strdup(r->a, announced) : layers ? WL_MT_MANIFEST : WL_MT_INDEX;
    kind = wl_oci_kind(type);
    if (kind == WL_OCI_OTHER)
        return FAIL(r, "$.mediaType", "\"%.100s\" is neither an image manifest nor an index", type);
    if ((kind == WL_OCI_MANIFEST && manifests) || (kind == WL_OCI_INDEX && !manifests) ||
        (kind == WL_OCI_INDEX && layers))
        return FAIL(r, "$", "its members are not those of %s, which it says it is", kind_name(kind));
    *ret = kind;
    *ret_type = type;
    return 0;
}

static int expect_kind(struct reader *r, const char *announced, enum wl_oci_kind want, const char **ret_type) {
    enum wl_oci_kind kind;

    if (find_kind(r, announced, &kind, ret_type) < 0)
        return -1;
    if (kind != want)
        return FAIL(r, "$", "is %s, not %s", kind_name(kind), kind_name(want));
    return 0;
}

int wl_oci_kind_of_text(const char *name, struct wl_blob text, enum wl_oci_origin from, enum wl_oci_kind *ret,
                        struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct reader r = {.a = &a};
    const char *type;
    int rc = open_doc(&r, name, text, from, err);

    doc = r.doc;
    return rc < 0 ? rc : find_kind(&r, NULL, ret, &type);
}

int wl_oci_manifest_parse(const char *name, struct wl_blob text, const char *media_type, enum wl_oci_origin from,
                          struct wl_arena *a, struct wl_oci_manifest *ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    struct reader r = {.a = a};
    struct wl_oci_manifest m = {0};
    const wl_json *root;
    const wl_json *config;
    int rc = open_doc(&r, name, text, from, err);

    doc = r.doc;
    if (rc < 0 || expect_kind(&r, media_type, WL_OCI_MANIFEST, &m.media_type) < 0)
        return -1;
    root = wl_json_root(doc);
    if (read_str(&r, root, "$", "artifactType", OPTIONAL, &m.artifact_type) < 0 ||
        member(&r, root, "$", "config", WL_JSON_OBJECT, REQUIRED, &config) < 0 ||
        read_descriptor(&r, config, "$.config", &m.config) < 0 ||
        read_descriptors(&r, root, "$", "layers", &m.layers) < 0 ||
        read_subject(&r, root, &m.has_subject, &m.subject) < 0 ||
        read_pairs(&r, root, "$", "annotations", &m.annotations) < 0)
        return -1;
    *ret = m;
    return 0;
}

int wl_oci_index_parse(const char *name, struct wl_blob text, const char *media_type, enum wl_oci_origin from,
                       struct wl_arena *a, struct wl_oci_index *ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    struct reader r = {.a = a};
    struct wl_oci_index x = {0};
    const wl_json *root;
    int rc = open_doc(&r, name, text, from, err);

    doc = r.doc;
    if (rc < 0 || expect_kind(&r, media_type, WL_OCI_INDEX, &x.media_type) < 0)
        return -1;
    root = wl_json_root(doc);
    if (read_str(&r, root, "$", "artifactType", OPTIONAL, &x.artifact_type) < 0 ||
        read_descriptors(&r, root, "$", "manifests", &x.manifests) < 0 ||
        read_subject(&r, root, &x.has_subject, &x.subject) < 0 ||
        read_pairs(&r, root, "$", "annotations", &x.annotations) < 0)
        return -1;
    *ret = x;
    return 0;
}

static int read_rootfs(struct reader *r, const wl_json *root, struct wl_oci_config *c) {
    struct wl_oci_strings ids = {0};
    const wl_json *rootfs;

    if (member(r, root, "$", "rootfs", WL_JSON_OBJECT, REQUIRED, &rootfs) < 0 ||
        read_strings(r, rootfs, "$.rootfs", "diff_ids", &ids) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++) {
        struct wl_digest d;

        if (!wl_digest_parse(ids.v[i], &d))
            return FAIL(r, "$.rootfs.diff_ids", "\"%.100s\" is no digest: sha256: and 64 lower-case hex digits",
                        ids.v[i]);
        wl_oci_config_add_diff_id(c, r->a, &d);
    }
    return 0;
}

static int read_history(struct reader *r, const wl_json *root, struct wl_oci_config *c) {
    const wl_json *v;

    if (member(r, root, "$", "history", WL_JSON_ARRAY, OPTIONAL, &v) < 0 || bounded(r, v, "$.history") < 0)
        return -1;
    for (size_t i = 0; v && i < wl_json_len(v); i++) {
        WL_AUTOFREE char *path = wl_json_path_index("$.history", i);
        const wl_json *item = wl_json_at(v, i);
        const wl_json *empty;
        struct wl_oci_history h = {0};

        if (wl_json_kind(item) != WL_JSON_OBJECT)
            return FAIL(r, path, "must be an object, not %s", wl_json_kind_name(item));
        if (read_str(r, item, path, "created", OPTIONAL, &h.created) < 0 ||
            read_str(r, item, path, "created_by", OPTIONAL, &h.created_by) < 0 ||
            read_str(r, item, path, "author", OPTIONAL, &h.author) < 0 ||
            read_str(r, item, path, "comment", OPTIONAL, &h.comment) < 0)
            return -1;
        empty = wl_json_get(item, "empty_layer");
        h.empty_layer = empty && wl_json_kind(empty) == WL_JSON_TRUE;
        wl_oci_config_add_history(c, r->a, &h);
    }
    return 0;
}

static int read_runtime(struct reader *r, const wl_json *root, struct wl_oci_config *c) {
    const char *const path = "$.config";
    const wl_json *v;

    if (member(r, root, "$", "config", WL_JSON_OBJECT, OPTIONAL, &v) < 0)
        return -1;
    if (!v)
        return 0;
    if (read_str(r, v, path, "User", OPTIONAL, &c->user) < 0 ||
        read_str(r, v, path, "WorkingDir", OPTIONAL, &c->working_dir) < 0 ||
        read_str(r, v, path, "StopSignal", OPTIONAL, &c->stop_signal) < 0 ||
        read_set(r, v, path, "ExposedPorts", &c->exposed_ports) < 0 ||
        read_set(r, v, path, "Volumes", &c->volumes) < 0 || read_strings(r, v, path, "Env", &c->env) < 0 ||
        read_strings(r, v, path, "Entrypoint", &c->entrypoint) < 0 || read_strings(r, v, path, "Cmd", &c->cmd) < 0)
        return -1;
    return read_pairs(r, v, path, "Labels", &c->labels);
}

int wl_oci_config_parse(const char *name, struct wl_blob text, enum wl_oci_origin from, struct wl_arena *a,
                        struct wl_oci_config *ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    struct reader r = {.a = a};
    struct wl_oci_config c = {0};
    const wl_json *root;
    int rc = open_doc(&r, name, text, from, err);

    doc = r.doc;
    if (rc < 0)
        return -1;
    root = wl_json_root(doc);
    if (read_str(&r, root, "$", "created", OPTIONAL, &c.created) < 0 ||
        read_str(&r, root, "$", "author", OPTIONAL, &c.author) < 0 || read_platform(&r, root, "$", &c.platform) < 0 ||
        read_runtime(&r, root, &c) < 0 || read_rootfs(&r, root, &c) < 0 || read_history(&r, root, &c) < 0)
        return -1;
    *ret = c;
    return 0;
}
