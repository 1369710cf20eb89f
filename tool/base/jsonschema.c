/* jsonspec.h, the part that writes a JSON Schema (draft 2020-12, json-schema.org). */
#include <string.h>

#include "buf.h"
#include "jsonspec.h"

#define SCHEMA_TABLES 64 /* most tables reachable from one */

struct tables {
    const struct wl_spec *v[SCHEMA_TABLES];
    size_t n;
};

static void collect(struct tables *t, const struct wl_spec *spec) {
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i] == spec)
            return;
    if (t->n == SCHEMA_TABLES)
        abort();
    t->v[t->n++] = spec;
    for (const struct wl_spec_field *f = spec->fields; f->name; f++)
        if (f->spec)
            collect(t, f->spec);
}

/* Python's "$" also matches in front of a last newline. */
static void write_pattern(struct wl_jw *w, const char *pattern) {
    WL_AUTOFREE char *exact = wl_sprintf("%s%s", pattern, wl_ends(pattern, "$") ? "(?!\\n)" : "");

    wl_jw_kstr(w, "pattern", exact);
}

static void write_string(struct wl_jw *w, const struct wl_spec_field *f) {
    wl_jw_kstr(w, "type", "string");
    if (f->choices) {
        wl_jw_key(w, "enum");
        wl_jw_begin(w, '[');
        for (size_t i = 0; f->choices[i]; i++)
            wl_jw_str(w, f->choices[i]);
        wl_jw_end(w, ']');
        return;
    }
    wl_jw_kint(w, "maxLength", WL_SPEC_STRING);
    if (f->format)
        write_pattern(w, f->format->pattern);
}

static void write_ref(struct wl_jw *w, const struct wl_spec *spec) {
    WL_AUTOFREE char *ref = wl_sprintf("#/$defs/%s", spec->title);

    wl_jw_kstr(w, "$ref", ref);
}

static void write_note(struct wl_jw *w) {
    wl_jw_key(w, "note");
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "type", "string");
    wl_jw_kstr(w, "description", "For people; has no meaning.");
    wl_jw_end(w, '}');
}

/* Objects in lists are not merged with anything: what they need can be demanded. */
static void write_required(struct wl_jw *w, const struct wl_spec *spec) {
    bool first = true;

    for (const struct wl_spec_field *f = spec->fields; f->name; f++) {
        if (!f->required)
            continue;
        if (first) {
            wl_jw_key(w, "required");
            wl_jw_begin(w, '[');
        }
        first = false;
        wl_jw_str(w, f->name);
    }
    if (!first)
        wl_jw_end(w, ']');
}

static void write_list(struct wl_jw *w, const struct wl_spec_field *f) {
    wl_jw_kstr(w, "type", "array");
    if (f->min)
        wl_jw_kint(w, "minItems", f->min);
    wl_jw_kint(w, "maxItems", f->max ? f->max : WL_SPEC_ITEMS);
    wl_jw_key(w, "items");
    wl_jw_begin(w, '{');
    if (f->type == WL_SPEC_STRV) {
        write_string(w, f);
    } else {
        write_ref(w, f->spec);
        write_required(w, f->spec);
    }
    wl_jw_end(w, '}');
}

static void write_map(struct wl_jw *w, const struct wl_spec_field *f) {
    wl_jw_kstr(w, "type", "object");
    if (f->keys) {
        wl_jw_key(w, "propertyNames");
        wl_jw_begin(w, '{');
        if (f->keys->check("note")) {
            write_pattern(w, f->keys->pattern);
        } else {
            wl_jw_key(w, "anyOf");
            wl_jw_begin(w, '[');
            wl_jw_begin(w, '{');
            wl_jw_kstr(w, "const", "note");
            wl_jw_end(w, '}');
            wl_jw_begin(w, '{');
            write_pattern(w, f->keys->pattern);
            wl_jw_end(w, '}');
            wl_jw_end(w, ']');
        }
        wl_jw_end(w, '}');
    }
    wl_jw_key(w, "properties");
    wl_jw_begin(w, '{');
    write_note(w);
    wl_jw_end(w, '}');
    wl_jw_key(w, "additionalProperties");
    wl_jw_begin(w, '{');
    if (f->type == WL_SPEC_STRMAP)
        write_string(w, f);
    else
        write_ref(w, f->spec);
    wl_jw_end(w, '}');
}

