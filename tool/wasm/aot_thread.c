#include "aot_thread.h"

#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "aot_pin.h"
#include "aot_text.h"
#include "module.h"

#define OP_I32_LOAD 0x28
#define OP_I32_LOAD8_U 0x2d
#define OP_I32_EQZ 0x45
#define OP_I32_GT_S 0x4a
#define OP_I32_SUB 0x6b
#define OP_LOADS 0x28 /* i32.load to i64.load32_u */
#define OP_LOADS_END 0x35
#define BLOCK_NONE (-64)
#define OFFSET_MAX 0x7fffffffu
#define GAP 16u
#define STEPS 13 /* instructions of the loop, at most */
#define AGAIN 11 /* those behind it, for another state */

void wl_aot_thread_release(struct wl_aot_thread *t) {
    free(t->body);
    free(t->sets);
    wl_aot_tail_release(&t->tail);
    wl_aot_stack_release(&t->stack);
    memset(t, 0, sizeof(*t));
}

/* --- Finding the loop --- */

/* The last instructions seen, oldest first. */
struct window {
    struct wl_wasm_insn in[STEPS];
    size_t n;
};

static void push(struct window *w, const struct wl_wasm_insn *in) {
    if (w->n == STEPS)
        memmove(&w->in[0], &w->in[1], --w->n * sizeof(w->in[0]));
    w->in[w->n++] = *in;
}

/* The offset of a plain load; false for one of another memory or too far. */
static bool load_offset(const struct wl_wasm_module *m, const struct wl_wasm_insn *in, uint32_t *ret) {
    struct wl_wasm_cursor c = {m->bytes.p, in->at + 1, in->end};
    struct wl_err err;
    uint32_t align;
    uint64_t offset;

    if ((in->op != OP_I32_LOAD && in->op != OP_I32_LOAD8_U) || wl_wasm_u32(&c, &align, &err) < 0 || align >= 0x40 ||
        wl_wasm_u64(&c, &offset, &err) < 0 || offset > OFFSET_MAX)
        return false;
    *ret = (uint32_t)offset;
    return true;
}

/* loop; get s; get s; load a; load b; call_indirect */
static bool matches_call(const struct wl_wasm_module *m, const struct wl_wasm_insn *in, struct wl_aot_thread *t) {
    if (in[0].op != WL_OP_LOOP || in[0].type != BLOCK_NONE || in[1].op != WL_OP_LOCAL_GET ||
        in[2].op != WL_OP_LOCAL_GET || in[1].a != in[2].a || in[3].op != OP_I32_LOAD || in[4].op != OP_I32_LOAD)
        return false;
    t->type = in[5].a;
    return load_offset(m, &in[3], &t->state) && load_offset(m, &in[4], &t->next) && in[5].op == WL_OP_CALL_INDIRECT &&
           in[5].b == 0;
}

/* That, then: set r; [get g; br_if]; get r; eqz; br_if 0, or the same with tee r and no g. */
static bool matches(const struct wl_wasm_module *m, const struct wl_wasm_insn *in, size_t n, struct wl_aot_thread *t) {
    size_t i = 7;

    if (n < 9 || !matches_call(m, in, t) || in[6].a == in[1].a)
        return false;
    t->has_flag = false;
    if (in[6].op == WL_OP_LOCAL_SET) {
        if (n > i + 4 && in[i].op == WL_OP_GLOBAL_GET && in[i + 1].op == WL_OP_BR_IF && in[i + 1].a != 0) {
            t->has_flag = true;
            t->flag = in[i].a;
            i += 2;
        }
        if (in[i].op != WL_OP_LOCAL_GET || in[i].a != in[6].a)
            return false;
        i++;
    } else if (in[6].op != WL_OP_LOCAL_TEE) {
        return false;
    }
    return n == i + 2 && in[i].op == OP_I32_EQZ && in[i + 1].op == WL_OP_BR_IF && in[i + 1].a == 0;
}

