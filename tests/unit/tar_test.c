/* Unpacking what is not trusted (facts: threats 1 to 5), and the headers that we write. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../tool/base/buf.h"
#include "../../tool/base/proc.h"
#include "../../tool/base/tar.h"

/* --- Tars by hand: nothing is checked, anything goes ------------------------------------------------------------- */

struct item {
    const char *name;
    char type;
    const char *link;
    const char *data;
    unsigned mode;
};

static void raw_size(struct wl_buf *out, const struct item *i, const char *size_field) {
    char b[512] = {0};
    unsigned sum = 0;
    size_t len = i->data ? strlen(i->data) : 0;

    memcpy(b, i->name, strnlen(i->name, 100));
    snprintf(b + 100, 8, "%07o", (i->mode ? i->mode : 0644) & 07777);
    snprintf(b + 108, 8, "%07o", 1000);
    snprintf(b + 116, 8, "%07o", 1000);
    if (size_field)
        memcpy(b + 124, size_field, 12);
    else
        snprintf(b + 124, 12, "%011o", (unsigned)len & 0777777);
    snprintf(b + 136, 12, "%011o", 1234567890);
    memset(b + 148, ' ', 8);
    b[156] = i->type;
    if (i->link)
        memcpy(b + 157, i->link, strnlen(i->link, 100));
    memcpy(b + 257, "ustar\00000", 8);
    memcpy(b + 265, "mallory", 7);
    for (size_t k = 0; k < sizeof(b); k++)
        sum += (unsigned char)b[k];
    snprintf(b + 148, 8, "%06o", sum);
    wl_buf_add(out, b, sizeof(b));
    if (len > 0) {
        static const char zeros[512];

        wl_buf_add(out, i->data, len);
        wl_buf_add(out, zeros, wl_tar_padding(len));
    }
}

static void raw(struct wl_buf *out, const struct item *i) {
    raw_size(out, i, NULL);
}

struct fixture {
    char *dir;  /* holds everything; a canary file stands in it */
    char *file; /* the archive */
    char *dest;
};

static struct fixture setup(void) {
    struct fixture f = {.dir = test_dir()};
    char *canary = wl_path_join(f.dir, "canary");
    struct wl_err err;

    f.file = wl_path_join(f.dir, "x.tar");
    f.dest = wl_path_join(f.dir, "sub/dest");
    assert_ok(wl_fs_write(canary, "alive", 5, &err));
    free(canary);
    return f;
}

static void teardown(struct fixture *f) {
    char *canary = wl_path_join(f->dir, "canary");
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_err err;

    assert_ok(wl_fs_read(canary, 100, &b, &err));
    assert_string_equal(b.p, "alive");
    free(canary);
    free(f->file);
    free(f->dest);
    test_rmdir(f->dir);
}

static void write_tar(const struct fixture *f, struct wl_buf *b) {
    static const char end[1024];
    struct wl_err err;

    wl_buf_add(b, end, sizeof(end));
    assert_ok(wl_fs_write(f->file, b->p, b->len, &err));
    wl_buf_release(b);
}

static int extract(const struct fixture *f, unsigned strip, struct wl_err *err) {
    const struct wl_tar_extract x = {.archive = f->file, .dest = f->dest, .strip = strip};

    return wl_tar_extract(&x, NULL, err);
}

/* Items 0..n-2 are fine, the last one must be refused for `why`; nothing is left. */
static void refused(const struct item *items, size_t n, const char *why) {
    struct fixture f = setup();
    struct wl_buf b = {0};
    struct wl_err err;

    for (size_t i = 0; i < n; i++)
        raw(&b, &items[i]);
    write_tar(&f, &b);
    assert_fails(extract(&f, 0, &err), WL_FAILED, why);
    assert_non_null(strstr(err.msg, "x.tar"));
    assert_non_null(strstr(err.msg, items[n - 1].name));
    assert_false(wl_fs_exists(f.dest));
    teardown(&f);
}
#define REFUSED(why, ...)                                                                                              \
    do {                                                                                                               \
        const struct item items_[] = {__VA_ARGS__};                                                                    \
        refused(items_, WL_ARRAY_LEN(items_), why);                                                                    \
    } while (0)

