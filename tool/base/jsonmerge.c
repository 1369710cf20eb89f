/* jsonspec.h, the part that works on decoded objects. */
#include "jsonspec.h"

#include <string.h>

#include "buf.h"

static void *at(const void *obj, const struct wl_spec_field *f) {
    return (char *)(uintptr_t)obj + f->offset;
}

/* --- Nearest name ----------------------------------------------------------------------------------------------- */

#define NEAREST_MAX 64 /* names longer than this are not compared */

static size_t min3(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb) {
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= nb; j++)
        last[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *swap = before;

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        before = last;
        last = row;
        row = swap;
    }
    return last[nb];
}

/* "stdout_lines" for "stdout", "optimi" for "optimize". */
static bool begins(const char *s, size_t ns, const char *name, size_t n) {
    size_t shorter = ns < n ? ns : n;

    return shorter >= 4 && strncmp(s, name, shorter) == 0;
}

const char *wl_nearest(const char *s, const char *const *names) {
    size_t len = strlen(s);
    size_t best = len > 1 ? len / 3 + 1 + (len == 2) : 0; /* must be less than this */
    const char *found = NULL;

    if (len > NEAREST_MAX)
        return NULL;
    for (; names && *names; names++) {
        size_t n = strlen(*names);
        size_t d;

        if (n > NEAREST_MAX)
            continue;
        d = distance(s, len, *names, n);
        if (!found && begins(s, len, *names, n))
            found = *names;
        if (d < best) {
            best = d;
            found = *names;
        }
    }
    return found;
}

/* --- Merging ---------------------------------------------------------------------------------------------------- */

static void merge_smap(struct wl_arena *a, struct wl_smap *to, const struct wl_smap *base, const struct wl_smap *over) {
    to->v = wl_arena_alloc(a, (base->n + over->n + 1) * sizeof(*to->v));
    memcpy(to->v, base->v, base->n * sizeof(*to->v));
    to->n = base->n;
    for (size_t i = 0; i < over->n; i++) {
        size_t k = 0;

        while (k < to->n && strcmp(to->v[k].key, over->v[i].key) != 0)
            k++;
        to->v[k] = over->v[i];
        to->n += k == to->n;
    }
}

static void merge_omap(struct wl_arena *a, const struct wl_spec *spec, struct wl_omap *to, const struct wl_omap *base,
                       const struct wl_omap *over) {
    to->keys = wl_arena_alloc(a, (base->n + over->n + 1) * sizeof(*to->keys));
    to->v = wl_arena_alloc(a, (base->n + over->n + 1) * sizeof(*to->v));
    memcpy(to->keys, base->keys, base->n * sizeof(*to->keys));
    memcpy(to->v, base->v, base->n * sizeof(*to->v));
    to->n = base->n;
    for (size_t i = 0; i < over->n; i++) {
        size_t k = 0;

        while (k < to->n && strcmp(to->keys[k], over->keys[i]) != 0)
            k++;
        to->keys[k] = over->keys[i];
        to->v[k] = k < to->n ? wl_spec_merge(a, spec, to->v[k], over->v[i]) : over->v[i];
        to->n += k == to->n;
    }
}

static size_t field_size(enum wl_spec_type type) {
    switch (type) {
    case WL_SPEC_STR:
        return sizeof(const char *);
    case WL_SPEC_INT:
        return sizeof(struct wl_oint);
    case WL_SPEC_BOOL:
        return sizeof(struct wl_obool);
    case WL_SPEC_STRV:
        return sizeof(struct wl_list);
    case WL_SPEC_OBJ:
        return sizeof(void *);
    case WL_SPEC_STRMAP:
        return sizeof(struct wl_smap);
    case WL_SPEC_OBJMAP:
        return sizeof(struct wl_omap);
    case WL_SPEC_OBJLIST:
        return sizeof(struct wl_olist);
    }
    return 0;
}

