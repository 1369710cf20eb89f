#include "direct_calls.h"

#include <stdio.h>
#include <string.h>

#include "direct.h"
#include "edit.h"

#define MAX_TABLES 16
#define MAX_ENTRIES 1000000 /* of all tables together */
#define MAX_PARAMS 255
#define MAX_GROUPS 10000
#define MAX_FUNCTIONS 900000 /* in the module afterwards; engines take a million */
#define NONE UINT32_MAX

struct site {
    size_t at, end;
    uint32_t code, group;
};

struct table {
    char why[96];       /* not constant because; "" while it is */
    uint32_t *group_of; /* by type, the first of its equals; NONE: no calls */
    uint32_t *content;  /* by index: a function, or NONE for not known */
    uint32_t size;
};

struct job {
    const struct wl_wasm_module *m;
    struct wl_direct_calls_options opt;
    struct wl_arena arena;
    uint32_t *canon;
    struct table tables[MAX_TABLES];
    struct wl_direct_group *groups;
    uint32_t n_groups;
    struct site *sites;
    size_t n_sites, cap_sites;
    /* Added to the module. */
    struct wl_buf types, funcs, bodies, names;
    uint32_t n_types, n_funcs;
    struct wl_direct_calls_stats stats;
};

static void job_release(struct job *j) {
    free(j->groups);
    free(j->sites);
    wl_buf_release(&j->types);
    wl_buf_release(&j->funcs);
    wl_buf_release(&j->bodies);
    wl_buf_release(&j->names);
    wl_arena_release(&j->arena);
}

static __attribute__((format(printf, 2, 3))) void not_constant(struct table *t, const char *fmt, ...) {
    va_list ap;

    if (t->why[0])
        return;
    va_start(ap, fmt);
    vsnprintf(t->why, sizeof(t->why), fmt, ap);
    va_end(ap);
}

static void reason(struct job *j, const char *text) {
    if (!j->stats.reason[0])
        snprintf(j->stats.reason, sizeof(j->stats.reason), "%s", text);
}

static uint32_t usable_tables(const struct wl_wasm_module *m) {
    return m->n_tables < MAX_TABLES ? m->n_tables : MAX_TABLES;
}

/* --- The code ----------------------------------------------------------------------------------------------------- */

static uint32_t group_for(struct job *j, uint32_t table, uint32_t type) {
    struct table *t = &j->tables[table];

    if (!t->group_of) {
        t->group_of = wl_arena_alloc(&j->arena, ((size_t)j->m->n_types + 1) * sizeof(*t->group_of));
        memset(t->group_of, 0xff, ((size_t)j->m->n_types + 1) * sizeof(*t->group_of));
    }
    if (t->group_of[type] == NONE) {
        if (j->n_groups == MAX_GROUPS)
            return NONE;
        j->groups[j->n_groups] = (struct wl_direct_group){.table = table, .type = type};
        t->group_of[type] = j->n_groups++;
    }
    return t->group_of[type];
}

/* A function that only passes its parameters on to a table call, as this pass appends them. */
static bool is_slow(const struct job *j, uint32_t code, const struct wl_wasm_insn *call, uint32_t plain_gets) {
    const struct wl_wasm_code *k = &j->m->codes[code];
    size_t n = j->m->types[call->a].params.len;

    return k->n_locals == 0 && plain_gets == n + 1 && call->end + 1 == k->end &&
           j->m->bytes.p[call->end] == WL_OP_END &&
           wl_wasm_func_type(j->m, j->m->n_imported[WL_KIND_FUNC] + code)->params.len == n + 1;
}

static void add_site(struct job *j, uint32_t code, const struct wl_wasm_insn *in) {
    uint32_t group = in->b < MAX_TABLES ? group_for(j, in->b, j->canon[in->a]) : NONE;

    if (group == NONE)
        return;
    j->groups[group].sites++;
    if (j->n_sites == j->cap_sites) {
        j->cap_sites = j->cap_sites ? j->cap_sites * 2 : 1024;
        j->sites = wl_reallocarray(j->sites, j->cap_sites, sizeof(*j->sites));
    }
    j->sites[j->n_sites++] = (struct site){in->at, in->end, code, group};
}

/* The table that an instruction writes to, and its name; NULL when it writes to none. */
static const char *writes_table(const struct wl_wasm_insn *in, uint32_t *ret) {
    *ret = in->op == WL_OP_TABLE_INIT ? in->b : in->a;
    switch (in->op) {
    case WL_OP_TABLE_SET:
        return "table.set";
    case WL_OP_TABLE_INIT:
        return "table.init";
    case WL_OP_TABLE_COPY:
        return "table.copy";
    case WL_OP_TABLE_GROW:
        return "table.grow";
    case WL_OP_TABLE_FILL:
        return "table.fill";
    default:
        return NULL;
    }
}