/* A number and a load of it: its address; false for anything else. */
static bool constant_load(const struct wl_wasm_module *m, const struct wl_wasm_insn *in, uint32_t op, uint32_t *ret) {
    uint32_t offset;

    if (in[0].op != WL_OP_I32_CONST || in[1].op != op || in[0].value < 0 || !load_offset(m, &in[1], &offset) ||
        (uint64_t)in[0].value + offset > OFFSET_MAX)
        return false;
    *ret = (uint32_t)in[0].value + offset;
    return true;
}

/* What follows: get r; 0; gt_s; if; entered; load; set s; [pending; load8_u; br_if]; br loop, or pending;
 * load8_u; eqz; br_if loop. */
static int find_again(const struct wl_wasm_module *m, struct wl_wasm_cursor c, uint32_t state, uint32_t result,
                      struct wl_aot_thread *t, struct wl_err *err) {
    struct wl_wasm_insn in[AGAIN];
    size_t n = 0, i = 7;

    while (n < AGAIN && c.pos < c.end)
        if (wl_wasm_insn_next(&c, &in[n++], err) < 0)
            return -1;
    if (n < AGAIN || in[0].op != WL_OP_LOCAL_GET || in[0].a != result || in[1].op != WL_OP_I32_CONST ||
        in[1].value != 0 || in[2].op != OP_I32_GT_S || in[3].op != WL_OP_IF || in[3].type != BLOCK_NONE ||
        !constant_load(m, &in[4], OP_I32_LOAD, &t->entered) || in[6].op != WL_OP_LOCAL_SET || in[6].a != state)
        return 0;
    t->has_pending = constant_load(m, &in[7], OP_I32_LOAD8_U, &t->pending);
    if (t->has_pending && in[9].op == OP_I32_EQZ) { /* repeat, if it is 0 */
        t->has_again = in[10].op == WL_OP_BR_IF && in[10].a == 1;
        return 0;
    }
    if (t->has_pending) {
        if (in[9].op != WL_OP_BR_IF || in[9].a <= 1)
            return 0;
        i = 10;
    }
    t->has_again = in[i].op == WL_OP_BR && in[i].a == 1;
    return 0;
}

static bool is_handler_type(const struct wl_wasm_module *m, uint32_t type) {
    const struct wl_wasm_functype *f = &m->types[type];

    return f->params.len == 1 && f->params.p[0] == WL_WASM_I32 && f->results.len == 1 && f->results.p[0] == WL_WASM_I32;
}

static bool is_flag(const struct wl_wasm_module *m, const struct wl_aot_thread *t) {
    return !t->has_flag || (t->flag < m->n_globals && m->globals[t->flag].type == WL_WASM_I32);
}

static int find_loop(const struct wl_wasm_module *m, struct wl_aot_thread *t, struct wl_err *err) {
    for (uint32_t i = 0; i < m->n_codes && !t->found; i++) {
        struct wl_wasm_cursor c = wl_wasm_code_cursor(m, i);
        struct window w = {.n = 0};
        struct wl_wasm_insn in;
        uint32_t calls = 0;

        while (c.pos < c.end) {
            if (wl_wasm_insn_next(&c, &in, err) < 0)
                return -1;
            if (in.op == WL_OP_LOOP)
                w.n = 0;
            push(&w, &in);
            calls += in.op == WL_OP_CALL_INDIRECT;
            if (!t->found && in.op == WL_OP_BR_IF && matches(m, w.in, w.n, t) && t->type < m->n_types &&
                is_handler_type(m, t->type) && is_flag(m, t)) {
                if (find_again(m, c, w.in[1].a, w.in[6].a, t, err) < 0)
                    return -1;
                t->found = true;
                t->loop = m->n_imported[WL_KIND_FUNC] + i;
            }
        }
        t->found = t->found && calls == 1;
    }
    return 0;
}

/* Does the function load(its parameter + a) before anything that can be seen or branches? Blocks alone do neither; nor does moving the
 * stack pointer, a global: should the load trap, it has not moved yet. */
