/* Pieces of code that the lowering writes: constants, types, and exception references as numbers. */
#include <string.h>

#include "lower.h"

#define OP_I32_WRAP_I64 0xa7
#define OP_I64_EXTEND_I32_U 0xad
#define OP_I32_REINTERPRET_F32 0xbc
#define OP_F32_REINTERPRET_I32 0xbe

void wl_lower_put_op(struct wl_buf *out, uint32_t op, uint32_t index) {
    wl_buf_addc(out, (char)op);
    wl_wasm_put_u32(out, index);
}

void wl_lower_put_i32(struct wl_buf *out, uint32_t v) {
    wl_buf_addc(out, WL_OP_I32_CONST);
    wl_wasm_put_s64(out, (int32_t)v);
}

void wl_lower_put_zero(struct wl_buf *out, uint8_t type) {
    static const char zeros[16];

    switch (wl_lower_valtype(type)) {
    case WL_WASM_I32:
    case WL_WASM_I64:
        wl_buf_addc(out, type == WL_WASM_I32 ? WL_OP_I32_CONST : WL_OP_I64_CONST);
        wl_buf_addc(out, 0);
        break;
    case WL_WASM_F32:
        wl_buf_addc(out, WL_OP_F32_CONST);
        wl_buf_add(out, zeros, 4);
        break;
    case WL_WASM_F64:
        wl_buf_addc(out, WL_OP_F64_CONST);
        wl_buf_add(out, zeros, 8);
        break;
    case WL_WASM_V128:
        wl_buf_add(out, "\xfd\x0c", 2);
        wl_buf_add(out, zeros, 16);
        break;
    default:
        wl_buf_addc(out, (char)WL_OP_REF_NULL);
        wl_buf_addc(out, (char)type);
    }
}

uint32_t wl_lower_type(struct wl_lower *l, struct wl_blob params, struct wl_blob results) {
    for (uint32_t i = 0; i < l->m->n_types + l->n_types; i++) {
        const struct wl_wasm_functype *t = i < l->m->n_types ? &l->m->types[i] : &l->types[i - l->m->n_types];

        if (wl_blob_equal(t->params, params) && wl_blob_equal(t->results, results))
            return i;
    }
    l->types = wl_reallocarray(l->types, l->n_types + 1, sizeof(*l->types));
    l->types[l->n_types] = (struct wl_wasm_functype){params, results};
    return l->m->n_types + l->n_types++;
}

/* --- Exception references ---------------------------------------------------------------------------------------- */

static bool has_exnref(struct wl_blob types) {
    return types.len && memchr(types.p, WL_WASM_EXNREF, types.len);
}

int wl_lower_check_refs(const struct wl_wasm_module *m, struct wl_err *err) {
    const char *where = NULL;

    for (uint32_t i = 0; i < m->n_funcs; i++)
        if (has_exnref(wl_wasm_func_type(m, i)->params) || has_exnref(wl_wasm_func_type(m, i)->results))
            where = "a function's type";
    for (uint32_t i = 0; i < m->n_tags; i++)
        if (has_exnref(m->types[m->tags[i]].params))
            where = "a tag";
    for (uint32_t i = 0; i < m->n_globals; i++)
        if (m->globals[i].type == WL_WASM_EXNREF)
            where = "a global";
    for (uint32_t i = 0; i < m->n_tables; i++)
        if (m->tables[i].type == WL_WASM_EXNREF)
            where = "a table";
    for (uint32_t i = 0; i < m->n_elems; i++)
        if (m->elems[i].type == WL_WASM_EXNREF)
            where = "an element segment";
    return where ? wl_fail(err, WL_FAILED, "exception references (exnref) in %s cannot be lowered", where) : 0;
}

int wl_lower_plan_refs(struct wl_lower *l, uint32_t *next, struct wl_err *err) {
    for (uint32_t i = 0; i < l->m->n_tags; i++) {
        struct wl_blob params = l->m->types[l->m->tags[i]].params;

        if (params.len > 1 || (params.len == 1 && params.p[0] != WL_WASM_I32 && params.p[0] != WL_WASM_F32))
            return wl_fail(err, WL_FAILED,
                           "exception references (catch_ref, catch_all_ref, throw_ref) can be lowered only when no tag "
                           "carries more than 32 bits; tag %u does",
                           i);
    }
    l->pack = (*next)++;
    l->unpack = (*next)++;
    return 0;
}

/* The payload of the tag in flight, then flag << 32 | payload. */
void wl_lower_pack_body(const struct wl_lower *l, struct wl_buf *out) {
    wl_buf_addc(out, 0);
    wl_lower_put_op(out, WL_OP_GLOBAL_GET, l->flag);
    wl_buf_add(out, "\xad\x42\x20\x86", 4); /* i64.extend_i32_u, i64.const 32, i64.shl */
    for (uint32_t i = 0; i < l->m->n_tags; i++) {
        struct wl_blob params = l->m->types[l->m->tags[i]].params;

        if (params.len == 0)
            continue;
        wl_lower_put_op(out, WL_OP_GLOBAL_GET, l->payload[i]);
        if (params.p[0] == WL_WASM_F32)
            wl_buf_addc(out, (char)OP_I32_REINTERPRET_F32);
        wl_buf_addc(out, (char)OP_I64_EXTEND_I32_U);
        wl_buf_add(out, "\x42\x00", 2); /* i64.const 0 */
        wl_lower_put_op(out, WL_OP_GLOBAL_GET, l->flag);
        wl_lower_put_i32(out, i + 1);
        wl_buf_add(out, "\x46\x1b\x84", 3); /* i32.eq, select, i64.or */
    }
    wl_buf_addc(out, WL_OP_END);
}

void wl_lower_unpack_body(const struct wl_lower *l, struct wl_buf *out) {
    wl_buf_add(out, "\x00\x20\x00\x50\x04\x40\x00\x0b", 8); /* local.get 0, i64.eqz, if, unreachable, end */
    for (uint32_t i = 0; i < l->m->n_tags; i++) {
        struct wl_blob params = l->m->types[l->m->tags[i]].params;

        if (params.len == 0)
            continue;
        wl_lower_put_op(out, WL_OP_LOCAL_GET, 0);
        wl_buf_addc(out, (char)OP_I32_WRAP_I64);
        if (params.p[0] == WL_WASM_F32)
            wl_buf_addc(out, (char)OP_F32_REINTERPRET_I32);
        wl_lower_put_op(out, WL_OP_GLOBAL_SET, l->payload[i]);
    }
    wl_buf_add(out, "\x20\x00\x42\x20\x88\xa7", 6); /* local.get 0, i64.const 32, i64.shr_u, i32.wrap_i64 */
    wl_lower_put_op(out, WL_OP_GLOBAL_SET, l->flag);
    wl_buf_addc(out, WL_OP_END);
}
