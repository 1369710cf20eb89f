/* References: what is accepted prints as a reference that is read as the same one, and holds nothing that could break out
 * of a URL or a path. */
#include <stdlib.h>
#include <string.h>

#include "../../registry/reference.h"
#include "../../tool/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    WL_AUTOFREE char *s = wl_strndup((const char *)data, size);
    char host[WL_REF_HOST_MAX + 1];
    char path[WL_REF_PATH_MAX + 1];
    struct wl_reference r;
    struct wl_reference again;
    struct wl_err err;

    wl_reference_parse_host(s, host, &err);
    if (wl_reference_parse_login(s, host, path, &err) == 0 &&
        (strpbrk(host, " \t\r\n?#%\\/") || strstr(path, "..") || strpbrk(path, " \t\r\n?#%\\:@")))
        abort();
    wl_host_is_loopback(s);
    if (wl_reference_parse(s, &r, &err) == 0) {
        WL_AUTOFREE char *full = wl_reference_str(&r);
        WL_AUTOFREE char *full2 = NULL;

        if (strstr(r.path, "..") || strpbrk(full, " \t\r\n?#%\\") || r.path[0] == '/')
            abort();
        if (wl_reference_parse(full, &again, &err) < 0)
            abort();
        full2 = wl_reference_str(&again);
        if (strcmp(full, full2) != 0)
            abort();
    }
    return 0;
}
