#include "aot_stack.h"

#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "aot_text.h"

#define OP_I32_SUB 0x6b

void wl_aot_stack_release(struct wl_aot_stack *s) {
    free(s->moves);
    memset(s, 0, sizeof(*s));
}

/* global.get G; i32.const; i32.sub; local.tee; global.set G */
static bool lowers(const struct wl_wasm_insn in[5]) {
    return in[0].op == WL_OP_GLOBAL_GET && in[1].op == WL_OP_I32_CONST && in[1].value > 0 && in[2].op == OP_I32_SUB &&
           in[3].op == WL_OP_LOCAL_TEE && in[4].op == WL_OP_GLOBAL_SET && in[4].a == in[0].a;
}

/* Counts the globals that the function lowers, or, with counts NULL, tells whether it writes to one. */
static int look(const struct wl_wasm_module *m, uint32_t f, uint32_t *counts, uint32_t global, bool *ret_writes,
                struct wl_err *err) {
    struct wl_wasm_cursor c = wl_wasm_code_cursor(m, f - m->n_imported[WL_KIND_FUNC]);
    struct wl_wasm_insn in[5] = {{0}};

    while (c.pos < c.end) {
        memmove(&in[0], &in[1], 4 * sizeof(in[0]));
        if (wl_wasm_insn_next(&c, &in[4], err) < 0)
            return -1;
        if (in[4].op != WL_OP_GLOBAL_SET || in[4].a >= m->n_globals)
            continue;
        if (counts && lowers(in) && m->globals[in[4].a].type == WL_WASM_I32)
            counts[in[4].a]++;
        if (in[4].a == global)
            *ret_writes = true;
    }
    return 0;
}

int wl_aot_stack_find(const struct wl_wasm_module *m, bool (*looks_at)(const void *arg, uint32_t f), const void *arg,
                      struct wl_aot_stack *ret, struct wl_err *err) {
    WL_AUTOFREE uint32_t *counts = wl_calloc((size_t)m->n_globals + 1, sizeof(*counts));
    WL_AUTO(wl_aot_stack_release) struct wl_aot_stack s = {0};
    bool ignored = false;

    s.moves = wl_calloc((size_t)m->n_funcs + 1, sizeof(*s.moves));
    for (uint32_t f = m->n_imported[WL_KIND_FUNC]; f < m->n_funcs; f++)
        if (looks_at(arg, f) && look(m, f, counts, UINT32_MAX, &ignored, err) < 0)
            return -1;
    for (uint32_t g = 0; g < m->n_globals; g++)
        if (counts[g] >= WL_AOT_STACK_LEAST && (!s.found || counts[g] > counts[s.global])) {
            s.found = true;
            s.global = g;
        }
    for (uint32_t f = m->n_imported[WL_KIND_FUNC]; s.found && f < m->n_funcs; f++)
        if (looks_at(arg, f) && look(m, f, NULL, s.global, &s.moves[f], err) < 0)
            return -1;
    *ret = s;
    s = (struct wl_aot_stack){0};
    return 0;
}

void wl_aot_stack_entry(FILE *out, const struct wl_aot_stack *s) {
    fprintf(out,
            "  " WL_AOT_STACK_PLACE " = alloca i32, align 4\n"
            "  %%wl.spa = getelementptr inbounds i8, ptr %%0, i64 8\n"
            "  %%wl.spb = load ptr, ptr %%wl.spa, align 8, " WL_AOT_SAME "\n"
            "  %%wl.spc = getelementptr inbounds ptr, ptr %%wl.spb, i64 %u\n"
            "  %%wl.spg = load ptr, ptr %%wl.spc, align 8, " WL_AOT_SAME "\n"
            "  %%wl.spv = load i32, ptr %%wl.spg, align 4, " WL_AOT_GLOBAL "\n"
            "  store i32 %%wl.spv, ptr " WL_AOT_STACK_PLACE ", align 4\n",
            s->global);
}

void wl_aot_stack_before(FILE *out, unsigned n) {
    fprintf(out,
            "  %%wl.sp.%u = load i32, ptr " WL_AOT_STACK_PLACE ", align 4\n"
            "  store i32 %%wl.sp.%u, ptr %%wl.spg, align 4, " WL_AOT_GLOBAL "\n",
            n, n);
}

void wl_aot_stack_behind(FILE *out) {
    fprintf(out, "  store i32 %%wl.spv, ptr %%wl.spg, align 4, " WL_AOT_GLOBAL "\n");
}
