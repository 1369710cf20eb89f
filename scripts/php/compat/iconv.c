/*
 * iconv() as PHP and libxml2 know it from glibc, on top of the C library's.
 *
 * The C library's iconv (musl's) writes a '*' for a character that the target
 * has not, and knows neither //TRANSLIT nor //IGNORE. Here such a character is
 * EILSEQ, so that libxml2 can write a character reference and PHP its notice;
 * //TRANSLIT writes something similar or a question mark, //IGNORE leaves out
 * what is not valid or cannot be written. ISO-2022-JP changes its character set
 * where the text does, not at each character. Targets that have every character
 * (UTF-8 and the like) go straight to the C library.
 *
 * Link with --wrap=iconv_open --wrap=iconv --wrap=iconv_close.
 */
#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 64
#define BLOCK 256
/* room for the longest character of any charset, with escape sequences */
#define LONGEST 16
#define ESCAPE 3 /* bytes of an escape sequence */

iconv_t __real_iconv_open(const char *to, const char *from);
size_t __real_iconv(iconv_t cd, char **restrict in, size_t *restrict in_left, char **restrict out,
                    size_t *restrict out_left);
int __real_iconv_close(iconv_t cd);

struct converter {
    iconv_t direct; /* from -> to, for targets that have every character */
    iconv_t decode; /* from -> UCS-4, else */
    iconv_t encode; /* UCS-4 -> to */
    bool translit;
    bool ignore;
    bool stateful;    /* what a byte of the source means depends on those before */
    bool escapes;     /* the target is ISO-2022-JP */
    char set[ESCAPE]; /* the character set that its text is in */
    unsigned unit;    /* bytes to skip when the source is not valid */
};

/* What glibc writes in the C locale, in the order of the characters. */
static const struct similar {
    uint16_t c;
    char text[5];
} similar[] = {
    {0x00a0, " "},  {0x00ab, "<<"},  {0x00ad, "-"},    {0x00a9, "(C)"},  {0x00ae, "(R)"},  {0x00b5, "u"},
    {0x00b8, ","},  {0x00bb, ">>"},  {0x00bc, " 1/4"}, {0x00bd, " 1/2"}, {0x00be, " 3/4"}, {0x00c6, "AE"},
    {0x00d7, "x"},  {0x00df, "ss"},  {0x00e6, "ae"},   {0x0132, "IJ"},   {0x0133, "ij"},   {0x0149, "'n"},
    {0x0152, "OE"}, {0x0153, "oe"},  {0x017f, "s"},    {0x01c7, "LJ"},   {0x01c8, "Lj"},   {0x01c9, "lj"},
    {0x01ca, "NJ"}, {0x01cb, "Nj"},  {0x01cc, "nj"},   {0x01f1, "DZ"},   {0x01f2, "Dz"},   {0x01f3, "dz"},
    {0x02bc, "'"},  {0x02c6, "^"},   {0x02c8, "'"},    {0x02cb, "`"},    {0x02cd, "_"},    {0x02d0, ":"},
    {0x02dc, "~"},  {0x2002, " "},   {0x2003, " "},    {0x2004, " "},    {0x2005, " "},    {0x2006, " "},
    {0x2008, " "},  {0x2009, " "},   {0x200a, " "},    {0x200b, ""},     {0x2010, "-"},    {0x2011, "-"},
    {0x2012, "-"},  {0x2013, "-"},   {0x2014, "-"},    {0x2015, "-"},    {0x2018, "'"},    {0x2019, "'"},
    {0x201a, ","},  {0x201b, "'"},   {0x201c, "\""},   {0x201d, "\""},   {0x201e, ",,"},   {0x201f, "\""},
    {0x2020, "+"},  {0x2022, "o"},   {0x2024, "."},    {0x2025, ".."},   {0x2026, "..."},  {0x202f, " "},
    {0x2035, "`"},  {0x2036, "``"},  {0x2037, "```"},  {0x2039, "<"},    {0x203a, ">"},    {0x203c, "!!"},
    {0x2047, "??"}, {0x2048, "?!"},  {0x2049, "!?"},   {0x205f, " "},    {0x20a8, "Rs"},   {0x20ac, "EUR"},
    {0x2103, "C"},  {0x2116, "No"},  {0x2122, "TM"},   {0x2126, "Ohm"},  {0x212a, "K"},    {0x2190, "<-"},
    {0x2192, "->"}, {0x2194, "<->"}, {0x21d0, "<="},   {0x21d2, "=>"},   {0x21d4, "<=>"},  {0x2212, "-"},
    {0x2215, "/"},  {0x2216, "\\"},  {0x2217, "*"},    {0x2223, "|"},    {0x2236, ":"},    {0x223c, "~"},
    {0x2264, "<="}, {0x2265, ">="},  {0x226a, "<<"},   {0x226b, ">>"},   {0x2500, "-"},    {0x2502, "|"},
    {0x250c, "+"},  {0x2510, "+"},   {0x2514, "+"},    {0x2518, "+"},    {0x251c, "+"},    {0x2524, "+"},
    {0x252c, "+"},  {0x2534, "+"},   {0x253c, "+"},    {0x3000, " "},    {0xfb00, "ff"},   {0xfb01, "fi"},
    {0xfb02, "fl"}, {0xfb03, "ffi"}, {0xfb04, "ffl"},  {0xfb06, "st"},   {0xfeff, ""},
};

