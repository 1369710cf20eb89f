/* The image store: what it keeps, what it notices, and what happens to it under several processes, kill -9, a full disk. */
#include "layout_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../registry/layout_walk.h"
#include "../../registry/oci.h"

static struct wl_blob text(const char *s) {
    return (struct wl_blob){(const uint8_t *)s, strlen(s)};
}

static struct wl_digest put(struct fixture *f, const char *s) {
    struct wl_digest d;
    struct wl_err err;

    assert_ok(wl_layout_blob_put(&f->l, text(s), &d, &err));
    return d;
}

/* An image with one layer of these bytes, tagged. */
static struct wl_digest put_image(struct fixture *f, const char *name, const char *layer) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf config = {0}, manifest = {0};
    struct wl_oci_config c = {.created = "2022-11-01T10:15:00Z", .platform = {.os = "wasi", .architecture = "wasm"}};
    struct wl_oci_manifest m = {0};
    struct wl_oci_descriptor d = wl_oci_descriptor_of(WL_MT_LAYER_GZIP, text(layer));
    struct wl_layout_entry e = {.name = (char *)name, .media_type = (char *)WL_MT_MANIFEST};
    struct wl_err err;

    put(f, layer);
    wl_oci_config_add_diff_id(&c, &a, &d.digest);
    wl_oci_config_write(&c, &config);
    put(f, config.p);
    m.config = wl_oci_descriptor_of(WL_MT_CONFIG, text(config.p));
    wl_oci_descriptors_add(&m.layers, &a, &d);
    wl_oci_manifest_write(&m, &manifest);
    e.digest = put(f, manifest.p);
    e.size = manifest.len;
    assert_ok(wl_layout_tag(&f->l, &e, &err));
    return e.digest;
}

static size_t count(const char *dir, const char *sub) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    char *path = wl_path_join(dir, sub);
    struct wl_err err;

    assert_ok(wl_fs_list(path, &names, &err));
    free(path);
    return names.n;
}

/* --- Opening -------------------------------------------------------------------------------------------------------- */

static void opening(void **state) {
    struct fixture f = setup();
    struct wl_layout other = WL_LAYOUT_INIT;
    char *file = wl_path_join(f.path, "oci-layout");
    char *elsewhere = wl_path_join(f.dir, "elsewhere");
    char *thing = wl_path_join(elsewhere, "thing");
    struct wl_err err;

    (void)state;
    assert_ok(wl_layout_open(&other, f.path, WL_LAYOUT_CREATE, &err));
    wl_layout_close(&other);
    assert_ok(wl_layout_open(&other, f.path, 0, &err));
    assert_int_equal(other.use_fd, -1);
    assert_fails(wl_layout_untag(&other, "x", &err), WL_FAILED, "for reading only");
    wl_layout_close(&other);
    assert_ok(wl_fs_write(file, "{\"imageLayoutVersion\":\"2.0.0\"}", 30, &err));
    assert_fails(wl_layout_open(&other, f.path, 0, &err), WL_FAILED, "version 2.0.0");
    assert_ok(wl_fs_write(file, "nonsense", 8, &err));
    assert_fails(wl_layout_open(&other, f.path, 0, &err), WL_FAILED, "oci-layout");
    assert_fails(wl_layout_open(&other, elsewhere, 0, &err), WL_FAILED, "no OCI image layout");
    assert_ok(wl_fs_mkdirs(thing, &err));
    assert_fails(wl_layout_open(&other, elsewhere, WL_LAYOUT_CREATE, &err), WL_FAILED, "neither empty nor");
    free(file);
    free(thing);
    free(elsewhere);
    teardown(&f);
}

/* --- Blobs ---------------------------------------------------------------------------------------------------------- */

