/* What is kept of a library's installation, and the union of several. */
#include "test.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tool/base/proc.h"
#include "../../tool/stages/library.h"

static char *dir, *work, *out, *tree;

static void sh(const char *cwd, const char *script) {
    struct wl_err err;
    const char *argv[] = {"sh", "-ec", script, NULL};
    struct wl_proc p = {.argv = argv, .cwd = cwd};

    assert_ok(wl_proc_check(&p, &err));
}

static int setup(void **state) {
    struct wl_err err;

    (void)state;
    dir = test_dir();
    work = wl_path_join(dir, "work");
    out = wl_path_join(work, "out");
    tree = wl_path_join(dir, "tree");
    return wl_fs_mkdirs(out, &err);
}

static int teardown(void **state) {
    (void)state;
    free(work);
    free(out);
    free(tree);
    test_rmdir(dir);
    return 0;
}

static int collect(struct wl_err *err) {
    struct wl_library_stats stats;

    return wl_library_collect(out, work, tree, &stats, err);
}

static void assert_text(const char *rel, const char *want) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *path = wl_path_join(tree, rel);
    struct wl_err err;

    assert_ok(wl_fs_read(path, 1 << 20, &text, &err));
    assert_string_equal(wl_buf_str(&text), want);
}

/* Every way in which a prefix gets into a pkg-config file. "@" stands for the folder ${out}. */
static const struct {
    const char *in, *want;
} pcs[] = {
    {"prefix=/usr\nlibdir=/usr/lib\nLibs: -L/usr/lib -lx\n",
     "prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\nLibs: -L${prefix}/lib -lx\n"},
    {"prefix=/usr/\nexec_prefix=/usr\nCflags: -I/usr/include/x -I/usr-local/x -D/usr\n",
     "prefix=${pcfiledir}/../..\nexec_prefix=${prefix}\nCflags: -I${prefix}/include/x -I/usr-local/x -D/usr\n"},
    {"prefix=@\nlibdir=@/lib\nLibs: @/lib/libx.a\n",
     "prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\nLibs: ${prefix}/lib/libx.a\n"},
    {"prefix=/usr\nlibdir=@/lib\n", "prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\n"},
    {"prefix=/\nlibdir=/lib\nexec_prefix=${prefix}\nURL: https://x.org/y\n",
     "prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\nexec_prefix=${prefix}\nURL: https://x.org/y\n"},
    {"libdir=@/lib\nName: x", "prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\nName: x\n"},
    {"# c\nprefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\n",
     "# c\nprefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\n"},
    {"prefix=\"/usr\"\nincludedir=${prefix}/include\n", "prefix=${pcfiledir}/../..\nincludedir=${prefix}/include\n"},
};

static void test_pkg_config(void **state) {
    (void)state;
    sh(out, "mkdir -p lib/pkgconfig");
    for (size_t i = 0; i < WL_ARRAY_LEN(pcs); i++) {
        WL_AUTO(wl_buf_release) struct wl_buf text = {0};
        WL_AUTOFREE char *path = wl_path_join(out, "lib/pkgconfig/x.pc");
        struct wl_err err;

        for (const char *p = pcs[i].in; *p; p++)
            if (*p == '@')
                wl_buf_adds(&text, out);
            else
                wl_buf_addc(&text, *p);
        assert_ok(wl_fs_write(path, text.p, text.len, &err));
        assert_ok(wl_fs_remove(tree, &err));
        assert_ok(collect(&err));
        assert_text("lib/pkgconfig/x.pc", pcs[i].want);
    }
}

