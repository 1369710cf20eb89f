/* The contents of a module's function table, when they are known before it runs.
 *
 * WasmEdge sends every call_indirect through a call into the runtime, which dominates an interpreter's time. Where the
 * table cannot change, the code can look the function up itself (aot_ir.h). It cannot change when there is one table, not
 * imported and not exported, filled by active element segments at constant offsets, and no instruction writes to it. */
#ifndef WL_WASM_AOT_TABLE_H
#define WL_WASM_AOT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/err.h"

#define WL_AOT_NO_FUNCTION UINT32_MAX

struct wl_aot_slot {
    uint32_t function; /* WL_AOT_NO_FUNCTION: empty, or one that the runtime has to find (an imported one) */
    uint32_t type;     /* the function's type: the first index that has it */
};

struct wl_aot_table {
    struct wl_aot_slot *slots;
    size_t n;             /* 0: not known */
    uint32_t *first_type; /* the first index with the same type as the i-th; a module may hold a type twice */
    size_t n_types;
};

/* Fails only when the bytes are no module. */
int wl_aot_table_read(struct wl_blob module, struct wl_aot_table *ret, struct wl_err *err);
void wl_aot_table_release(struct wl_aot_table *t);

#endif
