#include "aot_pin.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "aot_text.h"
#include "module.h"

void wl_aot_pin_release(struct wl_aot_pin *p) {
    free(p->outside);
    memset(p, 0, sizeof(*p));
}

/* --- The module --- */

static void mark(struct wl_aot_pin *p, uint32_t f) {
    if (f < p->n_functions)
        p->outside[f] = true;
}

/* What instructions tell: functions that are named, and tail calls. */
static int look_at_code(const struct wl_wasm_module *m, struct wl_aot_pin *p, struct wl_err *err) {
    for (uint32_t i = 0; i < m->n_codes; i++) {
        struct wl_wasm_cursor c = wl_wasm_code_cursor(m, i);
        struct wl_wasm_insn in;

        while (c.pos < c.end) {
            if (wl_wasm_insn_next(&c, &in, err) < 0)
                return -1;
            if (in.op == WL_OP_REF_FUNC)
                mark(p, in.a);
            if (in.op == WL_OP_RETURN_CALL || in.op == WL_OP_RETURN_CALL_INDIRECT)
                p->on = false;
        }
    }
    return 0;
}

static void look_at_sections(const struct wl_wasm_module *m, struct wl_aot_pin *p) {
    for (uint32_t i = 0; i < m->n_exports; i++)
        if (m->exports[i].kind == WL_KIND_FUNC)
            mark(p, m->exports[i].index);
    if (m->has_start)
        mark(p, m->start);
    for (uint32_t i = 0; i < m->n_elems; i++)
        for (uint32_t k = 0; k < m->elems[i].n; k++)
            mark(p, m->elems[i].funcs[k]);
    for (uint32_t i = 0; i < m->n_funcs; i++)
        if (m->ref_funcs && m->ref_funcs[i])
            mark(p, i);
}

int wl_aot_pin_read(struct wl_blob module, struct wl_aot_pin *ret, struct wl_err *err) {
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    WL_AUTO(wl_aot_pin_release) struct wl_aot_pin p = {0};

    if (wl_wasm_parse(&m, module, err) < 0)
        return -1;
    p.on = m.n_memories == 1;
    p.n_functions = m.n_funcs;
    p.outside = wl_calloc((size_t)m.n_funcs + 1, sizeof(*p.outside));
    if (look_at_code(&m, &p, err) < 0)
        return -1;
    look_at_sections(&m, &p);
    *ret = p;
    p = (struct wl_aot_pin){0};
    return 0;
}

/* --- Writing --- */

/* In "i32 @f12(ptr noalias readonly %0, i32 %1) #1 {" what stands behind the context, ", i32 %1) ..." */
static const char *behind_context(const char *line) {
    const char *open = strchr(line, '(');
    const char *context = open ? strstr(open, " %0") : NULL;

    return context ? context + strlen(" %0") : line + strlen(line);
}

void wl_aot_pin_head(FILE *out) {
    fprintf(out, "declare void @llvm.trap()\n"
                 "define private void @wl.never() noreturn {\n"
                 "  call void @llvm.trap()\n"
                 "  unreachable\n"
                 "}\n");
}

void wl_aot_pin_outside(FILE *out, const struct wl_aot_pin *p, uint32_t f, const char *line) {
    const char *rest = behind_context(line);
    int params = (int)strcspn(rest, ")"), type = (int)(strchr(line, '@') - line);
    bool has_result = !wl_starts(line, "void ");

    if (f >= p->n_functions || !p->outside[f]) {
        fprintf(out, "@f%u = hidden alias void (), ptr @wl.never\n", f);
        return;
    }
    fprintf(out,
            "define hidden %.*s {\n"
            "  %%memories = load ptr, ptr %%0, align 8, " WL_AOT_SAME "\n"
            "  %%memory = load ptr, ptr %%memories, align 8, " WL_AOT_SAME "\n"
            "  %scall %.*s@g%u(ptr %%0, " WL_AOT_PIN " %%memory%.*s) noinline strictfp\n",
            (int)(strrchr(line, '{') - 1 - line), line, has_result ? "%result = " : "", type, line, f, params, rest);
    if (has_result)
        fprintf(out, "  ret %.*s%%result\n}\n", type, line);
    else
        fprintf(out, "  ret void\n}\n");
}

/* "i32 @f12(ptr noalias readonly %0, i32 %1) #1" as g12 with the parameter; end: where it ends. */
static void add_head(struct wl_buf *out, const char *how, const char *line, const char *end) {
    const char *at = strchr(line, '@'), *rest = behind_context(line);

    wl_buf_addf(out, "%s hidden %.*s@g%.*s, " WL_AOT_PIN " " WL_AOT_PINNED "%.*s", how, (int)(at - line), line,
                (int)(rest - at - 2), at + 2, (int)(end - rest), rest);
}

void wl_aot_pin_inside(FILE *out, const char *line) {
    WL_AUTO(wl_buf_release) struct wl_buf head = {0};

    add_head(&head, "define", line, line + strlen(line));
    fwrite(head.p, 1, head.len, out);
}

void wl_aot_pin_declare(struct wl_buf *out, const char *line) {
    add_head(out, "declare", line, strrchr(line, '{'));
    wl_buf_addc(out, '\n');
}

/* "  %26 = call i32 %22(ptr %0, i32 %5) #6", "  call void @f12(ptr %0) #6", with or without "tail" */
bool wl_aot_pin_call(FILE *out, const char *attribute, const char *line) {
    static const char first[] = "(ptr %0";
    const char *call = strstr(line, "call "), *open = call ? strstr(call, first) : NULL;
    const char *at = open;
    const char *rest, *close;

    if (!open || !strchr(open, ')') || !wl_starts(line, "  "))
        return false;
    rest = open + strlen(first);
    while (at > call && isdigit((unsigned char)at[-1]))
        at--;
    if (at == open || at - 1 <= call || (*rest != ',' && *rest != ')'))
        return false;
    if (at[-1] == 'f' && at[-2] == '@')
        fprintf(out, "%.*s@g%.*s", (int)(at - 2 - line), line, (int)(open - at), at);
    else if (at[-1] == '%')
        fprintf(out, "%.*s", (int)(open - line), line);
    else
        return false;
    close = strrchr(rest, ')') + 1;
    fprintf(out, "%s, " WL_AOT_PIN " " WL_AOT_PINNED "%.*s %s%s", first, (int)(close - rest), rest, attribute,
            *close == ' ' ? close + 1 : close);
    return true;
}