static int is_early(const struct wl_wasm_module *m, const struct wl_aot_thread *t, uint32_t f, bool *ret,
                    struct wl_err *err) {
    struct wl_wasm_cursor c = wl_wasm_code_cursor(m, f - m->n_imported[WL_KIND_FUNC]);
    struct wl_wasm_insn in;
    bool got = false;
    uint32_t offset;

    *ret = false;
    while (c.pos < c.end && !*ret) {
        if (wl_wasm_insn_next(&c, &in, err) < 0)
            return -1;
        *ret = got && in.op == OP_I32_LOAD && load_offset(m, &in, &offset) && offset == t->state;
        got = in.op == WL_OP_LOCAL_GET && in.a == 0;
        if (in.op == WL_OP_BLOCK || in.op == WL_OP_LOCAL_GET || in.op == WL_OP_I32_CONST ||
            (in.op >= OP_LOADS && in.op <= OP_LOADS_END) || in.op == WL_OP_I32_ADD || in.op == OP_I32_SUB ||
            in.op == WL_OP_GLOBAL_GET || in.op == WL_OP_GLOBAL_SET)
            continue;
        if ((in.op != WL_OP_LOCAL_SET && in.op != WL_OP_LOCAL_TEE) || in.a == 0)
            return 0;
    }
    return 0;
}

static bool is_member(const struct wl_aot_thread *t, const struct wl_aot_slot *s) {
    return s->function != WL_AOT_NO_FUNCTION && s->type == t->type && s->function < t->n_functions &&
           s->function != t->loop;
}

/* The part of the table with the most functions of the type, holes of others up to GAP. */
static void find_range(struct wl_aot_thread *t, const struct wl_aot_table *table) {
    uint32_t first = 0, last = 0, members = 0, most = 0;

    for (uint32_t i = 0; i < table->n; i++) {
        if (!is_member(t, &table->slots[i]))
            continue;
        if (members == 0 || i - last > GAP) {
            first = i;
            members = 0;
        }
        last = i;
        if (++members > most) {
            most = members;
            t->first = first;
            t->n = last - first + 1;
        }
    }
}

static int add_body(const struct wl_wasm_module *m, struct wl_aot_thread *t, uint32_t f, struct wl_err *err) {
    bool early;

    if (is_early(m, t, f, &early, err) < 0)
        return -1;
    t->body[f] = early ? WL_BODY_EARLY : WL_BODY_PLAIN;
    return 0;
}

/* The tails of all bodies, and bodies for what they lead to. */
static int find_tails(const struct wl_wasm_module *m, struct wl_aot_thread *t, const struct wl_aot_table *table,
                      struct wl_err *err) {
    const struct wl_aot_tail_want want = {table->first_type, t->type, t->loop};
    WL_AUTOFREE uint32_t *queue = wl_calloc((size_t)m->n_funcs + 1, sizeof(*queue));
    size_t end = 0, n;

    t->tail.has = wl_calloc((size_t)m->n_funcs + 1, sizeof(*t->tail.has));
    for (uint32_t f = 0; f < m->n_funcs; f++)
        if (t->body[f] != WL_BODY_NONE)
            queue[end++] = f;
    for (size_t i = 0; i < end; i++) {
        WL_AUTOFREE uint32_t *callees = NULL;

        if (wl_aot_tail_look(&t->tail, m, &want, queue[i], &callees, &n, err) < 0)
            return -1;
        for (size_t k = 0; k < n; k++) {
            if (t->body[callees[k]] != WL_BODY_NONE)
                continue;
            if (add_body(m, t, callees[k], err) < 0)
                return -1;
            queue[end++] = callees[k];
        }
    }
    return 0;
}

static bool has_body(const void *arg, uint32_t f) {
    const struct wl_aot_thread *t = arg;

    return t->body[f] != WL_BODY_NONE;
}

static int find_bodies(const struct wl_wasm_module *m, struct wl_aot_thread *t, const struct wl_aot_table *table,
                       struct wl_err *err) {
    t->type = table->first_type[t->type];
    t->n_functions = m->n_funcs;
    t->body = wl_calloc(t->n_functions + 1, sizeof(*t->body));
    find_range(t, table);
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t f = table->slots[t->first + i].function;

        if (!is_member(t, &table->slots[t->first + i]) || t->body[f] != WL_BODY_NONE)
            continue;
        if (add_body(m, t, f, err) < 0)
            return -1;
        t->n_bodies++;
    }
    t->found = t->n_bodies >= WL_AOT_THREAD_LEAST;
    if (!t->found)
        return 0;
    if (t->has_flag && wl_aot_flag_find(m, t->flag, &t->sets, err) < 0)
        return -1;
    return find_tails(m, t, table, err) < 0 ? -1 : wl_aot_stack_find(m, has_body, t, &t->stack, err);
}

