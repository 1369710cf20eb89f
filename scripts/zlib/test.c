/* Known answers of zlib: checksums of the usual test strings, and what deflate makes of one text at three levels (length and
 * CRC of the stream, the same as a native zlib's), read back, also in the gzip format and in small pieces. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define TEXT 30000

static unsigned char text[TEXT], packed[TEXT + 1000], back[TEXT + 1];

/* Words of a small vocabulary in an order that repeats late. */
static void make_text(void) {
    static const char *const words[] = {"alpha ", "beta ", "gamma ", "delta\n", "epsilon ", "zeta ", "eta ", "theta\n"};
    unsigned state = 12345;
    size_t n = 0;

    while (n < TEXT) {
        const char *w = words[(state = state * 1103515245u + 12345u) >> 29];

        for (; *w && n < TEXT; w++)
            text[n++] = (unsigned char)*w;
    }
}

static int level(int l) {
    uLongf size = sizeof(packed), size_back = sizeof(back);

    if (compress2(packed, &size, text, TEXT, l) != Z_OK)
        return 1;
    printf("level %d: %lu bytes, crc32 %08lx\n", l, size, crc32(0, packed, (uInt)size));
    return uncompress(back, &size_back, packed, size) != Z_OK || size_back != TEXT || memcmp(back, text, TEXT) != 0;
}

/* Deflates into the gzip format, 1000 bytes at a time, and inflates it 77 bytes at a time. */
static int gzip(void) {
    z_stream s;
    size_t packed_size;
    int r = Z_OK;

    memset(&s, 0, sizeof(s));
    if (deflateInit2(&s, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 1;
    s.next_out = packed;
    s.avail_out = sizeof(packed);
    for (size_t at = 0; at < TEXT; at += 1000) {
        s.next_in = text + at;
        s.avail_in = 1000;
        if (deflate(&s, at + 1000 == TEXT ? Z_FINISH : Z_NO_FLUSH) < 0)
            return 1;
    }
    packed_size = s.total_out;
    if (deflateEnd(&s) != Z_OK)
        return 1;
    memset(&s, 0, sizeof(s));
    memset(back, 0, sizeof(back));
    if (inflateInit2(&s, 15 + 32) != Z_OK)
        return 1;
    s.next_out = back;
    s.avail_out = sizeof(back);
    for (size_t at = 0; at < packed_size; at += 77) {
        s.next_in = packed + at;
        s.avail_in = packed_size - at < 77 ? (uInt)(packed_size - at) : 77;
        if ((r = inflate(&s, Z_NO_FLUSH)) != Z_OK && r != Z_STREAM_END)
            return 1;
    }
    printf("gzip: %s\n", r == Z_STREAM_END && s.total_out == TEXT && memcmp(back, text, TEXT) == 0 ? "ok" : "differs");
    return inflateEnd(&s) != Z_OK;
}

/* One bit in the middle of a stream. */
static const char *damaged(void) {
    uLongf size = sizeof(packed), size_back = sizeof(back);

    if (compress(packed, &size, text, TEXT) != Z_OK)
        return "fails";
    packed[size / 2] ^= 4;
    return uncompress(back, &size_back, packed, size) == Z_DATA_ERROR ? "refused" : "taken";
}

int main(void) {
    int bad = 0;

    printf("zlib %s\n", zlibVersion());
    printf("crc32 %08lx\n", crc32(0, (const unsigned char *)"123456789", 9));
    printf("adler32 %08lx\n", adler32(1, (const unsigned char *)"123456789", 9));
    make_text();
    bad |= level(1) | level(6) | level(9) | gzip();
    printf("damaged: %s\n", damaged());
    return bad;
}
