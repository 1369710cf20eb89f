/* Native code in WasmEdge's other form: a shared object (ELF64) that holds the code and the module.
 *
 * From a universal module (aot_code.h) WasmEdge copies the code four times and the data three times before the first instruction, page
 * fault by page fault. A shared object is mapped: what nobody runs is never read. WasmEdge tells the two by their first bytes, so the
 * name may end in .wasm. No other runtime reads it, and it is no portable module: it is made on the machine that runs it, from a
 * module that was verified, and kept there.
 *
 * PHP 7.4.33, `-n -r '1;'`, least processor time of twelve turns in one run on a busy machine: universal 89 ms, 24,973 page faults;
 * mapped 67 ms, 16,076; with malloc's large pages (run_runtime.c) 66 ms, 9,781 and 55 ms, 7,825; a module that does nothing 22 ms, 3,158.
 *
 * What it has: `version`, `intrinsics`, t0 ..., f<imports> ..., `wasm.code` and `wasm.size` as dynamic symbols, found by DT_HASH. The
 * code's parts lie at the same distances as before, and need no relocation. */
#ifndef WL_WASM_AOT_MAP_H
#define WL_WASM_AOT_MAP_H

#include "../base/err.h"

/* Bytes of a module that is mapped. */
#define WL_AOT_MAP_MAX ((size_t)1 << 30)

/* Writes `out` (by rename) from the precompiled module at path, which wl_aot_verify found sound, with its code for arch
 * ("x86_64"). Fails (WL_FAILED) when it has none, or when parts of the code that are read, written and run share a page. */
int wl_aot_map(const char *path, const char *arch, const char *out, struct wl_err *err);

#endif
