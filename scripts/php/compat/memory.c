/* memcmp() by eight bytes at a time: wasi-libc goes byte by byte, and PHP compares keys of arrays with it. */
#include <stdint.h>
#include <string.h>

#define LOAD(type, p) ((const struct { type v; } __attribute__((packed, may_alias)) *)(p))->v

/* The difference of the first bytes that differ, as native PHP's strcmp() shows it; the lowest byte is the first. */
static int difference(uint64_t x, uint64_t y) {
    int at = __builtin_ctzll(x ^ y) & ~7;

    return (int)(x >> at & 0xff) - (int)(y >> at & 0xff);
}

__attribute__((no_builtin("memcmp", "bcmp"))) int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *p = a, *q = b;
    uint64_t x, y;

    if (n >= 8) {
        for (; n > 8; n -= 8, p += 8, q += 8) {
            x = LOAD(uint64_t, p);
            y = LOAD(uint64_t, q);
            if (x != y)
                return difference(x, y);
        }
        /* the last eight, some of them for the second time */
        x = LOAD(uint64_t, p + n - 8);
        y = LOAD(uint64_t, q + n - 8);
    } else if (n >= 4) {
        x = LOAD(uint32_t, p) | (uint64_t)LOAD(uint32_t, p + n - 4) << 32;
        y = LOAD(uint32_t, q) | (uint64_t)LOAD(uint32_t, q + n - 4) << 32;
    } else if (n > 0) {
        x = p[0] | (uint64_t)p[n >> 1] << 8 | (uint64_t)p[n - 1] << 16;
        y = q[0] | (uint64_t)q[n >> 1] << 8 | (uint64_t)q[n - 1] << 16;
    } else {
        return 0;
    }
    return x == y ? 0 : difference(x, y);
}
