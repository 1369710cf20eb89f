#include "err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void set_text(struct wl_err *err, const char *text) {
    size_t n = strlen(text);

    if (n < sizeof(err->msg)) {
        memcpy(err->msg, text, n + 1);
        return;
    }
    memcpy(err->msg, text, sizeof(err->msg) - 4);
    memcpy(err->msg + sizeof(err->msg) - 4, "...", 4);
}

int wl_fail(struct wl_err *err, enum wl_code code, const char *fmt, ...) {
    char text[WL_ERR_MAX + 64];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    err->code = code;
    set_text(err, text);
    return -1;
}

static const char *errno_hint(int errnum) {
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return " (free some space; `wlpack gc` empties the cache)";
    case EACCES:
    case EROFS:
    case EPERM:
        return " (choose another place with WLPACK_HOME or --output)";
    default:
        return "";
    }
}

int wl_fail_errno(struct wl_err *err, int errnum, const char *fmt, ...) {
    char text[WL_ERR_MAX];
    char all[WL_ERR_MAX + 256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    snprintf(all, sizeof(all), "%s: %s%s", text, strerror(errnum), errno_hint(errnum));
    err->code = WL_FAILED;
    set_text(err, all);
    return -1;
}

int wl_err_context(struct wl_err *err, const char *fmt, ...) {
    char ctx[WL_ERR_MAX];
    char all[2 * WL_ERR_MAX + 4];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(ctx, sizeof(ctx), fmt, ap);
    va_end(ap);
    snprintf(all, sizeof(all), "%s: %s", ctx, err->msg);
    set_text(err, all);
    return -1;
}
