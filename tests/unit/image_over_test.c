/* Images over a base, byte for byte, in each format. `make golden` (WLPACK_GOLDEN=write) rewrites tests/golden/over-*. */
#include "layout_fixture.h"

#include <stdio.h>
#include <string.h>

#include "../../registry/layout_walk.h"
#include "../../tool/base/out.h"
#include "../../tool/stages/image_over.h"
#include "../../tool/stages/layer.h"

#define EPOCH 1667297700
#define BASE "php:7.4.33-cli-aot"

static void golden(const char *name, const void *p, size_t n) {
    WL_AUTO(wl_buf_release) struct wl_buf want = {0};
    WL_AUTOFREE char *path = wl_path_join("tests/golden", name);
    const char *mode = getenv("WLPACK_GOLDEN");
    struct wl_err err;

    if (mode && strcmp(mode, "write") == 0) {
        assert_ok(wl_fs_write(path, p, n, &err));
        return;
    }
    assert_ok(wl_fs_read(path, 1 << 20, &want, &err));
    if (want.len != n || memcmp(want.p, p, n) != 0)
        fail_msg("%s differs from what is written now (`make golden` rewrites it; look at the diff)", path);
}

static struct wl_blob text(const char *s) {
    return (struct wl_blob){(const uint8_t *)s, strlen(s)};
}

/* A layer whose blob does not depend on the version of a compressor. */
static struct wl_layer_result fixed_layer(struct fixture *f, const char *bytes) {
    struct wl_layer_result r = {.diff_id = wl_digest_of(bytes, strlen(bytes)),
                                .tar_size = 1024,
                                .size = strlen(bytes),
                                .media_type = WL_MT_LAYER_GZIP};
    struct wl_err err;

    assert_ok(wl_layout_blob_put(&f->l, text(bytes), &r.digest, &err));
    return r;
}

/* The base: an interpreter's index with native code for two architectures. */
static void make_base(struct fixture *f, struct wl_over_base *ret) {
    static const char *const entrypoint[] = {"/php.wasm", NULL}, *const cmd[] = {"-a", NULL},
                             *const env[] = {"A=1", "B=2", NULL};
    struct wl_layer_result l[] = {fixed_layer(f, "portable"), fixed_layer(f, "for amd64"), fixed_layer(f, "for arm64")};
    struct wl_image_part parts[] = {{.layers = &l[0], .n_layers = 1},
                                    {.layers = &l[1], .n_layers = 1, .variant = "amd64"},
                                    {.layers = &l[2], .n_layers = 1, .variant = "arm64"}};
    struct wl_image im = {.name = BASE,
                          .entrypoint = entrypoint,
                          .cmd = cmd,
                          .env = env,
                          .workdir = "/",
                          .created_by = "wlpack",
                          .epoch = EPOCH,
                          .parts = parts,
                          .n_parts = 3};
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};
    struct wl_image_result r;
    struct wl_err err;

    assert_ok(wl_image_put(&im, &f->l, &r, &err));
    assert_ok(wl_layout_find(&f->l, BASE, &e, &err));
    assert_ok(wl_over_read(&f->l, &e, ret, &err));
    assert_int_equal(ret->n, 3);
    assert_true(ret->is_index);
}

static struct wl_over example(struct wl_arena *a, const struct wl_layer_result *layer) {
    static const char *const cmd[] = {"/site/index.php", NULL}, *const env[] = {"B=3", "C=4", NULL},
                             *const ports[] = {"8080/tcp", NULL};
    struct wl_over o = {.layer = layer,
                        .cmd = cmd,
                        .env = env,
                        .ports = ports,
                        .workdir = "/site",
                        .user = "1000",
                        .base_name = BASE,
                        .created_by = "wlpack image",
                        .epoch = EPOCH + 1000};

    wl_oci_pairs_set(&o.labels, a, "team", "shop");
    wl_oci_pairs_set(&o.annotations, a, "org.opencontainers.image.revision", "0123456789");
    return o;
}

/* All documents below a descriptor, one a line. */
static int dump(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    struct wl_buf *out = ((void **)arg)[0];
    const struct wl_layout *l = ((void **)arg)[1];

    if (item->role == WL_ROLE_LAYER || item->role == WL_ROLE_OTHER)
        return 0;
    wl_buf_addf(out, "%s %s\n", item->d->media_type, wl_digest_str(&item->d->digest).s);
    if (wl_blob_load(l, &item->d->digest, (int64_t)item->d->size, out, err) < 0)
        return -1;
    wl_buf_addc(out, '\n');
    return 0;
}

static void check(struct fixture *f, const char *name, const struct wl_over *o, const struct wl_over_base *base) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct wl_oci_descriptor d;
    struct wl_image_result r;
    struct wl_layout_entry e;
    void *arg[] = {&out, &f->l};
    struct wl_err err;

    assert_ok(wl_over_put(o, base, &f->l, &a, &d, &r, &err));
    assert_true(wl_digest_equal(&d.digest, &r.digest));
    e = (struct wl_layout_entry){.media_type = (char *)d.media_type, .digest = d.digest, .size = d.size};
    assert_true(wl_layout_complete(&f->l, &e));
    assert_ok(wl_layout_walk(&f->l, &e, dump, arg, &err));
    golden(name, out.p, out.len);
}

