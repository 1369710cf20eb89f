/* Strict decoding of JSON objects by table: one table of fields gives the decoder, the merge of two decoded objects,
 * a walk over their strings, and a JSON Schema, so that these cannot disagree.
 *
 * Any object may hold "note", a string that is checked and dropped (JSON has no comments). Everything else that no
 * field names is an error, as are wrong types, values outside a range, a set of choices or a format. Errors point at
 * the key: "file:line:column: $.path: message". Decoded values live in an arena. */
#ifndef WL_BASE_JSONSPEC_H
#define WL_BASE_JSONSPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "json.h"
#include "mem.h"

/* Decoded values. All zero: absent. */

/* A list of strings. v ends with NULL (an argv as it stands) and is NULL when the list is absent. */
struct wl_list {
    const char **v;
    size_t n;
};

struct wl_smap_entry {
    const char *key;
    const char *value;
};

/* An object whose members are all strings, in the order of the text (a merged one: the base's first). */
struct wl_smap {
    struct wl_smap_entry *v;
    size_t n;
};

/* An object whose members are all objects of one table: keys[i] names v[i]. */
struct wl_omap {
    const char **keys;
    void **v;
    size_t n;
};

/* A list of objects of one table. */
struct wl_olist {
    void **v;
    size_t n;
};

struct wl_oint {
    bool set;
    int64_t v;
};

struct wl_obool {
    bool set;
    bool v;
};

enum wl_spec_type {
    WL_SPEC_STR,     /* const char * */
    WL_SPEC_INT,     /* struct wl_oint */
    WL_SPEC_BOOL,    /* struct wl_obool */
    WL_SPEC_STRV,    /* struct wl_list */
    WL_SPEC_OBJ,     /* struct X *, NULL when absent */
    WL_SPEC_STRMAP,  /* struct wl_smap */
    WL_SPEC_OBJMAP,  /* struct wl_omap */
    WL_SPEC_OBJLIST, /* struct wl_olist */
};

/* A format of strings: what the decoder calls and what the schema says must mean the same (tests hold them
 * together). */
struct wl_spec_format {
    const char *pattern;          /* regular expression (ECMA-262 and Python), anchored by ^ and $; for the schema */
    bool (*check)(const char *s); /* for the decoder */
    const char *wanted;           /* "64 lower-case hex digits": the error's text */
};

struct wl_spec;

struct wl_spec_field {
    const char *name;
    enum wl_spec_type type;
    size_t offset;    /* in the decoded struct */
    const char *doc;  /* one sentence; description in the schema */
    bool required;    /* in the finished (merged) object; in items of an OBJLIST at once */
    int64_t min, max; /* INT: range; STRV, OBJLIST: number of items, maps: most items (max 0: WL_SPEC_ITEMS) */
    const char *const *choices;          /* STR and items of STRV: one of these; ends with NULL */
    const struct wl_spec_format *format; /* STR, items of STRV, values of STRMAP; or NULL */
    const struct wl_spec_format *keys;   /* keys of STRMAP and OBJMAP; or NULL */
    const struct wl_spec *spec;          /* OBJ, OBJMAP, OBJLIST */
    unsigned tag;                        /* the caller's, for the walk */
};

struct wl_spec {
    const char *title;                  /* name in the schema's $defs */
    size_t size;                        /* of the decoded struct */
    const struct wl_spec_field *fields; /* ends with a zeroed entry */
    const char *all_of;                 /* further conditions of the schema: the text of its "allOf" array; or NULL */
    bool partial;                       /* objects of this table are laid over others: nothing is required of them */
};

#define WL_SPEC_ITEMS 4096   /* most items of a list or a map that has no limit of its own */
#define WL_SPEC_STRING 65536 /* most bytes of one string */

/* Decodes `value` (at `path` of doc) into a new struct of the table in the arena. Required fields are checked only
 * inside lists: the rest may come from a merge, see wl_spec_required. */
int wl_spec_decode(struct wl_arena *a, const struct wl_spec *spec, const struct wl_json_doc *doc, const wl_json *value,
                   const char *path, void **ret, struct wl_err *err);

/* A new object: base with what `over` sets laid over it. Objects and maps merge by key, scalars and lists replace.
 * Either may be NULL. Parts are shared with the inputs unless both had them; treat those as constant afterwards. */
void *wl_spec_merge(struct wl_arena *a, const struct wl_spec *spec, const void *base, const void *over);

/* The path of the first required field that is absent (a new string), or NULL when none is. */
char *wl_spec_required(const struct wl_spec *spec, const void *obj, const char *path);

/* Calls fn for every string that is set (scalars, items, map values; not map keys) with its field and path; fn may
 * replace it. Stops at and returns the first result other than 0. */
typedef int wl_spec_visit_fn(void *arg, const struct wl_spec_field *field, const char *path, const char **s,
                             struct wl_err *err);
int wl_spec_visit(const struct wl_spec *spec, void *obj, const char *path, wl_spec_visit_fn *fn, void *arg,
                  struct wl_err *err);

/* Writes the object as JSON: members in the table's order, absent ones left out. */
void wl_spec_print(const struct wl_spec *spec, const void *obj, struct wl_jw *w);
/* One field's value (it must be set), and whether it is set. */
void wl_spec_print_field(const struct wl_spec_field *f, const void *obj, struct wl_jw *w);
bool wl_spec_present(const struct wl_spec_field *f, const void *obj);

/* Writes a JSON Schema (draft 2020-12) for the table; title and id as given. Ends with a newline. */
void wl_spec_schema(const struct wl_spec *spec, const char *id, const char *title, struct wl_buf *out);

/* Writes the tables as Markdown for people: a heading and a table of keys for each. */
void wl_spec_reference(const struct wl_spec *spec, struct wl_buf *out);

/* The nearest of `names` (ends with NULL) to `s`, by edit distance or as a longer or shorter form, when it is near enough
 * to be meant, else NULL. */
const char *wl_nearest(const char *s, const char *const *names);

/* Look-ups; NULL when absent. */
const char *wl_smap_get(const struct wl_smap *m, const char *key);
void *wl_omap_get(const struct wl_omap *m, const char *key);

#endif