int wl_aot_thread_find(struct wl_blob module, const struct wl_aot_table *table, struct wl_aot_thread *ret,
                       struct wl_err *err) {
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    WL_AUTO(wl_aot_thread_release) struct wl_aot_thread t = {0};

    if (wl_wasm_parse(&m, module, err) < 0 || find_loop(&m, &t, err) < 0)
        return -1;
    t.found = t.found && table->n > 0 && m.n_memories == 1;
    if (t.found && find_bodies(&m, &t, table, err) < 0)
        return -1;
    *ret = t;
    t = (struct wl_aot_thread){0};
    return 0;
}

/* --- Writing --- */

/* How the state and its load(state + a) are handed on: as addresses, which nobody has to widen. */
#define WIDE "i64 range(i64 0, 4294967296)"

/* Reads global g into %wl.fN; its place is the n-th of the context's globals. */
static void write_flag(FILE *out, const struct wl_aot_thread *t, const char *n) {
    fprintf(out,
            "  %%wl.fa%s = getelementptr inbounds i8, ptr %%0, i64 8\n"
            "  %%wl.fb%s = load ptr, ptr %%wl.fa%s, align 8, " WL_AOT_SAME "\n"
            "  %%wl.fc%s = getelementptr inbounds ptr, ptr %%wl.fb%s, i64 %u\n"
            "  %%wl.fd%s = load ptr, ptr %%wl.fc%s, align 8, " WL_AOT_SAME "\n"
            "  %%wl.f%s = load i32, ptr %%wl.fd%s, align 4, " WL_AOT_GLOBAL "\n",
            n, n, n, n, n, t->flag, n, n, n, n);
}

static void write_offset(FILE *out, const char *table, const char *function, bool more) {
    fprintf(out, "  i32 trunc (i64 sub (i64 ptrtoint (ptr %s to i64), i64 ptrtoint (ptr %s to i64)) to i32)%s\n",
            function, table, more ? "," : "");
}

static bool is_body(const struct wl_aot_thread *t, uint32_t f) {
    return f < t->n_functions && t->body[f] != WL_BODY_NONE;
}

/* The table of bodies begins with slot 0, so that a jump need not subtract. */
static uint32_t slots(const struct wl_aot_thread *t) {
    return t->first + t->n;
}

static void write_table(FILE *out, const struct wl_aot_thread *t, const struct wl_aot_table *table) {
    char name[24];

    fprintf(out, "@wl.offsets = hidden constant [%u x i32] [\n", slots(t));
    for (uint32_t i = 0; i < slots(t); i++) {
        uint32_t f = table->slots[i].function;

        snprintf(name, sizeof(name), "@h%u", f);
        write_offset(out, "@wl.offsets", i >= t->first && is_body(t, f) ? name : "@wl.stop", i + 1 < slots(t));
    }
    fprintf(out, "], align 16\n"
                 "define hidden preserve_nonecc { i32, i32 } @wl.stop(ptr %%0, ptr %%1, " WIDE " %%2, ptr %%3, " WIDE
                 " %%4) {\n"
                 "  %%state = trunc i64 %%2 to i32\n"
                 "  %%pair = insertvalue { i32, i32 } { i32 0, i32 0 }, i32 %%state, 1\n"
                 "  ret { i32, i32 } %%pair\n"
                 "}\n");
    fprintf(out,
            "@wl.bodies = hidden global [%u x ptr] zeroinitializer, align 16\n"
            "@wl.ready = hidden global i32 0, align 4\n"
            "define hidden void @wl.prepare() cold noinline {\n"
            "start:\n"
            "  br label %%loop\n"
            "loop:\n"
            "  %%i = phi i64 [ 0, %%start ], [ %%next, %%loop ]\n"
            "  %%at = getelementptr inbounds i32, ptr @wl.offsets, i64 %%i\n"
            "  %%offset = load i32, ptr %%at, align 4\n"
            "  %%far = sext i32 %%offset to i64\n"
            "  %%body = getelementptr i8, ptr @wl.offsets, i64 %%far\n"
            "  %%to = getelementptr inbounds ptr, ptr @wl.bodies, i64 %%i\n"
            "  store atomic ptr %%body, ptr %%to monotonic, align 8\n"
            "  %%next = add i64 %%i, 1\n"
            "  %%more = icmp ult i64 %%next, %u\n"
            "  br i1 %%more, label %%loop, label %%done\n"
            "done:\n"
            "  store atomic i32 1, ptr @wl.ready release, align 4\n"
            "  ret void\n"
            "}\n",
            slots(t), slots(t));
}

