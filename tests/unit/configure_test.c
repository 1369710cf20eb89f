/* A kept configure result: what counts as read, when it holds for another tree, that it brings the same tree about. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tool/base/proc.h"
#include "../../tool/base/tree.h"
#include "../../tool/stages/configure.h"

static char *dir, *kept;

static void sh(const char *tree, const char *script) {
    struct wl_err err;
    const char *argv[] = {"sh", "-ec", script, NULL};
    struct wl_proc p = {.argv = argv, .cwd = tree};

    assert_ok(wl_proc_check(&p, &err));
}

/* A small source tree. */
static char *make_tree(const char *name) {
    struct wl_err err;
    char *tree = wl_path_join(dir, name);

    assert_ok(wl_fs_mkdirs(tree, &err));
    sh(tree,
       "mkdir src old; echo 'echo hi' >configure; echo @X@ >in; echo code >src/a.c; echo gone >old/f; ln -s in link");
    return tree;
}

#define CONFIGURE                                                                                                      \
    "read x <in; echo \"made $x\" >Makefile; mkdir -p out/sub; echo y >out/y; rm -r old; echo more >>src/gen.h"

static int setup(void **state) {
    (void)state;
    dir = test_dir();
    kept = wl_path_join(dir, "kept");
    return mkdir(kept, 0755);
}

static int teardown(void **state) {
    (void)state;
    free(kept);
    test_rmdir(dir);
    return 0;
}

static bool configured(const char *tree, bool *traced) {
    struct wl_err err;
    WL_AUTO(wl_tree_state_release) struct wl_tree_state before = {0};

    assert_ok(wl_configure_before(tree, &before, &err));
    sh(tree, CONFIGURE);
    assert_ok(wl_configure_keep(tree, &before, kept, traced, &err));
    return *traced;
}

static bool holds(const char *tree) {
    struct wl_err err;
    WL_AUTO(wl_tree_state_release) struct wl_tree_state state = {0};

    assert_ok(wl_configure_before(tree, &state, &err));
    return wl_configure_holds(kept, &state);
}

static void test_same_tree(void **state) {
    struct wl_err err;
    WL_AUTOFREE char *one = make_tree("one");
    WL_AUTOFREE char *two = make_tree("two");
    bool traced;

    (void)state;
    configured(one, &traced);
    assert_true(!traced || holds(two));
    assert_ok(wl_tree_stamp(two, WL_CONFIGURE_MTIME, &err));
    assert_ok(wl_configure_apply(kept, two, &err));
    sh(dir, "diff -r one two && test -d two/out/sub && test ! -e two/old");
    sh(dir, "test two/Makefile -nt two/configure && ! test two/src/a.c -nt two/in");
}

static void test_unread_file_changed(void **state) {
    WL_AUTOFREE char *one = make_tree("one");
    WL_AUTOFREE char *two = make_tree("two");
    bool traced;

    (void)state;
    if (!configured(one, &traced))
        skip(); /* no access times here */
    sh(two, "echo other >src/a.c");
    assert_true(holds(two));
}

static void test_read_file_changed(void **state) {
    WL_AUTOFREE char *one = make_tree("one");
    WL_AUTOFREE char *two = make_tree("two");
    bool traced;

    (void)state;
    configured(one, &traced);
    sh(two, "echo @Y@ >in");
    assert_false(holds(two));
}

static void test_new_name(void **state) {
    WL_AUTOFREE char *one = make_tree("one");
    WL_AUTOFREE char *two = make_tree("two");
    bool traced;

    (void)state;
    configured(one, &traced);
    sh(two, "echo x >src/b.c");
    assert_false(holds(two));
}

/* A file that configure wrote over counts as read: its old contents may have gone into the new ones. */
static void test_rewritten_file_changed(void **state) {
    WL_AUTOFREE char *one = make_tree("one");
    WL_AUTOFREE char *two = make_tree("two");
    bool traced;

    (void)state;
    sh(one, "echo a >src/gen.h");
    sh(two, "echo b >src/gen.h");
    configured(one, &traced);
    assert_false(holds(two));
}

static void test_damaged_list(void **state) {
    struct wl_err err;
    WL_AUTOFREE char *one = make_tree("one");
    WL_AUTOFREE char *two = make_tree("two");
    WL_AUTOFREE char *list = wl_path_join(kept, "read");
    bool traced;

    (void)state;
    configured(one, &traced);
    assert_ok(wl_fs_write(list, "traced\nabc", 10, &err));
    assert_false(holds(two));
    assert_ok(wl_fs_write(list, "", 0, &err));
    assert_false(holds(two));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_tree, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unread_file_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_file_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rewritten_file_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_list, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