static void blobs(void **state) {
    struct fixture f = setup();
    struct wl_digest d = put(&f, "hello");
    struct wl_digest again = put(&f, "hello");
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_err err;

    (void)state;
    assert_true(wl_digest_equal(&d, &again));
    assert_string_equal(wl_digest_str(&d).s, "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_true(wl_layout_blob_has(&f.l, &d, 5));
    assert_true(wl_layout_blob_has(&f.l, &d, -1));
    assert_false(wl_layout_blob_has(&f.l, &d, 6));
    assert_ok(wl_blob_load(&f.l, &d, 5, &b, &err));
    assert_string_equal(b.p, "hello");
    assert_ok(wl_blob_verify(&f.l, &d, -1, &err));
    d.b[0] ^= 1;
    assert_fails(wl_blob_verify(&f.l, &d, -1, &err), WL_FAILED, "is not in");
    assert_non_null(strstr(err.msg, "again"));
    assert_int_equal(count(f.path, "blobs/sha256"), 1);
    assert_int_equal(count(f.path, ".tmp"), 0);
    teardown(&f);
}

static void damaged_blobs_are_noticed(void **state) {
    struct fixture f = setup();
    struct wl_digest d = put(&f, "hello");
    char *path = wl_layout_blob_path(&f.l, &d);
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_err err;

    (void)state;
    for (int bit = 0; bit < 40; bit++) {
        char bytes[] = "hello";

        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        assert_ok(wl_fs_write(path, bytes, 5, &err));
        assert_fails(wl_blob_verify(&f.l, &d, 5, &err), WL_FAILED, "is damaged");
    }
    assert_non_null(strstr(err.msg, wl_digest_str(&d).s));
    assert_non_null(strstr(err.msg, path));
    assert_non_null(strstr(err.msg, "again"));
    assert_fails(wl_blob_load(&f.l, &d, 5, &b, &err), WL_FAILED, "is damaged");
    assert_ok(wl_fs_write(path, "hell", 4, &err));
    assert_fails(wl_blob_verify(&f.l, &d, 5, &err), WL_FAILED, "4 bytes instead of 5");
    put(&f, "hello"); /* another size: it is written anew */
    assert_ok(wl_blob_verify(&f.l, &d, 5, &err));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_fails(wl_blob_verify(&f.l, &d, -1, &err), WL_FAILED, "cannot open the blob");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(wl_blob_verify(&f.l, &d, -1, &err), WL_FAILED, "no regular file");
    free(path);
    teardown(&f);
}

static void writers(void **state) {
    struct fixture f = setup();
    struct wl_blob_writer w = WL_BLOB_WRITER_INIT;
    struct wl_digest d, want = wl_digest_of("abc", 3);
    uint64_t size = 0;
    struct wl_err err;

    (void)state;
    assert_ok(wl_blob_begin(&w, &f.l, &err));
    assert_ok(wl_blob_write(&w, "ab", 2, &err));
    assert_int_equal(count(f.path, ".tmp"), w.f.nameless ? 0 : 1);
    wl_blob_cancel(&w);
    wl_blob_cancel(&w);
    assert_int_equal(count(f.path, ".tmp"), 0);
    assert_int_equal(count(f.path, "blobs/sha256"), 0);

    w = (struct wl_blob_writer)WL_BLOB_WRITER_INIT;
    assert_ok(wl_blob_begin(&w, &f.l, &err));
    assert_ok(wl_blob_write(&w, "ab", 2, &err));
    assert_fails(wl_blob_commit(&w, &want, &d, NULL, &err), WL_FAILED, "came out as");
    assert_int_equal(count(f.path, "blobs/sha256") + count(f.path, ".tmp"), 0);

    w = (struct wl_blob_writer)WL_BLOB_WRITER_INIT;
    assert_ok(wl_blob_begin(&w, &f.l, &err));
    assert_ok(wl_blob_write(&w, "ab", 2, &err));
    assert_ok(wl_blob_write(&w, "c", 1, &err));
    assert_ok(wl_blob_commit(&w, &want, &d, &size, &err));
    wl_blob_cancel(&w);
    assert_int_equal(size, 3);
    assert_ok(wl_blob_verify(&f.l, &want, 3, &err));
    teardown(&f);
}

/* --- Names ---------------------------------------------------------------------------------------------------------- */

/* What find says of a reference: the entry's name, "-" for one without, "" when there is none. */
static char *found(const struct fixture *f, const char *ref) {
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};
    struct wl_err err;

    if (wl_layout_find(&f->l, ref, &e, &err) < 0)
        return wl_strdup("");
    return wl_strdup(e.name ? e.name : "-");
}

