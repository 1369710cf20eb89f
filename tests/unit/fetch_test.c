/* Fetching, against a small server on loopback that misbehaves on request. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tool/base/digest.h"
#include "../../tool/base/proc.h"
#include "../../tool/stages/fetch.h"

#define SIZE 300000
#define FILE_NAME "x-1.tar.gz"

static char *dir;
static char content[SIZE];
static char sha[WL_DIGEST_HEX + 1];
static int port;
static pid_t server;
static int hits_fd; /* a byte per request; shared with the server */

/* --- The server: the first part of the path says what it does --------------------------------------------------- */

static void send_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t w = write(fd, p, n);

        if (w <= 0)
            return;
        p += w;
        n -= (size_t)w;
    }
}

static void say(int fd, const char *text) {
    send_all(fd, text, strlen(text));
}

static void send_from(int fd, size_t from, size_t to, bool ranges) {
    WL_AUTOFREE char *head =
        from && ranges ? wl_sprintf("HTTP/1.1 206 Partial Content\r\nContent-Length: %zu\r\nContent-Range: bytes "
                                    "%zu-%d/%d\r\nConnection: close\r\n\r\n",
                                    SIZE - from, from, SIZE - 1, SIZE)
                       : wl_sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", SIZE);

    if (!ranges)
        from = 0;
    say(fd, head);
    if (to > from)
        send_all(fd, content + from, to - from);
}

static void answer(int fd, const char *request) {
    static unsigned cuts;
    const char *range = strcasestr(request, "\r\nRange: bytes=");
    size_t from = range ? strtoul(range + 15, NULL, 10) : 0;

    if (wl_starts(request, "GET /ok/"))
        send_from(fd, from, SIZE, true);
    else if (wl_starts(request, "GET /norange/"))
        send_from(fd, from, SIZE, false);
    else if (wl_starts(request, "GET /cut/")) /* every connection breaks after 100000 bytes more */
        send_from(fd, from, from + 100000 < SIZE ? from + 100000 : SIZE, true);
    else if (wl_starts(request, "GET /dead/")) /* breaks at 1000, whatever is asked */
        send_from(fd, from, from ? from : 1000, true);
    else if (wl_starts(request, "GET /wrong/"))
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    else if (wl_starts(request, "GET /redirect/"))
        say(fd, "HTTP/1.1 302 Found\r\nLocation: /ok/" FILE_NAME "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    else if (wl_starts(request, "GET /loop/"))
        say(fd,
            "HTTP/1.1 302 Found\r\nLocation: /loop/" FILE_NAME "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    else if (wl_starts(request, "GET /endless/")) {
        say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        for (int i = 0; i < 100000 && write(fd, content, SIZE) > 0; i++)
            ;
    } else
        say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno\r\n");
    (void)cuts;
}

static void serve(int listener) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        char request[8192];
        size_t n = 0;
        ssize_t r;
        int fd = accept(listener, NULL, NULL);

        while (fd >= 0 && n < sizeof(request) - 1 && (r = read(fd, request + n, sizeof(request) - 1 - n)) > 0) {
            n += (size_t)r;
            request[n] = '\0';
            if (strstr(request, "\r\n\r\n"))
                break;
        }
        request[n] = '\0';
        (void)!write(hits_fd, "x", 1);
        answer(fd, request);
        close(fd);
    }
}

static int group_setup(void **state) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct wl_digest d;

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (char)(i * 2654435761u >> 11);
    d = wl_digest_of(content, SIZE);
    memcpy(sha, wl_digest_hexonly(&d).s, sizeof(sha));
    hits_fd = fileno(tmpfile());
    if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listener, 16) < 0 ||
        getsockname(listener, (struct sockaddr *)&a, &len) < 0)
        return -1;
    port = ntohs(a.sin_port);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("WLPACK_MIRROR");
    unsetenv("XDG_CACHE_HOME");
    server = fork();
    if (server == 0)
        serve(listener);
    close(listener);
    return 0;
}

static int group_teardown(void **state) {
    (void)state;
    kill(server, SIGKILL);
    return 0;
}

static int setup(void **state) {
    (void)state;
    dir = test_dir();
    setenv("WLPACK_HOME", dir, 1);
    setenv("HOME", dir, 1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    test_rmdir(dir);
    return 0;
}

/* --- The tests --------------------------------------------------------------------------------------------------- */

static off_t hits(void) {
    struct stat st;

    return fstat(hits_fd, &st) == 0 ? st.st_size : -1;
}

/* Fetches from these places ("/ok/"), a mirror folder (may be NULL) first. */
static int fetch(const char *const *places, const char *mirror, bool offline, uint64_t max, struct wl_strv *notes,
                 struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_strv_release) struct wl_strv urls = {0};
    const char *mirrors[] = {mirror, NULL};
    WL_AUTOFREE char *path = NULL;
    struct wl_fetch f = {.owner = "x-1",
                         .file = FILE_NAME,
                         .sha256 = sha,
                         .mirrors = mirrors,
                         .offline = offline,
                         .max_size = max,
                         .notes = notes};
    struct wl_digest d;

    for (size_t i = 0; places && places[i]; i++)
        wl_strv_addf(&urls, "http://127.0.0.1:%d%s" FILE_NAME, port, places[i]);
    f.urls = (const char *const *)urls.v;
    if (wl_home_open(&home, err) < 0 || wl_stage_fetch(&home, &f, &path, err) < 0)
        return -1;
    if (wl_digest_file(path, &d, NULL, err) < 0)
        return -1;
    assert_string_equal(wl_digest_hexonly(&d).s, sha);
    return 0;
}

