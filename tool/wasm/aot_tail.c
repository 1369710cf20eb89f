#include "aot_tail.h"

#include <stdlib.h>
#include <string.h>

#include "../base/buf.h"
#include "../base/mem.h"

void wl_aot_tail_release(struct wl_aot_tail *tail) {
    free(tail->at);
    free(tail->has);
    memset(tail, 0, sizeof(*tail));
}

void wl_aot_tail_mark(const struct wl_aot_tail *tail, uint8_t *module) {
    for (size_t i = 0; i < tail->n; i++)
        module[tail->at[i]] = WL_OP_RETURN_CALL;
}

/* --- The module --- */

static bool is_wanted(const struct wl_wasm_module *m, const struct wl_aot_tail_want *want, uint32_t f) {
    return f >= m->n_imported[WL_KIND_FUNC] && f < m->n_funcs && f != want->loop &&
           want->first_type[m->funcs[f]] == want->type;
}

/* local.get 0; call F; and then return, or the function's end */
static bool is_tail(const struct wl_wasm_insn in[3], bool last) {
    return in[0].op == WL_OP_LOCAL_GET && in[0].a == 0 && in[1].op == WL_OP_CALL &&
           (in[2].op == WL_OP_RETURN || (in[2].op == WL_OP_END && last));
}

int wl_aot_tail_look(struct wl_aot_tail *tail, const struct wl_wasm_module *m, const struct wl_aot_tail_want *want,
                     uint32_t f, uint32_t **ret_callees, size_t *ret_n, struct wl_err *err) {
    struct wl_wasm_cursor c = wl_wasm_code_cursor(m, f - m->n_imported[WL_KIND_FUNC]);
    struct wl_wasm_insn in[3] = {{0}};
    WL_AUTOFREE uint32_t *callees = NULL;
    size_t n = 0, before = tail->n;

    while (c.pos < c.end) {
        memmove(&in[0], &in[1], 2 * sizeof(in[0]));
        if (wl_wasm_insn_next(&c, &in[2], err) < 0)
            return -1;
        if ((in[2].op == WL_OP_LOCAL_SET || in[2].op == WL_OP_LOCAL_TEE) && in[2].a == 0) {
            n = 0;
            break;
        }
        if (!is_tail(in, c.pos == c.end) || !is_wanted(m, want, in[1].a))
            continue;
        callees = wl_reallocarray(callees, n + 1, sizeof(*callees));
        callees[n++] = in[1].a;
        tail->at = wl_reallocarray(tail->at, tail->n + 1, sizeof(*tail->at));
        tail->at[tail->n++] = in[1].at;
    }
    if (n == 0)
        tail->n = before;
    tail->has[f] = n > 0;
    *ret_callees = WL_STEAL(callees);
    *ret_n = n;
    return 0;
}

/* --- The text --- */

bool wl_aot_tail_hold(struct wl_aot_tail_text *x, const char *line) {
    static const char store[] = "  store i32 %1, ptr ", load[] = " = load i32, ptr ", call[] = "call i32 @f",
                      operands[] = "(ptr %0, i32 ";
    char name[WL_AOT_NAME], place[WL_AOT_NAME];
    const char *at;
    char *rest;

    x->call[0] = '\0';
    if (x->parameter[0] == '\0' && wl_starts(line, store))
        wl_aot_text_name(line + strlen(store), x->parameter);
    if (!wl_starts(line, "  %") || !wl_aot_text_name(line + 2, name))
        return false;
    at = strstr(line, load);
    if (at && wl_aot_text_name(at + strlen(load), place) && strcmp(place, x->parameter) == 0)
        memcpy(x->state, name, sizeof(name));
    at = at ? NULL : strstr(line, call);
    if (!at || strlen(line) >= sizeof(x->call))
        return false;
    x->callee = (uint32_t)strtoul(at + strlen(call), &rest, 10);
    if (!wl_starts(rest, operands) || !wl_aot_text_name(rest + strlen(operands), place) ||
        strcmp(place, x->state) != 0 || rest[strlen(operands) + strlen(place)] != ')')
        return false;
    memcpy(x->result, name, sizeof(name));
    memcpy(x->call, line, strlen(line) + 1);
    return true;
}

bool wl_aot_tail_is(const struct wl_aot_tail_text *x, const char *line) {
    static const char ret[] = "  ret i32 ";
    size_t n = strlen(x->result);

    return x->call[0] != '\0' && wl_starts(line, ret) && strncmp(line + strlen(ret), x->result, n) == 0 &&
           line[strlen(ret) + n] == '\n';
}
