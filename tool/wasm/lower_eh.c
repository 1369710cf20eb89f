#include "lower_eh.h"

#include <string.h>

#include "edit.h"
#include "lower.h"

/* Exported functions (and the start function) that may throw, and the functions that stand in for them. */
struct wrapper {
    uint32_t func;
    struct wl_blob name; /* of the export; empty for the start function */
};

struct job {
    struct wl_lower l;
    struct wrapper *wrappers;
    uint32_t n_wrappers;
    uint32_t n_added; /* functions appended: wrappers, then pack and unpack */
    uint32_t pack_type, unpack_type;
    struct wl_buf *out;
};

static void job_release(struct job *j) {
    free(j->wrappers);
    free(j->l.types);
    wl_arena_release(&j->l.arena);
}

/* --- What to add -------------------------------------------------------------------------------------------------- */

static int plan_globals(struct wl_lower *l, struct wl_err *err) {
    uint32_t next = l->m->n_globals;

    l->flag = next++;
    l->payload = wl_arena_alloc(&l->arena, (l->m->n_tags + 1) * sizeof(*l->payload));
    for (uint32_t i = 0; i < l->m->n_tags; i++) {
        const struct wl_wasm_functype *t = &l->m->types[l->m->tags[i]];

        l->payload[i] = next;
        next += (uint32_t)t->params.len;
        if (t->results.len)
            return wl_fail(err, WL_FAILED, "tag %u has results: not an exception", i);
    }
    l->payload[l->m->n_tags] = next;
    return 0;
}

static uint32_t wrapped(const struct job *j, uint32_t func) {
    for (uint32_t i = 0; i < j->n_wrappers; i++)
        if (j->wrappers[i].func == func)
            return j->l.m->n_funcs + i;
    return func;
}

static void add_wrapper(struct job *j, uint32_t func, struct wl_blob name) {
    if (j->l.may_throw[func] && wrapped(j, func) == func)
        j->wrappers[j->n_wrappers++] = (struct wrapper){func, name};
}

static void plan_wrappers(struct job *j) {
    const struct wl_wasm_module *m = j->l.m;

    j->wrappers = wl_calloc(m->n_exports + 2, sizeof(*j->wrappers));
    for (uint32_t i = 0; i < m->n_exports; i++)
        if (m->exports[i].kind == WL_KIND_FUNC)
            add_wrapper(j, m->exports[i].index, m->exports[i].name);
    if (m->has_start)
        add_wrapper(j, m->start, (struct wl_blob){0});
}

/* The functions behind the wrappers. */
static int plan_added(struct job *j, struct wl_err *err) {
    static const uint8_t i64 = WL_WASM_I64;
    const struct wl_blob none = {0}, one = {&i64, 1};
    uint32_t next = j->l.m->n_funcs + j->n_wrappers;

    j->n_added = j->n_wrappers;
    if (!j->l.uses_refs)
        return 0;
    if (wl_lower_plan_refs(&j->l, &next, err) < 0)
        return -1;
    j->pack_type = wl_lower_type(&j->l, none, one);
    j->unpack_type = wl_lower_type(&j->l, one, none);
    j->n_added += 2;
    return 0;
}

/* --- Sections ----------------------------------------------------------------------------------------------------- */

static void put_valtypes(struct wl_buf *out, struct wl_blob types) {
    wl_wasm_put_u32(out, (uint32_t)types.len);
    for (size_t i = 0; i < types.len; i++)
        wl_buf_addc(out, (char)wl_lower_valtype(types.p[i]));
}

static void put_types(struct job *j) {
    const struct wl_lower *l = &j->l;
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    wl_wasm_put_u32(&b, l->m->n_types + l->n_types);
    for (uint32_t i = 0; i < l->m->n_types + l->n_types; i++) {
        const struct wl_wasm_functype *t = i < l->m->n_types ? &l->m->types[i] : &l->types[i - l->m->n_types];

        wl_buf_addc(&b, 0x60);
        put_valtypes(&b, t->params);
        put_valtypes(&b, t->results);
    }
    wl_wasm_put_section(j->out, WL_SEC_TYPE, wl_wasm_blob(&b));
}

