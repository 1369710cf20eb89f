/* Recipes: the merge, variables, and tests/recipes-bad, where each folder holds a recipe and the error it must give. */
#include <string.h>
#include <sys/stat.h>

#include "test.h"

#include "../../tool/base/out.h"
#include "../../tool/model/recipe.h"

#define GOOD "tests/recipes-good"
#define BAD "tests/recipes-bad"

static struct wl_recipe *load(const char *dir, const char *id, const char *flavour) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};
    struct wl_recipe *r = NULL;
    struct wl_err err;

    wl_strv_add(&path, dir);
    assert_ok(wl_recipe_load(&r, &path, id, flavour, &err));
    return r;
}

static int load_bad(const char *dir, const char *id, const char *flavour, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = NULL;

    wl_strv_add(&path, dir);
    return wl_recipe_load(&r, &path, id, flavour, err);
}

static void merges(void **state) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = load(GOOD, "full", NULL);
    struct wl_recipe_image *cli = wl_omap_get(&r->images, "cli"), *cgi = wl_omap_get(&r->images, "cgi");
    struct wl_recipe_artefact *a = wl_omap_get(&r->artefacts, "cli");

    (void)state;
    assert_string_equal(r->id, "full");
    assert_string_equal(r->kind, "interpreter"); /* being a base is not inherited */
    assert_string_equal(r->name, "demo");
    assert_string_equal(r->summary, "refined");
    assert_string_equal(r->source->urls.v[0], "https://example.org/demo-1.2.tar.gz?x=1");
    assert_string_equal(r->source->file, "demo-1.2.tar.gz"); /* the default, without the query */
    assert_int_equal(wl_recipe_strip(&r->source->strip), 2);
    assert_int_equal(r->env.n, 3); /* maps merge, notes vanish */
    assert_string_equal(wl_smap_get(&r->env, "A"), "base");
    assert_string_equal(wl_smap_get(&r->env, "B"), "full");
    assert_int_equal(r->cflags.n, 1); /* lists replace */
    assert_string_equal(r->cflags.v[0], "-O3");
    assert_null(r->cflags.v[1]);
    assert_string_equal(cli->tag, "1.2-cli");
    assert_string_equal(cli->entrypoint.v[0], "/demo.wasm"); /* the default */
    assert_string_equal(wl_smap_get(&cli->labels, "org.example.a"), "base");
    assert_string_equal(wl_smap_get(&cli->labels, "org.example.b"), "v1.2");
    assert_int_equal(cgi->entrypoint.n, 2);
    assert_true(cgi->aot.set && !cgi->aot.v);
    assert_string_equal(((struct wl_recipe_check *)a->checks.v[0])->stdout_lines.v[0], "demo 1.2");
    assert_string_equal(r->platform->os, "wasi");
    assert_string_equal(r->files.v[0], GOOD "/full/recipe.json");
    assert_string_equal(r->files.v[1], GOOD "/base/recipe.json");
    assert_null(r->patches_dir);
}

static void flavours(void **state) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = load(GOOD, "full", "sockets");
    struct wl_recipe_artefact *a = wl_omap_get(&r->artefacts, "cli");
    struct wl_recipe_image *cli = wl_omap_get(&r->images, "cli");
    struct wl_err err;

    (void)state;
    assert_string_equal(r->flavour, "sockets");
    assert_string_equal(r->cflags.v[0], "-DSOCKETS");
    assert_string_equal(a->file, "sock.wasm");
    assert_string_equal(a->from, "bin/demo");
    assert_string_equal(cli->entrypoint.v[0], "/sock.wasm");
    assert_string_equal(r->optimize->flags.v[0], "-Os");
    assert_int_equal(r->flavour_names.n, 2);
    assert_string_equal(r->flavour_names.v[0], "wasi");
    assert_fails(load_bad(GOOD, "full", "wasmedge", &err), WL_RECIPE, "no flavour \"wasmedge\"; it has: wasi, sockets");
}

static void kinds(void **state) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *base = load(GOOD, "base", NULL);
    WL_AUTO(wl_recipe_freep) struct wl_recipe *full = load(GOOD, "full", NULL);
    WL_AUTO(wl_recipe_freep) struct wl_recipe *kit = load("recipes", "kit-binaryen", NULL);
    struct wl_recipe_source *host = wl_omap_get(&kit->kit->hosts, "x86_64-linux");
    struct wl_err err;

    (void)state;
    assert_fails(wl_recipe_buildable(base, &err), WL_RECIPE, "is a base");
    assert_fails(wl_recipe_buildable(kit, &err), WL_RECIPE, "is a kit");
    assert_ok(wl_recipe_buildable(full, &err));
    assert_string_equal(host->file, "binaryen-version_123-x86_64-linux.tar.gz");
}

