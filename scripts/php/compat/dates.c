/*
 * Where the C library is stricter, or wraps around, and programs have got used
 * to what glibc does. Link with --wrap=strftime,--wrap=atoll.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The longest that takes the place of two characters. */
#define LONGEST 3

size_t __real_strftime(char *buf, size_t size, const char *format, const struct tm *tm);

/* What takes the place of %c in the format, into text; the length of it. */
static int replacement(char *text, char c, const struct tm *tm) {
    switch (c) {
    case 'k':
        return sprintf(text, "%2d", tm->tm_hour % 100);
    case 'l':
        return sprintf(text, "%2d", (tm->tm_hour + 11) % 12 + 1);
    case 'P':
        return sprintf(text, "%s", tm->tm_hour < 12 ? "am" : "pm");
    default:
        return sprintf(text, "%%%%%c", c);
    }
}

/* With glibc's conversions of hours, and what is none left as it stands: the C library would give up. */
size_t __wrap_strftime(char *buf, size_t size, const char *format, const struct tm *tm) {
    static const char known[] = "%aAbBcCdDeFgGhHIjmMnprRsStTuUVwWxXyYzZEO-_0^+#123456789";
    char *own = malloc(strlen(format) * LONGEST + LONGEST), *at = own;
    size_t length;

    if (!own) {
        return 0;
    }
    while (*format) {
        if (format[0] != '%' || (format[1] && strchr(known, format[1]))) {
            *at++ = *format++;
            if (format[-1] == '%') {
                *at++ = *format++;
            }
        } else if (!format[1]) {
            *at++ = *format++;
            *at++ = '%';
        } else {
            at += replacement(at, format[1], tm);
            format += 2;
        }
    }
    *at = 0;
    length = __real_strftime(buf, size, own, tm);
    free(own);
    return length;
}

long long __wrap_atoll(const char *text) {
    return strtoll(text, NULL, 10);
}
