#include "aot_body.h"

#include <stdlib.h>
#include <string.h>

#include "../base/buf.h"

static bool is_pinned(const struct wl_aot_how *how) {
    return how->pin && how->pin->on;
}

static bool is_threaded(const struct wl_aot_how *how) {
    return is_pinned(how) && how->thread && how->thread->found;
}

/* The lookup, a copy for every part. The runtime is only asked where it has to be, and what is found is known to be a function. */
static void write_lookup(FILE *out, size_t n) {
    fprintf(out,
            "define private ptr @wl.lookup(i32 %%type, i32 %%index) alwaysinline strictfp {\n"
            "  %%inside = icmp ult i32 %%index, %zu\n"
            "  br i1 %%inside, label %%look, label %%ask, " WL_AOT_MOSTLY "\n"
            "look:\n"
            "  %%wide = zext i32 %%index to i64\n"
            "  %%slot = getelementptr inbounds [%zu x { i32, i32 }], ptr @wl.table, i64 0, i64 %%wide\n"
            "  %%has = load i32, ptr %%slot, align 4, " WL_AOT_SAME "\n"
            "  %%same = icmp eq i32 %%has, %%type\n"
            "  br i1 %%same, label %%direct, label %%ask, " WL_AOT_MOSTLY "\n"
            "direct:\n"
            "  %%at = getelementptr inbounds i8, ptr %%slot, i64 4\n"
            "  %%offset = load i32, ptr %%at, align 4, " WL_AOT_SAME "\n"
            "  %%far = sext i32 %%offset to i64\n"
            "  %%found = getelementptr i8, ptr @wl.table, i64 %%far\n"
            "  %%some = icmp ne ptr %%found, null\n"
            "  call void @llvm.assume(i1 %%some)\n"
            "  br label %%done\n"
            "ask:\n"
            "  %%functions = load ptr, ptr @intrinsics, align 8, " WL_AOT_SAME "\n"
            "  %%place = getelementptr inbounds ptr, ptr %%functions, i64 %u\n"
            "  %%host = load ptr, ptr %%place, align 8, " WL_AOT_SAME "\n"
            "  %%asked = tail call ptr %%host(i32 0, i32 %%type, i32 %%index) strictfp\n"
            "  br label %%done\n"
            "done:\n"
            "  %%result = phi ptr [ %%found, %%direct ], [ %%asked, %%ask ]\n"
            "  ret ptr %%result\n"
            "}\n",
            n, n, WL_AOT_INTRINSIC_LOOKUP);
}

/* The table: a type and the function's distance from the table's start. No type has an empty slot's number. */
static void write_table(FILE *out, const struct wl_aot_how *how) {
    const struct wl_aot_table *t = how->table;

    fprintf(out, "@wl.table = hidden constant [%zu x { i32, i32 }] [", t->n);
    for (size_t i = 0; i < t->n; i++) {
        const struct wl_aot_slot *s = &t->slots[i];

        if (s->function == WL_AOT_NO_FUNCTION)
            fprintf(out, "%s\n  { i32, i32 } { i32 -1, i32 0 }", i ? "," : "");
        else
            fprintf(out,
                    "%s\n  { i32, i32 } { i32 %u, i32 trunc (i64 sub (i64 ptrtoint (ptr @%c%u to i64), "
                    "i64 ptrtoint (ptr @wl.table to i64)) to i32) }",
                    i ? "," : "", s->type, is_pinned(how) ? 'g' : 'f', s->function);
    }
    fprintf(out, "\n], align 8\n");
}

/* "  %65 = tail call ptr %64(i32 0, i32 2, i32 %61) #6", in places without "tail": the runtime is asked for the function of type 2
 * at %61 in table 0. No other call in this IR gives a pointer for three numbers. Written anew with the lookup; false for other
 * lines. */
static bool write_indirect(FILE *out, const struct wl_aot_body *b, const char *line) {
    static const char call[] = "call ptr %", zero[] = "(i32 0, i32 ";
    const char *at = wl_starts(line, "  %") ? strstr(line, call) : NULL;
    const struct wl_aot_table *t = b->how->table;
    const char *host, *rest, *type;
    unsigned long number;
    char *behind;
    size_t n;

    if (!at || at - line > 24)
        return false;
    host = at + strlen(call);
    n = strspn(host, "0123456789");
    rest = host + n;
    if (n == 0 || !wl_starts(rest, zero) || b->text.intrinsic != WL_AOT_INTRINSIC_LOOKUP ||
        strlen(b->text.host) != n + 1 || strncmp(b->text.host, host - 1, n + 1) != 0)
        return false;
    type = rest + strlen(zero);
    number = strtoul(type, &behind, 10);
    if (behind == type || !wl_starts(behind, ", i32 ") || !strchr(behind, ')') || number >= t->n_types)
        return false;
    fprintf(out, "%.*scall ptr @wl.lookup(i32 %u%s", (int)(at - line), line, t->first_type[number], behind);
    return true;
}