static void put_functions(struct job *j, const struct wl_wasm_section *s) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    for (uint32_t i = 0; i < j->n_wrappers; i++)
        wl_wasm_put_u32(&b, j->l.m->funcs[j->wrappers[i].func]);
    if (j->l.uses_refs) {
        wl_wasm_put_u32(&b, j->pack_type);
        wl_wasm_put_u32(&b, j->unpack_type);
    }
    wl_wasm_put_longer(j->out, s, WL_SEC_FUNCTION, j->n_added, &b);
}

static void put_global(struct wl_buf *out, uint8_t type) {
    wl_buf_addc(out, (char)type);
    wl_buf_addc(out, 1);
    wl_lower_put_zero(out, type);
    wl_buf_addc(out, WL_OP_END);
}

static void put_globals(struct job *j, const struct wl_wasm_section *s) {
    const struct wl_wasm_module *m = j->l.m;
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    put_global(&b, WL_WASM_I32);
    for (uint32_t i = 0; i < m->n_tags; i++)
        for (size_t k = 0; k < m->types[m->tags[i]].params.len; k++)
            put_global(&b, m->types[m->tags[i]].params.p[k]);
    wl_wasm_put_longer(j->out, s, WL_SEC_GLOBAL, j->l.payload[m->n_tags] - m->n_globals, &b);
}

static void put_imports(struct job *j) {
    const struct wl_wasm_module *m = j->l.m;
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    wl_wasm_put_u32(&b, m->n_imports - m->n_imported[WL_KIND_TAG]);
    for (uint32_t i = 0; i < m->n_imports; i++)
        if (m->imports[i].kind != WL_KIND_TAG)
            wl_buf_add(&b, m->bytes.p + m->imports[i].at, m->imports[i].end - m->imports[i].at);
    wl_wasm_put_section(j->out, WL_SEC_IMPORT, wl_wasm_blob(&b));
}

static void put_exports(struct job *j) {
    const struct wl_wasm_module *m = j->l.m;
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->n_exports; i++)
        n += m->exports[i].kind != WL_KIND_TAG;
    wl_wasm_put_u32(&b, n);
    for (uint32_t i = 0; i < m->n_exports; i++) {
        const struct wl_wasm_export *e = &m->exports[i];

        if (e->kind == WL_KIND_TAG)
            continue;
        wl_wasm_put_u32(&b, (uint32_t)e->name.len);
        wl_buf_add(&b, e->name.p, e->name.len);
        wl_buf_addc(&b, (char)e->kind);
        wl_wasm_put_u32(&b, e->kind == WL_KIND_FUNC ? wrapped(j, e->index) : e->index);
    }
    wl_wasm_put_section(j->out, WL_SEC_EXPORT, wl_wasm_blob(&b));
}

static void put_start(struct job *j) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    wl_wasm_put_u32(&b, wrapped(j, j->l.m->start));
    wl_wasm_put_section(j->out, WL_SEC_START, wl_wasm_blob(&b));
}

/* call f; global.get $flag; if; unreachable; end; end */
static void wrapper_body(struct job *j, uint32_t func, struct wl_buf *out) {
    wl_buf_addc(out, 0);
    for (uint32_t i = 0; i < wl_wasm_func_type(j->l.m, func)->params.len; i++) {
        wl_buf_addc(out, WL_OP_LOCAL_GET);
        wl_wasm_put_u32(out, i);
    }
    wl_buf_addc(out, WL_OP_CALL);
    wl_wasm_put_u32(out, func);
    wl_buf_addc(out, WL_OP_GLOBAL_GET);
    wl_wasm_put_u32(out, j->l.flag);
    wl_buf_add(out, "\x04\x40\x00\x0b\x0b", 5);
}

