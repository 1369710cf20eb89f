/* registry/http: downloads to a file, against a server that answers each connection by a script. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

#include "../../registry/http.h"

/* One connection: the request must hold `want` (and not `not`), the reply is sent, the connection closed. Behind a
 * reply that begins with '~' (which is not sent) zeros follow until the other side hangs up. */
struct step {
    const char *want;
    const char *not_;
    const char *reply;
};

struct server {
    const struct step *steps;
    size_t n;
    size_t done;
    int fd;
    int port;
    char *problem;
    pthread_t thread;
};

static void read_request(int fd, char *buf, size_t cap) {
    size_t n = 0;
    ssize_t got;

    while (n + 1 < cap && (got = read(fd, buf + n, cap - 1 - n)) > 0) {
        n += (size_t)got;
        buf[n] = '\0';
        if (strstr(buf, "\r\n\r\n"))
            break;
    }
    buf[n] = '\0';
}

static void *serve(void *arg) {
    struct server *s = arg;
    static const char zeros[65536];

    for (; s->done < s->n; s->done++) {
        const struct step *step = &s->steps[s->done];
        char request[8192];
        int fd = accept(s->fd, NULL, NULL);
        bool flood;

        if (fd < 0)
            break;
        read_request(fd, request, sizeof(request));
        if (!s->problem && (!strstr(request, step->want) || (step->not_ && strstr(request, step->not_))))
            s->problem = wl_sprintf("request %zu: %s", s->done, request);
        flood = step->reply[0] == '~';
        wl_write_all(fd, step->reply + flood, strlen(step->reply + flood));
        while (flood && send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void start(struct server *s) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);

    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->fd >= 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s) {
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    if (s->problem)
        fail_msg("%s", s->problem);
    assert_int_equal(s->done, s->n);
}

struct outcome {
    int rc;
    int status;
    uint64_t size;
    char *content;
    struct wl_err err;
};

static void release(struct outcome *o) {
    free(o->content);
}

/* Runs one download against the steps, with `had` in the file beforehand. */
static struct outcome download(const struct step *steps, size_t n, const char *had, uint64_t max) {
    struct server s = {.steps = steps, .n = n};
    struct outcome o = {0};
    char *dir = test_dir();
    WL_AUTOFREE char *path = wl_path_join(dir, "file");
    WL_AUTOFREE char *url = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    struct wl_http *h;
    struct wl_http_download d;
    struct wl_err err;

    start(&s);
    url = wl_sprintf("http://127.0.0.1:%d/x.tar?sig=1", s.port);
    d = (struct wl_http_download){.url = url, .fd = fd, .offset = strlen(had), .max_size = max};
    assert_ok(wl_write_all(fd, had, strlen(had)));
    assert_ok(wl_http_new(&h, &o.err));
    o.rc = wl_http_download(h, &d, &o.size, &o.err);
    o.status = d.status;
    wl_http_free(h);
    stop(&s);
    assert_ok(wl_fs_read(path, 1 << 24, &text, &err));
    o.content = wl_buf_steal(&text);
    test_rmdir(dir);
    return o;
}

#define DOWNLOAD(had, max, ...)                                                                                        \
    const struct step steps[] = {__VA_ARGS__};                                                                         \
    WL_AUTO(release) struct outcome o = download(steps, WL_ARRAY_LEN(steps), had, max)

static void assert_got(const struct outcome *o, const char *content) {
    if (o->rc != 0)
        fail_msg("%s", o->err.msg);
    assert_string_equal(o->content, content);
    assert_int_equal(o->size, strlen(content));
}

static void assert_failed(const struct outcome *o, const char *part) {
    assert_int_equal(o->rc, -1);
    assert_int_equal(o->err.code, WL_NET);
    if (!strstr(o->err.msg, part))
        fail_msg("\"%s\" does not hold \"%s\"", o->err.msg, part);
    assert_null(strstr(o->err.msg, "sig=1"));
}

#define OK "HTTP/1.1 200 OK\r\n"
#define PART "HTTP/1.1 206 Partial Content\r\n"

static void whole(void **state) {
    DOWNLOAD("", 0, {"GET /x.tar?sig=1 HTTP/1.1\r\n", "Range:", OK "Content-Length: 5\r\n\r\nhello"});

    (void)state;
    assert_got(&o, "hello");
}

static void empty(void **state) {
    DOWNLOAD("", 0, {"GET", "Range:", OK "Content-Length: 0\r\n\r\n"});

    (void)state;
    assert_got(&o, "");
}

static void resumed(void **state) {
    DOWNLOAD("hel", 0, {"Range: bytes=3-", NULL, PART "Content-Length: 2\r\nContent-Range: bytes 3-4/5\r\n\r\nlo"});

    (void)state;
    assert_got(&o, "hello");
}

/* The server does not know ranges: it starts again. */
static void not_resumed(void **state) {
    DOWNLOAD("other bytes", 0, {"Range: bytes=11-", NULL, OK "Content-Length: 5\r\n\r\nhello"});

    (void)state;
    assert_got(&o, "hello");
}

static void breaks_and_goes_on(void **state) {
    DOWNLOAD("", 0, {"GET", "Range:", OK "Content-Length: 5\r\n\r\nhe"},
             {"Range: bytes=2-", NULL, PART "Content-Length: 3\r\nContent-Range: bytes 2-4/5\r\n\r\nl"},
             {"Range: bytes=3-", NULL, PART "Content-Length: 2\r\nContent-Range: bytes 3-4/5\r\n\r\nlo"});

    (void)state;
    assert_got(&o, "hello");
}

static void all_there_already(void **state) {
    DOWNLOAD("hello", 0,
             {"Range: bytes=5-", NULL,
              "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n"});

    (void)state;
    assert_got(&o, "hello");
}

/* What is there is longer than the file: from the start. */
static void too_much_there(void **state) {
    DOWNLOAD("hello world", 0,
             {"Range: bytes=11-", NULL,
              "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n"},
             {"GET", "Range:", OK "Content-Length: 5\r\n\r\nhello"});

    (void)state;
    assert_got(&o, "hello");
}

static void truncated_for_ever(void **state) {
    DOWNLOAD("", 0, {"GET", NULL, OK "Content-Length: 5\r\n\r\n"}, {"GET", NULL, OK "Content-Length: 5\r\n\r\n"},
             {"GET", NULL, OK "Content-Length: 5\r\n\r\n"}, {"GET", NULL, OK "Content-Length: 5\r\n\r\n"},
             {"GET", NULL, OK "Content-Length: 5\r\n\r\n"});

    (void)state;
    assert_failed(&o, "/x.tar");
}

static void not_found(void **state) {
    DOWNLOAD("", 0, {"GET", NULL, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\noops"});

    (void)state;
    assert_failed(&o, "/x.tar: the server answers 404 (not found)");
    assert_int_equal(o.status, 404);
    assert_string_equal(o.content, "");
}

static void unavailable_in_passing(void **state) {
    DOWNLOAD("", 0, {"GET", NULL, "HTTP/1.1 503 Later\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"},
             {"GET", NULL, OK "Content-Length: 5\r\n\r\nhello"});

    (void)state;
    assert_got(&o, "hello");
}

static void too_large_said(void **state) {
    DOWNLOAD("", 1000, {"GET", NULL, OK "Content-Length: 1001\r\n\r\nx"});

    (void)state;
    assert_failed(&o, "has 1001 bytes; at most 1000");
}

static void endless(void **state) {
    DOWNLOAD("", 100000, {"GET", NULL, "~" OK "\r\n"});

    (void)state;
    assert_failed(&o, "is larger than 100000 bytes");
}

static void endless_error(void **state) {
    DOWNLOAD("", 0, {"GET", NULL, "~HTTP/1.1 404 Not Found\r\n\r\n"});

    (void)state;
    assert_failed(&o, "answers 404");
}

static void endless_headers(void **state) {
    struct wl_buf b = {0};
    WL_AUTOFREE char *reply = NULL;

    (void)state;
    wl_buf_adds(&b, OK);
    while (b.len < 2 * WL_HTTP_HEADERS_MAX)
        wl_buf_addf(&b, "X-%zu: %0200d\r\n", b.len, 0);
    reply = wl_buf_steal(&b);
    DOWNLOAD("", 0, {"GET", NULL, reply});

    assert_failed(&o, "larger than");
}

static void redirected(void **state) {
    DOWNLOAD("", 0, {"GET /x.tar", NULL, "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 6\r\n\r\nbody!!"},
             {"GET /y HTTP", NULL, OK "Content-Length: 5\r\n\r\nhello"});

    (void)state;
    assert_got(&o, "hello");
}

static void redirected_to_a_file(void **state) {
    DOWNLOAD("", 0, {"GET", NULL, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"});

    (void)state;
    assert_failed(&o, "no http(s) URL");
    assert_string_equal(o.content, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(empty),
        cmocka_unit_test(resumed),
        cmocka_unit_test(not_resumed),
        cmocka_unit_test(breaks_and_goes_on),
        cmocka_unit_test(all_there_already),
        cmocka_unit_test(too_much_there),
        cmocka_unit_test(truncated_for_ever),
        cmocka_unit_test(not_found),
        cmocka_unit_test(unavailable_in_passing),
        cmocka_unit_test(too_large_said),
        cmocka_unit_test(endless),
        cmocka_unit_test(endless_error),
        cmocka_unit_test(endless_headers),
        cmocka_unit_test(redirected),
        cmocka_unit_test(redirected_to_a_file),
    };

    signal(SIGPIPE, SIG_IGN); /* the server writes on when the client has had enough */
    return cmocka_run_group_tests_name("download", tests, NULL, NULL);
}
