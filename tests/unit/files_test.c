/* File rules: patterns, ignore files, what is picked and what is refused; and app.json's decoder. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "../../tool/base/proc.h"
#include "../../tool/model/app.h"
#include "../../tool/model/files.h"

static void patterns(void **state) {
    static const struct {
        const char *pattern, *path;
        bool fits;
    } t[] = {
        {"a", "a", true},
        {"a", "b", false},
        {"a", "a/b/c", true}, /* a folder above */
        {"a", "ab", false},
        {"a", "x/a", false},
        {"*.php", "x.php", true},
        {"*.php", "d/x.php", false},
        {"*", "d/x.php", true}, /* it fits the folder d */
        {"*/x.php", "d/x.php", true},
        {"*/x.php", "d/e/x.php", false},
        {"**/x.php", "x.php", true},
        {"**/x.php", "d/e/x.php", true},
        {"**/x.php", "d/ex.php", false},
        {"**/x.php", "ex.php", false},
        {"**/*.key", "a/b.key/c", true},
        {"**/*.key", "a/b.keys", false},
        {"**/.env.*", ".env.", true},
        {"**/.env.*", "x/.env", false},
        {"**/?*?", "a/b", false},
        {"**/?*?", "a/bc", true},
        {"**/a*b*c", "x/aXbYbZc/y", true},
        {"**/a*b*c", "x/aXbYbZd/y", false},
        {"a/**/b", "a/b", true},
        {"a/**/b", "a/x/y/b", true},
        {"a/**/b", "ab", false},
        {"a/**", "a/x", true},
        {"a/**", "a", false},
        {"**", "anything/at/all", true},
        {"a**b", "axx/yyb", false}, /* as docker has it: "**" in the middle is whole folders or nothing */
        {"a**b", "axx/yy/b", true},
        {"a**b", "ab", true},
        {"a/**b", "a/xb", false},
        {"a/**b", "a/x/b", true},
        {"**b*", "xb", false},
        {"**b*", "x/bc", true},
        {"**.md", "a/b.md", true},
        {"**.md", "a/b.md/c", true},
        {"**.md", "b.mdx", false},
        {"a**", "ab/c", true},
        {"?", "a", true},
        {"?", "/", false},
        {"a?c", "a/c", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[^a-c]x", "dx", true},
        {"[!a-c]x", "bx", false},
        {"[^a]x", "/x", false},
        {"[]a]", "]", true},
        {"[a\\]b]", "]", true},
        {"[ab", "[ab", true}, /* no class without an end */
        {"\\*", "*", true},
        {"\\*", "x", false},
        {"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"**/a/**/a/**/a/**/b", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", false},
        {"", "a", false},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(t); i++)
        if (wl_files_match(t[i].pattern, t[i].path) != t[i].fits)
            fail_msg("%s does%s fit %s", t[i].pattern, t[i].fits ? " not" : "", t[i].path);
}

static void ignore_files(void **state) {
    struct wl_ignore g = {0};
    size_t which;
    char *long_line = wl_malloc(3000);
    struct wl_err err;

    (void)state;
    assert_ok(wl_ignore_parse(
        &g, "i",
        "\xef\xbb\xbf# comment\r\n\n  /var/ \r\n*.log\n!keep.log\n./a//b/\n!\n/\n! kept \nx/../y/..\nup/../z\n", &err));
    assert_int_equal(g.patterns.n, 6);
    assert_int_equal(wl_ignore_match(&g, "kept", &which), 0);
    assert_int_equal(wl_ignore_match(&g, "z", &which), 1);
    assert_int_equal(wl_ignore_match(&g, "var/x/y", &which), 1);
    assert_int_equal(wl_ignore_match(&g, "x.log", &which), 1);
    assert_int_equal(wl_ignore_match(&g, "keep.log", &which), 0);
    assert_int_equal(wl_ignore_match(&g, "a/b", &which), 1);
    assert_int_equal(wl_ignore_match(&g, "other", &which), -1);
    memset(long_line, 'a', 2999);
    long_line[2999] = '\0';
    assert_fails(wl_ignore_parse(&g, "i", long_line, &err), WL_RECIPE, "i:1: the pattern is too long");
    free(long_line);
    wl_ignore_release(&g);
}

/* --- Collecting ----------------------------------------------------------------------------------------------------- */

/* A tree made by a shell script in a fresh folder. */
static char *tree(const char *script) {
    char *dir = test_dir();
    const char *const argv[] = {"/bin/sh", "-ec", script, NULL};
    struct wl_proc p = {.argv = argv, .cwd = dir};
    struct wl_err err;

    assert_ok(wl_proc_check(&p, &err));
    return dir;
}