static void names_as_docker_has_them(void **state) {
    struct fixture f = setup();
    struct wl_digest a = put_image(&f, "php:8", "a");
    struct wl_digest b = put_image(&f, "docker.io/library/lua:latest", "b");
    WL_AUTOFREE char *php_a = wl_sprintf("php@%s", wl_digest_str(&a).s);
    WL_AUTOFREE char *php9_a = wl_sprintf("php:9@%s", wl_digest_str(&a).s);
    WL_AUTOFREE char *host_b = wl_sprintf("example.com/x/lua@%s", wl_digest_str(&b).s);
    const struct {
        const char *ref, *name;
    } t[] = {
        {"docker.io/library/php:8", "php:8"},
        {"index.docker.io/library/php:8", "php:8"},
        {"library/php:8", "php:8"},
        {"php", ""},
        {"lua", "docker.io/library/lua:latest"},
        {"lua:latest", "docker.io/library/lua:latest"},
        {"docker.io/lua", "docker.io/library/lua:latest"},
        {"example.com/lua", ""},
        {"me/lua", ""},
        {php_a, "php:8"},
        {php9_a, "php:8"}, /* the digest decides */
        {host_b, "docker.io/library/lua:latest"},
    };
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};
    struct wl_layout_entries all = {0};
    struct wl_err err;

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(t); i++) {
        WL_AUTOFREE char *name = found(&f, t[i].ref);

        if (strcmp(name, t[i].name) != 0)
            fail_msg("%s gives \"%s\" instead of \"%s\"", t[i].ref, name, t[i].name);
    }
    /* who takes names away takes only those that were given */
    assert_fails(wl_layout_untag(&f.l, php9_a, &err), WL_FAILED, "there is no image");
    assert_fails(wl_layout_untag(&f.l, host_b, &err), WL_FAILED, "there is no image");
    /* a name and NAME:latest are one place, two spellings of a registry are two */
    put_image(&f, "lua", "a");
    put_image(&f, "docker.io/library/lua", "a");
    put_image(&f, "lu", "a");
    assert_ok(wl_layout_list(&f.l, &all, &err));
    assert_int_equal(all.n, 4);
    assert_string_equal(all.v[0].name, "docker.io/library/lua");
    assert_string_equal(all.v[1].name, "lu");
    assert_string_equal(all.v[2].name, "lua");
    wl_layout_entries_release(&all);
    assert_ok(wl_layout_untag(&f.l, php_a, &err));
    assert_ok(wl_layout_untag(&f.l, "lua:latest", &err));
    assert_ok(wl_layout_list(&f.l, &all, &err));
    assert_int_equal(all.n, 2);
    wl_layout_entries_release(&all);
    /* one without a name is found by its digest under any name, and taken away so */
    assert_ok(wl_layout_find(&f.l, "lu", &e, &err));
    free(e.name);
    e.name = NULL;
    assert_ok(wl_layout_tag(&f.l, &e, &err));
    assert_ok(wl_layout_untag(&f.l, php9_a, &err));
    assert_ok(wl_layout_list(&f.l, &all, &err));
    assert_int_equal(all.n, 2);
    wl_layout_entries_release(&all);
    teardown(&f);
}

/* --- Entries -------------------------------------------------------------------------------------------------------- */

