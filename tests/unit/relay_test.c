/* registry/relay, referrers, digest_tag: a blob on its way from one registry to another, against a server in a thread of this process. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

#include "../../registry/digest_tag.h"
#include "../../registry/referrers.h"
#include "../../registry/relay.h"

/* --- A server of one blob --------------------------------------------------------------------------------------------- */

struct server {
    int fd;
    int port;
    pthread_t thread;
    uint8_t *bytes;
    size_t n;
    size_t cut; /* hang up behind so many bytes of the first answer; 0: never */
    int status; /* of the blob */
    int hits;   /* requests for it */
};

static void send_all(int fd, const void *p, size_t n) {
    const char *at = p;

    while (n > 0) {
        ssize_t k = send(fd, at, n, MSG_NOSIGNAL);

        if (k <= 0)
            return;
        at += k;
        n -= (size_t)k;
    }
}

static void answer(struct server *s, int fd) {
    char request[8192] = {0};
    WL_AUTO(wl_buf_release) struct wl_buf head = {0};
    size_t have = 0, from = 0, n;
    const char *range;

    while (have < sizeof(request) - 1 && !strstr(request, "\r\n\r\n")) {
        ssize_t k = recv(fd, request + have, sizeof(request) - 1 - have, 0);

        if (k <= 0)
            return;
        have += (size_t)k;
    }
    if (!strstr(request, "/blobs/")) {
        send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", 59);
        return;
    }
    s->hits++;
    range = strstr(request, "Range: bytes=");
    if (range)
        from = strtoul(range + strlen("Range: bytes="), NULL, 10);
    n = s->status == 200 ? s->n - from : 0;
    wl_buf_addf(&head, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n",
                s->status == 200 && range ? 206 : s->status, n);
    if (range)
        wl_buf_addf(&head, "Content-Range: bytes %zu-%zu/%zu\r\n", from, s->n - 1, s->n);
    wl_buf_adds(&head, "\r\n");
    send_all(fd, head.p, head.len);
    send_all(fd, s->bytes + from, s->cut && s->hits == 1 && s->cut < n ? s->cut : n);
}

static void *serve(void *arg) {
    struct server *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        answer(s, fd);
        close(fd);
    }
    return NULL;
}

/* --- A client at it ----------------------------------------------------------------------------------------------------- */

struct place {
    struct server s;
    struct wl_client *c;
    struct wl_oci_descriptor d; /* of the blob */
};