static int scan_insn(struct job *j, uint32_t code, const struct wl_wasm_insn *in, uint32_t plain_gets,
                     struct wl_err *err) {
    uint32_t table;
    const char *writes = writes_table(in, &table);

    if (in->op == WL_OP_CALL_INDIRECT || in->op == WL_OP_RETURN_CALL_INDIRECT) {
        if (in->a >= j->m->n_types)
            return wl_wasm_bad(in->at, err, "unknown type %u", in->a);
        if (in->b >= j->m->n_tables)
            return wl_wasm_bad(in->at, err, "unknown table %u", in->b);
        if (in->op == WL_OP_RETURN_CALL_INDIRECT) {
            j->stats.tail_sites++;
        } else if (!is_slow(j, code, in, plain_gets)) {
            j->stats.sites++;
            add_site(j, code, in);
        }
    } else if (writes && table < MAX_TABLES) {
        not_constant(&j->tables[table], "table %u is written by the code (%s in function %u)", table, writes,
                     j->m->n_imported[WL_KIND_FUNC] + code);
    }
    return 0;
}

static int scan(struct job *j, struct wl_err *err) {
    for (uint32_t i = 0; i < j->m->n_codes; i++) {
        struct wl_wasm_cursor c = wl_wasm_code_cursor(j->m, i);
        struct wl_wasm_insn in = {0};
        uint32_t n_gets = 0; /* the body so far is local.get 0, 1, ...; NONE: it is not */

        while (c.pos < c.end) {
            if (wl_wasm_insn_next(&c, &in, err) < 0 || scan_insn(j, i, &in, n_gets, err) < 0)
                return wl_err_context(err, "function %u", j->m->n_imported[WL_KIND_FUNC] + i);
            n_gets = in.op == WL_OP_LOCAL_GET && in.a == n_gets ? n_gets + 1 : NONE;
        }
    }
    return 0;
}

/* --- The tables --------------------------------------------------------------------------------------------------- */

static void check_tables(struct job *j) {
    const struct wl_wasm_module *m = j->m;
    uint64_t total = 0;

    for (uint32_t i = 0; i < usable_tables(m); i++) {
        struct table *t = &j->tables[i];
        const struct wl_wasm_limits *l = &m->tables[i].limits;

        if (!t->group_of)
            continue;
        if (i < m->n_imported[WL_KIND_TABLE])
            not_constant(t, "table %u is imported", i);
        if (m->tables[i].type != WL_WASM_FUNCREF || l->is64)
            not_constant(t, "table %u is not one of functions with 32-bit indices", i);
        if (l->min > MAX_ENTRIES - total)
            not_constant(t, "table %u has more entries than the limit of %d", i, MAX_ENTRIES);
        if (!t->why[0])
            total += l->min;
        t->size = (uint32_t)l->min;
    }
    for (uint32_t i = 0; i < m->n_exports && !j->opt.exported_constant; i++)
        if (m->exports[i].kind == WL_KIND_TABLE && m->exports[i].index < MAX_TABLES)
            not_constant(&j->tables[m->exports[i].index], "table %u is exported", m->exports[i].index);
}

/* What the active segments write, in their order; a later one overwrites. */
static void fill_table(struct job *j, uint32_t table) {
    struct table *t = &j->tables[table];

    t->content = wl_arena_alloc(&j->arena, ((size_t)t->size + 1) * sizeof(*t->content));
    memset(t->content, 0xff, (size_t)t->size * sizeof(*t->content));
    for (uint32_t i = 0; i < j->m->n_elems && !t->why[0]; i++) {
        const struct wl_wasm_elem *e = &j->m->elems[i];
        uint32_t at = (uint32_t)e->offset.value;

        if (e->mode != WL_ELEM_ACTIVE || e->table != table)
            continue;
        if (e->offset.kind != WL_CONST_INT)
            not_constant(t, "element segment %u has no constant offset", i);
        else if (at > t->size || e->n > t->size - at)
            not_constant(t, "element segment %u does not fit into table %u", i, table);
        else if (e->n)
            memcpy(t->content + at, e->funcs, e->n * sizeof(*t->content));
    }
}

