#include "module.h"

#include <string.h>

#include "sections.h"

/* Limits: far above what any toolchain emits, low enough to bound memory. */
#define MAX_MODULE ((size_t)1 << 30)
#define MAX_SECTIONS 100000

const char *wl_wasm_section_name(uint8_t id) {
    static const char *const names[WL_WASM_N_SECTIONS] = {
        "custom", "type",  "import",  "function", "table", "memory",    "global",
        "export", "start", "element", "code",     "data",  "datacount", "tag",
    };

    return id < WL_WASM_N_SECTIONS ? names[id] : "?";
}

const char *wl_wasm_kind_name(uint8_t kind) {
    static const char *const names[] = {"func", "table", "memory", "global", "tag"};

    return kind < WL_ARRAY_LEN(names) ? names[kind] : "?";
}

bool wl_wasm_is_module(struct wl_blob b) {
    return b.len >= WL_WASM_HEADER_LEN && memcmp(b.p, WL_WASM_HEADER, WL_WASM_HEADER_LEN) == 0;
}

/* The order in which sections must stand (5.5.2), by id. */
static const uint8_t order[WL_WASM_N_SECTIONS] = {
    [WL_SEC_TYPE] = 1,       [WL_SEC_IMPORT] = 2, [WL_SEC_FUNCTION] = 3, [WL_SEC_TABLE] = 4, [WL_SEC_MEMORY] = 5,
    [WL_SEC_TAG] = 6,        [WL_SEC_GLOBAL] = 7, [WL_SEC_EXPORT] = 8,   [WL_SEC_START] = 9, [WL_SEC_ELEMENT] = 10,
    [WL_SEC_DATACOUNT] = 11, [WL_SEC_CODE] = 12,  [WL_SEC_DATA] = 13,
};

static int (*const readers[WL_WASM_N_SECTIONS])(struct wl_wasm_module *, struct wl_wasm_cursor *, struct wl_err *) = {
    [WL_SEC_TYPE] = wl_wasm_read_types,          [WL_SEC_IMPORT] = wl_wasm_read_imports,
    [WL_SEC_FUNCTION] = wl_wasm_read_functions,  [WL_SEC_TABLE] = wl_wasm_read_tables,
    [WL_SEC_MEMORY] = wl_wasm_read_memories,     [WL_SEC_TAG] = wl_wasm_read_tags,
    [WL_SEC_GLOBAL] = wl_wasm_read_globals,      [WL_SEC_EXPORT] = wl_wasm_read_exports,
    [WL_SEC_START] = wl_wasm_read_start,         [WL_SEC_ELEMENT] = wl_wasm_read_elements,
    [WL_SEC_CODE] = wl_wasm_read_codes,          [WL_SEC_DATA] = wl_wasm_read_datas,
    [WL_SEC_DATACOUNT] = wl_wasm_read_datacount,
};

/* Reads one section's head; *ret_body is the cursor over its payload. */
static int section_head(struct wl_wasm_cursor *c, struct wl_wasm_section *s, struct wl_wasm_cursor *ret_body,
                        struct wl_err *err) {
    uint32_t size;

    s->at = c->pos;
    if (wl_wasm_u8(c, &s->id, err) < 0)
        return -1;
    if (s->id >= WL_WASM_N_SECTIONS)
        return wl_wasm_bad(s->at, err, "unknown section %u", s->id);
    if (wl_wasm_u32(c, &size, err) < 0)
        return -1;
    if (size > c->end - c->pos)
        return wl_wasm_bad(s->at, err, "%s section of %u bytes, but %zu are left", wl_wasm_section_name(s->id), size,
                           c->end - c->pos);
    *ret_body = (struct wl_wasm_cursor){c->p, c->pos, c->pos + size};
    if (s->id == WL_SEC_CUSTOM && wl_wasm_read_name(ret_body, &s->name, err) < 0)
        return -1;
    s->payload = (struct wl_blob){c->p + ret_body->pos, ret_body->end - ret_body->pos};
    c->pos += size;
    return 0;
}

static int count_sections(struct wl_wasm_module *m, struct wl_wasm_cursor c, struct wl_err *err) {
    uint32_t n = 0;

    while (c.pos < c.end) {
        struct wl_wasm_section s = {0};
        struct wl_wasm_cursor body;

        if (section_head(&c, &s, &body, err) < 0)
            return -1;
        if (++n > MAX_SECTIONS)
            return wl_wasm_bad(s.at, err, "more than %d sections", MAX_SECTIONS);
    }
    m->sections = wl_arena_alloc(&m->arena, (n + 1) * sizeof(*m->sections));
    return 0;
}

