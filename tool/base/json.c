#include "json.h"

#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct wl_json_doc {
    char *name;
    char *text;
    size_t len;
    json_t *root;
    enum wl_code code;
};

static const json_t *cj(const wl_json *v) {
    return (const json_t *)v;
}

static const wl_json *cw(const json_t *v) {
    return (const wl_json *)v;
}

/* --- Positions: where in the (valid) text the value of a path stands ----------------------------------------- */

struct scan {
    const char *p;
    const char *end;
};

static void skip_space(struct scan *s) {
    while (s->p < s->end && strchr(" \t\r\n", *s->p) && *s->p)
        s->p++;
}

static void skip_string(struct scan *s) {
    for (s->p++; s->p < s->end && *s->p != '"'; s->p++)
        if (*s->p == '\\')
            s->p++;
    if (s->p < s->end)
        s->p++;
}

/* Skips one value; nesting needs no stack, only a count. */
static void skip_value(struct scan *s) {
    int depth = 0;

    do {
        skip_space(s);
        if (s->p >= s->end)
            return;
        if (*s->p == '"') {
            skip_string(s);
        } else if (*s->p == '{' || *s->p == '[') {
            depth++;
            s->p++;
        } else if (*s->p == '}' || *s->p == ']') {
            depth--;
            s->p++;
        } else if (*s->p == ',' || *s->p == ':') {
            s->p++;
        } else {
            do
                s->p++;
            while (s->p < s->end && !strchr(",:]} \t\r\n", *s->p));
        }
    } while (depth > 0);
}

/* Does the string at s spell key? Escapes are decoded by jansson. */
static bool string_is(const struct scan *s, const char *key) {
    struct scan e = *s;
    json_t *v;
    bool same;

    skip_string(&e);
    v = json_loadb(s->p, (size_t)(e.p - s->p), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    same = v && strcmp(json_string_value(v), key) == 0;
    json_decref(v);
    return same;
}

static bool enter_key(struct scan *s, const char *key) {
    skip_space(s);
    if (s->p >= s->end || *s->p != '{')
        return false;
    s->p++;
    for (;;) {
        const char *start;

        skip_space(s);
        if (s->p >= s->end || *s->p != '"')
            return false;
        if (string_is(s, key))
            return true; /* errors point at the key */
        skip_string(s);
        start = s->p;
        skip_space(s);
        s->p++; /* ':' */
        skip_value(s);
        skip_space(s);
        if (s->p >= s->end || *s->p != ',' || s->p == start)
            return false;
        s->p++;
    }
}

static void key_to_value(struct scan *s) {
    skip_string(s);
    skip_space(s);
    if (s->p < s->end)
        s->p++;
    skip_space(s);
}

static bool enter_index(struct scan *s, size_t index) {
    skip_space(s);
    if (s->p >= s->end || *s->p != '[')
        return false;
    s->p++;
    for (size_t i = 0; i < index; i++) {
        skip_value(s);
        skip_space(s);
        if (s->p >= s->end || *s->p != ',')
            return false;
        s->p++;
    }
    skip_space(s);
    return true;
}

/* Splits the next part off a path ".key", "[12]" or ["quoted"]. Returns the rest, NULL at a malformed path. */
static const char *next_part(const char *path, char **ret_key, size_t *ret_index) {
    *ret_key = NULL;
    if (*path == '.') {
        size_t n = strcspn(path + 1, ".[");

        *ret_key = wl_strndup(path + 1, n);
        return path + 1 + n;
    }
    if (path[0] == '[' && path[1] == '"') {
        struct scan s = {path + 1, path + strlen(path)};
        json_t *v;

        skip_string(&s);
        v = json_loadb(path + 1, (size_t)(s.p - path - 1), JSON_DECODE_ANY, NULL);
        if (!v)
            return NULL;
        *ret_key = wl_strdup(json_string_value(v));
        json_decref(v);
        return *s.p == ']' ? s.p + 1 : s.p;
    }
    if (path[0] == '[') {
        char *end;

        *ret_index = strtoull(path + 1, &end, 10);
        return *end == ']' ? end + 1 : NULL;
    }
    return NULL;
}

static const char *locate(const struct wl_json_doc *doc, const char *path) {
    struct scan s = {doc->text, doc->text + doc->len};
    bool at_key = false;

    skip_space(&s);
    path++; /* "$" */
    while (path && *path) {
        struct scan before = s;
        WL_AUTOFREE char *key = NULL;
        size_t index = 0;
        bool ok;

        path = next_part(path, &key, &index);
        if (!path)
            break;
        if (at_key)
            key_to_value(&s);
        ok = key ? enter_key(&s, key) : enter_index(&s, index);
        if (!ok) { /* absent: point at what should hold it */
            s = before;
            break;
        }
        at_key = key != NULL;
    }
    return s.p;
}

int wl_json_fail(const struct wl_json_doc *doc, const char *path, struct wl_err *err, const char *fmt, ...) {
    const char *at = locate(doc, path);
    WL_AUTOFREE char *text = NULL;
    const char *line_start = doc->text;
    size_t line = 1;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    for (const char *p = doc->text; p < at; p++) {
        if (*p == '\n') {
            line++;
            line_start = p + 1;
        }
    }
    return wl_fail(err, doc->code, "%s:%zu:%zu: %s: %s", doc->name, line, (size_t)(at - line_start) + 1, path,
                   text ? text : fmt);
}

const wl_json *wl_json_lookup(const struct wl_json_doc *doc, const char *path) {
    const json_t *v = doc->root;

    path++; /* "$" */
    while (path && *path && v) {
        WL_AUTOFREE char *key = NULL;
        size_t index = 0;

        path = next_part(path, &key, &index);
        if (!path)
            return NULL;
        v = key ? json_object_get(v, key) : json_array_get(v, index);
    }
    return cw(v);
}

static bool plain_key(const char *key) {
    if (!*key)
        return false;
    for (; *key; key++)
        if (!isalnum((unsigned char)*key) && *key != '_' && *key != '-')
            return false;
    return true;
}

char *wl_json_path_key(const char *parent, const char *key) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_jw w = {.out = &b};

    if (plain_key(key))
        return wl_sprintf("%s.%s", parent, key);
    wl_jw_str(&w, key);
    return wl_sprintf("%s[%s]", parent, b.p);
}