static void write_field(struct wl_jw *w, const struct wl_spec_field *f) {
    wl_jw_key(w, f->name);
    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "description", f->doc);
    switch (f->type) {
    case WL_SPEC_STR:
        write_string(w, f);
        break;
    case WL_SPEC_INT:
        wl_jw_kstr(w, "type", "integer");
        wl_jw_kint(w, "minimum", f->min);
        wl_jw_kint(w, "maximum", f->max);
        break;
    case WL_SPEC_BOOL:
        wl_jw_kstr(w, "type", "boolean");
        break;
    case WL_SPEC_OBJ:
        write_ref(w, f->spec);
        break;
    case WL_SPEC_STRV:
    case WL_SPEC_OBJLIST:
        write_list(w, f);
        break;
    case WL_SPEC_STRMAP:
    case WL_SPEC_OBJMAP:
        write_map(w, f);
        break;
    }
    wl_jw_end(w, '}');
}

static void write_table(struct wl_jw *w, const struct wl_spec *spec) {
    wl_jw_kstr(w, "type", "object");
    wl_jw_kbool(w, "additionalProperties", false);
    wl_jw_key(w, "properties");
    wl_jw_begin(w, '{');
    for (const struct wl_spec_field *f = spec->fields; f->name; f++)
        write_field(w, f);
    write_note(w);
    wl_jw_end(w, '}');
    if (spec->all_of) {
        wl_jw_key(w, "allOf");
        wl_jw_raw(w, spec->all_of);
    }
}

void wl_spec_schema(const struct wl_spec *spec, const char *id, const char *title, struct wl_buf *out) {
    struct wl_jw w = {.out = out, .indent = 2};
    struct tables t = {.n = 0};

    collect(&t, spec);
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    if (id)
        wl_jw_kstr(&w, "$id", id);
    wl_jw_kstr(&w, "title", title);
    write_table(&w, spec);
    wl_jw_key(&w, "$defs");
    wl_jw_begin(&w, '{');
    for (size_t i = 1; i < t.n; i++) {
        wl_jw_key(&w, t.v[i]->title);
        wl_jw_begin(&w, '{');
        write_table(&w, t.v[i]);
        wl_jw_end(&w, '}');
    }
    wl_jw_end(&w, '}');
    wl_jw_end(&w, '}');
    wl_buf_addc(out, '\n');
}

/* --- The same tables for people -------------------------------------------------------------------------------- */

static const char *value_name(const struct wl_spec_field *f) {
    switch (f->type) {
    case WL_SPEC_STR:
        return "string";
    case WL_SPEC_INT:
        return "integer";
    case WL_SPEC_BOOL:
        return "boolean";
    case WL_SPEC_STRV:
        return "list of strings";
    case WL_SPEC_OBJ:
        return "object";
    case WL_SPEC_STRMAP:
        return "map of strings";
    case WL_SPEC_OBJMAP:
        return "map of";
    case WL_SPEC_OBJLIST:
        return "list of";
    }
    return "";
}

/* A partial table shows the keys only: it is part of another one, which explains them. */
static void reference_list(const struct wl_spec *spec, struct wl_buf *out) {
    wl_buf_addf(out, "### %s\n\nThese keys, which mean what they mean above:", spec->title);
    for (const struct wl_spec_field *f = spec->fields; f->name; f++)
        wl_buf_addf(out, " `%s`", f->name);
    wl_buf_adds(out, "\n\n");
}

static void reference_table(const struct wl_spec *spec, struct wl_buf *out) {
    wl_buf_addf(out, "### %s\n\n| key | value | meaning |\n|---|---|---|\n", spec->title);
    for (const struct wl_spec_field *f = spec->fields; f->name; f++) {
        wl_buf_addf(out, "| `%s` | %s", f->name, value_name(f));
        if (f->spec)
            wl_buf_addf(out, " [%s](#%s)", f->spec->title, f->spec->title);
        if (f->type == WL_SPEC_INT)
            wl_buf_addf(out, " %lld to %lld", (long long)f->min, (long long)f->max);
        for (size_t i = 0; f->choices && f->choices[i]; i++)
            wl_buf_addf(out, "%s`%s`", i ? ", " : ": ", f->choices[i]);
        wl_buf_addf(out, " | %s%s |\n", f->required ? "Required. " : "", f->doc);
    }
    wl_buf_addc(out, '\n');
}

void wl_spec_reference(const struct wl_spec *spec, struct wl_buf *out) {
    struct tables t = {.n = 0};

    collect(&t, spec);
    for (size_t i = 0; i < t.n; i++)
        if (t.v[i]->partial)
            reference_list(t.v[i], out);
        else
            reference_table(t.v[i], out);
}