/* --- Threat 1: names ------------------------------------------------------------------------------------------------ */

static void traversal_is_refused(void **state) {
    static const char types[] = "01235467";

    (void)state;
    for (size_t i = 0; i < sizeof(types) - 1; i++) {
        char t = types[i];
        const char *link = t == '1' || t == '2' ? "x" : NULL;

        REFUSED("refused", {"x", '0', NULL, "x", 0}, {"/etc/passwd", t, link, NULL, 0});
        REFUSED("refused", {"x", '0', NULL, "x", 0}, {"../canary", t, link, NULL, 0});
        REFUSED("refused", {"x", '0', NULL, "x", 0}, {"a/../../canary", t, link, NULL, 0});
        REFUSED("refused", {"x", '0', NULL, "x", 0}, {"a/..", t, link, NULL, 0});
        REFUSED("refused", {"x", '0', NULL, "x", 0}, {"..", t, link, NULL, 0});
    }
    REFUSED("absolute", {"//canary", '0', NULL, "x", 0});
    REFUSED("\"..\"", {"./../canary", '0', NULL, "x", 0});
}

static void strip_does_not_hide_traversal(void **state) {
    struct fixture f = setup();
    struct wl_buf b = {0};
    struct wl_err err;

    (void)state;
    raw(&b, &(struct item){"../canary", '0', NULL, "dead", 0});
    write_tar(&f, &b);
    assert_fails(extract(&f, 1, &err), WL_FAILED, "\"..\"");
    teardown(&f);
}

/* --- Threat 2: links ------------------------------------------------------------------------------------------------ */

static void links_that_lead_out_are_refused(void **state) {
    (void)state;
    REFUSED("lead out", {"l", '2', "/etc/passwd", NULL, 0});
    REFUSED("lead out", {"l", '2', "..", NULL, 0});
    REFUSED("lead out", {"a/b/l", '2', "../../../canary", NULL, 0});
    REFUSED("lead out", {"a/b/l", '2', "x/../../../../canary", NULL, 0});
    REFUSED("lead out", {"l", '2', "./../canary", NULL, 0});
    /* a chain: each link alone looks harmless to a check that only counts */
    REFUSED("lead out", {"a/b/c/", '5', NULL, NULL, 0}, {"a/b/up", '2', "..", NULL, 0},
            {"d/e/l", '2', "../../a/b/up/../../..", NULL, 0});
    /* through a link that was unpacked before */
    REFUSED("through a link", {"dir/", '5', NULL, NULL, 0}, {"l", '2', "dir", NULL, 0}, {"l/file", '0', NULL, "x", 0});
    REFUSED("through a link", {"a/b/", '5', NULL, NULL, 0}, {"a/b/up", '2', "..", NULL, 0},
            {"a/b/up/up", '2', "..", NULL, 0});
    REFUSED("through a link", {"l", '2', "nowhere", NULL, 0}, {"l/", '5', NULL, NULL, 0});
    /* a folder may not become a link */
    REFUSED("as different things", {"d/", '5', NULL, NULL, 0}, {"d", '2', "e", NULL, 0});
    REFUSED("as different things", {"l", '2', "file", NULL, 0}, {"l", '0', NULL, "x", 0});
}

static void hard_links_that_lead_out_are_refused(void **state) {
    (void)state;
    REFUSED("absolute", {"l", '1', "/etc/passwd", NULL, 0});
    REFUSED("\"..\"", {"a/l", '1', "../../canary", NULL, 0});
    REFUSED("no file unpacked before", {"l", '1', "missing", NULL, 0});
    REFUSED("no file unpacked before", {"d/", '5', NULL, NULL, 0}, {"l", '1', "d", NULL, 0});
    /* moving a link up by a hard link to it would change where its ".." lead */
    REFUSED("no file unpacked before", {"a/b/l", '2', "../../x", NULL, 0}, {"m", '1', "a/b/l", NULL, 0});
    REFUSED("through a link", {"d/f", '0', NULL, "x", 0}, {"l", '2', "d", NULL, 0}, {"m", '1', "l/f", NULL, 0});
}

