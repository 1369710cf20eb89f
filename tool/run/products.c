#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "run.h"

void wl_build_result_release(struct wl_build_result *r) {
    for (size_t i = 0; i < r->n; i++) {
        free(r->v[i].kind);
        free(r->v[i].name);
        free(r->v[i].path);
    }
    free(r->v);
    memset(r, 0, sizeof(*r));
}

static struct wl_build_product *add(struct wl_build_result *r, const char *kind, const char *name) {
    r->v = wl_reallocarray(r->v, r->n + 1, sizeof(*r->v));
    r->v[r->n] = (struct wl_build_product){.kind = wl_strdup(kind), .name = wl_strdup(name)};
    return &r->v[r->n++];
}

/* The output file has the store file's time: equal size and time mean equal contents, so that nothing is read. */
static bool up_to_date(const char *from, const char *to) {
    struct stat a, b;

    return stat(from, &a) == 0 && stat(to, &b) == 0 && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
           a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

static int copy_out(const char *from, const char *to, struct wl_err *err) {
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
    struct stat st;

    if (wl_fs_copy(from, to, err) < 0)
        return -1;
    if (stat(from, &st) < 0)
        return wl_fail_errno(err, errno, "cannot stat %s", from);
    times[1] = st.st_mtim;
    if (utimensat(AT_FDCWD, to, times, 0) < 0)
        return wl_fail_errno(err, errno, "cannot set the time of %s", to);
    return 0;
}

/* "php.wasm" -> "php-aot.wasm"; for another architecture than this machine's "php-aot-aarch64.wasm". */
static char *aot_name(const char *file, const char *arch) {
    size_t n = strlen(file) - (wl_ends(file, ".wasm") ? strlen(".wasm") : 0);
    struct utsname u;
    bool own = uname(&u) == 0 && strcmp(u.machine, arch) == 0;

    return wl_sprintf("%.*s-aot%s%s.wasm", (int)n, file, own ? "" : "-", own ? "" : arch);
}

static int put_file(struct wl_run *r, const struct wl_plan_step *step, const char *artefact, const char *kind,
                    const char *file, struct wl_err *err) {
    bool standard = strcmp(r->recipe->flavour, WL_RECIPE_FLAVOUR) == 0;
    WL_AUTOFREE char *to = wl_sprintf("%s/%s%s%s/bin/%s", r->o->output ? r->o->output : WL_BUILD_OUTPUT, r->id,
                                      standard ? "" : ".", standard ? "" : r->recipe->flavour, file);
    struct wl_digest_hex key = wl_run_key(r, step);
    WL_AUTOFREE char *inside = wl_sprintf("%s.wasm", artefact);
    WL_AUTOFREE char *from = wl_store_path(r->home, key.s, inside);
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    const struct wl_store_file *f;
    struct wl_build_product *p;

    if (!up_to_date(from, to) && (wl_run_sound(r, step, artefact, err) < 0 || copy_out(from, to, err) < 0))
        return -1;
    if (wl_store_meta(r->home, key.s, &m, err) < 0)
        return -1;
    f = wl_meta_file(&m, inside);
    if (!f)
        return wl_fail(err, WL_FAILED, "the store entry %.12s has no file %s", key.s, inside);
    p = add(&r->result, kind, r->id);
    p->path = WL_STEAL(to);
    p->size = f->size;
    p->digest = f->digest;
    return 0;
}

/* The last step before CHECK that made the artefact's portable module, up to the stage asked for. */
static const struct wl_plan_step *portable_step(const struct wl_run *r, const char *artefact) {
    const struct wl_plan_step *best = NULL;

    for (size_t i = 0; i < r->plan.n; i++) {
        const struct wl_plan_step *s = &r->plan.v[i];
        bool makes = s->stage == WL_STAGE_COMPILE || ((s->stage == WL_STAGE_LOWER || s->stage == WL_STAGE_OPTIMIZE) &&
                                                      strcmp(s->artefact, artefact) == 0);

        if (makes && s->stage <= r->o->until)
            best = s;
    }
    return best;
}

static int put_artefact(struct wl_run *r, const char *name, const struct wl_recipe_artefact *a, struct wl_err *err) {
    const struct wl_plan_step *portable = portable_step(r, name);

    if (!portable)
        return 0;
    if (put_file(r, portable, name, "artefact", a->file, err) < 0)
        return -1;
    for (size_t i = 0; i < r->plan.n; i++) {
        const struct wl_plan_step *s = &r->plan.v[i];
        WL_AUTOFREE char *file = NULL;

        if (s->stage != WL_STAGE_AOT || s->stage > r->o->until || strcmp(s->artefact, name) != 0)
            continue;
        file = aot_name(a->file, s->arch);
        if (put_file(r, s, name, "aot", file, err) < 0)
            return -1;
    }
    return 0;
}

static int put_image(struct wl_run *r, const struct wl_plan_step *s, struct wl_err *err) {
    struct wl_digest_hex key = wl_run_key(r, s);
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    struct wl_build_product *p;
    const char *name, *digest, *size;

    if (wl_store_meta(r->home, key.s, &m, err) < 0)
        return -1;
    name = wl_meta_fact(&m, "name");
    digest = wl_meta_fact(&m, "digest");
    size = wl_meta_fact(&m, "size");
    if (!name || !digest || !size)
        return wl_fail(err, WL_FAILED, "the store entry %.12s (%s) is damaged", key.s, s->label);
    p = add(&r->result, "image", name);
    p->size = strtoull(size, NULL, 10);
    if (!wl_digest_parse(digest, &p->digest))
        return wl_fail(err, WL_FAILED, "the store entry %.12s (%s) is damaged", key.s, s->label);
    return 0;
}

/* A library's tree stays in the store: those who need it find it there. */
static int put_library(struct wl_run *r, struct wl_err *err) {
    struct wl_digest_hex key = wl_run_key(r, wl_plan_find(&r->plan, wl_stage_name(WL_STAGE_COMPILE)));
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    struct wl_build_product *p;

    if (wl_store_meta(r->home, key.s, &m, err) < 0)
        return -1;
    p = add(&r->result, "library", r->id);
    p->path = wl_store_path(r->home, key.s, WL_RUN_TREE);
    p->digest = r->tree;
    for (size_t i = 0; i < m.n_files; i++)
        if (wl_starts(m.files[i].path, WL_RUN_TREE "/"))
            p->size += m.files[i].size;
    return 0;
}

int wl_run_products(struct wl_run *r, struct wl_err *err) {
    const struct wl_recipe *recipe = r->recipe;

    if (r->tree_known && put_library(r, err) < 0)
        return -1;

    for (size_t i = 0; i < recipe->artefacts.n; i++)
        if (put_artefact(r, recipe->artefacts.keys[i], recipe->artefacts.v[i], err) < 0)
            return -1;
    for (size_t i = 0; i < r->plan.n; i++)
        if (r->plan.v[i].stage == WL_STAGE_IMAGE && r->o->until >= WL_STAGE_IMAGE &&
            put_image(r, &r->plan.v[i], err) < 0)
            return -1;
    return 0;
}
