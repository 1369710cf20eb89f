/* registry/challenge: WWW-Authenticate as registries send it. */
#include <string.h>

#include "test.h"

#include "../../registry/challenge.h"

/* The challenges as text: "Scheme{name=value;name=value} Scheme{}", with "!" behind when the parser stopped. */
static char *shown(const char *header) {
    WL_AUTO(wl_challenges_release) struct wl_challenges c = {0};
    struct wl_buf b = {0};
    int rc = wl_challenges_parse(&c, header);

    for (size_t i = 0; i < c.n; i++) {
        wl_buf_addf(&b, "%s%s{", i ? " " : "", c.v[i].scheme);
        for (size_t k = 0; k + 1 < c.v[i].params.n; k += 2)
            wl_buf_addf(&b, "%s%s=%s", k ? ";" : "", c.v[i].params.v[k], c.v[i].params.v[k + 1]);
        wl_buf_addc(&b, '}');
    }
    if (rc < 0)
        wl_buf_addc(&b, '!');
    return wl_buf_steal(&b);
}

static void forms(void **state) {
    static const struct {
        const char *header, *want;
    } cases[] = {
        {"Basic realm=\"x\"", "Basic{realm=x}"},
        {"Bearer realm=\"https://a/token\",service=\"a b\",scope=\"repository:a/b:pull,push\"",
         "Bearer{realm=https://a/token;service=a b;scope=repository:a/b:pull,push}"},
        /* combined, with commas inside the quotes */
        {"Basic realm=\"a, Bearer realm=\\\"no\\\"\", Bearer realm=\"https://t\" , scope=\"x:y:pull,push\"",
         "Basic{realm=a, Bearer realm=\"no\"} Bearer{realm=https://t;scope=x:y:pull,push}"},
        {"Bearer realm=\"https://t\",Basic realm=\"r\"", "Bearer{realm=https://t} Basic{realm=r}"},
        {"bearer Realm=t, SERVICE=s", "bearer{realm=t;service=s}"},
        {"Bearer realm = \"t\" ,, service=s", "Bearer{realm=t;service=s}"},
        {"Negotiate", "Negotiate{}"},
        {"Negotiate, Basic realm=x", "Negotiate{} Basic{realm=x}"},
        {"Negotiate YIIxx==, Basic realm=x", "Negotiate{} Basic{realm=x}"},
        {"NTLM, Negotiate", "NTLM{} Negotiate{}"},
        {"Basic", "Basic{}"},
        {"Bearer realm=\"t\",realm=\"evil\"", "Bearer{realm=t}"}, /* the first counts */
        {"Bearer error=\"insufficient_scope\", realm=\"t\"", "Bearer{error=insufficient_scope;realm=t}"},
        {"", ""},
        {" , ,", ""},
        /* broken ones */
        {"Bearer realm=\"t", "Bearer{}!"},
        {"Bearer realm=\"t\" service=s", "Bearer{realm=t}!"},
        {"=x", "!"},
        {"\"Basic\"", "!"},
        {"Basic realm=x, \x01", "Basic{realm=x}!"},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        WL_AUTOFREE char *got = shown(cases[i].header);

        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s\n  gives %s\n  not   %s", cases[i].header, got, cases[i].want);
    }
}

static void several_lines(void **state) {
    WL_AUTO(wl_challenges_release) struct wl_challenges c = {0};

    (void)state;
    assert_int_equal(wl_challenges_parse(&c, "Basic realm=\"r\""), 0);
    assert_int_equal(wl_challenges_parse(&c, "Bearer realm=\"t\""), 0);
    assert_non_null(wl_challenges_find(&c, "BASIC"));
    assert_string_equal(wl_challenge_param(wl_challenges_find(&c, "bearer"), "realm"), "t");
    assert_null(wl_challenges_find(&c, "digest"));
    assert_null(wl_challenge_param(wl_challenges_find(&c, "bearer"), "service"));
}

static void limits(void **state) {
    WL_AUTO(wl_challenges_release) struct wl_challenges c = {0};
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        wl_buf_adds(&b, "Basic, ");
    assert_int_equal(wl_challenges_parse(&c, wl_buf_str(&b)), -1);
    assert_int_equal(c.n, WL_CHALLENGES_MAX);
    wl_buf_clear(&b);
    wl_challenges_release(&c);
    wl_buf_adds(&b, "Basic a=b");
    for (int i = 0; i < 1000; i++)
        wl_buf_addf(&b, ",p%d=%d", i, i);
    assert_int_equal(wl_challenges_parse(&c, wl_buf_str(&b)), 0);
    assert_int_equal(c.v[0].params.n, WL_CHALLENGE_PARAMS_MAX * 2);
    for (int i = 0; i < 10000; i++)
        wl_buf_adds(&b, ",p=q");
    assert_int_equal(wl_challenges_parse(&c, wl_buf_str(&b)), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(several_lines),
                                       cmocka_unit_test(limits)};

    return cmocka_run_group_tests_name("challenge", tests, NULL, NULL);
}
