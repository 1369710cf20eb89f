/* Compression: the same bytes whatever the threads and the pieces, and what the usual programs make of them. */
#include <stdio.h>
#include <string.h>

#include "test.h"

#include "../../tool/base/digest.h"
#include "../../tool/base/gzip.h"
#include "../../tool/base/pack_zstd.h"
#include "../../tool/base/proc.h"

#define BIG (7 * (1u << 20) + 12345)

static const struct wl_codec *const codecs[] = {&wl_codec_gzip, &wl_codec_gzip_max, &wl_codec_zstd, &wl_codec_zstd_max};

static int to_buf(void *arg, const void *p, size_t n, struct wl_err *err) {
    (void)err;
    wl_buf_add(arg, p, n);
    return 0;
}

/* Bytes that compress a little, the same everywhere. */
static void noise(char *p, size_t n) {
    uint32_t x = 12345;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (char)(x >> 27);
    }
}

static void pack(const struct wl_codec *c, unsigned threads, const char *data, size_t n, size_t step,
                 struct wl_buf *ret) {
    struct wl_pack *z = wl_pack_open(c, threads, to_buf, ret);
    struct wl_err err;

    for (size_t at = 0; at < n; at += step)
        assert_ok(wl_pack_add(z, data + at, n - at < step ? n - at : step, &err));
    assert_ok(wl_pack_finish(z, &err));
    wl_pack_free(z);
}

static void unpacks(const struct wl_codec *c, const struct wl_buf *packed, const char *data, size_t n) {
    WL_AUTO(wl_buf_release) struct wl_buf back = {0};
    const char *const argv[] = {c->zstd ? "zstd" : "gzip", "-dc", NULL};
    struct wl_proc p = {.argv = argv, .out = &back, .input = {(const uint8_t *)packed->p, packed->len}};
    struct wl_err err;

    assert_ok(wl_proc_check(&p, &err));
    assert_int_equal(back.len, n);
    assert_memory_equal(back.p, data, n);
}

static void same_bytes(void **state) {
    char *data = wl_malloc(BIG);

    (void)state;
    noise(data, BIG);
    for (size_t k = 0; k < WL_ARRAY_LEN(codecs); k++) {
        const struct wl_codec *c = codecs[k];
        const size_t sizes[] = {0, 1, c->block + 1, c->block - 1, c->block, 3 * c->block, BIG};
        bool slow = strstr(c->name, "max") != NULL; /* less of those */
        size_t n_sizes = slow ? 3 : WL_ARRAY_LEN(sizes);

        for (size_t i = 0; i < n_sizes; i++) {
            WL_AUTO(wl_buf_release) struct wl_buf one = {0};

            pack(c, 1, data, sizes[i], sizes[i] ? sizes[i] : 1, &one);
            for (unsigned threads = 2; threads <= (slow ? 2 : 9); threads += threads < 3 ? 1 : 6) {
                WL_AUTO(wl_buf_release) struct wl_buf many = {0};

                pack(c, threads, data, sizes[i], threads == 2 ? 7777 : 300000, &many);
                assert_int_equal(one.len, many.len);
                if (one.len)
                    assert_memory_equal(one.p, many.p, one.len);
            }
            if (sizes[i])
                unpacks(c, &one, data, sizes[i]);
        }
    }
    free(data);
}

/* What cannot be compressed stays within the bound. */
static void incompressible(void **state) {
    char *data = wl_malloc(WL_ZSTD_FRAME);
    uint64_t x = 88172645463325252ull;

    (void)state;
    for (size_t i = 0; i < WL_ZSTD_FRAME; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        data[i] = (char)(x >> 32);
    }
    for (size_t k = 0; k < WL_ARRAY_LEN(codecs); k++) {
        WL_AUTO(wl_buf_release) struct wl_buf out = {0};

        pack(codecs[k], 2, data, WL_ZSTD_FRAME, WL_ZSTD_FRAME, &out);
        assert_true(out.len > WL_ZSTD_FRAME && out.len < WL_ZSTD_FRAME + (WL_ZSTD_FRAME >> 8));
        unpacks(codecs[k], &out, data, WL_ZSTD_FRAME);
    }
    free(data);
}

/* A new version of a library may compress differently: it then has another name, and gets a line here. */
static void bytes_per_version(void **state) {
    static const char *const known[][2] = {
        {"libdeflate 1.14 gzip-6 1M", "sha256:9f2b11666a3d933ed6bbb8f52797a3ea6bfa4f3defbfed3c94a6d716cc2bbe90"},
        {"libdeflate 1.14 gzip-12 1M", "sha256:7f9d734e426d1b1d36bd633183e9acd55e40057d861cffd77fda2bab7a8f490c"},
        {"libzstd 1.5.4 zstd-9 h19 c18 2M", "sha256:3914e01930be9441f2bb236d23ef47ee44846fa4c04dd2933e08390608116586"},
        {"libzstd 1.5.4 zstd-19 h19 c19 2M", "sha256:58073ce27964597ee6df15f3e3af639d5704cb2312b46b966b856354564956e6"},
    };
    char data[100000];

    (void)state;
    noise(data, sizeof(data));
    for (size_t k = 0; k < WL_ARRAY_LEN(codecs); k++) {
        WL_AUTO(wl_buf_release) struct wl_buf out = {0};
        struct wl_digest d;

        pack(codecs[k], 1, data, sizeof(data), sizeof(data), &out);
        d = wl_digest_of(out.p, out.len);
        for (size_t i = 0; i < WL_ARRAY_LEN(known); i++)
            if (strcmp(known[i][0], codecs[k]->version()) == 0)
                assert_string_equal(wl_digest_str(&d).s, known[i][1]);
    }
}

static int full_disk(void *arg, const void *p, size_t n, struct wl_err *err) {
    (void)p;
    (void)n;
    return ++*(int *)arg < 3 ? 0 : wl_fail(err, WL_FAILED, "no room");
}

/* A sink that fails ends the stream, and nothing hangs. */
static void failing_sink(void **state) {
    char *data = wl_calloc(BIG, 1);

    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        int calls = 0;
        struct wl_pack *z = wl_pack_open(&wl_codec_gzip, threads, full_disk, &calls);
        struct wl_err err;
        int rc = 0;

        for (int i = 0; rc == 0 && i < 9; i++)
            rc = wl_pack_add(z, data, WL_GZIP_MEMBER, &err);
        if (rc == 0)
            rc = wl_pack_finish(z, &err);
        assert_fails(rc, WL_FAILED, "no room");
        wl_pack_free(z);
    }
    free(data);
}

static void names(void **state) {
    (void)state;
    assert_ptr_equal(wl_codec_find(NULL), &wl_codec_gzip);
    for (size_t i = 0; wl_codec_names[i]; i++)
        assert_string_equal(wl_codec_find(wl_codec_names[i])->name, wl_codec_names[i]);
    assert_null(wl_codec_find("lzma"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes),   cmocka_unit_test(incompressible), cmocka_unit_test(bytes_per_version),
        cmocka_unit_test(failing_sink), cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