static void unknown_recipes(void **state) {
    struct wl_err err;

    (void)state;
    assert_fails(load_bad(GOOD, "ful", NULL, &err), WL_RECIPE, "no recipe \"ful\"; did you mean full?");
    assert_fails(load_bad(GOOD, "../recipes-good/full", NULL, &err), WL_RECIPE, "no recipe");
    assert_fails(load_bad(GOOD, "", NULL, &err), WL_RECIPE, "no recipe");
    assert_fails(load_bad("no/such/folder", "full", NULL, &err), WL_RECIPE, "no recipe \"full\" (");
}

static const struct wl_recipe_vars vars = {.cc = "/k/clang",
                                           .ar = "ar",
                                           .ranlib = "ranlib",
                                           .nm = "nm",
                                           .sysroot = "/k/sys",
                                           .srcdir = "/w/src",
                                           .scripts = NULL,
                                           .jobs = 4};

static void expands(void **state) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = load(GOOD, "full", NULL);
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0}, env = {0};
    struct wl_err err;

    (void)state;
    assert_ok(wl_recipe_command_argv(r, r->configure, &vars, &argv, &err));
    assert_string_equal(argv.v[1], "--host=wasm32-wasi");
    assert_ok(wl_recipe_command_argv(r, r->compile.v[0], &vars, &argv, &err));
    assert_string_equal(argv.v[3], "-j4");
    assert_ok(wl_recipe_command_env(r, r->configure, &vars, &env, &err));
    assert_int_equal(env.n, 4);
    assert_true(wl_strv_has(&env, "A=base"));
    assert_true(wl_strv_has(&env, "B=configure")); /* the command's own wins */
    assert_true(wl_strv_has(&env, "CC=/k/clang"));
    {
        WL_AUTOFREE char *none = wl_recipe_expand(r, &vars, "${scripts}/x", &err);

        assert_null(none);
        assert_non_null(strstr(err.msg, "no scripts folder"));
    }
}

/* Threat 17: what looks like a shell's command stays text, in every field. */
static void literal(void **state) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = load(GOOD, "literal", NULL);
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0}, env = {0}, make = {0};
    struct wl_recipe_artefact *a = wl_omap_get(&r->artefacts, "cli");
    struct wl_recipe_check *check = a->checks.v[0];
    struct wl_recipe_image *image = wl_omap_get(&r->images, "cli");
    struct wl_err err;

    (void)state;
    assert_ok(wl_recipe_command_argv(r, r->configure, &vars, &argv, &err));
    assert_string_equal(argv.v[0], "$(touch x)");
    assert_string_equal(argv.v[1], "$x");
    assert_string_equal(argv.v[2], "$$");
    assert_string_equal(argv.v[3], "a;touch x");
    assert_string_equal(argv.v[4], "${cc}");
    assert_int_equal(argv.n, 5);
    assert_ok(wl_recipe_command_env(r, r->configure, &vars, &env, &err));
    assert_string_equal(env.v[0], "A=$(touch x)`touch x`;touch x");
    assert_string_equal(env.v[1], "E=| touch x");
    assert_ok(wl_recipe_command_argv(r, r->compile.v[0], &vars, &make, &err));
    assert_string_equal(make.v[1], "CFLAGS=-D$(touch x) ${cc}");
    assert_string_equal(make.v[2], "-D$(touch x)"); /* an item of its own: one argument per flag */
    assert_string_equal(make.v[3], "${cc}");
    assert_string_equal(make.v[4], "&& touch x");
    assert_int_equal(make.n, 5);
    assert_string_equal(a->from, "$(touch x)/bin");
    assert_string_equal(check->argv.v[0], "$(touch x)");
    assert_string_equal(check->stdout_lines.v[1], "${cc}");
    assert_string_equal(image->entrypoint.v[1], "$(touch x)");
    assert_string_equal(image->workdir, "/$(touch x)");
    assert_string_equal(r->source->urls.v[0], "https://example.org/$(touchliteral)");
}

static char *read_text(const char *path) {
    struct wl_buf b = {0};
    struct wl_err err;

    assert_ok(wl_fs_read(path, 1 << 20, &b, &err));
    return wl_buf_steal(&b);
}

/* A folder without `error` is there for others to extend, and loads. */
static void bad_recipes(void **state) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_err err;
    size_t n = 0;

    (void)state;
    assert_ok(wl_fs_list(BAD, &names, &err));
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *file = wl_sprintf(BAD "/%s/error", names.v[i]);
        WL_AUTOFREE char *want = NULL, *got = NULL;

        if (!wl_fs_exists(file)) {
            assert_ok(load_bad(BAD, names.v[i], NULL, &err));
            continue;
        }
        want = read_text(file);
        if (load_bad(BAD, names.v[i], NULL, &err) == 0)
            fail_msg("%s: was accepted", names.v[i]);
        got = wl_out_clean(err.msg);
        if (err.code != WL_RECIPE || strncmp(got, want, strlen(got)) != 0 || strcmp(want + strlen(got), "\n") != 0)
            fail_msg("%s: code %d, got:\n%s\nwant:\n%s", names.v[i], (int)err.code, got, want);
        n++;
    }
    assert_true(n > 100);
}

