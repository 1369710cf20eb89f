/* Nothing but calls: recursive ones, of small functions, and through pointers; each could throw. With -DFLOOR the same without
 * exceptions: what the checks cost is the difference. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef FLOOR
#define TRY 0
#define THROW() __builtin_trap()
#else
#include <setjmp.h>
static jmp_buf env;
#define TRY setjmp(env)
#define THROW() longjmp(env, 1)
#endif

static volatile int never;

__attribute__((noinline)) static int fib(int n) {
    if (n < 2) {
        if (never)
            THROW();
        return n;
    }
    return fib(n - 1) + fib(n - 2);
}

__attribute__((noinline)) static int leaf(int x) {
    if (x == never - 1)
        THROW();
    return x ^ 1;
}

static int (*volatile pointer)(int) = leaf;

static double seconds(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void) {
    double start = seconds(), recursive, small;
    volatile int sum = 0;

    if (TRY)
        return 1;
    sum = fib(38);
    recursive = seconds() - start;
    start = seconds();
    for (int i = 0, s = 0; i < 200000000; i++) {
        s += leaf(i);
        sum = s;
    }
    small = seconds() - start;
    start = seconds();
    for (int i = 0; i < 20000000; i++)
        sum += pointer(i);
    printf("%.3f %.3f %.3f\n", recursive, small, seconds() - start);
    return 0;
}
