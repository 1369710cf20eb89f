/* Threaded dispatch for the interpreters that a module holds.
 *
 * An interpreter whose opcodes are functions runs them from a loop:
 *
 *   loop: result = call_indirect T (state) through load(load(state + a) + b); leave if global g is set; repeat if result is 0
 *
 * In native code every opcode then costs a call, a return, the registers that both save, and one indirect jump for all opcodes together,
 * which processors predict badly. Here each function of that type in the table gets a second body, h<n>, that does what the loop would
 * do next itself: where f<n> returns 0 with g clear, h<n> loads the next index and jumps (musttail) to that function's body. The loop
 * enters with the first body and gets the result of the last one: any other result, g set, an index outside of the table's range or a
 * slot with another type return to it, so that nothing else changes, traps included. g<n> itself (aot_pin.h), for all other callers, is
 * w<n>, the whole body (aot_fast.h), without a table of bodies (NULL). Without one nothing is loaded for a jump: the function may be
 * somebody's callback that only shares the type, and what it was given no state.
 *
 * The bodies' convention saves no registers (preserve_none), and hands on in registers what every opcode needs: the context, the state, the
 * table, the start of the memory, and the value of load(state + a), which an opcode has just stored and the next one would load again.
 *
 * Where the loop goes on with another state for a positive result (a call, a return of the interpreted program), the bodies do that as
 * well. So they return two numbers, the result and the state it belongs to, and the loop's own variable is set to the latter.
 *
 * A handler's usual way calls nothing. So all its calls are marked cold: what they need is saved and laid out around them, and the usual way
 * falls through to the jump. And g is only looked at where a call came before: a variable that is set behind each call says so, which
 * LLVM turns into one way out with the look and one without.
 *
 * PHP 7.4.33 (968 functions), Zend/bench.php, the least processor time of five turns on a busy machine, with 0.04 s of start-up:
 * native (gcc -O2, computed gotos) 0.30; direct_calls.h after wasm-opt 0.78; that with ordinary accesses and invariant loads 0.79, so these
 * pay only together with threading; threaded 0.52; with copies in place 0.53; with calls and returns 0.51 s. The code is 4.5 MB
 * instead of 4.1.
 *
 * With few extensions, user time, least of five turns on a machine with 25 others at work (native; before; with aot_pin.h, the lookup that
 * asks less and copies in a loop; and with cold calls): bench 0.385, 0.638, 0.673, 0.561.
 *
 * The jump itself is ten instructions. State and opcode are handed on as 64-bit addresses below 2^32, so that nobody widens them; the
 * table begins with slot 0, so that nothing is subtracted from the index; whether there is a table is a test of one register. With 32-bit
 * numbers, a subtraction and a comparison with the table's own address it was 17, and the handlers' code 11 % larger. The opcode in its
 * register pays only where the body takes it instead of the load: it must be the older of the two values (wl_aot_thread_entry).
 *
 * Measured inside of the programs, as even the least user time swings by a fifth on a busy machine: the sum over eight small ones
 * (loops, calls, recursion, a fractal, matrices, a sieve, strings, properties) of the least of some 200 turns of a millisecond, native
 * PHP being 1: 1.46 before, 1.51 with the short jump and the opcode loaded again, 1.34 without the load, in handlers that move the stack pointer
 * first as well; 1.30 with -mllvm -regalloc-csr-first-time-cost=8192, for which 63 of 211 frames need no rbp (without the
 * others it changed nothing). Lost: handlers at multiples of 32 bytes (1.36), no merging of equal ends (1.34), no unrolling (1.31).
 *
 * The table of bodies holds addresses, so that a jump takes one from it: 8 instructions. The code is linked without relocations, so the
 * table is filled from one of distances when the loop is entered first.
 *
 * A handler that ends in another one, or in a helper of the type, jumps there (aot_tail.h); C's stack pointer stays in a register
 * (aot_stack.h); g is looked at only where it may be set (aot_flag.h): before, a search in an array, which cannot throw, made every
 * read of an element ask. The eight small programs, native being 1, least of 160 turns, one run on a very busy machine: 1.37 before,
 * 1.28 with all three. bench, user time: 0.534 before, 0.471, native 0.382.
 *
 * What remains: instructions, which a simulator counts without noise (valgrind --tool=cachegrind; the small programs, without the start):
 * native 45.0 million, before 75.6, now 71.3. In most handlers a stack frame that only the cold calls need, 2 to 5 instructions:
 * LLVM can move a frame to one place of a function with one way out, and they have several. What would take it away: a body with the
 * usual ways alone, which, where one calls something and nothing was written yet, jumps to the whole body from its beginning; then
 * only the whole one would ask whether there is a table. Each operand of the state is an addition, as its address may wrap at 2^32,
 * and each jump asks whether the index is inside.
 *
 * The loop is recognised in the module, instruction by instruction; anything that differs stays as it is. One thing is
 * promised by whoever asks for this: that g is 0 whenever one of the functions is called, as it is for the flag of lower_eh.h. */
