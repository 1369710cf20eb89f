/* registry/reference: docker's references and hosts. */
#include <string.h>

#include "test.h"

#include "../../registry/reference.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define P64 "a123456789012345678901234567890123456789012345678901234567890123"

static void good(void **state) {
    static const struct {
        const char *s, *full, *api, *tag;
    } cases[] = {
        {"php", "docker.io/library/php", "registry-1.docker.io", "latest"},
        {"php:7.4.33-cli", "docker.io/library/php:7.4.33-cli", "registry-1.docker.io", "7.4.33-cli"},
        {"user/php:1", "docker.io/user/php:1", "registry-1.docker.io", "1"},
        {"docker.io/php", "docker.io/library/php", "registry-1.docker.io", "latest"},
        {"index.docker.io/user/php", "docker.io/user/php", "registry-1.docker.io", "latest"},
        {"localhost/php", "localhost/php", "localhost", "latest"},
        {"localhost:5000/php:7.4.33-cli", "localhost:5000/php:7.4.33-cli", "localhost:5000", "7.4.33-cli"},
        {"127.0.0.1:5000/a/b/c_d__e--f.g:T_1.x", "127.0.0.1:5000/a/b/c_d__e--f.g:T_1.x", "127.0.0.1:5000", "T_1.x"},
        {"[::1]:5000/a", "[::1]:5000/a", "[::1]:5000", "latest"},
        {"[fe80::1]/a", "[fe80::1]/a", "[fe80::1]", "latest"},
        {"Registry.Example.COM/a", "registry.example.com/a", "registry.example.com", "latest"},
        {"ghcr.io/a/b@sha256:" HEX, "ghcr.io/a/b@sha256:" HEX, "ghcr.io", ""},
        {"ghcr.io/a/b:t@sha256:" HEX, "ghcr.io/a/b:t@sha256:" HEX, "ghcr.io", "t"},
        {"localhost:5000", "docker.io/library/localhost:5000", "registry-1.docker.io", "5000"},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        struct wl_reference r;
        struct wl_err err;
        WL_AUTOFREE char *full = NULL;

        assert_ok(wl_reference_parse(cases[i].s, &r, &err));
        full = wl_reference_str(&r);
        assert_string_equal(full, cases[i].full);
        assert_string_equal(wl_reference_api_host(&r), cases[i].api);
        assert_string_equal(wl_reference_tag(&r), cases[i].tag);
    }
}

/* What is printed is read as the same thing. */
static void round_trip(void **state) {
    static const char *const refs[] = {"php", "a.b/c/d:e", "[::1]:1/x@sha256:" HEX, "localhost/q:w@sha256:" HEX};

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(refs); i++) {
        struct wl_reference r;
        struct wl_reference again;
        struct wl_err err;
        WL_AUTOFREE char *full = NULL;
        WL_AUTOFREE char *full2 = NULL;

        assert_ok(wl_reference_parse(refs[i], &r, &err));
        full = wl_reference_str(&r);
        assert_ok(wl_reference_parse(full, &again, &err));
        full2 = wl_reference_str(&again);
        assert_string_equal(full, full2);
    }
}

static void bad(void **state) {
    static const struct {
        const char *s, *why;
    } cases[] = {
        {"", "empty"},
        {"PHP", "must be lower case"},
        {"localhost:5000/Php:1", "must be lower case"},
        {"Team/php", "must be lower case"},
        {"https://ghcr.io/a/b", "scheme"},
        {"a//b", "empty part"},
        {"ghcr.io/", "name is empty"},
        {"ghcr.io//a", "empty part"},
        {"ghcr.io/a/", "empty part"},
        {"a..b", "separators"},
        {"a___b/c", "separators"},
        {"-a", "separators"},
        {"a-", "separators"},
        {"a/../b", "separators"},
        {"a b", "separators"},
        {"a\nb", "separators"},
        {"a:", "a tag is made of"},
        {"a:.x", "a tag is made of"},
        {"a:x/y", "behind the host"},
        {"a:x:y", "a tag is made of"},
        {"a:x%00", "a tag is made of"},
        {"a@", "a digest must follow"},
        {"a@sha256:abc", "64 lower-case hex"},
        {"a@sha256:" HEX "0", "64 lower-case hex"},
        {"a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "64 lower-case hex"},
        {"a@sha512:" HEX, "a digest must follow"},
        {"a@sha256:../../../../../../../etc/passwd", "a digest must follow"},
        {"a@sha256:" HEX "@sha256:" HEX, "a digest must follow"},
        {"host:0/a", "1 to 65535"},
        {"host:65536/a", "1 to 65535"},
        {"host:/a", "1 to 65535"},
        {"host:80:80/a", "1 to 65535"},
        {"-x.com/a", "host is malformed"},
        {"a..com/a", "host is malformed"},
        {"[::1/a", "IPv6"},
        {"[]:1/a", "IPv6"},
        {"user@host.com/a", "no user"},
        {"a:" P64 P64 "xx", "longer than 128"},
        {"a.b/" P64 "/" P64 "/" P64 "/" P64, "longer than 255"},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        struct wl_reference r;
        struct wl_err err;

        assert_fails(wl_reference_parse(cases[i].s, &r, &err), WL_USAGE, cases[i].why);
    }
}

/* What a login is for. */
static void logins(void **state) {
    static const struct {
        const char *s, *host, *path;
    } good[] = {
        {"Ghcr.io", "ghcr.io", ""},
        {"https://ghcr.io/", "ghcr.io", ""},
        {"https://index.docker.io/v1/", "docker.io", ""},
        {"ghcr.io/team", "ghcr.io", "team"},
        {"https://Ghcr.io:5000/team/app/", "ghcr.io:5000", "team/app"},
        {"localhost/team", "localhost", "team"},
        {"index.docker.io/me", "docker.io", "me"},
        {"[::1]:5000/team", "[::1]:5000", "team"},
    };
    static const struct {
        const char *s, *why;
    } wrong[] = {
        {"team/app", "is no registry host"},      {"ghcr.io/Team", "lower case"},
        {"ghcr.io/team:1", "no namespace"},       {"ghcr.io/../x", "no namespace"},
        {"ghcr.io/a//b", "empty part"},           {"ghcr.io/v2/", "API and no namespace"},
        {"http://ghcr.io/a", "without a scheme"}, {"me:canary@ghcr.io/team", "no user"},
        {"ghcr.io:0/team", "1 to 65535"},         {"https:///team", "without a path"},
        {"ghcr.io//", "name is empty"},
    };
    char host[WL_REF_HOST_MAX + 1];
    char path[WL_REF_PATH_MAX + 1];
    struct wl_err err;

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(good); i++) {
        assert_ok(wl_reference_parse_login(good[i].s, host, path, &err));
        assert_string_equal(host, good[i].host);
        assert_string_equal(path, good[i].path);
    }
    for (size_t i = 0; i < WL_ARRAY_LEN(wrong); i++) {
        assert_fails(wl_reference_parse_login(wrong[i].s, host, path, &err), WL_USAGE, wrong[i].why);
        assert_null(strstr(err.msg, "canary"));
    }
}

