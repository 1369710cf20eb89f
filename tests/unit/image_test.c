/* Layers and images, byte for byte. `make golden` (WLPACK_GOLDEN=write) rewrites tests/golden/; the tests compare. */
#include "layout_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tool/base/proc.h"
#include "../../tool/base/tar.h"
#include "../../tool/stages/image.h"
#include "../../tool/stages/layer.h"

#define EPOCH 1667297700

static void golden(const char *name, const void *p, size_t n) {
    WL_AUTO(wl_buf_release) struct wl_buf want = {0};
    char *path = wl_path_join("tests/golden", name);
    const char *mode = getenv("WLPACK_GOLDEN");
    struct wl_err err;

    if (mode && strcmp(mode, "write") == 0) {
        assert_ok(wl_fs_write(path, p, n, &err));
    } else {
        assert_ok(wl_fs_read(path, 1 << 20, &want, &err));
        if (want.len != n || memcmp(want.p, p, n) != 0)
            fail_msg("%s differs from what is written now (`make golden` rewrites it; look at the diff)", path);
    }
    free(path);
}

static struct wl_blob text(const char *s) {
    return (struct wl_blob){(const uint8_t *)s, strlen(s)};
}

/* --- Layers --------------------------------------------------------------------------------------------------------- */

static int to_buf(void *arg, const void *p, size_t n, struct wl_err *err) {
    (void)err;
    wl_buf_add(arg, p, n);
    return 0;
}

/* One of each kind, added in no order. */
static void fill(struct wl_layer *l) {
    wl_layer_add_bytes(l, "/site/z.txt", text("last\n"), false);
    wl_layer_add_symlink(l, "/site/current", "v1");
    wl_layer_add_bytes(l, "/php.wasm", (struct wl_blob){(const uint8_t *)"\0asm\1\0\0", 8}, true);
    wl_layer_add_dir(l, "/tmp/");
    wl_layer_add_bytes(l, "site/v1/r\xc3\xa4tsel.php", text("<?php\n"), false);
    wl_layer_add_bytes(
        l,
        "site/a-very-long-folder-name-that-goes-on-and-on-and-on-and-on-and-on/and-a-file-name-that-goes-"
        "on-as-well-until-both-need-a-prefix.txt",
        text("x"), false);
    wl_layer_add_dir(l, "site");
}

static void layer_bytes(void **state) {
    struct wl_layer l = {0};
    WL_AUTO(wl_buf_release) struct wl_buf tar = {0};
    struct wl_err err;

    (void)state;
    fill(&l);
    assert_ok(wl_layer_tar(&l, EPOCH, to_buf, &tar, &err));
    assert_int_equal(tar.len % 512, 0);
    golden("layer.tar", tar.p, tar.len);
    wl_layer_release(&l);
}

static void layers_do_not_depend_on_the_host(void **state) {
    struct wl_layer_result r[2];
    struct wl_err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture f = setup();
        struct wl_layer l = {0};
        char *tree = wl_path_join(f.dir, i ? "one/place" : "another");
        const char *const argv[] = {
            "/bin/sh", "-c",
            i ? "umask 077; mkdir -p \"$0/d\"; echo b >\"$0/d/b\"; echo a >\"$0/a\"; chmod 700 \"$0/a\""
              : "umask 0; mkdir -p \"$0/d\"; echo a >\"$0/a\"; chmod 777 \"$0/a\"; echo b >\"$0/d/b\"; "
                "touch -d 2001-01-01 \"$0/a\" \"$0/d\"; chmod g+s \"$0/d\"",
            tree, NULL};
        struct wl_proc p = {.argv = argv};

        assert_ok(wl_proc_check(&p, &err));
        assert_ok(wl_layer_add_tree(&l, "/site", tree, &err));
        assert_ok(wl_layer_write(&l, &f.l, EPOCH, NULL, &r[i], &err));
        assert_ok(wl_blob_verify(&f.l, &r[i].digest, (int64_t)r[i].size, &err));
        wl_layer_release(&l);
        free(tree);
        teardown(&f);
    }
    assert_string_equal(wl_digest_str(&r[0].digest).s, wl_digest_str(&r[1].digest).s);
    assert_string_equal(wl_digest_str(&r[0].diff_id).s, wl_digest_str(&r[1].diff_id).s);
}

