#include "sections.h"

#include <string.h>

/* Limits, per module unless said otherwise. */
#define MAX_TYPES 1000000
#define MAX_FUNCS 1000000
#define MAX_IMPORTS 1000000
#define MAX_EXPORTS 1000000
#define MAX_GLOBALS 1000000
#define MAX_TABLES 100000
#define MAX_MEMORIES 100
#define MAX_TAGS 1000000
#define MAX_SEGMENTS 1000000
#define MAX_ELEMS 10000000 /* per segment */
#define MAX_ARITY 1000     /* parameters or results of a type */
#define MAX_LOCALS 50000   /* per function, declared */
#define MAX_EXPR 1000      /* instructions of a constant expression */
#define MAX_SECTION_NAME 100000

/* True for a well-formed sequence (no overlong forms, no surrogates). */
static bool is_utf8(const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n;) {
        uint8_t b = p[i++];
        int more = b < 0x80                ? 0
                   : b >= 0xc2 && b < 0xe0 ? 1
                   : b >= 0xe0 && b < 0xf0 ? 2
                   : b >= 0xf0 && b < 0xf5 ? 3
                                           : -1;

        if (more < 0 || n - i < (size_t)more)
            return false;
        if (more > 0) {
            uint8_t lo = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80, hi = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;

            if (p[i] < lo || p[i] > hi)
                return false;
        }
        for (int k = 0; k < more; k++)
            if ((p[i++] & 0xc0) != 0x80)
                return false;
    }
    return true;
}

int wl_wasm_read_name(struct wl_wasm_cursor *c, struct wl_blob *ret, struct wl_err *err) {
    size_t at = c->pos;
    uint32_t len;

    if (wl_wasm_u32(c, &len, err) < 0)
        return -1;
    if (len > MAX_SECTION_NAME || len > c->end - c->pos)
        return wl_wasm_bad(at, err, "name of %u bytes is too long", len);
    if (!is_utf8(c->p + c->pos, len))
        return wl_wasm_bad(c->pos, err, "name is not UTF-8");
    *ret = (struct wl_blob){c->p + c->pos, len};
    c->pos += len;
    return 0;
}

/* The number of entries of a vector whose entries take at least min bytes each. */
static int read_count(struct wl_wasm_cursor *c, size_t min, uint32_t max, uint32_t *ret, struct wl_err *err) {
    size_t at = c->pos;
    uint32_t n;

    if (wl_wasm_u32(c, &n, err) < 0)
        return -1;
    if (n > max)
        return wl_wasm_bad(at, err, "%u entries, more than %u", n, max);
    if ((uint64_t)n * min > c->end - c->pos)
        return wl_wasm_bad(at, err, "%u entries do not fit", n);
    *ret = n;
    return 0;
}

static int read_index(struct wl_wasm_cursor *c, uint32_t n, const char *what, uint32_t *ret, struct wl_err *err) {
    size_t at = c->pos;
    uint32_t i;

    if (wl_wasm_u32(c, &i, err) < 0)
        return -1;
    if (i >= n)
        return wl_wasm_bad(at, err, "unknown %s %u", what, i);
    *ret = i;
    return 0;
}

static int read_valtype(struct wl_wasm_cursor *c, uint8_t *ret, struct wl_err *err) {
    uint8_t t;

    if (wl_wasm_u8(c, &t, err) < 0)
        return -1;
    if (t == 0x63 || t == 0x64)
        return wl_wasm_bad(c->pos - 1, err, "typed references (garbage collection) are not supported");
    if (!wl_wasm_is_valtype(t))
        return wl_wasm_bad(c->pos - 1, err, "unknown value type 0x%x", t);
    *ret = t;
    return 0;
}

