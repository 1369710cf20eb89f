/* Patch series: the list, the files it names, and their headers. */
#include <string.h>

#include "test.h"

#include "../../tool/model/series.h"

static int parse(const char *text, struct wl_strv *ret, struct wl_err *err) {
    return wl_series_parse(ret, "p/series", text, strlen(text), err);
}

static void parses(void **state) {
    WL_AUTO(wl_strv_release) struct wl_strv v = {0};
    struct wl_err err;

    (void)state;
    assert_ok(parse("# first\n\n0001-a.patch\n0002-b_c+d.patch \t\n#0003-off.patch\n0004-e.patch", &v, &err));
    assert_int_equal(v.n, 3);
    assert_string_equal(v.v[1], "0002-b_c+d.patch");
    assert_string_equal(v.v[2], "0004-e.patch");
}

static void refuses(void **state) {
    static const struct {
        const char *text;
        const char *error;
    } bad[] = {
        {"0001-a.patch\n0001-a.patch\n", "p/series:2: 0001-a.patch stands here twice"},
        {"\n../x.patch\n", "p/series:2: \"../x.patch\" is not a plain file name that ends in .patch"},
        {"/etc/x.patch\n", "p/series:1: "},
        {"a/b.patch\n", "p/series:1: "},
        {"..patch\n", "p/series:1: "},
        {".patch\n", "p/series:1: "},
        {"a.patch -p0\n", "p/series:1: "},
        {"a.diff\n", "p/series:1: "},
        {"a.patch\r\n", "p/series:1: "},
        {"-R.patch\n", "p/series:1: "},
        {" a.patch\n", "p/series:1: "},
        {"$(touch x).patch\n", "p/series:1: "},
    };
    struct wl_err err;

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(bad); i++) {
        WL_AUTO(wl_strv_release) struct wl_strv v = {0};

        assert_fails(parse(bad[i].text, &v, &err), WL_RECIPE, bad[i].error);
    }
    {
        WL_AUTO(wl_strv_release) struct wl_strv v = {0};

        assert_fails(wl_series_parse(&v, "p/series", "a.patch\0b\n", 10, &err), WL_RECIPE, "p/series:1: a NUL byte");
    }
}

static void too_many(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_strv_release) struct wl_strv v = {0};
    struct wl_err err;

    (void)state;
    for (int i = 0; i <= WL_SERIES_PATCHES; i++)
        wl_buf_addf(&text, "%04d-x.patch\n", i);
    assert_fails(parse(text.p, &v, &err), WL_RECIPE, "p/series:513: more than 512 patches");
}

static void put(const char *dir, const char *name, const char *text) {
    WL_AUTOFREE char *path = wl_path_join(dir, name);
    struct wl_err err;

    assert_ok(wl_fs_write(path, text, strlen(text), &err));
}

#define HEADER "Description: why\nForwarded: no, too old\n"
#define BODY "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"

static int lint(const char *dir, struct wl_err *err) {
    return wl_series_lint(dir, err);
}

static void loads(void **state) {
    char *dir = test_dir();
    WL_AUTO(wl_series_release) struct wl_series s = {0};
    struct wl_err err;
    struct wl_digest want = wl_digest_of(HEADER BODY, strlen(HEADER BODY));

    (void)state;
    assert_fails(wl_series_load(&s, dir, &err), WL_RECIPE, "/series: no such file");
    put(dir, "series", "# one\n0001-a.patch\n");
    assert_fails(wl_series_load(&s, dir, &err), WL_RECIPE, "/series:2: no file ");
    put(dir, "0001-a.patch", HEADER BODY);
    assert_ok(wl_series_load(&s, dir, &err));
    assert_int_equal(s.n, 1);
    assert_true(wl_digest_equal(&s.v[0].digest, &want));
    assert_ok(lint(dir, &err));
    put(dir, "0002-b.patch", HEADER BODY);
    assert_fails(lint(dir, &err), WL_RECIPE, "does not name 0002-b.patch");
    wl_series_release(&s);
    assert_ok(wl_series_load(&s, NULL, &err));
    assert_int_equal(s.n, 0);
    test_rmdir(dir);
}

static void headers(void **state) {
    static const struct {
        const char *text;
        const char *error; /* NULL: fine */
    } cases[] = {
        {HEADER BODY, NULL},
        {"From: x\ndescription:  lower case\n more\nForwarded: https://example.org/1\nLast-Update: x\n\n" BODY, NULL},
        {BODY, "p: the header has no \"Description:\""},
        {"Description: x\n" BODY, "p: the header has no \"Forwarded:\""},
        {"Description:\nForwarded: no\n" BODY, "no \"Description:\""},
        {"Description: x\n" BODY "Forwarded: no\n", "no \"Forwarded:\""},
        {HEADER, "p: no \"--- a/FILE\" line"},
        {HEADER "--- x.orig\n+++ x\n", "p: no \"--- a/FILE\" line"},
    };
    struct wl_err err;

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        if (cases[i].error)
            assert_fails(wl_patch_check_header("p", cases[i].text, strlen(cases[i].text), &err), WL_RECIPE,
                         cases[i].error);
        else
            assert_ok(wl_patch_check_header("p", cases[i].text, strlen(cases[i].text), &err));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses), cmocka_unit_test(refuses), cmocka_unit_test(too_many),
        cmocka_unit_test(loads),  cmocka_unit_test(headers),
    };

    return cmocka_run_group_tests_name("series", tests, NULL, NULL);
}