/* "  %24 = load i32, ptr %3, align 4": notes that %24 is what the variable at %3 holds. */
static void note_read(struct wl_aot_body *b, const char *line) {
    static const char load[] = " = load i32, ptr ";
    size_t i = b->n_reads % WL_AOT_READS;
    const char *at = strstr(line, load);

    if (at && wl_aot_text_name(line + 2, b->reads[i].value) && wl_aot_text_name(at + strlen(load), b->reads[i].place))
        b->n_reads++;
}

static const char *place_of(const struct wl_aot_body *b, const char *value) {
    for (size_t i = 0; i < WL_AOT_READS && i < b->n_reads; i++)
        if (strcmp(b->reads[i].value, value) == 0)
            return b->reads[i].place;
    return NULL;
}

/* In the interpreter's loop: the call of the function that was found is the entry into the bodies. Its lines, in this order:
 *   %24 = load i32, ptr %3, align 4                the state
 *   %41 = call ptr %40(i32 0, i32 2, i32 %37)      the lookup of index %37
 *   %45 = call i32 %41(ptr %0, i32 %24) #6 */
static bool write_enter(struct wl_aot_body *b, FILE *out, const char *line) {
    static const char lookup[] = "call ptr %", call[] = "call i32 %", operands[] = "(ptr %0, i32 ";
    const char *at = strstr(line, lookup), *place, *rest;
    char function[WL_AOT_NAME], state[WL_AOT_NAME];

    note_read(b, line);
    if (at && !wl_aot_text_name(strrchr(at, '%'), b->index))
        b->index[0] = '\0';
    at = at ? NULL : strstr(line, call);
    if (!at || b->index[0] == '\0' || !wl_aot_text_name(at + strlen(call) - 1, function))
        return false;
    rest = at + strlen(call) - 1 + strlen(function);
    if (!wl_starts(rest, operands) || !wl_aot_text_name(rest + strlen(operands), state))
        return false;
    place = place_of(b, state);
    rest += strlen(operands) + strlen(state);
    if (!place || *rest != ')')
        return false;
    fprintf(out, "%.*scall i32 @wl.enter(ptr %%0, ptr " WL_AOT_PINNED ", i32 %s, ptr %s, i32 %s, ptr %s%s",
            (int)(at - line), line, state, function, b->index, place, rest);
    b->index[0] = '\0';
    return true;
}

bool wl_aot_body_is_threaded(const struct wl_aot_how *how, uint32_t f) {
    return is_threaded(how) && f < how->thread->n_functions && how->thread->body[f] != WL_BODY_NONE;
}

bool wl_aot_body_is_hot(const struct wl_aot_how *how, uint32_t f) {
    const struct wl_aot_thread *t = how->thread;

    return wl_aot_body_is_threaded(how, f) || (is_threaded(how) && f == t->loop);
}

void wl_aot_body_head(FILE *out, const struct wl_aot_how *how, bool first) {
    fprintf(out, "declare void @llvm.assume(i1)\n");
    if (how->table->n > 0) {
        if (first)
            write_table(out, how);
        else
            fprintf(out, "@wl.table = external hidden constant [%zu x { i32, i32 }], align 8\n", how->table->n);
        write_lookup(out, how->table->n);
    }
    wl_aot_text_head(out, first, is_pinned(how));
    if (is_pinned(how))
        wl_aot_pin_head(out);
    if (is_threaded(how))
        wl_aot_thread_head(out, how->thread, how->table, first);
}

unsigned long wl_aot_body_scratch(const char *line) {
    static const char alloca_of[] = " = alloca i8, i64 ";
    const char *at = wl_starts(line, "  %") ? strstr(line, alloca_of) : NULL;
    unsigned long n = at ? strtoul(at + strlen(alloca_of), NULL, 10) : 0;

    return n <= WL_AOT_SCRATCH_MAX ? n : 0;
}

/* Room that the first block sets aside once, for what a later block takes anew whenever it runs (the operands of a call
 * that the runtime makes, and its results): no later block needs it at the same time. */
static bool write_scratch(struct wl_aot_body *b, FILE *out, const char *line) {
    unsigned long n = wl_aot_body_scratch(line);

    if (n == 0 || b->first_block || n > b->scratch || b->n_scratch == WL_AOT_SCRATCHES)
        return false;
    fprintf(out, "%.*s = getelementptr inbounds i8, ptr %%wl.scratch.%u, i64 0\n", (int)(strstr(line, " = ") - line),
            line, b->n_scratch++);
    return true;
}