static int read_valtypes(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_blob *ret, struct wl_err *err) {
    uint32_t n;
    uint8_t t;

    if (read_count(c, 1, MAX_ARITY, &n, err) < 0)
        return -1;
    *ret = (struct wl_blob){c->p + c->pos, n};
    for (uint32_t i = 0; i < n; i++) {
        if (read_valtype(c, &t, err) < 0)
            return -1;
        m->features |= t == WL_WASM_V128 ? WL_WASM_F_SIMD : t == WL_WASM_EXNREF ? WL_WASM_F_EXCEPTIONS : 0;
        m->features |= t == WL_WASM_EXTERNREF || t == WL_WASM_FUNCREF ? WL_WASM_F_REFERENCE_TYPES : 0;
    }
    return 0;
}

int wl_wasm_read_types(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    if (read_count(c, 3, MAX_TYPES, &m->n_types, err) < 0)
        return -1;
    m->types = wl_arena_alloc(&m->arena, (m->n_types + 1) * sizeof(*m->types));
    for (uint32_t i = 0; i < m->n_types; i++) {
        struct wl_wasm_functype *t = &m->types[i];
        uint8_t form;

        if (wl_wasm_u8(c, &form, err) < 0)
            return -1;
        if (form == 0x5e || form == 0x5f || form == 0x4e || form == 0x50 || form == 0x4f)
            return wl_wasm_bad(c->pos - 1, err, "garbage collection types are not supported");
        if (form != 0x60)
            return wl_wasm_bad(c->pos - 1, err, "unknown type form 0x%x", form);
        if (read_valtypes(m, c, &t->params, err) < 0 || read_valtypes(m, c, &t->results, err) < 0)
            return -1;
        m->features |= t->results.len > 1 ? WL_WASM_F_MULTIVALUE : 0;
    }
    return 0;
}

static int read_limits(struct wl_wasm_module *m, struct wl_wasm_cursor *c, bool memory, struct wl_wasm_limits *ret,
                       struct wl_err *err) {
    struct wl_wasm_limits l = {0};
    size_t at = c->pos;
    uint8_t flags;

    if (wl_wasm_u8(c, &flags, err) < 0)
        return -1;
    if (flags > 7 || (flags & 2 && !memory))
        return wl_wasm_bad(at, err, "unknown limits flags 0x%x", flags);
    l.has_max = flags & 1;
    l.shared = flags & 2;
    l.is64 = flags & 4;
    if (wl_wasm_u64(c, &l.min, err) < 0 || (l.has_max && wl_wasm_u64(c, &l.max, err) < 0))
        return -1;
    if (!l.is64 && (l.min > UINT32_MAX || (l.has_max && l.max > UINT32_MAX)))
        return wl_wasm_bad(at, err, "limits too large");
    if (l.has_max && l.max < l.min)
        return wl_wasm_bad(at, err, "maximum below the minimum");
    m->features |= (l.shared ? WL_WASM_F_ATOMICS : 0) | (l.is64 ? WL_WASM_F_MEMORY64 : 0);
    *ret = l;
    return 0;
}

static int read_table(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_wasm_table *ret,
                      struct wl_err *err) {
    size_t at = c->pos;

    if (wl_wasm_u8(c, &ret->type, err) < 0)
        return -1;
    if (ret->type == 0x40)
        return wl_wasm_bad(at, err, "tables with an initialiser are not supported");
    if (ret->type != WL_WASM_FUNCREF && ret->type != WL_WASM_EXTERNREF && ret->type != WL_WASM_EXNREF)
        return wl_wasm_bad(at, err, "unknown reference type 0x%x", ret->type);
    m->features |= ret->type == WL_WASM_EXTERNREF ? WL_WASM_F_REFERENCE_TYPES : 0;
    m->features |= ret->type == WL_WASM_EXNREF ? WL_WASM_F_EXCEPTIONS : 0;
    return read_limits(m, c, false, &ret->limits, err);
}