char *wl_json_path_index(const char *parent, size_t i) {
    return wl_sprintf("%s[%zu]", parent, i);
}

/* --- Reading --------------------------------------------------------------------------------------------------- */

static bool too_deep(const char *text, size_t len) {
    int depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > WL_JSON_DEPTH)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

int wl_json_parse(struct wl_json_doc **ret, const char *name, const char *text, size_t len, enum wl_code code,
                  struct wl_err *err) {
    json_error_t e;
    json_t *root;
    struct wl_json_doc *doc;

    /* jansson takes a NUL byte behind a number for white space. */
    if (len && memchr(text, '\0', len))
        return wl_fail(err, code, "%s: a NUL byte", name);
    if (too_deep(text, len))
        return wl_fail(err, code, "%s: nested more than %d levels deep", name, WL_JSON_DEPTH);
    root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!root && strstr(e.text, "JSON_ALLOW_NUL"))
        return wl_fail(err, code, "%s:%d:%d: a NUL character in a string", name, e.line, e.column);
    if (!root)
        return wl_fail(err, code, "%s:%d:%d: %s", name, e.line < 1 ? 1 : e.line, e.column < 1 ? 1 : e.column, e.text);
    doc = wl_calloc(1, sizeof(*doc));
    doc->name = wl_strdup(name);
    doc->text = wl_malloc(len + 1);
    memcpy(doc->text, text, len);
    doc->text[len] = '\0';
    doc->len = len;
    doc->root = root;
    doc->code = code;
    *ret = doc;
    return 0;
}

void wl_json_free(struct wl_json_doc *doc) {
    if (!doc)
        return;
    json_decref(doc->root);
    free(doc->name);
    free(doc->text);
    free(doc);
}

void wl_json_freep(struct wl_json_doc **doc) {
    wl_json_free(*doc);
}

const wl_json *wl_json_root(const struct wl_json_doc *doc) {
    return cw(doc->root);
}

enum wl_json_kind wl_json_kind(const wl_json *v) {
    switch (json_typeof(cj(v))) {
    case JSON_OBJECT:
        return WL_JSON_OBJECT;
    case JSON_ARRAY:
        return WL_JSON_ARRAY;
    case JSON_STRING:
        return WL_JSON_STRING;
    case JSON_INTEGER:
        return WL_JSON_INT;
    case JSON_REAL:
        return WL_JSON_REAL;
    case JSON_TRUE:
        return WL_JSON_TRUE;
    case JSON_FALSE:
        return WL_JSON_FALSE;
    default:
        return WL_JSON_NULL;
    }
}

const char *wl_json_kind_name(const wl_json *v) {
    static const char *const names[] = {"object", "array", "string", "integer", "number", "boolean", "boolean", "null"};

    return names[wl_json_kind(v)];
}

const wl_json *wl_json_get(const wl_json *object, const char *key) {
    return object ? cw(json_object_get(cj(object), key)) : NULL;
}