static int collect(const char *dir, const char *files, struct wl_files *ret, struct wl_err *err) {
    WL_AUTO(wl_app_freep) struct wl_app *a = NULL;
    WL_AUTOFREE char *path = wl_path_join(dir, "app.json");
    WL_AUTOFREE char *text = wl_sprintf("{\"base\": \"scratch\", \"files\": [%s]}", files);

    if (wl_fs_write(path, text, strlen(text), err) < 0 || wl_app_load(&a, path, err) < 0)
        return -1;
    return wl_files_collect(a->dir, &a->files, NULL, "app.json", ret, err);
}

/* Compares names and kinds ("/a/ /a/b /l->b"). */
static void picks(const char *dir, const char *files, const char *want) {
    WL_AUTO(wl_files_release) struct wl_files f = {0};
    WL_AUTO(wl_buf_release) struct wl_buf got = {0};
    struct wl_err err;

    assert_ok(collect(dir, files, &f, &err));
    for (size_t i = 0; i < f.n; i++)
        wl_buf_addf(&got, "%s%s%s%s%s%s", i ? " " : "", f.v[i].name, f.v[i].kind == WL_FILES_DIR ? "/" : "",
                    f.v[i].exec ? "*" : "", f.v[i].target ? "->" : "", f.v[i].target ? f.v[i].target : "");
    assert_string_equal(wl_buf_str(&got), want);
}

static void refuses(const char *dir, const char *files, enum wl_code code, const char *part) {
    WL_AUTO(wl_files_release) struct wl_files f = {0};
    struct wl_err err;

    assert_fails(collect(dir, files, &f, &err), code, part);
}

static void rules(void **state) {
    char *d = tree(
        "mkdir -p src/lib/x src/css empty; for f in a.php b.php lib/c.php lib/x/d.txt css/s.css; do echo x >src/$f; "
        "done; chmod 700 src/a.php; ln -s ../a.php src/lib/up; ln -s nowhere src/dangling; echo z >one.txt");

    (void)state;
    picks(d, "{\"from\":\"src\",\"to\":\"/s\"}",
          "/s/ /s/a.php* /s/b.php /s/css/ /s/css/s.css /s/dangling->nowhere /s/lib/ /s/lib/c.php /s/lib/up->../a.php "
          "/s/lib/x/ /s/lib/x/d.txt");
    picks(d, "{\"from\":\"src\",\"to\":\"/\",\"include\":[\"*.php\"]}", "/a.php* /b.php /lib/c.php");
    picks(d, "{\"from\":\"src\",\"to\":\"/s/\",\"include\":[\"lib/**\"],\"exclude\":[\"x\",\"up\"]}", "/s/lib/c.php");
    picks(d, "{\"from\":\"src\",\"to\":\"/s\",\"include\":[\"lib\"],\"exclude\":[\"up\"]}",
          "/s/lib/ /s/lib/c.php /s/lib/x/ /s/lib/x/d.txt");
    picks(d, "{\"from\":\"src/*.php\",\"to\":\"/s\"}", "/s/a.php* /s/b.php");
    picks(d, "{\"from\":\"src/**/*.txt\",\"to\":\"/s\"}", "/s/lib/x/d.txt");
    /* a slash behind a folder's name changes nothing */
    picks(d, "{\"from\":\"src\",\"to\":\"/s\",\"include\":[\"./lib/\"],\"exclude\":[\"x/\",\"up\"]}",
          "/s/lib/ /s/lib/c.php");
    picks(d, "{\"from\":\"src\",\"to\":\"/s\",\"include\":[\"lib\"],\"exclude\":[\"./x\",\"up/\"]}",
          "/s/lib/ /s/lib/c.php /s/lib/x/ /s/lib/x/d.txt");
    picks(d, "{\"from\":\"*.txt\",\"to\":\"/s\"}", "/s/one.txt");
    picks(d, "{\"from\":\"one.txt\",\"to\":\"/etc/two\"}", "/etc/two");
    picks(d, "{\"from\":\"one.txt\",\"to\":\"/etc/\"}", "/etc/one.txt");
    picks(d, "{\"from\":\"empty\",\"to\":\"/e\"}", "/e/");
    /* the later rule counts */
    picks(d, "{\"from\":\"src/a.php\",\"to\":\"/x\"},{\"from\":\"one.txt\",\"to\":\"/x\"}", "/x");
    refuses(d, "{\"from\":\"nothing\",\"to\":\"/s\"}", WL_RECIPE, "files[0]: there is no ");
    refuses(d, "{\"from\":\"empty\",\"to\":\"/e\"},{\"from\":\"src/*.jpg\",\"to\":\"/s\"}", WL_RECIPE,
            "files[1]: src/*.jpg gives no file");
    refuses(d, "{\"from\":\"src\",\"to\":\"/s\",\"include\":[\"*.jpg\"]}", WL_RECIPE, "gives no file");
    refuses(d, "{\"from\":\"one.txt\",\"to\":\"/s\",\"include\":[\"*\"]}", WL_RECIPE,
            "include and exclude are for folders");
    refuses(d, "{\"from\":\"one.txt/*\",\"to\":\"/s\"}", WL_RECIPE, "is not a folder");
    test_rmdir(d);
}

