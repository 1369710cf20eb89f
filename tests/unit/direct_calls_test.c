/* direct_calls.c on modules written byte by byte. */
#include "test.h"

#include <string.h>

#include "../../tool/wasm/direct_calls.h"
#include "../../tool/wasm/edit.h"

/* A module with the types () -> (), (i32) -> i32 twice, a table of `slots`, functions f0 (type 0), f1 (type 1), f2 (type 2), and
 * a caller of `type` (body: push, call_indirect). elems: the element section's payload. */
struct maker {
    uint32_t slots;
    const char *elems;
    size_t n_elems;
    bool exported;
    const char *custom;
};

static void section(struct wl_buf *out, uint8_t id, const char *p, size_t n) {
    wl_wasm_put_section(out, id, (struct wl_blob){(const uint8_t *)p, n});
}
#define SECTION(out, id, text) section(out, id, text, sizeof(text) - 1)

static void put_code(struct wl_buf *out) {
    WL_AUTO(wl_buf_release) struct wl_buf code = {0}, body = {0};

    wl_buf_add(&code, "\x04\x02\x00\x0b\x04\x00\x20\x00\x0b\x04\x00\x20\x00\x0b", 14);
    wl_buf_addc(&body, 0);
    wl_buf_add(&body, "\x41\x05\x20\x00\x11\x02\x00\x0b", 8); /* i32.const 5, local.get 0, call_indirect (type 2) */
    wl_wasm_put_u32(&code, (uint32_t)body.len);
    wl_buf_add(&code, body.p, body.len);
    section(out, WL_SEC_CODE, code.p, code.len);
}

static struct wl_blob make(struct wl_buf *out, const struct maker *k) {
    WL_AUTO(wl_buf_release) struct wl_buf table = {0};

    wl_buf_add(out, WL_WASM_HEADER, WL_WASM_HEADER_LEN);
    SECTION(out, WL_SEC_TYPE, "\x03\x60\x00\x00\x60\x01\x7f\x01\x7f\x60\x01\x7f\x01\x7f");
    SECTION(out, WL_SEC_FUNCTION, "\x04\x00\x01\x02\x01");
    wl_buf_add(&table, "\x01\x70\x00", 3);
    wl_wasm_put_u32(&table, k->slots);
    section(out, WL_SEC_TABLE, table.p, table.len);
    if (k->exported)
        SECTION(out, WL_SEC_EXPORT, "\x01\x01t\x01\x00");
    section(out, WL_SEC_ELEMENT, k->elems, k->n_elems);
    put_code(out);
    if (k->custom)
        wl_wasm_put_custom(out, k->custom, (struct wl_blob){(const uint8_t *)"x", 1});
    wl_wasm_put_custom(out, "name",
                       (struct wl_blob){(const uint8_t *)"\x01\x04\x01\x00\x01"
                                                         "f",
                                        6});
    return wl_wasm_blob(out);
}

#define ELEMS "\x01\x00\x41\x01\x0b\x03\x00\x01\x02" /* f0 f1 f2 from 1 on */
static const struct maker plain = {.slots = 8, .elems = ELEMS, .n_elems = sizeof(ELEMS) - 1};

static struct wl_direct_calls_stats rewrite(const struct maker *k, const struct wl_direct_calls_options *o,
                                            struct wl_buf *ret) {
    WL_AUTO(wl_buf_release) struct wl_buf in = {0};
    struct wl_direct_calls_stats s;
    struct wl_err err;
    struct wl_blob b = make(&in, k);

    assert_ok(wl_wasm_direct_calls(b, o, ret, &s, &err));
    assert_int_equal(s.size_before, b.len);
    assert_int_equal(s.size_after, ret->len);
    if (!s.changed)
        assert_true(wl_blob_equal(b, wl_wasm_blob(ret)));
    return s;
}

static void test_rewrites(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0}, again = {0};
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    struct wl_direct_calls_stats s = rewrite(&plain, NULL, &out);
    struct wl_err err;

    (void)state;
    assert_true(s.changed);
    assert_int_equal(s.sites, 1);
    assert_int_equal(s.direct, 1);
    assert_int_equal(s.types, 1);
    assert_int_equal(s.entries, 2); /* both (i32) -> i32, under their two indices */
    assert_string_equal(s.reason, "");
    assert_ok(wl_wasm_parse(&m, wl_wasm_blob(&out), &err));
    assert_int_equal(m.n_funcs, 6);
    assert_int_equal(m.n_types, 4); /* (i32 i32) -> i32 */
    assert_int_equal(m.types[3].params.len, 2);
    /* The caller: i32.const 5, local.get 0, call 5. */
    assert_int_equal(m.codes[3].end - m.codes[3].at, 8);
    assert_memory_equal(m.bytes.p + m.codes[3].at, "\x00\x41\x05\x20\x00\x10\x05\x0b", 8);
    /* table_T: local.get 0, local.get 1, call_indirect (type 1), end. */
    assert_memory_equal(m.bytes.p + m.codes[4].at, "\x00\x20\x00\x20\x01\x11\x01\x00\x0b", 9);
    /* direct_T: three blocks; index - 2; br_table 2 labels, case 0, case 1, default. */
    assert_memory_equal(m.bytes.p + m.codes[5].at,
                        "\x00\x02\x40\x02\x40\x02\x40\x20\x01\x41\x02\x6b\x0e\x02\x01\x02\x00\x0b"
                        "\x20\x00\x20\x01\x10\x04\x0f\x0b\x20\x00\x10\x01\x0f\x0b\x20\x00\x10\x02\x0b",
                        37);
    assert_non_null(memmem(out.p, out.len, "__wl_direct_0", 13));
    assert_ok(wl_wasm_direct_calls(wl_wasm_blob(&out), NULL, &again, &s, &err));
    assert_false(s.changed);
}