/* The code section; before the type section in time, because it adds types. */
static int make_code(struct job *j, struct wl_buf *ret, struct wl_err *err) {
    const struct wl_wasm_module *m = j->l.m;
    WL_AUTO(wl_buf_release) struct wl_buf body = {0};

    wl_wasm_put_u32(ret, m->n_codes + j->n_added);
    for (uint32_t i = 0; i < m->n_codes; i++) {
        uint32_t f = m->n_imported[WL_KIND_FUNC] + i;

        wl_buf_clear(&body);
        if (!j->l.may_throw[f] && !j->l.has_try[f]) {
            wl_buf_add(&body, m->bytes.p + m->codes[i].at, m->codes[i].end - m->codes[i].at);
        } else {
            if (wl_lower_body(&j->l, i, &body, err) < 0)
                return wl_err_context(err, "function %u", f);
            j->l.stats.rewritten += body.len != m->codes[i].end - m->codes[i].at;
        }
        j->l.stats.may_throw += j->l.may_throw[f];
        wl_wasm_put_u32(ret, (uint32_t)body.len);
        wl_buf_add(ret, body.p, body.len);
    }
    for (uint32_t i = 0; i < j->n_added; i++) {
        wl_buf_clear(&body);
        if (i < j->n_wrappers)
            wrapper_body(j, j->wrappers[i].func, &body);
        else if (i == j->n_wrappers)
            wl_lower_pack_body(&j->l, &body);
        else
            wl_lower_unpack_body(&j->l, &body);
        wl_wasm_put_u32(ret, (uint32_t)body.len);
        wl_buf_add(ret, body.p, body.len);
    }
    return 0;
}

/* --- Custom sections ---------------------------------------------------------------------------------------------- */

/* The name section (tool conventions, "Name Section"): 1 functions and 7 globals are completed, 3 labels and 11 tags go. */
static void put_names(struct job *j, struct wl_blob payload) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0}, funcs = {0}, globals = {0};
    struct wl_wasm_cursor c = {payload.p, 0, payload.len};
    struct wl_err ignored;

    for (uint32_t i = 0; i < j->n_wrappers; i++) {
        struct wl_blob name = j->wrappers[i].name;

        wl_wasm_put_u32(&funcs, j->l.m->n_funcs + i);
        wl_wasm_put_u32(&funcs, (uint32_t)name.len + 6);
        wl_buf_add(&funcs, name.p, name.len);
        wl_buf_adds(&funcs, ".guard");
    }
    if (j->l.uses_refs) {
        wl_wasm_put_u32(&funcs, j->l.pack);
        wl_wasm_put_name(&funcs, "__wl_pack");
        wl_wasm_put_u32(&funcs, j->l.unpack);
        wl_wasm_put_name(&funcs, "__wl_unpack");
    }
    wl_wasm_put_u32(&globals, j->l.flag);
    wl_wasm_put_name(&globals, "__wl_thrown");
    while (c.pos < c.end) {
        uint8_t id = c.p[c.pos++];
        uint32_t len;

        if (wl_wasm_u32(&c, &len, &ignored) < 0 || len > c.end - c.pos)
            break;
        if (id == 1)
            wl_wasm_put_name_map(&b, id, (struct wl_blob){c.p + c.pos, len}, j->n_added, &funcs);
        else if (id != 3 && id != 11)
            wl_wasm_put_name_map(&b, id, (struct wl_blob){c.p + c.pos, len}, id == 7, &globals);
        c.pos += len;
    }
    wl_wasm_put_custom(j->out, "name", wl_wasm_blob(&b));
}

/* target_features (tool conventions): a vector of a prefix byte and a name. */
static void put_target_features(struct job *j, struct wl_blob payload) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0}, list = {0};
    struct wl_wasm_cursor c = {payload.p, 0, payload.len};
    uint32_t n = 0, kept = 0;
    struct wl_err ignored;

    if (wl_wasm_u32(&c, &n, &ignored) < 0)
        return;
    for (uint32_t i = 0; i < n; i++) {
        size_t at = c.pos;
        uint8_t prefix;
        uint32_t len;

        if (wl_wasm_u8(&c, &prefix, &ignored) < 0 || wl_wasm_u32(&c, &len, &ignored) < 0 || len > c.end - c.pos)
            return;
        c.pos += len;
        if (wl_blob_is((struct wl_blob){c.p + c.pos - len, len}, "exception-handling"))
            continue;
        wl_buf_add(&list, c.p + at, c.pos - at);
        kept++;
    }
    wl_wasm_put_u32(&b, kept);
    wl_buf_add(&b, list.p, list.len);
    wl_wasm_put_custom(j->out, "target_features", wl_wasm_blob(&b));
}

