#include "oci.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "../tool/base/json.h"
#include "oci_internal.h"

#define PLATFORM_PART_MAX 64 /* characters of os, architecture or variant on a command line */

/* Grows an arena array by doubling; the old block stays in the arena until it is released. */
static void *grow(struct wl_arena *a, void *old, size_t n, size_t size) {
    void *v;

    if (n & (n - 1)) /* room is left until n is a power of two */
        return old;
    v = wl_arena_alloc(a, (n ? n * 2 : 1) * size);
    if (n)
        memcpy(v, old, n * size);
    return v;
}

void wl_oci_pairs_set(struct wl_oci_pairs *p, struct wl_arena *a, const char *key, const char *value) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i].key, key) == 0) {
            p->v[i].value = wl_arena_strdup(a, value);
            return;
        }
    p->v = grow(a, p->v, p->n, sizeof(*p->v));
    p->v[p->n++] = (struct wl_oci_pair){wl_arena_strdup(a, key), wl_arena_strdup(a, value)};
}

void wl_oci_pairs_unset(struct wl_oci_pairs *p, const char *key) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i].key, key) == 0) {
            memmove(p->v + i, p->v + i + 1, (p->n - i - 1) * sizeof(*p->v));
            p->n--;
            return;
        }
}

const char *wl_oci_pairs_get(const struct wl_oci_pairs *p, const char *key) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i].key, key) == 0)
            return p->v[i].value;
    return NULL;
}

void wl_oci_strings_add(struct wl_oci_strings *s, struct wl_arena *a, const char *str) {
    s->v = grow(a, s->v, s->n, sizeof(*s->v));
    s->v[s->n++] = wl_arena_strdup(a, str);
}

struct wl_oci_descriptor *wl_oci_descriptors_add(struct wl_oci_descriptors *l, struct wl_arena *a,
                                                 const struct wl_oci_descriptor *d) {
    l->v = grow(a, l->v, l->n, sizeof(*l->v));
    l->v[l->n] = *d;
    return &l->v[l->n++];
}

void wl_oci_config_add_diff_id(struct wl_oci_config *c, struct wl_arena *a, const struct wl_digest *d) {
    c->diff_ids = grow(a, c->diff_ids, c->n_diff_ids, sizeof(*c->diff_ids));
    c->diff_ids[c->n_diff_ids++] = *d;
}

void wl_oci_config_add_history(struct wl_oci_config *c, struct wl_arena *a, const struct wl_oci_history *h) {
    c->history = grow(a, c->history, c->n_history, sizeof(*c->history));
    c->history[c->n_history++] = *h;
}

static bool platform_part(const char *s, size_t n) {
    if (n == 0 || n > PLATFORM_PART_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && !strchr("._-", s[i]))
            return false;
    return true;
}

int wl_oci_platform_parse(const char *s, struct wl_arena *a, struct wl_oci_platform *ret, struct wl_err *err) {
    const char *part[3] = {NULL};
    size_t len[3] = {0};
    size_t n = 0;

    for (const char *p = s;; p++) {
        part[n] = p;
        len[n] = strcspn(p, "/");
        p += len[n];
        if (!platform_part(part[n], len[n]) || (*p && n == 2))
            return wl_fail(err, WL_USAGE, "\"%s\" is no platform: os/architecture[/variant], lower case", s);
        n++;
        if (!*p)
            break;
    }
    if (n < 2)
        return wl_fail(err, WL_USAGE, "\"%s\" is no platform: the architecture is missing (os/architecture)", s);
    *ret = (struct wl_oci_platform){
        .os = wl_arena_strndup(a, part[0], len[0]),
        .architecture = wl_arena_strndup(a, part[1], len[1]),
        .variant = n == 3 ? wl_arena_strndup(a, part[2], len[2]) : NULL,
    };
    return 0;
}

char *wl_oci_platform_str(const struct wl_oci_platform *p) {
    if (!p->os)
        return wl_strdup("unknown");
    return wl_sprintf("%s/%s%s%s", p->os, p->architecture ? p->architecture : "unknown", p->variant ? "/" : "",
                      p->variant ? p->variant : "");
}

