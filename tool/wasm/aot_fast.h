/* The usual ways of a threaded function (aot_thread.h), as a body of their own.
 *
 * A handler's usual way calls nothing, but the calls of its other ways make it pay: a frame, registers that are saved, values that stay where
 * a call leaves them alone, and the question whether there is a table. LLVM moves a frame out of the way only for functions with one
 * way out. So the whole body is w<n>, and the table of bodies holds h<n>: the same, but where w<n> would call something and nothing was
 * written yet, h<n> jumps to the beginning of w<n>, which reads the same once more and calls. What was read did not change, and what
 * traps while it is read traps in h<n>. Calls behind the first write to the memory or a global stay. h<n> always has a table.
 *
 * Where every way calls something, h<n> is w<n>. g<n> and handlers without a table go on in w<n>.
 *
 * PHP 7.4.33 with few extensions, 968 functions, of which 528 get a second body: its code grows from 3.72 to 3.93 MB. Instructions of the
 * eight small programs (aot_thread.h) and short runs of others, by valgrind and without the start: 1,021 million before, 890. Time, the
 * programs of Zend/bench.php and n bodies in turns of a millisecond or less, least of some 150 to 350 each, geometric mean, native being 1,
 * on a machine with twenty others at work: 1.28 before, 1.27 with it, and 1.21 where h<n> begins at a multiple of 64 bytes as well (before:
 * 1.2 loops, 1.4 calls of functions, 1.58 recursion, 1.46 arrays of arrays; now 1.05, 1.23, 1.45, 1.40; n bodies 1.45 and 1.37). Where it
 * begins is worth up to a quarter of a tight loop, which otherwise hides what other changes bring: compare two builds only with it.
 *
 * Lost: w<n> without h<n> at multiples of 64 as well (1.21); clang's -O2 instead of the short passes for the parts without handlers (the same
 * instructions to 0.04 %, twice the time to compile). What remains: handlers of which every way calls something (elements and properties that are
 * written, their functions with five registers to save), the stack pointer in those functions (aot_stack.h holds it for handlers alone), calls
 * behind a write (what is freed) that keep their frame, and the opcode's address, which is stored and loaded again where a handler writes in
 * between: native PHP keeps it in a register.
 */
#ifndef WL_WASM_AOT_FAST_H
#define WL_WASM_AOT_FAST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The most lines of a body that is looked at; a longer one has no usual way. */
#define WL_AOT_FAST_LINES 6000u

/* text: what was written for function f (len bytes, whole lines; changed here), of which the last function is w<f>. Writes it, and h<f> behind it:
 * the usual ways, or another name of w<f>. Text that is not understood gets the latter. */
void wl_aot_fast_write(FILE *out, char *text, size_t len, uint32_t f);

#endif
