/* The build store: entries appear whole, two processes neither collide nor build twice, damage is seen, what a killed
 * process left goes away. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tool/model/kit.h"
#include "../../tool/model/store.h"

#define KEY1 "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY2 "2222222222222222222222222222222222222222222222222222222222222222"

static char *dir;

static int setup(void **state) {
    (void)state;
    dir = test_dir();
    setenv("WLPACK_HOME", dir, 1);
    unsetenv("XDG_CACHE_HOME");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    test_rmdir(dir);
    return 0;
}

static void put(struct wl_home *home, const char *key, const char *name, const char *text) {
    struct wl_err err;
    WL_AUTO(wl_entry_cancel) struct wl_entry e = WL_ENTRY_INIT;
    struct wl_pair fact = {"size", "3"};
    struct wl_meta m = {
        .recipe = "r", .step = "compile", .inputs = "a\tb\n", .facts = &fact, .n_facts = 1, .seconds = 1.5};
    bool there = true;

    assert_ok(wl_entry_begin(&e, home, key, false, NULL, NULL, &there, &err));
    assert_false(there);
    WL_AUTOFREE char *path = wl_path_join(e.dir, name);
    assert_ok(wl_fs_write(path, text, strlen(text), &err));
    assert_false(wl_store_has(home, key));
    assert_ok(wl_entry_commit(&e, &m, &err));
    assert_true(wl_store_has(home, key));
}

static void test_round_trip(void **state) {
    struct wl_err err;
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};

    (void)state;
    assert_ok(wl_home_open(&home, &err));
    put(&home, KEY1, "cli.wasm", "abc");
    assert_ok(wl_store_meta(&home, KEY1, &m, &err));
    assert_string_equal(m.recipe, "r");
    assert_string_equal(m.inputs, "a\tb\n");
    assert_string_equal(wl_meta_fact(&m, "size"), "3");
    assert_null(wl_meta_fact(&m, "none"));
    assert_int_equal(m.n_files, 1);
    assert_int_equal(m.files[0].size, 3);
    assert_ok(wl_store_verify(&home, KEY1, &m, NULL, &err));
    assert_ok(wl_store_verify(&home, KEY1, &m, "cli.wasm", &err));
    assert_fails(wl_store_verify(&home, KEY1, &m, "cgi.wasm", &err), WL_FAILED, "has no file cgi.wasm");
}

static void test_damage(void **state) {
    struct wl_err err;
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    WL_AUTOFREE char *path = NULL;
    WL_AUTOFREE char *meta = NULL;

    (void)state;
    assert_ok(wl_home_open(&home, &err));
    put(&home, KEY1, "cli.wasm", "abc");
    assert_ok(wl_store_meta(&home, KEY1, &m, &err));
    path = wl_store_path(&home, KEY1, "cli.wasm");
    assert_ok(wl_fs_write(path, "abd", 3, &err));
    assert_fails(wl_store_verify(&home, KEY1, &m, NULL, &err), WL_FAILED, "cli.wasm has another digest");
    unlink(path);
    assert_fails(wl_store_verify(&home, KEY1, &m, NULL, &err), WL_FAILED, "damaged");
    meta = wl_sprintf("%s/store/" KEY1 "/meta.json", dir);
    assert_ok(wl_fs_write(meta, "{\"version\":1", 12, &err));
    wl_meta_release(&m);
    assert_fails(wl_store_meta(&home, KEY1, &m, &err), WL_FAILED, "meta.json");
    assert_ok(wl_store_drop(&home, KEY1, &err));
    assert_false(wl_store_has(&home, KEY1));
    assert_ok(wl_store_drop(&home, KEY1, &err));
}

static void test_cancel_leaves_nothing(void **state) {
    struct wl_err err;
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTOFREE char *tmp = NULL;
    bool there;

    (void)state;
    assert_ok(wl_home_open(&home, &err));
    {
        WL_AUTO(wl_entry_cancel) struct wl_entry e = WL_ENTRY_INIT;

        assert_ok(wl_entry_begin(&e, &home, KEY1, false, NULL, NULL, &there, &err));
        tmp = wl_strdup(e.tmp);
        assert_true(wl_fs_exists(tmp));
    }
    assert_false(wl_fs_exists(tmp));
    assert_false(wl_store_has(&home, KEY1));
}

/* A process that is killed in the middle: its entry never shows, its folder goes with the next open, its lock is free. */
static void test_killed(void **state) {
    struct wl_err err;
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    WL_AUTOFREE char *tmp = wl_path_join(dir, "tmp");
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        struct wl_home h = WL_HOME_INIT;
        struct wl_entry e = WL_ENTRY_INIT;
        bool there;

        if (wl_home_open(&h, &err) == 0)
            (void)wl_entry_begin(&e, &h, KEY1, false, NULL, NULL, &there, &err);
        kill(getpid(), SIGKILL);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    assert_ok(wl_fs_list(tmp, &names, &err));
    assert_int_equal(names.n, 2); /* the folder and its lock */
    assert_ok(wl_home_open(&home, &err));
    wl_strv_release(&names);
    assert_ok(wl_fs_list(tmp, &names, &err));
    assert_int_equal(names.n, 0);
    put(&home, KEY1, "f", "x");
}

