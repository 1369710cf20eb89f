#include "direct.h"

#define MAX_BODY ((size_t)4 << 20) /* bytes of a dispatch function; V8 takes 7.6 MB */
#define MIN_PEEL 8                 /* entries of a range that is worth a test of its own */

#define I32_SUB 0x6b
#define I32_LT_U 0x49
#define BLOCK_VOID 0x40

/* Entries first .. first + n - 1 of the group. */
struct range {
    uint32_t first, n;
};

struct dispatch {
    const struct wl_direct_group *g;
    struct range *ranges;
    uint32_t n_ranges;
    uint32_t index_local;    /* the table index: the last parameter */
    const uint32_t *case_of; /* by function */
    struct wl_buf *out;
};

static void op(struct wl_buf *out, uint8_t opcode, uint32_t imm) {
    wl_buf_addc(out, (char)opcode);
    wl_wasm_put_u32(out, imm);
}

static void i32_const(struct wl_buf *out, uint32_t v) {
    wl_buf_addc(out, WL_OP_I32_CONST);
    wl_wasm_put_s64(out, (int32_t)v);
}

static void put_args(struct wl_buf *out, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        op(out, WL_OP_LOCAL_GET, i);
}

static uint32_t index_at(const struct wl_direct_group *g, uint32_t i) {
    return g->v[i].index;
}

static void find_ranges(struct dispatch *d, uint32_t gap) {
    for (uint32_t i = 0; i < d->g->n; i++) {
        struct range *r = d->n_ranges ? &d->ranges[d->n_ranges - 1] : NULL;

        if (r && index_at(d->g, i) - index_at(d->g, i - 1) - 1 <= gap &&
            index_at(d->g, i) - index_at(d->g, r->first) < WL_DIRECT_MAX_LABELS)
            r->n++;
        else
            d->ranges[d->n_ranges++] = (struct range){i, 1};
    }
}

/* br_table over a range. base: label of case 0; none: label for an entry of another type; outside: for an index outside. */
static void put_table(const struct dispatch *d, struct range r, uint32_t base, uint32_t none, uint32_t outside) {
    uint32_t from = index_at(d->g, r.first), to = index_at(d->g, r.first + r.n - 1);
    uint32_t k = r.first;

    op(d->out, WL_OP_LOCAL_GET, d->index_local);
    if (from) {
        i32_const(d->out, from);
        wl_buf_addc(d->out, I32_SUB);
    }
    op(d->out, WL_OP_BR_TABLE, to - from + 1);
    for (uint32_t i = from; i <= to; i++) {
        bool known = index_at(d->g, k) == i;

        wl_wasm_put_u32(d->out, known ? base + d->case_of[d->g->v[k].func] : none);
        k += known;
    }
    wl_wasm_put_u32(d->out, outside);
}

/* Label 0 at depth 0 is the default, label 1 + k the case k. */
static void put_leaf(const struct dispatch *d, struct range r, uint32_t depth) {
    if (r.n > 1) {
        put_table(d, r, 1 + depth, depth, depth);
        return;
    }
    op(d->out, WL_OP_LOCAL_GET, d->index_local);
    i32_const(d->out, index_at(d->g, r.first));
    wl_buf_addc(d->out, WL_OP_I32_EQ);
    op(d->out, WL_OP_BR_IF, 1 + d->case_of[d->g->v[r.first].func] + depth);
    op(d->out, WL_OP_BR, depth);
}

/* A binary search over ranges lo .. hi - 1. */
static void put_tree(const struct dispatch *d, uint32_t lo, uint32_t hi, uint32_t depth) {
    uint32_t mid = lo + (hi - lo) / 2;

    if (hi - lo == 1) {
        put_leaf(d, d->ranges[lo], depth);
        return;
    }
    op(d->out, WL_OP_LOCAL_GET, d->index_local);
    i32_const(d->out, index_at(d->g, d->ranges[mid].first));
    wl_buf_addc(d->out, I32_LT_U);
    op(d->out, WL_OP_IF, BLOCK_VOID);
    put_tree(d, lo, mid, depth + 1);
    wl_buf_addc(d->out, WL_OP_ELSE);
    put_tree(d, mid, hi, depth + 1);
    wl_buf_addc(d->out, WL_OP_END);
}

