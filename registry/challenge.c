#include "challenge.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../tool/base/mem.h"

static bool is_token(char c) {
    return c && (isalnum((unsigned char)c) || strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip(const char *s, const char *set) {
    return s + strspn(s, set);
}

static size_t token_len(const char *s) {
    size_t n = 0;

    while (is_token(s[n]))
        n++;
    return n;
}

/* A quoted string at *s; moves behind it. NULL when it does not end. */
static char *quoted(const char **s) {
    struct wl_buf b = {0};
    const char *p = *s + 1;

    for (; *p && *p != '"'; p++) {
        if (*p == '\\' && p[1])
            p++;
        wl_buf_addc(&b, *p);
    }
    if (*p != '"') {
        wl_buf_release(&b);
        return NULL;
    }
    *s = p + 1;
    return wl_buf_steal(&b);
}

/* name=value at *s, when it is one: returns 1 and moves on; 0 when it is not; -1 when it is broken. */
static int param(struct wl_challenge *c, const char **s) {
    size_t n = token_len(*s);
    const char *p = skip(*s + n, " \t");
    WL_AUTOFREE char *name = NULL;
    WL_AUTOFREE char *value = NULL;

    if (n == 0 || *p != '=')
        return 0;
    p = skip(p + 1, " \t");
    name = wl_strndup(*s, n);
    for (char *q = name; *q; q++)
        *q = (char)tolower((unsigned char)*q);
    if (*p == '"') {
        value = quoted(&p);
        if (!value)
            return -1;
    } else {
        n = strcspn(p, ", \t");
        if (n == 0)
            return -1;
        value = wl_strndup(p, n);
        p += n;
    }
    if (c->params.n < WL_CHALLENGE_PARAMS_MAX * 2 && !wl_challenge_param(c, name)) {
        wl_strv_take(&c->params, WL_STEAL(name));
        wl_strv_take(&c->params, WL_STEAL(value));
    }
    *s = p;
    return 1;
}

/* The parameters of one challenge, or its token68 ("Negotiate YII="). A scheme without parameters has none. */
static int params(struct wl_challenge *c, const char **s) {
    const char *p = skip(*s, " \t");

    while (*p) {
        const char *behind;
        int rc = param(c, &p);

        if (rc < 0)
            return -1;
        if (rc == 0)
            break; /* the next scheme, or a token68 */
        behind = skip(p, " \t");
        if (*behind && *behind != ',')
            return -1;
        p = skip(behind, " \t,");
    }
    *s = p;
    return 0;
}

static bool is_token68_end(const char *p) {
    return *p == '\0' || *p == ',';
}

int wl_challenges_parse(struct wl_challenges *c, const char *header) {
    const char *p = skip(header, " \t,");

    if (strlen(header) > WL_CHALLENGE_LEN_MAX)
        return -1;
    while (*p) {
        size_t n = token_len(p);
        struct wl_challenge *one;

        if (n == 0 || (p[n] && !strchr(" \t,", p[n])) || c->n >= WL_CHALLENGES_MAX)
            return -1;
        one = &c->v[c->n++];
        *one = (struct wl_challenge){.scheme = wl_strndup(p, n)};
        p += n;
        if (*p != ',') {
            const char *arg = skip(p, " \t");
            size_t len = strspn(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");

            len += strspn(arg + len, "=");
            if (len > 0 && is_token68_end(skip(arg + len, " \t")))
                p = arg + len;
            else if (params(one, &p) < 0)
                return -1;
        }
        p = skip(p, " \t,");
    }
    return 0;
}

void wl_challenges_release(struct wl_challenges *c) {
    for (size_t i = 0; i < c->n; i++) {
        free(c->v[i].scheme);
        wl_strv_release(&c->v[i].params);
    }
    c->n = 0;
}

const struct wl_challenge *wl_challenges_find(const struct wl_challenges *c, const char *scheme) {
    for (size_t i = 0; i < c->n; i++)
        if (strcasecmp(c->v[i].scheme, scheme) == 0)
            return &c->v[i];
    return NULL;
}

const char *wl_challenge_param(const struct wl_challenge *c, const char *name) {
    for (size_t i = 0; i + 1 < c->params.n; i += 2)
        if (strcmp(c->params.v[i], name) == 0)
            return c->params.v[i + 1];
    return NULL;
}
