#ifndef WASI_COMPAT_UCONTEXT_H
#define WASI_COMPAT_UCONTEXT_H

/* A context to return to needs a stack of its own: all of these fail. */
#include <stddef.h>

typedef struct {
    struct {
        void *ss_sp;
        size_t ss_size;
        int ss_flags;
    } uc_stack;
    void *uc_link;
} ucontext_t;

int getcontext(ucontext_t *context);
int setcontext(const ucontext_t *context);
void makecontext(ucontext_t *context, void (*function)(void), int count, ...);
int swapcontext(ucontext_t *save, const ucontext_t *context);

#endif
