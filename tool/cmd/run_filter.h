/* WasmEdge writes its log to stdout, where the guest's output goes: some lines before the guest starts (native code for another
 * architecture) and a block behind it when the guest trapped. This filter takes both out of the stream.
 *
 * A log line is "[YYYY-MM-DD HH:MM:SS.mmm] [level] text". A block of them at the very start, or one that nothing
 * follows, is held back; everything else passes unchanged, and at once: only bytes that may be the start of a
 * log line wait for those behind them. */
#ifndef WL_CMD_RUN_FILTER_H
#define WL_CMD_RUN_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/buf.h"

struct wl_run_filter {
    struct wl_buf held; /* a block of log lines, or what may become one */
    bool begun;         /* something has passed */
};

/* The guest's (or WasmEdge's) next bytes; what can pass is appended to *out. */
void wl_run_filter_feed(struct wl_run_filter *f, const char *p, size_t n, struct wl_buf *out);

/* The stream has ended. failed: the exit code was not 0. A block that holds an [error] line of a failure is the
 * runtime's: *ret_why gets the text of its first error ("unreachable", "out of bounds memory access"), a new string. Otherwise
 * what was held passes to *out, and *ret_why is NULL. */
void wl_run_filter_end(struct wl_run_filter *f, bool failed, struct wl_buf *out, char **ret_why);
void wl_run_filter_release(struct wl_run_filter *f);

#endif