/* Gives every group the entries of its type. */
static void fill_groups(struct job *j, const struct table *t) {
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < t->size; i++) {
            uint32_t f = t->content[i];
            uint32_t group = f == NONE ? NONE : t->group_of[j->canon[j->m->funcs[f]]];
            struct wl_direct_group *g = group == NONE ? NULL : &j->groups[group];

            if (!g)
                continue;
            if (round)
                g->v[g->n] = (struct wl_direct_entry){i, f};
            g->n++;
        }
        for (uint32_t i = 0; i < j->n_groups && !round; i++) {
            struct wl_direct_group *g = &j->groups[i];

            if (t != &j->tables[g->table])
                continue;
            g->v = wl_arena_alloc(&j->arena, ((size_t)g->n + 1) * sizeof(*g->v));
            g->n = 0;
        }
    }
}

static void resolve(struct job *j) {
    check_tables(j);
    for (uint32_t i = 0; i < usable_tables(j->m); i++) {
        struct table *t = &j->tables[i];

        if (!t->group_of)
            continue;
        if (!t->why[0])
            fill_table(j, i);
        if (t->why[0])
            reason(j, t->why);
        else
            fill_groups(j, t);
    }
}

/* --- What is added ------------------------------------------------------------------------------------------------ */

/* The type (params..., i32) -> (results) of a group's two functions: one that is there, or a new one. */
static uint32_t dispatch_type(struct job *j, const struct wl_direct_group *g) {
    const struct wl_wasm_functype *t = &j->m->types[g->type];
    size_t n = t->params.len;

    for (uint32_t i = 0; i < j->m->n_types; i++) {
        const struct wl_wasm_functype *o = &j->m->types[i];

        if (o->params.len == n + 1 && o->params.p[n] == WL_WASM_I32 &&
            wl_blob_equal((struct wl_blob){o->params.p, n}, t->params) && wl_blob_equal(o->results, t->results))
            return i;
    }
    wl_buf_addc(&j->types, 0x60);
    wl_wasm_put_u32(&j->types, (uint32_t)n + 1);
    wl_buf_add(&j->types, t->params.p, n);
    wl_buf_addc(&j->types, WL_WASM_I32);
    wl_wasm_put_u32(&j->types, (uint32_t)t->results.len);
    wl_buf_add(&j->types, t->results.p, t->results.len);
    return j->m->n_types + j->n_types++;
}

static uint32_t add_function(struct job *j, uint32_t type, const struct wl_buf *body, const char *name, uint32_t n) {
    WL_AUTOFREE char *full = wl_sprintf("__wl_%s_%u", name, n);
    uint32_t index = j->m->n_funcs + j->n_funcs++;

    wl_wasm_put_u32(&j->funcs, type);
    wl_wasm_put_u32(&j->bodies, (uint32_t)body->len);
    wl_buf_add(&j->bodies, body->p, body->len);
    wl_wasm_put_u32(&j->names, index);
    wl_wasm_put_name(&j->names, full);
    return index;
}

static void add_dispatch(struct job *j, uint32_t group, uint32_t *scratch) {
    struct wl_direct_group *g = &j->groups[group];
    WL_AUTO(wl_buf_release) struct wl_buf body = {0}, slow = {0};
    uint32_t type;

    if (!g->n || !g->sites || j->m->types[g->type].params.len > MAX_PARAMS ||
        j->m->n_funcs + j->n_funcs + 2 > MAX_FUNCTIONS)
        return;
    g->slow = j->m->n_funcs + j->n_funcs;
    if (!wl_direct_dispatch(j->m, g, &j->opt, scratch, &body))
        return;
    type = dispatch_type(j, g);
    wl_direct_slow(j->m, g, &slow);
    g->slow = add_function(j, type, &slow, "table", group);
    g->direct = add_function(j, type, &body, "direct", group);
    j->stats.types++;
    j->stats.entries += g->n;
    j->stats.direct += g->sites;
}

static void add_dispatches(struct job *j) {
    WL_AUTOFREE uint32_t *scratch = wl_calloc((size_t)j->m->n_funcs + 1, sizeof(*scratch));

    memset(scratch, 0xff, (size_t)j->m->n_funcs * sizeof(*scratch));
    for (uint32_t i = 0; i < j->n_groups; i++)
        add_dispatch(j, i, scratch);
}

/* --- Sections ----------------------------------------------------------------------------------------------------- */

