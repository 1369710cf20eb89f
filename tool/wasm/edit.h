/* What the passes that rewrite a linked module share: sections that get longer, names that are completed, custom sections that a
 * rewrite makes void, function types that are equal. The module was parsed before (module.h). */
#ifndef WL_WASM_EDIT_H
#define WL_WASM_EDIT_H

#include "module.h"

/* A buffer's contents as a blob that the buffer goes on owning. */
struct wl_blob wl_wasm_blob(const struct wl_buf *b);

/* Appends section s (NULL: the module has none; then id says which) with `more` entries added at the end of its vector: those
 * in tail, already encoded. Appends nothing when the vector is empty then. */
void wl_wasm_put_longer(struct wl_buf *out, const struct wl_wasm_section *s, uint8_t id, uint32_t more,
                        const struct wl_buf *tail);

/* Appends a subsection of the name section (tool conventions, "Name Section") that is a name map, with `more` entries (in tail,
 * encoded, of higher indices than all others) at its end. A malformed map is kept as it is: names are not part of a module's
 * meaning. */
void wl_wasm_put_name_map(struct wl_buf *out, uint8_t id, struct wl_blob map, uint32_t more, const struct wl_buf *tail);

/* True for custom sections that speak of offsets or of machine code, void when function bodies change: .debug_*, source maps,
 * metadata.code.*, code that WasmEdge compiled. */
bool wl_wasm_is_offset_section(const struct wl_wasm_section *s);

/* True for an object file (sections "linking", "reloc.*"), which wasm-ld has still to link. */
bool wl_wasm_is_object(const struct wl_wasm_module *m);

/* For every type the index of the first type equal to it; ret has room for n_types. */
void wl_wasm_equal_types(const struct wl_wasm_module *m, uint32_t *ret);

#endif