static bool same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool wl_oci_platform_equal(const struct wl_oci_platform *a, const struct wl_oci_platform *b) {
    return same(a->os, b->os) && same(a->architecture, b->architecture) && same(a->variant, b->variant);
}

bool wl_oci_media_type_equal(const char *a, const char *b) {
    size_t na = strcspn(a, "; \t");
    size_t nb = strcspn(b, "; \t");

    return na == nb && strncasecmp(a, b, na) == 0;
}

enum wl_oci_kind wl_oci_kind(const char *media_type) {
    if (!media_type)
        return WL_OCI_OTHER;
    if (wl_oci_media_type_equal(media_type, WL_MT_MANIFEST) ||
        wl_oci_media_type_equal(media_type, WL_MT_DOCKER_MANIFEST))
        return WL_OCI_MANIFEST;
    if (wl_oci_media_type_equal(media_type, WL_MT_INDEX) || wl_oci_media_type_equal(media_type, WL_MT_DOCKER_INDEX))
        return WL_OCI_INDEX;
    return WL_OCI_OTHER;
}

struct wl_oci_descriptor wl_oci_descriptor_of(const char *media_type, struct wl_blob bytes) {
    return (struct wl_oci_descriptor){
        .media_type = media_type, .digest = wl_digest_of(bytes.p, bytes.len), .size = bytes.len};
}

/* --- Writing ----------------------------------------------------------------------------------------------- */

static int compare_pairs(const void *a, const void *b) {
    return strcmp(((const struct wl_oci_pair *)a)->key, ((const struct wl_oci_pair *)b)->key);
}

static void write_pairs(struct wl_jw *w, const char *key, const struct wl_oci_pairs *p) {
    WL_AUTOFREE struct wl_oci_pair *sorted = NULL;

    if (p->n == 0)
        return;
    sorted = wl_memdup(p->v, p->n * sizeof(*p->v));
    qsort(sorted, p->n, sizeof(*sorted), compare_pairs);
    wl_jw_key(w, key);
    wl_jw_begin(w, '{');
    for (size_t i = 0; i < p->n; i++)
        wl_jw_kstr(w, sorted[i].key, sorted[i].value);
    wl_jw_end(w, '}');
}

static void write_str(struct wl_jw *w, const char *key, const char *s) {
    if (s)
        wl_jw_kstr(w, key, s);
}

static void write_strings(struct wl_jw *w, const char *key, const struct wl_oci_strings *s) {
    if (s->n == 0)
        return;
    wl_jw_key(w, key);
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < s->n; i++)
        wl_jw_str(w, s->v[i]);
    wl_jw_end(w, ']');
}

/* Docker's sets: an object whose members are empty objects. */
static void write_set(struct wl_jw *w, const char *key, const struct wl_oci_strings *s) {
    if (s->n == 0)
        return;
    wl_jw_key(w, key);
    wl_jw_begin(w, '{');
    for (size_t i = 0; i < s->n; i++) {
        wl_jw_key(w, s->v[i]);
        wl_jw_begin(w, '{');
        wl_jw_end(w, '}');
    }
    wl_jw_end(w, '}');
}

static void write_platform_members(struct wl_jw *w, const struct wl_oci_platform *p) {
    write_str(w, "architecture", p->architecture);
    write_str(w, "os", p->os);
    write_str(w, "os.version", p->os_version);
    write_strings(w, "os.features", &p->os_features);
    write_str(w, "variant", p->variant);
}

static void write_descriptor(struct wl_jw *w, const struct wl_oci_descriptor *d) {
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "mediaType", d->media_type);
    wl_jw_kstr(w, "digest", wl_digest_str(&d->digest).s);
    wl_jw_kint(w, "size", (int64_t)d->size);
    write_pairs(w, "annotations", &d->annotations);
    write_str(w, "artifactType", d->artifact_type);
    if (d->platform.os) {
        wl_jw_key(w, "platform");
        wl_jw_begin(w, '{');
        write_platform_members(w, &d->platform);
        wl_jw_end(w, '}');
    }
    wl_jw_end(w, '}');
}

