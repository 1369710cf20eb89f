/* Two buffers alive; jumps to the inner and over it to the outer one; setjmp again after a jump. */
#include <setjmp.h>
#include <stdio.h>

static jmp_buf outer, inner;

static void leap(int where, int value) {
    if (where == 0)
        longjmp(outer, value);
    if (where == 1)
        longjmp(inner, value);
}

static int level2(int where, int value) {
    volatile int before = 10 * value;
    int r = setjmp(inner);

    if (r == 0) {
        leap(where, value);
        return -1;
    }
    printf("inner %d, before %d\n", r, before);
    leap(0, r + 100);
    return 0;
}

static int level1(int where, int value) {
    volatile int local = where;
    int r = setjmp(outer);

    if (r == 0) {
        int back = level2(where, value);
        printf("level2 returned %d\n", back);
        return back;
    }
    printf("outer %d, local %d\n", r, local);
    return r;
}

int main(void) {
    for (int i = 0; i < 3; i++)
        printf("level1 %d\n", level1(i, i + 5));
    for (int i = 0; i < 4; i++) {
        int r = setjmp(outer);

        if (r == 0)
            longjmp(outer, i);
        printf("value %d gives %d\n", i, r);
    }
    return 0;
}
