#include "test.h"

#include <string.h>

#include "../../tool/wasm/lower_eh.h"
#include "../../tool/wasm/module.h"

#define HEAD "\0asm\1\0\0\0"

/* A module from string literals, which may hold NULs. */
#define MODULE(s) ((struct wl_blob){(const uint8_t *)(HEAD s), sizeof(HEAD s) - 1})

static int parse(struct wl_blob b, struct wl_err *err) {
    struct wl_wasm_module m = {0};
    uint8_t *exact = wl_memdup(b.p, b.len); /* AddressSanitizer sees a read behind the end */
    unsigned features;
    int r = wl_wasm_parse(&m, (struct wl_blob){exact, b.len}, err);

    if (r == 0)
        r = wl_wasm_features(&m, &features, err);
    wl_wasm_release(&m);
    free(exact);
    return r;
}

/* --- numbers --- */

static void unsigned_numbers(void **state) {
    static const struct {
        const char *bytes;
        size_t len;
        uint32_t want;
        const char *error;
    } cases[] = {
        {"\x00", 1, 0, NULL},
        {"\x7f", 1, 127, NULL},
        {"\x80\x01", 2, 128, NULL},
        {"\x80\x80\x80\x80\x00", 5, 0, NULL},
        {"\xff\xff\xff\xff\x0f", 5, UINT32_MAX, NULL},
        {"\xff\xff\xff\xff\x1f", 5, 0, "too large"},
        {"\x80\x80\x80\x80\x80\x00", 6, 0, "too long"},
        {"\x80", 1, 0, "unexpected end"},
        {"", 0, 0, "unexpected end"},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        struct wl_wasm_cursor c = {(const uint8_t *)cases[i].bytes, 0, cases[i].len};
        struct wl_err err;
        uint32_t v = 77;

        if (cases[i].error) {
            assert_fails(wl_wasm_u32(&c, &v, &err), WL_FAILED, cases[i].error);
            continue;
        }
        assert_ok(wl_wasm_u32(&c, &v, &err));
        assert_int_equal(v, cases[i].want);
        assert_int_equal(c.pos, cases[i].len);
    }
}

static void signed_numbers(void **state) {
    static const int64_t values[] = {0,         1,         -1,        63,        64,        -64,         -65,
                                     INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 1LL << 40, -(1LL << 40)};
    struct wl_err err;

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(values); i++) {
        WL_AUTO(wl_buf_release) struct wl_buf b = {0};
        struct wl_wasm_cursor c;
        int64_t v = 0;

        wl_wasm_put_s64(&b, values[i]);
        c = (struct wl_wasm_cursor){(const uint8_t *)b.p, 0, b.len};
        assert_ok(wl_wasm_sleb(&c, 64, &v, &err));
        assert_true(v == values[i]);
        c.pos = 0;
        if (values[i] > INT32_MAX || values[i] < INT32_MIN)
            assert_int_equal(wl_wasm_sleb(&c, 32, &v, &err), -1);
        else
            assert_ok(wl_wasm_sleb(&c, 32, &v, &err));
    }
}

/* --- modules that are none --- */