static void test_what_is_kept(void **state) {
    struct wl_library_stats stats;
    struct wl_err err;
    struct stat st;

    (void)state;
    sh(out, "mkdir -p include/x lib/pkgconfig bin share/man/man3 share/doc/x share/x; echo h >include/x/x.h; echo a "
            ">lib/libx.a;"
            "ln -s libx.a lib/liby.a; echo la >lib/libx.la; echo p >bin/x-config; echo m >share/man/man3/x.3;"
            "echo d >share/doc/x/README; echo d >share/x/data; echo 'prefix=/usr' >lib/pkgconfig/x.pc;"
            "ln -s x.pc lib/pkgconfig/y.pc; mkdir include/empty");
    assert_ok(wl_library_collect(out, work, tree, &stats, &err));
    sh(tree, "test \"$(find . ! -type d | LC_ALL=C sort | tr '\\n' ' ')\" = './include/x/x.h ./lib/libx.a ./lib/liby.a "
             "./lib/pkgconfig/x.pc ./lib/pkgconfig/y.pc ./share/x/data ' && test \"$(readlink lib/liby.a)\" = libx.a");
    assert_int_equal(stats.files, 6);
    assert_int_equal(stats.archives, 2);
    assert_int_equal(chdir(tree), 0);
    assert_int_equal(stat("include/x/x.h", &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1000000000); /* whenever it was built */
    assert_int_equal(chdir("/"), 0);
}

static const struct {
    const char *script, *want;
} refused[] = {
    {":", "installs nothing"},
    {"mkdir usr", "neither ${out}/include nor ${out}/lib, but usr"},
    {"mkdir bin; echo x >bin/x", "neither ${out}/include nor ${out}/lib, but bin"},
    {"mkdir lib; echo x >lib/libx.so", "the shared object lib/libx.so"},
    {"mkdir lib; ln -s libx.so.1.2 lib/libx.so", "the shared object lib/libx.so"},
    {"mkdir -p lib/x; ln -s ../../../y lib/x/y", "the link lib/x/y to ../../../y"},
    {"mkdir lib; ln -s a/../../../y lib/y", "the link lib/y to a/../../../y"},
    {"mkdir lib; ln -s /etc/passwd lib/y", "the link lib/y to /etc/passwd"},
    {"mkdir lib; pwd >lib/libx.a", "lib/libx.a, which names the folder of this build"},
    {"mkdir lib; echo 'sources=\"'$(dirname $PWD)/src'\"' >lib/x.pc", "lib/x.pc, which names the folder of this build"},
    {"mkdir lib; mkfifo lib/f", "neither a file, a folder nor a link"},
};

static void test_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(refused); i++) {
        struct wl_err err;

        assert_ok(wl_fs_remove(tree, &err));
        assert_ok(wl_fs_remove(out, &err));
        assert_ok(wl_fs_mkdirs(out, &err));
        sh(out, refused[i].script);
        assert_int_equal(collect(&err), -1);
        if (!strstr(err.msg, refused[i].want))
            fail_msg("%s: \"%s\", want \"%s\"", refused[i].script, err.msg, refused[i].want);
    }
    sh(out, "rm lib/f; echo x >lib/liberty.source; ln -s ./../lib/liberty.source lib/y");
    {
        struct wl_err err;

        assert_ok(collect(&err)); /* neither is what it looks like */
    }
}

static void test_union(void **state) {
    WL_AUTOFREE char *one = wl_path_join(dir, "one"), *two = wl_path_join(dir, "two"),
                     *three = wl_path_join(dir, "three");
    WL_AUTOFREE char *deps = wl_path_join(dir, "deps"), *again = wl_path_join(dir, "again");
    const struct wl_library_tree v[] = {{"one-1", one}, {"two-2", two}, {"three-3", three}};
    struct wl_err err;

    (void)state;
    sh(dir, "mkdir -p one/include/a one/lib two/include/b two/lib three/include three/lib/c; echo 1 >one/include/a/x.h;"
            "echo 1 >one/lib/liba.a; echo 2 >two/include/b/x.h; ln -s b/x.h two/include/x.h; echo 2 >two/lib/libb.a;"
            "echo 3 >three/lib/c/x");
    assert_ok(wl_library_union(v, 3, deps, &err));
    sh(deps,
       "test \"$(cat include/a/x.h include/b/x.h include/x.h lib/liba.a lib/libb.a lib/c/x | tr -d '\\n')\" = 122123");
    assert_ok(wl_library_union(v, 0, again, &err));
    sh(again, "test -z \"$(ls)\"");
    sh(dir, "rm -r deps again; echo 3 >three/include/x.h");
    assert_fails(wl_library_union(v, 3, deps, &err), WL_RECIPE, "two-2 and three-3 both install include/x.h");
    sh(dir, "rm -r deps three/include/x.h; mkdir three/include/x.h"); /* a folder where another has a file */
    assert_fails(wl_library_union(v, 3, deps, &err), WL_RECIPE, "two-2 and three-3 both install include/x.h");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pkg_config, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_union, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