static int read_global_type(struct wl_wasm_cursor *c, struct wl_wasm_global *ret, struct wl_err *err) {
    uint8_t mut;

    if (read_valtype(c, &ret->type, err) < 0 || wl_wasm_u8(c, &mut, err) < 0)
        return -1;
    if (mut > 1)
        return wl_wasm_bad(c->pos - 1, err, "unknown mutability 0x%x", mut);
    ret->is_mutable = mut;
    return 0;
}

static int read_tag_type(struct wl_wasm_module *m, struct wl_wasm_cursor *c, uint32_t *ret, struct wl_err *err) {
    uint8_t attr;

    if (wl_wasm_u8(c, &attr, err) < 0)
        return -1;
    if (attr != 0)
        return wl_wasm_bad(c->pos - 1, err, "unknown tag attribute 0x%x", attr);
    m->features |= WL_WASM_F_EXCEPTIONS;
    return read_index(c, m->n_types, "type", ret, err);
}

/* Grows an index space by n entries; the old ones are copied (imports, then the module's own). */
static void *grow(struct wl_wasm_module *m, void *old, uint32_t have, uint32_t n, size_t size) {
    void *p = wl_arena_alloc(&m->arena, ((size_t)have + n + 1) * size);

    if (have)
        memcpy(p, old, have * size);
    return p;
}

static int read_import(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_wasm_import *i,
                       struct wl_err *err) {
    i->at = c->pos;
    if (wl_wasm_read_name(c, &i->module, err) < 0 || wl_wasm_read_name(c, &i->name, err) < 0 ||
        wl_wasm_u8(c, &i->kind, err) < 0)
        return -1;
    if (i->kind > WL_KIND_TAG)
        return wl_wasm_bad(c->pos - 1, err, "unknown import kind %u", i->kind);
    i->index = m->n_imported[i->kind]++;
    switch (i->kind) {
    case WL_KIND_FUNC:
        return read_index(c, m->n_types, "type", &m->funcs[m->n_funcs++], err);
    case WL_KIND_TABLE:
        return read_table(m, c, &m->tables[m->n_tables++], err);
    case WL_KIND_MEMORY:
        return read_limits(m, c, true, &m->memories[m->n_memories++], err);
    case WL_KIND_TAG:
        return read_tag_type(m, c, &m->tags[m->n_tags++], err);
    default:
        return read_global_type(c, &m->globals[m->n_globals++], err);
    }
}

int wl_wasm_read_imports(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    if (read_count(c, 4, MAX_IMPORTS, &m->n_imports, err) < 0)
        return -1;
    m->imports = wl_arena_alloc(&m->arena, (m->n_imports + 1) * sizeof(*m->imports));
    m->funcs = grow(m, NULL, 0, m->n_imports, sizeof(*m->funcs));
    m->tables = grow(m, NULL, 0, m->n_imports, sizeof(*m->tables));
    m->memories = grow(m, NULL, 0, m->n_imports, sizeof(*m->memories));
    m->globals = grow(m, NULL, 0, m->n_imports, sizeof(*m->globals));
    m->tags = grow(m, NULL, 0, m->n_imports, sizeof(*m->tags));
    for (uint32_t i = 0; i < m->n_imports; i++) {
        if (read_import(m, c, &m->imports[i], err) < 0)
            return -1;
        m->imports[i].end = c->pos;
    }
    return 0;
}

int wl_wasm_read_functions(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    uint32_t n;

    if (read_count(c, 1, MAX_FUNCS, &n, err) < 0)
        return -1;
    m->funcs = grow(m, m->funcs, m->n_funcs, n, sizeof(*m->funcs));
    for (uint32_t i = 0; i < n; i++)
        if (read_index(c, m->n_types, "type", &m->funcs[m->n_funcs++], err) < 0)
            return -1;
    return 0;
}

int wl_wasm_read_tables(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    uint32_t n;

    if (read_count(c, 3, MAX_TABLES, &n, err) < 0)
        return -1;
    m->tables = grow(m, m->tables, m->n_tables, n, sizeof(*m->tables));
    for (uint32_t i = 0; i < n; i++)
        if (read_table(m, c, &m->tables[m->n_tables++], err) < 0)
            return -1;
    m->features |= m->n_tables > 1 ? WL_WASM_F_REFERENCE_TYPES : 0;
    return 0;
}

