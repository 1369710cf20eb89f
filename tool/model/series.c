#include "series.h"

#include <ctype.h>
#include <string.h>

#include "../base/fs.h"

#define SERIES_NAME "series"
#define PATCH_NAME_MAX 200 /* longest name of a patch file */

/* A plain file name that ends in .patch. */
static bool patch_name(const char *s) {
    if (!isalnum((unsigned char)*s) || strlen(s) > PATCH_NAME_MAX || !wl_ends(s, ".patch"))
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("._+-", *s))
            return false;
    return true;
}

static int parse_line(struct wl_strv *ret, const char *name, size_t line, const char *text, struct wl_err *err) {
    if (!patch_name(text))
        return wl_fail(err, WL_RECIPE, "%s:%zu: \"%.128s\" is not a plain file name that ends in .patch", name, line,
                       text);
    if (wl_strv_has(ret, text))
        return wl_fail(err, WL_RECIPE, "%s:%zu: %s stands here twice", name, line, text);
    if (ret->n == WL_SERIES_PATCHES)
        return wl_fail(err, WL_RECIPE, "%s:%zu: more than %d patches", name, line, WL_SERIES_PATCHES);
    wl_strv_add(ret, text);
    return 0;
}

int wl_series_parse(struct wl_strv *ret, const char *name, const char *text, size_t len, struct wl_err *err) {
    const char *end = text + len;
    size_t line = 0;

    for (const char *p = text; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);
        WL_AUTOFREE char *one = wl_strndup(p, n);

        line++;
        if (strlen(one) != n)
            return wl_fail(err, WL_RECIPE, "%s:%zu: a NUL byte", name, line);
        while (n && (one[n - 1] == ' ' || one[n - 1] == '\t'))
            one[--n] = '\0';
        if (*one && *one != '#' && parse_line(ret, name, line, one, err) < 0)
            return -1;
        p = nl ? nl + 1 : end;
    }
    return 0;
}

/* The names, and the line each one stands in is found again for the error. */
static size_t line_of(const char *text, const char *name) {
    size_t line = 1, n = strlen(name);

    for (const char *p = text; p; line++) {
        if (strncmp(p, name, n) == 0 && (!p[n] || isspace((unsigned char)p[n])))
            return line;
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    return 1;
}

static int load_patch(struct wl_series *s, const char *dir, const char *file, const char *text, const char *name,
                      struct wl_err *err) {
    struct wl_patch *p = &s->v[s->n];
    uint64_t size = 0;

    p->name = wl_arena_strdup(&s->arena, name);
    p->path = wl_arena_sprintf(&s->arena, "%s/%s", dir, name);
    if (!wl_fs_exists(p->path))
        return wl_fail(err, WL_RECIPE, "%s:%zu: no file %s", file, line_of(text, name), p->path);
    if (wl_digest_file(p->path, &p->digest, &size, err) < 0)
        return -1;
    if (size > WL_PATCH_BYTES)
        return wl_fail(err, WL_RECIPE, "%s: longer than %d bytes", p->path, WL_PATCH_BYTES);
    s->n++;
    return 0;
}

int wl_series_load(struct wl_series *ret, const char *dir, struct wl_err *err) {
    WL_AUTO(wl_series_release) struct wl_series s = {0};
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *file = dir ? wl_sprintf("%s/" SERIES_NAME, dir) : NULL;

    if (dir) {
        if (!wl_fs_exists(file))
            return wl_fail(err, WL_RECIPE, "%s: no such file; it lists the folder's patches in order", file);
        if (wl_fs_read(file, WL_SERIES_BYTES, &text, err) < 0) {
            err->code = WL_RECIPE;
            return -1;
        }
        if (wl_series_parse(&names, file, wl_buf_str(&text), text.len, err) < 0)
            return -1;
    }
    s.v = wl_arena_alloc(&s.arena, (names.n + 1) * sizeof(*s.v));
    for (size_t i = 0; i < names.n; i++)
        if (load_patch(&s, dir, file, wl_buf_str(&text), names.v[i], err) < 0)
            return -1;
    *ret = s;
    s = (struct wl_series){0};
    return 0;
}

void wl_series_release(struct wl_series *s) {
    wl_arena_release(&s->arena);
    s->v = NULL;
    s->n = 0;
}

/* --- Lint ------------------------------------------------------------------------------------------------------- */

/* Does a line of the header start with "Field:" and have a value? */
static bool has_field(const char *header, const char *field) {
    size_t n = strlen(field);

    for (const char *p = header; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
        if (strncasecmp(p, field, n) != 0 || p[n] != ':')
            continue;
        p += n + 1;
        p += strspn(p, " \t");
        return *p && *p != '\n';
    }
    return false;
}

/* Where the first hunk's file begins: the header ends there. */
static const char *header_end(const char *text) {
    for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
        if (strncmp(p, "--- a/", 6) == 0 || strncmp(p, "--- /dev/null", 13) == 0 || strncmp(p, "diff --git ", 11) == 0)
            return p;
    return NULL;
}

int wl_patch_check_header(const char *name, const char *text, size_t len, struct wl_err *err) {
    static const char *const wanted[] = {"Description", "Forwarded"};
    WL_AUTOFREE char *copy = wl_strndup(text, len);
    const char *end = header_end(copy);

    if (!end)
        return wl_fail(err, WL_RECIPE, "%s: no \"--- a/FILE\" line: not a patch to apply with -p1", name);
    copy[end - copy] = '\0';
    for (size_t i = 0; i < WL_ARRAY_LEN(wanted); i++)
        if (!has_field(copy, wanted[i]))
            return wl_fail(err, WL_RECIPE, "%s: the header has no \"%s:\"", name, wanted[i]);
    return 0;
}

int wl_series_lint(const char *dir, struct wl_err *err) {
    WL_AUTO(wl_series_release) struct wl_series s = {0};
    WL_AUTO(wl_strv_release) struct wl_strv files = {0};

    if (wl_series_load(&s, dir, err) < 0)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        WL_AUTO(wl_buf_release) struct wl_buf text = {0};

        if (wl_fs_read(s.v[i].path, WL_PATCH_BYTES, &text, err) < 0)
            return -1;
        if (wl_patch_check_header(s.v[i].path, wl_buf_str(&text), text.len, err) < 0)
            return -1;
    }
    if (dir && wl_fs_list(dir, &files, err) < 0)
        return -1;
    for (size_t i = 0; i < files.n; i++) {
        bool named = false;

        for (size_t k = 0; k < s.n; k++)
            named = named || strcmp(files.v[i], s.v[k].name) == 0;
        if (wl_ends(files.v[i], ".patch") && !named)
            return wl_fail(err, WL_RECIPE, "%s/" SERIES_NAME ": does not name %s, which lies beside it", dir,
                           files.v[i]);
    }
    return 0;
}
