#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "tar.h"

/* The ustar header: name[100] mode[8] uid[8] gid[8] size[12] mtime[12] chksum[8] typeflag linkname[100] magic[6] version[2]
 * uname[32] gname[32] devmajor[8] devminor[8] prefix[155]. */
#define NAME_LEN 100
#define LINK_AT 157
#define LINK_LEN 100
#define PREFIX_AT 345
#define PREFIX_LEN 155
#define SIZE_OCTAL_MAX 077777777777ull /* 11 digits */
#define TIME_MAX 077777777777ll
#define NAME_MAX_LEN 4096

size_t wl_tar_padding(uint64_t size) {
    return (size_t)((WL_TAR_BLOCK - size % WL_TAR_BLOCK) % WL_TAR_BLOCK);
}

static bool is_ascii(const char *s) {
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
            return false;
    return true;
}

static int check_name(const char *name, struct wl_err *err) {
    const char *p = name;

    if (strlen(name) > NAME_MAX_LEN)
        return wl_fail(err, WL_FAILED, "the name in the layer is longer than %d bytes: %.40s...", NAME_MAX_LEN, name);
    for (;;) {
        size_t n = strcspn(p, "/");

        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return wl_fail(err, WL_FAILED,
                           "\"%s\" cannot be a name in a layer: it must be relative and without "
                           "empty, \".\" or \"..\" parts",
                           name);
        if (p[n] == '\0')
            return 0;
        p += n + 1;
    }
}

/* Splits a name into prefix and name at a slash so that both fit; the rightmost slash that lets the prefix fit, as the
 * standard's examples do. *ret_split is the length of the prefix (0: none). */
static bool split_name(const char *name, size_t len, size_t *ret_split) {
    *ret_split = 0;
    if (len <= NAME_LEN)
        return true;
    for (size_t i = len - 1 < PREFIX_LEN ? len - 1 : PREFIX_LEN; i > 0; i--)
        if (name[i] == '/' && name[i + 1] != '\0' && len - i - 1 <= NAME_LEN) {
            *ret_split = i;
            return true;
        }
    return false;
}

static void put_octal(char *field, size_t len, uint64_t v) {
    char digits[24];

    snprintf(digits, sizeof(digits), "%0*" PRIo64, (int)(len - 1), v);
    memcpy(field, digits, len);
}

static void put_block(struct wl_buf *out, const char *name, size_t name_len, size_t split, const char *link, char type,
                      unsigned mode, uint64_t size, int64_t mtime) {
    char b[WL_TAR_BLOCK] = {0};
    char sum_text[8];
    unsigned sum = 0;

    if (split > 0)
        memcpy(b + PREFIX_AT, name, split);
    if (split > 0)
        name += split + 1, name_len -= split + 1;
    memcpy(b, name, name_len < NAME_LEN ? name_len : NAME_LEN);
    put_octal(b + 100, 8, mode & 07777);
    put_octal(b + 108, 8, 0);
    put_octal(b + 116, 8, 0);
    put_octal(b + 124, 12, size <= SIZE_OCTAL_MAX ? size : 0);
    put_octal(b + 136, 12, (uint64_t)mtime);
    memset(b + 148, ' ', 8);
    b[156] = type;
    if (link)
        memcpy(b + LINK_AT, link, strnlen(link, LINK_LEN));
    memcpy(b + 257,
           "ustar\0"
           "00",
           8);
    put_octal(b + 329, 8, 0);
    put_octal(b + 337, 8, 0);
    for (size_t i = 0; i < sizeof(b); i++)
        sum += (unsigned char)b[i];
    snprintf(sum_text, sizeof(sum_text), "%06o", sum);
    memcpy(b + 148, sum_text, 7); /* six digits, NUL, and the space that stands there */
    wl_buf_add(out, b, sizeof(b));
}

/* "LEN key=value\n", where LEN counts itself. */
static void pax_record(struct wl_buf *out, const char *key, const char *value) {
    size_t base = strlen(key) + strlen(value) + 3;
    size_t len = base;
    size_t last = 0;

    while (len != last) {
        char digits[24];

        last = len;
        len = base + (size_t)snprintf(digits, sizeof(digits), "%zu", last);
    }
    wl_buf_addf(out, "%zu %s=%s\n", len, key, value);
}

static void put_pax(struct wl_buf *out, const struct wl_buf *records, int64_t mtime) {
    static const char zeros[WL_TAR_BLOCK];

    put_block(out, "PaxHeader", strlen("PaxHeader"), 0, NULL, 'x', 0644, records->len, mtime);
    wl_buf_add(out, records->p, records->len);
    wl_buf_add(out, zeros, wl_tar_padding(records->len));
}

int wl_tar_header(const struct wl_tar_entry *e, struct wl_buf *out, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf pax = {0};
    WL_AUTOFREE char *name = wl_sprintf("%s%s", e->name, e->type == WL_TAR_DIR ? "/" : "");
    size_t len = strlen(name);
    size_t split = 0;
    uint64_t size = e->type == WL_TAR_FILE ? e->size : 0;

    if (check_name(e->name, err) < 0)
        return -1;
    if (e->mtime < 0 || e->mtime > TIME_MAX)
        return wl_fail(err, WL_FAILED, "the time %" PRId64 " of \"%s\" does not fit a tar header", e->mtime, e->name);
    if (e->type != WL_TAR_FILE && e->type != WL_TAR_DIR && !e->link)
        return wl_fail(err, WL_FAILED, "the link \"%s\" has no target", e->name);
    if (!is_ascii(name) || !split_name(name, len, &split)) {
        pax_record(&pax, "path", name);
        split = 0;
    }
    if (e->link && (strlen(e->link) > LINK_LEN || !is_ascii(e->link)))
        pax_record(&pax, "linkpath", e->link);
    if (size > SIZE_OCTAL_MAX) {
        char digits[24];

        snprintf(digits, sizeof(digits), "%" PRIu64, size);
        pax_record(&pax, "size", digits);
    }
    if (pax.len > 0)
        put_pax(out, &pax, e->mtime);
    put_block(out, name, len, split, e->link, (char)e->type, e->mode, size, e->mtime);
    return 0;
}
