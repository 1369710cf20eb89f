#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

void wl_buf_reserve(struct wl_buf *b, size_t n) {
    size_t need = b->len + n + 1;

    if (need <= b->cap)
        return;
    b->cap = need > 2 * b->cap ? need : 2 * b->cap;
    if (b->cap < 64)
        b->cap = 64;
    b->p = wl_realloc(b->p, b->cap);
}

void wl_buf_add(struct wl_buf *b, const void *p, size_t n) {
    if (b->overflow || (b->max && n > b->max - b->len)) {
        b->overflow = true;
        return;
    }
    wl_buf_reserve(b, n);
    if (n)
        memcpy(b->p + b->len, p, n);
    b->len += n;
    b->p[b->len] = '\0';
}

void wl_buf_addc(struct wl_buf *b, char c) {
    wl_buf_add(b, &c, 1);
}

void wl_buf_adds(struct wl_buf *b, const char *s) {
    wl_buf_add(b, s, strlen(s));
}

void wl_buf_addf(struct wl_buf *b, const char *fmt, ...) {
    WL_AUTOFREE char *s = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&s, fmt, ap);
    va_end(ap);
    if (n > 0)
        wl_buf_add(b, s, (size_t)n);
}

void wl_buf_clear(struct wl_buf *b) {
    b->len = 0;
    b->overflow = false;
    if (b->p)
        b->p[0] = '\0';
}

void wl_buf_release(struct wl_buf *b) {
    free(b->p);
    b->p = NULL;
    b->len = b->cap = 0;
    b->overflow = false;
}

char *wl_buf_steal(struct wl_buf *b) {
    char *p = b->p ? b->p : wl_strdup("");

    b->p = NULL;
    b->len = b->cap = 0;
    b->overflow = false;
    return p;
}

const char *wl_buf_str(const struct wl_buf *b) {
    return b->p ? b->p : "";
}

struct wl_blob wl_buf_blob(const struct wl_buf *b) {
    return (struct wl_blob){(const uint8_t *)wl_buf_str(b), b->len};
}

void wl_strv_take(struct wl_strv *s, char *str) {
    s->v = wl_reallocarray(s->v, s->n + 2, sizeof(*s->v));
    s->v[s->n++] = str;
    s->v[s->n] = NULL;
}

void wl_strv_add(struct wl_strv *s, const char *str) {
    wl_strv_take(s, wl_strdup(str));
}

void wl_strv_addf(struct wl_strv *s, const char *fmt, ...) {
    char *p = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&p, fmt, ap) < 0)
        p = wl_strdup("");
    va_end(ap);
    wl_strv_take(s, p);
}

bool wl_strv_has(const struct wl_strv *s, const char *str) {
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i], str) == 0)
            return true;
    return false;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void wl_strv_sort(struct wl_strv *s) {
    if (s->n > 1)
        qsort(s->v, s->n, sizeof(*s->v), compare);
}

void wl_strv_release(struct wl_strv *s) {
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i]);
    free(s->v);
    s->v = NULL;
    s->n = 0;
}

bool wl_starts(const char *s, const char *prefix) {
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool wl_ends(const char *s, const char *suffix) {
    size_t n = strlen(s);
    size_t m = strlen(suffix);

    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}
