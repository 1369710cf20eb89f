#include "aot_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "module.h"

#define SLOTS_MAX (1u << 20) /* a larger table is left to the runtime */
#define TYPES_MAX 10000u     /* so is a module with more types: they are compared one with another */

void wl_aot_table_release(struct wl_aot_table *t) {
    free(t->slots);
    free(t->first_type);
    memset(t, 0, sizeof(*t));
}

/* Does any instruction write to a table? */
static int writes(const struct wl_wasm_module *m, bool *ret, struct wl_err *err) {
    *ret = false;
    for (uint32_t i = 0; i < m->n_codes && !*ret; i++) {
        struct wl_wasm_cursor c = wl_wasm_code_cursor(m, i);
        struct wl_wasm_insn in;

        while (c.pos < c.end && !*ret) {
            if (wl_wasm_insn_next(&c, &in, err) < 0)
                return -1;
            *ret = in.op == WL_OP_TABLE_SET || in.op == WL_OP_TABLE_INIT || in.op == WL_OP_TABLE_COPY ||
                   in.op == WL_OP_TABLE_GROW || in.op == WL_OP_TABLE_FILL;
        }
    }
    return 0;
}

/* One table of its own that nobody outside can reach. */
static bool is_private(const struct wl_wasm_module *m) {
    if (m->n_tables != 1 || m->n_imported[WL_KIND_TABLE] != 0 || m->tables[0].type != WL_WASM_FUNCREF ||
        m->tables[0].limits.min > SLOTS_MAX || m->n_types > TYPES_MAX)
        return false;
    for (uint32_t i = 0; i < m->n_exports; i++)
        if (m->exports[i].kind == WL_KIND_TABLE)
            return false;
    return true;
}

static void unify_types(const struct wl_wasm_module *m, struct wl_aot_table *t) {
    t->n_types = m->n_types;
    t->first_type = wl_calloc(m->n_types + 1, sizeof(*t->first_type));
    for (uint32_t i = 0; i < m->n_types; i++) {
        uint32_t k = 0;

        while (k < i && !(wl_blob_equal(m->types[k].params, m->types[i].params) &&
                          wl_blob_equal(m->types[k].results, m->types[i].results)))
            k++;
        t->first_type[i] = k;
    }
}

/* The segments' functions into the slots; false when one is not known. */
static bool fill(const struct wl_wasm_module *m, struct wl_aot_table *t) {
    for (uint32_t i = 0; i < m->n_elems; i++) {
        const struct wl_wasm_elem *e = &m->elems[i];

        if (e->mode != WL_ELEM_ACTIVE)
            continue;
        if (e->table != 0 || e->offset.kind != WL_CONST_INT || e->offset.value < 0 ||
            (uint64_t)e->offset.value + e->n > t->n)
            return false;
        for (uint32_t k = 0; k < e->n; k++) {
            struct wl_aot_slot *s = &t->slots[(size_t)e->offset.value + k];
            uint32_t f = e->funcs[k];

            *s = (struct wl_aot_slot){WL_AOT_NO_FUNCTION, 0};
            if (f < m->n_funcs && f >= m->n_imported[WL_KIND_FUNC])
                *s = (struct wl_aot_slot){f, t->first_type[m->funcs[f]]};
        }
    }
    return true;
}

int wl_aot_table_read(struct wl_blob module, struct wl_aot_table *ret, struct wl_err *err) {
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    WL_AUTO(wl_aot_table_release) struct wl_aot_table t = {0};
    bool written;

    if (wl_wasm_parse(&m, module, err) < 0 || writes(&m, &written, err) < 0)
        return -1;
    *ret = (struct wl_aot_table){0};
    if (written || !is_private(&m))
        return 0;
    t.n = (size_t)m.tables[0].limits.min;
    t.slots = wl_calloc(t.n + 1, sizeof(*t.slots));
    for (size_t i = 0; i < t.n; i++)
        t.slots[i].function = WL_AOT_NO_FUNCTION;
    unify_types(&m, &t);
    if (!fill(&m, &t))
        return 0;
    *ret = t;
    t = (struct wl_aot_table){0};
    return 0;
}