static void entries(void **state) {
    struct fixture f = setup();
    struct wl_digest a = put_image(&f, "php:7.4.33-cli", "a");
    struct wl_digest b = put_image(&f, "lua:latest", "b");
    struct wl_layout_entries all = {0};
    struct wl_layout_entry e = {0};
    WL_AUTO(wl_buf_release) struct wl_buf m = {0};
    char prefix[20];
    struct wl_err err;

    (void)state;
    put_image(&f, "registry.example:5000/team/php:7", "a");
    assert_ok(wl_layout_list(&f.l, &all, &err));
    assert_int_equal(all.n, 3);
    assert_string_equal(all.v[0].name, "lua:latest");
    assert_string_equal(all.v[1].name, "php:7.4.33-cli");
    assert_string_equal(all.v[2].name, "registry.example:5000/team/php:7");
    wl_layout_entries_release(&all);

    assert_ok(wl_layout_find(&f.l, "lua", &e, &err));
    assert_true(wl_digest_equal(&e.digest, &b));
    wl_layout_entry_release(&e);
    assert_ok(wl_layout_find(&f.l, wl_digest_str(&a).s, &e, &err));
    assert_true(wl_digest_equal(&e.digest, &a));
    wl_layout_entry_release(&e);
    snprintf(prefix, sizeof(prefix), "%.16s", wl_digest_str(&a).s);
    assert_ok(wl_layout_manifest(&f.l, prefix, &e, &m, &err));
    assert_int_equal(m.len, e.size);
    wl_layout_entry_release(&e);

    assert_fails(wl_layout_find(&f.l, "php:7.4.32-cli", &e, &err), WL_FAILED, "near it: php:7.4.33-cli");
    assert_fails(wl_layout_find(&f.l, "Php:7", &e, &err), WL_USAGE, "lower case");
    assert_fails(wl_layout_find(&f.l, "sha256:1234", &e, &err), WL_USAGE, "no digest");
    assert_fails(wl_layout_find(&f.l, "sha256:2CF24DBA5FB0", &e, &err), WL_USAGE, "no digest");
    assert_fails(wl_layout_find(&f.l, "sha256:../../../x", &e, &err), WL_USAGE, "no digest");

    put_image(&f, "lua:latest", "a"); /* moves */
    assert_ok(wl_layout_find(&f.l, "lua:latest", &e, &err));
    assert_true(wl_digest_equal(&e.digest, &a));
    assert_fails(
        wl_layout_tag(&f.l, &(struct wl_layout_entry){.name = (char *)"x:1", .media_type = e.media_type}, &err),
        WL_FAILED, "is not in");
    free(e.name);
    e.name = wl_strdup("UPPER:1");
    assert_fails(wl_layout_tag(&f.l, &e, &err), WL_USAGE, "lower case");
    wl_layout_entry_release(&e);

    assert_ok(wl_layout_untag(&f.l, "lua:latest", &err));
    assert_fails(wl_layout_untag(&f.l, "lua:latest", &err), WL_FAILED, "there is no image");
    assert_ok(wl_layout_untag(&f.l, wl_digest_str(&a).s, &err)); /* all of its names */
    assert_ok(wl_layout_list(&f.l, &all, &err));
    assert_int_equal(all.n, 0);
    wl_layout_entries_release(&all);
    teardown(&f);
}

/* What others wrote survives our changes: names that are none of ours, annotations, nameless entries. */
static void foreign_entries_stay(void **state) {
    struct fixture f = setup();
    struct wl_digest d = put_image(&f, "a:1", "x");
    char *index = wl_path_join(f.path, "index.json");
    char *json = wl_sprintf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" WL_MT_MANIFEST
                            "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{\"org.opencontainers.image.ref.name\":"
                            "\"v1\",\"k\":\"v\"}},{\"mediaType\":\"application/x\",\"digest\":\"%s\",\"size\":7,"
                            "\"artifactType\":\"application/y\"}]}",
                            wl_digest_str(&d).s, (size_t)0, wl_digest_str(&d).s);
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_err err;

    (void)state;
    assert_ok(wl_fs_write(index, json, strlen(json), &err));
    put_image(&f, "b:1", "y");
    assert_ok(wl_fs_read(index, 10000, &b, &err));
    assert_non_null(strstr(b.p, "\"k\":\"v\""));
    assert_non_null(strstr(b.p, "\"v1\""));
    assert_non_null(strstr(b.p, "application/x"));
    assert_non_null(strstr(b.p, "application/y"));
    assert_non_null(strstr(b.p, "\"b:1\""));
    free(json);
    free(index);
    teardown(&f);
}

/* --- Several at once ------------------------------------------------------------------------------------------------ */

#define WRITERS 6
#define EACH 15

static void write_many(const char *path, int who) {
    struct fixture f = {.l = WL_LAYOUT_INIT};
    struct wl_err err;

    if (wl_layout_open(&f.l, path, WL_LAYOUT_CREATE, &err) < 0)
        _exit(1);
    for (int i = 0; i < EACH; i++) {
        char *name = wl_sprintf("img:%d-%d", who, i);

        put_image(&f, name, i % 2 ? "shared layer" : name);
        free(name);
    }
    _exit(0);
}

static void processes_at_once(void **state) {
    char *dir = test_dir();
    char *path = wl_path_join(dir, "new/oci"); /* created by whoever is first */
    struct wl_layout l = WL_LAYOUT_INIT;
    struct wl_layout_entries all = {0};
    struct wl_err err;

    (void)state;
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0)
            write_many(path, i);
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;

        wait(&status);
        assert_int_equal(status, 0);
    }
    assert_ok(wl_layout_open(&l, path, 0, &err));
    assert_ok(wl_layout_list(&l, &all, &err));
    assert_int_equal(all.n, WRITERS * EACH);
    for (size_t i = 0; i < all.n; i++) {
        struct wl_image_info info = {0};

        assert_ok(wl_image_info(&l, &all.v[i], &info, &err));
        wl_image_info_release(&info);
    }
    wl_layout_entries_release(&all);
    wl_layout_close(&l);
    free(path);
    test_rmdir(dir);
}

