/* Table calls made direct. Released WasmEdge sends every call_indirect of precompiled code through a host call, which is most of the
 * time of an interpreter that calls its handlers through a table. The table of a linked program is constant, so for each function
 * type T called through it this pass appends
 *
 *   direct_T(args..., index)   a br_table over the table's known contents, with a direct call for each entry
 *   table_T(args..., index)    the default: the original call_indirect, so that an empty entry, an index out of range and an entry of
 *                              another type trap as before. A function of its own, else the fast path saves registers for it.
 *
 * and replaces `call_indirect T` by `call direct_T`: arguments and index are on the stack in that order already. Nothing is
 * renumbered. Types that are equal are one. Entries that lie close together are one range; the range with most entries is tested
 * first, so that br_table's own check of bounds is the only comparison.
 *
 * A table is constant when it is not imported, not exported (the host could write to it), not written by the code (table.set, table.grow,
 * table.fill, table.copy, table.init), and every active element segment has a number as its offset and fits. Calls through other
 * tables stay as they are; when there is no constant table the module is passed on byte by byte, and the statistics say why.
 *
 * Tail calls (return_call_indirect) stay as they are. Of everything else that a body holds (SIMD, atomics, exceptions in both
 * encodings) nothing changes. A direct call needs one more frame of the engine's stack.
 *
 * Measured with WasmEdge 0.14.1 and Node 20 on a shared machine of two processors. The aot stage finds callees without the
 * runtime by itself (aot_table.h); "as is" has that. PHP 7.4.33, Zend/bench.php, seconds:
 *
 *                                    precompiled     Node       module       native    to precompile
 *   as is                            0.92 - 1.00  1.73 - 2.02  6,021,918  10,682,122      105 s
 *   this pass after wasm-opt -O3     0.72 - 0.75  1.41 - 1.81  6,076,067  10,226,635      100 s
 *   before wasm-opt -O3              0.96 - 0.98               6,057,267  10,232,232
 *   after, gap 0                     0.72 - 0.73               6,084,867  10,236,826       99 s
 *   after, no range tested first     0.98 - 1.06               6,076,119  10,226,591       95 s
 *
 * 4,106 of 4,114 calls in 22 types, 3,857 entries. So: after wasm-opt, and the large range first. WasmEdge's own code for the same
 * module, which asks the runtime at every call, takes about five times as long. Lua 5.4.7 (114 of 114 calls, 6 types,
 * 2,495 bytes) stays as fast as it was on both: its loop is one function and calls little through the table.
 *
 * An interpreter executes the nested blocks of a dispatch function one by one: WasmEdge's takes 2.9 s instead of 0.24 s for a PHP loop of
 * 100,000 turns. So the build runs this pass only on the module that it then precompiles, and the portable one stays as it is.
 *
 * Sections: the name section is completed; debug information, source map, code metadata and precompiled code go, as their offsets
 * are void. Running the pass on its own output changes nothing. */
#ifndef WL_WASM_DIRECT_CALLS_H
#define WL_WASM_DIRECT_CALLS_H

#include "../base/buf.h"
#include "../base/err.h"

/* Raised whenever the output for the same input changes; part of every build key. */
#define WL_DIRECT_CALLS_VERSION 1

/* Defaults of the options below. */
#define WL_DIRECT_CALLS_GAP 16
#define WL_DIRECT_CALLS_PEEL 25

struct wl_direct_calls_options {
    uint32_t gap; /* entries of the type with at most so many others between them are one range */
    uint32_t
        peel; /* a range with at least this percentage of the type's entries is tested before the others; 101: none */
    bool exported_constant; /* the caller promises that the host does not write to an exported table */
};

struct wl_direct_calls_stats {
    bool changed;                   /* false: the output is the input */
    uint32_t sites;                 /* call_indirect instructions */
    uint32_t direct;                /* of these, how many were rewritten */
    uint32_t tail_sites;            /* return_call_indirect instructions, which stay */
    uint32_t types;                 /* function types with a dispatch function of their own */
    uint32_t entries;               /* table entries known to those */
    size_t size_before, size_after; /* bytes of the module */
    char reason[128];               /* why the module, or the first table that had to, stayed as it is; else "" */
};

/* Appends the rewritten module to *ret. in: a whole module. options: NULL for the defaults above. stats may be NULL. The same input
 * gives the same output. Fails only for bytes that are no module (module.h).
 * Limits (calls beyond them stay as they are): 16 tables; 1,000,000 table entries in all; 65,000 labels a br_table; 10,000 functions
 * and 4 MiB of code a dispatch function; 255 parameters. */
int wl_wasm_direct_calls(struct wl_blob in, const struct wl_direct_calls_options *options, struct wl_buf *ret,
                         struct wl_direct_calls_stats *stats, struct wl_err *err);

#endif
