/* Calls that throw in the middle of expressions, loops and switches: other operands are alive. */
#include <setjmp.h>
#include <stdio.h>

static jmp_buf env;
static int count;

__attribute__((noinline)) static int may(int v) {
    if (v % 7 == 3)
        longjmp(env, v + 1);
    count++;
    return v;
}

__attribute__((noinline)) static long long may64(long long v) {
    return may((int)v) * 3LL;
}

__attribute__((noinline)) static float mayf(float v) {
    return (float)may((int)v) / 2;
}

__attribute__((noinline)) static int mix(int a) {
    int s = 0;

    for (int i = 0; i < a; i++) {
        switch (i & 3) {
        case 0:
            s += may(i) * (may(i + 1) - (may(i + 2) ^ may(i + a)));
            break;
        case 1:
            s ^= (int)may64(i) << (may(a) & 3);
            break;
        case 2:
            s -= (int)(mayf((float)i) * (float)may(i + 4));
            if (s < 0)
                continue;
            break;
        default:
            do
                s += may(s & 0xff);
            while (may(i) > 1000);
        }
    }
    return s;
}

struct pair {
    long long a, b;
};

__attribute__((noinline)) static struct pair pairs(int v) {
    return (struct pair){may(v), may64(v + 1)};
}

int main(void) {
    volatile int caught = 0;

    for (volatile int i = 0; i < 60; i++) {
        volatile int kept = i * i;
        int r = setjmp(env);

        if (r == 0) {
            printf("%d: mix %d", i, mix(i));
            struct pair p = pairs(i);
            printf(" pair %lld %lld\n", p.a, p.b);
        } else {
            caught++;
            printf("%d: caught %d kept %d\n", i, r, kept);
        }
    }
    printf("caught %d, count %d\n", caught, count);
    return 0;
}
