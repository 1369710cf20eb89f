/* Growing byte buffers, string vectors, and blobs (pointer and length) passed by value. */
#ifndef WL_BASE_BUF_H
#define WL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns. */
struct wl_blob {
    const uint8_t *p;
    size_t len;
};

/* A zeroed struct is an empty buffer without a limit. The bytes are always followed by a NUL that is not
 * counted, so p is a C string when no NUL was added (p is NULL while nothing was added). */
struct wl_buf {
    char *p;
    size_t len;
    size_t cap;
    size_t max;    /* most bytes it takes; 0: no limit */
    bool overflow; /* set, and the addition dropped, when max would have been passed */
};

void wl_buf_add(struct wl_buf *b, const void *p, size_t n);
void wl_buf_addc(struct wl_buf *b, char c);
void wl_buf_adds(struct wl_buf *b, const char *s);
void wl_buf_addf(struct wl_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for n more bytes; the caller writes at p + len and raises len. */
void wl_buf_reserve(struct wl_buf *b, size_t n);
void wl_buf_clear(struct wl_buf *b);   /* empty, memory kept */
void wl_buf_release(struct wl_buf *b); /* empty, memory freed */
/* The contents as a C string that the caller frees; the buffer is empty afterwards. Never NULL. */
char *wl_buf_steal(struct wl_buf *b);
/* The contents as a C string owned by the buffer; never NULL. */
const char *wl_buf_str(const struct wl_buf *b);
/* The contents as bytes, valid until the buffer changes; p is never NULL. */
struct wl_blob wl_buf_blob(const struct wl_buf *b);

/* A NULL-terminated vector of strings that it owns: an argv, an environment, a list of names. A zeroed struct
 * is an empty vector (v is NULL until something was added). */
struct wl_strv {
    char **v;
    size_t n;
};

void wl_strv_add(struct wl_strv *s, const char *str);
void wl_strv_addf(struct wl_strv *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void wl_strv_take(struct wl_strv *s, char *str); /* takes ownership of a malloc'ed string */
bool wl_strv_has(const struct wl_strv *s, const char *str);
void wl_strv_sort(struct wl_strv *s); /* by byte value */
void wl_strv_release(struct wl_strv *s);

/* String helpers. */
bool wl_starts(const char *s, const char *prefix);
bool wl_ends(const char *s, const char *suffix);

#endif
