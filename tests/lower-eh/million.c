/* A million round trips; the stack must not creep. */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

static jmp_buf env;
static uintptr_t lowest;

__attribute__((noinline)) static void leap(int n) {
    volatile char room[128];

    room[n & 127] = 1;
    if ((uintptr_t)room < lowest)
        lowest = (uintptr_t)room;
    if (n & 1)
        longjmp(env, n);
    room[0] = 2;
}

int main(void) {
    volatile unsigned sum = 0;
    uintptr_t first;

    lowest = UINTPTR_MAX;
    leap(0);
    first = lowest;
    for (volatile int i = 0; i < 1000000; i++) {
        int r = setjmp(env);

        if (r == 0)
            leap(i);
        sum += (unsigned)r;
    }
    printf("%u %s\n", sum, lowest == first ? "level" : "creeps");
    return 0;
}
