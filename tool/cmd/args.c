#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "cmd.h"

int wl_args_has(const struct wl_args *a, const char *name) {
    return wl_args_get(a, name) != NULL;
}

const char *wl_args_get(const struct wl_args *a, const char *name) {
    for (int i = a->n_given - 1; i >= 0; i--)
        if (strcmp(a->which[i]->name, name) == 0)
            return a->values[i];
    return NULL;
}

const char *wl_args_nth(const struct wl_args *a, const char *name, int n) {
    for (int i = 0; i < a->n_given; i++)
        if (strcmp(a->which[i]->name, name) == 0 && n-- == 0)
            return a->values[i];
    return NULL;
}

int wl_args_int(const struct wl_args *a, const char *name, long min, long max, long *ret, struct wl_err *err) {
    const char *s = wl_args_get(a, name);
    char *end;
    long v;

    if (!s)
        return 0;
    v = strtol(s, &end, 10);
    if (*s == '\0' || *end || v < min || v > max)
        return wl_fail(err, WL_USAGE, "--%s takes a whole number from %ld to %ld, not \"%s\"", name, min, max, s);
    *ret = v;
    return 0;
}

void wl_args_split(const char *value, struct wl_strv *to) {
    for (;;) {
        size_t n = strcspn(value, ",");

        wl_strv_take(to, wl_strndup(value, n));
        if (!value[n])
            return;
        value += n + 1;
    }
}

static int usage_error(struct wl_err *err, const struct wl_verb *verb, const char *what, const char *arg) {
    return wl_fail(err, WL_USAGE, "%s: %s \"%s\"; see `wlpack %s --help`", verb->name, what, arg, verb->name);
}

static const struct wl_opt *find_long(const struct wl_verb *verb, const char *name, size_t n) {
    for (const struct wl_opt *o = verb->opts; o && o->name; o++)
        if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
            return o;
    return NULL;
}

static const struct wl_opt *find_short(const struct wl_verb *verb, char letter) {
    for (const struct wl_opt *o = verb->opts; o && o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

static void given(struct wl_args *a, const struct wl_opt *o, const char *value) {
    a->which[a->n_given] = o;
    a->values[a->n_given++] = value;
}

/* One argument that starts with '-'; *i moves on when the value is the next argument. */
static int parse_option(struct wl_args *a, const struct wl_verb *verb, int argc, char **argv, int *i,
                        struct wl_err *err) {
    char *arg = argv[*i];
    const struct wl_opt *o;
    const char *value = NULL;

    if (arg[1] == '-') {
        size_t n = strcspn(arg + 2, "=");

        o = find_long(verb, arg + 2, n);
        value = arg[2 + n] ? arg + 3 + n : NULL;
        if (o && value && !o->arg)
            return usage_error(err, verb, "this option takes no value:", arg);
    } else {
        o = find_short(verb, arg[1]);
        value = arg[2] ? arg + 2 : NULL;
        if (o && value && !o->arg)
            return usage_error(err, verb, "write switches one by one, not", arg);
    }
    if (!o)
        return usage_error(err, verb, "unknown option", arg);
    if (o->arg && !value) {
        if (*i + 1 >= argc)
            return usage_error(err, verb, "a value is missing behind", arg);
        value = argv[++*i];
    }
    given(a, o, value ? value : "");
    return 0;
}

int wl_args_parse(struct wl_args *ret, const struct wl_verb *verb, int argc, char **argv, struct wl_err *err) {
    WL_AUTO(wl_args_release) struct wl_args a = {.opts = verb->opts};

    a.values = wl_calloc((size_t)argc + 1, sizeof(*a.values));
    a.which = wl_calloc((size_t)argc + 1, sizeof(struct wl_opt *));
    a.pos = wl_calloc((size_t)argc + 1, sizeof(*a.pos));
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            a.rest = argv + i + 1;
            a.n_rest = argc - i - 1;
            break;
        }
        if (argv[i][0] == '-' && argv[i][1]) {
            if (parse_option(&a, verb, argc, argv, &i, err) < 0)
                return -1;
        } else {
            a.pos[a.n_pos++] = argv[i];
        }
    }
    if (a.n_pos < verb->min_pos)
        return wl_fail(err, WL_USAGE, "%s: an argument is missing; usage: wlpack %s", verb->name, verb->usage);
    if (verb->max_pos >= 0 && a.n_pos > verb->max_pos)
        return usage_error(err, verb, "one argument too many:", a.pos[verb->max_pos]);
    *ret = a;
    memset(&a, 0, sizeof(a));
    return 0;
}

void wl_args_release(struct wl_args *a) {
    free(a->values);
    free(a->which);
    free(a->pos);
    memset(a, 0, sizeof(*a));
}