void wl_aot_thread_head(FILE *out, const struct wl_aot_thread *t, const struct wl_aot_table *table, bool first) {
    if (first)
        write_table(out, t, table);
    else
        fprintf(out,
                "@wl.bodies = external hidden global [%u x ptr], align 16\n"
                "@wl.ready = external hidden global i32, align 4\n"
                "declare hidden void @wl.prepare()\n"
                "declare hidden preserve_nonecc { i32, i32 } @wl.stop(ptr, ptr, " WIDE ", ptr, " WIDE ")\n",
                slots(t));
    fprintf(out,
            "define private i32 @wl.enter(ptr %%0, ptr %%memory, i32 %%1, ptr %%plain, i32 %%index, ptr %%state) "
            "alwaysinline "
            "strictfp {\n"
            "  %%inside = icmp ult i32 %%index, %u\n"
            "  br i1 %%inside, label %%look, label %%other\n"
            "look:\n"
            "  %%at = zext i32 %%index to i64\n"
            "  %%ready = load atomic i32, ptr @wl.ready acquire, align 4\n"
            "  %%filled = icmp ne i32 %%ready, 0\n"
            "  br i1 %%filled, label %%find, label %%fill, " WL_AOT_MOSTLY "\n"
            "fill:\n"
            "  call void @wl.prepare() strictfp\n"
            "  br label %%find\n"
            "find:\n"
            "  %%slot = getelementptr inbounds ptr, ptr @wl.bodies, i64 %%at\n"
            "  %%body = load ptr, ptr %%slot, align 8\n"
            "  %%none = icmp eq ptr %%body, @wl.stop\n"
            "  br i1 %%none, label %%other, label %%go, " WL_AOT_RARELY "\n"
            "go:\n"
            "  %%wide = zext i32 %%1 to i64\n"
            "  %%place = getelementptr inbounds i8, ptr %%memory, i64 %%wide\n"
            "  %%there = getelementptr inbounds i8, ptr %%place, i64 %u\n"
            "  %%op = load i32, ptr %%there, align 1, " WL_AOT_MEMORY "\n"
            "  %%wop = zext i32 %%op to i64\n"
            "  %%pair = call preserve_nonecc { i32, i32 } %%body(ptr %%0, ptr %%memory, " WIDE
            " %%wide, ptr @wl.bodies, " WIDE " %%wop) strictfp\n"
            "  %%last = extractvalue { i32, i32 } %%pair, 1\n"
            "  store i32 %%last, ptr %%state, align 4\n"
            "  %%result = extractvalue { i32, i32 } %%pair, 0\n"
            "  ret i32 %%result\n"
            "other:\n"
            "  %%same = call i32 %%plain(ptr %%0, " WL_AOT_PIN " %%memory, i32 %%1) strictfp\n"
            "  ret i32 %%same\n"
            "}\n",
            slots(t), t->state);
}