/* --- Threat 3: devices, special bits, attributes -------------------------------------------------------------------- */

static void devices_are_refused(void **state) {
    (void)state;
    REFUSED("a device", {"dev", '3', NULL, NULL, 0});
    REFUSED("a device", {"dev", '4', NULL, NULL, 0});
    REFUSED("a FIFO", {"fifo", '6', NULL, NULL, 0});
}

static void special_bits_and_owners_are_dropped(void **state) {
    struct fixture f = setup();
    struct wl_buf b = {0};
    char *path;
    struct stat st;
    struct wl_err err;

    (void)state;
    raw(&b, &(struct item){"d/", '5', NULL, NULL, 07000});
    raw(&b, &(struct item){"pax", 'x', NULL, "37 SCHILY.xattr.user.mallory=contents\n", 0});
    raw(&b, &(struct item){"d/su", '0', NULL, "x", 06755});
    raw(&b, &(struct item){"d/secret", '0', NULL, "x", 0400});
    write_tar(&f, &b);
    assert_ok(extract(&f, 0, &err));
    path = wl_path_join(f.dest, "d/su");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(st.st_mtime, 1234567890);
    assert_true(getxattr(path, "user.mallory", NULL, 0) < 0);
    free(path);
    path = wl_path_join(f.dest, "d/secret");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    free(path);
    path = wl_path_join(f.dest, "d");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(st.st_mtime, 1234567890);
    free(path);
    teardown(&f);
}

/* --- Threat 4: formats ---------------------------------------------------------------------------------------------- */

static void run_tool(const char *cwd, const char *command) {
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    struct wl_proc p = {.argv = argv, .cwd = cwd};
    struct wl_err err;

    assert_ok(wl_proc_check(&p, &err));
}

static void formats(void **state) {
    static const struct {
        const char *command;
        const char *why; /* NULL: taken */
    } cases[] = {
        {"tar cf x.tar in", NULL},
        {"tar czf x.tar in", NULL},
        {"tar cJf x.tar in", NULL},
        {"tar cjf x.tar in", NULL},
        {"tar --zstd -cf x.tar in", NULL},
        {"tar --format=gnu -cf x.tar in", NULL},
        {"tar --format=pax -cf x.tar in", NULL},
        {"python3 -m zipfile -c x.tar in/", NULL},
        {"tar c in | gzip | gzip >x.tar", "compressed more than once"},
        {"tar c in | xz | gzip >x.tar", "compressed more than once"},
        {"tar c in | xz --format=lzma >x.tar", "x.tar"},
        {"printf '070707000000000000000000000000000000000000000000000000000000000000000000001300000000000TRAILER!!!' "
         ">x.tar",
         "x.tar"},
        {"printf '!<arch>\\nx/              0           0     0     644     1         `\\nx' >x.tar", "x.tar"},
        {"printf 'hello\\n' >x.tar", "x.tar"},
        {": >x.tar", "x.tar"},
        {"tar c in | gzip | head -c 200 >x.tar", "x.tar"},
    };
    struct wl_err err;

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        struct fixture f = setup();
        char *got = wl_path_join(f.dest, "in/d/f");

        run_tool(f.dir, "mkdir -p in/d && seq 1000 >in/d/f");
        run_tool(f.dir, cases[i].command);
        if (cases[i].why)
            assert_fails(extract(&f, 0, &err), WL_FAILED, cases[i].why);
        else
            assert_ok(extract(&f, 0, &err));
        assert_int_equal(wl_fs_exists(got), cases[i].why == NULL);
        free(got);
        teardown(&f);
    }
}

