/* The patch stage, with GNU patch for real. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "../../tool/stages/patch.h"

struct place {
    char *dir;
    char *tree;
    char *series;
};

static void put(const char *dir, const char *name, const char *text) {
    WL_AUTOFREE char *path = wl_path_join(dir, name);
    struct wl_err err;

    assert_ok(wl_fs_mkdirs_parent(path, &err));
    assert_ok(wl_fs_write(path, text, strlen(text), &err));
}

static char *get(const char *dir, const char *name) {
    WL_AUTOFREE char *path = wl_path_join(dir, name);
    struct wl_buf b = {0};
    struct wl_err err;

    assert_ok(wl_fs_read(path, 1 << 20, &b, &err));
    return wl_buf_steal(&b);
}

static int setup(void **state) {
    struct place *p = wl_calloc(1, sizeof(*p));

    p->dir = test_dir();
    p->tree = wl_path_join(p->dir, "tree");
    p->series = wl_path_join(p->dir, "patches/demo");
    put(p->tree, "main.c", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n");
    put(p->tree, "sub/old.c", "old\n");
    *state = p;
    return 0;
}

static int teardown(void **state) {
    struct place *p = *state;

    test_rmdir(p->dir);
    free(p->tree);
    free(p->series);
    free(p);
    return 0;
}

static int apply(struct place *p, struct wl_err *err) {
    WL_AUTO(wl_series_release) struct wl_series s = {0};
    WL_AUTOFREE char *log = wl_path_join(p->dir, "log");

    if (wl_series_load(&s, p->series, err) < 0)
        return -1;
    return wl_stage_patch(p->tree, &s, log, err);
}

static const char two[] = "--- a/main.c\n+++ b/main.c\n@@ -1,4 +1,4 @@\n one\n-two\n+TWO\n three\n four\n";

static void applies_in_order(void **state) {
    struct place *p = *state;
    struct wl_err err;
    WL_AUTOFREE char *text = NULL, *fresh = NULL, *log = NULL;
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    put(p->series, "series", "# comment\n0001-two.patch\n\n0002-more.patch\n");
    put(p->series, "0001-two.patch", two);
    put(p->series, "0002-more.patch",
        "--- a/main.c\n+++ b/main.c\n@@ -1,4 +1,4 @@\n one\n-TWO\n+second\n three\n four\n"
        "--- /dev/null\n+++ b/sub/new.c\n@@ -0,0 +1 @@\n+new\n"
        "--- a/sub/old.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n");
    assert_ok(apply(p, &err));
    text = get(p->tree, "main.c");
    assert_string_equal(text, "one\nsecond\nthree\nfour\nfive\nsix\nseven\neight\n");
    fresh = get(p->tree, "sub/new.c");
    assert_string_equal(fresh, "new\n");
    log = get(p->dir, "log");
    assert_non_null(strstr(log, "0002-more.patch"));
    assert_ok(wl_fs_list(p->tree, &names, &err));
    assert_int_equal(names.n, 2); /* no backups, no rejects */
    wl_strv_release(&names);
    names = (struct wl_strv){0};
    assert_ok(wl_fs_list(p->dir, &names, &err));
    assert_int_equal(names.n, 3); /* log, patches, tree: nothing temporary */
}

static void shows_the_hunk(void **state) {
    struct place *p = *state;
    struct wl_err err;

    put(p->series, "series", "0001-two.patch\n0002-bad.patch\n");
    put(p->series, "0001-two.patch", two);
    put(p->series, "0002-bad.patch",
        "--- a/sub/old.c\n+++ b/sub/old.c\n@@ -1 +1 @@\n-old\n+fresh\n"
        "--- a/main.c\n+++ b/main.c\n@@ -4,5 +4,5 @@\n four\n five\n-SIX\n+6\n seven\n eight\n");
    assert_fails(apply(p, &err), WL_RECIPE,
                 "0002-bad.patch: does not apply to main.c; the hunk that fails:\n@@ -4,5 +4,5 @@");
    assert_non_null(strstr(err.msg, "\n-SIX\n+6\n seven\n eight"));
    assert_non_null(strstr(err.msg, p->series));
}

/* Context that is off by one line would be accepted with fuzz. */
static void no_fuzz(void **state) {
    struct place *p = *state;
    struct wl_err err;

    put(p->series, "series", "0001-fuzzy.patch\n");
    put(p->series, "0001-fuzzy.patch",
        "--- a/main.c\n+++ b/main.c\n@@ -1,5 +1,5 @@\n ONE\n two\n-three\n+3\n four\n five\n");
    assert_fails(apply(p, &err), WL_RECIPE, "does not apply to main.c");
}

/* An applied patch is not taken for a reversed one, and nothing is asked. */
static void twice_fails(void **state) {
    struct place *p = *state;
    struct wl_err err;

    put(p->series, "series", "0001-two.patch\n0002-again.patch\n");
    put(p->series, "0001-two.patch", two);
    put(p->series, "0002-again.patch", two);
    assert_fails(apply(p, &err), WL_RECIPE, "0002-again.patch: does not apply to main.c");
}

static void missing_file(void **state) {
    struct place *p = *state;
    struct wl_err err;

    put(p->series, "series", "0001-none.patch\n");
    put(p->series, "0001-none.patch", "--- a/none.c\n+++ b/none.c\n@@ -1,1 +1,1 @@\n-x\n+y\n");
    assert_fails(apply(p, &err), WL_RECIPE, "0001-none.patch: does not apply: the tree has no such file");
}

/* Nothing outside the tree is written. */
static void no_escape(void **state) {
    struct place *p = *state;
    struct wl_err err;
    WL_AUTOFREE char *out = wl_path_join(p->dir, "out.c");

    put(p->series, "series", "0001-out.patch\n");
    put(p->series, "0001-out.patch", "--- /dev/null\n+++ b/../out.c\n@@ -0,0 +1 @@\n+x\n");
    assert_fails(apply(p, &err), WL_RECIPE, "0001-out.patch");
    assert_false(wl_fs_exists(out));
    put(p->series, "0001-out.patch", "--- /dev/null\n+++ b/link/out.c\n@@ -0,0 +1 @@\n+x\n");
    {
        WL_AUTOFREE char *link = wl_path_join(p->tree, "link");

        assert_int_equal(symlink("..", link), 0);
    }
    (void)apply(p, &err);
    assert_false(wl_fs_exists(out));
}

static void garbage(void **state) {
    struct place *p = *state;
    struct wl_err err;

    put(p->series, "series", "0001-junk.patch\n");
    put(p->series, "0001-junk.patch", "nothing that looks like a patch\n");
    assert_fails(apply(p, &err), WL_RECIPE, "0001-junk.patch: does not apply");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(applies_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(shows_the_hunk, setup, teardown),
        cmocka_unit_test_setup_teardown(no_fuzz, setup, teardown),
        cmocka_unit_test_setup_teardown(twice_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_file, setup, teardown),
        cmocka_unit_test_setup_teardown(no_escape, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage, setup, teardown),
    };

    return cmocka_run_group_tests_name("patch", tests, NULL, NULL);
}
