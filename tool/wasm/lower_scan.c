/* Who may throw, and whether the module is one that can be lowered. */
#include <string.h>

#include "edit.h"
#include "lower.h"

/* Tags beyond this number are never taken as all covered by plain catches; C has one, C++ two. */
#define MAX_TAGS_COVER 32
/* Instructions looked at behind a catch for the restored stack pointer. */
#define MAX_RESTORE 8

/* "When `from` may throw, `to` may": nodes are functions, then canonical types. */
struct edge {
    uint32_t from, to;
};

struct frame {
    uint32_t op;     /* WL_OP_BLOCK, ...; WL_OP_RETURN for the function itself */
    bool caught;     /* a try_table that covers everything stands here or outside */
    bool catch_here; /* a catch clause branches to its end */
};

struct scan {
    struct wl_lower *l;
    struct edge *edges;
    size_t n_edges, cap_edges;
    struct frame *frames;
    uint32_t depth, cap_frames;
    uint32_t f; /* function at hand */
    bool sp_known, sp_broken;
    bool tests_refs; /* ref.is_null occurs */
    uint32_t n_tries;
};

static void scan_release(struct scan *s) {
    free(s->edges);
    free(s->frames);
}

static void add_edge(struct scan *s, uint32_t from, uint32_t to) {
    if (s->n_edges == s->cap_edges) {
        s->cap_edges = s->cap_edges ? s->cap_edges * 2 : 1024;
        s->edges = wl_reallocarray(s->edges, s->cap_edges, sizeof(*s->edges));
    }
    s->edges[s->n_edges++] = (struct edge){from, to};
}

static int push(struct scan *s, const struct wl_wasm_insn *in, bool caught, struct wl_err *err) {
    if (s->depth >= WL_LOWER_MAX_DEPTH)
        return wl_wasm_bad(in->at, err, "blocks nested deeper than %d", WL_LOWER_MAX_DEPTH);
    if (s->depth == s->cap_frames) {
        s->cap_frames = s->cap_frames ? s->cap_frames * 2 : 64;
        s->frames = wl_reallocarray(s->frames, s->cap_frames, sizeof(*s->frames));
    }
    s->frames[s->depth] = (struct frame){in->op, caught || (s->depth && s->frames[s->depth - 1].caught), false};
    s->depth++;
    return 0;
}

bool wl_lower_covers(const struct wl_lower *l, size_t vec, uint32_t n) {
    struct wl_wasm_cursor c = {l->m->bytes.p, vec, l->m->bytes.len};
    uint32_t seen = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct wl_wasm_catch k;
        struct wl_err ignored;

        if (wl_wasm_catch_next(&c, &k, &ignored) < 0)
            return false;
        if (k.kind >= WL_CATCH_ALL)
            return true;
        if (k.tag < MAX_TAGS_COVER)
            seen |= (uint32_t)1 << k.tag;
    }
    return l->m->n_tags <= MAX_TAGS_COVER && seen == (uint32_t)(((uint64_t)1 << l->m->n_tags) - 1);
}

static int check_label(const struct scan *s, const struct wl_wasm_insn *in, uint32_t label, struct wl_err *err) {
    return label < s->depth ? 0 : wl_wasm_bad(in->at, err, "unknown label %u", label);
}

static int check_block_type(const struct scan *s, const struct wl_wasm_insn *in, struct wl_err *err) {
    if (in->type >= (int64_t)s->l->m->n_types)
        return wl_wasm_bad(in->at, err, "unknown type %lld", (long long)in->type);
    return 0;
}

static int scan_try(struct scan *s, const struct wl_wasm_insn *in, struct wl_err *err) {
    struct wl_wasm_cursor c = {s->l->m->bytes.p, in->vec, in->end};

    if (check_block_type(s, in, err) < 0)
        return -1;
    s->l->has_try[s->f] = true;
    s->n_tries++;
    for (uint32_t i = 0; i < in->vec_n; i++) {
        struct wl_wasm_catch k;
        struct frame *target;

        if (wl_wasm_catch_next(&c, &k, err) < 0 || check_label(s, in, k.label, err) < 0)
            return -1;
        s->l->uses_refs |= k.kind == WL_CATCH_REF || k.kind == WL_CATCH_ALL_REF;
        if (k.kind <= WL_CATCH_REF && k.tag >= s->l->m->n_tags)
            return wl_wasm_bad(in->at, err, "unknown tag %u", k.tag);
        target = &s->frames[s->depth - 1 - k.label];
        target->catch_here = true;
        if (target->op == WL_OP_LOOP || target->op == WL_OP_RETURN)
            s->sp_broken = true;
    }
    return push(s, in, wl_lower_covers(s->l, in->vec, in->vec_n), err);
}