int wl_wasm_read_memories(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    uint32_t n;

    if (read_count(c, 2, MAX_MEMORIES, &n, err) < 0)
        return -1;
    m->memories = grow(m, m->memories, m->n_memories, n, sizeof(*m->memories));
    for (uint32_t i = 0; i < n; i++)
        if (read_limits(m, c, true, &m->memories[m->n_memories++], err) < 0)
            return -1;
    m->features |= m->n_memories > 1 ? WL_WASM_F_MULTIMEMORY : 0;
    return 0;
}

int wl_wasm_read_tags(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    uint32_t n;

    if (read_count(c, 2, MAX_TAGS, &n, err) < 0)
        return -1;
    m->tags = grow(m, m->tags, m->n_tags, n, sizeof(*m->tags));
    for (uint32_t i = 0; i < n; i++)
        if (read_tag_type(m, c, &m->tags[m->n_tags++], err) < 0)
            return -1;
    return 0;
}

/* A constant expression up to and with its `end`. Functions named by ref.func are noted. */
static int read_const(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_wasm_const *ret,
                      struct wl_err *err) {
    struct wl_wasm_const k = {0};
    struct wl_wasm_insn in;
    uint32_t n = 0;

    for (;; n++) {
        if (wl_wasm_insn_next(c, &in, err) < 0)
            return -1;
        if (in.op == WL_OP_END)
            break;
        if (n >= MAX_EXPR)
            return wl_wasm_bad(in.at, err, "constant expression of more than %d instructions", MAX_EXPR);
        k.kind = WL_CONST_OTHER;
        switch (in.op) {
        case WL_OP_I32_CONST:
        case WL_OP_I64_CONST:
            k = (struct wl_wasm_const){WL_CONST_INT, in.value};
            break;
        case WL_OP_GLOBAL_GET:
            if (in.a >= m->n_globals)
                return wl_wasm_bad(in.at, err, "unknown global %u", in.a);
            k = (struct wl_wasm_const){WL_CONST_GLOBAL, in.a};
            break;
        case WL_OP_REF_FUNC:
            if (in.a >= m->n_funcs)
                return wl_wasm_bad(in.at, err, "unknown function %u", in.a);
            m->ref_funcs[in.a] = true;
            k = (struct wl_wasm_const){WL_CONST_FUNC, in.a};
            break;
        case WL_OP_REF_NULL:
            k.kind = WL_CONST_NULL;
            break;
        case WL_OP_F32_CONST:
        case WL_OP_F64_CONST:
        case WL_OP_V128_CONST:
            break;
        default: /* extended constants: i32 and i64, add, sub, mul */
            if (!((in.op >= 0x6a && in.op <= 0x6c) || (in.op >= 0x7c && in.op <= 0x7e)))
                return wl_wasm_bad(in.at, err, "instruction 0x%x in a constant expression", in.op);
            m->features |= WL_WASM_F_EXTENDED_CONST;
        }
    }
    if (n != 1)
        k.kind = WL_CONST_OTHER;
    *ret = k;
    return 0;
}

static void need_ref_funcs(struct wl_wasm_module *m) {
    if (!m->ref_funcs)
        m->ref_funcs = wl_arena_alloc(&m->arena, m->n_funcs + 1);
}

int wl_wasm_read_globals(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    struct wl_wasm_const k;
    uint32_t n;

    need_ref_funcs(m);
    if (read_count(c, 3, MAX_GLOBALS, &n, err) < 0)
        return -1;
    m->globals = grow(m, m->globals, m->n_globals, n, sizeof(*m->globals));
    for (uint32_t i = 0; i < n; i++) {
        if (read_global_type(c, &m->globals[m->n_globals], err) < 0 || read_const(m, c, &k, err) < 0)
            return -1;
        m->n_globals++;
    }
    return 0;
}