static void bad_layers(void **state) {
    struct fixture f = setup();
    struct wl_layer l = {0};
    struct wl_layer_result r;
    char *fifo = wl_path_join(f.dir, "tree/fifo");
    char *tree = wl_path_join(f.dir, "tree");
    struct wl_err err;

    (void)state;
    wl_layer_add_bytes(&l, "a", text("1"), false);
    wl_layer_add_bytes(&l, "/a", text("2"), false);
    assert_fails(wl_layer_write(&l, &f.l, 0, NULL, &r, &err), WL_FAILED, "/a twice");
    wl_layer_release(&l);
    wl_layer_add_bytes(&l, "a", text("1"), false);
    wl_layer_add_bytes(&l, "a/b", text("2"), false);
    assert_fails(wl_layer_write(&l, &f.l, 0, NULL, &r, &err), WL_FAILED, "/a twice");
    wl_layer_release(&l);
    wl_layer_add_bytes(&l, "a/b", text("1"), false); /* folders dropped before the error is met */
    wl_layer_add_bytes(&l, "a/c", text("2"), false);
    wl_layer_add_bytes(&l, "z", text("3"), false);
    wl_layer_add_bytes(&l, "z", text("4"), false);
    assert_fails(wl_layer_write(&l, &f.l, 0, NULL, &r, &err), WL_FAILED, "/z twice");
    wl_layer_release(&l);
    wl_layer_add_bytes(&l, "a/../b", text("1"), false);
    assert_fails(wl_layer_write(&l, &f.l, 0, NULL, &r, &err), WL_FAILED, "cannot be a name");
    wl_layer_release(&l);
    wl_layer_add_file(&l, "a", tree, false);
    assert_fails(wl_layer_write(&l, &f.l, 0, NULL, &r, &err), WL_FAILED, "cannot open");
    wl_layer_release(&l);
    assert_ok(wl_fs_mkdirs(tree, &err));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_fails(wl_layer_add_tree(&l, "/", tree, &err), WL_FAILED, "fifo");
    wl_layer_release(&l);
    wl_layer_add_file(&l, "a", tree, false);
    assert_fails(wl_layer_write(&l, &f.l, 0, NULL, &r, &err), WL_FAILED, "not a regular file");
    wl_layer_release(&l);
    free(fifo);
    free(tree);
    teardown(&f);
}

/* --- Images --------------------------------------------------------------------------------------------------------- */

/* A layer whose blob does not depend on the version of a compressor. */
static struct wl_layer_result fixed_layer(struct fixture *f, const char *bytes) {
    struct wl_layer_result r = {.diff_id = wl_digest_of("tar", 3), .tar_size = 1024, .size = strlen(bytes)};
    struct wl_err err;

    assert_ok(wl_layout_blob_put(&f->l, text(bytes), &r.digest, &err));
    return r;
}

static void golden_blob(struct fixture *f, const char *name, const struct wl_digest *d, struct wl_buf *ret) {
    struct wl_err err;

    wl_buf_clear(ret);
    assert_ok(wl_blob_load(&f->l, d, -1, ret, &err));
    golden(name, ret->p, ret->len);
}

static struct wl_image example(struct wl_arena *a) {
    static const char *const entrypoint[] = {"/php.wasm", NULL};
    static const char *const cmd[] = {"-S", "0.0.0.0:8080", NULL};
    static const char *const env[] = {"PHP_INI_SCAN_DIR=/etc/php", "LANG=C.UTF-8", NULL};
    struct wl_image im = {
        .name = "php:7.4.33-cli",
        .entrypoint = entrypoint,
        .cmd = cmd,
        .env = env,
        .workdir = "/site",
        .created_by = "wlpack",
        .epoch = EPOCH,
    };

    wl_oci_pairs_set(&im.labels, a, "z", "last");
    wl_oci_pairs_set(&im.labels, a, "a", "\"first\" \xc3\xa4\n");
    wl_image_annotate(&im.annotations, a, "php", "7.4.33", "PHP", "PHP-3.01", NULL, "https://www.php.net/");
    return im;
}