static void bad_modules(void **state) {
    static const struct {
        struct wl_blob module;
        const char *error;
    } cases[] = {
        {{(const uint8_t *)"", 0}, "the magic number is missing at offset 0x0"},
        {{(const uint8_t *)"\177ELF\2\1\1\0", 8}, "the magic number is missing"},
        {{(const uint8_t *)"\0asm\2\0\0\0", 8}, "unknown version"},
        {{(const uint8_t *)"\0asm\x0d\0\1\0", 8}, "a component, not a core module"},
        {MODULE("\1\5\1"), "type section of 5 bytes, but 1 are left"},
        {MODULE("\x0e\0"), "unknown section 14"},
        {MODULE("\3\1\0\1\1\0"), "type section out of order"},
        {MODULE("\1\1\0\1\1\0"), "type section out of order"},
        {MODULE("\1\2\0\0"), "1 bytes too many in the type section"},
        {MODULE("\1\4\1\x60\1\1"), "unknown value type 0x1"},
        {MODULE("\1\4\1\x60\1\x63"), "typed references"},
        {MODULE("\1\4\1\x5f\0\0"), "garbage collection types"},
        {MODULE("\1\5\xff\xff\xff\xff\x0f"), "entries, more than"},
        {MODULE("\1\2\5\0"), "5 entries do not fit"},
        {MODULE("\3\2\1\0"), "unknown type 0"},
        {MODULE("\1\4\1\x60\0\0\3\2\1\0"), "0 function bodies for 1 functions"},
        {MODULE("\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\5\0\x0b"), "does not fit"},
        {MODULE("\1\4\1\x60\0\0\3\2\1\0\x0a\5\1\3\0\xff\x0b"), "unknown instruction 0xff"},
        {MODULE("\1\4\1\x60\0\0\3\2\1\0\x0a\5\1\3\0\x20\x80"), "unexpected end"},
        {MODULE("\1\4\1\x60\0\0\3\2\1\0\x0a\7\1\5\1\x81\x87\x03\x7f"), "more than 50000 locals"},
        {MODULE("\4\2\5\x70"), "5 entries do not fit"},
        {MODULE("\5\4\1\1\2\1"), "maximum below the minimum"},
        {MODULE("\6\6\1\x7f\0\x20\0\x0b"), "in a constant expression"},
        {MODULE("\7\5\1\1x\0\0"), "unknown func 0"},
        {MODULE("\7\5\1\1\xff\0\0"), "name is not UTF-8"},
        {MODULE("\0\2\5x"), "name of 5 bytes is too long"},
        {MODULE("\x0b\7\1\0\x41\0\x0b\1x"), "unknown memory 0"},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        struct wl_err err;

        assert_fails(parse(cases[i].module, &err), WL_FAILED, "not a WebAssembly module: ");
        if (!strstr(err.msg, cases[i].error))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.msg, cases[i].error);
        assert_non_null(strstr(err.msg, " at offset 0x"));
    }
}

static void section(struct wl_buf *out, uint8_t id, const char *p, size_t n) {
    wl_wasm_put_section(out, id, (struct wl_blob){(const uint8_t *)p, n});
}
#define SECTION(out, id, s) section(out, id, s, sizeof(s) - 1)

/* A code section of one body without locals. */
static void one_body(struct wl_buf *out, const char *p, size_t n) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    wl_wasm_put_u32(&b, 1);
    wl_wasm_put_u32(&b, (uint32_t)n + 1);
    wl_wasm_put_u32(&b, 0);
    wl_buf_add(&b, p, n);
    section(out, WL_SEC_CODE, b.p, b.len);
}

static void reads(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf in = {0};
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    struct wl_err err;
    unsigned features = 0;

    (void)state;
    wl_buf_add(&in, HEAD, 8);
    SECTION(&in, WL_SEC_TYPE, "\2\x60\1\x7f\1\x7f\x60\0\2\x7e\x7d");
    SECTION(&in, WL_SEC_IMPORT, "\1\3env\1f\0\0");
    SECTION(&in, WL_SEC_FUNCTION, "\1\0");
    SECTION(&in, WL_SEC_TABLE, "\1\x70\0\2");
    SECTION(&in, WL_SEC_MEMORY, "\1\1\1\2");
    SECTION(&in, WL_SEC_GLOBAL, "\1\x7f\1\x41\x2a\x0b");
    SECTION(&in, WL_SEC_EXPORT, "\1\3run\0\1");
    SECTION(&in, WL_SEC_ELEMENT, "\1\0\x41\1\x0b\2\0\1");
    SECTION(&in, WL_SEC_CODE, "\1\x09\1\2\x7b\x20\0\xfd\x0f\x1a\x0b");
    wl_wasm_put_custom(&in, "note", (struct wl_blob){0});
    assert_ok(wl_wasm_parse(&m, (struct wl_blob){(const uint8_t *)in.p, in.len}, &err));
    assert_int_equal(m.n_types, 2);
    assert_int_equal(m.types[1].results.len, 2);
    assert_int_equal(m.n_funcs, 2);
    assert_int_equal(m.n_imported[WL_KIND_FUNC], 1);
    assert_true(wl_blob_is(m.imports[0].module, "env"));
    assert_int_equal(m.memories[0].max, 2);
    assert_true(m.globals[0].is_mutable);
    assert_true(wl_blob_is(m.exports[0].name, "run"));
    assert_int_equal(m.elems[0].offset.value, 1);
    assert_int_equal(m.elems[0].n, 2);
    assert_int_equal(m.elems[0].funcs[1], 1);
    assert_int_equal(m.codes[0].n_locals, 2);
    assert_non_null(wl_wasm_custom(&m, "note"));
    assert_null(wl_wasm_custom(&m, "not"));
    assert_ok(wl_wasm_features(&m, &features, &err));
    assert_int_equal(features, WL_WASM_F_SIMD | WL_WASM_F_MULTIVALUE);
}

