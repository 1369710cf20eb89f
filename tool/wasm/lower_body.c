/* Rewriting one function body. Instructions that stay as they are get copied in runs; labels are kept track of on both
 * sides, because every handler adds one. */
#include <string.h>

#include "lower.h"

/* Instructions looked at behind a call to see whether the function just ends there. */
#define MAX_TAIL 12

struct frame {
    uint32_t op;    /* WL_OP_BLOCK, ...; WL_OP_RETURN for the function itself */
    uint32_t label; /* its label in the output, counted from outside */
    uint32_t outer; /* try_table: the handler outside */
    size_t after;   /* offset behind its end */
    size_t vec;     /* try_table: its clauses */
    uint32_t vec_n;
    bool caught; /* try_table: somebody branches to its dispatch */
};

struct body {
    struct wl_lower *l;
    struct wl_buf *out;
    uint32_t code;
    size_t copied; /* the source is in the output up to here */
    struct frame *frames;
    uint32_t depth, cap_frames;
    uint32_t n_open;  /* labels open in the output */
    uint32_t handler; /* label that exceptions go to now */
    uint32_t n_tries; /* try_tables around */
    bool wrap;        /* the body stands in a block whose end returns zeros */
    bool unwinds;     /* somebody branched to the end of the function with an exception */
    bool jumped;      /* the last instruction does not continue */
    size_t *after;    /* offsets behind the end of every block, in order of their starts */
    size_t n_after, cap_after, next_after;
};

static void body_release(struct body *b) {
    free(b->frames);
    free(b->after);
}

static const uint8_t *src(const struct body *b) {
    return b->l->m->bytes.p;
}

static const struct wl_wasm_functype *type_of(const struct body *b) {
    return wl_wasm_func_type(b->l->m, b->l->m->n_imported[WL_KIND_FUNC] + b->code);
}

/* --- Output ------------------------------------------------------------------------------------------------------ */

static void flush(struct body *b, size_t upto) {
    wl_buf_add(b->out, src(b) + b->copied, upto - b->copied);
    b->copied = upto;
}

static void put_op(struct body *b, uint32_t op, uint32_t index) {
    wl_lower_put_op(b->out, op, index);
}

static void put_i32(struct body *b, uint32_t v) {
    wl_lower_put_i32(b->out, v);
}

/* A branch to the handler of this place. */
static void put_unwind(struct body *b, uint32_t op) {
    put_op(b, op, b->n_open - 1 - b->handler);
    if (b->n_tries == 0)
        b->unwinds = true;
    for (uint32_t i = b->depth; b->n_tries > 0 && i-- > 0;)
        if (b->frames[i].op == WL_OP_TRY_TABLE) {
            b->frames[i].caught = true;
            break;
        }
}

/* --- Does the function just end here? ---------------------------------------------------------------------------- */

/* Instructions that neither trap nor have an effect beyond locals and operands; running them on the way of an exception
 * does no harm. */
static bool is_harmless(const struct body *b, const struct wl_wasm_insn *in) {
    uint32_t op = in->op;

    if (op == WL_OP_NOP || op == WL_OP_DROP || op == WL_OP_SELECT ||
        (op >= WL_OP_LOCAL_GET && op <= WL_OP_GLOBAL_GET) || (op >= WL_OP_I32_CONST && op <= WL_OP_F64_CONST))
        return true;
    if (op == WL_OP_GLOBAL_SET)
        return b->l->frees_sp && in->a == b->l->sp;
    if ((op >= 0x6d && op <= 0x70) || (op >= 0x7f && op <= 0x82)) /* integer division and remainder */
        return false;
    if ((op >= 0xa8 && op <= 0xab) || (op >= 0xae && op <= 0xb1)) /* trapping truncation */
        return false;
    return op >= 0x45 && op <= 0xc4;
}

/* True when from offset pos on nothing happens but the end of the function (outside of any try_table). */
static bool ends_here(const struct body *b, size_t pos) {
    struct wl_wasm_cursor c = {src(b), pos, b->l->m->codes[b->code].end};
    uint32_t depth = b->depth;

    for (int i = 0; i < MAX_TAIL && b->n_tries == 0; i++) {
        struct wl_wasm_insn in;
        struct wl_err ignored;

        if (wl_wasm_insn_next(&c, &in, &ignored) < 0)
            return false;
        if (in.op == WL_OP_RETURN)
            return true;
        if (in.op == WL_OP_END) {
            if (--depth == 0)
                return true;
        } else if (in.op == WL_OP_ELSE) {
            c.pos = b->frames[--depth].after;
        } else if (in.op == WL_OP_BR && in.a < depth) {
            depth -= in.a + 1;
            if (depth == 0)
                return true;
            if (b->frames[depth].op == WL_OP_LOOP)
                return false;
            c.pos = b->frames[depth].after;
        } else if (!is_harmless(b, &in)) {
            return false;
        }
    }
    return false;
}

