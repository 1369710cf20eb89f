/* What the parts of lower_eh.c share: the module, the result of the scan, what is to be added. Private to lower_*.c. */
#ifndef WL_WASM_LOWER_H
#define WL_WASM_LOWER_H

#include "lower_eh.h"
#include "module.h"

/* The deepest nesting of blocks accepted. */
#define WL_LOWER_MAX_DEPTH 100000

struct wl_lower {
    const struct wl_wasm_module *m;
    struct wl_arena arena;
    /* From the scan (lower_scan.c). */
    uint32_t *canon;   /* type -> first type equal to it */
    bool *may_throw;   /* function: an exception can leave it */
    bool *type_throws; /* canonical type: a table call of this type can throw */
    bool *has_try;     /* function: has a try_table */
    bool frees_sp;     /* the stack pointer may be written while an exception travels; see lower_scan.c */
    uint32_t sp;       /* that global */
    /* Added to the module. */
    uint32_t flag;       /* index of the flag global */
    uint32_t *payload;   /* tag -> index of its first payload global */
    struct wl_buf types; /* types appended */
    uint32_t n_types;    /* their number */
    struct wl_lower_eh_stats stats;
};

/* Walks all bodies: checks what lower_body.c relies on (known indices, labels, balanced blocks), refuses what cannot be lowered, and
 * finds out who may throw. */
int wl_lower_scan(struct wl_lower *l, struct wl_err *err);

/* True when the clauses at offset vec (n of them) catch every tag of the module. */
bool wl_lower_covers(const struct wl_lower *l, size_t vec, uint32_t n);

/* Appends the new body of code i (local declarations and instructions, without its size) to out. */
int wl_lower_body(struct wl_lower *l, uint32_t i, struct wl_buf *out, struct wl_err *err);

/* Appends `TYPE.const 0` or `ref.null`. */
void wl_lower_put_zero(struct wl_buf *out, uint8_t type);

#endif