static void hosts(void **state) {
    char host[WL_REF_HOST_MAX + 1];
    struct wl_reference r;
    struct wl_err err;

    (void)state;
    assert_ok(wl_reference_parse_host("Localhost:5000", host, &err));
    assert_string_equal(host, "localhost:5000");
    assert_ok(wl_reference_parse_host("https://index.docker.io/v1/", host, &err));
    assert_string_equal(host, "docker.io");
    assert_ok(wl_reference_parse_host("registry-1.docker.io", host, &err));
    assert_string_equal(host, "docker.io");
    assert_ok(wl_reference_parse_host("https://ghcr.io", host, &err));
    assert_string_equal(host, "ghcr.io");
    assert_ok(wl_reference_parse_host("https://Ghcr.io:5000/", host, &err));
    assert_string_equal(host, "ghcr.io:5000");
    assert_fails(wl_reference_parse_host("http://ghcr.io", host, &err), WL_USAGE, "without a scheme");
    assert_fails(wl_reference_parse_host("https://ghcr.io/team", host, &err), WL_USAGE, "without a path");
    assert_fails(wl_reference_parse_host("https:///", host, &err), WL_USAGE, "");
    assert_fails(wl_reference_parse_host("me:canary@ghcr.io", host, &err), WL_USAGE, "no password");
    assert_null(strstr(err.msg, "canary"));
    assert_fails(wl_reference_parse_host("https://me:canary@ghcr.io", host, &err), WL_USAGE, "no password");
    assert_null(strstr(err.msg, "canary"));
    assert_fails(wl_reference_parse("me:canary@ghcr.io/a:1", &r, &err), WL_USAGE, "no password");
    assert_null(strstr(err.msg, "canary"));
    assert_fails(wl_reference_parse("https://me:canary@ghcr.io/a:1", &r, &err), WL_USAGE, "no password");
    assert_null(strstr(err.msg, "canary"));
    assert_fails(wl_reference_parse_host("ghcr.io/team", host, &err), WL_USAGE, "without a path");
    assert_fails(wl_reference_parse_host("a b", host, &err), WL_USAGE, "is no registry host");
    assert_fails(wl_reference_parse_host("", host, &err), WL_USAGE, "is no registry host");
}

static void loopback(void **state) {
    static const char *const yes[] = {"localhost",    "localhost:5000", "LOCALHOST:1", "a.localhost", "127.0.0.1",
                                      "127.0.0.1:80", "127.1.2.3:80",   "[::1]",       "[::1]:5000"};
    static const char *const no[] = {
        "127.example.com", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "127.0.0",
        "[fe80::1]:5000",  "notlocalhost",          "127.0.0.1.:80",         "",         "127.0.0.1000"};

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(yes); i++)
        if (!wl_host_is_loopback(yes[i]))
            fail_msg("%s is on this machine", yes[i]);
    for (size_t i = 0; i < WL_ARRAY_LEN(no); i++)
        if (wl_host_is_loopback(no[i]))
            fail_msg("%s is not on this machine", no[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),  cmocka_unit_test(round_trip), cmocka_unit_test(bad),
        cmocka_unit_test(hosts), cmocka_unit_test(logins),     cmocka_unit_test(loopback),
    };

    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