const char *wl_json_str(const wl_json *v) {
    return v ? json_string_value(cj(v)) : NULL;
}

const char *wl_json_get_str(const wl_json *object, const char *key) {
    return wl_json_str(wl_json_get(object, key));
}

bool wl_json_get_int(const wl_json *object, const char *key, int64_t *ret) {
    const wl_json *v = wl_json_get(object, key);

    if (!v || !json_is_integer(cj(v)))
        return false;
    *ret = json_integer_value(cj(v));
    return true;
}

int64_t wl_json_int(const wl_json *v) {
    return v ? json_integer_value(cj(v)) : 0;
}

size_t wl_json_len(const wl_json *v) {
    if (!v)
        return 0;
    return json_is_object(cj(v)) ? json_object_size(cj(v)) : json_array_size(cj(v));
}

const wl_json *wl_json_at(const wl_json *array, size_t i) {
    return array ? cw(json_array_get(cj(array), i)) : NULL;
}

bool wl_json_next(const wl_json *object, void **it, const char **ret_key, const wl_json **ret_value) {
    /* jansson's iterators take a non-const object but do not change it. */
    json_t *o = json_is_object(cj(object)) ? (json_t *)(uintptr_t)object : NULL;

    *it = *it ? json_object_iter_next(o, *it) : json_object_iter(o);
    if (!*it)
        return false;
    *ret_key = json_object_iter_key(*it);
    *ret_value = cw(json_object_iter_value(*it));
    return true;
}

static int add_chunk(const char *p, size_t n, void *arg) {
    wl_buf_add(arg, p, n);
    return 0;
}

void wl_json_print(const wl_json *v, bool sorted, struct wl_buf *out) {
    json_dump_callback(cj(v), add_chunk, out, JSON_COMPACT | JSON_ENCODE_ANY | (sorted ? JSON_SORT_KEYS : 0));
}

/* --- Writing --------------------------------------------------------------------------------------------------- */

static void new_line(struct wl_jw *w) {
    if (!w->indent)
        return;
    wl_buf_addc(w->out, '\n');
    for (int i = 0; i < w->depth * w->indent; i++)
        wl_buf_addc(w->out, ' ');
}

static void before_value(struct wl_jw *w) {
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    if (!w->first)
        wl_buf_addc(w->out, ',');
    w->first = false;
    new_line(w);
}

void wl_jw_begin(struct wl_jw *w, char open) {
    before_value(w);
    wl_buf_addc(w->out, open);
    w->depth++;
    w->first = true;
}

void wl_jw_end(struct wl_jw *w, char close) {
    if (w->depth == 0 || w->after_key)
        abort();
    w->depth--;
    if (!w->first)
        new_line(w);
    wl_buf_addc(w->out, close);
    w->first = false;
}

static void add_string(struct wl_buf *out, const char *s) {
    json_t *v = json_string(s);

    if (!v) { /* invalid UTF-8 */
        WL_AUTOFREE char *copy = wl_strdup(s);

        for (unsigned char *p = (unsigned char *)copy; *p; p++)
            if (*p >= 0x80)
                *p = '?';
        v = json_string(copy);
    }
    json_dump_callback(v, add_chunk, out, JSON_ENCODE_ANY);
    json_decref(v);
}

void wl_jw_key(struct wl_jw *w, const char *key) {
    if (w->depth == 0 || w->after_key)
        abort();
    before_value(w);
    add_string(w->out, key);
    wl_buf_adds(w->out, w->indent ? ": " : ":");
    w->after_key = true;
}

void wl_jw_str(struct wl_jw *w, const char *s) {
    before_value(w);
    add_string(w->out, s);
}

void wl_jw_int(struct wl_jw *w, int64_t v) {
    before_value(w);
    wl_buf_addf(w->out, "%lld", (long long)v);
}

void wl_jw_bool(struct wl_jw *w, bool v) {
    before_value(w);
    wl_buf_adds(w->out, v ? "true" : "false");
}

void wl_jw_raw(struct wl_jw *w, const char *json) {
    before_value(w);
    wl_buf_adds(w->out, json);
}

void wl_jw_kstr(struct wl_jw *w, const char *key, const char *s) {
    wl_jw_key(w, key);
    wl_jw_str(w, s);
}

void wl_jw_kint(struct wl_jw *w, const char *key, int64_t v) {
    wl_jw_key(w, key);
    wl_jw_int(w, v);
}

void wl_jw_kbool(struct wl_jw *w, const char *key, bool v) {
    wl_jw_key(w, key);
    wl_jw_bool(w, v);
}
