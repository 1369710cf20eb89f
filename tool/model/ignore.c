/* Patterns of file names, and ignore files. */
#include <string.h>

#include "../base/mem.h"
#include "files.h"

#define PATTERNS 4096 /* of one ignore file */

/* A pattern is a small automaton whose states are positions in a list of tokens; all states move at once, so that the time
 * is length times length whatever the pattern is. */
enum token_type { LITERAL, ONE, STAR, CLASS, ENTER, BELOW, REST };
struct token {
    enum token_type type;
    char c;           /* LITERAL */
    const char *from; /* CLASS: behind the '[' */
    const char *end;  /* at the ']' */
};
struct automaton {
    struct token v[WL_FILES_PATTERN + 2];
    size_t n;
    bool on[WL_FILES_PATTERN + 3], next[WL_FILES_PATTERN + 3];
};

/* The ']' that ends a class, or NULL: then '[' is a character like others. */
static const char *class_end(const char *p) {
    p += *p == '^' || *p == '!';
    p += *p == ']';
    for (; *p && *p != ']'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p : NULL;
}

static bool in_class(const struct token *t, char c) {
    const char *p = t->from;
    bool negated = *p == '^' || *p == '!';
    bool found = false;

    p += negated;
    while (p < t->end) {
        unsigned char lo, hi;

        p += *p == '\\' && p + 1 < t->end;
        lo = hi = (unsigned char)*p++;
        if (p + 1 < t->end && *p == '-') {
            p++;
            p += *p == '\\' && p + 1 < t->end;
            hi = (unsigned char)*p++;
        }
        found |= (unsigned char)c >= lo && (unsigned char)c <= hi;
    }
    return c != '/' && found != negated;
}

/* Two stars at the start with nothing but plain characters behind them: whatever ends so, also within a name ("**.md"). */
static bool is_ending(const char *p) {
    return p[0] == '*' && p[1] == '*' && p[2] && p[2] != '/' && !strpbrk(p + 2, "*?[\\");
}

static void compile(struct automaton *a, const char *p) {
    bool ending = is_ending(p);

    a->n = 0;
    while (*p && a->n < WL_FILES_PATTERN) {
        struct token *t = &a->v[a->n++];
        const char *end;

        *t = (struct token){.type = LITERAL, .c = *p};
        if (p[0] == '*' && p[1] == '*') {
            p += strspn(p, "*");
            p += *p == '/';
            t->type = *p && !ending ? ENTER : REST;
            if (t->type == ENTER) /* nothing, or any folders */
                a->v[a->n++] = (struct token){.type = BELOW};
            continue;
        }
        if (*p == '*') {
            t->type = STAR;
        } else if (*p == '?') {
            t->type = ONE;
        } else if (*p == '[' && (end = class_end(p + 1)) != NULL) {
            *t = (struct token){.type = CLASS, .from = p + 1, .end = end};
            p = end;
        } else if (*p == '\\' && p[1]) {
            t->c = *++p;
        }
        p++;
    }
}

/* Turns a state on, and those that are reached from it without a character. */
static void enter(const struct automaton *a, bool *set, size_t i) {
    for (;; i++) {
        set[i] = true;
        if (i == a->n)
            return;
        if (a->v[i].type == ENTER)
            set[i + 1] = true, i++; /* inside of it, and behind it */
        else if (a->v[i].type != STAR && a->v[i].type != REST)
            return;
    }
}

static void step(struct automaton *a, char c) {
    memset(a->next, 0, a->n + 1);
    for (size_t i = 0; i < a->n; i++) {
        const struct token *t = &a->v[i];

        if (!a->on[i])
            continue;
        if (t->type == REST || (t->type == STAR && c != '/'))
            enter(a, a->next, i);
        else if (t->type == BELOW)
            a->next[i] = true;
        if ((t->type == LITERAL && t->c == c) || (t->type == ONE && c != '/') || (t->type == CLASS && in_class(t, c)) ||
            (t->type == BELOW && c == '/'))
            enter(a, a->next, i + 1);
    }
    memcpy(a->on, a->next, a->n + 1);
}

/* The usual kind, "**" "/NAME" with nothing but * and ? in the name: some part of the path fits it. No automaton for that. */
static bool is_name_anywhere(const char *pattern) {
    return strncmp(pattern, "**/", 3) == 0 && pattern[3] && !strpbrk(pattern + 3, "/[\\") && !strstr(pattern + 3, "**");
}

static bool name_fits(const char *p, const char *s, size_t n) {
    const char *star = NULL;
    size_t at = 0, back = 0;

    while (at < n) {
        if (*p == '*') {
            star = p++;
            back = at;
        } else if (*p && (*p == '?' || *p == s[at])) {
            p++;
            at++;
        } else if (star) { /* the last star takes one more */
            p = star + 1;
            at = ++back;
        } else {
            return false;
        }
    }
    return p[strspn(p, "*")] == '\0';
}

static bool any_part_fits(const char *name, const char *path) {
    for (;;) {
        size_t n = strcspn(path, "/");

        if (name_fits(name, path, n))
            return true;
        if (!path[n])
            return false;
        path += n + 1;
    }
}

bool wl_files_match(const char *pattern, const char *path) {
    struct automaton a;

    if (strlen(pattern) > WL_FILES_PATTERN)
        return false;
    if (is_name_anywhere(pattern))
        return any_part_fits(pattern + 3, path);
    compile(&a, pattern);
    memset(a.on, 0, a.n + 1);
    enter(&a, a.on, 0);
    for (; *path; path++) {
        if (*path == '/' && a.on[a.n])
            return true; /* a folder above it */
        step(&a, *path);
    }
    return a.on[a.n];
}

/* "/a//b/./c/.." -> "a/b": as the patterns of .dockerignore are read. A new string. */
static char *clean(const char *p, size_t len) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    const char *end = p + len;

    while (p < end) {
        size_t n = 0;

        while (p + n < end && p[n] != '/')
            n++;
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            while (out.len && out.p[out.len - 1] != '/')
                out.len--;
            out.len -= out.len > 0;
            if (out.p)
                out.p[out.len] = '\0';
        } else if (n > 0 && !(n == 1 && *p == '.')) {
            if (out.len)
                wl_buf_addc(&out, '/');
            wl_buf_add(&out, p, n);
        }
        p += n + 1;
    }
    return wl_buf_steal(&out);
}

