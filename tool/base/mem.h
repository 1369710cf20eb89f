/* Memory: allocation that aborts with a message when there is none (this is a command), cleanup attributes,
 * and an arena for parsed data that is freed at once. */
#ifndef WL_BASE_MEM_H
#define WL_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

/* These never return NULL; they end the process with a message when memory is out or a size overflows. */
void *wl_malloc(size_t n);
void *wl_calloc(size_t n, size_t size);
void *wl_realloc(void *p, size_t n);
void *wl_reallocarray(void *p, size_t n, size_t size);
void *wl_memdup(const void *p, size_t n);
char *wl_strdup(const char *s);
char *wl_strndup(const char *s, size_t n);
/* A new string; the caller frees it. */
char *wl_sprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* `WL_AUTO(wl_freep) char *s = NULL;` runs wl_freep(&s) when s leaves its scope. */
#define WL_AUTO(fn) __attribute__((cleanup(fn)))
#define WL_AUTOFREE WL_AUTO(wl_freep)

static inline void wl_freep(void *pp) {
    void *p;

    __builtin_memcpy(&p, pp, sizeof(p));
    free(p);
}

/* Closes *fd when it is not negative. For WL_AUTO(wl_closep) int fd = -1. */
void wl_closep(int *fd);

/* Takes a pointer (or a descriptor) out of a cleanup variable. */
#define WL_STEAL(p)                                                                                                    \
    __extension__({                                                                                                    \
        __typeof__(p) *pp_ = &(p);                                                                                     \
        __typeof__(p) v_ = *pp_;                                                                                       \
        *pp_ = NULL;                                                                                                   \
        v_;                                                                                                            \
    })
static inline int wl_steal_fd(int *fd) {
    int v = *fd;

    *fd = -1;
    return v;
}

#define WL_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* An arena: many small allocations, one free. A zeroed struct is an empty arena. Memory is zeroed and aligned
 * for any type. */
struct wl_arena {
    struct wl_arena_block *head;
    size_t used; /* bytes handed out, for tests and limits */
};

void *wl_arena_alloc(struct wl_arena *a, size_t n);
char *wl_arena_strdup(struct wl_arena *a, const char *s);
char *wl_arena_strndup(struct wl_arena *a, const char *s, size_t n);
char *wl_arena_sprintf(struct wl_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void wl_arena_release(struct wl_arena *a);

#endif
