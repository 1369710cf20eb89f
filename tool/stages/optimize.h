/* The optimize stage: wasm-opt of the binaryen kit, in a child (it ends the process on bad input). */
#ifndef WL_STAGES_OPTIMIZE_H
#define WL_STAGES_OPTIMIZE_H

#include <stdint.h>

#include "../base/err.h"
#include "../model/kit.h"

struct wl_optimize {
    const struct wl_kit *binaryen;
    const char *in, *out;             /* out appears by rename */
    const char *const *flags;         /* of the recipe; NULL-terminated */
    const char *log;                  /* what wasm-opt says */
    uint64_t size_before, size_after; /* results */
    long max_rss_kb;                  /* result */
};

/* Runs wasm-opt FLAGS in -o out. Nothing is left of out on failure; the error shows what wasm-opt said. */
int wl_stage_optimize(struct wl_optimize *o, struct wl_err *err);

#endif
