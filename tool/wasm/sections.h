/* The readers of module.c, one a section (5.5.4 to 5.5.16). Each fills its part of the module from a cursor over the section's
 * payload. Private to module.c and sections.c. */
#ifndef WL_WASM_SECTIONS_H
#define WL_WASM_SECTIONS_H

#include "module.h"

int wl_wasm_read_types(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_imports(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_functions(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_tables(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_memories(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_tags(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_globals(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_exports(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_start(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_elements(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_codes(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_datas(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);
int wl_wasm_read_datacount(struct wl_wasm_module *m, struct wl_wasm_cursor *c, struct wl_err *err);

/* A name (5.2.4): length and UTF-8. */
int wl_wasm_read_name(struct wl_wasm_cursor *c, struct wl_blob *ret, struct wl_err *err);

#endif