/* Writes to begun once an image is there. */
static void write_forever(const char *path, int begun) {
    struct fixture f = {.l = WL_LAYOUT_INIT};
    char big[200000];
    struct wl_err err;

    if (wl_layout_open(&f.l, path, WL_LAYOUT_CREATE, &err) < 0)
        _exit(1);
    for (unsigned i = 0;; i++) {
        memset(big, 'a' + (int)(i % 26), sizeof(big) - 1);
        snprintf(big, 20, "%u %d", i, getpid());
        big[19] = 'x';
        big[sizeof(big) - 1] = '\0';
        put_image(&f, "img:1", big);
        if (i == 0 && write(begun, "", 1) != 1)
            _exit(1);
    }
}

static void killed_in_the_middle(void **state) {
    struct fixture f = setup();
    struct wl_layout_gc gc = {0};
    struct wl_layout_entries all = {0};
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    char *blobs_dir = wl_path_join(f.path, "blobs/sha256");
    int begun[2];
    struct wl_err err;

    (void)state;
    assert_int_equal(pipe(begun), 0);
    for (int i = 0; i < 25; i++) {
        pid_t pid = fork();

        if (pid == 0)
            write_forever(f.path, begun[1]);
        if (i == 0) /* a busy machine may take its time */
            assert_int_equal(poll(&(struct pollfd){begun[0], POLLIN, 0}, 1, 60000), 1);
        usleep((useconds_t)(5000 + i * 1300));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    assert_ok(wl_fs_list(blobs_dir, &names, &err));
    assert_true(names.n > 0);
    for (size_t i = 0; i < names.n; i++) { /* no half blob has a name */
        struct wl_digest d;

        assert_true(wl_digest_parse_hex(names.v[i], &d));
        assert_ok(wl_blob_verify(&f.l, &d, -1, &err));
    }
    assert_ok(wl_layout_list(&f.l, &all, &err));
    assert_int_equal(all.n, 1);
    wl_layout_entries_release(&all);
    close(begun[0]);
    close(begun[1]);
    wl_layout_close(&f.l);
    assert_ok(wl_layout_gc(f.path, 0, &gc, &err));
    assert_int_equal(gc.kept, 3);
    assert_int_equal(count(f.path, "blobs/sha256"), 3);
    assert_int_equal(count(f.path, ".tmp"), 0);
    free(blobs_dir);
    teardown(&f);
}

/* --- No room, no permission ----------------------------------------------------------------------------------------- */

static void no_room(void **state) {
    struct fixture f = setup();
    struct rlimit old, small;
    WL_AUTO(wl_blob_cancel) struct wl_blob_writer w = WL_BLOB_WRITER_INIT;
    char chunk[8192] = {0};
    int rc = 0;
    struct wl_err err;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 100000;
    setrlimit(RLIMIT_FSIZE, &small);
    assert_ok(wl_blob_begin(&w, &f.l, &err));
    while (rc == 0)
        rc = wl_blob_write(&w, chunk, sizeof(chunk), &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_non_null(strstr(err.msg, "cannot write"));
    assert_non_null(strstr(err.msg, f.path));
    wl_blob_cancel(&w);
    assert_int_equal(count(f.path, "blobs/sha256") + count(f.path, ".tmp"), 0);
    teardown(&f);
}

static int as_nobody(struct fixture *f) {
    WL_AUTO(wl_blob_cancel) struct wl_blob_writer w = WL_BLOB_WRITER_INIT;
    struct wl_layout l = WL_LAYOUT_INIT;
    struct wl_err err = {0};

    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 1;
    if (wl_layout_open(&l, f->path, WL_LAYOUT_CREATE, &err) == 0)
        return 2;
    if (!strstr(err.msg, "Permission denied") || !strstr(err.msg, f->path))
        return 3;
    if (wl_layout_open(&l, f->path, 0, &err) < 0)
        return 4; /* reading is allowed */
    if (wl_blob_begin(&w, &l, &err) == 0)
        return 5;
    return strstr(err.msg, "Permission denied") ? 0 : 6;
}

static void no_permission(void **state) {
    struct fixture f = setup();
    int status = -1;

    (void)state;
    if (geteuid() != 0) {
        teardown(&f);
        skip();
    }
    assert_int_equal(chmod(f.dir, 0755), 0);
    if (fork() == 0)
        _exit(as_nobody(&f));
    wait(&status);
    assert_int_equal(WEXITSTATUS(status), 0);
    teardown(&f);
}

/* --- Housekeeping --------------------------------------------------------------------------------------------------- */

static void gc(void **state) {
    struct fixture f = setup();
    struct wl_layout_gc n = {0};
    struct wl_digest kept = put_image(&f, "a:1", "layer a");
    struct wl_digest lost = put(&f, "nobody needs me");
    char *path = wl_layout_blob_path(&f.l, &kept);
    struct wl_err err;

    (void)state;
    put_image(&f, "b:1", "layer b");
    assert_fails(wl_layout_gc(f.path, WL_LAYOUT_GC_NOWAIT, &n, &err), WL_FAILED, "is writing to");
    assert_ok(wl_layout_untag(&f.l, "b:1", &err));
    wl_layout_close(&f.l);
    assert_ok(wl_layout_gc(f.path, WL_LAYOUT_GC_DRY, &n, &err));
    assert_int_equal(n.removed, 4); /* a lost blob; manifest, config and layer of b */
    assert_int_equal(count(f.path, "blobs/sha256"), 7);
    assert_ok(wl_layout_open(&f.l, f.path, 0, &err));
    assert_true(wl_layout_blob_has(&f.l, &lost, -1));
    assert_ok(wl_layout_gc(f.path, 0, &n, &err));
    assert_int_equal(n.removed, 4);
    assert_int_equal(n.kept, 3);
    assert_false(wl_layout_blob_has(&f.l, &lost, -1));
    assert_int_equal(count(f.path, "blobs/sha256"), 3);
    assert_ok(wl_fs_write(path, "{}", 2, &err)); /* a damaged manifest hides what it needs */
    assert_fails(wl_layout_gc(f.path, 0, &n, &err), WL_FAILED, "nothing is removed");
    assert_int_equal(count(f.path, "blobs/sha256"), 3);
    free(path);
    teardown(&f);
}

static void copying(void **state) {
    struct fixture f = setup();
    struct fixture to = setup();
    struct wl_digest d = put_image(&f, "a:1", "layer a");
    struct wl_digest layer = wl_digest_of("layer a", 7);
    char *path = wl_layout_blob_path(&f.l, &layer);
    struct wl_layout_entry e = {0}, found = {0};
    struct wl_image_info info = {0};
    struct wl_err err;

    (void)state;
    assert_ok(wl_layout_find(&f.l, "a:1", &e, &err));
    assert_ok(wl_layout_copy(&f.l, &e, &to.l, "copy:2", &err));
    assert_ok(wl_layout_find(&to.l, "copy:2", &found, &err));
    assert_true(wl_digest_equal(&found.digest, &d));
    assert_ok(wl_image_info(&to.l, &found, &info, &err));
    assert_string_equal(info.platforms.v[0], "wasi/wasm");
    assert_string_equal(info.created, "2022-11-01T10:15:00Z");
    assert_false(info.is_index);
    wl_image_info_release(&info);
    wl_layout_entry_release(&found);
    teardown(&to);
    to = setup();
    assert_true(wl_layout_complete(&f.l, &e));
    assert_ok(wl_fs_write(path, "layer", 5, &err));
    assert_false(wl_layout_complete(&f.l, &e));
    assert_ok(wl_fs_write(path, "layer b", 7, &err));
    assert_fails(wl_layout_copy(&f.l, &e, &to.l, NULL, &err), WL_FAILED, "is damaged");
    assert_fails(wl_layout_find(&to.l, "a:1", &found, &err), WL_FAILED, "there is no image");
    wl_layout_entry_release(&e);
    free(path);
    teardown(&to);
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening),
        cmocka_unit_test(blobs),
        cmocka_unit_test(damaged_blobs_are_noticed),
        cmocka_unit_test(writers),
        cmocka_unit_test(names_as_docker_has_them),
        cmocka_unit_test(entries),
        cmocka_unit_test(foreign_entries_stay),
        cmocka_unit_test(processes_at_once),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(no_room),
        cmocka_unit_test(no_permission),
        cmocka_unit_test(gc),
        cmocka_unit_test(copying),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
