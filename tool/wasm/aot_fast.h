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
 * eight small programs (aot_thread.h) and short runs of nine others, by valgrind and without the start: 1,021 million before, 890. Time, the
 * programs of Zend/bench.php and n bodies in turns of a millisecond or less, least of some 150 each, geometric mean, native being 1, on a
 * machine with twenty others at work: 1.297 before, 1.251 (loop 1.19 - 1.12, calls of functions 1.44 - 1.21, recursion 1.58 - 1.36,
 * heap sort 1.19 - 1.07; n bodies the same: most of its handlers call something). */
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
