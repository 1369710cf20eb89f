/* Variables of recipes: ${name} and ${version} are filled in by the load, the others when a command runs. */
#include <errno.h>
#include <string.h>

#include "recipe_impl.h"

static const char static_names[] = "${name}, ${version}";
static const char flags_names[] = "${name}, ${version}, ${cc}, ${ar}, ${ranlib}, ${nm}, ${sysroot}, ${srcdir}, "
                                  "${scripts}, ${deps}, ${out}, ${host}, ${target}, ${jobs}";
static const char build_names[] = "${name}, ${version}, ${cc}, ${ar}, ${ranlib}, ${nm}, ${sysroot}, ${srcdir}, "
                                  "${scripts}, ${deps}, ${out}, ${host}, ${target}, ${jobs}, ${cflags}, ${ldflags}";

static const char *known_names(enum wl_recipe_vars_tag tag) {
    return tag == WL_VARS_STATIC ? static_names : tag == WL_VARS_FLAGS ? flags_names : build_names;
}

static bool listed(const char *list, const char *name) {
    WL_AUTOFREE char *var = wl_sprintf("${%s}", name);

    return strstr(list, var) != NULL;
}

/* The next "${" of s: what stands in front of it is appended to out as it is. *ret_escaped: it is "$${". The result
 * points at the "{" or is NULL at the end. */
static const char *next_var(const char *s, struct wl_buf *out, bool *ret_escaped) {
    const char *at = strstr(s, "${");

    if (!at) {
        wl_buf_adds(out, s);
        return NULL;
    }
    *ret_escaped = at > s && at[-1] == '$';
    wl_buf_add(out, s, (size_t)(at - s) - *ret_escaped);
    return at + 1;
}

const char *wl_recipe_expand_static(struct wl_arena *a, const char *name, const char *version,
                                    enum wl_recipe_vars_tag tag, const char *s, char **ret_unknown,
                                    const char **ret_known) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    bool escaped = false;

    if (tag == WL_VARS_NONE || !strstr(s, "${"))
        return s;
    for (const char *at; (at = next_var(s, &out, &escaped));) {
        size_t n = strcspn(at + 1, "}");
        WL_AUTOFREE char *var = wl_strndup(at + 1, n);
        const char *value = strcmp(var, "name") == 0 ? name : strcmp(var, "version") == 0 ? version : NULL;

        if (escaped) {
            wl_buf_adds(&out, tag == WL_VARS_STATIC ? "${" : "$${");
            s = at + 1;
            continue;
        }
        if (!at[n + 1] || !listed(known_names(tag), var)) {
            *ret_known = at[n + 1] ? known_names(tag) : NULL;
            *ret_unknown = WL_STEAL(var);
            return NULL;
        }
        if (value)
            wl_buf_adds(&out, value);
        else
            wl_buf_addf(&out, "${%s}", var);
        s = at + 1 + n + 1;
    }
    return wl_arena_strdup(a, wl_buf_str(&out));
}

/* --- When a command runs --------------------------------------------------------------------------------------- */

static int join_flags(const struct wl_recipe *r, const struct wl_recipe_vars *vars, const struct wl_list *flags,
                      struct wl_buf *out, struct wl_err *err) {
    for (size_t i = 0; i < flags->n; i++) {
        /* Flags hold no ${cflags}: the load saw to that, so this ends. */
        WL_AUTOFREE char *flag = wl_recipe_expand(r, vars, flags->v[i], err);

        if (!flag)
            return -1;
        wl_buf_addf(out, "%s%s", i ? " " : "", flag);
    }
    return 0;
}

