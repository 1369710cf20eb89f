/* The plan: which key depends on what. Each case changes one thing and says which steps' keys must change; all others
 * must stay. */
#include <string.h>

#include "test.h"

#include "../../tool/model/plan.h"

#define SDK "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define BIN "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define EDGE "sha256:3333333333333333333333333333333333333333333333333333333333333333"

/* Everything that a plan is made from, changeable. */
struct world {
    struct wl_recipe *r;
    struct wl_patch patches[2];
    struct wl_series series;
    struct wl_script script[2];
    struct wl_scripts scripts;
    struct wl_plan_dep deps[1];
    const char *archs[3];
    struct wl_plan_spec spec;
};

static void world_init(struct world *w) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};
    struct wl_err err;

    memset(w, 0, sizeof(*w));
    wl_strv_add(&path, "tests/recipes-good");
    assert_ok(wl_recipe_load(&w->r, &path, "full", NULL, &err));
    w->patches[0] = (struct wl_patch){"0001-a.patch", "p/0001-a.patch", wl_digest_of("a", 1)};
    w->patches[1] = (struct wl_patch){"0002-b.patch", "p/0002-b.patch", wl_digest_of("b", 1)};
    w->series = (struct wl_series){w->patches, 2, {0}};
    w->script[0] = (struct wl_script){"configure.sh", wl_digest_of("c", 1), true};
    w->script[1] = (struct wl_script){"stubs.c", wl_digest_of("s", 1), false};
    w->scripts = (struct wl_scripts){w->script, 2, {0}};
    w->deps[0] = (struct wl_plan_dep){"low-1.0", {SDK}};
    w->archs[0] = "x86_64";
    w->spec = (struct wl_plan_spec){.recipe = w->r,
                                    .series = &w->series,
                                    .scripts = &w->scripts,
                                    .wasi_sdk = SDK,
                                    .binaryen = BIN,
                                    .wasmedge = EDGE,
                                    .archs = w->archs,
                                    .epoch = 100,
                                    .deps = w->deps,
                                    .n_deps = 1};
}

static void world_release(struct world *w) {
    wl_recipe_free(w->r);
}

static const char all_labels[] = "fetch unpack patch configure compile lower_cli lower_cgi optimize_cli optimize_cgi "
                                 "check_cli aot_cli_x86_64 aot_cgi_x86_64 image_cli image_cli-aot image_cgi ";

static void labels(const struct wl_plan *p, struct wl_buf *out) {
    for (size_t i = 0; i < p->n; i++) {
        WL_AUTOFREE char *label = wl_strdup(p->v[i].label);

        for (char *c = label; *c; c++)
            if (*c == ' ')
                *c = '_';
        wl_buf_addf(out, "%s ", label);
    }
}

static void shape(void **state) {
    WL_AUTO(world_release) struct world w;
    WL_AUTO(wl_plan_release) struct wl_plan p = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_err err;
    const struct wl_plan_step *s;

    (void)state;
    world_init(&w);
    assert_ok(wl_plan_make(&p, &w.spec, &err));
    labels(&p, &text);
    assert_string_equal(text.p, all_labels);
    for (size_t i = 0; i < p.n; i++) {
        for (size_t k = 0; k < p.v[i].n_parents; k++)
            assert_true(p.v[i].parents[k] < i);
        assert_true(i == 0 || p.v[i - 1].stage <= p.v[i].stage);
        for (size_t k = 1; k < p.v[i].n_inputs; k++)
            assert_true(strcmp(p.v[i].inputs[k - 1].name, p.v[i].inputs[k].name) < 0);
    }
    s = wl_plan_find(&p, "image cli-aot");
    assert_string_equal(s->tag, "1.2-cli-aot");
    assert_string_equal(s->artefact, "cli");
    assert_true(s->aot);
    assert_int_equal(s->n_parents, 2);
    assert_string_equal(p.v[s->parents[0]].label, "optimize cli");
    assert_string_equal(p.v[s->parents[1]].label, "aot cli x86_64");
    assert_null(wl_plan_find(&p, "image cgi-aot")); /* its recipe says aot false */
}

/* --- One change at a time --------------------------------------------------------------------------------------- */

typedef void change_fn(struct world *w);

