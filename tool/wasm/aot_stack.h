/* The stack pointer of C's own stack, in the threaded functions of an interpreter (aot_thread.h).
 *
 * What has an address (the string of a number, a value that a slow way may want) C keeps in the memory, in a stack of its own, and moves
 * a global for it when a function begins and ends, whether it gets there or not: six instructions on the usual way, two of them writes. Here the
 * global's value stays in a register. It is written before a call, for what is called, and put back behind it.
 *
 * The global is the one that most of the functions lower by a number. Promised by whoever asks for threading: what is called leaves
 * it as it was or throws, and who catches sets it anew. C compilers do both. */
#ifndef WL_WASM_AOT_STACK_H
#define WL_WASM_AOT_STACK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/err.h"
#include "module.h"

/* The least number of functions that lower it. */
#define WL_AOT_STACK_LEAST 4

struct wl_aot_stack {
    bool found;
    uint32_t global;
    bool *moves; /* of every function that was looked at: it writes to the global */
};

/* Looks at the functions f with looks_at(arg, f). */
int wl_aot_stack_find(const struct wl_wasm_module *m, bool (*looks_at)(const void *arg, uint32_t f), const void *arg,
                      struct wl_aot_stack *ret, struct wl_err *err);
void wl_aot_stack_release(struct wl_aot_stack *s);

/* Of a function that moves it: before the first line of its body; before and behind a call, n a number of its own. In between the value
 * is in the variable at WL_AOT_STACK_PLACE. */
#define WL_AOT_STACK_PLACE "%%wl.sp" /* in a format */
void wl_aot_stack_entry(FILE *out, const struct wl_aot_stack *s);
void wl_aot_stack_before(FILE *out, unsigned n);
void wl_aot_stack_behind(FILE *out);

#endif