/* --- lowering --- */

static void lower_ok(const struct wl_buf *in, struct wl_buf *out, struct wl_wasm_module *m,
                     struct wl_lower_eh_stats *st) {
    struct wl_err err;

    assert_ok(wl_wasm_lower_eh((struct wl_blob){(const uint8_t *)in->p, in->len}, out, st, &err));
    assert_ok(wl_wasm_parse(m, (struct wl_blob){(const uint8_t *)out->p, out->len}, &err));
}

static bool has_bytes(struct wl_blob in, const char *p, size_t n) {
    return memmem(in.p, in.len, p, n) != NULL;
}
#define HAS(blob, s) has_bytes(blob, s, sizeof(s) - 1)

/* block (result i32), i32.const 5, try_table (param i32) (result i32) (catch 0 0), throw or call, end, end */
static void block_parameters(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf in = {0}, out = {0};
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    struct wl_lower_eh_stats st;
    static const char body[] = "\x02\x7f\x41\5\x1f\1\1\0\0\0\x08\0\x0b\x0b\x0b";

    (void)state;
    wl_buf_add(&in, HEAD, 8);
    SECTION(&in, WL_SEC_TYPE, "\3\x60\0\1\x7f\x60\1\x7f\1\x7f\x60\1\x7f\0");
    SECTION(&in, WL_SEC_FUNCTION, "\1\0");
    SECTION(&in, WL_SEC_TAG, "\1\0\2");
    SECTION(&in, WL_SEC_EXPORT, "\1\1f\0\0");
    one_body(&in, body, sizeof(body) - 1);
    lower_ok(&in, &out, &m, &st);
    assert_true(st.changed);
    assert_int_equal(st.tries, 1);
    assert_int_equal(st.throws, 1);
    assert_int_equal(st.may_throw, 0); /* all is caught inside: no wrapper, no block around the body */
    assert_int_equal(m.n_codes, 1);
    assert_int_equal(m.n_tags, 0);
    assert_int_equal(m.n_globals, 2);
    /* block T1, block T2 (its parameters alone), set payload, flag = 1, br 0, end, payload, flag = 0, br 1, end */
    assert_true(HAS(((struct wl_blob){m.bytes.p + m.codes[0].insns, m.codes[0].end - m.codes[0].insns}),
                    "\x02\x7f\x41\5\x02\1\x02\2\x24\1\x41\1\x24\0\x0c\0\x0b\x23\1\x41\0\x24\0\x0c\1\x0b\x0b\x0b"));
}