/* A variable's value when it is a plain string; NULL for unknown names and for values that were not given. */
static const char *plain_value(const struct wl_recipe_vars *vars, const char *name) {
    const struct {
        const char *name;
        const char *value;
    } table[] = {
        {"cc", vars->cc},           {"ar", vars->ar},         {"ranlib", vars->ranlib},     {"nm", vars->nm},
        {"sysroot", vars->sysroot}, {"srcdir", vars->srcdir}, {"scripts", vars->scripts},   {"deps", vars->deps},
        {"out", vars->out},         {"host", WL_RECIPE_HOST}, {"target", WL_RECIPE_TARGET},
    };

    for (size_t i = 0; i < WL_ARRAY_LEN(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].value;
    return NULL;
}

static int add_value(const struct wl_recipe *r, const struct wl_recipe_vars *vars, const char *name, struct wl_buf *out,
                     struct wl_err *err) {
    const char *value = plain_value(vars, name);

    if (strcmp(name, "cflags") == 0)
        return join_flags(r, vars, &r->cflags, out, err);
    if (strcmp(name, "ldflags") == 0)
        return join_flags(r, vars, &r->ldflags, out, err);
    if (strcmp(name, "jobs") == 0) {
        wl_buf_addf(out, "%d", vars->jobs > 0 ? vars->jobs : 1);
        return 0;
    }
    if (!value && strcmp(name, "scripts") == 0)
        return wl_fail(err, WL_RECIPE, "recipe %s: ${scripts} is used, but it has no scripts folder", r->id);
    if (!value)
        return wl_fail(err, WL_RECIPE, "recipe %s: ${%s} has no value here", r->id, name);
    wl_buf_adds(out, value);
    return 0;
}

char *wl_recipe_expand(const struct wl_recipe *r, const struct wl_recipe_vars *vars, const char *s,
                       struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    bool escaped = false;

    for (const char *at; (at = next_var(s, &out, &escaped));) {
        size_t n = strcspn(at + 1, "}");
        WL_AUTOFREE char *name = wl_strndup(at + 1, n);

        if (escaped || !at[n + 1]) {
            wl_buf_adds(&out, "${");
            s = at + 1;
            continue;
        }
        if (add_value(r, vars, name, &out, err) < 0)
            return NULL;
        s = at + 1 + n + 1;
    }
    return wl_buf_steal(&out);
}

static int add_flags(const struct wl_recipe *r, const struct wl_recipe_vars *vars, const struct wl_list *flags,
                     struct wl_strv *ret, struct wl_err *err) {
    for (size_t i = 0; i < flags->n; i++) {
        char *flag = wl_recipe_expand(r, vars, flags->v[i], err);

        if (!flag)
            return -1;
        wl_strv_take(ret, flag);
    }
    return 0;
}

int wl_recipe_command_argv(const struct wl_recipe *r, const struct wl_recipe_command *c,
                           const struct wl_recipe_vars *vars, struct wl_strv *ret, struct wl_err *err) {
    for (size_t i = 0; i < c->argv.n; i++) {
        const char *item = c->argv.v[i];
        char *arg;

        if (strcmp(item, "${cflags}") == 0 || strcmp(item, "${ldflags}") == 0) {
            if (add_flags(r, vars, item[2] == 'c' ? &r->cflags : &r->ldflags, ret, err) < 0)
                return -1;
            continue;
        }
        arg = wl_recipe_expand(r, vars, item, err);
        if (!arg)
            return -1;
        wl_strv_take(ret, arg);
    }
    return 0;
}

static int add_env(const struct wl_recipe *r, const struct wl_smap *env, const struct wl_smap *over,
                   const struct wl_recipe_vars *vars, struct wl_strv *ret, struct wl_err *err) {
    for (size_t i = 0; i < env->n; i++) {
        WL_AUTOFREE char *value = NULL;

        if (over && wl_smap_get(over, env->v[i].key))
            continue;
        value = wl_recipe_expand(r, vars, env->v[i].value, err);
        if (!value)
            return -1;
        wl_strv_addf(ret, "%s=%s", env->v[i].key, value);
    }
    return 0;
}

int wl_recipe_command_env(const struct wl_recipe *r, const struct wl_recipe_command *c,
                          const struct wl_recipe_vars *vars, struct wl_strv *ret, struct wl_err *err) {
    if (add_env(r, &r->env, &c->env, vars, ret, err) < 0)
        return -1;
    return add_env(r, &c->env, NULL, vars, ret, err);
}

int wl_recipe_strip(const struct wl_oint *strip) {
    return strip->set ? (int)strip->v : 1;
}

int wl_recipe_epoch(const struct wl_recipe *r, int64_t *ret, struct wl_err *err) {
    const char *s = getenv("SOURCE_DATE_EPOCH");
    char *end;
    long long v;

    if (!s || !*s) {
        *ret = r->epoch.set ? r->epoch.v : 0;
        return 0;
    }
    errno = 0;
    v = strtoll(s, &end, 10);
    if (*end || errno || v < 0 || strspn(s, "0123456789") != strlen(s))
        return wl_fail(err, WL_USAGE, "SOURCE_DATE_EPOCH=\"%s\" is no number of seconds", s);
    *ret = v;
    return 0;
}
