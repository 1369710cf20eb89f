#include "jsonspec.h"

#include <string.h>

#include "buf.h"

#define SHOWN 128 /* most bytes of a bad value that an error shows */

static void *at(const void *obj, const struct wl_spec_field *f) {
    return (char *)(uintptr_t)obj + f->offset;
}

/* --- Decoding --------------------------------------------------------------------------------------------------- */

struct decoder {
    struct wl_arena *arena;
    const struct wl_json_doc *doc;
    struct wl_err *err;
};

static int decode_object(struct decoder *d, const struct wl_spec *spec, const wl_json *value, const char *path,
                         void **ret);

static int wrong_type(struct decoder *d, const wl_json *value, const char *path, const char *wanted) {
    return wl_json_fail(d->doc, path, d->err, "wants %s, not %s", wanted, wl_json_kind_name(value));
}

/* A string as an error shows it: quoted, escaped, not too long. */
static char *quoted(const char *s) {
    struct wl_buf out = {0};
    struct wl_jw w = {.out = &out};
    WL_AUTOFREE char *cut = wl_strndup(s, SHOWN);

    wl_jw_str(&w, cut);
    return wl_buf_steal(&out);
}

static const char *const *field_names(struct wl_arena *a, const struct wl_spec *spec) {
    size_t n = 0;
    const char **names;

    while (spec->fields[n].name)
        n++;
    names = wl_arena_alloc(a, (n + 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = spec->fields[i].name;
    return names;
}

static int unknown_key(struct decoder *d, const struct wl_spec *spec, const char *key, const char *path) {
    WL_AUTO(wl_arena_release) struct wl_arena scratch = {0};
    const char *near = wl_nearest(key, field_names(&scratch, spec));

    if (near)
        return wl_json_fail(d->doc, path, d->err, "unknown key; did you mean \"%s\"?", near);
    return wl_json_fail(d->doc, path, d->err, "unknown key");
}

static int not_a_choice(struct decoder *d, const struct wl_spec_field *f, const char *s, const char *path) {
    WL_AUTO(wl_buf_release) struct wl_buf list = {0};
    WL_AUTOFREE char *value = quoted(s);
    const char *near = wl_nearest(s, f->choices);

    for (size_t i = 0; f->choices[i]; i++)
        wl_buf_addf(&list, "%s\"%s\"", i ? ", " : "", f->choices[i]);
    if (near)
        return wl_json_fail(d->doc, path, d->err, "%s is none of %s; did you mean \"%s\"?", value, list.p, near);
    return wl_json_fail(d->doc, path, d->err, "%s is none of %s", value, list.p);
}

static int check_format(struct decoder *d, const struct wl_spec_format *format, const char *s, const char *path) {
    WL_AUTOFREE char *value = NULL;

    if (!format || format->check(s))
        return 0;
    value = quoted(s);
    return wl_json_fail(d->doc, path, d->err, "%s is not %s", value, format->wanted);
}

static int check_string(struct decoder *d, const struct wl_spec_field *f, const char *s, const char *path) {
    if (strlen(s) > WL_SPEC_STRING)
        return wl_json_fail(d->doc, path, d->err, "longer than %d bytes", WL_SPEC_STRING);
    if (f->choices) {
        for (size_t i = 0; f->choices[i]; i++)
            if (strcmp(f->choices[i], s) == 0)
                return 0;
        return not_a_choice(d, f, s, path);
    }
    return check_format(d, f->format, s, path);
}

static int decode_string(struct decoder *d, const struct wl_spec_field *f, const wl_json *value, const char *path,
                         const char **ret) {
    const char *s = wl_json_str(value);

    if (!s)
        return wrong_type(d, value, path, "a string");
    if (check_string(d, f, s, path) < 0)
        return -1;
    *ret = wl_arena_strdup(d->arena, s);
    return 0;
}

/* Number of items of a list or members of a map. */
static int check_count(struct decoder *d, const struct wl_spec_field *f, size_t n, const char *path) {
    int64_t max = f->max ? f->max : WL_SPEC_ITEMS;

    if ((int64_t)n < f->min)
        return wl_json_fail(d->doc, path, d->err, "wants at least %lld item%s", (long long)f->min,
                            f->min == 1 ? "" : "s");
    if ((int64_t)n > max)
        return wl_json_fail(d->doc, path, d->err, "more than %lld items", (long long)max);
    return 0;
}

static int decode_strv(struct decoder *d, const struct wl_spec_field *f, const wl_json *value, const char *path,
                       struct wl_list *ret) {
    size_t n = wl_json_len(value);

    if (wl_json_kind(value) != WL_JSON_ARRAY)
        return wrong_type(d, value, path, "a list of strings");
    if (check_count(d, f, n, path) < 0)
        return -1;
    ret->v = wl_arena_alloc(d->arena, (n + 1) * sizeof(*ret->v));
    ret->n = n;
    for (size_t i = 0; i < n; i++) {
        WL_AUTOFREE char *item = wl_json_path_index(path, i);

        if (decode_string(d, f, wl_json_at(value, i), item, &ret->v[i]) < 0)
            return -1;
    }
    return 0;
}

static int decode_list(struct decoder *d, const struct wl_spec_field *f, const wl_json *value, const char *path,
                       struct wl_olist *ret) {
    size_t n = wl_json_len(value);

    if (wl_json_kind(value) != WL_JSON_ARRAY)
        return wrong_type(d, value, path, "a list of objects");
    if (check_count(d, f, n, path) < 0)
        return -1;
    ret->v = wl_arena_alloc(d->arena, (n + 1) * sizeof(*ret->v));
    ret->n = n;
    for (size_t i = 0; i < n; i++) {
        WL_AUTOFREE char *item = wl_json_path_index(path, i);
        WL_AUTOFREE char *missing = NULL;

        if (decode_object(d, f->spec, wl_json_at(value, i), item, &ret->v[i]) < 0)
            return -1;
        missing = wl_spec_required(f->spec, ret->v[i], item);
        if (missing)
            return wl_json_fail(d->doc, missing, d->err, "missing");
    }
    return 0;
}

/* True when the member was a note; *ret_bad is then the result of its check. */
static bool is_note(struct decoder *d, const char *key, const wl_json *value, const char *path, int *ret_bad) {
    if (strcmp(key, "note") != 0)
        return false;
    *ret_bad = wl_json_str(value) ? 0 : wrong_type(d, value, path, "a string");
    return true;
}

/* STRMAP and OBJMAP: exactly one of smap, omap is not NULL. */
static int decode_map(struct decoder *d, const struct wl_spec_field *f, const wl_json *value, const char *path,
                      struct wl_smap *smap, struct wl_omap *omap) {
    size_t room, n = 0;
    const char *key;
    const wl_json *v;

    if (wl_json_kind(value) != WL_JSON_OBJECT)
        return wrong_type(d, value, path, "an object");
    room = wl_json_len(value) + 1;
    if (smap)
        smap->v = wl_arena_alloc(d->arena, room * sizeof(*smap->v));
    else
        omap->keys = wl_arena_alloc(d->arena, room * sizeof(*omap->keys));
    if (omap)
        omap->v = wl_arena_alloc(d->arena, room * sizeof(*omap->v));
    for (void *it = NULL; wl_json_next(value, &it, &key, &v);) {
        WL_AUTOFREE char *item = wl_json_path_key(path, key);
        int bad = 0;

        if (is_note(d, key, v, item, &bad)) {
            if (bad < 0)
                return -1;
            continue;
        }
        if (check_format(d, f->keys, key, item) < 0)
            return -1;
        if (smap) {
            smap->v[n].key = wl_arena_strdup(d->arena, key);
            if (decode_string(d, f, v, item, &smap->v[n].value) < 0)
                return -1;
        } else {
            omap->keys[n] = wl_arena_strdup(d->arena, key);
            if (decode_object(d, f->spec, v, item, &omap->v[n]) < 0)
                return -1;
        }
        n++;
    }
    *(smap ? &smap->n : &omap->n) = n;
    return check_count(d, f, n, path);
}

static int decode_int(struct decoder *d, const struct wl_spec_field *f, const wl_json *value, const char *path,
                      struct wl_oint *ret) {
    if (wl_json_kind(value) != WL_JSON_INT)
        return wrong_type(d, value, path, "an integer");
    ret->v = wl_json_int(value);
    if (ret->v < f->min || ret->v > f->max)
        return wl_json_fail(d->doc, path, d->err, "%lld is not between %lld and %lld", (long long)ret->v,
                            (long long)f->min, (long long)f->max);
    ret->set = true;
    return 0;
}

static int decode_bool(struct decoder *d, const wl_json *value, const char *path, struct wl_obool *ret) {
    enum wl_json_kind kind = wl_json_kind(value);

    if (kind != WL_JSON_TRUE && kind != WL_JSON_FALSE)
        return wrong_type(d, value, path, "true or false");
    ret->set = true;
    ret->v = kind == WL_JSON_TRUE;
    return 0;
}

static int decode_field(struct decoder *d, const struct wl_spec_field *f, const wl_json *value, const char *path,
                        void *obj) {
    void *p = at(obj, f);

    switch (f->type) {
    case WL_SPEC_STR:
        return decode_string(d, f, value, path, p);
    case WL_SPEC_INT:
        return decode_int(d, f, value, path, p);
    case WL_SPEC_BOOL:
        return decode_bool(d, value, path, p);
    case WL_SPEC_STRV:
        return decode_strv(d, f, value, path, p);
    case WL_SPEC_OBJ:
        return decode_object(d, f->spec, value, path, p);
    case WL_SPEC_STRMAP:
        return decode_map(d, f, value, path, p, NULL);
    case WL_SPEC_OBJMAP:
        return decode_map(d, f, value, path, NULL, p);
    case WL_SPEC_OBJLIST:
        return decode_list(d, f, value, path, p);
    }
    return -1;
}

static const struct wl_spec_field *find_field(const struct wl_spec *spec, const char *key) {
    for (const struct wl_spec_field *f = spec->fields; f->name; f++)
        if (strcmp(f->name, key) == 0)
            return f;
    return NULL;
}

/* The nesting of tables bounds the recursion. */
static int decode_object(struct decoder *d, const struct wl_spec *spec, const wl_json *value, const char *path,
                         void **ret) {
    void *obj = wl_arena_alloc(d->arena, spec->size);
    const char *key;
    const wl_json *v;

    if (wl_json_kind(value) != WL_JSON_OBJECT)
        return wrong_type(d, value, path, "an object");
    for (void *it = NULL; wl_json_next(value, &it, &key, &v);) {
        WL_AUTOFREE char *member = wl_json_path_key(path, key);
        const struct wl_spec_field *f = find_field(spec, key);
        int bad = 0;

        if (is_note(d, key, v, member, &bad)) {
            if (bad < 0)
                return -1;
        } else if (!f) {
            return unknown_key(d, spec, key, member);
        } else if (decode_field(d, f, v, member, obj) < 0) {
            return -1;
        }
    }
    *ret = obj;
    return 0;
}

int wl_spec_decode(struct wl_arena *a, const struct wl_spec *spec, const struct wl_json_doc *doc, const wl_json *value,
                   const char *path, void **ret, struct wl_err *err) {
    struct decoder d = {a, doc, err};

    return decode_object(&d, spec, value, path, ret);
}