static void write_entry(struct wl_aot_body *b, FILE *out, const char *line) {
    fprintf(out, "%s", line);
    for (unsigned i = 0; i < WL_AOT_SCRATCHES && b->scratch > 0; i++)
        fprintf(out, "  %%wl.scratch.%u = alloca i8, i64 %lu, align 16\n", i, b->scratch);
    if (b->threaded)
        wl_aot_thread_entry(out, b->how->thread, b->function);
    if (b->moves)
        wl_aot_stack_entry(out, &b->how->thread->stack);
    b->entry = false;
}

void wl_aot_body_release(struct wl_aot_body *b) {
    wl_aot_flag_text_release(&b->flag);
}

void wl_aot_body_define(struct wl_aot_body *b, FILE *out, uint32_t f, unsigned long scratch, const char *line) {
    const struct wl_aot_thread *t = b->how->thread;

    b->function = f;
    b->pinned = is_pinned(b->how) && f != UINT32_MAX;
    b->threaded = wl_aot_body_is_threaded(b->how, f);
    b->is_loop = is_threaded(b->how) && f == t->loop;
    b->tails = b->threaded && t->tail.has && t->tail.has[f];
    b->moves = b->threaded && t->stack.found && t->stack.moves[f];
    b->tail = (struct wl_aot_tail_text){0};
    wl_aot_flag_text_release(&b->flag);
    b->n_tails = b->n_calls = 0;
    b->entry = true;
    b->scratch = scratch;
    b->n_returns = 0;
    b->index[0] = '\0';
    b->n_reads = 0;
    b->first_block = true;
    b->n_scratch = 0;
    wl_aot_text_start(&b->text, b->how->loads, b->pinned);
    b->text.has_stack = b->moves;
    b->text.stack = b->moves ? t->stack.global : 0;
    if (b->pinned)
        wl_aot_pin_outside(out, b->how->pin, f, line);
    if (b->threaded)
        wl_aot_thread_define(out, t, f, line);
    else if (b->pinned)
        wl_aot_pin_inside(out, line);
    else
        fprintf(out, "define hidden %s", line);
}

/* A line behind the first, as it stands. */
static void write_line(struct wl_aot_body *b, FILE *out, const char *line) {
    bool around = b->moves && wl_aot_thread_is_call(line);

    if (around)
        wl_aot_stack_before(out, b->n_calls++);
    if (write_scratch(b, out, line)) {
        return;
    } else if (b->threaded && wl_aot_thread_return(out, b->how->thread, line, b->n_returns)) {
        b->n_returns++;
    } else if (b->is_loop && write_enter(b, out, line)) {
        return;
    } else if (b->how->table->n > 0 && write_indirect(out, b, line)) {
        b->n_lookups++;
    } else if ((!b->pinned || !wl_aot_pin_call(out, b->threaded ? "cold " : "", line)) &&
               !wl_aot_text_line(&b->text, out, line)) {
        fprintf(out, "%s", line);
    }
    if (around)
        wl_aot_stack_behind(out);
    if (!b->threaded)
        return;
    wl_aot_thread_called(out, b->how->thread, line);
    wl_aot_flag_note(&b->flag, line, wl_aot_text_reads(&b->text, line, b->how->thread->flag));
    if (wl_aot_flag_is_clear(&b->flag, line))
        wl_aot_thread_clear(out, b->how->thread);
}

/* Of a function with tails: a call may be one, which the next line tells. True: the line is dealt with. */
static bool write_tail(struct wl_aot_body *b, FILE *out, const char *line) {
    const struct wl_aot_thread *t = b->how->thread;
    char call[WL_AOT_TAIL_LINE];

    if (wl_aot_tail_is(&b->tail, line)) {
        b->tail.call[0] = '\0';
        wl_aot_thread_tail(out, t, b->tail.callee, b->n_tails++);
        return true;
    }
    memcpy(call, b->tail.call, sizeof(call));
    if (call[0] != '\0')
        write_line(b, out, call);
    return wl_aot_tail_hold(&b->tail, line) && b->tail.callee < t->n_functions &&
           t->body[b->tail.callee] != WL_BODY_NONE;
}

void wl_aot_body_line(struct wl_aot_body *b, FILE *out, const char *line) {
    if (b->entry) { /* the label of the first block */
        write_entry(b, out, line);
        return;
    }
    if (b->tails && write_tail(b, out, line))
        return;
    b->tail.call[0] = '\0';
    if (*line != ' ' && *line != '\n' && *line != ';') { /* that of another one */
        b->first_block = false;
        b->n_scratch = 0;
    }
    write_line(b, out, line);
}
