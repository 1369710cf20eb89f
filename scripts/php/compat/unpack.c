/*
 * Data that mostly consists of zeros, kept without them; ../pack-magic writes it.
 */
#include <stddef.h>
#include <string.h>

void *compat_unpack(const unsigned char *from, size_t n, void *to, size_t size);

static size_t count(const unsigned char **at, const unsigned char *end) {
    size_t value = 0;

    for (unsigned shift = 0; *at < end && shift < 28; shift += 7) {
        unsigned char byte = *(*at)++;

        value |= (size_t)(byte & 127) << shift;
        if (byte < 128) {
            return value;
        }
    }
    return 0;
}

/* Fills the size bytes at to. Returns it, or NULL when from does not make as many. */
void *compat_unpack(const unsigned char *from, size_t n, void *to, size_t size) {
    const unsigned char *end = from + n;
    unsigned char *at = to;
    size_t left = size;

    while (from < end) {
        size_t bytes = count(&from, end), zeros;

        if (bytes > left || bytes > (size_t)(end - from)) {
            return NULL;
        }
        memcpy(at, from, bytes);
        from += bytes;
        at += bytes;
        left -= bytes;
        zeros = count(&from, end);
        if (zeros > left) {
            return NULL;
        }
        memset(at, 0, zeros);
        at += zeros;
        left -= zeros;
    }
    return left == 0 ? to : NULL;
}