static void c_source(struct world *w) {
    w->r->source->sha256 = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
}
static void c_urls(struct world *w) {
    w->r->source->urls.v[0] = "https://example.net/x";
    w->r->source->file = "x";
}
static void c_strip(struct world *w) {
    w->r->source->strip.v = 1;
}
static void c_patch(struct world *w) {
    w->patches[1].digest = wl_digest_of("B", 1);
}
static void c_patch_order(struct world *w) {
    struct wl_patch first = w->patches[0];

    w->patches[0] = w->patches[1];
    w->patches[1] = first;
}
static void c_patch_path(struct world *w) {
    w->patches[0].path = "elsewhere/0001-a.patch";
}
static void c_script(struct world *w) {
    w->script[1].digest = wl_digest_of("S", 1);
}
static void c_script_mode(struct world *w) {
    w->script[1].executable = true;
}
static void c_configure(struct world *w) {
    w->r->configure->argv.v[1] = "--host=other";
}
static void c_compile(struct world *w) {
    ((struct wl_recipe_command *)w->r->compile.v[0])->argv.v[0] = "gmake";
}
static void c_env(struct world *w) {
    w->r->env.v[0].value = "changed";
}
static void c_cflags_unused(struct world *w) {
    w->r->cflags.v[0] = "-Os";
}
static void c_from(struct world *w) {
    ((struct wl_recipe_artefact *)w->r->artefacts.v[1])->from = "other/cgi";
}
static void c_lower(struct world *w) {
    w->r->lower.v[0] = "other";
}
static void c_optimize(struct world *w) {
    w->r->optimize->flags.v[0] = "-O4";
}
static void c_check(struct world *w) {
    struct wl_recipe_artefact *a = w->r->artefacts.v[0];

    ((struct wl_recipe_check *)a->checks.v[0])->stdout_lines.v[0] = "other";
}
static void c_aot(struct world *w) {
    w->r->aot->optimize = "3";
}
static void c_file(struct world *w) {
    ((struct wl_recipe_artefact *)w->r->artefacts.v[1])->file = "other.wasm";
}
static void c_label(struct world *w) {
    ((struct wl_recipe_image *)w->r->images.v[0])->labels.v[0].value = "other";
}
static void c_entrypoint(struct world *w) {
    ((struct wl_recipe_image *)w->r->images.v[1])->entrypoint.v[0] = "/other.wasm";
}
static void c_summary(struct world *w) {
    w->r->summary = "other";
}
static void c_epoch(struct world *w) {
    w->spec.epoch = 101;
}
static void c_sdk(struct world *w) {
    w->spec.wasi_sdk = EDGE;
}
static void c_binaryen(struct world *w) {
    w->spec.binaryen = EDGE;
}
static void c_wasmedge(struct world *w) {
    w->spec.wasmedge = NULL;
}
static void c_dep(struct world *w) {
    w->deps[0].value = (struct wl_digest_hex){BIN};
}
static void c_dep_gone(struct world *w) {
    w->spec.n_deps = 0;
}
static void c_folders(struct world *w) {
    w->r->id = "renamed";
    w->r->patches_dir = "/elsewhere/patches";
    w->r->scripts_dir = "/elsewhere/scripts";
    w->r->files.v[0] = "/elsewhere/recipe.json";
}

#define IMAGES "image_cli image_cli-aot image_cgi "
#define AOT "aot_cli_x86_64 aot_cgi_x86_64 "
#define CHECK "check_cli "
#define OPTIMIZE "optimize_cli optimize_cgi "
#define LOWER "lower_cli lower_cgi "
#define FROM_OPTIMIZE OPTIMIZE CHECK AOT IMAGES
#define FROM_LOWER LOWER FROM_OPTIMIZE
#define FROM_COMPILE "compile " FROM_LOWER
#define FROM_CONFIGURE "configure " FROM_COMPILE
#define FROM_PATCH "patch " FROM_CONFIGURE
#define FROM_UNPACK "unpack " FROM_PATCH