/* Is the field set? */
static bool present(const void *obj, const struct wl_spec_field *f) {
    void *first;

    if (f->type == WL_SPEC_INT)
        return ((const struct wl_oint *)at(obj, f))->set;
    if (f->type == WL_SPEC_BOOL)
        return ((const struct wl_obool *)at(obj, f))->set;
    memcpy(&first, at(obj, f), sizeof(first)); /* all others begin with a pointer */
    return first != NULL;
}

void *wl_spec_merge(struct wl_arena *a, const struct wl_spec *spec, const void *base, const void *over) {
    char *to = wl_arena_alloc(a, spec->size);

    for (const struct wl_spec_field *f = spec->fields; f->name; f++) {
        bool in_base = base && present(base, f);
        bool in_over = over && present(over, f);

        if (in_base && in_over && f->type == WL_SPEC_OBJ)
            *(void **)at(to, f) = wl_spec_merge(a, f->spec, *(void **)at(base, f), *(void **)at(over, f));
        else if (in_base && in_over && f->type == WL_SPEC_STRMAP)
            merge_smap(a, at(to, f), at(base, f), at(over, f));
        else if (in_base && in_over && f->type == WL_SPEC_OBJMAP)
            merge_omap(a, f->spec, at(to, f), at(base, f), at(over, f));
        else if (in_base || in_over)
            memcpy(at(to, f), at(in_over ? over : base, f), field_size(f->type));
    }
    return to;
}

/* --- Looking at decoded objects --------------------------------------------------------------------------------- */

static char *required_in_map(const struct wl_spec_field *f, const struct wl_omap *m, const char *path) {
    char *missing = NULL;

    for (size_t i = 0; i < m->n && !missing; i++) {
        WL_AUTOFREE char *item = wl_json_path_key(path, m->keys[i]);

        missing = wl_spec_required(f->spec, m->v[i], item);
    }
    return missing;
}

char *wl_spec_required(const struct wl_spec *spec, const void *obj, const char *path) {
    if (spec->partial)
        return NULL;
    for (const struct wl_spec_field *f = spec->fields; f->name; f++) {
        WL_AUTOFREE char *member = wl_json_path_key(path, f->name);
        char *missing = NULL;

        if (!present(obj, f)) {
            if (f->required)
                return WL_STEAL(member);
            continue;
        }
        if (f->type == WL_SPEC_OBJ)
            missing = wl_spec_required(f->spec, *(void **)at(obj, f), member);
        else if (f->type == WL_SPEC_OBJMAP)
            missing = required_in_map(f, at(obj, f), member);
        if (missing)
            return missing;
    }
    return NULL;
}

struct visitor {
    wl_spec_visit_fn *fn;
    void *arg;
    struct wl_err *err;
};

static int visit_items(const struct visitor *v, const struct wl_spec_field *f, void *obj, const char *path) {
    struct wl_list *list = at(obj, f);
    struct wl_olist *objects = at(obj, f);
    size_t n = f->type == WL_SPEC_STRV ? list->n : objects->n;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        WL_AUTOFREE char *item = wl_json_path_index(path, i);

        if (f->type == WL_SPEC_STRV)
            r = v->fn(v->arg, f, item, &list->v[i], v->err);
        else
            r = wl_spec_visit(f->spec, objects->v[i], item, v->fn, v->arg, v->err);
    }
    return r;
}

static int visit_members(const struct visitor *v, const struct wl_spec_field *f, void *obj, const char *path) {
    struct wl_smap *strings = at(obj, f);
    struct wl_omap *objects = at(obj, f);
    size_t n = f->type == WL_SPEC_STRMAP ? strings->n : objects->n;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        WL_AUTOFREE char *item =
            wl_json_path_key(path, f->type == WL_SPEC_STRMAP ? strings->v[i].key : objects->keys[i]);

        if (f->type == WL_SPEC_STRMAP)
            r = v->fn(v->arg, f, item, &strings->v[i].value, v->err);
        else
            r = wl_spec_visit(f->spec, objects->v[i], item, v->fn, v->arg, v->err);
    }
    return r;
}

