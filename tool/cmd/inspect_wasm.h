/* `wlpack inspect` of a WebAssembly module. */
#ifndef WL_CMD_INSPECT_WASM_H
#define WL_CMD_INSPECT_WASM_H

#include <stdbool.h>

#include "../base/err.h"

/* Prints size and digest, features, sections, imports, exports, memories, and precompiled code with what it was made from, one
 * record a line: the kind of record, a tab, its values. JSON: {"file", "size", "digest", "features": [..],
 * "sections": [{"name", "size"}], "imports": [{"module", "name", "kind", "type"}], "exports": [{"name", "kind", "type"}],
 * "memories": [{"min", "max"}] (pages of 64 KiB), "functions", "aot": null or {"module", "wasmedge", "code": [{"arch", "cpu",
 * "optimize", "size"}]}}. Precompiled code that does not belong to its module is an error,
 * behind the output, and "aot" is missing. */
int wl_inspect_wasm(const char *path, bool json, struct wl_err *err);

#endif