static void limits(void **state) {
    char *dir = test_dir();
    WL_AUTOFREE char *file = wl_sprintf("%s/huge/recipe.json", dir), *fifo = wl_sprintf("%s/fifo/recipe.json", dir);
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_err err;

    (void)state;
    wl_buf_adds(&text, "{\"kind\": \"base\", \"summary\": \"");
    for (int i = 0; i < WL_SPEC_STRING + 1; i++)
        wl_buf_addc(&text, 'x');
    wl_buf_adds(&text, "\"}");
    assert_ok(wl_fs_mkdirs_parent(file, &err));
    assert_ok(wl_fs_write(file, text.p, text.len, &err));
    assert_fails(load_bad(dir, "huge", NULL, &err), WL_RECIPE, "$.summary: longer than 65536 bytes");
    while (text.len <= WL_RECIPE_BYTES)
        wl_buf_addc(&text, ' ');
    assert_ok(wl_fs_write(file, text.p, text.len, &err));
    assert_fails(load_bad(dir, "huge", NULL, &err), WL_RECIPE, "recipe.json");
    assert_fails(wl_recipe_check_text("t", text.p, text.len, &err), WL_RECIPE, "t: longer than");
    wl_buf_clear(&text);
    wl_buf_adds(&text, "{\"kind\": \"base\", \"cflags\": [\"\"");
    for (int i = 0; i < WL_SPEC_ITEMS; i++)
        wl_buf_adds(&text, ",\"\"");
    wl_buf_adds(&text, "]}");
    assert_fails(wl_recipe_check_text("t", text.p, text.len, &err), WL_RECIPE, "$.cflags: more than 4096 items");
    assert_ok(wl_fs_mkdirs_parent(fifo, &err));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_fails(load_bad(dir, "fifo", NULL, &err), WL_RECIPE, "fifo");
    test_rmdir(dir);
}

/* An overlay of one file on top of other recipes finds their patches and scripts. */
static void overlay(void **state) {
    char *dir = test_dir();
    WL_AUTO(wl_strv_release) struct wl_strv path = {0}, names = {0};
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = NULL;
    WL_AUTOFREE char *file = wl_sprintf("%s/mine/recipe.json", dir);
    static const char text[] = "{\"extends\": \"php-7.4.33\", \"cflags\": [\"-Os\"]}";
    struct wl_err err;

    (void)state;
    assert_ok(wl_fs_mkdirs_parent(file, &err));
    assert_ok(wl_fs_write(file, text, strlen(text), &err));
    wl_strv_add(&path, dir);
    wl_strv_add(&path, "no/such/folder");
    wl_strv_add(&path, "recipes");
    assert_ok(wl_recipe_load(&r, &path, "mine", NULL, &err));
    assert_string_equal(r->patches_dir, "patches/php-7.4");
    assert_string_equal(r->scripts_dir, "scripts/php");
    assert_string_equal(r->cflags.v[0], "-Os");
    assert_ok(wl_recipe_list(&path, &names, &err));
    assert_true(wl_strv_has(&names, "mine") && wl_strv_has(&names, "php-7.4.33"));
    test_rmdir(dir);
}

static void epoch(void **state) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = load(GOOD, "full", NULL);
    struct wl_err err;
    int64_t t = 0;

    (void)state;
    unsetenv("SOURCE_DATE_EPOCH");
    assert_ok(wl_recipe_epoch(r, &t, &err));
    assert_int_equal(t, 100);
    setenv("SOURCE_DATE_EPOCH", "12345", 1);
    assert_ok(wl_recipe_epoch(r, &t, &err));
    assert_int_equal(t, 12345);
    setenv("SOURCE_DATE_EPOCH", "-1", 1);
    assert_fails(wl_recipe_epoch(r, &t, &err), WL_USAGE, "SOURCE_DATE_EPOCH");
    setenv("SOURCE_DATE_EPOCH", "99999999999999999999", 1);
    assert_fails(wl_recipe_epoch(r, &t, &err), WL_USAGE, "SOURCE_DATE_EPOCH");
    unsetenv("SOURCE_DATE_EPOCH");
}

static void nearest(void **state) {
    static const char *const names[] = {"compile", "configure", "cflags", "x", NULL};

    (void)state;
    assert_string_equal(wl_nearest("compil", names), "compile");
    assert_string_equal(wl_nearest("cofnigure", names), "configure"); /* a swap is one step */
    assert_string_equal(wl_nearest("configure_args", names), "configure");
    assert_null(wl_nearest("y", names));
    assert_null(wl_nearest("zzzzzz", names));
    assert_null(wl_nearest("", names));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges),          cmocka_unit_test(flavours), cmocka_unit_test(kinds),
        cmocka_unit_test(unknown_recipes), cmocka_unit_test(expands),  cmocka_unit_test(literal),
        cmocka_unit_test(bad_recipes),     cmocka_unit_test(limits),   cmocka_unit_test(overlay),
        cmocka_unit_test(epoch),           cmocka_unit_test(nearest),
    };

    return cmocka_run_group_tests_name("recipe", tests, NULL, NULL);
}
