/* Table calls made direct: any bytes give an error or a module that can be read, and the pass finds nothing more to do in it. The
 * output of the corpus is validated by tests/e2e/82-direct-calls.t. */
#include <stdint.h>
#include <stdlib.h>

#include "../../tool/wasm/direct_calls.h"
#include "../../tool/wasm/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wl_blob blob(const struct wl_buf *b) {
    return (struct wl_blob){(const uint8_t *)b->p, b->len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    WL_AUTO(wl_buf_release) struct wl_buf once = {0}, twice = {0};
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    struct wl_direct_calls_stats first, second;
    struct wl_blob in = {data, size};
    struct wl_err err;

    if (wl_wasm_direct_calls(in, NULL, &once, &first, &err) < 0)
        return 0;
    if (wl_wasm_parse(&m, blob(&once), &err) < 0 || first.direct > first.sites ||
        (!first.changed && !wl_blob_equal(in, blob(&once))))
        abort();
    if (wl_wasm_direct_calls(blob(&once), NULL, &twice, &second, &err) < 0 || second.changed)
        abort();
    return 0;
}