#ifndef WL_WASM_AOT_THREAD_H
#define WL_WASM_AOT_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/buf.h"
#include "../base/err.h"
#include "aot_flag.h"
#include "aot_stack.h"
#include "aot_table.h"
#include "aot_tail.h"

/* The least number of functions that make an interpreter. */
#define WL_AOT_THREAD_LEAST 16

enum wl_aot_kind {
    WL_BODY_NONE,  /* not one of the interpreter's functions */
    WL_BODY_PLAIN, /* one of them */
    WL_BODY_EARLY, /* one that begins with load(state + a), before it does anything that can be seen */
};

struct wl_aot_thread {
    bool found;
    uint32_t loop;        /* the function that holds the loop */
    uint32_t type;        /* T, the first index that has it */
    uint32_t state, next; /* offsets of the two loads: a and b */
    /* Behind that, "if result > 0: state = load(entered); leave if the byte at `pending` is not 0; repeat" is there. */
    bool has_again, has_pending;
    uint32_t entered, pending; /* addresses */
    bool has_flag;
    uint32_t flag;          /* g */
    bool *sets;             /* of every function: it may return with g set; NULL: any may (aot_flag.h) */
    uint32_t first, n;      /* the slots of the table that are looked at */
    enum wl_aot_kind *body; /* of every function */
    uint32_t n_functions;
    uint32_t n_bodies; /* in the table */
    struct wl_aot_tail tail;
    struct wl_aot_stack stack;
};

/* Looks for the loop. A module without one, or with an unknown table, gives found false. Fails only for bytes that are no module. */
int wl_aot_thread_find(struct wl_blob module, const struct wl_aot_table *table, struct wl_aot_thread *ret,
                       struct wl_err *err);
void wl_aot_thread_release(struct wl_aot_thread *t);

/* What every part needs: the entry from the loop, and in the first, which holds none of the bodies, the tables. */
void wl_aot_thread_head(FILE *out, const struct wl_aot_thread *t, const struct wl_aot_table *table, bool first);
/* In the place of the definition line of function f (is_body): the plain function, g<n>, and the head of its whole body, w<n>. */
void wl_aot_thread_define(FILE *out, const struct wl_aot_thread *t, uint32_t f, const char *line);
/* Before the first line of the body, behind "entry:". */
void wl_aot_thread_entry(FILE *out, const struct wl_aot_thread *t, uint32_t f);
/* After a line of the body: where it calls something that may set g, it may be set from here on (set), or, in a block that is only reached
 * with g clear, it is not (clear). A return that no such call comes before does not look at g. */
void wl_aot_thread_called(FILE *out, const struct wl_aot_thread *t, const char *line);
void wl_aot_thread_clear(FILE *out, const struct wl_aot_thread *t);
/* In the place of a call of f and the return of its result: the jump to its whole body. n: a number of its own in the function. */
void wl_aot_thread_tail(FILE *out, const struct wl_aot_thread *t, uint32_t f, unsigned n);
/* In h<f>: the jump to the beginning of w<f>, as h<f> was entered. n: a number of its own in the function. */
void wl_aot_thread_whole(FILE *out, uint32_t f, size_t n);
/* h<f> as another name of w<f>. */
void wl_aot_thread_same(FILE *out, uint32_t f);
/* Does a line call something: a function of the module, of the table or of the runtime? */
bool wl_aot_thread_is_call(const char *line);
/* The declarations of f's bodies, h<f> and w<f>, for other parts; nothing for a function without one. */
void wl_aot_thread_declare(struct wl_buf *out, const struct wl_aot_thread *t, uint32_t f);
/* In the place of a line "  ret i32 VALUE". n: a number of its own in the function. False for any other line. */
bool wl_aot_thread_return(FILE *out, const struct wl_aot_thread *t, const char *line, unsigned n);

#endif
