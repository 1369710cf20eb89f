/* The start of the memory, in one register throughout.
 *
 * In WasmEdge's code every function gets the context alone and loads the start of the memory from it, two loads one behind the other
 * before its first access. The start never changes, so here it goes from function to function in the register of `swiftself`, which
 * callees keep: nobody moves it, saves it for a call, or loads it.
 *
 * Function f<n> becomes g<n>, with that parameter behind the context, and all calls in the module are of g<n>. f<n> as WasmEdge knows it
 * loads the start and calls g<n>; where nobody outside of the code can get hold of the function (not exported, not the start, in no
 * table, not named by ref.func), it is a function that traps, one for all of them. A call through the table passes the start in
 * any case: the functions that the runtime finds do not look at that register and leave it as it is.
 *
 * PHP 7.4.33 with few extensions, user time, least of four turns on a busy machine, native, before and with it (and with the lookup and the
 * copies that came together with it): a template engine 0.140, 0.206, 0.169; Markdown 0.289, 0.448, 0.415; JSON and expressions
 * 0.202, 0.307, 0.270; n bodies 0.310, 0.502, 0.387; Zend/bench.php, whose handlers had that register before, the same. The
 * code grows by 1 %.
 *
 * Not for modules with several memories, or with tail calls (their callees need the caller's very parameters). */
#ifndef WL_WASM_AOT_PIN_H
#define WL_WASM_AOT_PIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/buf.h"
#include "../base/err.h"

/* How the parameter is passed, and its name in every function. */
#define WL_AOT_PIN "ptr swiftself"
#define WL_AOT_PINNED "%%wl.memory" /* in a format */

struct wl_aot_pin {
    bool on;
    bool *outside; /* of every function: somebody outside may call it */
    uint32_t n_functions;
};

/* Fails only for bytes that are no module. */
int wl_aot_pin_read(struct wl_blob module, struct wl_aot_pin *ret, struct wl_err *err);
void wl_aot_pin_release(struct wl_aot_pin *p);

/* What every part needs. */
void wl_aot_pin_head(FILE *out);
/* f<n>; line: its definition from its type on ("i32 @f12(ptr ...) #1 {\n"). */
void wl_aot_pin_outside(FILE *out, const struct wl_aot_pin *p, uint32_t f, const char *line);
/* The head of g<n>, from the same line; and its declaration for other parts. */
void wl_aot_pin_inside(FILE *out, const char *line);
void wl_aot_pin_declare(struct wl_buf *out, const char *line);
/* A line of a body: when it is a call of a function of the module, writes it with the start of the memory, and an attribute
 * ("cold ") of the call. False for any other line. */
bool wl_aot_pin_call(FILE *out, const char *attribute, const char *line);

#endif