#define PLACES(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool partial_exists(void) {
    WL_AUTOFREE char *path = wl_sprintf("%s/sources/partial/%s", dir, sha);

    return wl_fs_exists(path);
}

static void put_partial(const char *bytes, size_t n) {
    struct wl_err err;
    WL_AUTOFREE char *path = wl_sprintf("%s/sources/partial/%s", dir, sha);

    assert_ok(wl_fs_mkdirs_parent(path, &err));
    assert_ok(wl_fs_write(path, bytes, n, &err));
}

static void test_plain_and_cached(void **state) {
    struct wl_err err;
    off_t before;

    (void)state;
    assert_ok(fetch(PLACES("/ok/"), NULL, false, 0, NULL, &err));
    before = hits();
    assert_ok(fetch(PLACES("/404/"), NULL, true, 0, NULL, &err));
    assert_int_equal(hits(), before);
    assert_false(partial_exists());
}

static void test_next_url(void **state) {
    struct wl_err err;
    WL_AUTO(wl_strv_release) struct wl_strv notes = {0};

    (void)state;
    assert_ok(fetch(PLACES("/404/", "/wrong/", "/redirect/"), NULL, false, 0, &notes, &err));
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.v[0], "/wrong/"));
}

static void test_404(void **state) {
    struct wl_err err;

    (void)state;
    assert_fails(fetch(PLACES("/404/"), NULL, false, 0, NULL, &err), WL_NET, "404");
    assert_non_null(strstr(err.msg, "/404/" FILE_NAME));
    assert_false(partial_exists());
}

static void test_wrong_checksum(void **state) {
    struct wl_err err;

    (void)state;
    assert_fails(fetch(PLACES("/wrong/"), NULL, false, 0, NULL, &err), WL_FAILED, "/wrong/" FILE_NAME);
    assert_non_null(strstr(err.msg, sha));
    assert_non_null(strstr(err.msg, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")); /* "hello" */
    assert_false(partial_exists());
}

static void test_broken_connections(void **state) {
    struct wl_err err;

    (void)state;
    assert_ok(fetch(PLACES("/cut/"), NULL, false, 0, NULL, &err));
}

static void test_truncated(void **state) {
    struct wl_err err;

    (void)state;
    assert_fails(fetch(PLACES("/dead/"), NULL, false, 0, NULL, &err), WL_NET, "/dead/");
}

static void test_resume(void **state) {
    struct wl_err err;

    (void)state;
    put_partial(content, 200000);
    assert_ok(fetch(PLACES("/ok/"), NULL, false, 0, NULL, &err));
    test_rmdir(dir);
    setup(NULL);
    put_partial(content, 200000); /* a server that knows no ranges */
    assert_ok(fetch(PLACES("/norange/"), NULL, false, 0, NULL, &err));
    test_rmdir(dir);
    setup(NULL);
    put_partial("garbage", 7); /* half of another file: told by the checksum, then from the start */
    assert_ok(fetch(PLACES("/ok/"), NULL, false, 0, NULL, &err));
}

static void test_endless(void **state) {
    struct wl_err err;

    (void)state;
    assert_fails(fetch(PLACES("/endless/"), NULL, false, 2000000, NULL, &err), WL_NET, "/endless/");
    assert_false(partial_exists());
    assert_fails(fetch(PLACES("/loop/"), NULL, false, 0, NULL, &err), WL_NET, "redirect");
}

static void test_no_server(void **state) {
    struct wl_err err;
    int real = port;

    (void)state;
    port = 1;
    assert_fails(fetch(PLACES("/ok/"), NULL, false, 0, NULL, &err), WL_NET, "127.0.0.1");
    port = real;
}

static void test_mirror_folder(void **state) {
    struct wl_err err;
    WL_AUTO(wl_strv_release) struct wl_strv notes = {0};
    WL_AUTOFREE char *mirror = wl_path_join(dir, "m");
    WL_AUTOFREE char *file = wl_path_join(mirror, FILE_NAME);
    off_t before = hits();

    (void)state;
    assert_ok(wl_fs_mkdirs(mirror, &err));
    assert_fails(fetch(PLACES("/ok/"), mirror, true, 0, NULL, &err), WL_NET, "wlpack fetch x-1");
    assert_int_equal(hits(), before);
    assert_ok(wl_fs_write(file, "hello", 5, &err));
    assert_fails(fetch(NULL, mirror, false, 0, &notes, &err), WL_FAILED, "wrong checksum");
    assert_true(wl_fs_exists(file)); /* not ours to remove */
    assert_ok(wl_fs_write(file, content, SIZE, &err));
    assert_ok(fetch(PLACES("/ok/"), mirror, true, 0, NULL, &err));
    assert_int_equal(hits(), before);
}

static void test_damaged_in_the_store(void **state) {
    struct wl_err err;
    WL_AUTO(wl_strv_release) struct wl_strv notes = {0};
    WL_AUTOFREE char *path = wl_sprintf("%s/sources/%s", dir, sha);

    (void)state;
    assert_ok(fetch(PLACES("/ok/"), NULL, false, 0, NULL, &err));
    assert_ok(wl_fs_write(path, "x", 1, &err));
    assert_ok(fetch(PLACES("/ok/"), NULL, false, 0, &notes, &err));
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.v[0], "damaged"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain_and_cached, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_url, setup, teardown),
        cmocka_unit_test_setup_teardown(test_404, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_checksum, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mirror_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_in_the_store, setup, teardown),
    };

    wl_signals_init();
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
