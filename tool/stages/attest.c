#include "attest.h"

#include <stdlib.h>
#include <string.h>

static const char *const roles[] = {"source", "patch", "script", "kit", "base", "git", "app", "image"};

const char *wl_material_role_name(enum wl_material_role r) {
    return roles[r];
}

bool wl_material_role_parse(const char *s, enum wl_material_role *ret) {
    for (size_t i = 0; s && i < WL_ARRAY_LEN(roles); i++)
        if (strcmp(roles[i], s) == 0) {
            *ret = (enum wl_material_role)i;
            return true;
        }
    return false;
}

void wl_attest_release(struct wl_attest *a) {
    free(a->v);
    free(a->files);
    wl_arena_release(&a->arena);
    memset(a, 0, sizeof(*a));
}

static const char *keep(struct wl_attest *a, const char *s) {
    return s ? wl_arena_strdup(&a->arena, s) : NULL;
}

void wl_attest_add(struct wl_attest *a, const struct wl_material *m) {
    if (a->n == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 32;
        a->v = wl_reallocarray(a->v, a->cap, sizeof(*a->v));
    }
    a->v[a->n++] = (struct wl_material){
        .role = m->role,
        .of = keep(a, m->of),
        .name = keep(a, m->name),
        .version = keep(a, m->version),
        .uri = keep(a, m->uri),
        .license = keep(a, m->license),
        .commit = keep(a, m->commit),
        .digest = m->digest,
    };
}

void wl_attest_add_file(struct wl_attest *a, const struct wl_attest_file *f) {
    if (a->n_files == a->cap_files) {
        a->cap_files = a->cap_files ? 2 * a->cap_files : 64;
        a->files = wl_reallocarray(a->files, a->cap_files, sizeof(*a->files));
    }
    a->files[a->n_files++] = (struct wl_attest_file){keep(a, f->name), f->digest, f->sha1};
}

const struct wl_material *wl_attest_find(const struct wl_attest *a, enum wl_material_role role) {
    for (size_t i = 0; i < a->n; i++)
        if (a->v[i].role == role)
            return &a->v[i];
    return NULL;
}

/* --- Comparing ----------------------------------------------------------------------------------------------------- */

static const struct wl_material *same(const struct wl_attest *in, const struct wl_material *m) {
    for (size_t i = 0; i < in->n; i++)
        if (in->v[i].role == m->role && strcmp(in->v[i].of, m->of) == 0 && strcmp(in->v[i].name, m->name) == 0)
            return &in->v[i];
    return NULL;
}

void wl_attest_diff(const struct wl_attest *said, const struct wl_attest *here, struct wl_strv *ret,
                    struct wl_strv *ret_kits) {
    for (size_t i = 0; i < said->n; i++) {
        const struct wl_material *m = &said->v[i];
        const struct wl_material *own = same(here, m);
        struct wl_strv *to = m->role == WL_MATERIAL_KIT ? ret_kits : ret;

        if (m->role == WL_MATERIAL_IMAGE)
            continue;
        if (!own)
            wl_strv_addf(to, "%s %s of %s: not here", wl_material_role_name(m->role), m->name, m->of);
        else if (!wl_digest_equal(&own->digest, &m->digest))
            wl_strv_addf(to, "%s %s of %s: %s in the statement, %s here", wl_material_role_name(m->role), m->name,
                         m->of, wl_digest_str(&m->digest).s, wl_digest_str(&own->digest).s);
    }
    for (size_t i = 0; i < here->n; i++) {
        const struct wl_material *m = &here->v[i];

        if (!same(said, m))
            wl_strv_addf(m->role == WL_MATERIAL_KIT ? ret_kits : ret, "%s %s of %s: not in the statement",
                         wl_material_role_name(m->role), m->name, m->of);
    }
}