int wl_ignore_parse(struct wl_ignore *g, const char *name, const char *text, struct wl_err *err) {
    unsigned line = 0;

    if (wl_starts(text, "\xef\xbb\xbf"))
        text += 3;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        size_t len = n;
        const char *s = p;
        bool back;
        WL_AUTOFREE char *pattern = NULL;

        line++;
        p += n + (p[n] != '\0');
        while (len && strchr(" \t\r", s[len - 1]))
            len--;
        if (len && *s == '#')
            continue;
        while (len && strchr(" \t", *s))
            s++, len--;
        back = len && *s == '!';
        s += back;
        len -= back;
        while (len && strchr(" \t", *s))
            s++, len--;
        pattern = clean(s, len);
        if (!*pattern)
            continue;
        if (strlen(pattern) > WL_FILES_PATTERN || g->patterns.n == PATTERNS)
            return wl_fail(err, WL_RECIPE, "%s:%u: %s", name, line,
                           g->patterns.n == PATTERNS ? "too many patterns" : "the pattern is too long");
        wl_strv_addf(&g->patterns, "%s%s", back ? "!" : "", pattern);
    }
    return 0;
}

int wl_ignore_match(const struct wl_ignore *g, const char *path, size_t *ret_which) {
    for (size_t i = g->patterns.n; i-- > 0;) {
        const char *p = g->patterns.v[i];
        bool back = i >= g->n_builtin && *p == '!';

        if (!wl_files_match(p + back, path))
            continue;
        *ret_which = i;
        return !back;
    }
    return -1;
}

void wl_ignore_release(struct wl_ignore *g) {
    wl_strv_release(&g->patterns);
    *g = (struct wl_ignore){0};
}