/* The large ranges first, each in a block that an index outside of it leaves. */
static void put_peeled(struct dispatch *d, uint32_t peel) {
    while (d->n_ranges > 1) {
        uint32_t big = 0;

        for (uint32_t i = 1; i < d->n_ranges; i++)
            if (d->ranges[i].n > d->ranges[big].n)
                big = i;
        if (d->ranges[big].n < MIN_PEEL || (uint64_t)d->ranges[big].n * 100 < (uint64_t)peel * d->g->n)
            return;
        op(d->out, WL_OP_BLOCK, BLOCK_VOID);
        put_table(d, d->ranges[big], 2, 1, 0);
        wl_buf_addc(d->out, WL_OP_END);
        d->n_ranges--;
        for (uint32_t i = big; i < d->n_ranges; i++)
            d->ranges[i] = d->ranges[i + 1];
    }
}

/* Numbers the distinct functions by their first entry; returns how many, in *ret_funcs (n entries of room). */
static uint32_t number_cases(const struct wl_direct_group *g, uint32_t *scratch, uint32_t *ret_funcs) {
    uint32_t n = 0;

    for (uint32_t i = 0; i < g->n; i++)
        if (scratch[g->v[i].func] == UINT32_MAX) {
            scratch[g->v[i].func] = n;
            ret_funcs[n++] = g->v[i].func;
        }
    return n;
}

static void put_body(struct dispatch *d, const struct wl_direct_calls_options *options, const uint32_t *funcs,
                     uint32_t n) {
    struct wl_buf *out = d->out;

    wl_buf_addc(out, 0); /* no locals */
    for (uint32_t i = 0; i <= n; i++)
        op(out, WL_OP_BLOCK, BLOCK_VOID);
    put_peeled(d, options->peel);
    put_tree(d, 0, d->n_ranges, 0);
    wl_buf_addc(out, WL_OP_END);
    put_args(out, d->index_local + 1);
    op(out, WL_OP_CALL, d->g->slow);
    wl_buf_addc(out, WL_OP_RETURN);
    for (uint32_t i = 0; i < n; i++) {
        wl_buf_addc(out, WL_OP_END);
        put_args(out, d->index_local);
        op(out, WL_OP_CALL, funcs[i]);
        if (i + 1 < n)
            wl_buf_addc(out, WL_OP_RETURN);
    }
    wl_buf_addc(out, WL_OP_END);
}

bool wl_direct_dispatch(const struct wl_wasm_module *m, const struct wl_direct_group *g,
                        const struct wl_direct_calls_options *options, uint32_t *scratch, struct wl_buf *out) {
    WL_AUTOFREE uint32_t *funcs = wl_calloc(g->n, sizeof(*funcs));
    WL_AUTOFREE struct range *ranges = wl_calloc(g->n, sizeof(*ranges));
    uint32_t n = number_cases(g, scratch, funcs);
    struct dispatch d = {g, ranges, 0, (uint32_t)m->types[g->type].params.len, scratch, out};
    size_t before = out->len;
    bool ok = n <= WL_DIRECT_MAX_CASES;

    if (ok) {
        find_ranges(&d, options->gap);
        put_body(&d, options, funcs, n);
        ok = out->len - before <= MAX_BODY;
    }
    if (!ok)
        out->len = before;
    for (uint32_t i = 0; i < n; i++)
        scratch[funcs[i]] = UINT32_MAX;
    return ok;
}

void wl_direct_slow(const struct wl_wasm_module *m, const struct wl_direct_group *g, struct wl_buf *out) {
    wl_buf_addc(out, 0);
    put_args(out, (uint32_t)m->types[g->type].params.len + 1);
    op(out, WL_OP_CALL_INDIRECT, g->type);
    wl_wasm_put_u32(out, g->table);
    wl_buf_addc(out, WL_OP_END);
}