void wl_aot_thread_define(FILE *out, const struct wl_aot_thread *t, uint32_t f, const char *line) {
    const char *attributes = strchr(line, '#');
    int n = attributes ? (int)strcspn(attributes, " {") : 0;

    fprintf(out, "define hidden i32 @g%u(ptr noalias readonly %%0, " WL_AOT_PIN " %%memory, i32 %%1) %.*s {\n", f, n,
            attributes);
    fprintf(out, "  %%wide = zext i32 %%1 to i64\n");
    if (t->body[f] == WL_BODY_EARLY)
        fprintf(out,
                "  %%place = getelementptr inbounds i8, ptr %%memory, i64 %%wide\n"
                "  %%there = getelementptr inbounds i8, ptr %%place, i64 %u\n"
                "  %%op = load i32, ptr %%there, align 1, " WL_AOT_MEMORY "\n"
                "  %%wop = zext i32 %%op to i64\n",
                t->state);
    fprintf(out,
            "  %%pair = call preserve_nonecc { i32, i32 } @w%u(ptr %%0, ptr %%memory, " WIDE " %%wide, ptr null, " WIDE
            " %s) noinline strictfp\n"
            "  %%result = extractvalue { i32, i32 } %%pair, 0\n"
            "  ret i32 %%result\n"
            "}\n"
            "define hidden preserve_nonecc { i32, i32 } @w%u(ptr noalias readonly %%0, ptr %%wl.memory, " WIDE
            " %%wl.wide, ptr %%wl.table, " WIDE " %%wl.op) %.*s {\n",
            f, t->body[f] == WL_BODY_EARLY ? "%wop" : "0", f, n, attributes);
}

void wl_aot_thread_entry(FILE *out, const struct wl_aot_thread *t, uint32_t f) {
    /* wl.short comes before wl.loaded: LLVM takes the older one of two that are equal */
    fprintf(out,
            "  %%1 = trunc i64 %%wl.wide to i32\n"
            "  %%wl.short = trunc i64 %%wl.op to i32\n"
            "  %%wl.place = getelementptr inbounds i8, ptr %%wl.memory, i64 %%wl.wide\n"
            "  %%wl.there = getelementptr inbounds i8, ptr %%wl.place, i64 %u\n",
            t->state);
    if (t->body[f] == WL_BODY_EARLY)
        fprintf(out, "  %%wl.loaded = load i32, ptr %%wl.there, align 1, " WL_AOT_MEMORY "\n"
                     "  %%wl.same = icmp eq i32 %%wl.loaded, %%wl.short\n"
                     "  call void @llvm.assume(i1 %%wl.same)\n");
    if (t->has_flag)
        fprintf(out, "  %%wl.called = alloca i1, align 1\n"
                     "  store i1 false, ptr %%wl.called, align 1\n");
}

/* The jump to the body that `state` goes on with; where: the place of load(state + a). id: a suffix of its own; other: the block for an
 * index outside. */
static void write_jump(FILE *out, const struct wl_aot_thread *t, const char *id, const char *other, const char *state,
                       const char *where) {
    fprintf(out,
            "  %%wl.op%s = load i32, ptr %s, align 1, " WL_AOT_MEMORY "\n"
            "  %%wl.ow%s = zext i32 %%wl.op%s to i64\n"
            "  %%wl.oa%s = getelementptr inbounds i8, ptr %%wl.memory, i64 %%wl.ow%s\n"
            "  %%wl.ob%s = getelementptr inbounds i8, ptr %%wl.oa%s, i64 %u\n"
            "  %%wl.i%s = load i32, ptr %%wl.ob%s, align 1, " WL_AOT_MEMORY "\n"
            "  %%wl.in%s = icmp ult i32 %%wl.i%s, %u\n"
            "  br i1 %%wl.in%s, label %%wl.go%s, label %%wl.%s, " WL_AOT_MOSTLY "\n",
            id, where, id, id, id, id, id, id, t->next, id, id, id, id, slots(t), id, id, other);
    fprintf(out,
            "wl.go%s:\n"
            "  %%wl.x%s = zext i32 %%wl.i%s to i64\n"
            "  %%wl.s%s = getelementptr inbounds ptr, ptr %%wl.table, i64 %%wl.x%s\n"
            "  %%wl.b%s = load ptr, ptr %%wl.s%s, align 8, " WL_AOT_SAME "\n"
            "  %%wl.v%s = musttail call preserve_nonecc { i32, i32 } %%wl.b%s(ptr noalias readonly %%0, ptr "
            "%%wl.memory, " WIDE " %s, ptr %%wl.table, " WIDE " %%wl.ow%s) strictfp\n"
            "  ret { i32, i32 } %%wl.v%s\n",
            id, id, id, id, id, id, id, id, id, state, id, id);
}