int wl_wasm_read_exports(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    const uint32_t spaces[] = {m->n_funcs, m->n_tables, m->n_memories, m->n_globals, m->n_tags};

    if (read_count(c, 3, MAX_EXPORTS, &m->n_exports, err) < 0)
        return -1;
    m->exports = wl_arena_alloc(&m->arena, (m->n_exports + 1) * sizeof(*m->exports));
    for (uint32_t i = 0; i < m->n_exports; i++) {
        struct wl_wasm_export *e = &m->exports[i];

        if (wl_wasm_read_name(c, &e->name, err) < 0 || wl_wasm_u8(c, &e->kind, err) < 0)
            return -1;
        if (e->kind > WL_KIND_TAG)
            return wl_wasm_bad(c->pos - 1, err, "unknown export kind %u", e->kind);
        if (read_index(c, spaces[e->kind], wl_wasm_kind_name(e->kind), &e->index, err) < 0)
            return -1;
        if (e->kind == WL_KIND_GLOBAL && m->globals[e->index].is_mutable)
            m->features |= WL_WASM_F_MUTABLE_GLOBALS;
    }
    return 0;
}

int wl_wasm_read_start(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    m->has_start = true;
    return read_index(c, m->n_funcs, "function", &m->start, err);
}

static int read_elem_items(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_wasm_elem *e, bool exprs,
                           struct wl_err *err) {
    uint32_t *funcs;

    if (read_count(c, 1, MAX_ELEMS, &e->n, err) < 0)
        return -1;
    funcs = wl_arena_alloc(&m->arena, ((size_t)e->n + 1) * sizeof(*funcs));
    for (uint32_t i = 0; i < e->n; i++) {
        struct wl_wasm_const k;

        if (!exprs) {
            if (read_index(c, m->n_funcs, "function", &funcs[i], err) < 0)
                return -1;
            continue;
        }
        if (read_const(m, c, &k, err) < 0)
            return -1;
        funcs[i] = k.kind == WL_CONST_FUNC ? (uint32_t)k.value : UINT32_MAX;
    }
    e->funcs = funcs;
    return 0;
}

/* 5.5.12: bit 0 passive or declared, bit 1 explicit table or declared, bit 2 expressions. */
static int read_elem(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_wasm_elem *e, struct wl_err *err) {
    size_t at = c->pos;
    uint32_t flags;
    uint8_t kind = 0;

    if (wl_wasm_u32(c, &flags, err) < 0)
        return -1;
    if (flags > 7)
        return wl_wasm_bad(at, err, "unknown element segment flags %u", flags);
    e->mode = !(flags & 1) ? WL_ELEM_ACTIVE : flags & 2 ? WL_ELEM_DECLARED : WL_ELEM_PASSIVE;
    e->type = WL_WASM_FUNCREF;
    if (e->mode == WL_ELEM_ACTIVE) {
        if (flags & 2 && wl_wasm_u32(c, &e->table, err) < 0)
            return -1;
        if (e->table >= m->n_tables)
            return wl_wasm_bad(at, err, "unknown table %u", e->table);
        if (read_const(m, c, &e->offset, err) < 0)
            return -1;
    }
    if (flags & 3) {
        at = c->pos;
        if (wl_wasm_u8(c, &kind, err) < 0)
            return -1;
        if (flags & 4 ? kind != WL_WASM_FUNCREF && kind != WL_WASM_EXTERNREF && kind != WL_WASM_EXNREF : kind != 0)
            return wl_wasm_bad(at, err, "unknown element type 0x%x", kind);
        e->type = flags & 4 ? kind : WL_WASM_FUNCREF;
    }
    m->features |= flags & 4 ? WL_WASM_F_REFERENCE_TYPES : flags & 1 ? WL_WASM_F_BULK_MEMORY : 0;
    return read_elem_items(m, c, e, flags & 4, err);
}

