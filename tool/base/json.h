/* JSON (RFC 8259): strict reading with positions and paths, and writing. The only user of jansson.
 *
 * Reading: duplicate keys, trailing bytes, invalid UTF-8, NUL in strings and nesting beyond WL_JSON_DEPTH are
 * errors. Values stay owned by the document. Object members keep the order of the text. */
#ifndef WL_BASE_JSON_H
#define WL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define WL_JSON_DEPTH 64

struct wl_json_doc;             /* owns text and values */
typedef struct wl_json wl_json; /* an opaque value inside a document */

enum wl_json_kind {
    WL_JSON_OBJECT,
    WL_JSON_ARRAY,
    WL_JSON_STRING,
    WL_JSON_INT,
    WL_JSON_REAL,
    WL_JSON_TRUE,
    WL_JSON_FALSE,
    WL_JSON_NULL
};

/* Parses text (copied). `name` is what errors call it ("recipes/x/recipe.json", "manifest of ..."); `code` is the code of its
 * errors (WL_RECIPE for recipes, WL_NET for a registry's answer). Syntax errors read "name:line:column: text". */
int wl_json_parse(struct wl_json_doc **ret, const char *name, const char *text, size_t len, enum wl_code code,
                  struct wl_err *err);
void wl_json_free(struct wl_json_doc *doc);
void wl_json_freep(struct wl_json_doc **doc);
const wl_json *wl_json_root(const struct wl_json_doc *doc);

/* Sets err to "name:line:column: PATH: message" with the document's code; path as "$", "$.source.urls[2]". Keys that are no
 * plain identifiers are written $["a b"]. Returns -1. */
int wl_json_fail(const struct wl_json_doc *doc, const char *path, struct wl_err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* parent + ".key" or parent + "[i]"; new strings. */
char *wl_json_path_key(const char *parent, const char *key);
char *wl_json_path_index(const char *parent, size_t i);

/* The value at a path as above ("$.source.urls[2]"); NULL when there is none. */
const wl_json *wl_json_lookup(const struct wl_json_doc *doc, const char *path);

enum wl_json_kind wl_json_kind(const wl_json *v);
const char *wl_json_kind_name(
    const wl_json *v); /* "object", "array", "string", "integer", "number", "boolean", "null" */

/* Accessors; a wrong kind gives NULL, 0 or false. */
const wl_json *wl_json_get(const wl_json *object, const char *key); /* NULL when absent */
const char *wl_json_str(const wl_json *v);                          /* NULL when no string */
const char *wl_json_get_str(const wl_json *object, const char *key);
bool wl_json_get_int(const wl_json *object, const char *key, int64_t *ret); /* false when absent or no integer */
int64_t wl_json_int(const wl_json *v);
size_t wl_json_len(const wl_json *v); /* members or items */
const wl_json *wl_json_at(const wl_json *array, size_t i);

/* for (void *it = NULL; wl_json_next(obj, &it, &key, &val);) */
bool wl_json_next(const wl_json *object, void **it, const char **ret_key, const wl_json **ret_value);

/* Appends the value as text: compact, members in document order (or sorted by key). */
void wl_json_print(const wl_json *v, bool sorted, struct wl_buf *out);

/* --- Writing -------------------------------------------------------------------------------------------------
 * A writer that appends to a buffer; the caller keeps the order, commas and quoting are its work. indent 0 gives the compact
 * form (no white space at all, no trailing newline). Usage errors (a key outside an object) abort. */
struct wl_jw {
    struct wl_buf *out;
    int indent; /* spaces per level */
    int depth;
    bool first;     /* nothing written at this level yet */
    bool after_key; /* a value must follow on the same line */
};

void wl_jw_begin(struct wl_jw *w, char open); /* '{' or '[' */
void wl_jw_end(struct wl_jw *w, char close);  /* '}' or ']' */
void wl_jw_key(struct wl_jw *w, const char *key);
void wl_jw_str(struct wl_jw *w, const char *s); /* bytes that are no UTF-8 become "?" */
void wl_jw_int(struct wl_jw *w, int64_t v);
void wl_jw_bool(struct wl_jw *w, bool v);
void wl_jw_raw(struct wl_jw *w, const char *json); /* an already written value */
/* key and value together */
void wl_jw_kstr(struct wl_jw *w, const char *key, const char *s);
void wl_jw_kint(struct wl_jw *w, const char *key, int64_t v);
void wl_jw_kbool(struct wl_jw *w, const char *key, bool v);

#endif