/* The folder of a process that lives is left alone. */
static void test_sweep_spares_the_living(void **state) {
    struct wl_err err;
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTOFREE char *path = NULL;
    pid_t pid;
    int status;

    (void)state;
    assert_ok(wl_home_open(&home, &err));
    assert_ok(wl_home_tmp(&home, "x", &path, &err));
    assert_ok(wl_fs_write(path, "x", 1, &err));
    pid = fork();
    if (pid == 0) {
        struct wl_home h = WL_HOME_INIT;

        _exit(wl_home_open(&h, &err) != 0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_true(wl_fs_exists(path));
}

/* Many processes want the same keys at once: each key is made exactly once. */
static void test_many_processes(void **state) {
    enum { PROCESSES = 6, KEYS = 8 };
    WL_AUTOFREE char *log = wl_path_join(dir, "made");
    struct wl_err err;
    pid_t pids[PROCESSES];
    struct stat st;

    (void)state;
    for (int p = 0; p < PROCESSES; p++) {
        pids[p] = fork();
        if (pids[p] != 0)
            continue;
        struct wl_home h = WL_HOME_INIT;
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

        if (wl_home_open(&h, &err) != 0)
            _exit(1);
        for (int i = 0; i < KEYS; i++) {
            struct wl_entry e = WL_ENTRY_INIT;
            struct wl_meta m = {.recipe = "r", .step = "s"};
            WL_AUTOFREE char *key = wl_sprintf("%064d", (i + p) % KEYS);
            bool there;

            if (wl_entry_begin(&e, &h, key, false, NULL, NULL, &there, &err) != 0)
                _exit(2);
            if (there)
                continue;
            usleep(3000);
            if (write(fd, "x", 1) != 1 || wl_entry_commit(&e, &m, &err) != 0)
                _exit(3);
        }
        wl_home_close(&h);
        _exit(0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status = 1;

        waitpid(pids[p], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(stat(log, &st), 0);
    assert_int_equal(st.st_size, KEYS);
}

static void test_gc(void **state) {
    struct wl_err err;
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    unsigned entries;
    uint64_t bytes;

    (void)state;
    assert_ok(wl_home_open(&home, &err));
    put(&home, KEY1, "f", "x");
    put(&home, KEY2, "f", "x");
    assert_ok(wl_store_set_last(&home, "r.wasi.compile", KEY1, &err));
    assert_ok(wl_store_set_last(&home, "r.wasi.compile", KEY2, &err));
    WL_AUTOFREE char *last = wl_store_last(&home, "r.wasi.compile");
    assert_string_equal(last, KEY2);
    assert_ok(wl_store_gc(&home, WL_GC_DRY_RUN, &entries, &bytes, &err));
    assert_int_equal(entries, 1);
    assert_true(wl_store_has(&home, KEY1));
    assert_ok(wl_store_gc(&home, 0, &entries, &bytes, &err));
    assert_int_equal(entries, 1);
    assert_false(wl_store_has(&home, KEY1));
    assert_true(wl_store_has(&home, KEY2));
    assert_ok(wl_store_gc(&home, WL_GC_ALL, &entries, &bytes, &err));
    assert_false(wl_store_has(&home, KEY2));
}

static void test_unwritable(void **state) {
    struct wl_err err;
    struct wl_home home = WL_HOME_INIT;
    WL_AUTOFREE char *file = wl_path_join(dir, "file");
    WL_AUTOFREE char *below = wl_path_join(file, "home");

    (void)state;
    assert_ok(wl_fs_write(file, "", 0, &err));
    setenv("WLPACK_HOME", below, 1);
    assert_fails(wl_home_open(&home, &err), WL_FAILED, "WLPACK_HOME");
    setenv("WLPACK_HOME", "/proc/wlpack", 1);
    assert_fails(wl_home_open(&home, &err), WL_FAILED, "/proc/wlpack");
}

static void test_kits(void **state) {
    struct wl_err err;
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_kit_release) struct wl_kit kit = {0};
    const char *json = "{\"name\":\"tool\",\"version\":\"%s\",\"origin\":\"o\",\"identity\":\"sha256:" KEY1 "\"}";

    (void)state;
    assert_ok(wl_home_open(&home, &err));
    assert_fails(wl_kit_find(&home, "tool", &kit, &err), WL_FAILED, "wlpack kit install tool");
    for (int i = 0; i < 2; i++) {
        WL_AUTOFREE char *text = wl_sprintf(json, i ? "10" : "9");
        WL_AUTOFREE char *path = wl_sprintf("%s/kits/tool-%s/kit.json", dir, i ? "10" : "9");

        assert_ok(wl_fs_mkdirs_parent(path, &err));
        assert_ok(wl_fs_write(path, text, strlen(text), &err));
    }
    assert_ok(wl_kit_find(&home, "tool", &kit, &err));
    assert_string_equal(kit.version, "10"); /* not "9": numbers count as numbers */
    wl_kit_release(&kit);
    WL_AUTOFREE char *root = wl_path_join(dir, "kits/tool-9");
    setenv("TOOL_ROOT", root, 1);
    assert_ok(wl_kit_find(&home, "tool", &kit, &err));
    assert_string_equal(kit.version, "9");
    unsetenv("TOOL_ROOT");
    setenv("BINARYEN_ROOT", dir, 1);
    struct wl_kit other = {0};
    assert_fails(wl_kit_find(&home, "binaryen", &other, &err), WL_FAILED, "neither kit.json nor bin/wasm-opt");
    unsetenv("BINARYEN_ROOT");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep_spares_the_living, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_processes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gc, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unwritable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kits, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