static void plain_image(void **state) {
    struct fixture f = setup();
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_image im = example(&a);
    struct wl_layer_result layer = fixed_layer(&f, "layer");
    const struct wl_image_part part = {.layers = &layer, .n_layers = 1};
    struct wl_oci_manifest m = {0};
    struct wl_image_result r;
    struct wl_layout_entry e = {0};
    char *index = wl_path_join(f.path, "index.json");
    struct wl_err err;

    (void)state;
    im.parts = &part;
    im.n_parts = 1;
    assert_ok(wl_image_put(&im, &f.l, &r, &err));
    assert_false(r.is_index);
    golden_blob(&f, "manifest.json", &r.digest, &b);
    assert_ok(wl_oci_manifest_parse("m", (struct wl_blob){(const uint8_t *)b.p, b.len}, WL_MT_MANIFEST, WL_OCI_LOCAL,
                                    &a, &m, &err));
    assert_int_equal(r.size, b.len + m.config.size + 5);
    golden_blob(&f, "config.json", &m.config.digest, &b);
    wl_buf_clear(&b);
    assert_ok(wl_fs_read(index, 10000, &b, &err));
    golden("index.json", b.p, b.len);
    assert_ok(wl_layout_find(&f.l, "php:7.4.33-cli", &e, &err));
    assert_string_equal(e.os, "wasi");
    assert_string_equal(e.architecture, "wasm");
    wl_layout_entry_release(&e);
    free(index);
    teardown(&f);
}

static void image_of_parts(void **state) {
    struct fixture f = setup();
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_image im = example(&a);
    struct wl_layer_result portable = fixed_layer(&f, "layer");
    struct wl_layer_result native = fixed_layer(&f, "native layer");
    struct wl_image_part parts[] = {{.layers = &portable, .n_layers = 1},
                                    {.layers = &native, .n_layers = 1, .variant = "x86_64"}};
    struct wl_image_result r;
    struct wl_err err;

    (void)state;
    im.parts = parts;
    im.n_parts = 2;
    wl_oci_pairs_set(&parts[1].annotations, &a, "wlpack.aot.of", "sha256:1234");
    assert_ok(wl_image_put(&im, &f.l, &r, &err));
    assert_true(r.is_index);
    golden_blob(&f, "image-index.json", &r.digest, &b);

    parts[0].variant = "x86_64";
    assert_fails(wl_image_put(&im, &f.l, &r, &err), WL_FAILED, "the portable one");
    parts[0].variant = NULL;
    parts[1].variant = NULL;
    assert_fails(wl_image_put(&im, &f.l, &r, &err), WL_FAILED, "the portable one");
    teardown(&f);
}

static void bad_images(void **state) {
    static const char *const relative[] = {"php.wasm", NULL};
    struct fixture f = setup();
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_layer_result layer = fixed_layer(&f, "layer");
    const struct wl_image_part part = {.layers = &layer, .n_layers = 1};
    struct wl_image im = example(&a);
    struct wl_image_result r;
    struct wl_err err;

    (void)state;
    assert_fails(wl_image_put(&im, &f.l, &r, &err), WL_FAILED, "nothing to put");
    im.parts = &part;
    im.n_parts = 1;
    im.epoch = -1;
    assert_fails(wl_image_put(&im, &f.l, &r, &err), WL_RECIPE, "before 1970");
    im.epoch = 0;
    im.entrypoint = relative;
    assert_fails(wl_image_put(&im, &f.l, &r, &err), WL_RECIPE, "must be an absolute path");
    im.entrypoint = NULL;
    assert_fails(wl_image_put(&im, &f.l, &r, &err), WL_RECIPE, "needs an entrypoint");
    im = example(&a);
    im.parts = &part;
    im.n_parts = 1;
    layer.digest.b[0] ^= 1;
    assert_fails(wl_image_put(&im, &f.l, &r, &err), WL_FAILED, "is not in");
    teardown(&f);
}

static void times(void **state) {
    char *t = wl_image_time(EPOCH);

    (void)state;
    assert_string_equal(t, "2022-11-01T10:15:00Z");
    free(t);
    t = wl_image_time(0);
    assert_string_equal(t, "1970-01-01T00:00:00Z");
    free(t);
    t = wl_image_time(253402300799);
    assert_string_equal(t, "9999-12-31T23:59:59Z");
    free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_bytes),    cmocka_unit_test(layers_do_not_depend_on_the_host),
        cmocka_unit_test(bad_layers),     cmocka_unit_test(plain_image),
        cmocka_unit_test(image_of_parts), cmocka_unit_test(bad_images),
        cmocka_unit_test(times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
