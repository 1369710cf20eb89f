/* A WebAssembly module, parsed (WebAssembly core specification 3.0, 5.5 "Modules"): sections, types, imports, functions,
 * tables, memories, globals, tags, exports, element segments, function bodies. Reading is strict and bounds-checked:
 * malformed input gives "not a WebAssembly module: ... at offset 0x...", never a crash. What the specification calls
 * validation (types of operands) is not done; indices between sections are checked.
 *
 * Nothing is copied: the module points into the bytes it was parsed from, which must outlive it. */
#ifndef WL_WASM_MODULE_H
#define WL_WASM_MODULE_H

#include "../base/buf.h"
#include "../base/mem.h"
#include "insn.h"

/* Section ids (5.5.2). */
enum wl_wasm_section_id {
    WL_SEC_CUSTOM = 0,
    WL_SEC_TYPE = 1,
    WL_SEC_IMPORT = 2,
    WL_SEC_FUNCTION = 3,
    WL_SEC_TABLE = 4,
    WL_SEC_MEMORY = 5,
    WL_SEC_GLOBAL = 6,
    WL_SEC_EXPORT = 7,
    WL_SEC_START = 8,
    WL_SEC_ELEMENT = 9,
    WL_SEC_CODE = 10,
    WL_SEC_DATA = 11,
    WL_SEC_DATACOUNT = 12,
    WL_SEC_TAG = 13,
};
#define WL_WASM_N_SECTIONS 14
const char *wl_wasm_section_name(uint8_t id); /* "custom", "type", ... */

/* Imports and exports (5.5.5). */
enum wl_wasm_kind { WL_KIND_FUNC = 0, WL_KIND_TABLE = 1, WL_KIND_MEMORY = 2, WL_KIND_GLOBAL = 3, WL_KIND_TAG = 4 };
const char *wl_wasm_kind_name(uint8_t kind); /* "func", "table", ... */

struct wl_wasm_section {
    uint8_t id;
    struct wl_blob name;    /* custom sections only */
    size_t at;              /* offset of the id */
    struct wl_blob payload; /* custom sections: what follows the name */
};

struct wl_wasm_functype {
    struct wl_blob params; /* one byte a type, see enum wl_wasm_valtype */
    struct wl_blob results;
};

struct wl_wasm_limits {
    uint64_t min;
    uint64_t max; /* valid when has_max */
    bool has_max, shared, is64;
};

struct wl_wasm_import {
    struct wl_blob module, name;
    uint8_t kind;
    uint32_t index; /* in the index space of its kind */
    size_t at, end; /* where it stands */
};

struct wl_wasm_table {
    uint8_t type; /* a reference type */
    struct wl_wasm_limits limits;
};

struct wl_wasm_global {
    uint8_t type;
    bool is_mutable;
};

struct wl_wasm_export {
    struct wl_blob name;
    uint8_t kind;
    uint32_t index;
};

/* A constant expression (3.3.10), as far as it can be known without running it. */
struct wl_wasm_const {
    enum { WL_CONST_OTHER, WL_CONST_INT, WL_CONST_GLOBAL, WL_CONST_FUNC, WL_CONST_NULL } kind;
    int64_t value; /* the number; the index of the global or the function */
};

enum wl_wasm_elem_mode { WL_ELEM_ACTIVE, WL_ELEM_PASSIVE, WL_ELEM_DECLARED };
struct wl_wasm_elem {
    enum wl_wasm_elem_mode mode;
    uint32_t table; /* active ones */
    struct wl_wasm_const offset;
    uint8_t type;
    uint32_t n;
    const uint32_t *funcs; /* n function indices; UINT32_MAX: null or not known */
};

struct wl_wasm_data {
    bool active;
    uint32_t memory;
    struct wl_wasm_const offset;
    struct wl_blob bytes;
};

/* A function body: offsets of the local declarations, of the first instruction, and of the end. */
struct wl_wasm_code {
    size_t at, insns, end;
    uint32_t n_locals; /* declared ones, without the parameters */
};

struct wl_wasm_module {
    struct wl_blob bytes;
    struct wl_wasm_section *sections;
    struct wl_wasm_functype *types;
    struct wl_wasm_import *imports;
    uint32_t *funcs; /* type index of every function, the imported ones first */
    struct wl_wasm_table *tables;
    struct wl_wasm_limits *memories;
    struct wl_wasm_global *globals;
    uint32_t *tags; /* type index */
    struct wl_wasm_export *exports;
    struct wl_wasm_elem *elems;
    struct wl_wasm_code *codes; /* n_funcs - n_imported[WL_KIND_FUNC] */
    struct wl_wasm_data *data;
    uint32_t n_sections, n_types, n_imports, n_funcs, n_tables, n_memories, n_globals, n_tags, n_exports, n_elems,
        n_codes, n_data;
    uint32_t n_imported[5]; /* by kind */
    bool has_start;
    uint32_t start;
    unsigned features; /* used outside of function bodies; see wl_wasm_features for all */
    bool *ref_funcs;   /* n_funcs: named by ref.func in a global's or an element's initialiser */
    struct wl_arena arena;
};

/* True when the bytes start as a module does (magic and version 1). */
bool wl_wasm_is_module(struct wl_blob b);

/* Parses. On success wl_wasm_release frees (a zeroed struct is fine to release); on failure nothing is left to free. Modules of
 * up to 1 GiB. Errors: WL_FAILED. */
int wl_wasm_parse(struct wl_wasm_module *ret, struct wl_blob bytes, struct wl_err *err);
void wl_wasm_release(struct wl_wasm_module *m);

/* The section with this id, or the first custom section with this name; NULL when there is none. */
const struct wl_wasm_section *wl_wasm_section(const struct wl_wasm_module *m, uint8_t id);
const struct wl_wasm_section *wl_wasm_custom(const struct wl_wasm_module *m, const char *name);

/* Everything the module uses (bits of enum wl_wasm_feature); walks all function bodies. */
int wl_wasm_features(const struct wl_wasm_module *m, unsigned *ret, struct wl_err *err);

/* The type of function f. */
const struct wl_wasm_functype *wl_wasm_func_type(const struct wl_wasm_module *m, uint32_t f);

/* A cursor over the instructions of code i. */
struct wl_wasm_cursor wl_wasm_code_cursor(const struct wl_wasm_module *m, uint32_t i);

bool wl_blob_is(struct wl_blob b, const char *s);
bool wl_blob_equal(struct wl_blob a, struct wl_blob b);

/* --- Writing: pieces of a module appended to a buffer. --- */
#define WL_WASM_HEADER "\0asm\1\0\0\0"
#define WL_WASM_HEADER_LEN 8

void wl_wasm_put_u32(struct wl_buf *out, uint32_t v);
void wl_wasm_put_s64(struct wl_buf *out, int64_t v); /* signed LEB128, for the immediates of *.const and block types */
void wl_wasm_put_name(struct wl_buf *out, const char *s);
void wl_wasm_put_section(struct wl_buf *out, uint8_t id, struct wl_blob payload);
void wl_wasm_put_custom(struct wl_buf *out, const char *name, struct wl_blob payload);
/* A section as it stands in m. */
void wl_wasm_put_same(struct wl_buf *out, const struct wl_wasm_module *m, const struct wl_wasm_section *s);

#endif
