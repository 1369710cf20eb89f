#include "attest.h"

#include <stdlib.h>
#include <string.h>

#include "../../registry/layout_referrers.h"
#include "../base/mem.h"
#include "../model/closure.h"
#include "../stages/image.h"
#include "run.h"

#define BUILDER_VARIABLE "WLPACK_BUILDER_ID" /* who built it, a URI: a CI system names itself here */

/* --- What goes in --------------------------------------------------------------------------------------------------- */

static int add_source(struct wl_attest *a, const struct wl_recipe *r, struct wl_err *err) {
    struct wl_material m = {.role = WL_MATERIAL_SOURCE,
                            .of = r->id,
                            .name = r->source->file,
                            .version = r->version,
                            .uri = r->source->urls.n ? r->source->urls.v[0] : NULL,
                            .license = r->license};

    if (!wl_digest_parse_hex(r->source->sha256, &m.digest))
        return wl_fail(err, WL_RECIPE, "%s: source.sha256 is no digest", r->id);
    wl_attest_add(a, &m);
    return 0;
}

static void add_series(struct wl_attest *a, const char *id, const struct wl_series *s) {
    for (size_t i = 0; i < s->n; i++)
        wl_attest_add(a, &(struct wl_material){
                             .role = WL_MATERIAL_PATCH, .of = id, .name = s->v[i].name, .digest = s->v[i].digest});
}

static void add_scripts(struct wl_attest *a, const char *id, const struct wl_scripts *s) {
    for (size_t i = 0; i < s->n; i++)
        wl_attest_add(a, &(struct wl_material){
                             .role = WL_MATERIAL_SCRIPT, .of = id, .name = s->v[i].name, .digest = s->v[i].digest});
}

/* A kit goes in by its identity, which covers the packages or the archive that it was made from. */
static void add_kit(struct wl_attest *a, const char *id, const struct wl_kit *k) {
    struct wl_material m = {.role = WL_MATERIAL_KIT, .of = id, .name = k->name, .version = k->version};

    if (k->name && wl_digest_parse(k->identity, &m.digest))
        wl_attest_add(a, &m);
}

static int collect(struct wl_attest *a, const struct wl_recipe *r, const struct wl_series *series,
                   const struct wl_scripts *scripts, struct wl_err *err) {
    if (add_source(a, r, err) < 0)
        return -1;
    add_series(a, r->id, series);
    add_scripts(a, r->id, scripts);
    return 0;
}

int wl_attest_here(const struct wl_home *home, const char *id, const char *flavour, struct wl_attest *ret,
                   struct wl_err *err) {
    static const char *const kits[] = {"wasi-sdk", "binaryen", "wasmedge"};
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};
    WL_AUTO(wl_closure_release) struct wl_closure c = {0};
    WL_AUTO(wl_attest_release) struct wl_attest a = {0};

    wl_recipe_path(&path);
    if (wl_closure_load(&c, &path, id, flavour, err) < 0)
        return -1;
    for (size_t i = c.n; i-- > 0;) /* the recipe itself comes first */
        if (collect(&a, c.v[i].recipe, &c.v[i].series, &c.v[i].scripts, err) < 0)
            return -1;
    for (size_t i = 0; i < WL_ARRAY_LEN(kits); i++) {
        WL_AUTO(wl_kit_release) struct wl_kit k = {0};
        struct wl_err missing;

        if (wl_kit_find(home, kits[i], &k, &missing) == 0)
            add_kit(&a, id, &k);
    }
    a.recipe = wl_arena_strdup(&a.arena, id);
    a.flavour = wl_arena_strdup(&a.arena, flavour ? flavour : WL_RECIPE_FLAVOUR);
    *ret = a;
    memset(&a, 0, sizeof(a));
    return 0;
}

/* --- Attaching ------------------------------------------------------------------------------------------------------ */

int wl_attest_attach_one(const struct wl_layout *l, const struct wl_oci_descriptor *subject, const char *type,
                         const struct wl_buf *text, const char *predicate, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    struct wl_attachment at = {
        .artifact_type = type, .media_type = type, .bytes = {(const uint8_t *)wl_buf_str(text), text->len}};

    if (predicate)
        wl_oci_pairs_set(&at.annotations, &arena, "in-toto.io/predicate-type", predicate);
    return wl_layout_attach(l, subject, &at, NULL, err);
}

int wl_attest_attach(const struct wl_attest *a, const struct wl_layout *l, const struct wl_oci_descriptor *subject,
                     struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf sbom = {0};
    WL_AUTO(wl_buf_release) struct wl_buf provenance = {0};

    wl_attest_spdx(a, &sbom);
    wl_attest_provenance(a, &provenance);
    if (wl_attest_attach_one(l, subject, WL_MT_SPDX, &sbom, NULL, err) < 0 ||
        wl_attest_attach_one(l, subject, WL_MT_INTOTO, &provenance, WL_PREDICATE_SLSA, err) < 0)
        return wl_err_context(err, "attestations of %s", a->subject_name);
    return 0;
}

const char *wl_attest_builder(void) {
    const char *s = getenv(BUILDER_VARIABLE);

    return s && *s ? s : NULL;
}

int wl_run_attest(struct wl_run *r, const struct wl_plan_step *step, const char *name, const struct wl_layout *l,
                  const struct wl_oci_descriptor *subject, struct wl_err *err) {
    WL_AUTOFREE char *created = wl_image_time(r->epoch);
    WL_AUTO(wl_attest_release)
    struct wl_attest a = {
        .recipe = r->id,
        .flavour = r->recipe->flavour,
        .image = step->image,
        .subject_name = name,
        .subject = subject->digest,
        .name = r->recipe->name,
        .version = r->recipe->version,
        .license = r->recipe->license,
        .homepage = r->recipe->homepage,
        .builder = wl_attest_builder(),
        .epoch = r->epoch,
        .created = created,
    };

    if (collect(&a, r->recipe, &r->series, &r->scripts, err) < 0)
        return -1;
    for (size_t i = r->n_libs; i-- > 0;)
        if (collect(&a, r->libs[i]->recipe, &r->libs[i]->series, &r->libs[i]->scripts, err) < 0)
            return -1;
    for (size_t i = 0; i < WL_KIT_COUNT; i++)
        add_kit(&a, r->id, &r->kits->v[i]);
    return wl_attest_attach(&a, l, subject, err);
}
