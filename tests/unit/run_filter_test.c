/* The guest's output without the runtime's log. */
#include <string.h>

#include "test.h"

#include "../../tool/cmd/run_filter.h"

#define LOG(level, text) "[2026-11-24 13:59:15.095] [" level "] " text "\n"
#define TRAP                                                                                                           \
    LOG("error", "execution failed: out of bounds memory access, Code: 0x408")                                         \
    LOG("error", "    When executing function name: \"_start\"")

/* Feeds text in pieces of n bytes; *ret_why as from the end. The output is a new string. */
static char *through(const char *text, size_t n, bool failed, char **ret_why) {
    WL_AUTO(wl_run_filter_release) struct wl_run_filter f = {0};
    struct wl_buf out = {0};
    size_t len = strlen(text);

    for (size_t at = 0; at < len; at += n)
        wl_run_filter_feed(&f, text + at, len - at < n ? len - at : n, &out);
    wl_run_filter_end(&f, failed, &out, ret_why);
    return wl_buf_steal(&out);
}

static void test_filter(void **state) {
    static const struct {
        const char *in;
        bool failed;
        const char *out, *why;
    } cases[] = {
        {"", false, "", NULL},
        {"hello\n", false, "hello\n", NULL},
        {"[1] [2", false, "[1] [2", NULL},
        {"[2026-11-24 13:59", false, "[2026-11-24 13:59", NULL},
        {"hello\n" TRAP, true, "hello\n", "out of bounds memory access"},
        /* in the middle of the guest's line */
        {"hello" TRAP, true, "hello", "out of bounds memory access"},
        {TRAP, true, "", "out of bounds memory access"},
        /* the guest's own: it goes on, or ends well */
        {"a\n" TRAP "b\n", true, "a\n" TRAP "b\n", NULL},
        {"a\n" TRAP, false, "a\n" TRAP, NULL},
        {"a\n" LOG("info", "x"), true, "a\n" LOG("info", "x"), NULL},
        /* before the guest starts */
        {LOG("info", "AOT arch type unmatched.") "hello\n", false, "hello\n", NULL},
        {LOG("info", "AOT arch type unmatched.") "hello\n" TRAP, true, "hello\n", "out of bounds memory access"},
        {"x" LOG("info", "mine") "y\n", false, "x" LOG("info", "mine") "y\n", NULL},
        {LOG("error", "loading failed: malformed section id, Code: 0x105"), true, "", "malformed section id"},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        for (size_t n = 1; n < 60; n++) {
            WL_AUTOFREE char *why = NULL;
            WL_AUTOFREE char *out = through(cases[i].in, n, cases[i].failed, &why);

            assert_string_equal(out, cases[i].out);
            if (cases[i].why)
                assert_string_equal(why, cases[i].why);
            else
                assert_null(why);
        }
    }
}

/* A prompt is not kept back, nor is what cannot be the start of a log line. */
static void test_at_once(void **state) {
    static const char *const prompts[] = {"> ", "lua> [x", "[y/n] ", "a[b]c [20x"};

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(prompts); i++) {
        WL_AUTO(wl_run_filter_release) struct wl_run_filter f = {0};
        WL_AUTO(wl_buf_release) struct wl_buf out = {0};

        wl_run_filter_feed(&f, prompts[i], strlen(prompts[i]), &out);
        assert_string_equal(wl_buf_str(&out), prompts[i]);
    }
}

/* A guest that prints log lines without end is not kept in memory. */
static void test_bounded(void **state) {
    WL_AUTO(wl_run_filter_release) struct wl_run_filter f = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};

    (void)state;
    wl_run_filter_feed(&f, "x\n", 2, &out);
    for (int i = 0; i < 10000; i++)
        wl_run_filter_feed(&f, LOG("error", "mine"), strlen(LOG("error", "mine")), &out);
    assert_true(f.held.len < 2 * 65536);
    assert_true(out.len > 300000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