/* --- Threats 5 and 7: bombs and sizes ------------------------------------------------------------------------------- */

static void bombs_are_stopped(void **state) {
    struct fixture f = setup();
    struct wl_tar_extract x = {.archive = f.file, .dest = f.dest};
    struct wl_err err;

    (void)state;
    run_tool(f.dir, "mkdir in && truncate -s 100M in/zeros && tar c --format=ustar in | gzip -9 >x.tar");
    assert_fails(wl_tar_extract(&x, NULL, &err), WL_FAILED, "a decompression bomb");
    x.limits = (struct wl_tar_limits){.bytes = 10 << 20, .ratio = 5000};
    assert_fails(wl_tar_extract(&x, NULL, &err), WL_FAILED, "says that it has 104857600 bytes");
    x.limits.bytes = (100 << 20) + 10; /* the file alone would fit: headers and padding count too */
    assert_fails(wl_tar_extract(&x, NULL, &err), WL_FAILED, "unpacks to more than");
    x.strip = 2; /* what is skipped costs time as well, and counts */
    assert_fails(wl_tar_extract(&x, NULL, &err), WL_FAILED, "unpacks to more than");
    x.strip = 0;
    run_tool(f.dir, "tar c --format=gnu -S in >x.tar && [ $(stat -c %s x.tar) -lt 20000 ]");
    x.limits = (struct wl_tar_limits){.bytes = 10 << 20};
    assert_fails(wl_tar_extract(&x, NULL, &err), WL_FAILED, "says that it has 104857600 bytes");
    run_tool(f.dir, "rm -r in && mkdir in && for i in 1 2 3 4 5 6 7 8 9; do : >in/$i; done && tar cf x.tar in");
    x.limits = (struct wl_tar_limits){.entries = 9};
    assert_fails(wl_tar_extract(&x, NULL, &err), WL_FAILED, "more than 9 entries");
    x.limits.entries = 10;
    assert_ok(wl_tar_extract(&x, NULL, &err));
    teardown(&f);
}

static void impossible_sizes_are_refused(void **state) {
    static const char *const sizes[] = {
        "77777777777\0",                                    /* 8 GiB */
        "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",       /* 2^63 - 1 */
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", /* -256 */
        "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", /* more than 64 bits */
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(sizes); i++) {
        struct fixture f = setup();
        struct wl_buf b = {0};
        struct wl_err err;

        raw_size(&b, &(struct item){"huge", '0', NULL, NULL, 0}, sizes[i]);
        write_tar(&f, &b);
        assert_fails(extract(&f, 0, &err), WL_FAILED, "x.tar");
        assert_false(wl_fs_exists(f.dest));
        teardown(&f);
    }
}

/* --- What must work ------------------------------------------------------------------------------------------------- */

static void check_file(const struct fixture *f, const char *name, const char *want) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    char *path = wl_path_join(f->dest, name);
    struct wl_err err;

    assert_ok(wl_fs_read(path, 1000, &b, &err));
    assert_string_equal(b.p, want);
    free(path);
}

