/* The one place that prints. Results go to stdout, one record a line; talk and progress go to stderr. Only verbs
 * and main call this; libraries return errors and report progress through `struct wl_progress` callbacks.
 * Everything printed is cleaned: control characters (terminal escapes) become '?', and secrets that were
 * registered become "***". */
#ifndef WL_BASE_OUT_H
#define WL_BASE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum wl_level { WL_QUIET = -1, WL_NORMAL = 0, WL_VERBOSE = 1, WL_DEBUG = 2 };

/* level: from -q, -v, -vv. Colour is used when stderr is a terminal and NO_COLOR is not set. */
void wl_out_init(enum wl_level level);
enum wl_level wl_out_level(void);

/* Text that must never be shown (a password, a token); 4 characters or more; copied. Thread safe. */
void wl_out_secret(const char *s);

/* Cleans text in place of printing it: escapes, secrets, user:password@ in URLs. A new string. Newlines and
 * tabs stay. */
char *wl_out_clean(const char *s);

void wl_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));    /* normal and up */
void wl_verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* -v */
void wl_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));   /* -vv */
void wl_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));    /* always, "warning: " */
void wl_error(const struct wl_err *err);                                     /* always, "wlpack: " */

/* stdout: a record and its newline, in one line and cleaned. wl_result_raw writes JSON, in which what a terminal would obey is escaped, and
 * text that was cleaned before. wl_out_flush fails when stdout could not take
 * everything (a full disk behind a redirection); main calls it last. */
void wl_result(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void wl_result_raw(const void *p, size_t n);
int wl_out_flush(struct wl_err *err);

/* Progress of something long, reported by libraries through a callback; thread safe on the printing side.
 * `what` names the thing ("php-7.4.33.tar.xz"), done and total are bytes (total 0: unknown). finished: the last
 * call for this thing. */
struct wl_progress {
    void (*report)(void *arg, const char *what, uint64_t done, uint64_t total, bool finished);
    void *arg;
};

/* A progress whose report prints: on a terminal one line that is rewritten at most 10 times a second, otherwise
 * one line when finished. Nothing with -q. */
struct wl_progress wl_out_progress(void);

/* A human size ("5.8 MB", powers of ten) in a by-value string. */
struct wl_size_str {
    char s[24];
};
struct wl_size_str wl_size(uint64_t bytes);

#endif