/* Notes where the blocks end. */
static int find_ends(struct body *b, struct wl_err *err) {
    struct wl_wasm_cursor c = wl_wasm_code_cursor(b->l->m, b->code);
    WL_AUTOFREE size_t *open = NULL;
    size_t n = 0, cap = 0;

    while (c.pos < c.end) {
        struct wl_wasm_insn in;

        if (wl_wasm_insn_next(&c, &in, err) < 0)
            return -1;
        if (in.op == WL_OP_END && n > 0)
            b->after[open[--n]] = c.pos;
        if (in.op != WL_OP_BLOCK && in.op != WL_OP_LOOP && in.op != WL_OP_IF && in.op != WL_OP_TRY_TABLE)
            continue;
        if (b->n_after == b->cap_after) {
            b->cap_after = b->cap_after ? b->cap_after * 2 : 64;
            b->after = wl_reallocarray(b->after, b->cap_after, sizeof(*b->after));
        }
        if (n == cap) {
            cap = cap ? cap * 2 : 64;
            open = wl_reallocarray(open, cap, sizeof(*open));
        }
        open[n++] = b->n_after++;
    }
    return 0;
}

/* --- Blocks ------------------------------------------------------------------------------------------------------- */

static struct frame *push(struct body *b, const struct wl_wasm_insn *in) {
    struct frame *f;

    if (b->depth == b->cap_frames) {
        b->cap_frames = b->cap_frames ? b->cap_frames * 2 : 64;
        b->frames = wl_reallocarray(b->frames, b->cap_frames, sizeof(*b->frames));
    }
    f = &b->frames[b->depth];
    *f = (struct frame){.op = in->op, .label = b->n_open++, .vec = in->vec, .vec_n = in->vec_n};
    if (b->depth++ > 0)
        f->after = b->after[b->next_after++];
    return f;
}

/* try_table T clauses ...   ->   block T (its label), block (T's parameters) (the dispatch's label) ... */
static void lower_try(struct body *b, const struct wl_wasm_insn *in) {
    struct frame *f;

    flush(b, in->at);
    b->copied = in->end;
    wl_buf_addc(b->out, WL_OP_BLOCK);
    wl_wasm_put_s64(b->out, in->type == WL_WASM_EXNREF - 0x80 ? WL_WASM_I64 - 0x80 : in->type);
    f = push(b, in);
    wl_buf_addc(b->out, WL_OP_BLOCK);
    if (in->type >= 0 && b->l->m->types[in->type].params.len)
        wl_wasm_put_s64(b->out, wl_lower_type(b->l, b->l->m->types[in->type].params, (struct wl_blob){0}));
    else
        wl_buf_addc(b->out, 0x40);
    f->outer = b->handler;
    b->handler = b->n_open++;
    b->n_tries++;
}

/* Pushes the payload of a caught tag and the reference, clears the flag and goes to the clause's label. */
static void put_caught(struct body *b, const struct wl_wasm_catch *k, uint32_t n_outside) {
    if (k->kind <= WL_CATCH_REF)
        for (size_t i = 0; i < b->l->m->types[b->l->m->tags[k->tag]].params.len; i++)
            put_op(b, WL_OP_GLOBAL_GET, b->l->payload[k->tag] + (uint32_t)i);
    if (k->kind == WL_CATCH_REF || k->kind == WL_CATCH_ALL_REF)
        put_op(b, WL_OP_CALL, b->l->pack);
    put_i32(b, 0);
    put_op(b, WL_OP_GLOBAL_SET, b->l->flag);
    put_op(b, WL_OP_BR, b->n_open - 1 - b->frames[n_outside - 1 - k->label].label);
}

