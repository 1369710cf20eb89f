/* Over many frames, recursive and through function pointers of several types, with stack space in every frame. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf env;

typedef int (*step_fn)(int, char *);
typedef double (*dbl_fn)(double, int);
typedef void (*void_fn)(int);

static int plain(int n, char *p);
static double dbl(double d, int n);
static void none(int n);

static volatile step_fn f1 = plain;
static volatile dbl_fn f2 = dbl;
static volatile void_fn f3 = none;

static int plain(int n, char *p) {
    char buf[64];

    memset(buf, n, sizeof(buf));
    if (n == 0)
        longjmp(env, 42);
    return 1 + (int)f2(n * 0.5, n - 1) + buf[n % 64] + p[0];
}

static double dbl(double d, int n) {
    long long big[8] = {n, n + 1};

    if (n == 0)
        longjmp(env, 43);
    f3(n - 1);
    return d + (double)big[1];
}

static void none(int n) {
    if (n == 0)
        longjmp(env, 44);
    printf("%d", plain(n - 1, (char[]){3}) & 7);
}

static int cmp(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;

    if (x == 7 || y == 7)
        longjmp(env, 77);
    return x < y ? -1 : x > y;
}

int main(void) {
    int list[] = {5, 3, 9, 7, 1, 2, 8};
    char here[16] = "stack intact";

    for (int n = 0; n < 600; n += 41) {
        int r = setjmp(env);

        if (r == 0)
            printf("%d", f1(n, here));
        printf("%d: %d %s\n", n, r, here);
    }
    if (setjmp(env) == 0)
        qsort(list, 7, sizeof(int), cmp);
    else
        puts("out of qsort");
    list[3] = 4;
    qsort(list, 7, sizeof(int), cmp);
    for (int i = 0; i < 7; i++)
        printf("%d ", list[i]);
    puts("");
    return 3;
}