static int read_sections(struct wl_wasm_module *m, struct wl_wasm_cursor c, struct wl_err *err) {
    uint8_t last = 0;

    while (c.pos < c.end) {
        struct wl_wasm_section *s = &m->sections[m->n_sections];
        struct wl_wasm_cursor body;

        if (section_head(&c, s, &body, err) < 0)
            return -1;
        m->n_sections++;
        if (s->id == WL_SEC_CUSTOM)
            continue;
        if (order[s->id] <= last)
            return wl_wasm_bad(s->at, err, "%s section out of order", wl_wasm_section_name(s->id));
        last = order[s->id];
        if (readers[s->id](m, &body, err) < 0)
            return wl_err_context(err, "%s section", wl_wasm_section_name(s->id));
        if (body.pos != body.end)
            return wl_wasm_bad(body.pos, err, "%zu bytes too many in the %s section", body.end - body.pos,
                               wl_wasm_section_name(s->id));
    }
    if (m->n_codes != m->n_funcs - m->n_imported[WL_KIND_FUNC])
        return wl_wasm_bad(c.pos, err, "%u function bodies for %u functions", m->n_codes,
                           m->n_funcs - m->n_imported[WL_KIND_FUNC]);
    return 0;
}

int wl_wasm_parse(struct wl_wasm_module *ret, struct wl_blob bytes, struct wl_err *err) {
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {.bytes = bytes};
    struct wl_wasm_cursor c = {bytes.p, WL_WASM_HEADER_LEN, bytes.len};

    if (bytes.len < WL_WASM_HEADER_LEN || memcmp(bytes.p, WL_WASM_HEADER, 4) != 0)
        return wl_wasm_bad(0, err, "the magic number is missing");
    if (memcmp(bytes.p + 4, &WL_WASM_HEADER[4], 4) != 0)
        return wl_wasm_bad(4, err, "%s", bytes.p[6] == 1 ? "a component, not a core module" : "unknown version");
    if (bytes.len > MAX_MODULE)
        return wl_wasm_bad(MAX_MODULE, err, "larger than 1 GiB");
    if (count_sections(&m, c, err) < 0 || read_sections(&m, c, err) < 0)
        return -1;
    *ret = m;
    m.arena = (struct wl_arena){0};
    return 0;
}

void wl_wasm_release(struct wl_wasm_module *m) {
    wl_arena_release(&m->arena);
    *m = (struct wl_wasm_module){0};
}

const struct wl_wasm_section *wl_wasm_section(const struct wl_wasm_module *m, uint8_t id) {
    for (uint32_t i = 0; i < m->n_sections; i++)
        if (m->sections[i].id == id)
            return &m->sections[i];
    return NULL;
}

const struct wl_wasm_section *wl_wasm_custom(const struct wl_wasm_module *m, const char *name) {
    for (uint32_t i = 0; i < m->n_sections; i++)
        if (m->sections[i].id == WL_SEC_CUSTOM && wl_blob_is(m->sections[i].name, name))
            return &m->sections[i];
    return NULL;
}

const struct wl_wasm_functype *wl_wasm_func_type(const struct wl_wasm_module *m, uint32_t f) {
    return &m->types[m->funcs[f]];
}

struct wl_wasm_cursor wl_wasm_code_cursor(const struct wl_wasm_module *m, uint32_t i) {
    return (struct wl_wasm_cursor){m->bytes.p, m->codes[i].insns, m->codes[i].end};
}

int wl_wasm_features(const struct wl_wasm_module *m, unsigned *ret, struct wl_err *err) {
    unsigned features = m->features;

    for (uint32_t i = 0; i < m->n_codes; i++) {
        struct wl_wasm_cursor c = wl_wasm_code_cursor(m, i);

        while (c.pos < c.end) {
            struct wl_wasm_insn in;

            if (wl_wasm_insn_next(&c, &in, err) < 0)
                return wl_err_context(err, "function %u", m->n_imported[WL_KIND_FUNC] + i);
            features |= in.features;
        }
    }
    *ret = features;
    return 0;
}
