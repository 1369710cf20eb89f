/* A guest for the tests of `wlpack run` and of precompiling: does what its first argument says. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static int recurse(int n) {
    volatile char block[1000];

    block[n % 1000] = (char)n;
    return recurse(n + 1) + block[0];
}

static int cat(const char *path) {
    FILE *f = path ? fopen(path, "r") : stdin;
    int c;

    if (!f) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    while ((c = getc(f)) != EOF)
        putchar(c);
    return 0;
}

static int list(const char *path) {
    DIR *d = opendir(path);

    if (!d) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            puts(e->d_name);
    return 0;
}

static int put(const char *path, const char *text) {
    FILE *f = fopen(path, "w");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    return 0;
}

/* One function pointer call and every kind of rounding, so that precompiled code is told apart from wrong code. */
static double (*volatile round_by[])(double) = {floor, ceil, trunc, nearbyint, sqrt, fabs};

static int sums(void) {
    double d = 0;
    float f = 0;
    unsigned long long u = 1;

    for (int i = 1; i < 100000; i++) {
        d += fabs(round_by[i % 6](i * 0.37 + (i % 4) * 0.25));
        f += (float)i / 3;
        u = u * 6364136223846793005ULL + (unsigned)__builtin_popcount((unsigned)i) +
            (unsigned)__builtin_clz((unsigned)i);
    }
    printf("%.6f %.3f %llu %d\n", d, (double)f, u, (int)(long long)d);
    return 0;
}

static int one(int x) {
    return x + 1;
}
static int two(int x) {
    return x * 2;
}
static long long other(long long x) {
    return x;
}
/* Calls through the table: volatile, so that the compiler knows none of them. */
static int (*volatile steps[])(int) = {one, two, one, two, two};
static long long (*volatile wrong)(long long) = other;
static volatile unsigned bad_index = 0x7ffffff0, empty = 0;

static int calls(void) {
    unsigned v = 1;

    for (int i = 0; i < 1000; i++)
        v = (unsigned)steps[i % 5]((int)(v % 1000003));
    printf("%u\n", v);
    return 0;
}

static int bad_call(const char *what) {
    int (*f)(int);

    puts("before the trap");
    fflush(stdout);
    if (strcmp(what, "call-type") == 0)
        f = (int (*)(int))(void (*)(void))wrong;
    else
        f = (int (*)(int))(strcmp(what, "call-index") == 0 ? bad_index : empty);
    return f(1);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "args";

    if (strcmp(what, "args") == 0)
        for (int i = 0; i < argc; i++)
            puts(argv[i]);
    else if (strcmp(what, "exit") == 0)
        return atoi(argv[2]);
    else if (strcmp(what, "env") == 0)
        for (char **e = environ; e && *e; e++)
            puts(*e);
    else if (strcmp(what, "cat") == 0)
        return cat(argv[2]);
    else if (strcmp(what, "ls") == 0)
        return list(argv[2]);
    else if (strcmp(what, "put") == 0)
        return put(argv[2], argv[3]);
    else if (strcmp(what, "err") == 0)
        fputs("to stderr\n", stderr);
    else if (strcmp(what, "sums") == 0)
        return sums();
    else if (strcmp(what, "calls") == 0)
        return calls();
    else if (strncmp(what, "call-", 5) == 0)
        return bad_call(what);
    else if (strcmp(what, "loop") == 0) {
        puts("looping");
        fflush(stdout);
        for (volatile unsigned i = 0;; i++)
            ;
    } else {
        puts("before the trap");
        fflush(stdout);
        if (strcmp(what, "recurse") == 0)
            return recurse(1);
        if (strcmp(what, "memory") == 0)
            return *(volatile int *)0xfffffff0;
        __builtin_trap();
    }
    return 0;
}
