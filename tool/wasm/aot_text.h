/* Single lines of the IR that WasmEdge writes, said so that LLVM may optimise them.
 *
 *   - Accesses to the memory are volatile there, so that none that traps is ever left out; nothing is kept in a
 *     register, loads are not folded into the instructions that use them, stores are not forwarded. With `loads` they are ordinary
 *     accesses: the one thing that changes is that an access whose value nobody uses may go, with its trap.
 *   - What the context points to (the start of the memory, the places of the globals) does not change during a call. WasmEdge says so
 *     with invariant.group and a load of the whole context; invariant.load on single loads is understood by more passes.
 *   - Memory and globals never overlap, which type-based alias information says.
 *   - memory.copy and memory.fill are calls into the runtime there. 1 to 64 bytes are moved in place: all loads come before all
 *     stores, and the last byte is stored first, so that nothing is written where one of them traps. Up to 1024 bytes are moved in
 *     a loop, which looks at the last byte first; not so a move to where its own source still has to be read. Everything else asks
 *     the runtime as before. */
#ifndef WL_WASM_AOT_TEXT_H
#define WL_WASM_AOT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* The runtime's function that finds another one by table, type and index (WasmEdge 0.11 to 0.14). */
#define WL_AOT_INTRINSIC_LOOKUP 18u

#define WL_AOT_NAME 24 /* bytes of a value's name ("%1234") */

/* What the lines before it said; zeroed by wl_aot_text_start. */
struct wl_aot_text {
    bool loads;      /* ordinary accesses */
    bool has_memory; /* %wl.memory is the start of the memory (aot_pin.h) */
    bool has_stack;  /* global `stack` is in a variable (aot_stack.h) */
    unsigned long stack;
    unsigned long number, which; /* of the global in entry, global */
    unsigned long field;         /* the part of the context in context, entry: 0 memories, 1 globals */
    unsigned long intrinsic;     /* the runtime's function in slot, host */
    char context[WL_AOT_NAME], entry[WL_AOT_NAME], global[WL_AOT_NAME], slot[WL_AOT_NAME], host[WL_AOT_NAME];
};

/* A function begins. */
void wl_aot_text_start(struct wl_aot_text *t, bool loads, bool has_memory);
/* Writes one line of its body, a whole one with its newline, anew; false when it stays as it is (nothing is written). */
bool wl_aot_text_line(struct wl_aot_text *t, FILE *out, const char *line);

/* Is this line, which has just been written, a load of this global? */
bool wl_aot_text_reads(const struct wl_aot_text *t, const char *line, unsigned long global);

/* The metadata and functions that a part needs for it. first: the part that defines the hidden ones; has_memory: its functions have
 * %wl.memory. Metadata from !900 on; @wl.copy, @wl.fill. */
void wl_aot_text_head(FILE *out, bool first, bool has_memory);

/* The nodes for memory and globals, an empty one, and weights for a branch that is rarely and mostly taken. */
#define WL_AOT_MEMORY "!tbaa !903"
#define WL_AOT_GLOBAL "!tbaa !904"
#define WL_AOT_SAME "!invariant.load !905"
#define WL_AOT_RARELY "!prof !906"
#define WL_AOT_MOSTLY "!prof !907"

/* Reads the name of a value ("%12") at `at`; false when there is none. */
bool wl_aot_text_name(const char *at, char ret[WL_AOT_NAME]);

#endif
