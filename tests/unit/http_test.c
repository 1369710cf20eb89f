/* registry/http, as far as it needs no server: URLs, origins, Locations, header values. */
#include <string.h>
#include <time.h>

#include "test.h"

#include "../../registry/http.h"
#include "../../registry/http_internal.h"

static void urls(void **state) {
    static const char *const good[] = {"http://a", "https://a.b:1/c?d=e#f", "HTTPS://A/", "http://[::1]:5000/v2/"};
    static const char *const bad[] = {"",
                                      "a.b/c",
                                      "ftp://a/",
                                      "file:///etc/passwd",
                                      "http://",
                                      "https:///x",
                                      "http://a b/",
                                      "http://a/\r\nX",
                                      "http://a:99999/",
                                      "//a/b",
                                      "http://a\\b",
                                      "javascript://x"};

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(good); i++)
        if (!wl_url_valid(good[i]))
            fail_msg("%s is good", good[i]);
    for (size_t i = 0; i < WL_ARRAY_LEN(bad); i++)
        if (wl_url_valid(bad[i]))
            fail_msg("%s is bad", bad[i]);
}

static void origins(void **state) {
    (void)state;
    assert_true(wl_url_same_origin("https://a/x", "https://A:443/y?z"));
    assert_true(wl_url_same_origin("http://a:80/", "http://a"));
    assert_false(wl_url_same_origin("https://a/", "http://a/"));
    assert_false(wl_url_same_origin("https://a/", "https://a:444/"));
    assert_false(wl_url_same_origin("https://a/", "https://a.b/"));
    assert_false(wl_url_same_origin("https://a/", "https://b@a.evil/"));
    assert_false(wl_url_same_origin("https://a/", "nonsense"));
}

/* A Location in every form that registries send (facts 12, 13). */
static void locations(void **state) {
    static const struct {
        const char *base, *location, *want;
    } cases[] = {
        {"https://r:5000/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?_state=x%3D",
         "https://r:5000/v2/a/blobs/uploads/1?_state=x%3D"},
        {"https://r:5000/v2/a/blobs/uploads/", "https://s3.example/b?sig=1&x", "https://s3.example/b?sig=1&x"},
        {"https://r:5000/v2/a/blobs/uploads/", "1?x", "https://r:5000/v2/a/blobs/uploads/1?x"},
        {"https://r:5000/v2/a/blobs/uploads/", "../2", "https://r:5000/v2/a/blobs/2"},
        {"https://r.example/v2/", "//other.example/v2/u", "https://other.example/v2/u"},
        {"https://r.example/v2/", "r.example/v2/u?q=1", "https://r.example/v2/u?q=1"},
        {"https://r.example:443/v2/", "https://r.example/v2/u", "https://r.example/v2/u"},
        {"http://localhost:5000/v2/", "localhost:5000/v2/u", "http://localhost:5000/v2/u"},
        {"https://r/v2/", "ftp://r/x", NULL},
        {"https://r/v2/", "file:///etc/passwd", NULL},
        {"https://r/v2/", "https://user:pass@r/x", NULL},
        {"https://r/v2/", "/a b", NULL},
        {"https://r/v2/", "/a\r\nHost: x", NULL},
        {"https://r/v2/", "", NULL},
        {"nonsense", "/x", NULL},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        WL_AUTOFREE char *got = wl_url_resolve(cases[i].base, cases[i].location);

        if (!got != !cases[i].want || (got && strcmp(got, cases[i].want) != 0))
            fail_msg("%s + %s gives %s, not %s", cases[i].base, cases[i].location, got ? got : "nothing",
                     cases[i].want ? cases[i].want : "nothing");
    }
}

static void escape(void **state) {
    WL_AUTOFREE char *s = wl_url_escape("repository:a/b~c:pull,push \xc3\xa9&=%");

    (void)state;
    assert_string_equal(s, "repository%3Aa%2Fb~c%3Apull%2Cpush%20%C3%A9%26%3D%25");
}

static void headers(void **state) {
    WL_AUTO(wl_http_response_release) struct wl_http_response r = {0};

    (void)state;
    wl_strv_add(&r.headers, "Location:/x");
    wl_strv_add(&r.headers, "WWW-Authenticate: a");
    wl_strv_add(&r.headers, "www-authenticate: \t b");
    wl_strv_add(&r.headers, "Loc: y");
    assert_string_equal(wl_http_header(&r, "location", 0), "/x");
    assert_string_equal(wl_http_header(&r, "WWW-authenticate", 1), "b");
    assert_null(wl_http_header(&r, "WWW-Authenticate", 2));
    assert_null(wl_http_header(&r, "Locat", 0));
}

