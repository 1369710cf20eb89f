#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tool/base/buf.h"
#include "../../tool/base/digest.h"
#include "../../tool/base/json.h"
#include "../../tool/base/out.h"
#include "../../tool/base/proc.h"

/* --- err --- */

static void err_messages(void **state) {
    struct wl_err err;
    char big[WL_ERR_MAX + 100];

    (void)state;
    assert_int_equal(wl_fail(&err, WL_NET, "host %s", "example"), -1);
    assert_int_equal(err.code, WL_NET);
    assert_string_equal(err.msg, "host example");
    wl_err_context(&err, "push %d", 7);
    assert_string_equal(err.msg, "push 7: host example");
    assert_int_equal(err.code, WL_NET);
    wl_fail_errno(&err, ENOSPC, "cannot write x");
    assert_int_equal(err.code, WL_FAILED);
    assert_non_null(strstr(err.msg, "wlpack gc"));
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    wl_fail(&err, WL_FAILED, "%s", big);
    assert_int_equal(strlen(err.msg), WL_ERR_MAX - 1);
    assert_string_equal(err.msg + WL_ERR_MAX - 4, "...");
}

/* --- mem, buf --- */

static void arena(void **state) {
    struct wl_arena a = {0};
    char *big = wl_arena_alloc(&a, 100000);
    char *s = wl_arena_sprintf(&a, "%s-%d", "x", 3);

    (void)state;
    assert_int_equal(big[99999], 0);
    assert_string_equal(s, "x-3");
    for (int i = 0; i < 10000; i++)
        assert_int_equal((uintptr_t)wl_arena_alloc(&a, 3) % _Alignof(max_align_t), 0);
    wl_arena_release(&a);
    assert_null(a.head);
}

static void buffers(void **state) {
    struct wl_buf b = {.max = 10};
    struct wl_strv v = {0};
    WL_AUTOFREE char *s = NULL;

    (void)state;
    wl_buf_adds(&b, "12345");
    wl_buf_addf(&b, "%s", "67890");
    assert_false(b.overflow);
    wl_buf_addc(&b, 'x');
    assert_true(b.overflow);
    assert_string_equal(b.p, "1234567890");
    s = wl_buf_steal(&b);
    assert_string_equal(s, "1234567890");
    assert_string_equal(wl_buf_str(&b), "");
    wl_strv_add(&v, "b");
    wl_strv_addf(&v, "%c", 'a');
    wl_strv_sort(&v);
    assert_string_equal(v.v[0], "a");
    assert_null(v.v[2]);
    assert_true(wl_strv_has(&v, "b"));
    wl_strv_release(&v);
}

/* --- digest --- */

