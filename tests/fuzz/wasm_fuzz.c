/* Modules: any bytes parse or give an error; what parses can be walked, and what is lowered parses again, walks again and has no
 * exceptions left. */
#include <stdint.h>
#include <stdlib.h>

#include "../../tool/wasm/lower_eh.h"
#include "../../tool/wasm/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_output(const struct wl_buf *out) {
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    struct wl_err err;
    unsigned features = 0;

    if (wl_wasm_parse(&m, (struct wl_blob){(const uint8_t *)out->p, out->len}, &err) < 0)
        abort();
    if (wl_wasm_features(&m, &features, &err) < 0)
        abort();
    if (features & (WL_WASM_F_EXCEPTIONS | WL_WASM_F_LEGACY_EXCEPTIONS))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct wl_lower_eh_stats stats;
    struct wl_err err;

    if (wl_wasm_lower_eh((struct wl_blob){data, size}, &out, &stats, &err) == 0)
        check_output(&out);
    return 0;
}