/* The end of a try_table:   br to its label, end, dispatch, end. */
static int lower_try_end(struct body *b, const struct wl_wasm_insn *in, struct wl_err *err) {
    struct frame *f = &b->frames[b->depth - 1];
    struct wl_wasm_cursor c = {src(b), f->vec, b->l->m->bytes.len};
    bool all = wl_lower_covers(b->l, f->vec, f->vec_n);

    flush(b, in->at);
    b->copied = in->end;
    if (!b->jumped)
        put_op(b, WL_OP_BR, 1);
    wl_buf_addc(b->out, WL_OP_END);
    b->n_open--;
    b->handler = f->outer;
    b->n_tries--;
    b->depth--; /* clauses count labels from outside of the try_table */
    for (uint32_t i = 0; f->caught && i < f->vec_n; i++) {
        struct wl_wasm_catch k;
        bool last;

        if (wl_wasm_catch_next(&c, &k, err) < 0)
            return -1;
        last = k.kind >= WL_CATCH_ALL || (all && i == f->vec_n - 1);
        if (!last) {
            put_op(b, WL_OP_GLOBAL_GET, b->l->flag);
            put_i32(b, k.tag + 1);
            wl_buf_add(b->out, "\x46\x04\x40", 3); /* i32.eq, if */
            b->n_open++;
        }
        put_caught(b, &k, b->depth);
        if (last)
            break;
        wl_buf_addc(b->out, WL_OP_END);
        b->n_open--;
    }
    if (!f->caught)
        wl_buf_addc(b->out, WL_OP_UNREACHABLE); /* nobody goes to the dispatch */
    else if (!all)
        put_unwind(b, WL_OP_BR);
    wl_buf_addc(b->out, WL_OP_END);
    b->n_open--;
    b->jumped = false;
    return 0;
}

static void lower_function_end(struct body *b, const struct wl_wasm_insn *in) {
    const struct wl_wasm_functype *t = type_of(b);

    flush(b, in->at);
    b->copied = in->end;
    if (b->wrap) {
        if (!b->jumped)
            wl_buf_addc(b->out, WL_OP_RETURN);
        wl_buf_addc(b->out, WL_OP_END);
        for (size_t i = 0; i < t->results.len; i++)
            wl_lower_put_zero(b->out, t->results.p[i]);
    }
    wl_buf_addc(b->out, WL_OP_END);
}

static int lower_end(struct body *b, const struct wl_wasm_insn *in, struct wl_err *err) {
    struct frame *f = &b->frames[b->depth - 1];

    if (b->depth == 1) {
        lower_function_end(b, in);
        b->depth = 0;
        return 0;
    }
    if (f->op == WL_OP_TRY_TABLE)
        return lower_try_end(b, in, err);
    b->depth--;
    b->n_open--;
    b->jumped = false;
    return 0;
}

/* --- Branches, calls, throw --------------------------------------------------------------------------------------- */

static uint32_t new_label(const struct body *b, uint32_t label) {
    return b->n_open - 1 - b->frames[b->depth - 1 - label].label;
}

static void lower_br(struct body *b, const struct wl_wasm_insn *in) {
    uint32_t label = new_label(b, in->a);

    if (label == in->a)
        return;
    flush(b, in->at);
    b->copied = in->end;
    put_op(b, in->op, label);
}

static int lower_br_table(struct body *b, const struct wl_wasm_insn *in, struct wl_err *err) {
    struct wl_wasm_cursor c = {src(b), in->vec, in->end};

    flush(b, in->at);
    b->copied = in->end;
    put_op(b, WL_OP_BR_TABLE, in->vec_n);
    for (uint64_t i = 0; i <= in->vec_n; i++) {
        uint32_t label;

        if (wl_wasm_u32(&c, &label, err) < 0)
            return -1;
        wl_wasm_put_u32(b->out, new_label(b, label));
    }
    return 0;
}

static void lower_call(struct body *b, const struct wl_wasm_insn *in) {
    bool throws = in->op == WL_OP_CALL ? b->l->may_throw[in->a] : b->l->type_throws[b->l->canon[in->a]];

    if (!throws || ends_here(b, in->end))
        return;
    flush(b, in->end);
    put_op(b, WL_OP_GLOBAL_GET, b->l->flag);
    put_unwind(b, WL_OP_BR_IF);
    b->l->stats.checked++;
}

static void lower_throw(struct body *b, const struct wl_wasm_insn *in) {
    flush(b, in->at);
    b->copied = in->end;
    for (size_t i = b->l->m->types[b->l->m->tags[in->a]].params.len; i > 0; i--)
        put_op(b, WL_OP_GLOBAL_SET, b->l->payload[in->a] + (uint32_t)i - 1);
    put_i32(b, in->a + 1);
    put_op(b, WL_OP_GLOBAL_SET, b->l->flag);
    put_unwind(b, WL_OP_BR);
    b->l->stats.throws++;
}

/* The reference lies on the stack; unpack takes it apart. */
static void lower_throw_ref(struct body *b, const struct wl_wasm_insn *in) {
    flush(b, in->at);
    b->copied = in->end;
    put_op(b, WL_OP_CALL, b->l->unpack);
    put_unwind(b, WL_OP_BR);
    b->l->stats.throws++;
}

/* Copies the instruction with its one byte EXNREF (at offset `at`) replaced. */
static void patch_type(struct body *b, const struct wl_wasm_insn *in, size_t at) {
    flush(b, at);
    wl_buf_addc(b->out, WL_WASM_I64);
    b->copied = at + 1;
    flush(b, in->end);
}

