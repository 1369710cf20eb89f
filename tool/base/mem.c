#include "mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARENA_BLOCK 16384 /* bytes; larger requests get a block of their own */

struct wl_arena_block {
    struct wl_arena_block *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

static void out_of_memory(size_t n) {
    fprintf(stderr, "wlpack: out of memory (%zu bytes wanted)\n", n);
    abort();
}

void *wl_malloc(size_t n) {
    void *p = malloc(n ? n : 1);

    if (!p)
        out_of_memory(n);
    return p;
}

void *wl_calloc(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        out_of_memory(n);
    return p;
}

void *wl_realloc(void *p, size_t n) {
    void *q = realloc(p, n ? n : 1);

    if (!q)
        out_of_memory(n);
    return q;
}

void *wl_reallocarray(void *p, size_t n, size_t size) {
    size_t total;

    if (__builtin_mul_overflow(n, size, &total))
        out_of_memory(SIZE_MAX);
    return wl_realloc(p, total);
}

void *wl_memdup(const void *p, size_t n) {
    void *q = wl_malloc(n);

    if (n)
        memcpy(q, p, n);
    return q;
}

char *wl_strdup(const char *s) {
    return wl_memdup(s, strlen(s) + 1);
}

char *wl_strndup(const char *s, size_t n) {
    size_t len = strnlen(s, n);
    char *p = wl_malloc(len + 1);

    memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

char *wl_sprintf(const char *fmt, ...) {
    char *p = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&p, fmt, ap) < 0)
        out_of_memory(0);
    va_end(ap);
    return p;
}

void wl_closep(int *fd) {
    if (*fd >= 0)
        close(*fd);
}

void *wl_arena_alloc(struct wl_arena *a, size_t n) {
    const size_t align = _Alignof(max_align_t);
    struct wl_arena_block *b = a->head;
    void *p;

    if (n > SIZE_MAX / 2)
        out_of_memory(n);
    n = (n + align - 1) / align * align;
    if (!b || b->size - b->used < n) {
        size_t size = n > ARENA_BLOCK ? n : ARENA_BLOCK;

        b = wl_calloc(1, sizeof(*b) + size);
        b->size = size;
        b->next = a->head;
        a->head = b;
    }
    p = (char *)b->data + b->used;
    b->used += n;
    a->used += n;
    return p;
}

char *wl_arena_strndup(struct wl_arena *a, const char *s, size_t n) {
    size_t len = strnlen(s, n);
    char *p = wl_arena_alloc(a, len + 1);

    memcpy(p, s, len);
    return p;
}

char *wl_arena_strdup(struct wl_arena *a, const char *s) {
    return wl_arena_strndup(a, s, strlen(s));
}

char *wl_arena_sprintf(struct wl_arena *a, const char *fmt, ...) {
    va_list ap;
    int n;
    char *p;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    p = wl_arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

void wl_arena_release(struct wl_arena *a) {
    while (a->head) {
        struct wl_arena_block *b = a->head;

        a->head = b->next;
        free(b);
    }
    a->used = 0;
}
