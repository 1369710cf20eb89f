#include "aot_flag.h"

#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"

#define LABELS_MAX (1u << 20) /* bytes of labels of one function */

/* --- The module --- */

/* Callee and caller: "when the one may, the other may". */
struct call {
    uint32_t callee, caller;
};

struct calls {
    struct call *p;
    size_t n, cap;
};

static void calls_release(struct calls *c) {
    free(c->p);
    memset(c, 0, sizeof(*c));
}

static void add(struct calls *c, uint32_t callee, uint32_t caller) {
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 4096;
        c->p = wl_reallocarray(c->p, c->cap, sizeof(*c->p));
    }
    c->p[c->n++] = (struct call){callee, caller};
}

/* Direct calls, and whether it writes to the global or calls through a table. */
static int look(const struct wl_wasm_module *m, uint32_t f, uint32_t global, struct calls *calls, bool *ret_sets,
                struct wl_err *err) {
    struct wl_wasm_cursor c = wl_wasm_code_cursor(m, f - m->n_imported[WL_KIND_FUNC]);
    struct wl_wasm_insn in;

    while (c.pos < c.end) {
        if (wl_wasm_insn_next(&c, &in, err) < 0)
            return -1;
        if ((in.op == WL_OP_GLOBAL_SET && in.a == global) || in.op == WL_OP_CALL_INDIRECT ||
            in.op == WL_OP_RETURN_CALL_INDIRECT)
            *ret_sets = true;
        if ((in.op == WL_OP_CALL || in.op == WL_OP_RETURN_CALL) && in.a < m->n_funcs)
            add(calls, in.a, f);
    }
    return 0;
}

int wl_aot_flag_find(const struct wl_wasm_module *m, uint32_t global, bool **ret_sets, struct wl_err *err) {
    WL_AUTOFREE bool *sets = wl_calloc((size_t)m->n_funcs + 1, sizeof(*sets));
    WL_AUTO(calls_release) struct calls calls = {0};
    bool more = true;

    for (uint32_t f = m->n_imported[WL_KIND_FUNC]; f < m->n_funcs; f++)
        if (look(m, f, global, &calls, &sets[f], err) < 0)
            return -1;
    while (more) {
        more = false;
        for (size_t i = 0; i < calls.n; i++)
            if (sets[calls.p[i].callee] && !sets[calls.p[i].caller])
                more = sets[calls.p[i].caller] = true;
    }
    *ret_sets = WL_STEAL(sets);
    return 0;
}

/* --- The text --- */

void wl_aot_flag_text_release(struct wl_aot_flag_text *x) {
    wl_buf_release(&x->clear);
    memset(x, 0, sizeof(*x));
}

/* "  %95 = icmp ne i32 %94, 0", "  br i1 %95, label %block.end, label %br_if.end40": the latter is reached with the flag clear, when
 * no other line leads there (wl_aot_flag_is_clear). */
void wl_aot_flag_note(struct wl_aot_flag_text *x, const char *line, bool is_flag) {
    static const char test[] = " = icmp ne i32 ", branch[] = "  br i1 ", label[] = ", label %";
    const char *at;
    char name[WL_AOT_NAME];

    if (is_flag) {
        if (!wl_aot_text_name(line + 2, x->value))
            x->value[0] = '\0';
        return;
    }
    at = strstr(line, test);
    if (at && wl_aot_text_name(at + strlen(test), name) && strcmp(name, x->value) == 0 &&
        wl_starts(at + strlen(test) + strlen(name), ", 0\n") && wl_aot_text_name(line + 2, name)) {
        memcpy(x->test, name, sizeof(name));
        return;
    }
    if (!wl_starts(line, branch) || !wl_aot_text_name(line + strlen(branch), name) || strcmp(name, x->test) != 0)
        return;
    at = strrchr(line, ',');
    x->clear.max = LABELS_MAX;
    if (wl_starts(at, label))
        wl_buf_addf(&x->clear, "\n%.*s:", (int)strcspn(at + strlen(label), "\n"), at + strlen(label));
}

bool wl_aot_flag_is_clear(const struct wl_aot_flag_text *x, const char *line) {
    static const char preds[] = "; preds = ";
    const char *colon = strchr(line, ':'), *from = strstr(line, preds);
    WL_AUTOFREE char *name = NULL;

    if (*line == ' ' || !colon || !from || strchr(from, ',') || x->clear.len == 0 || x->clear.overflow)
        return false;
    name = wl_sprintf("\n%.*s:", (int)(colon - line), line);
    return strstr(wl_buf_str(&x->clear), name) != NULL;
}
