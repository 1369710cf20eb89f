/* Where the flag of exceptions (lower_eh.h: the global g of aot_thread.h) has to be looked at when a threaded function is left.
 *
 * A call that may set it is followed by a look at it, but for those whose result only travels to the end of the function. So at the end it
 * may be set behind a call that may set it and no look that found it clear. Which functions may set it is what the module says: they
 * write to it, or call one that may, or call through a table.
 *
 * Lost: the look itself, everywhere, as one comparison with a number in the code's own data, of the instances whose flag is set, instead of
 * two loads and a comparison: 0.8 % fewer instructions in a program that calls much, 0.7 % more in small ones (the places of
 * the globals are kept in registers there), and 10 % more code. */
#ifndef WL_WASM_AOT_FLAG_H
#define WL_WASM_AOT_FLAG_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/err.h"
#include "aot_text.h"
#include "module.h"

/* ret_sets: of every function, whether it may return with the global set; to be freed. Functions of the host do not (lower_eh.h). */
int wl_aot_flag_find(const struct wl_wasm_module *m, uint32_t global, bool **ret_sets, struct wl_err *err);

/* What the lines of a function said; released and zeroed when it begins. */
struct wl_aot_flag_text {
    char value[WL_AOT_NAME], test[WL_AOT_NAME]; /* the flag that was read last; that it is not 0 */
    struct wl_buf clear; /* "\nLABEL:" for every block that is only reached with the flag clear */
};
void wl_aot_flag_text_release(struct wl_aot_flag_text *x);

/* Looks at a line. is_flag: it reads the flag. */
void wl_aot_flag_note(struct wl_aot_flag_text *x, const char *line, bool is_flag);
/* Is this the label of a block that is only reached with the flag clear? */
bool wl_aot_flag_is_clear(const struct wl_aot_flag_text *x, const char *line);

#endif