static void digests(void **state) {
    struct wl_digest d = wl_digest_of("abc", 3);
    struct wl_digest e;
    struct wl_sha256 h = {0};
    uint8_t bytes[16];
    size_t n;

    (void)state;
    assert_string_equal(wl_digest_str(&d).s, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(wl_digest_parse(wl_digest_str(&d).s, &e));
    assert_true(wl_digest_equal(&d, &e));
    assert_false(wl_digest_parse("sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &e));
    assert_false(wl_digest_parse("sha256:../../etc/passwd", &e));
    assert_false(wl_digest_parse("sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &e));
    assert_false(wl_digest_parse_hex("", &e));
    /* fields are length-prefixed: moving a byte between them changes the key */
    wl_sha256_init(&h);
    wl_sha256_field_str(&h, "ab", "c");
    d = wl_sha256_final(&h);
    wl_sha256_init(&h);
    wl_sha256_field_str(&h, "a", "bc");
    e = wl_sha256_final(&h);
    assert_false(wl_digest_equal(&d, &e));
    assert_int_equal(wl_base64_decode("dXNlcjpwYXNz", bytes, &n), 0);
    assert_memory_equal(bytes, "user:pass", n);
    assert_int_equal(wl_base64_decode("dXNlcg==", bytes, &n), 0);
    assert_int_equal(n, 4);
    assert_int_equal(wl_base64_decode("dXNl!g==", bytes, &n), -1);
    assert_int_equal(wl_base64_decode("=", bytes, &n), -1);
    assert_int_equal(wl_base64_decode("dX=lcg==", bytes, &n), -1);
}

/* --- json --- */

static int parse(const char *text, struct wl_json_doc **ret, struct wl_err *err) {
    return wl_json_parse(ret, "f.json", text, strlen(text), WL_RECIPE, err);
}

static void json_syntax(void **state) {
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"{\"a\": 1,\n \"a\": 2}", "f.json:2:"},
        {"{\"a\": }", "f.json:1:"},
        {"{} x", "end of file"},
        {"", "f.json:1:"},
        {"\"\xff\"", "unable to decode byte 0xff"},
        {"\"\\u0000\"", "f.json:1:"},
    };
    struct wl_json_doc *doc = NULL;
    struct wl_err err;
    char deep[300];

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(bad); i++)
        assert_fails(parse(bad[i].text, &doc, &err), WL_RECIPE, bad[i].part);
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_fails(parse(deep, &doc, &err), WL_RECIPE, "levels deep");
}

static void json_positions(void **state) {
    static const struct {
        const char *path, *at;
    } cases[] = {
        {"$", ":1:1: $:"},      {"$.b", ":3:2: $.b:"},    {"$.b.c[1]", ":3:16: "},   {"$[\"x y\"]", ":4:2: "},
        {"$.absent", ":1:1: "}, {"$.b.absent", ":3:2: "}, {"$.b.c[0].q", ":3:14: "}, /* not there: the closest thing that is */
    };
    const char *text = "{\n \"a\": \"\\\"}\",\n \"b\": {\"c\": [1,2]},\n \"x y\": null\n}";
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTOFREE char *path = NULL;
    struct wl_err err;

    (void)state;
    assert_ok(parse(text, &doc, &err));
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        wl_json_fail(doc, cases[i].path, &err, "no");
        if (!strstr(err.msg, cases[i].at))
            fail_msg("%s: %s has no %s", cases[i].path, err.msg, cases[i].at);
    }
    path = wl_json_path_key("$.a", "we\"ird");
    assert_string_equal(path, "$.a[\"we\\\"ird\"]");
}

static void json_writer(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    struct wl_jw w = {.out = &b};
    struct wl_err err;

    (void)state;
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "z", "a\"\n");
    wl_jw_key(&w, "l");
    wl_jw_begin(&w, '[');
    wl_jw_int(&w, -1);
    wl_jw_bool(&w, true);
    wl_jw_begin(&w, '{');
    wl_jw_end(&w, '}');
    wl_jw_end(&w, ']');
    wl_jw_kint(&w, "n", 1LL << 53);
    wl_jw_end(&w, '}');
    assert_string_equal(b.p, "{\"z\":\"a\\\"\\n\",\"l\":[-1,true,{}],\"n\":9007199254740992}");
    assert_ok(parse(b.p, &doc, &err));
    wl_buf_clear(&b);
    wl_json_print(wl_json_root(doc), true, &b);
    assert_string_equal(b.p, "{\"l\":[-1,true,{}],\"n\":9007199254740992,\"z\":\"a\\\"\\n\"}");
}

/* --- out --- */

static void cleaning(void **state) {
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"pw hunter22 and hunter22", "pw *** and ***"},
        {"https://u:p@h/x https://h/@y", "https://***@h/x https://h/@y"},
        {"http://ab@h", "http://**@h"},
        {"a\033[31mb\r\x7f", "a?[31mb??"},
        {"csi \xc2\x9b end \xc3\xa9", "csi ?? end \xc3\xa9"},
        {"tab\tnl\n", "tab\tnl\n"},
    };

    (void)state;
    wl_out_secret("hunter22");
    wl_out_secret("ab"); /* too short to hide */
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        WL_AUTOFREE char *s = wl_out_clean(cases[i].in);

        assert_string_equal(s, cases[i].want);
    }
    assert_string_equal(wl_size(999).s, "999 B");
    assert_string_equal(wl_size(5800000).s, "5.8 MB");
    assert_string_equal(wl_size(999999).s, "1.0 MB");
}

/* --- fs --- */

