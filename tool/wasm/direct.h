/* What the parts of direct_calls.c share. Private to direct_*.c. */
#ifndef WL_WASM_DIRECT_H
#define WL_WASM_DIRECT_H

#include "direct_calls.h"
#include "module.h"

/* The most labels that one br_table gets (V8 takes 65,520), and the most functions behind one dispatch function. */
#define WL_DIRECT_MAX_LABELS 65000
#define WL_DIRECT_MAX_CASES 10000

struct wl_direct_entry {
    uint32_t index; /* in the table */
    uint32_t func;
};

/* The calls of one type through one table. */
struct wl_direct_group {
    uint32_t table, type;      /* type: the first of its equals */
    uint32_t sites;            /* calls that would be rewritten */
    uint32_t n;                /* entries of this type, by index */
    struct wl_direct_entry *v; /* the caller's arena */
    uint32_t direct, slow;     /* the functions added; direct is 0 while there is none */
};

/* Appends the body of direct_T (local declarations and instructions, without its size); false, and nothing appended, when it would
 * pass a limit. g->slow is known. scratch: n_funcs numbers, all UINT32_MAX, as they are again afterwards. */
bool wl_direct_dispatch(const struct wl_wasm_module *m, const struct wl_direct_group *g,
                        const struct wl_direct_calls_options *options, uint32_t *scratch, struct wl_buf *out);

/* Appends the body of table_T. */
void wl_direct_slow(const struct wl_wasm_module *m, const struct wl_direct_group *g, struct wl_buf *out);

#endif
