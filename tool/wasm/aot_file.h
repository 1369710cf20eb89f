/* A precompiled ("universal") module: the portable module, unchanged; then a custom section `wlpack.aot`, the record of what
 * the code was made from and by what; then one custom section `wasmedge` per architecture (aot_code.h).
 *
 * Every engine ignores custom sections, so the file runs everywhere; WasmEdge takes the section of its own
 * version, system and architecture and runs its code *instead of* the module, unchecked. The record is what tells whether the
 * two belong together. It guards against mix-ups and damage, not against somebody who can write both parts: that
 * is what the digest of the image is for.
 *
 * The record is a JSON object:
 *   {"version":1,"module":"sha256:...","compiler":"sha256:...","wasmedge":"sha256:...",
 *    "code":[{"arch":"x86_64","cpu":"x86-64-v2","optimize":"2","digest":"sha256:...","size":N}]}
 * module: digest of the portable module's bytes, which are the file's first ones. compiler, wasmedge: the kits' identities.
 * code: one per `wasmedge` section, in their order; digest and size are those of the section's payload. */
#ifndef WL_WASM_AOT_FILE_H
#define WL_WASM_AOT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/digest.h"
#include "../base/err.h"
#include "aot_code.h"

#define WL_AOT_RECORD "wlpack.aot"
#define WL_AOT_SECTION "wasmedge"
/* Architectures in one file. */
#define WL_AOT_CODES_MAX 4
/* A cpu of this name: the code was made for whatever processor the build machine had. */
#define WL_AOT_CPU_HOST "host"

struct wl_aot_entry {
    char arch[16];
    char cpu[32];
    char optimize[4];
    struct wl_digest digest;
    uint64_t size;
};

struct wl_aot_info {
    bool is_aot; /* false: a portable module without native code, and no kit and code is set */
    struct wl_digest module;
    uint64_t module_size;
    uint32_t n_functions; /* that the module defines (imports do not count) */
    char compiler[WL_DIGEST_STR + 1];
    char wasmedge[WL_DIGEST_STR + 1];
    struct wl_aot_entry codes[WL_AOT_CODES_MAX];
    size_t n_codes;
};

/* Checks a .wasm before it is packed or run. A portable module passes (is_aot false). One with native code passes when
 * its record is there and agrees with the bytes of the module and of every `wasmedge` section, and nothing stands behind
 * or between them; else it fails (WL_FAILED) and says what does not belong to what. Streams; memory is small.
 * A file that is no wasm module is an error as well. */
int wl_aot_verify(const char *path, struct wl_aot_info *ret, struct wl_err *err);

/* True when the checked module holds code for an architecture ("x86_64"). */
bool wl_aot_has_arch(const struct wl_aot_info *info, const char *arch);

/* Writes `out` (by rename): the module `in`, the record, and the code of each architecture. `in` must be portable.
 * In info the kits' identities and of each entry arch, cpu and optimize are given; digests, sizes and is_aot are filled in. */
int wl_aot_write(const char *in, const char *out, struct wl_aot_info *info, const struct wl_aot_code *codes,
                 struct wl_err *err);

/* For code that WasmEdge compiled itself: the same from the `wasmedge` section of `universal`, a file
 * that `wasmedge compile` made from `in`. */
int wl_aot_adopt(const char *in, const char *universal, const char *out, struct wl_aot_info *info, struct wl_err *err);

#endif
