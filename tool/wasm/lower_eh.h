/* Exceptions lowered: rewrites a linked module that uses the exception-handling proposal (try_table, throw) into one
 * that does not, and behaves the same. C's setjmp and longjmp are such exceptions: clang emits them with
 * `-mllvm -wasm-enable-sjlj -mllvm -wasm-use-legacy-eh=false`. The result runs on every engine, also on those whose ahead-of-time
 * compilers know no exceptions.
 *
 * How. Two kinds of globals are added: a flag (0, or 1 + the index of the tag in flight) and one payload global for each
 * parameter of each tag.
 *   throw t            sets the payload and the flag and branches to the handler
 *   a call             is followed by `global.get $flag; br_if HANDLER`
 *   try_table          becomes two blocks; behind the inner one stands the dispatch: compare the flag, clear it, push the
 *                      payload, branch to the catch's label; else branch to the next handler outside
 *   the last handler   is the end of the function, which returns zeros; its caller then looks at the flag
 *   exports, start     get a wrapper that traps when an exception arrives there, as an uncaught one must
 * No check follows a call that cannot throw (the call graph is closed over direct calls, and over table calls by their type), nor
 * a call whose result only travels to the function's end outside of any try_table.
 *
 * Cost (tests/bench/lower, two shared cores): a check takes 0.4 ns behind WasmEdge's AOT compiler. A program that does nothing but calls
 * of tiny functions goes from 0.16 to 0.21 s (recursion) and from 0.12 to 0.21 s (a loop of calls). Lua 5.4.7, with 2,828 of 4,663
 * calls checked: 280.2 -> 296.9 kB after wasm-opt -O3 (+6 %), AOT code +6 %; its own benchmarks between the same and 8 % slower
 * than a build whose pcall catches nothing, on WasmEdge as on Node. PHP 7.4.33: 29,678 of 44,742 calls, 11.3 -> 11.4 MB, 0.1 s.
 *
 * Assumed: the host neither throws nor lets exceptions through (true for WASI: nothing calls back). Functions that the host takes
 * out of an exported table are not wrapped.
 *
 * Exception references (clang emits catch_all_ref and throw_ref where blocks do not nest as the handlers do) become numbers: the tag in
 * the upper half of an i64, its payload in the lower. That asks for tags of at most 32 bits; C's and C++'s carry a pointer.
 *
 * Refused with a clear error: the legacy encoding (try, catch, rethrow, delegate), exception references in functions' types, globals
 * and tables or beside ref.is_null, more than one imported tag, object files that are not linked yet.
 *
 * Sections: tags go, with their imports and exports; the name section is kept and completed; "exception-handling" leaves
 * target_features; debug information (.debug_*), source map, code metadata and precompiled code go, as their offsets are void. */
#ifndef WL_WASM_LOWER_EH_H
#define WL_WASM_LOWER_EH_H

#include "../base/buf.h"
#include "../base/err.h"

/* Raised whenever the output for the same input changes; part of every build key. */
#define WL_LOWER_EH_VERSION 2

struct wl_lower_eh_stats {
    bool changed;                   /* false: nothing to lower, the output is the input */
    uint32_t functions;             /* functions with a body */
    uint32_t may_throw;             /* of these, how many an exception can leave */
    uint32_t rewritten;             /* functions whose body changed */
    uint32_t calls;                 /* calls (not tail calls) in the module */
    uint32_t checked;               /* calls followed by a check */
    uint32_t throws, tries;         /* instructions lowered */
    size_t size_before, size_after; /* bytes of the module */
};

/* Appends the lowered module to *ret. in: a whole module. stats may be NULL. A module that uses no exceptions is passed on byte by
 * byte. The same input gives the same output. */
int wl_wasm_lower_eh(struct wl_blob in, struct wl_buf *ret, struct wl_lower_eh_stats *stats, struct wl_err *err);

#endif
