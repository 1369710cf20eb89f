/* What libbz2 must answer; the recipe holds the answers. */
#include <stdio.h>
#include <string.h>

#include "bzlib.h"

/* "hello hello hello\n" as the bzip2 command packs it with -9 */
static const unsigned char packed[] = {
    0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0xe5, 0xb5, 0xf3, 0x09, 0x00, 0x00,
    0x04, 0x51, 0x00, 0x00, 0x10, 0x40, 0x00, 0x02, 0x44, 0xa0, 0x00, 0x21, 0xb5, 0x18, 0x0c, 0x02,
    0x90, 0x69, 0xc2, 0xa3, 0x0b, 0xb9, 0x22, 0x9c, 0x28, 0x48, 0x72, 0xda, 0xf9, 0x84, 0x80,
};

int main(void) {
    static char text[30000], small[40000], back[30000];
    unsigned n = sizeof(small), m = sizeof(back);
    unsigned long sum = 0;

    printf("%s\n", BZ2_bzlibVersion());
    if (BZ2_bzBuffToBuffDecompress(back, &m, (char *)packed, sizeof(packed), 0, 0) != BZ_OK) {
        return 1;
    }
    printf("%.*s", (int)m, back);
    m = sizeof(back);
    for (unsigned i = 0; i < sizeof(text); i++) {
        text[i] = (char)(i * i / 1000);
    }
    if (BZ2_bzBuffToBuffCompress(small, &n, text, sizeof(text), 9, 0, 0) != BZ_OK) {
        return 1;
    }
    for (unsigned i = 0; i < n; i++) {
        sum = (sum * 31 + (unsigned char)small[i]) & 0xffffffff;
    }
    printf("packed %u, sum %lu\n", n, sum);
    if (BZ2_bzBuffToBuffDecompress(back, &m, small, n, 0, 0) != BZ_OK) {
        return 2;
    }
    printf("unpacked %u, %s\n", m, memcmp(text, back, sizeof(text)) == 0 ? "the same" : "different");
    small[n / 2] ^= 1;
    m = sizeof(back);
    printf("damaged %d\n", BZ2_bzBuffToBuffDecompress(back, &m, small, n, 0, 0));
    return 0;
}