/* Types in instructions: blocks, select, ref.null. */
static void lower_types(struct body *b, const struct wl_wasm_insn *in) {
    if (in->op == WL_OP_SELECT_T) {
        for (uint32_t i = 0; i < in->vec_n; i++)
            if (src(b)[in->vec + i] == WL_WASM_EXNREF)
                patch_type(b, in, in->vec + i);
    } else if (in->op == WL_OP_REF_NULL) {
        if (in->a != WL_WASM_EXNREF)
            return;
        flush(b, in->at);
        b->copied = in->end;
        wl_lower_put_zero(b->out, WL_WASM_EXNREF);
    } else if (in->type == WL_WASM_EXNREF - 0x80) {
        flush(b, in->at + 1);
        wl_wasm_put_s64(b->out, WL_WASM_I64 - 0x80);
        b->copied = in->end;
    }
}

static int lower_insn(struct body *b, const struct wl_wasm_insn *in, struct wl_err *err) {
    switch (in->op) {
    case WL_OP_BLOCK:
    case WL_OP_LOOP:
    case WL_OP_IF:
        lower_types(b, in);
        push(b, in);
        break;
    case WL_OP_SELECT_T:
    case WL_OP_REF_NULL:
        lower_types(b, in);
        break;
    case WL_OP_TRY_TABLE:
        lower_try(b, in);
        break;
    case WL_OP_END:
        return lower_end(b, in, err);
    case WL_OP_BR:
    case WL_OP_BR_IF:
        lower_br(b, in);
        break;
    case WL_OP_BR_TABLE:
        if (lower_br_table(b, in, err) < 0)
            return -1;
        break;
    case WL_OP_CALL:
    case WL_OP_CALL_INDIRECT:
        lower_call(b, in);
        break;
    case WL_OP_THROW:
        lower_throw(b, in);
        break;
    case WL_OP_THROW_REF:
        lower_throw_ref(b, in);
        break;
    default:
        break;
    }
    b->jumped = in->op == WL_OP_BR || in->op == WL_OP_BR_TABLE || in->op == WL_OP_RETURN ||
                in->op == WL_OP_UNREACHABLE || in->op == WL_OP_THROW || in->op == WL_OP_THROW_REF ||
                in->op == WL_OP_RETURN_CALL || in->op == WL_OP_RETURN_CALL_INDIRECT;
    return 0;
}

/* The local declarations: groups of a number and a type. */
static int put_locals(struct body *b, const struct wl_wasm_code *k, struct wl_err *err) {
    struct wl_wasm_cursor c = {src(b), k->at, k->insns};
    uint32_t n, count;

    if (wl_wasm_u32(&c, &n, err) < 0)
        return -1;
    flush(b, c.pos);
    while (c.pos < c.end) {
        if (wl_wasm_u32(&c, &count, err) < 0)
            return -1;
        flush(b, c.pos);
        wl_buf_addc(b->out, (char)wl_lower_valtype(c.p[c.pos++]));
        b->copied = c.pos;
    }
    return 0;
}

/* One pass over the body, with or without the block around it. */
static int pass(struct body *b, bool wrap, struct wl_err *err) {
    const struct wl_wasm_code *k = &b->l->m->codes[b->code];
    struct wl_wasm_cursor c = wl_wasm_code_cursor(b->l->m, b->code);
    struct wl_wasm_insn in = {.at = c.pos, .op = WL_OP_RETURN};

    b->copied = k->at;
    b->depth = b->n_open = b->n_tries = 0;
    b->next_after = 0;
    b->wrap = wrap;
    b->unwinds = b->jumped = false;
    if (put_locals(b, k, err) < 0)
        return -1;
    push(b, &in);
    if (wrap) {
        wl_buf_add(b->out, "\x02\x40", 2);
        b->n_open++;
    }
    b->handler = wrap ? 1 : 0;
    while (b->depth > 0)
        if (wl_wasm_insn_next(&c, &in, err) < 0 || lower_insn(b, &in, err) < 0)
            return -1;
    return 0;
}

int wl_lower_body(struct wl_lower *l, uint32_t i, struct wl_buf *out, struct wl_err *err) {
    WL_AUTO(body_release) struct body b = {.l = l, .out = out, .code = i};
    struct wl_lower_eh_stats before = l->stats;
    size_t start = out->len;
    bool results = type_of(&b)->results.len > 0;

    if (find_ends(&b, err) < 0 || pass(&b, results, err) < 0)
        return -1;
    if (results && !b.unwinds) {
        /* Everything is caught inside: no need for the block. */
        out->len = start;
        l->stats = before;
        return pass(&b, false, err);
    }
    return 0;
}
