/* Native code in WasmEdge's "universal" form: a wasm custom section `wasmedge` behind the module.
 *
 * Its payload, for binary version 1 (WasmEdge 0.11 to 0.14); numbers are unsigned LEB128:
 *   version, one byte OS (1 Linux), one byte architecture (1 x86_64, 2 aarch64, 3 riscv64), addresses of `version` and
 *   `intrinsics`, a count and the addresses of the type wrappers, a count and the addresses of the functions that the module defines, a
 *   count and the sections: one byte kind (1 text, 2 data, 3 bss), address, size, and the bytes with their length.
 * The loader copies the sections to where they stand relative to each other and makes the text executable. It applies no
 * relocation at all, so the code must not need any; wl_aot_code_open checks that. */
#ifndef WL_WASM_AOT_CODE_H
#define WL_WASM_AOT_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

/* A part of the linked code that is loaded. */
struct wl_aot_range {
    uint8_t kind;
    uint64_t address, size;
    uint64_t offset; /* in the file; text and data only */
};

struct wl_aot_code {
    int fd;
    uint8_t arch;
    uint32_t version;
    uint64_t version_address, intrinsics;
    uint64_t *types, *functions; /* addresses */
    size_t n_types, n_functions; /* functions: with the imported ones, which the section leaves out */
    size_t n_imported;
    struct wl_aot_range *ranges;
    size_t n_ranges;
};
#define WL_AOT_CODE_INIT {.fd = -1}

/* Opens a shared object (ELF64, little endian) that was linked from the parts of wl_aot_ir_split. Fails when it is not
 * for `arch` ("x86_64", "aarch64"), needs relocations, or lacks one of the type wrappers t0 ... or functions f0 ..., of
 * which the first n_imported are wrappers around imports. */
struct wl_aot_counts {
    size_t n_types, n_functions, n_imported;
};
int wl_aot_code_open(struct wl_aot_code *ret, const char *path, const char *arch, uint32_t version,
                     struct wl_aot_counts counts, struct wl_err *err);
void wl_aot_code_release(struct wl_aot_code *c);

/* Takes the bytes of the payload one after the other. */
typedef int wl_aot_sink(void *arg, const void *p, size_t n, struct wl_err *err);
/* Writes the payload (what stands behind the section's name) to a sink. Reading problems and the sink's own
 * failures end it. The same code gives the same bytes each time. */
int wl_aot_code_emit(const struct wl_aot_code *c, wl_aot_sink *sink, void *arg, struct wl_err *err);

/* The number WasmEdge gives an architecture; 0 for one that it does not know. */
uint8_t wl_aot_arch_number(const char *arch);
/* The name of a number ("x86_64"), or NULL. */
const char *wl_aot_arch_name(uint8_t number);

#endif
