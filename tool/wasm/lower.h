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
    bool *has_try;     /* function: has a try_table or names exnref: its body is rewritten */
    bool frees_sp;     /* the stack pointer may be written while an exception travels; see lower_scan.c */
    uint32_t sp;       /* that global */
    /* Added to the module. */
    uint32_t flag;                  /* index of the flag global */
    uint32_t *payload;              /* tag -> index of its first payload global */
    bool uses_refs;                 /* there are exception references: the two functions below are added */
    uint32_t pack;                  /* () -> i64: the exception in flight as a number */
    uint32_t unpack;                /* (i64) -> (): the reverse; traps for null */
    struct wl_wasm_functype *types; /* types appended */
    uint32_t n_types;
    struct wl_lower_eh_stats stats;
};

/* Walks all bodies: checks what lower_body.c relies on (known indices, labels, balanced blocks), refuses what cannot be lowered, and
 * finds out who may throw. */
int wl_lower_scan(struct wl_lower *l, struct wl_err *err);

/* True when the clauses at offset vec (n of them) catch every tag of the module. */
bool wl_lower_covers(const struct wl_lower *l, size_t vec, uint32_t n);

/* Appends the new body of code i (local declarations and instructions, without its size) to out. */
int wl_lower_body(struct wl_lower *l, uint32_t i, struct wl_buf *out, struct wl_err *err);

/* An exception reference becomes an i64: 0 for null, else the tag's index plus 1 in the upper half and its payload in the lower. */
static inline uint8_t wl_lower_valtype(uint8_t type) {
    return type == WL_WASM_EXNREF ? WL_WASM_I64 : type;
}

/* Appends `TYPE.const 0` or `ref.null`. */
void wl_lower_put_zero(struct wl_buf *out, uint8_t type);
void wl_lower_put_i32(struct wl_buf *out, uint32_t v);
void wl_lower_put_op(struct wl_buf *out, uint32_t op, uint32_t index);

/* The index of a type, appended to the module when it is not there. The blobs must live as long as l. */
uint32_t wl_lower_type(struct wl_lower *l, struct wl_blob params, struct wl_blob results);

/* The functions that turn exceptions into numbers and back (lower_refs.c). plan: checks that the tags allow it and gives them indices from
 * *next on. */
int wl_lower_plan_refs(struct wl_lower *l, uint32_t *next, struct wl_err *err);
void wl_lower_pack_body(const struct wl_lower *l, struct wl_buf *out);
void wl_lower_unpack_body(const struct wl_lower *l, struct wl_buf *out);
/* Refuses exception references where they cannot become numbers: in functions' types, globals and tables. */
int wl_lower_check_refs(const struct wl_wasm_module *m, struct wl_err *err);

#endif