static void ordinary_things_work(void **state) {
    struct fixture f = setup();
    struct wl_tar_extract x = {.archive = f.file, .dest = f.dest, .strip = 1};
    struct wl_tar_stats stats;
    struct wl_buf b = {0};
    char target[100] = "";
    char *path;
    struct stat st;
    struct wl_err err;

    (void)state;
    raw(&b, &(struct item){"top/", '5', NULL, NULL, 0755});
    raw(&b, &(struct item){"./top//a/./f", '0', NULL, "first", 0});
    raw(&b, &(struct item){"top/a/f", '0', NULL, "second", 0});
    raw(&b, &(struct item){"top/b/l", '2', "../a/f", NULL, 0});
    raw(&b, &(struct item){"top/b/dangling", '2', "nowhere", NULL, 0});
    raw(&b, &(struct item){"top/b/h", '1', "top/a/f", NULL, 0});
    raw(&b, &(struct item){"top/r\xc3\xa4tsel", '0', NULL, "utf-8", 0});
    raw(&b, &(struct item){"pax", 'x', NULL, "23 path=top/a/l\xc3\xb6ng\xc3\xa9r\n", 0});
    raw(&b, &(struct item){"short", '0', NULL, "pax", 0});
    raw(&b, &(struct item){"g", 'g', NULL, "15 comment=hey\n", 0});
    raw(&b, &(struct item){"top/exec", '0', NULL, "#!", 0744});
    write_tar(&f, &b);
    assert_ok(wl_tar_extract(&x, &stats, &err));
    assert_int_equal(stats.entries, 9);
    assert_int_equal(stats.files, 5);
    check_file(&f, "a/f", "second");
    check_file(&f, "b/l", "second");
    check_file(&f, "b/h", "second");
    check_file(&f, "r\xc3\xa4tsel", "utf-8");
    check_file(&f, "a/l\xc3\xb6ng\xc3\xa9r", "pax");
    path = wl_path_join(f.dest, "b/l");
    assert_int_equal(readlink(path, target, sizeof(target)), 6);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mtime, 1234567890);
    free(path);
    path = wl_path_join(f.dest, "exec");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    free(path);
    teardown(&f);
}

static void dest_must_be_empty(void **state) {
    struct fixture f = setup();
    char *other = wl_path_join(f.dest, "other");
    struct wl_buf b = {0};
    struct wl_err err;

    (void)state;
    raw(&b, &(struct item){"f", '0', NULL, "x", 0});
    write_tar(&f, &b);
    assert_ok(wl_fs_mkdirs(other, &err));
    assert_fails(extract(&f, 0, &err), WL_FAILED, "not empty");
    assert_true(wl_fs_is_dir(other));
    rmdir(other);
    assert_ok(extract(&f, 0, &err));
    free(other);
    teardown(&f);
}

static void missing_archive(void **state) {
    struct fixture f = setup();
    struct wl_err err;

    (void)state;
    assert_fails(extract(&f, 0, &err), WL_FAILED, "cannot open");
    assert_false(wl_fs_exists(f.dest));
    teardown(&f);
}

static void progress_is_reported(void *arg, const char *what, uint64_t done, uint64_t total, bool finished) {
    assert_string_equal(what, "x.tar");
    assert_true(done <= total);
    if (finished)
        (*(int *)arg)++;
}

static void progress(void **state) {
    struct fixture f = setup();
    int finished = 0;
    struct wl_progress p = {.report = progress_is_reported, .arg = &finished};
    struct wl_tar_extract x = {.archive = f.file, .dest = f.dest, .progress = &p};
    struct wl_err err;

    (void)state;
    run_tool(f.dir, "mkdir in && head -c 4000000 /dev/urandom >in/random && tar czf x.tar in");
    assert_ok(wl_tar_extract(&x, NULL, &err));
    assert_int_equal(finished, 1);
    teardown(&f);
}

/* --- Writing -------------------------------------------------------------------------------------------------------- */

static void header_bytes(void **state) {
    struct wl_tar_entry e = {.name = "d/php.wasm", .type = WL_TAR_FILE, .mode = 0755, .size = 11, .mtime = 1667297700};
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_err err;

    (void)state;
    assert_ok(wl_tar_header(&e, &b, &err));
    assert_int_equal(b.len, 512);
    assert_string_equal(b.p, "d/php.wasm");
    assert_string_equal(b.p + 100, "0000755");
    assert_string_equal(b.p + 108, "0000000");
    assert_string_equal(b.p + 124, "00000000013");
    assert_string_equal(b.p + 136, "14330170644");
    assert_int_equal(b.p[156], '0');
    assert_memory_equal(b.p + 257, "ustar\00000", 8);
    assert_string_equal(b.p + 265, "");
    assert_string_equal(b.p + 297, "");
    assert_int_equal(wl_tar_padding(11), 501);
    assert_int_equal(wl_tar_padding(512), 0);
    assert_int_equal(wl_tar_padding(0), 0);
}