/* What a positive result does: the loop's next state, if nothing is pending. Without a table that is left to the caller. */
static void write_again(FILE *out, const struct wl_aot_thread *t, unsigned n) {
    char id[16], state[24], where[24], other[24];

    fprintf(out,
            "wl.more.%u:\n"
            "  %%wl.mine.%u = icmp ne ptr %%wl.table, null\n"
            "  br i1 %%wl.mine.%u, label %%wl.again.%u, label %%wl.out.%u, " WL_AOT_MOSTLY "\n"
            "wl.again.%u:\n",
            n, n, n, n, n, n);
    if (t->has_pending)
        fprintf(out,
                "  %%wl.pa.%u = getelementptr inbounds i8, ptr %%wl.memory, i64 %u\n"
                "  %%wl.pb.%u = load i8, ptr %%wl.pa.%u, align 1, " WL_AOT_MEMORY "\n"
                "  %%wl.pc.%u = icmp eq i8 %%wl.pb.%u, 0\n"
                "  br i1 %%wl.pc.%u, label %%wl.enter.%u, label %%wl.out.%u, " WL_AOT_MOSTLY "\n"
                "wl.enter.%u:\n",
                n, t->pending, n, n, n, n, n, n, n, n);
    fprintf(out,
            "  %%wl.na.%u = getelementptr inbounds i8, ptr %%wl.memory, i64 %u\n"
            "  %%wl.nb.%u = load i32, ptr %%wl.na.%u, align 1, " WL_AOT_MEMORY "\n"
            "  %%wl.nc.%u = zext i32 %%wl.nb.%u to i64\n"
            "  %%wl.nd.%u = getelementptr inbounds i8, ptr %%wl.memory, i64 %%wl.nc.%u\n"
            "  %%wl.ne.%u = getelementptr inbounds i8, ptr %%wl.nd.%u, i64 %u\n",
            n, t->entered, n, n, n, n, n, n, n, n, t->state);
    snprintf(id, sizeof(id), ".a%u", n);
    snprintf(state, sizeof(state), "%%wl.nc.%u", n);
    snprintf(where, sizeof(where), "%%wl.ne.%u", n);
    snprintf(other, sizeof(other), "out.%u", n);
    write_jump(out, t, id, other, state, where);
}

void wl_aot_thread_declare(struct wl_buf *out, const struct wl_aot_thread *t, uint32_t f) {
    if (is_body(t, f))
        for (const char *name = "hw"; *name; name++)
            wl_buf_addf(out, "declare hidden preserve_nonecc { i32, i32 } @%c%u(ptr, ptr, " WIDE ", ptr, " WIDE ")\n",
                        *name, f);
}

void wl_aot_thread_tail(FILE *out, const struct wl_aot_thread *t, uint32_t f, unsigned n) {
    char op[24] = "poison";

    if (t->body[f] == WL_BODY_EARLY) {
        snprintf(op, sizeof(op), "%%wl.tw.%u", n);
        fprintf(out,
                "  %%wl.to.%u = load i32, ptr %%wl.there, align 1, " WL_AOT_MEMORY "\n"
                "  %s = zext i32 %%wl.to.%u to i64\n",
                n, op, n);
    }
    fprintf(
        out,
        "  %%wl.t.%u = musttail call preserve_nonecc { i32, i32 } @w%u(ptr noalias readonly %%0, ptr %%wl.memory, " WIDE
        " %%wl.wide, ptr %%wl.table, " WIDE " %s) strictfp\n"
        "  ret { i32, i32 } %%wl.t.%u\n",
        n, f, op, n);
}

void wl_aot_thread_whole(FILE *out, uint32_t f, size_t n) {
    fprintf(out,
            "  %%wl.w.%zu = musttail call preserve_nonecc { i32, i32 } @w%u(ptr noalias readonly %%0, ptr "
            "%%wl.memory, " WIDE " %%wl.wide, ptr %%wl.table, " WIDE " %%wl.op) strictfp\n"
            "  ret { i32, i32 } %%wl.w.%zu\n",
            n, f, n);
}

void wl_aot_thread_same(FILE *out, uint32_t f) {
    fprintf(out, "@h%u = hidden alias { i32, i32 } (ptr, ptr, i64, ptr, i64), ptr @w%u\n", f, f);
}

