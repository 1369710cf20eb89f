/* The functions of a part as they are compiled: WasmEdge's text line by line, with what replaces it. See aot_text.h for single
 * lines, aot_pin.h for the start of the memory, aot_thread.h for the functions of an interpreter; calls through the table are here.
 *
 * With a known table (n > 0), indirect calls through table 0 take the function from a constant copy of it when the index is
 * inside and the type is the very one, and ask the runtime, as before, otherwise: an index outside, an empty slot, another
 * type trap as they did, and an equal type of another index is still found. The copy holds offsets, so that it needs no
 * relocation. */
#ifndef WL_WASM_AOT_BODY_H
#define WL_WASM_AOT_BODY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "aot_pin.h"
#include "aot_table.h"
#include "aot_text.h"
#include "aot_thread.h"

#define WL_AOT_READS 8 /* kept */
#define WL_AOT_SCRATCHES 2
#define WL_AOT_SCRATCH_MAX 4096 /* bytes each */

/* How a module is written. */
struct wl_aot_how {
    const struct wl_aot_table *table;
    const struct wl_aot_pin *pin;       /* NULL or not on: every function loads the start of the memory itself */
    const struct wl_aot_thread *thread; /* NULL or not found: none; needs pin */
    bool loads;                         /* ordinary accesses to the memory (aot_text.h) */
};

struct wl_aot_body {
    const struct wl_aot_how *how;
    struct wl_aot_text text;
    uint32_t function;
    bool pinned;            /* it has the start of the memory */
    bool threaded, is_loop; /* it is one of the interpreter's functions, its loop */
    bool tails, moves;      /* it goes on in others (aot_tail.h), moves the stack pointer (aot_stack.h) */
    struct wl_aot_tail_text tail;
    struct wl_aot_flag_text flag;
    unsigned n_tails, n_calls;
    bool entry; /* the next line is its first */
    bool first_block;
    unsigned long scratch; /* bytes that any line wants (wl_aot_body_scratch) */
    unsigned n_scratch;    /* taken in this block */
    unsigned n_returns;
    char index[WL_AOT_NAME]; /* in the loop: of the call that comes */
    /* In the loop: the values that were read from variables last, and the variables' places. */
    struct {
        char value[WL_AOT_NAME], place[WL_AOT_NAME];
    } reads[WL_AOT_READS];
    size_t n_reads;
    size_t n_lookups; /* indirect calls that look the function up themselves, in all functions so far */
};

/* The head of a part, behind the declarations that it shares with the others. first: the part that defines the tables (and is not
 * hot). */
void wl_aot_body_head(FILE *out, const struct wl_aot_how *how, bool first);
/* Is the function one that the interpreter's loop calls, with bodies (aot_thread.h)? */
bool wl_aot_body_is_threaded(const struct wl_aot_how *how, uint32_t f);
/* Is it one of the interpreter's: the loop, or what it calls? */
bool wl_aot_body_is_hot(const struct wl_aot_how *how, uint32_t f);
/* A function's definition line, from its type on ("i32 @f12(ptr ...) #1 {\n"). f: its number, UINT32_MAX for a type wrapper.
 * scratch: the most of wl_aot_body_scratch over its lines. */
void wl_aot_body_define(struct wl_aot_body *b, FILE *out, uint32_t f, unsigned long scratch, const char *line);
/* Bytes that a line of a body takes from the stack while it runs; 0: none, or too many to be set aside. */
unsigned long wl_aot_body_scratch(const char *line);
void wl_aot_body_release(struct wl_aot_body *b);
/* A line of its body, whole, with its newline. */
void wl_aot_body_line(struct wl_aot_body *b, FILE *out, const char *line);

#endif