/* Exported functions that throw get a guard; names and features follow; debug sections go. */
static void sections_follow(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf in = {0}, out = {0};
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    struct wl_lower_eh_stats st;
    const struct wl_wasm_section *s;

    (void)state;
    wl_buf_add(&in, HEAD, 8);
    SECTION(&in, WL_SEC_TYPE, "\2\x60\0\1\x7e\x60\0\0");
    SECTION(&in, WL_SEC_IMPORT, "\1\1e\1t\4\0\1");
    SECTION(&in, WL_SEC_FUNCTION, "\1\0");
    SECTION(&in, WL_SEC_EXPORT, "\3\1f\0\0\1g\0\0\1t\4\0");
    one_body(&in, "\x08\0\x0b", 3);
    wl_wasm_put_custom(&in, ".debug_info", (struct wl_blob){(const uint8_t *)"x", 1});
    wl_wasm_put_custom(&in, "keep", (struct wl_blob){(const uint8_t *)"x", 1});
    wl_wasm_put_custom(&in, "wasmedge", (struct wl_blob){(const uint8_t *)"x", 1});
    wl_wasm_put_custom(&in, "name", (struct wl_blob){(const uint8_t *)"\1\4\1\0\1f\x0b\4\1\0\1t", 12});
    wl_wasm_put_custom(&in, "target_features",
                       (struct wl_blob){(const uint8_t *)"\2+\x12"
                                                         "exception-handling+\x08sign-ext",
                                        31});
    lower_ok(&in, &out, &m, &st);
    assert_int_equal(st.may_throw, 1);
    assert_int_equal(m.n_imports, 0);
    assert_int_equal(m.n_exports, 2);
    assert_int_equal(m.n_codes, 2);
    assert_int_equal(m.exports[0].index, 1);
    assert_int_equal(m.exports[1].index, 1);
    assert_null(wl_wasm_section(&m, WL_SEC_TAG));
    assert_null(wl_wasm_custom(&m, ".debug_info"));
    assert_null(wl_wasm_custom(&m, "wasmedge"));
    assert_non_null(wl_wasm_custom(&m, "keep"));
    s = wl_wasm_custom(&m, "name");
    assert_non_null(s);
    assert_true(HAS(s->payload, "f.guard"));
    assert_false(HAS(s->payload, "\x0b"));
    s = wl_wasm_custom(&m, "target_features");
    assert_non_null(s);
    assert_true(wl_blob_is(s->payload, "\1+\x08sign-ext"));
    /* the guard: call, look, trap */
    assert_true(HAS(((struct wl_blob){m.bytes.p + m.codes[1].insns, m.codes[1].end - m.codes[1].insns}),
                    "\x10\0\x23\0\x04\x40\0\x0b\x0b"));
}

static void refused(void **state) {
    static const struct {
        const char *types, *tags, *error;
        const char *body;
        size_t types_len, tags_len, body_len;
    } cases[] = {
#define CASE(t, g, b, e) {t, g, e, b, sizeof(t) - 1, sizeof(g) - 1, sizeof(b) - 1}
        CASE("\1\x60\0\0", "\1\0\0", "\6\x40\x19\x0b\x0b", "-wasm-use-legacy-eh=false"),
        CASE("\1\x60\0\0", "\1\0\0", "\x08\1\x0b", "unknown tag 1"),
        CASE("\1\x60\0\0", "\1\0\0", "\x0c\1\x0b", "unknown label 1"),
        CASE("\1\x60\0\0", "\1\0\0", "\x02\x05\x0b\x0b", "unknown type 5"),
        CASE("\1\x60\0\0", "\1\0\0", "\x10\7\x0b", "unknown function 7"),
        CASE("\1\x60\0\0", "\1\0\0", "\x05\x0b", "else without if"),
        CASE("\1\x60\0\0", "\1\0\0", "\x0b\x0b", "behind the end"),
        CASE("\1\x60\0\0", "\1\0\0", "\x02\x40\x0b", "unexpected end"),
        CASE("\1\x60\0\0", "\1\0\0", "\x1f\x40\1\0\0\1\x0b\x0b", "unknown label 1"),
        CASE("\1\x60\0\0", "\1\0\0", "\xd0\x69\xd1\x1a\xd0\x69\x0a\x0b", "ref.is_null"),
        CASE("\2\x60\0\0\x60\2\x7f\x7f\0", "\1\0\1", "\xd0\x69\x0a\x0b", "more than 32 bits"),
        CASE("\1\x60\0\1\x69", "\1\0\0", "\xd0\x69\x0b", "exnref"),
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        WL_AUTO(wl_buf_release) struct wl_buf in = {0}, out = {0};
        struct wl_err err;
        int r;

        wl_buf_adds(&out, "before");
        wl_buf_add(&in, HEAD, 8);
        section(&in, WL_SEC_TYPE, cases[i].types, cases[i].types_len);
        SECTION(&in, WL_SEC_FUNCTION, "\1\0");
        section(&in, WL_SEC_TAG, cases[i].tags, cases[i].tags_len);
        one_body(&in, cases[i].body, cases[i].body_len);
        r = wl_wasm_lower_eh((struct wl_blob){(const uint8_t *)in.p, in.len}, &out, NULL, &err);
        if (r != -1 || !strstr(err.msg, cases[i].error))
            fail_msg("case %zu: result %d, \"%s\" (want \"%s\")", i, r, r ? err.msg : "", cases[i].error);
        assert_string_equal(wl_buf_str(&out), "before"); /* nothing is appended on failure */
    }
}