int wl_spec_visit(const struct wl_spec *spec, void *obj, const char *path, wl_spec_visit_fn *fn, void *arg,
                  struct wl_err *err) {
    const struct visitor v = {fn, arg, err};
    int r = 0;

    for (const struct wl_spec_field *f = spec->fields; f->name && r == 0; f++) {
        WL_AUTOFREE char *member = wl_json_path_key(path, f->name);

        if (!present(obj, f))
            continue;
        if (f->type == WL_SPEC_STR)
            r = fn(arg, f, member, at(obj, f), err);
        else if (f->type == WL_SPEC_OBJ)
            r = wl_spec_visit(f->spec, *(void **)at(obj, f), member, fn, arg, err);
        else if (f->type == WL_SPEC_STRV || f->type == WL_SPEC_OBJLIST)
            r = visit_items(&v, f, obj, member);
        else if (f->type == WL_SPEC_STRMAP || f->type == WL_SPEC_OBJMAP)
            r = visit_members(&v, f, obj, member);
    }
    return r;
}

const char *wl_smap_get(const struct wl_smap *m, const char *key) {
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->v[i].key, key) == 0)
            return m->v[i].value;
    return NULL;
}

void *wl_omap_get(const struct wl_omap *m, const char *key) {
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->keys[i], key) == 0)
            return m->v[i];
    return NULL;
}

/* --- Printing --------------------------------------------------------------------------------------------------- */

static void print_list(const struct wl_spec_field *f, const void *p, struct wl_jw *w) {
    const struct wl_list *list = p;
    const struct wl_olist *objects = p;

    wl_jw_begin(w, '[');
    if (f->type == WL_SPEC_STRV)
        for (size_t i = 0; i < list->n; i++)
            wl_jw_str(w, list->v[i]);
    else
        for (size_t i = 0; i < objects->n; i++)
            wl_spec_print(f->spec, objects->v[i], w);
    wl_jw_end(w, ']');
}

static void print_map(const struct wl_spec_field *f, const void *p, struct wl_jw *w) {
    const struct wl_smap *strings = p;
    const struct wl_omap *objects = p;

    wl_jw_begin(w, '{');
    if (f->type == WL_SPEC_STRMAP) {
        for (size_t i = 0; i < strings->n; i++)
            wl_jw_kstr(w, strings->v[i].key, strings->v[i].value);
    } else {
        for (size_t i = 0; i < objects->n; i++) {
            wl_jw_key(w, objects->keys[i]);
            wl_spec_print(f->spec, objects->v[i], w);
        }
    }
    wl_jw_end(w, '}');
}

void wl_spec_print_field(const struct wl_spec_field *f, const void *obj, struct wl_jw *w) {
    const void *p = at(obj, f);

    switch (f->type) {
    case WL_SPEC_STR:
        wl_jw_str(w, *(const char *const *)p);
        break;
    case WL_SPEC_INT:
        wl_jw_int(w, ((const struct wl_oint *)p)->v);
        break;
    case WL_SPEC_BOOL:
        wl_jw_bool(w, ((const struct wl_obool *)p)->v);
        break;
    case WL_SPEC_OBJ:
        wl_spec_print(f->spec, *(void *const *)p, w);
        break;
    case WL_SPEC_STRV:
    case WL_SPEC_OBJLIST:
        print_list(f, p, w);
        break;
    case WL_SPEC_STRMAP:
    case WL_SPEC_OBJMAP:
        print_map(f, p, w);
        break;
    }
}

bool wl_spec_present(const struct wl_spec_field *f, const void *obj) {
    return present(obj, f);
}

void wl_spec_print(const struct wl_spec *spec, const void *obj, struct wl_jw *w) {
    wl_jw_begin(w, '{');
    for (const struct wl_spec_field *f = spec->fields; f->name; f++) {
        if (!present(obj, f))
            continue;
        wl_jw_key(w, f->name);
        wl_spec_print_field(f, obj, w);
    }
    wl_jw_end(w, '}');
}