int wl_wasm_read_elements(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    need_ref_funcs(m);
    if (read_count(c, 2, MAX_SEGMENTS, &m->n_elems, err) < 0)
        return -1;
    m->elems = wl_arena_alloc(&m->arena, (m->n_elems + 1) * sizeof(*m->elems));
    for (uint32_t i = 0; i < m->n_elems; i++)
        if (read_elem(m, c, &m->elems[i], err) < 0)
            return -1;
    return 0;
}

static int read_code(struct wl_wasm_cursor *c, struct wl_wasm_code *k, struct wl_err *err) {
    size_t at = c->pos;
    struct wl_wasm_cursor body;
    uint32_t size, groups, n;
    uint8_t t;

    if (wl_wasm_u32(c, &size, err) < 0)
        return -1;
    if (size > c->end - c->pos)
        return wl_wasm_bad(at, err, "function body of %u bytes does not fit", size);
    body = (struct wl_wasm_cursor){c->p, c->pos, c->pos + size};
    k->at = body.pos;
    k->end = body.end;
    if (read_count(&body, 2, MAX_LOCALS, &groups, err) < 0)
        return -1;
    for (uint32_t i = 0; i < groups; i++) {
        at = body.pos;
        if (wl_wasm_u32(&body, &n, err) < 0 || read_valtype(&body, &t, err) < 0)
            return -1;
        if (n > MAX_LOCALS - k->n_locals)
            return wl_wasm_bad(at, err, "more than %d locals", MAX_LOCALS);
        k->n_locals += n;
    }
    k->insns = body.pos;
    c->pos = body.end;
    return 0;
}

int wl_wasm_read_codes(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    uint32_t n;

    if (read_count(c, 2, MAX_FUNCS, &n, err) < 0)
        return -1;
    if (n != m->n_funcs - m->n_imported[WL_KIND_FUNC])
        return wl_wasm_bad(c->pos, err, "%u function bodies for %u functions", n,
                           m->n_funcs - m->n_imported[WL_KIND_FUNC]);
    m->codes = wl_arena_alloc(&m->arena, ((size_t)n + 1) * sizeof(*m->codes));
    for (; m->n_codes < n; m->n_codes++)
        if (read_code(c, &m->codes[m->n_codes], err) < 0)
            return -1;
    return 0;
}

static int read_data(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_wasm_data *d, struct wl_err *err) {
    size_t at = c->pos;
    uint32_t flags, n;

    if (wl_wasm_u32(c, &flags, err) < 0)
        return -1;
    if (flags > 2)
        return wl_wasm_bad(at, err, "unknown data segment flags %u", flags);
    d->active = flags != 1;
    m->features |= flags == 1 ? WL_WASM_F_BULK_MEMORY : 0;
    if (flags == 2 && wl_wasm_u32(c, &d->memory, err) < 0)
        return -1;
    if (d->active && d->memory >= m->n_memories)
        return wl_wasm_bad(at, err, "unknown memory %u", d->memory);
    if (d->active && read_const(m, c, &d->offset, err) < 0)
        return -1;
    if (wl_wasm_u32(c, &n, err) < 0)
        return -1;
    d->bytes = (struct wl_blob){c->p + c->pos, n};
    return wl_wasm_skip(c, n, err);
}

int wl_wasm_read_datas(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    need_ref_funcs(m);
    if (read_count(c, 2, MAX_SEGMENTS, &m->n_data, err) < 0)
        return -1;
    m->data = wl_arena_alloc(&m->arena, (m->n_data + 1) * sizeof(*m->data));
    for (uint32_t i = 0; i < m->n_data; i++)
        if (read_data(m, c, &m->data[i], err) < 0)
            return -1;
    return 0;
}

int wl_wasm_read_datacount(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err) {
    uint32_t n;

    m->features |= WL_WASM_F_BULK_MEMORY;
    return wl_wasm_u32(c, &n, err);
}
