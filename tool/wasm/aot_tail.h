/* Ways out of a threaded function (aot_thread.h) that go on in another one.
 *
 * A handler that ends with "return helper(state)" costs a call, a return, and a frame around both. Where the helper has the handlers'
 * type and gets the state as it came, it gets a body of its own, whether it is in the table or not, and the handler jumps to it.
 * WasmEdge is given a module in which these are tail calls, one byte each, of which it makes IR that is easily told. The module
 * that is stored stays as it is. */
#ifndef WL_WASM_AOT_TAIL_H
#define WL_WASM_AOT_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "aot_text.h"
#include "module.h"

#define WL_AOT_TAIL_LINE 160 /* bytes of a line that may turn out to be one */

struct wl_aot_tail {
    size_t *at; /* offsets in the module of the calls that are tails */
    size_t n;
    bool *has; /* of every function: some of its calls are */
};

/* Which functions may be gone on in: those of this type that the module defines, but not the loop. */
struct wl_aot_tail_want {
    const uint32_t *first_type; /* the first index of every type that is the same */
    uint32_t type, loop;
};

/* Looks for tails in function f and appends them; ret_callees: the functions they lead to, *ret_n of them (may hold one twice), to be
 * freed. None, where the function writes to its parameter. */
int wl_aot_tail_look(struct wl_aot_tail *tail, const struct wl_wasm_module *m, const struct wl_aot_tail_want *want,
                     uint32_t f, uint32_t **ret_callees, size_t *ret_n, struct wl_err *err);
void wl_aot_tail_release(struct wl_aot_tail *tail);
/* Makes tail calls of the calls, in a copy of the module. */
void wl_aot_tail_mark(const struct wl_aot_tail *tail, uint8_t *module);

/* What the lines of a function with tails said; zeroed when it begins. */
struct wl_aot_tail_text {
    char parameter[WL_AOT_NAME]; /* the place that holds the state */
    char state[WL_AOT_NAME];     /* the value that was read from it last */
    char result[WL_AOT_NAME];    /* of the call that is held back */
    char call[WL_AOT_TAIL_LINE]; /* its line; "" for none */
    uint32_t callee;
};

/* Looks at a line of a function's body. True: it is a call with the state, and is held back until the next line is known. */
bool wl_aot_tail_hold(struct wl_aot_tail_text *x, const char *line);
/* Is this, behind a call that is held back, the return of its result? */
bool wl_aot_tail_is(const struct wl_aot_tail_text *x, const char *line);

#endif