static void write_descriptors(struct wl_jw *w, const char *key, const struct wl_oci_descriptors *l) {
    wl_jw_key(w, key);
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < l->n; i++)
        write_descriptor(w, &l->v[i]);
    wl_jw_end(w, ']');
}

void wl_oci_descriptor_write(const struct wl_oci_descriptor *d, struct wl_buf *out) {
    write_descriptor(&(struct wl_jw){.out = out}, d);
}

void wl_oci_manifest_write(const struct wl_oci_manifest *m, struct wl_buf *out) {
    struct wl_jw w = {.out = out};

    wl_jw_begin(&w, '{');
    wl_jw_kint(&w, "schemaVersion", 2);
    wl_jw_kstr(&w, "mediaType", m->media_type ? m->media_type : WL_MT_MANIFEST);
    write_str(&w, "artifactType", m->artifact_type);
    wl_jw_key(&w, "config");
    write_descriptor(&w, &m->config);
    write_descriptors(&w, "layers", &m->layers);
    if (m->has_subject) {
        wl_jw_key(&w, "subject");
        write_descriptor(&w, &m->subject);
    }
    write_pairs(&w, "annotations", &m->annotations);
    wl_jw_end(&w, '}');
}

void wl_oci_index_write(const struct wl_oci_index *x, struct wl_buf *out) {
    struct wl_jw w = {.out = out};

    wl_jw_begin(&w, '{');
    wl_jw_kint(&w, "schemaVersion", 2);
    wl_jw_kstr(&w, "mediaType", x->media_type ? x->media_type : WL_MT_INDEX);
    write_str(&w, "artifactType", x->artifact_type);
    write_descriptors(&w, "manifests", &x->manifests);
    if (x->has_subject) {
        wl_jw_key(&w, "subject");
        write_descriptor(&w, &x->subject);
    }
    write_pairs(&w, "annotations", &x->annotations);
    wl_jw_end(&w, '}');
}

static void write_history(struct wl_jw *w, const struct wl_oci_config *c) {
    if (c->n_history == 0)
        return;
    wl_jw_key(w, "history");
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < c->n_history; i++) {
        const struct wl_oci_history *h = &c->history[i];

        wl_jw_begin(w, '{');
        write_str(w, "created", h->created);
        write_str(w, "created_by", h->created_by);
        write_str(w, "author", h->author);
        write_str(w, "comment", h->comment);
        if (h->empty_layer)
            wl_jw_kbool(w, "empty_layer", true);
        wl_jw_end(w, '}');
    }
    wl_jw_end(w, ']');
}

void wl_oci_config_write(const struct wl_oci_config *c, struct wl_buf *out) {
    struct wl_jw w = {.out = out};

    wl_jw_begin(&w, '{');
    write_str(&w, "created", c->created);
    write_str(&w, "author", c->author);
    write_platform_members(&w, &c->platform);
    wl_jw_key(&w, "config");
    wl_jw_begin(&w, '{');
    write_str(&w, "User", c->user);
    write_set(&w, "ExposedPorts", &c->exposed_ports);
    write_strings(&w, "Env", &c->env);
    write_strings(&w, "Entrypoint", &c->entrypoint);
    write_strings(&w, "Cmd", &c->cmd);
    write_set(&w, "Volumes", &c->volumes);
    write_str(&w, "WorkingDir", c->working_dir);
    write_pairs(&w, "Labels", &c->labels);
    write_str(&w, "StopSignal", c->stop_signal);
    wl_jw_end(&w, '}');
    wl_jw_key(&w, "rootfs");
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "type", "layers");
    wl_jw_key(&w, "diff_ids");
    wl_jw_begin(&w, '[');
    for (size_t i = 0; i < c->n_diff_ids; i++)
        wl_jw_str(&w, wl_digest_str(&c->diff_ids[i]).s);
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
    write_history(&w, c);
    wl_jw_end(&w, '}');
}