static void files(void **state) {
    char *dir = test_dir();
    WL_AUTOFREE char *path = wl_path_join(dir, "a/b/c.txt");
    WL_AUTOFREE char *copy = wl_path_join(dir, "copy");
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_file f = WL_FILE_INIT;
    struct wl_strv names = {0};
    struct wl_err err;
    struct stat st;

    (void)state;
    assert_ok(wl_fs_write(path, "hello", 5, &err));
    assert_ok(wl_fs_read(path, 5, &b, &err));
    assert_string_equal(b.p, "hello");
    wl_buf_clear(&b);
    assert_fails(wl_fs_read(path, 4, &b, &err), WL_FAILED, "larger than the 4 bytes");
    assert_fails(wl_fs_read(dir, 4, &b, &err), WL_FAILED, "not a regular file");
    /* what replaces a file appears under its name alone, with its mode */
    assert_ok(wl_file_open(&f, path, 0604, true, &err));
    assert_ok(wl_file_write(&f, "again", 5, &err));
    assert_ok(wl_fs_list(dir, &names, &err));
    assert_int_equal(names.n, f.nameless ? 1 : 2); /* nothing to be left behind */
    wl_strv_release(&names);
    names = (struct wl_strv){0};
    assert_ok(wl_file_commit(&f, &err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0604);
    assert_int_equal(st.st_nlink, 1);
    wl_buf_clear(&b);
    assert_ok(wl_fs_read(path, 5, &b, &err));
    assert_string_equal(b.p, "again");
    assert_ok(wl_fs_write(path, "hello", 5, &err));
    /* a cancelled writer leaves the old contents and nothing else */
    assert_ok(wl_file_open(&f, path, 0644, false, &err));
    assert_ok(wl_file_write(&f, "half", 4, &err));
    wl_file_cancel(&f);
    wl_buf_clear(&b);
    assert_ok(wl_fs_read(path, 5, &b, &err));
    assert_string_equal(b.p, "hello");
    assert_int_equal(chmod(path, 0755), 0);
    assert_ok(wl_fs_copy(path, copy, &err));
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    assert_ok(wl_fs_list(dir, &names, &err));
    assert_int_equal(names.n, 2);
    wl_strv_release(&names);
    assert_fails(wl_fs_mkdirs(copy, &err), WL_FAILED, "not a folder");
    assert_ok(wl_fs_remove("/tmp/wlpack-no-such-file", &err));
    test_rmdir(dir);
}

/* A device or a pipe is written to, not replaced by a file; and so is /dev/fd/N, even when a file is behind it. */
static void special_files(void **state) {
    char *dir = test_dir();
    WL_AUTOFREE char *fifo = wl_path_join(dir, "fifo");
    WL_AUTOFREE char *link = wl_path_join(dir, "link");
    WL_AUTOFREE char *plain = wl_path_join(dir, "plain");
    WL_AUTOFREE char *by_fd = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_strv names = {0};
    struct wl_err err;
    struct stat st;
    char got[8] = "";
    int fd;

    (void)state;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    fd = open(fifo, O_RDWR | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_ok(wl_fs_write(fifo, "pipe", 4, &err));
    assert_int_equal(read(fd, got, sizeof(got)), 4);
    assert_string_equal(got, "pipe");
    close(fd);
    assert_int_equal(lstat(fifo, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(symlink("/dev/null", link), 0);
    assert_ok(wl_fs_write(link, "x", 1, &err));
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    fd = open(plain, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "one ", 4), 4);
    by_fd = wl_sprintf("/dev/fd/%d", fd);
    assert_ok(wl_fs_write(by_fd, "two", 3, &err));
    close(fd);
    assert_ok(wl_fs_read(plain, 100, &b, &err));
    assert_string_equal(b.p, "one two");
    assert_fails(wl_fs_write("/dev/fd/999", "x", 1, &err), WL_FAILED, "cannot open /dev/fd/999");
    assert_ok(wl_fs_list(dir, &names, &err));
    assert_int_equal(names.n, 3);
    wl_strv_release(&names);
    test_rmdir(dir);
}

static void remove_keeps_link_targets(void **state) {
    char *dir = test_dir();
    WL_AUTOFREE char *keep = wl_path_join(dir, "keep");
    WL_AUTOFREE char *keep_file = wl_path_join(keep, "f");
    WL_AUTOFREE char *gone = wl_path_join(dir, "gone");
    WL_AUTOFREE char *link = wl_path_join(gone, "link");
    struct wl_err err;

    (void)state;
    assert_ok(wl_fs_write(keep_file, "x", 1, &err));
    assert_ok(wl_fs_mkdirs(gone, &err));
    assert_int_equal(symlink(keep, link), 0);
    assert_ok(wl_fs_remove(gone, &err));
    assert_true(wl_fs_exists(keep_file));
    assert_false(wl_fs_exists(gone));
    test_rmdir(dir);
}

static void locks(void **state) {
    char *dir = test_dir();
    WL_AUTOFREE char *path = wl_path_join(dir, "lock");
    struct wl_err err;
    int a = -1, b = -1;

    (void)state;
    assert_ok(wl_fs_lock(path, 0, &a, &err));
    assert_ok(wl_fs_lock(path, WL_LOCK_NOWAIT, &b, &err));
    assert_int_equal(b, -1);
    close(a);
    assert_ok(wl_fs_lock(path, WL_LOCK_NOWAIT, &b, &err));
    assert_true(b >= 0);
    close(b);
    test_rmdir(dir);
}

/* --- proc --- */

static void processes(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {.max = 8};
    WL_AUTO(wl_buf_release) struct wl_buf errout = {0};
    const char *cat[] = {"cat", NULL};
    const char *sh[] = {"sh", "-c", "echo out; echo err >&2; exit 3", NULL};
    const char *killed[] = {"sh", "-c", "kill -9 $$", NULL};
    const char *slow[] = {"sh", "-c", "sleep 60 & wait", NULL};
    const char *none[] = {"wlpack-no-such-program", NULL};
    struct wl_proc p = {.argv = cat, .out = &out, .input = {(const uint8_t *)"0123456789", 10}};
    struct wl_err err;
    int status;

    (void)state;
    assert_ok(wl_proc_run(&p, &status, &err));
    assert_int_equal(status, 0);
    assert_string_equal(out.p, "01234567"); /* the rest is read and dropped */
    assert_true(out.overflow);
    wl_buf_release(&out);
    p = (struct wl_proc){.argv = sh, .out = &out, .errout = &errout};
    assert_ok(wl_proc_run(&p, &status, &err));
    assert_int_equal(status, 3);
    assert_string_equal(out.p, "out\n");
    assert_string_equal(errout.p, "err\n");
    assert_fails(wl_proc_check(&p, &err), WL_FAILED, "exit code 3");
    p = (struct wl_proc){.argv = killed};
    assert_ok(wl_proc_run(&p, &status, &err));
    assert_int_equal(status, 128 + 9);
    p = (struct wl_proc){.argv = slow, .timeout_ms = 200};
    assert_fails(wl_proc_run(&p, &status, &err), WL_FAILED, "did not end within");
    p = (struct wl_proc){.argv = none};
    assert_fails(wl_proc_run(&p, &status, &err), WL_FAILED, "no such program");
    p = (struct wl_proc){.argv = cat, .cwd = "/no/such/folder"};
    assert_fails(wl_proc_run(&p, &status, &err), WL_FAILED, "/no/such/folder");
}

/* A signal that comes while a foreground child (which alone decides when it ends) is being started reaches it all the same. */
static void signal_at_the_start(void **state) {
    static const char *sleeps[] = {"sleep", "1000", NULL};

    (void)state;
    for (int i = 0; i < 150; i++) {
        int ready[2];
        int status = 0;
        pid_t pid;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        if (pid == 0) {
            struct wl_proc p = {.argv = sleeps, .flags = WL_PROC_FOREGROUND};
            struct wl_err err;

            setpgid(0, 0);
            alarm(60); /* the default action; what it is here for would never end */
            wl_signals_init();
            if (write(ready[1], "", 1) != 1)
                _exit(1);
            if (wl_proc_run(&p, &status, &err) == 0)
                _exit(status == 128 + SIGTERM ? 0 : 2);
            _exit(strcmp(err.msg, "interrupted") == 0 ? 0 : 3);
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &(char){0}, 1), 1);
        close(ready[0]);
        usleep((useconds_t)i * 20);
        kill(pid, SIGTERM);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        kill(-pid, SIGKILL);
        assert_int_equal(status, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_messages),  cmocka_unit_test(arena),         cmocka_unit_test(buffers),
        cmocka_unit_test(digests),       cmocka_unit_test(json_syntax),   cmocka_unit_test(json_positions),
        cmocka_unit_test(json_writer),   cmocka_unit_test(cleaning),      cmocka_unit_test(files),
        cmocka_unit_test(special_files), cmocka_unit_test(special_files), cmocka_unit_test(remove_keeps_link_targets),
        cmocka_unit_test(locks),         cmocka_unit_test(processes),     cmocka_unit_test(signal_at_the_start),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