/* A call whose result only travels to the end needs no check; one before an effect does. */
static void checks_only_where_needed(void **state) {
    static const struct {
        const char *body;
        size_t len;
        uint32_t checked;
    } cases[] = {
#define BODY(b, n) {b, sizeof(b) - 1, n}
        BODY("\x10\1\x0b", 0),                             /* call, end */
        BODY("\x10\1\x0f\x0b", 0),                         /* call, return */
        BODY("\x02\x7f\x10\1\x0b\x0b", 0),                 /* block, call, end, end */
        BODY("\x02\x7f\x10\1\x0c\0\x0b\x0b", 0),           /* block, call, br 0, end, end */
        BODY("\x10\1\x41\1\x6a\x0b", 0),                   /* call, i32.const 1, i32.add, end */
        BODY("\x10\1\x41\1\x6d\x0b", 1),                   /* call, i32.const 1, i32.div_s: traps */
        BODY("\x10\1\x1a\x10\1\x0b", 1),                   /* call, drop, call */
        BODY("\x10\1\0\x0b", 1),                           /* call, unreachable */
        BODY("\x03\x7f\x10\1\x0c\0\x0b\x0b", 1),           /* loop, call, br 0 */
        BODY("\x41\0\x04\x7f\x10\1\x05\x41\2\x0b\x0b", 0), /* if, call, else, i32.const, end */
        BODY("\x02\x7f\x1f\x7f\1\2\1\x10\1\x0b\x0b\x0b",
             1), /* inside a try_table, catch_all out of the function's block */
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        WL_AUTO(wl_buf_release) struct wl_buf in = {0}, out = {0}, code = {0};
        WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
        struct wl_lower_eh_stats st;

        wl_buf_add(&in, HEAD, 8);
        SECTION(&in, WL_SEC_TYPE, "\2\x60\0\1\x7f\x60\0\0");
        SECTION(&in, WL_SEC_FUNCTION, "\2\0\0");
        SECTION(&in, WL_SEC_TAG, "\1\0\1");
        wl_wasm_put_u32(&code, 2);
        wl_wasm_put_u32(&code, (uint32_t)cases[i].len + 1);
        wl_buf_addc(&code, 0);
        wl_buf_add(&code, cases[i].body, cases[i].len);
        wl_buf_add(&code, "\4\0\x08\0\x0b", 5); /* function 1: throw */
        section(&in, WL_SEC_CODE, code.p, code.len);
        lower_ok(&in, &out, &m, &st);
        if (st.checked != cases[i].checked)
            fail_msg("case %zu: %u checks, want %u", i, st.checked, cases[i].checked);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsigned_numbers), cmocka_unit_test(signed_numbers),
        cmocka_unit_test(bad_modules),      cmocka_unit_test(reads),
        cmocka_unit_test(block_parameters), cmocka_unit_test(sections_follow),
        cmocka_unit_test(refused),          cmocka_unit_test(checks_only_where_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
