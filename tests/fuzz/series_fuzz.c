/* Patch series and patch headers: any bytes give names that are plain file names, or an error. */
#include <stdint.h>
#include <string.h>

#include "../../tool/model/series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_err err;

    if (wl_series_parse(&names, "s", (const char *)data, size, &err) == 0)
        for (size_t i = 0; i < names.n; i++)
            if (strchr(names.v[i], '/') || names.v[i][0] == '.' || names.v[i][0] == '-')
                abort();
    (void)wl_patch_check_header("p", (const char *)data, size, &err);
    return 0;
}