static void retry_after(void **state) {
    static const struct {
        const char *value;
        int want;
    } cases[] = {{"0", 0},  {"7", 7}, {"99999999999999999999", 60},         {"Wed, 21 Oct 2015 07:28:00 GMT", 0},
                 {"x", -1}, {"", -1}, {"Wed, 21 Oct 2095 07:28:00 GMT", 60}};

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        WL_AUTO(wl_http_response_release) struct wl_http_response r = {0};

        wl_strv_addf(&r.headers, "Retry-After: %s", cases[i].value);
        assert_int_equal(wl_http_retry_after(&r, 60), cases[i].want);
    }
}

static void statuses(void **state) {
    (void)state;
    assert_true(wl_http_status_transient(429));
    assert_true(wl_http_status_transient(503));
    assert_false(wl_http_status_transient(404));
    assert_false(wl_http_status_transient(501));
}

/* Nothing listens there: code 4, and it is said what could not be reached. */
static void refused(void **state) {
    struct wl_http *h;
    struct wl_http_request req = {.url = "http://127.0.0.1:9/x?secret=1"};
    struct wl_http_response res;
    struct wl_err err;

    (void)state;
    assert_ok(wl_http_new(&h, &err));
    assert_fails(wl_http_request(h, &req, &res, &err), WL_NET, "GET http://127.0.0.1:9/x:");
    assert_null(strstr(err.msg, "secret"));
    assert_true(req.unreachable && req.transient);
    req = (struct wl_http_request){.url = "file:///etc/passwd"};
    assert_fails(wl_http_request(h, &req, &res, &err), WL_NET, "is no http(s) URL");
    req = (struct wl_http_request){.url = "http://127.0.0.1:9/", .authorization = "Bearer x\r\nHost: evil"};
    assert_fails(wl_http_request(h, &req, &res, &err), WL_NET, "control characters");
    wl_http_free(h);
}

static void no_proxy(void **state) {
    static const struct {
        const char *list, *host, *port;
        bool want;
    } cases[] = {
        {"", "a.example", "443", false},
        {"*", "a.example", "443", true},
        {"example", "a.example", "443", true},
        {"a.example", "a.example", "443", true},
        {"A.Example", "a.example", "443", true},
        {"ample", "a.example", "443", false},
        {".example", "a.example", "443", true},
        {"*.example", "a.example", "443", true},
        {"*.example", "a.example.test", "443", false},
        {"b.test, a.example:5000", "a.example", "5000", true},
        {"b.test,a.example:5000", "a.example", "443", false},
        {"a.example:443", "a.example", "443", true},
        {"a.example:", "a.example", "443", false},
        {"10.1.2.3", "10.1.2.3", "443", true},
        {"10.1.2.3:80", "10.1.2.3", "443", false},
        {"10.1.2.3:443", "10.1.2.3", "443", true},
        {"10.0.0.0/8", "10.1.2.3", "443", true},
        {"10.0.0.0/8", "11.1.2.3", "443", false},
        {"192.168.4.0/22", "192.168.7.255", "443", true},
        {"192.168.4.0/22", "192.168.8.0", "443", false},
        {"0.0.0.0/0", "9.9.9.9", "443", true},
        {"10.0.0.0/33", "10.0.0.0", "443", false},
        {"10.0.0.0/", "10.0.0.0", "443", false},
        {"10.0.0.0/8", "10.example", "443", false},
        {"fd00::/8", "fd12::1", "443", true},
        {"fd00::/8", "fe80::1", "443", false},
        {"2001:db8::1", "2001:db8::1", "443", true},
        {"[2001:db8::1]", "2001:db8::1", "443", true},
        {"[2001:db8::1]:5000", "2001:db8::1", "5000", true},
        {"[2001:db8::1]:5000", "2001:db8::1", "443", false},
        {".", "a.example", "443", false},
        {"[", "a.example", "443", false},
        {"/", "a.example", "443", false},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++)
        if (wl_http_no_proxy(cases[i].list, cases[i].host, cases[i].port) != cases[i].want)
            fail_msg("%s for %s:%s", cases[i].list, cases[i].host, cases[i].port);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),     cmocka_unit_test(origins), cmocka_unit_test(locations),
        cmocka_unit_test(escape),   cmocka_unit_test(headers), cmocka_unit_test(retry_after),
        cmocka_unit_test(statuses), cmocka_unit_test(refused), cmocka_unit_test(no_proxy),
    };

    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