/* Written by us, read by libarchive: the long, the odd, the large. */
static void round_trip(void **state) {
    char long_name[300];
    char too_long[400];
    const char *names[] = {"a", "a/b", long_name, too_long, "r\xc3\xa4tsel", "new\nline", "x y"};
    struct fixture f = setup();
    struct wl_buf b = {0};
    struct wl_err err;

    (void)state;
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    long_name[120] = long_name[199] = '/'; /* prefix of 199: too long; so 120 splits */
    long_name[210] = '\0';
    memset(too_long, 'm', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    too_long[200] = '/';
    for (size_t i = 0; i < WL_ARRAY_LEN(names); i++) {
        char *under = wl_sprintf("top/%zu/%s", i, names[i]);
        struct wl_tar_entry e = {.name = under, .type = WL_TAR_FILE, .mode = 0644, .size = 3, .mtime = 5};

        assert_ok(wl_tar_header(&e, &b, &err));
        wl_buf_add(&b, "abc", 3);
        wl_buf_add(&b, (char[509]){0}, 509);
        free(under);
    }
    {
        struct wl_tar_entry e = {.name = "l", .link = "top/0/a", .type = WL_TAR_SYMLINK, .mode = 0777};

        assert_ok(wl_tar_header(&e, &b, &err));
    }
    write_tar(&f, &b);
    assert_ok(extract(&f, 0, &err));
    for (size_t i = 0; i < WL_ARRAY_LEN(names); i++) {
        char *under = wl_sprintf("top/%zu/%s", i, names[i]);

        check_file(&f, under, "abc");
        free(under);
    }
    check_file(&f, "l", "abc");
    run_tool(
        f.dir,
        "tar tf x.tar >/dev/null && python3 -c 'import tarfile; assert len(tarfile.open(\"x.tar\").getnames()) == 8'");
    teardown(&f);
}

static void large_size_goes_to_pax(void **state) {
    struct wl_tar_entry e = {.name = "big", .type = WL_TAR_FILE, .mode = 0644, .size = 9ull << 30};
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_err err;

    (void)state;
    assert_ok(wl_tar_header(&e, &b, &err));
    assert_int_equal(b.len, 3 * 512);
    assert_int_equal(b.p[156], 'x');
    assert_string_equal(b.p + 512, "19 size=9663676416\n");
}

static void bad_names_are_not_written(void **state) {
    static const char *const names[] = {"", "/a", "a/", "a//b", "./a", "a/..", ".."};
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_err err;

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(names); i++) {
        struct wl_tar_entry e = {.name = names[i], .type = WL_TAR_FILE, .mode = 0644};

        assert_fails(wl_tar_header(&e, &b, &err), WL_FAILED, "cannot be a name");
    }
    assert_fails(wl_tar_header(&(struct wl_tar_entry){.name = "a", .type = WL_TAR_FILE, .mtime = -1}, &b, &err),
                 WL_FAILED, "does not fit");
    assert_int_equal(b.len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traversal_is_refused),
        cmocka_unit_test(strip_does_not_hide_traversal),
        cmocka_unit_test(links_that_lead_out_are_refused),
        cmocka_unit_test(hard_links_that_lead_out_are_refused),
        cmocka_unit_test(devices_are_refused),
        cmocka_unit_test(special_bits_and_owners_are_dropped),
        cmocka_unit_test(formats),
        cmocka_unit_test(bombs_are_stopped),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(ordinary_things_work),
        cmocka_unit_test(dest_must_be_empty),
        cmocka_unit_test(missing_archive),
        cmocka_unit_test(progress),
        cmocka_unit_test(header_bytes),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(large_size_goes_to_pax),
        cmocka_unit_test(bad_names_are_not_written),
    };

    wl_signals_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
