/* The LLVM IR that `wasmedge compile --dump --optimize 0` writes for a module, cut into parts.
 *
 * The text is simple: one line per global, and one `define` per type wrapper (t0, t1, ...) and per function (f0, f1, ...).
 * Cut at function borders it compiles in pieces: in parallel, and with a bound on memory that does not
 * grow with the module. The cut depends on the text alone, never on the number of processors, so that the object
 * code is the same everywhere. A part declares what its functions call, no more: all declarations were a third of the text of
 * PHP's parts. An interpreter's functions (aot_body.h) have parts of their own, which are worth another
 * effort than the rest. Both passes stream; memory is that of the functions' signatures. */
#ifndef WL_WASM_AOT_IR_H
#define WL_WASM_AOT_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "aot_body.h"

/* Raised whenever the same module may give other code; part of the aot step's key. */
#define WL_AOT_IR_VERSION 10

/* Where a new part begins: IR text that takes clang about four seconds and 150 MB. */
#define WL_AOT_IR_PART (6u * 1024 * 1024)

struct wl_aot_part {
    char *path;     /* the IR text of the part */
    uint64_t bytes; /* its functions' text */
    bool hot;       /* it holds the functions of an interpreter, and nothing else */
};

struct wl_aot_ir {
    uint32_t version;          /* WasmEdge's AOT binary version, from the IR's own `version` */
    size_t n_functions;        /* the functions f0 ... f<n-1>, imports included */
    size_t n_types;            /* the type wrappers */
    struct wl_aot_part *parts; /* in the order of the text; the hot ones behind the others */
    size_t n_parts, n_hot;
    bool
        x86_only; /* calls LLVM intrinsics of x86 (WasmEdge makes them for SIMD), so no other architecture can take it */
    /* Set ("x86_64", "aarch64") when LLVM intrinsics of that architecture are called, which WasmEdge does for SIMD when it
     * runs there: no other can take the IR then. */
    const char *bound_to;
    uint64_t bytes;   /* sum over the parts */
    size_t n_lookups; /* indirect calls that look the function up themselves */
};

/* Reads the IR at `path` and writes part-0.ll ... into the folder `dir` (which exists). Differences from the input:
 * without the copy of the module and the triple; symbols hidden, so that the linked code needs no relocation; the
 * unwind tables that WasmEdge never walks are not asked for. part_bytes 0: WL_AOT_IR_PART.
 *
 * What the functions' lines become is told by `how` (aot_body.h); how->table is needed.
 * Fails (WL_FAILED) when the text is cut off or is not what WasmEdge 0.14 writes, and when it holds intrinsics
 * that only some x86 processors have (the host's features leaked in). */
int wl_aot_ir_split(const char *path, const char *dir, size_t part_bytes, const struct wl_aot_how *how,
                    struct wl_aot_ir *ret, struct wl_err *err);
void wl_aot_ir_release(struct wl_aot_ir *ir);

#endif