static void put_custom(struct job *j, const struct wl_wasm_section *s) {
    if (wl_blob_is(s->name, "name"))
        put_names(j, s->payload);
    else if (wl_blob_is(s->name, "target_features"))
        put_target_features(j, s->payload);
    else if (!wl_wasm_is_offset_section(s))
        wl_wasm_put_same(j->out, j->l.m, s);
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

static void put_module(struct job *j, const struct wl_buf *code) {
    const struct wl_wasm_module *m = j->l.m;
    bool globals_done = false;

    wl_buf_add(j->out, WL_WASM_HEADER, WL_WASM_HEADER_LEN);
    for (uint32_t i = 0; i < m->n_sections; i++) {
        const struct wl_wasm_section *s = &m->sections[i];

        if (!globals_done && s->id >= WL_SEC_EXPORT && s->id != WL_SEC_TAG) {
            put_globals(j, NULL);
            globals_done = true;
        }
        switch (s->id) {
        case WL_SEC_CUSTOM:
            put_custom(j, s);
            break;
        case WL_SEC_TYPE:
            put_types(j);
            break;
        case WL_SEC_IMPORT:
            put_imports(j);
            break;
        case WL_SEC_FUNCTION:
            put_functions(j, s);
            break;
        case WL_SEC_TAG:
            break;
        case WL_SEC_GLOBAL:
            put_globals(j, s);
            globals_done = true;
            break;
        case WL_SEC_EXPORT:
            put_exports(j);
            break;
        case WL_SEC_START:
            put_start(j);
            break;
        case WL_SEC_CODE:
            wl_wasm_put_section(j->out, WL_SEC_CODE, wl_wasm_blob(code));
            break;
        default:
            wl_wasm_put_same(j->out, m, s);
        }
    }
}

static int check_input(const struct wl_wasm_module *m, struct wl_err *err) {
    if (wl_wasm_is_object(m))
        return wl_fail(err, WL_FAILED, "this is an object file; exceptions are lowered in linked modules");
    if (m->n_imported[WL_KIND_TAG] > 1)
        return wl_fail(err, WL_FAILED, "%u imported tags, which could be the same one; at most one can be lowered",
                       m->n_imported[WL_KIND_TAG]);
    return 0;
}

static int lower(struct job *j, struct wl_err *err) {
    const struct wl_wasm_module *m = j->l.m;
    WL_AUTO(wl_buf_release) struct wl_buf code = {0};
    unsigned features = 0;

    if (check_input(m, err) < 0 || wl_wasm_features(m, &features, err) < 0)
        return -1;
    j->l.stats.functions = m->n_codes;
    if (m->n_tags == 0 && !(features & (WL_WASM_F_EXCEPTIONS | WL_WASM_F_LEGACY_EXCEPTIONS))) {
        wl_buf_add(j->out, m->bytes.p, m->bytes.len);
        return 0;
    }
    if (wl_lower_check_refs(m, err) < 0 || wl_lower_scan(&j->l, err) < 0 || plan_globals(&j->l, err) < 0)
        return -1;
    plan_wrappers(j);
    if (plan_added(j, err) < 0 || make_code(j, &code, err) < 0)
        return -1;
    put_module(j, &code);
    j->l.stats.changed = true;
    return 0;
}

int wl_wasm_lower_eh(struct wl_blob in, struct wl_buf *ret, struct wl_lower_eh_stats *stats, struct wl_err *err) {
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    WL_AUTO(job_release) struct job j = {.out = ret};
    size_t before = ret->len;

    if (wl_wasm_parse(&m, in, err) < 0)
        return -1;
    j.l.m = &m;
    if (lower(&j, err) < 0) {
        ret->len = before;
        return -1;
    }
    j.l.stats.size_before = in.len;
    j.l.stats.size_after = ret->len - before;
    if (stats)
        *stats = j.l.stats;
    return 0;
}
