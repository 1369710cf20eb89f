/* app.json and ignore files: any bytes give an application or an error that names a place; any patterns and paths end in time. */
#include <stdint.h>
#include <string.h>

#include "../../tool/base/mem.h"
#include "../../tool/model/app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text as an ignore file, decided for its own lines as paths. */
static void ignore(const char *text) {
    struct wl_ignore g = {0};
    struct wl_err err;
    size_t which;
    unsigned lines = 0;

    if (wl_ignore_parse(&g, "i", text, &err) == 0) {
        for (const char *p = text; *p && lines++ < 4; p += strcspn(p, "\n"), p += *p == '\n') {
            WL_AUTOFREE char *path = wl_strndup(p, strcspn(p, "\n"));

            if (wl_ignore_match(&g, path, &which) >= 0 && which >= g.patterns.n)
                abort();
            wl_files_match(path, path);
        }
    } else if (err.code != WL_RECIPE || strncmp(err.msg, "i:", 2) != 0) {
        abort();
    }
    wl_ignore_release(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    WL_AUTOFREE char *text = wl_strndup((const char *)data, size);
    struct wl_err err = {.code = WL_OK};

    if (wl_app_check_text("t", (const char *)data, size, &err) != 0 &&
        (err.code != WL_RECIPE || strncmp(err.msg, "t:", 2) != 0))
        abort();
    ignore(text);
    return 0;
}