static const char ascii[ESCAPE + 1] = "\033(B";

static bool starts(const char *name, const char *prefix) {
    return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* Whether the target has every character. */
static bool is_unicode(const char *name) {
    return starts(name, "UTF") || starts(name, "UCS") || starts(name, "WCHAR") || starts(name, "ISO-10646");
}

/* The bytes to skip where the source is not valid. */
static unsigned unit_of(const char *from) {
    if (!is_unicode(from) || strpbrk(from, "78")) {
        return 1;
    }
    return strstr(from, "16") || strstr(from, "S2") || strstr(from, "S-2") ? 2 : 4;
}

/* The name before //, and the switches behind it. */
static int split(const char *full, char name[NAME_MAX_LEN], bool *translit, bool *ignore) {
    const char *end = strstr(full, "//");
    size_t n = end ? (size_t)(end - full) : strlen(full);

    if (n >= NAME_MAX_LEN) {
        errno = EINVAL;
        return -1;
    }
    memcpy(name, full, n);
    name[n] = 0;
    while (end && *end) {
        end += strspn(end, "/,");
        n = strcspn(end, "/,");
        if (n == 8 && strncasecmp(end, "TRANSLIT", n) == 0) {
            *translit = true;
        } else if (n == 6 && strncasecmp(end, "IGNORE", n) == 0) {
            *ignore = true;
        }
        end += n;
    }
    return 0;
}

int __wrap_iconv_close(iconv_t cd) {
    struct converter *c = (struct converter *)cd;

    if (cd == (iconv_t)-1) {
        errno = EBADF;
        return -1;
    }
    if (c->direct != (iconv_t)-1) {
        __real_iconv_close(c->direct);
    }
    if (c->decode != (iconv_t)-1) {
        __real_iconv_close(c->decode);
    }
    if (c->encode != (iconv_t)-1) {
        __real_iconv_close(c->encode);
    }
    free(c);
    return 0;
}

iconv_t __wrap_iconv_open(const char *full_to, const char *full_from) {
    char to[NAME_MAX_LEN], from[NAME_MAX_LEN];
    bool unused = false;
    struct converter *c = calloc(1, sizeof(*c));

    if (!c) {
        return (iconv_t)-1;
    }
    c->direct = c->decode = c->encode = (iconv_t)-1;
    if (split(full_to, to, &c->translit, &c->ignore) || split(full_from, from, &unused, &unused)) {
        __wrap_iconv_close((iconv_t)c);
        errno = EINVAL;
        return (iconv_t)-1;
    }
    c->stateful = starts(from, "ISO-2022") || (is_unicode(from) && !starts(from, "UTF-8") && !starts(from, "UTF8"));
    c->unit = unit_of(from);
    c->escapes = starts(to, "ISO-2022-JP");
    memcpy(c->set, ascii, ESCAPE);
    if (is_unicode(to)) {
        c->direct = __real_iconv_open(to, from);
    } else {
        c->decode = __real_iconv_open("UCS-4LE", from);
        c->encode = __real_iconv_open(to, "UCS-4LE");
    }
    if (c->direct == (iconv_t)-1 && (c->decode == (iconv_t)-1 || c->encode == (iconv_t)-1)) {
        __wrap_iconv_close((iconv_t)c);
        errno = EINVAL;
        return (iconv_t)-1;
    }
    return (iconv_t)c;
}

/* Skip what is not valid, when that was asked for. */
static bool skip(const struct converter *c, char **in, size_t *in_left) {
    size_t n = *in_left < c->unit ? *in_left : c->unit;

    if (!c->ignore || errno != EILSEQ || n == 0) {
        return false;
    }
    *in += n;
    *in_left -= n;
    return true;
}

/*
 * Leave out what text, n bytes, needs not: the C library begins each character with the escape sequence of its set and
 * goes back to ASCII. The length; set is that in which the text ends.
 */
static size_t without_escapes(const struct converter *c, char text[LONGEST + ESCAPE], size_t n, char set[ESCAPE]) {
    memcpy(set, ascii, ESCAPE);
    if (n > 2 * ESCAPE && text[0] == ascii[0]) {
        memcpy(set, text, ESCAPE);
        n -= 2 * ESCAPE;
        memmove(text, text + ESCAPE, n);
    }
    if (memcmp(set, c->set, ESCAPE) != 0) {
        memmove(text + ESCAPE, text, n);
        memcpy(text, set, ESCAPE);
        n += ESCAPE;
    }
    return n;
}

/* Write one character as it is. 0, or -1 with E2BIG, or EILSEQ when the target has it not. */
static int put(struct converter *c, uint32_t u, char **out, size_t *out_left) {
    char text[LONGEST + ESCAPE], set[ESCAPE], *t = text, *from = (char *)&u;
    size_t from_left = sizeof(u), t_left = LONGEST, n;

    n = __real_iconv(c->encode, &from, &from_left, &t, &t_left);
    if (n != 0) {
        errno = EILSEQ;
        return -1;
    }
    n = LONGEST - t_left;
    if (c->escapes) {
        n = without_escapes(c, text, n, set);
    }
    if (n > *out_left) {
        errno = E2BIG;
        return -1;
    }
    if (c->escapes) {
        memcpy(c->set, set, ESCAPE);
    }
    memcpy(*out, text, n);
    *out += n;
    *out_left -= n;
    return 0;
}

/* Back to where every text begins and ends. */
static int reset(struct converter *c, char **restrict out, size_t *restrict out_left) {
    if (out && *out && memcmp(c->set, ascii, ESCAPE) != 0) {
        if (*out_left < ESCAPE) {
            errno = E2BIG;
            return -1;
        }
        memcpy(*out, ascii, ESCAPE);
        *out += ESCAPE;
        *out_left -= ESCAPE;
    }
    memcpy(c->set, ascii, ESCAPE);
    return 0;
}

/* Write something similar. */
static int put_similar(struct converter *c, uint32_t u, char **out, size_t *out_left) {
    const char *text = "?";
    char *at = *out, set[ESCAPE];
    size_t left = *out_left;

    memcpy(set, c->set, ESCAPE);
    for (size_t i = 0; i < sizeof(similar) / sizeof(*similar); i++) {
        if (similar[i].c == u) {
            text = similar[i].text;
        }
    }
    for (; *text; text++) {
        if (put(c, (unsigned char)*text, &at, &left)) {
            memcpy(c->set, set, ESCAPE);
            return -1;
        }
    }
    *out = at;
    *out_left = left;
    return 0;
}

/* One character. 0 (1 when something else stands for it), or -1. */
static int convert_one(struct converter *c, char **in, size_t *in_left, char **out, size_t *out_left) {
    char *at = *in;
    size_t left = *in_left, u_left = sizeof(uint32_t);
    uint32_t u = 0;
    char *to = (char *)&u;
    int changed = 0;

    if (c->stateful && *out_left < LONGEST) {
        errno = E2BIG;
        return -1;
    }
    if (__real_iconv(c->decode, &at, &left, &to, &u_left) == (size_t)-1 && u_left > 0) {
        *in = at;
        *in_left = left;
        return skip(c, in, in_left) ? 1 : -1;
    }
    if (u_left == 0 && put(c, u, out, out_left)) {
        if (errno != EILSEQ || !(c->translit || c->ignore)) {
            return -1;
        }
        if (c->translit && put_similar(c, u, out, out_left)) {
            return -1;
        }
        changed = 1;
    }
    *in = at;
    *in_left = left;
    return changed;
}

/* A block of characters that can all be written, at once. */
static bool convert_block(struct converter *c, char **in, size_t *in_left, char **out, size_t *out_left) {
    uint32_t block[BLOCK];
    char *at = *in, *to = (char *)block, *from = (char *)block, *o = *out;
    size_t left = *in_left < BLOCK ? *in_left : BLOCK, n = left;
    size_t to_left = sizeof(block), from_left, o_left = *out_left;

    if (c->stateful || c->escapes || n < LONGEST) {
        return false;
    }
    __real_iconv(c->decode, &at, &left, &to, &to_left);
    from_left = sizeof(block) - to_left;
    if (from_left == 0 || __real_iconv(c->encode, &from, &from_left, &o, &o_left) != 0) {
        return false;
    }
    *in = at;
    *in_left -= n - left;
    *out = o;
    *out_left = o_left;
    return true;
}

size_t __wrap_iconv(iconv_t cd, char **restrict in, size_t *restrict in_left, char **restrict out,
                    size_t *restrict out_left) {
    struct converter *c = (struct converter *)cd;
    size_t changed = 0;

    if (c->direct != (iconv_t)-1) {
        size_t n;

        do {
            n = __real_iconv(c->direct, in, in_left, out, out_left);
        } while (n == (size_t)-1 && in && *in && skip(c, in, in_left));
        return n;
    }
    if (!in || !*in) {
        return (size_t)reset(c, out, out_left);
    }
    while (*in_left > 0) {
        int n;

        if (convert_block(c, in, in_left, out, out_left)) {
            continue;
        }
        n = convert_one(c, in, in_left, out, out_left);
        if (n < 0) {
            return (size_t)-1;
        }
        changed += (size_t)n;
    }
    return changed;
}
