/* What the parts of a run share: keys, logs, kits, modules of the store. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "run.h"

void wl_outcome_fact(struct wl_outcome *o, const char *name, const char *fmt, ...) {
    WL_AUTOFREE char *value = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&value, fmt, ap);
    va_end(ap);
    if (n < 0 || o->n_facts == WL_RUN_FACTS)
        abort();
    o->facts[o->n_facts++] = (struct wl_pair){name, wl_arena_strdup(&o->arena, value)};
}

size_t wl_run_index(const struct wl_run *r, const struct wl_plan_step *step) {
    return (size_t)(step - r->plan.v);
}

struct wl_digest_hex wl_run_key(const struct wl_run *r, const struct wl_plan_step *step) {
    struct wl_sha256 h = {0};
    struct wl_digest d;

    if (step->stage != WL_STAGE_CONFIGURE)
        return wl_digest_hexonly(&step->key);
    wl_sha256_init(&h);
    wl_sha256_field(&h, "step", step->key.b, sizeof(step->key.b));
    wl_sha256_field_str(&h, "folder", r->srcdir);
    d = wl_sha256_final(&h);
    return wl_digest_hexonly(&d);
}

/* Labels hold blanks; file names rather not. */
static char *with_label(const char *front, const char *label, const char *tail) {
    char *s = wl_sprintf("%s%s%s", front, label, tail);

    for (char *p = s + strlen(front); *p; p++)
        if (*p == ' ' || *p == '/')
            *p = '-';
    return s;
}

char *wl_run_log(const struct wl_run *r, const struct wl_plan_step *step) {
    bool standard = strcmp(r->recipe->flavour, WL_RECIPE_FLAVOUR) == 0;
    WL_AUTOFREE char *front = wl_sprintf("%s/" WL_HOME_LOGS "/%s%s%s/", r->home->root, r->id, standard ? "" : ".",
                                         standard ? "" : r->recipe->flavour);

    return with_label(front, step->label, ".log");
}

char *wl_run_last_name(const struct wl_run *r, const char *label) {
    WL_AUTOFREE char *front = wl_sprintf("%s.%s.", r->id, r->recipe->flavour);

    return with_label(front, label, "");
}

int wl_run_kit(const struct wl_run *r, enum wl_kit_index i, const struct wl_kit **ret, struct wl_err *err) {
    if (!r->kits->v[i].name) {
        *err = r->kits->errors[i];
        return -1;
    }
    *ret = &r->kits->v[i];
    return 0;
}

int wl_run_artefact(const struct wl_run *r, const struct wl_plan_step *step, const char *artefact, char **ret,
                    struct wl_err *err) {
    struct wl_digest_hex key = wl_run_key(r, step);
    WL_AUTOFREE char *name = wl_sprintf("%s.wasm", artefact);
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};

    if (wl_store_meta(r->home, key.s, &m, err) < 0 || wl_store_verify(r->home, key.s, &m, name, err) < 0)
        return -1;
    *ret = wl_store_path(r->home, key.s, name);
    return 0;
}
