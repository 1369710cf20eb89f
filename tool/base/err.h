/* Errors as values.
 *
 * Every function that can fail returns 0 or -1 and takes a `struct wl_err *` as its last parameter. The
 * caller owns the struct (on its stack); it needs no initialisation, is written only on failure and owns
 * nothing. A layer that knows more (the recipe, the step, the file, the URL) adds its context once. */
#ifndef WL_BASE_ERR_H
#define WL_BASE_ERR_H

#include <stdarg.h>

/* The exit codes of the program; documented in the man page and stable. */
enum wl_code {
    WL_OK = 0,
    WL_FAILED = 1, /* the work failed: a compiler, a disk, a checksum, a missing file */
    WL_USAGE = 2,  /* the command line is wrong */
    WL_RECIPE = 3, /* a recipe, a patch series or another input that a maintainer writes is wrong */
    WL_NET = 4,    /* the network, a registry or its authorisation */
};

/* Longest message kept; longer ones are cut and end in "...". */
#define WL_ERR_MAX 2048

struct wl_err {
    enum wl_code code;
    char msg[WL_ERR_MAX]; /* one message, no trailing newline; may hold newlines (a failing hunk) */
};

/* Sets *err; returns -1, so that `return wl_fail(...)` reads well. */
int wl_fail(struct wl_err *err, enum wl_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As wl_fail with code WL_FAILED, and ": " plus the text of errno value `errnum` appended. ENOSPC, EACCES and
 * EROFS get a hint on the way out. */
int wl_fail_errno(struct wl_err *err, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the message; returns -1. */
int wl_err_context(struct wl_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