bool wl_aot_thread_is_call(const char *line) {
    const char *call = strstr(line, "call ");
    const char *name = call ? strpbrk(call, "@%(") : NULL;

    return name && !wl_starts(name, "@llvm.") && !wl_starts(name, "@wl.");
}

/* Calls of the module's functions have the context as their first operand. */
static bool may_set(const struct wl_aot_thread *t, const char *line) {
    const char *at = strstr(line, "@f");
    unsigned long f = at ? strtoul(at + 2, NULL, 10) : UINT32_MAX;

    return strstr(line, "(ptr %0") && (!t->sets || f >= t->n_functions || t->sets[f]);
}

void wl_aot_thread_clear(FILE *out, const struct wl_aot_thread *t) {
    if (t->has_flag)
        fprintf(out, "  store i1 false, ptr %%wl.called, align 1\n");
}

void wl_aot_thread_called(FILE *out, const struct wl_aot_thread *t, const char *line) {
    if (t->has_flag && wl_aot_thread_is_call(line) && may_set(t, line))
        fprintf(out, "  store i1 true, ptr %%wl.called, align 1\n");
}

bool wl_aot_thread_return(FILE *out, const struct wl_aot_thread *t, const char *line, unsigned n) {
    static const char ret[] = "  ret i32 ";
    const char *v = line + strlen(ret);
    const char *more = t->has_again ? "more" : "out";
    char id[16], none[24];
    int len;

    if (strncmp(line, ret, strlen(ret)) != 0)
        return false;
    len = (int)strcspn(v, "\n");
    if (t->has_flag) {
        snprintf(id, sizeof(id), ".%u", n);
        fprintf(out,
                "  %%wl.d.%u = load i1, ptr %%wl.called, align 1\n"
                "  br i1 %%wl.d.%u, label %%wl.ask.%u, label %%wl.on.%u\n"
                "wl.ask.%u:\n",
                n, n, n, n, n);
        write_flag(out, t, id);
        fprintf(out, "  %%wl.c.%u = icmp eq i32 %%wl.f.%u, 0\n  br i1 %%wl.c.%u, label %%wl.on.%u, label %%wl.out.%u\n",
                n, n, n, n, n);
    } else {
        fprintf(out, "  br label %%wl.on.%u\n", n);
    }
    fprintf(out,
            "wl.on.%u:\n"
            "  %%wl.z.%u = icmp eq i32 %.*s, 0\n"
            "  br i1 %%wl.z.%u, label %%wl.zero.%u, label %%wl.not.%u\n"
            "wl.not.%u:\n"
            "  %%wl.p.%u = icmp sgt i32 %.*s, 0\n"
            "  br i1 %%wl.p.%u, label %%wl.%s.%u, label %%wl.out.%u\n"
            "wl.zero.%u:\n"
            "  %%wl.m.%u = icmp ne ptr %%wl.table, null\n"
            "  br i1 %%wl.m.%u, label %%wl.next.%u, label %%wl.none.%u, " WL_AOT_MOSTLY "\n"
            "wl.none.%u:\n"
            "  %%wl.rz.%u = insertvalue { i32, i32 } { i32 0, i32 poison }, i32 %%1, 1\n"
            "  ret { i32, i32 } %%wl.rz.%u\n"
            "wl.next.%u:\n",
            n, n, len, v, n, n, n, n, n, len, v, n, more, n, n, n, n, n, n, n, n, n, n, n);
    snprintf(id, sizeof(id), ".z%u", n);
    snprintf(none, sizeof(none), "none.%u", n);
    write_jump(out, t, id, none, "%wl.wide", "%wl.there");
    if (t->has_again)
        write_again(out, t, n);
    fprintf(out,
            "wl.out.%u:\n"
            "  %%wl.ra.%u = insertvalue { i32, i32 } poison, i32 %.*s, 0\n"
            "  %%wl.rb.%u = insertvalue { i32, i32 } %%wl.ra.%u, i32 %%1, 1\n"
            "  ret { i32, i32 } %%wl.rb.%u\n",
            n, n, len, v, n, n, n);
    return true;
}