static void test_options(void **state) {
    static const struct wl_direct_calls_options apart = {.gap = 0, .peel = 101};
    static const struct wl_direct_calls_options trust = {.gap = 16, .peel = 25, .exported_constant = true};
    struct maker k = plain, exported = plain;
    WL_AUTO(wl_buf_release) struct wl_buf out = {0}, near = {0}, far = {0};

    (void)state;
    /* f1 at 0, f2 at 2: one range with a gap, or two comparisons. */
    k.elems = "\x02\x00\x41\x00\x0b\x01\x01\x00\x41\x02\x0b\x01\x02";
    k.n_elems = 13;
    assert_true(rewrite(&k, NULL, &near).changed);
    assert_non_null(memmem(near.p, near.len, "\x0e\x03\x01\x00\x02\x00", 6));
    assert_true(rewrite(&k, &apart, &far).changed);
    assert_null(memmem(far.p, far.len, "\x0e\x03", 2));
    exported.exported = true;
    assert_true(rewrite(&exported, &trust, &out).changed);
}

static void test_stays(void **state) {
    struct {
        struct maker k;
        const char *reason;
    } cases[] = {
        {plain, "table 0 is exported"},           {plain, "does not fit into table 0"},
        {plain, "has no constant offset"},        {plain, "has more entries than the limit"},
        {plain, "has a known entry of its type"}, {plain, "it is not linked yet"},
    };

    (void)state;
    cases[0].k.exported = true;
    cases[1].k.slots = 3;
    cases[2].k.elems = "\x01\x00\x41\x00\x41\x00\x6a\x0b\x01\x01"; /* i32.add: an extended constant */
    cases[2].k.n_elems = 10;
    cases[3].k.slots = 1000001;
    cases[4].k.elems = "\x01\x00\x41\x01\x0b\x01\x00"; /* f0 alone */
    cases[4].k.n_elems = 7;
    cases[5].k.custom = "reloc.CODE";
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        WL_AUTO(wl_buf_release) struct wl_buf out = {0};
        struct wl_direct_calls_stats s;

        s = rewrite(&cases[i].k, NULL, &out);
        assert_false(s.changed);
        if (!strstr(s.reason, cases[i].reason))
            fail_msg("case %zu: \"%s\", want \"%s\"", i, s.reason, cases[i].reason);
    }
}

static void test_sections(void **state) {
    struct maker k = plain;
    WL_AUTO(wl_buf_release) struct wl_buf out = {0}, kept = {0};

    (void)state;
    k.custom = ".debug_info";
    assert_true(rewrite(&k, NULL, &out).changed);
    assert_null(memmem(out.p, out.len, ".debug_info", 11));
    k.custom = "producers";
    assert_true(rewrite(&k, NULL, &kept).changed);
    assert_non_null(memmem(kept.p, kept.len, "producers", 9));
}

static void test_bad(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf in = {0}, out = {0};
    struct wl_blob b = make(&in, &plain);
    struct wl_err err;
    char *at;

    (void)state;
    wl_buf_adds(&out, "before");
    at = memmem(in.p, in.len, "\x11\x02\x00\x0b", 4);
    assert_non_null(at);
    at[1] = 9;
    assert_fails(wl_wasm_direct_calls(b, NULL, &out, NULL, &err), WL_FAILED, "unknown type 9");
    at[1] = 2;
    at[2] = 1;
    assert_fails(wl_wasm_direct_calls(b, NULL, &out, NULL, &err), WL_FAILED, "unknown table 1");
    assert_fails(wl_wasm_direct_calls((struct wl_blob){b.p, 5}, NULL, &out, NULL, &err), WL_FAILED,
                 "not a WebAssembly");
    assert_string_equal(wl_buf_str(&out), "before");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rewrites), cmocka_unit_test(test_options), cmocka_unit_test(test_stays),
        cmocka_unit_test(test_sections), cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