/* LLVM's code restores the stack pointer (a local's value) right behind every catch, or throws on. When that holds for the whole module,
 * writing the stack pointer on the way of an exception changes nothing, and the usual end of a C function (give the stack
 * back, return) needs no check in front. */
static void scan_restore(struct scan *s, struct wl_wasm_cursor c) {
    struct wl_wasm_insn in = {0}, before = {0};
    struct wl_err ignored;

    for (int i = 0; i < MAX_RESTORE && c.pos < c.end; i++) {
        before = in;
        if (wl_wasm_insn_next(&c, &in, &ignored) < 0)
            break;
        if (in.op == WL_OP_THROW_REF)
            return;
        if (in.op == WL_OP_GLOBAL_SET && before.op == WL_OP_LOCAL_GET && (!s->sp_known || s->l->sp == in.a)) {
            s->sp_known = true;
            s->l->sp = in.a;
            return;
        }
        if (in.op != WL_OP_LOCAL_GET && in.op != WL_OP_LOCAL_SET && in.op != WL_OP_DROP && in.op != WL_OP_LOCAL_TEE)
            break;
    }
    s->sp_broken = true;
}

static int scan_end(struct scan *s, const struct wl_wasm_insn *in, const struct wl_wasm_cursor *c, struct wl_err *err) {
    const struct frame *f = &s->frames[--s->depth];

    if (f->catch_here && f->op != WL_OP_RETURN)
        scan_restore(s, *c);
    if (s->depth == 0 && c->pos != c->end)
        return wl_wasm_bad(in->at, err, "instructions behind the end of the function");
    return 0;
}

static int scan_else(struct scan *s, const struct wl_wasm_insn *in, struct wl_err *err) {
    if (s->frames[s->depth - 1].op != WL_OP_IF)
        return wl_wasm_bad(in->at, err, "else without if");
    s->frames[s->depth - 1].op = WL_OP_ELSE;
    return 0;
}

static int scan_labels(struct scan *s, const struct wl_wasm_insn *in, struct wl_err *err) {
    struct wl_wasm_cursor c = {s->l->m->bytes.p, in->vec, in->end};

    for (uint64_t i = 0; i <= in->vec_n; i++) {
        uint32_t label;

        if (wl_wasm_u32(&c, &label, err) < 0 || check_label(s, in, label, err) < 0)
            return -1;
    }
    return 0;
}

static int scan_call(struct scan *s, const struct wl_wasm_insn *in, struct wl_err *err) {
    const struct wl_wasm_module *m = s->l->m;
    bool indirect = in->op == WL_OP_CALL_INDIRECT || in->op == WL_OP_RETURN_CALL_INDIRECT;
    bool tail = in->op == WL_OP_RETURN_CALL || in->op == WL_OP_RETURN_CALL_INDIRECT;

    if (in->a >= (indirect ? m->n_types : m->n_funcs))
        return wl_wasm_bad(in->at, err, "unknown %s %u", indirect ? "type" : "function", in->a);
    s->l->stats.calls += !tail;
    /* A tail call leaves the function first: the try_tables around it do not see its exceptions. */
    if (tail || !s->frames[s->depth - 1].caught)
        add_edge(s, indirect ? m->n_funcs + s->l->canon[in->a] : in->a, s->f);
    return 0;
}

static int scan_throw(struct scan *s, const struct wl_wasm_insn *in, struct wl_err *err) {
    if (in->a >= s->l->m->n_tags)
        return wl_wasm_bad(in->at, err, "unknown tag %u", in->a);
    if (!s->frames[s->depth - 1].caught)
        s->l->may_throw[s->f] = true;
    return 0;
}

