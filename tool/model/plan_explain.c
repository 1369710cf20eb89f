/* Inputs of steps as text, and the difference of two such lists. */
#include <string.h>

#include "plan.h"

#define SHOWN 60 /* values up to this length are shown in explanations */

static void add_escaped(struct wl_buf *out, const char *s) {
    for (; *s; s++) {
        if (*s == '\\')
            wl_buf_adds(out, "\\\\");
        else if (*s == '\t')
            wl_buf_adds(out, "\\t");
        else if (*s == '\n')
            wl_buf_adds(out, "\\n");
        else
            wl_buf_addc(out, *s);
    }
}

void wl_plan_inputs_print(const struct wl_plan_step *step, struct wl_buf *out) {
    for (size_t i = 0; i < step->n_inputs; i++) {
        add_escaped(out, step->inputs[i].name);
        wl_buf_addc(out, '\t');
        add_escaped(out, step->inputs[i].value);
        wl_buf_addc(out, '\n');
    }
}

/* Undoes add_escaped for [s, s + n); a new string. */
static char *unescape(const char *s, size_t n) {
    struct wl_buf out = {0};

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\' && i + 1 < n) {
            i++;
            wl_buf_addc(&out, s[i] == 't' ? '\t' : s[i] == 'n' ? '\n' : s[i]);
        } else {
            wl_buf_addc(&out, s[i]);
        }
    }
    return wl_buf_steal(&out);
}

/* The old value of an input, a new string; NULL when there was none. */
static char *old_value(const char *text, const char *name) {
    for (const char *p = text; *p;) {
        size_t line = strcspn(p, "\n");
        size_t tab = strcspn(p, "\t\n");
        WL_AUTOFREE char *key = unescape(p, tab);

        if (tab < line && strcmp(key, name) == 0)
            return unescape(p + tab + 1, line - tab - 1);
        p += line + (p[line] == '\n');
    }
    return NULL;
}

static bool has_input(const struct wl_plan_step *step, const char *name) {
    for (size_t i = 0; i < step->n_inputs; i++)
        if (strcmp(step->inputs[i].name, name) == 0)
            return true;
    return false;
}

static bool shown(const char *value) {
    return strlen(value) <= SHOWN && !wl_starts(value, "sha256:") && !strpbrk(value, "\t\n");
}

static void explain_new(const char *old_inputs, const struct wl_plan_input *in, struct wl_strv *ret) {
    WL_AUTOFREE char *was = old_value(old_inputs, in->name);

    if (!was)
        wl_strv_addf(ret, "added: %s", in->name);
    else if (strcmp(was, in->value) != 0 && shown(was) && shown(in->value))
        wl_strv_addf(ret, "changed: %s: %s -> %s", in->name, was, in->value);
    else if (strcmp(was, in->value) != 0)
        wl_strv_addf(ret, "changed: %s", in->name);
}

static void explain_removed(const char *old_inputs, const struct wl_plan_step *step, struct wl_strv *ret) {
    for (const char *p = old_inputs; *p;) {
        size_t line = strcspn(p, "\n");
        WL_AUTOFREE char *key = unescape(p, strcspn(p, "\t\n"));

        if (!has_input(step, key))
            wl_strv_addf(ret, "removed: %s", key);
        p += line + (p[line] == '\n');
    }
}

void wl_plan_explain(const char *old_inputs, const struct wl_plan_step *step, struct wl_strv *ret) {
    if (!old_inputs) {
        wl_strv_add(ret, "no earlier result");
        return;
    }
    for (size_t i = 0; i < step->n_inputs; i++)
        if (!wl_starts(step->inputs[i].name, "step "))
            explain_new(old_inputs, &step->inputs[i], ret);
    explain_removed(old_inputs, step, ret);
    for (size_t i = 0; i < step->n_inputs; i++)
        if (wl_starts(step->inputs[i].name, "step "))
            explain_new(old_inputs, &step->inputs[i], ret);
}