static void what_stays_out(void **state) {
    char *d = tree(
        "mkdir -p .git/x sub/.ssh var; echo x >.git/x/y; echo x >.env; echo x >sub/.env.local; echo x >sub/.ssh/id; "
        "echo x >sub/ok; echo x >server.key; echo x >var/log; echo x >cacert.pem");
    WL_AUTO(wl_files_release) struct wl_files f = {0};
    char *ignore = wl_path_join(d, ".wlpackignore"), *docker = wl_path_join(d, ".dockerignore");
    struct wl_err err;

    (void)state;
    picks(d, "{\"from\":\".\",\"to\":\"/s\"}", "/s/ /s/cacert.pem /s/sub/ /s/sub/ok /s/var/ /s/var/log");
    assert_ok(collect(d, "{\"from\":\".\",\"to\":\"/s\"}", &f, &err));
    assert_int_equal(f.left_out.n, 5);
    assert_string_equal(f.left_out.v[0], ".env");
    assert_string_equal(f.left_out.v[1], ".git");
    assert_string_equal(f.left_out.v[4], "sub/.ssh");
    picks(d, "{\"from\":\".env\",\"to\":\"/s/.env\"}", "/s/.env"); /* asked for by name */
    assert_ok(wl_fs_write(docker, "sub\n", 4, &err));
    picks(d, "{\"from\":\".\",\"to\":\"/\"}", "// /cacert.pem /var/ /var/log");
    assert_ok(wl_fs_write(ignore, "var\n!.env\n!sub/.ssh/id\n", 23, &err)); /* and docker's counts no more */
    picks(d, "{\"from\":\".\",\"to\":\"/\"}", "// /.env /cacert.pem /sub/ /sub/.ssh/id /sub/ok");
    /* relative to the top, wherever the rule starts */
    picks(d, "{\"from\":\"sub\",\"to\":\"/q\"}", "/q/ /q/.ssh/id /q/ok");
    free(ignore);
    free(docker);
    test_rmdir(d);
}

static void links_and_devices(void **state) {
    char *d =
        tree("mkdir -p a/b in; echo x >out; ln -s b a/d; ln -s ../../out a/b/out; ln -s /etc in/abs; ln -s a top; "
             "ln -s /etc away; mkdir f; mkfifo f/pipe; mkdir h; ln -s l h/l");

    (void)state;
    refuses(d, "{\"from\":\"a\",\"to\":\"/\"}", WL_RECIPE, "a/b/out is a link that leads out of its folder");
    refuses(d, "{\"from\":\"in\",\"to\":\"/\"}", WL_RECIPE, "in/abs is an absolute link");
    refuses(d, "{\"from\":\"away\",\"to\":\"/\"}", WL_RECIPE, "leads out of the folder");
    refuses(d, "{\"from\":\"away/passwd\",\"to\":\"/\"}", WL_RECIPE, "leads out of the folder");
    refuses(d, "{\"from\":\"f\",\"to\":\"/\"}", WL_RECIPE, "f/pipe is neither a file, a folder nor a link");
    refuses(d, "{\"from\":\"f/pipe\",\"to\":\"/p\"}", WL_RECIPE, "is neither a file nor a folder");
    picks(d, "{\"from\":\"a\",\"to\":\"/\",\"exclude\":[\"out\"]}", "// /b/ /d->b");
    picks(d, "{\"from\":\"top\",\"to\":\"/\",\"exclude\":[\"out\"]}", "// /b/ /d->b"); /* a link to a folder inside */
    picks(d, "{\"from\":\"h\",\"to\":\"/\"}", "// /l->l");                             /* a circle is only a link */
    test_rmdir(d);
}