static int refuse(const struct wl_wasm_insn *in, struct wl_err *err) {
    return wl_fail(err, WL_FAILED,
                   "offset 0x%zx: exceptions in the legacy encoding cannot be lowered; compile and link with "
                   "-mllvm -wasm-use-legacy-eh=false",
                   in->at);
}

static int scan_insn(struct scan *s, const struct wl_wasm_insn *in, const struct wl_wasm_cursor *c,
                     struct wl_err *err) {
    switch (in->op) {
    case WL_OP_BLOCK:
    case WL_OP_LOOP:
    case WL_OP_IF:
        return check_block_type(s, in, err) < 0 ? -1 : push(s, in, false, err);
    case WL_OP_TRY_TABLE:
        return scan_try(s, in, err);
    case WL_OP_ELSE:
        return scan_else(s, in, err);
    case WL_OP_END:
        return scan_end(s, in, c, err);
    case WL_OP_BR:
    case WL_OP_BR_IF:
        return check_label(s, in, in->a, err);
    case WL_OP_BR_TABLE:
        return scan_labels(s, in, err);
    case WL_OP_CALL:
    case WL_OP_CALL_INDIRECT:
    case WL_OP_RETURN_CALL:
    case WL_OP_RETURN_CALL_INDIRECT:
        return scan_call(s, in, err);
    case WL_OP_THROW:
        return scan_throw(s, in, err);
    case WL_OP_THROW_REF:
        s->l->uses_refs = true;
        s->l->may_throw[s->f] |= !s->frames[s->depth - 1].caught;
        return 0;
    case WL_OP_REF_IS_NULL:
        s->tests_refs = true;
        return 0;
    case WL_OP_REF_FUNC:
        if (in->a >= s->l->m->n_funcs)
            return wl_wasm_bad(in->at, err, "unknown function %u", in->a);
        add_edge(s, in->a, s->l->m->n_funcs + s->l->canon[s->l->m->funcs[in->a]]);
        return 0;
    case WL_OP_TRY:
    case WL_OP_CATCH:
    case WL_OP_RETHROW:
    case WL_OP_DELEGATE:
    case WL_OP_CATCH_ALL:
        return refuse(in, err);
    default:
        return 0;
    }
}

/* Bodies that name the type of exception references have to be rewritten even when nothing is thrown in them. */
static bool names_exnref(const struct wl_wasm_module *m, const struct wl_wasm_insn *in) {
    switch (in->op) {
    case WL_OP_REF_NULL:
        return in->a == WL_WASM_EXNREF;
    case WL_OP_SELECT_T:
        return memchr(m->bytes.p + in->vec, WL_WASM_EXNREF, in->vec_n) != NULL;
    default:
        return in->type == WL_WASM_EXNREF - 0x80;
    }
}

static bool has_exnref_local(const struct wl_wasm_module *m, const struct wl_wasm_code *k) {
    struct wl_wasm_cursor c = {m->bytes.p, k->at, k->insns};
    struct wl_err ignored;
    uint32_t n;

    if (wl_wasm_u32(&c, &n, &ignored) < 0)
        return false;
    while (c.pos < c.end && wl_wasm_u32(&c, &n, &ignored) == 0)
        if (c.pos >= c.end || c.p[c.pos++] == WL_WASM_EXNREF)
            return true;
    return false;
}

static int scan_body(struct scan *s, uint32_t i, struct wl_err *err) {
    struct wl_wasm_cursor c = wl_wasm_code_cursor(s->l->m, i);
    struct wl_wasm_insn in = {.at = c.pos, .op = WL_OP_RETURN};

    s->f = s->l->m->n_imported[WL_KIND_FUNC] + i;
    s->depth = 0;
    s->l->has_try[s->f] = has_exnref_local(s->l->m, &s->l->m->codes[i]);
    if (push(s, &in, false, err) < 0)
        return -1;
    while (s->depth > 0) {
        if (wl_wasm_insn_next(&c, &in, err) < 0 || scan_insn(s, &in, &c, err) < 0)
            return wl_err_context(err, "function %u", s->f);
        s->l->has_try[s->f] |= names_exnref(s->l->m, &in);
    }
    return 0;
}