static void put_code(struct job *j, struct wl_buf *out) {
    const struct wl_wasm_module *m = j->m;
    WL_AUTO(wl_buf_release) struct wl_buf all = {0}, body = {0};
    size_t s = 0;

    wl_wasm_put_u32(&all, m->n_codes + j->n_funcs);
    for (uint32_t i = 0; i < m->n_codes; i++) {
        size_t from = m->codes[i].at;

        wl_buf_clear(&body);
        for (; s < j->n_sites && j->sites[s].code == i; s++) {
            const struct wl_direct_group *g = &j->groups[j->sites[s].group];

            if (!g->direct)
                continue;
            wl_buf_add(&body, m->bytes.p + from, j->sites[s].at - from);
            wl_buf_addc(&body, WL_OP_CALL);
            wl_wasm_put_u32(&body, g->direct);
            from = j->sites[s].end;
        }
        wl_buf_add(&body, m->bytes.p + from, m->codes[i].end - from);
        wl_wasm_put_u32(&all, (uint32_t)body.len);
        wl_buf_add(&all, body.p, body.len);
    }
    wl_buf_add(&all, j->bodies.p, j->bodies.len);
    wl_wasm_put_section(out, WL_SEC_CODE, wl_wasm_blob(&all));
}

/* Subsection 1 of the name section, the functions, gets the new ones. */
static void put_names(struct job *j, struct wl_blob payload, struct wl_buf *out) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_wasm_cursor c = {payload.p, 0, payload.len};
    struct wl_err ignored;

    while (c.pos < c.end) {
        uint8_t id = c.p[c.pos++];
        uint32_t len;

        if (wl_wasm_u32(&c, &len, &ignored) < 0 || len > c.end - c.pos)
            break;
        wl_wasm_put_name_map(&b, id, (struct wl_blob){c.p + c.pos, len}, id == 1 ? j->n_funcs : 0, &j->names);
        c.pos += len;
    }
    wl_wasm_put_custom(out, "name", wl_wasm_blob(&b));
}

static void put_module(struct job *j, struct wl_buf *out) {
    wl_buf_add(out, WL_WASM_HEADER, WL_WASM_HEADER_LEN);
    for (uint32_t i = 0; i < j->m->n_sections; i++) {
        const struct wl_wasm_section *s = &j->m->sections[i];

        if (s->id == WL_SEC_TYPE)
            wl_wasm_put_longer(out, s, WL_SEC_TYPE, j->n_types, &j->types);
        else if (s->id == WL_SEC_FUNCTION)
            wl_wasm_put_longer(out, s, WL_SEC_FUNCTION, j->n_funcs, &j->funcs);
        else if (s->id == WL_SEC_CODE)
            put_code(j, out);
        else if (s->id == WL_SEC_CUSTOM && wl_blob_is(s->name, "name"))
            put_names(j, s->payload, out);
        else if (!wl_wasm_is_offset_section(s))
            wl_wasm_put_same(out, j->m, s);
    }
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

static int rewrite(struct job *j, struct wl_err *err) {
    if (wl_wasm_is_object(j->m) || wl_wasm_custom(j->m, "dylink.0")) {
        reason(j, "it is not linked yet, or is linked at run time");
        return 0;
    }
    j->canon = wl_arena_alloc(&j->arena, ((size_t)j->m->n_types + 1) * sizeof(*j->canon));
    wl_wasm_equal_types(j->m, j->canon);
    j->groups = wl_calloc(MAX_GROUPS, sizeof(*j->groups));
    if (scan(j, err) < 0)
        return -1;
    resolve(j);
    add_dispatches(j);
    if (!j->stats.direct)
        reason(j,
               j->stats.sites ? "no call through a table has a known entry of its type" : "no calls through a table");
    return 0;
}

int wl_wasm_direct_calls(struct wl_blob in, const struct wl_direct_calls_options *options, struct wl_buf *ret,
                         struct wl_direct_calls_stats *stats, struct wl_err *err) {
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    WL_AUTO(job_release) struct job j = {.m = &m};
    size_t before = ret->len;

    j.opt =
        options ? *options : (struct wl_direct_calls_options){.gap = WL_DIRECT_CALLS_GAP, .peel = WL_DIRECT_CALLS_PEEL};
    if (wl_wasm_parse(&m, in, err) < 0 || rewrite(&j, err) < 0)
        return -1;
    j.stats.changed = j.stats.direct > 0;
    if (j.stats.changed)
        put_module(&j, ret);
    else
        wl_buf_add(ret, in.p, in.len);
    j.stats.size_before = in.len;
    j.stats.size_after = ret->len - before;
    if (stats)
        *stats = j.stats;
    return 0;
}