static void start(struct place *p, size_t n) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    WL_AUTOFREE char *name = NULL;
    struct wl_reference ref;
    struct wl_err err;

    memset(p, 0, sizeof(*p));
    signal(SIGPIPE, SIG_IGN);
    p->s.status = 200;
    p->s.n = n;
    p->s.bytes = wl_malloc(n);
    for (size_t i = 0; i < n; i++)
        p->s.bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    p->d = wl_oci_descriptor_of("application/x", (struct wl_blob){p->s.bytes, n});
    p->s.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(p->s.fd >= 0 && bind(p->s.fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(p->s.fd, 16) == 0);
    assert_int_equal(getsockname(p->s.fd, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(pthread_create(&p->s.thread, NULL, serve, &p->s), 0);
    name = wl_sprintf("127.0.0.1:%d/app:1", ntohs(a.sin_port));
    assert_ok(wl_reference_parse(name, &ref, &err));
    assert_ok(wl_client_open(&ref, 0, NULL, NULL, &p->c, &err));
}

static void stop(struct place *p) {
    wl_client_close(p->c);
    shutdown(p->s.fd, SHUT_RDWR);
    pthread_join(p->s.thread, NULL);
    close(p->s.fd);
    free(p->s.bytes);
}

/* Reads up to `want` bytes in odd pieces and holds them against the blob from `at` on; the number read. */
static size_t read_some(struct place *p, const struct wl_http_source *body, size_t at, size_t want) {
    uint8_t chunk[7777];
    size_t done = 0;
    struct wl_err err;

    while (done < want) {
        ssize_t n = body->read(body->arg, chunk, want - done < sizeof(chunk) ? want - done : sizeof(chunk), &err);

        assert_true(n >= 0);
        if (n == 0)
            break;
        assert_memory_equal(chunk, p->s.bytes + at + done, (size_t)n);
        done += (size_t)n;
    }
    return done;
}

/* Reads to the end or the first failure. */
static int drain(const struct wl_http_source *body, struct wl_err *err) {
    uint8_t chunk[65536];
    ssize_t n = 1;

    while (n > 0)
        n = body->read(body->arg, chunk, sizeof(chunk), err);
    return (int)n;
}

/* --- The tests ------------------------------------------------------------------------------------------------------------ */

static void whole(void **state) {
    struct place p;
    struct wl_relay *r;
    struct wl_http_source body;
    uint8_t byte;
    struct wl_err err;

    (void)state;
    start(&p, 3000001); /* three times the buffer */
    r = wl_relay_new(p.c, &p.d);
    body = wl_relay_source(r);
    assert_int_equal(body.size, p.s.n);
    assert_int_equal(p.s.hits, 0); /* nothing before the first read */
    assert_int_equal(read_some(&p, &body, 0, p.s.n), p.s.n);
    assert_int_equal(body.read(body.arg, &byte, 1, &err), 0);
    assert_int_equal(p.s.hits, 1);
    assert_false(wl_relay_source_failed(r));
    wl_relay_free(r);
    stop(&p);
}

static void seeking(void **state) {
    struct place p;
    WL_AUTO(wl_relay_freep) struct wl_relay *r = NULL;
    struct wl_http_source body;
    struct wl_err err;

    (void)state;
    start(&p, 2500000);
    r = wl_relay_new(p.c, &p.d);
    body = wl_relay_source(r);
    assert_ok(body.seek(body.arg, 0, &err));
    assert_int_equal(read_some(&p, &body, 0, 1500000), 1500000);
    assert_ok(body.seek(body.arg, 1500000, &err)); /* where it is */
    assert_int_equal(p.s.hits, 1);
    assert_ok(body.seek(body.arg, 0, &err)); /* back: the download begins anew */
    assert_int_equal(read_some(&p, &body, 0, 1000), 1000);
    assert_ok(body.seek(body.arg, 2000000, &err)); /* forward */
    assert_int_equal(read_some(&p, &body, 2000000, 500000), 500000);
    assert_int_equal(p.s.hits, 2);
    assert_ok(body.seek(body.arg, 0, &err));
    assert_fails(body.seek(body.arg, p.s.n + 1, &err), WL_FAILED, "beyond its end");
    wl_relay_free(WL_STEAL(r));
    stop(&p);
}

static void breaks_off(void **state) {
    struct place p;
    WL_AUTO(wl_relay_freep) struct wl_relay *r = NULL;
    struct wl_http_source body;

    (void)state;
    start(&p, 2000000);
    p.s.cut = 1234567; /* the rest is asked for by its range */
    r = wl_relay_new(p.c, &p.d);
    body = wl_relay_source(r);
    assert_int_equal(read_some(&p, &body, 0, p.s.n), p.s.n);
    assert_int_equal(p.s.hits, 2);
    wl_relay_free(WL_STEAL(r));
    stop(&p);
}

static void wrong_bytes(void **state) {
    struct place p;
    WL_AUTO(wl_relay_freep) struct wl_relay *r = NULL;
    struct wl_http_source body;
    struct wl_err err;

    (void)state;
    start(&p, 1300000);
    p.s.bytes[700000] ^= 1;
    r = wl_relay_new(p.c, &p.d);
    body = wl_relay_source(r);
    assert_fails(drain(&body, &err), WL_NET, "sends a blob with the digest sha256:");
    assert_true(wl_relay_source_failed(r));
    wl_relay_free(WL_STEAL(r));
    stop(&p);
}

static void not_there(void **state) {
    struct place p;
    WL_AUTO(wl_relay_freep) struct wl_relay *r = NULL;
    struct wl_http_source body;
    struct wl_err err;

    (void)state;
    start(&p, 1000);
    p.s.status = 404;
    r = wl_relay_new(p.c, &p.d);
    body = wl_relay_source(r);
    assert_fails(drain(&body, &err), WL_NET, "404");
    assert_true(wl_relay_source_failed(r));
    wl_relay_free(WL_STEAL(r));
    stop(&p);
}

/* An upload that fails leaves the download in the middle, with a full buffer. */
static void left_in_the_middle(void **state) {
    struct place p;
    struct wl_relay *r;
    struct wl_http_source body;

    (void)state;
    start(&p, 8000000);
    for (int i = 0; i < 3; i++) {
        r = wl_relay_new(p.c, &p.d);
        body = wl_relay_source(r);
        assert_int_equal(read_some(&p, &body, 0, 10), 10);
        assert_false(wl_relay_source_failed(r));
        wl_relay_free(r);
    }
    wl_relay_free(NULL);
    stop(&p);
}

static void tags(void **state) {
    struct wl_digest d = wl_digest_of("x", 1), got;

    (void)state;
#define HEX "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert_string_equal(wl_referrers_tag(&d).s, "sha256-" HEX);
    assert_string_equal(wl_digest_tag(&d, 0).s, "sha256-" HEX ".sig");
    assert_string_equal(wl_digest_tag(&d, 1).s, "sha256-" HEX ".att");
    assert_string_equal(wl_digest_tag(&d, 2).s, "sha256-" HEX ".sbom");
    for (size_t i = 0; i < WL_DIGEST_TAGS; i++) {
        assert_true(wl_digest_tag_parse(wl_digest_tag(&d, i).s, &got) && wl_digest_equal(&d, &got));
        assert_false(wl_fallback_tag_parse(wl_digest_tag(&d, i).s, &got));
    }
    assert_true(wl_fallback_tag_parse("sha256-" HEX, &got) && wl_digest_equal(&d, &got));
    assert_false(wl_digest_tag_parse("sha256-" HEX, &got));
    assert_false(wl_digest_tag_parse("sha256-" HEX ".sigs", &got));
    assert_false(wl_digest_tag_parse("sha256-" HEX ".", &got));
    assert_false(wl_digest_tag_parse("sha256-2d71.sig", &got));
    assert_false(wl_digest_tag_parse("sha512-" HEX ".sig", &got));
    assert_false(wl_digest_tag_parse("sha256-" HEX "0.sig", &got));
    assert_false(
        wl_digest_tag_parse("sha256-2D711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881.sig", &got));
    assert_false(wl_digest_tag_parse("latest", &got));
    assert_false(wl_fallback_tag_parse("", &got));
}

/* distribution-spec 1.1, "Listing Referrers": without an artifactType the configuration's media type stands in. */
static void descriptors(void **state) {
    struct wl_oci_pair pair = {"k", "v"};
    struct wl_oci_manifest m = {.config = {.media_type = "application/x-config"}, .annotations = {&pair, 1}};
    struct wl_oci_descriptor d = wl_oci_descriptor_of(WL_MT_MANIFEST, (struct wl_blob){(const uint8_t *)"m", 1}), got;

    (void)state;
    got = wl_referrers_descriptor(&m, &d);
    assert_string_equal(got.artifact_type, "application/x-config");
    assert_string_equal(wl_oci_pairs_get(&got.annotations, "k"), "v");
    assert_true(wl_digest_equal(&got.digest, &d.digest));
    assert_int_equal(got.size, 1);
    m.artifact_type = "application/x-own";
    assert_string_equal(wl_referrers_descriptor(&m, &d).artifact_type, "application/x-own");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),       cmocka_unit_test(seeking),     cmocka_unit_test(breaks_off),
        cmocka_unit_test(wrong_bytes), cmocka_unit_test(not_there),   cmocka_unit_test(left_in_the_middle),
        cmocka_unit_test(tags),        cmocka_unit_test(descriptors),
    };

    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