/* --- The closure --------------------------------------------------------------------- */

/* Functions that a table call can reach: named in an element segment or by ref.func, and, when the host can reach a table,
 * the exported ones. */
static void add_table_edges(struct scan *s) {
    const struct wl_wasm_module *m = s->l->m;
    bool open = m->n_imported[WL_KIND_TABLE] > 0;

    for (uint32_t i = 0; i < m->n_elems; i++)
        for (uint32_t k = 0; k < m->elems[i].n; k++)
            if (m->elems[i].funcs[k] != UINT32_MAX)
                add_edge(s, m->elems[i].funcs[k], m->n_funcs + s->l->canon[m->funcs[m->elems[i].funcs[k]]]);
    for (uint32_t i = 0; m->ref_funcs && i < m->n_funcs; i++)
        if (m->ref_funcs[i])
            add_edge(s, i, m->n_funcs + s->l->canon[m->funcs[i]]);
    for (uint32_t i = 0; i < m->n_exports; i++)
        open |= m->exports[i].kind == WL_KIND_TABLE;
    for (uint32_t i = 0; open && i < m->n_exports; i++)
        if (m->exports[i].kind == WL_KIND_FUNC)
            add_edge(s, m->exports[i].index, m->n_funcs + s->l->canon[m->funcs[m->exports[i].index]]);
}

/* Carries may_throw along the edges until nothing changes. */
static void close_over(struct scan *s) {
    const struct wl_wasm_module *m = s->l->m;
    size_t n = (size_t)m->n_funcs + m->n_types;
    WL_AUTOFREE size_t *first = wl_calloc(n + 2, sizeof(*first));
    WL_AUTOFREE uint32_t *to = wl_calloc(s->n_edges + 1, sizeof(*to));
    WL_AUTOFREE uint32_t *work = wl_calloc(n + 1, sizeof(*work));
    WL_AUTOFREE bool *mark = wl_calloc(n + 1, sizeof(*mark));
    size_t n_work = 0;

    for (size_t i = 0; i < s->n_edges; i++)
        first[s->edges[i].from + 2]++;
    for (size_t i = 2; i < n + 2; i++)
        first[i] += first[i - 1];
    for (size_t i = 0; i < s->n_edges; i++)
        to[first[s->edges[i].from + 1]++] = s->edges[i].to;
    for (uint32_t f = 0; f < m->n_funcs; f++)
        if (s->l->may_throw[f]) {
            mark[f] = true;
            work[n_work++] = f;
        }
    while (n_work > 0) {
        uint32_t node = work[--n_work];

        for (size_t k = first[node]; k < first[node + 1]; k++)
            if (!mark[to[k]]) {
                mark[to[k]] = true;
                work[n_work++] = to[k];
            }
    }
    memcpy(s->l->may_throw, mark, m->n_funcs);
    memcpy(s->l->type_throws, mark + m->n_funcs, m->n_types);
    /* The host does not throw. */
    memset(s->l->may_throw, 0, m->n_imported[WL_KIND_FUNC]);
}

int wl_lower_scan(struct wl_lower *l, struct wl_err *err) {
    WL_AUTO(scan_release) struct scan s = {.l = l};

    l->may_throw = wl_arena_alloc(&l->arena, l->m->n_funcs + 1);
    l->has_try = wl_arena_alloc(&l->arena, l->m->n_funcs + 1);
    l->type_throws = wl_arena_alloc(&l->arena, l->m->n_types + 1);
    l->canon = wl_arena_alloc(&l->arena, ((size_t)l->m->n_types + 1) * sizeof(*l->canon));
    wl_wasm_equal_types(l->m, l->canon);
    for (uint32_t i = 0; i < l->m->n_codes; i++)
        if (scan_body(&s, i, err) < 0)
            return -1;
    if (l->uses_refs && s.tests_refs)
        return wl_fail(err, WL_FAILED, "ref.is_null beside exception references cannot be lowered");
    add_table_edges(&s);
    close_over(&s);
    l->frees_sp = s.sp_known && !s.sp_broken;
    l->stats.tries = s.n_tries;
    return 0;
}
