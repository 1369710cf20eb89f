/* The pattern of interpreters: a chain of handlers, errors rethrown, exit from inside, output flushed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct handler {
    struct handler *up;
    jmp_buf env;
    int status;
};
static struct handler *top;

static _Noreturn void throw_error(int status) {
    if (!top) {
        puts("no handler");
        exit(9);
    }
    top->status = status;
    longjmp(top->env, 1);
}

static int protect(void (*f)(void *), void *arg) {
    struct handler h = {.up = top};

    top = &h;
    if (setjmp(h.env) == 0)
        f(arg);
    top = h.up;
    return h.status;
}

static void work(void *arg) {
    int n = *(int *)arg;

    if (n == 0)
        throw_error(100);
    n--;
    int r = protect(work, &n);
    printf("level %d: %d\n", n, r);
    if (r > 95)
        throw_error(r - 1);
}

static void at_exit(void) {
    int n = 2;

    printf("at exit: %d\n", protect(work, &n));
}

static void leave(void *arg) {
    (void)arg;
    printf("leaving");
    exit(5);
}

int main(void) {
    int n = 8;

    atexit(at_exit);
    printf("%d\n", protect(work, &n));
    protect(leave, NULL);
    return 1;
}