static const struct {
    const char *name;
    change_fn *change;
    const char *changed;
} changes[] = {
    {"source", c_source, "fetch " FROM_UNPACK},
    {"urls and file name", c_urls, IMAGES},
    {"strip", c_strip, FROM_UNPACK},
    {"patch", c_patch, FROM_PATCH},
    {"order of patches", c_patch_order, FROM_PATCH},
    {"place of patches", c_patch_path, ""},
    {"script", c_script, FROM_CONFIGURE},
    {"script's mode", c_script_mode, FROM_CONFIGURE},
    {"configure", c_configure, FROM_CONFIGURE},
    {"compile", c_compile, FROM_COMPILE},
    {"env", c_env, FROM_CONFIGURE},
    {"cflags that no command uses", c_cflags_unused, ""},
    {"from", c_from, FROM_COMPILE},
    {"lower", c_lower, FROM_LOWER},
    {"optimize", c_optimize, FROM_OPTIMIZE},
    {"check", c_check, CHECK},
    {"aot", c_aot, AOT "image_cli-aot "},
    {"file name in one image", c_file, "image_cgi "},
    {"label", c_label, "image_cli image_cli-aot "},
    {"entrypoint", c_entrypoint, "image_cgi "},
    {"summary", c_summary, IMAGES},
    {"epoch", c_epoch, FROM_CONFIGURE},
    {"wasi-sdk", c_sdk, FROM_CONFIGURE},
    {"binaryen", c_binaryen, FROM_OPTIMIZE},
    {"wasmedge", c_wasmedge, CHECK AOT "image_cli-aot "},
    {"a library", c_dep, FROM_CONFIGURE},
    {"no library", c_dep_gone, FROM_CONFIGURE},
    {"names and folders", c_folders, ""},
};

static void changed_labels(const struct wl_plan *a, const struct wl_plan *b, struct wl_buf *out) {
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        struct wl_plan one = {.v = &b->v[i], .n = 1};

        if (!wl_digest_equal(&a->v[i].key, &b->v[i].key))
            labels(&one, out);
    }
}

static void keys(void **state) {
    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(changes); i++) {
        WL_AUTO(world_release) struct world w;
        WL_AUTO(wl_plan_release) struct wl_plan before = {0}, after = {0};
        WL_AUTO(wl_buf_release) struct wl_buf changed = {0};
        struct wl_err err;

        world_init(&w);
        assert_ok(wl_plan_make(&before, &w.spec, &err));
        changes[i].change(&w);
        assert_ok(wl_plan_make(&after, &w.spec, &err));
        changed_labels(&before, &after, &changed);
        if (strcmp(wl_buf_str(&changed), changes[i].changed) != 0)
            fail_msg("%s: changed \"%s\", want \"%s\"", changes[i].name, wl_buf_str(&changed), changes[i].changed);
    }
}

/* A second architecture adds steps and leaves the others' keys alone, but for the index that lists it. */
static void second_arch(void **state) {
    WL_AUTO(world_release) struct world w;
    WL_AUTO(wl_plan_release) struct wl_plan one = {0}, two = {0};
    struct wl_err err;

    (void)state;
    world_init(&w);
    assert_ok(wl_plan_make(&one, &w.spec, &err));
    w.archs[1] = "aarch64";
    assert_ok(wl_plan_make(&two, &w.spec, &err));
    assert_int_equal(two.n, one.n + 2);
    for (size_t i = 0; i < one.n; i++) {
        const struct wl_plan_step *s = wl_plan_find(&two, one.v[i].label);

        assert_int_equal(wl_digest_equal(&s->key, &one.v[i].key), !one.v[i].aot);
    }
    w.archs[0] = NULL;
    wl_plan_release(&two);
    assert_ok(wl_plan_make(&two, &w.spec, &err));
    assert_null(wl_plan_find(&two, "image cli-aot"));
    assert_non_null(wl_plan_find(&two, "image cli"));
}

/* configure reads one script, compile another: each key has its own. */
static void inputs(void **state) {
    WL_AUTO(world_release) struct world w;
    WL_AUTO(wl_plan_release) struct wl_plan before = {0}, after = {0};
    WL_AUTO(wl_buf_release) struct wl_buf changed = {0};
    const char *one[] = {"configure.sh", NULL}, *two[] = {"stubs.c", NULL}, *none[] = {"gone.c", NULL};
    struct wl_recipe_command *compile;
    struct wl_err err;

    (void)state;
    world_init(&w);
    compile = w.r->compile.v[0];
    w.r->configure->inputs = (struct wl_list){one, 1};
    compile->inputs = (struct wl_list){two, 1};
    assert_ok(wl_plan_make(&before, &w.spec, &err));
    c_script(&w); /* stubs.c */
    assert_ok(wl_plan_make(&after, &w.spec, &err));
    changed_labels(&before, &after, &changed);
    assert_string_equal(changed.p, FROM_COMPILE);
    compile->inputs = (struct wl_list){none, 1};
    wl_plan_release(&after);
    assert_fails(wl_plan_make(&after, &w.spec, &err), WL_RECIPE, "inputs name \"gone.c\"");
}