static void formats(void **state) {
    struct fixture f = setup();
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_over_base_release) struct wl_over_base base = {0};
    struct wl_layer_result layer = fixed_layer(&f, "the site");
    static const char *const wasip1[] = {"wasip1/wasm", NULL}, *const linux[] = {"linux/amd64", "linux/riscv64", NULL},
                             *const one[] = {"wasi/wasm/arm64", NULL};
    struct wl_over o = example(&a, &layer);

    (void)state;
    make_base(&f, &base);
    check(&f, "over-oci.txt", &o, &base);
    o.format = WL_OVER_DOCKER;
    check(&f, "over-docker.txt", &o, &base);
    o.format = WL_OVER_OCI;
    o.platforms = wasip1;
    check(&f, "over-wasip1.txt", &o, &base);
    o.platforms = linux; /* amd64 has native code, riscv64 gets the portable module */
    check(&f, "over-linux.txt", &o, &base);
    o.platforms = one; /* a plain manifest */
    check(&f, "over-one.txt", &o, &base);
    layer.media_type = WL_MT_LAYER_ZSTD;
    check(&f, "over-zstd.txt", &o, &base);
    teardown(&f);
}

/* Nothing laid over and nothing asked for: the very documents of the base. */
static void kept(void **state) {
    struct fixture f = setup();
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_over_base_release) struct wl_over_base base = {0};
    struct wl_over o = {.keep = true};
    struct wl_oci_descriptor d;
    struct wl_image_result r;
    struct wl_err err;

    (void)state;
    make_base(&f, &base);
    assert_ok(wl_over_put(&o, &base, &f.l, &a, &d, &r, &err));
    assert_string_equal(wl_digest_str(&d.digest).s, wl_digest_str(&base.digest).s);
    teardown(&f);
}

static void refusals(void **state) {
    static const char *const twice[] = {"wasip1/wasm", "wasip1/wasm", NULL}, *const none[] = {"wasi/wasm/x", NULL},
                             *const bad[] = {"wasi", NULL};
    struct fixture f = setup();
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_over_base_release) struct wl_over_base base = {0}, scratch = {0};
    struct wl_layer_result layer = fixed_layer(&f, "the site");
    struct wl_over o = example(&a, &layer);
    struct wl_oci_descriptor d;
    struct wl_image_result r;
    struct wl_err err;

    (void)state;
    make_base(&f, &base);
    o.platforms = twice;
    assert_fails(wl_over_put(&o, &base, &f.l, &a, &d, &r, &err), WL_USAGE, "two images for the platform wasip1/wasm");
    o.platforms = none;
    assert_fails(wl_over_put(&o, &base, &f.l, &a, &d, &r, &err), WL_USAGE, "it has wasi/wasm, wasi/wasm/amd64");
    o.platforms = bad;
    assert_fails(wl_over_put(&o, &base, &f.l, &a, &d, &r, &err), WL_USAGE, "the architecture is missing");
    o.platforms = NULL;
    o.format = WL_OVER_DOCKER;
    layer.media_type = WL_MT_LAYER_ZSTD;
    assert_fails(wl_over_put(&o, &base, &f.l, &a, &d, &r, &err), WL_USAGE, "docker's format has no layers of type");
    o = (struct wl_over){.layer = &layer, .created_by = "x"};
    assert_fails(wl_over_put(&o, &scratch, &f.l, &a, &d, &r, &err), WL_RECIPE, "needs an entrypoint");
    teardown(&f);
}

/* --- The artifact --------------------------------------------------------------------------------------------------- */

static const uint8_t module[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

static struct wl_layer_result tar_layer(struct fixture *f, const char *more, const uint8_t *bytes, size_t n) {
    WL_AUTO(wl_layer_release) struct wl_layer l = {0};
    struct wl_layer_result r;
    struct wl_err err;

    wl_layer_add_bytes(&l, "/bin/app.wasm", (struct wl_blob){bytes, n}, true);
    if (more)
        wl_layer_add_bytes(&l, more, text("x"), false);
    assert_ok(wl_layer_write(&l, &f->l, EPOCH, NULL, &r, &err));
    return r;
}

static void artifact(void **state) {
    struct fixture f = setup();
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_over_base_release) struct wl_over_base scratch = {0};
    struct wl_layer_result layer = tar_layer(&f, NULL, module, sizeof(module));
    struct wl_over o = {.layer = &layer, .format = WL_OVER_ARTIFACT, .epoch = EPOCH};
    static const char *const cmd[] = {"x", NULL};
    struct wl_oci_descriptor d;
    struct wl_image_result r;
    struct wl_err err;

    (void)state;
    wl_oci_pairs_set(&o.annotations, &a, "org.opencontainers.image.version", "1.0");
    check(&f, "over-artifact.txt", &o, &scratch);
    o.cmd = cmd;
    assert_fails(wl_over_put(&o, &scratch, &f.l, &a, &d, &r, &err), WL_USAGE, "cannot hold a cmd");
    o.cmd = NULL;
    layer = tar_layer(&f, "/site/index.php", module, sizeof(module));
    assert_fails(wl_over_put(&o, &scratch, &f.l, &a, &d, &r, &err), WL_USAGE, "also has /site/index.php");
    layer = tar_layer(&f, NULL, (const uint8_t *)"\0asm\r\0\1\0", 8);
    assert_fails(wl_over_put(&o, &scratch, &f.l, &a, &d, &r, &err), WL_USAGE, "/bin/app.wasm is no core module");
    o.layer = NULL;
    assert_fails(wl_over_put(&o, &scratch, &f.l, &a, &d, &r, &err), WL_USAGE, "and there is none");
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(kept),
        cmocka_unit_test(refusals),
        cmocka_unit_test(artifact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