/* Through a folder that is a link, a spelling that stays inside leads out: the real place counts. */
static void links_through_links(void **state) {
    char *d =
        tree("mkdir -p t/deep/er; echo x >secret; ln -s deep/er t/x; ln -s ../../../secret t/x/y || exit 1; mkdir o; "
             "ln -s ../t/deep o/d");

    (void)state;
    refuses(d, "{\"from\":\"t\",\"to\":\"/\"}", WL_RECIPE, "leads out of its folder");
    refuses(d, "{\"from\":\"o\",\"to\":\"/\"}", WL_RECIPE, "o/d is a link that leads out of its folder");
    test_rmdir(d);
}

/* --- app.json ------------------------------------------------------------------------------------------------------- */

static void bad_apps(void **state) {
    static const struct {
        const char *text, *error;
    } t[] = {
        {"", "a:1:1: "},
        {"[]", "a:1:1: $: "},
        {"{}", "$.base: missing"},
        {"{\"base\": \"\"}", "$.base: "},
        {"{\"base\": \"a b\"}", "$.base: "},
        {"{\"base\": \"-x\"}", "$.base: "},
        {"{\"base\": \"x\", \"base\": \"y\"}", "duplicate object key"},
        {"{\"base\": \"x\",\n \"bases\": \"y\"}", "a:2:2: $.bases: unknown key"},
        {"{\"base\": \"x\", \"files\": {}}", "$.files: "},
        {"{\"base\": \"x\", \"files\": [{\"from\": \"a\"}]}", "$.files[0].to: missing"},
        {"{\"base\": \"x\", \"files\": [{\"to\": \"/a\"}]}", "$.files[0].from: missing"},
        {"{\"base\": \"x\", \"files\": [{\"from\": \"../a\", \"to\": \"/a\"}]}", "$.files[0].from: "},
        {"{\"base\": \"x\", \"files\": [{\"from\": \"/a\", \"to\": \"/a\"}]}", "$.files[0].from: "},
        {"{\"base\": \"x\", \"files\": [{\"from\": \"a/\", \"to\": \"/a\"}]}", "$.files[0].from: "},
        {"{\"base\": \"x\", \"files\": [{\"from\": \"a\", \"to\": \"a\"}]}", "$.files[0].to: "},
        {"{\"base\": \"x\", \"files\": [{\"from\": \"a\", \"to\": \"/a/../b\"}]}", "$.files[0].to: "},
        {"{\"base\": \"x\", \"files\": [{\"from\": \"a\", \"to\": \"/a\", \"include\": []}]}", "$.files[0].include: "},
        {"{\"base\": \"x\", \"files\": [{\"from\": \"a\", \"to\": \"/a\", \"exclude\": [\"/x\"]}]}",
         "$.files[0].exclude[0]: "},
        {"{\"base\": \"x\", \"entrypoint\": [\"a\"]}", "$.entrypoint[0]: \"a\" is not an absolute path"},
        {"{\"base\": \"x\", \"entrypoint\": []}", "$.entrypoint: "},
        {"{\"base\": \"x\", \"ports\": [\"70000\"]}", "$.ports[0]: \"70000\" is no port"},
        {"{\"base\": \"x\", \"ports\": [8080]}", "$.ports[0]: "},
        {"{\"base\": \"x\", \"ports\": [\"80/sctp\"]}", "$.ports[0]: "},
        {"{\"base\": \"x\", \"env\": {\"A=B\": \"c\"}}", "$.env[\"A=B\"]: "},
        {"{\"base\": \"x\", \"platforms\": [\"wasi\"]}", "$.platforms[0]: "},
        {"{\"base\": \"x\", \"platforms\": [\"WASI/wasm\"]}", "$.platforms[0]: "},
        {"{\"base\": \"x\", \"format\": \"tar\"}", "$.format: "},
        {"{\"base\": \"x\", \"compression\": \"lzma\"}", "$.compression: "},
        {"{\"base\": \"x\", \"epoch\": -1}", "$.epoch: "},
        {"{\"base\": \"x\", \"workdir\": \"a\"}", "$.workdir: "},
        {"{\"base\": \"x\", \"user\": \"a b\"}", "$.user: "},
    };
    struct wl_err err;

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(t); i++) {
        if (wl_app_check_text("a", t[i].text, strlen(t[i].text), &err) == 0)
            fail_msg("%s: accepted", t[i].text);
        if (err.code != WL_RECIPE || !strstr(err.msg, t[i].error) || strncmp(err.msg, "a:", 2) != 0)
            fail_msg("%s: %d %s (want %s)", t[i].text, (int)err.code, err.msg, t[i].error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),       cmocka_unit_test(ignore_files),      cmocka_unit_test(rules),
        cmocka_unit_test(what_stays_out), cmocka_unit_test(links_and_devices), cmocka_unit_test(links_through_links),
        cmocka_unit_test(bad_apps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