/* Steps that a recipe does not have are left out, and the others find their parents. */
static void small(void **state) {
    WL_AUTO(world_release) struct world w;
    WL_AUTO(wl_plan_release) struct wl_plan p = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_err err;

    (void)state;
    world_init(&w);
    w.spec.series = NULL;
    w.spec.scripts = NULL;
    w.r->configure = NULL;
    w.r->optimize = NULL;
    w.r->aot = NULL;
    w.r->lower = (struct wl_list){0};
    assert_ok(wl_plan_make(&p, &w.spec, &err));
    labels(&p, &text);
    assert_string_equal(text.p, "fetch unpack compile check_cli image_cli image_cgi ");
    assert_string_equal(p.v[p.v[2].parents[0]].label, "unpack");
    assert_string_equal(p.v[p.v[5].parents[0]].label, "compile");
}

static void explains(void **state) {
    WL_AUTO(world_release) struct world w;
    WL_AUTO(wl_plan_release) struct wl_plan before = {0}, after = {0};
    WL_AUTO(wl_buf_release) struct wl_buf kept = {0}, optimize = {0};
    WL_AUTO(wl_strv_release) struct wl_strv why = {0}, why_optimize = {0}, never = {0}, same = {0};
    struct wl_err err;

    (void)state;
    world_init(&w);
    assert_ok(wl_plan_make(&before, &w.spec, &err));
    wl_plan_inputs_print(wl_plan_find(&before, "patch"), &kept);
    wl_plan_inputs_print(wl_plan_find(&before, "optimize cli"), &optimize);
    wl_plan_explain(kept.p, wl_plan_find(&before, "patch"), &same);
    assert_int_equal(same.n, 0);
    c_patch(&w);
    c_optimize(&w);
    w.patches[0].name = "0001-new.patch";
    w.spec.binaryen = NULL;
    assert_ok(wl_plan_make(&after, &w.spec, &err));
    wl_plan_explain(kept.p, wl_plan_find(&after, "patch"), &why);
    assert_int_equal(why.n, 4);
    assert_string_equal(why.v[0], "added: patch 0001-new.patch");
    assert_string_equal(why.v[1], "changed: patch 0002-b.patch");
    assert_string_equal(why.v[2], "changed: series: 0001-a.patch 0002-b.patch -> 0001-new.patch 0002-b.patch");
    assert_string_equal(why.v[3], "removed: patch 0001-a.patch");
    wl_plan_explain(optimize.p, wl_plan_find(&after, "optimize cli"), &why_optimize);
    assert_string_equal(why_optimize.v[0], "changed: kit binaryen");
    assert_string_equal(why_optimize.v[1], "changed: optimize: {\"flags\":[\"-O3\"]} -> {\"flags\":[\"-O4\"]}");
    assert_string_equal(why_optimize.v[2], "changed: step lower cli"); /* parents last */
    wl_plan_explain(NULL, wl_plan_find(&after, "patch"), &never);
    assert_string_equal(never.v[0], "no earlier result");
}

/* Bytes that matter to the file of inputs survive it. */
static void escapes(void **state) {
    struct wl_plan_input in[] = {{"a\tb\\n", "x\ny\\"}};
    struct wl_plan_step s = {.inputs = in, .n_inputs = 1};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_strv_release) struct wl_strv why = {0};

    (void)state;
    wl_plan_inputs_print(&s, &text);
    assert_string_equal(text.p, "a\\tb\\\\n\tx\\ny\\\\\n");
    wl_plan_explain(text.p, &s, &why);
    assert_int_equal(why.n, 0);
    wl_plan_explain("garbage\n\n\t\n\\", &s, &why); /* a damaged file explains something, and no more */
    assert_true(why.n > 0);
}

static void stages(void **state) {
    enum wl_stage s;
    struct wl_err err;

    (void)state;
    assert_ok(wl_stage_parse("optimize", &s, &err));
    assert_int_equal(s, WL_STAGE_OPTIMIZE);
    assert_string_equal(wl_stage_name(WL_STAGE_FETCH), "fetch");
    assert_fails(wl_stage_parse("optimise", &s, &err), WL_USAGE, "did you mean \"optimize\"? The stages are: fetch ");
    assert_fails(wl_stage_parse("zzz", &s, &err), WL_USAGE, "no stage \"zzz\"; the stages are: fetch unpack patch");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape), cmocka_unit_test(keys),     cmocka_unit_test(second_arch), cmocka_unit_test(inputs),
        cmocka_unit_test(small), cmocka_unit_test(explains), cmocka_unit_test(escapes),     cmocka_unit_test(stages),
    };

    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
