#include "tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"
#include "proc.h"

#define BYTES_MAX (4ull << 30)
#define ENTRIES_MAX 500000
#define RATIO_MAX 250
#define RATIO_FREE (64ull << 20) /* unpacked bytes below which the ratio is not looked at */
#define SOURCE_CHUNK (64u << 10)
#define FILTERS_MAX 1 /* layers of compression around the archive */

struct wl_tar_reader {
    struct archive *a;
    char *name;
    struct wl_tar_limits limits;
    struct wl_tar_stats stats;
    struct wl_tar_source source;
    uint64_t packed; /* bytes taken from the source */
    uint64_t at;     /* where the source stands */
    bool source_bad; /* the source failed: source_err counts, not libarchive's words */
    bool in_file;    /* the current entry may have data left */
    struct wl_err source_err;
    char chunk[SOURCE_CHUNK];
};

/* --- The source, as libarchive wants it ------------------------------------------------------------------------ */

static la_ssize_t source_read(struct archive *a, void *arg, const void **ret_buf) {
    struct wl_tar_reader *r = arg;
    size_t n = 0;

    if (r->source_bad || r->source.read(r->source.arg, r->chunk, sizeof(r->chunk), &n, &r->source_err) < 0) {
        r->source_bad = true;
        archive_set_error(a, EIO, "the source failed");
        return -1;
    }
    r->packed += n;
    r->at += n;
    *ret_buf = r->chunk;
    return (la_ssize_t)n;
}

static la_int64_t source_seek(struct archive *a, void *arg, la_int64_t offset, int whence) {
    struct wl_tar_reader *r = arg;
    int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (int64_t)r->at : (int64_t)r->source.size;
    int64_t to;

    if (__builtin_add_overflow(base, offset, &to) || to < 0 || (uint64_t)to > r->source.size) {
        archive_set_error(a, EIO, "a position outside the file");
        return ARCHIVE_FATAL;
    }
    if (r->source.seek(r->source.arg, (uint64_t)to, &r->source_err) < 0) {
        r->source_bad = true;
        return ARCHIVE_FATAL;
    }
    r->at = (uint64_t)to;
    return to;
}

/* libarchive's complaint, or the source's own. */
static int fail_archive(struct wl_tar_reader *r, struct wl_err *err) {
    const char *why = archive_error_string(r->a);

    if (r->source_bad) {
        *err = r->source_err;
        return -1;
    }
    return wl_fail(err, WL_FAILED, "%s: %s", r->name, why ? why : "it cannot be read as an archive");
}

/* --- Limits ---------------------------------------------------------------------------------------------------- */

static int check_limits(struct wl_tar_reader *r, struct wl_err *err) {
    la_int64_t through = archive_filter_bytes(r->a, 0); /* behind decompression: data, headers, gaps */
    uint64_t bytes = through > 0 && (uint64_t)through > r->stats.bytes ? (uint64_t)through : r->stats.bytes;

    if (bytes > r->limits.bytes)
        return wl_fail(err, WL_FAILED, "%s: refused: it unpacks to more than %" PRIu64 " bytes", r->name,
                       r->limits.bytes);
    if (bytes > RATIO_FREE && r->packed > 0 && bytes / r->packed >= r->limits.ratio)
        return wl_fail(err, WL_FAILED, "%s: refused: it unpacks to more than %u times its size (a decompression bomb?)",
                       r->name, r->limits.ratio);
    if (r->stats.entries > r->limits.entries)
        return wl_fail(err, WL_FAILED, "%s: refused: it holds more than %" PRIu64 " entries", r->name,
                       r->limits.entries);
    if (wl_interrupted())
        return wl_fail(err, WL_FAILED, "%s: interrupted", r->name);
    return 0;
}

/* --- Reading --------------------------------------------------------------------------------------------------- */

/* Only what sources and layers come in. A filter that libarchive would run a program for answers ARCHIVE_WARN: refused. */
static int support(struct archive *a, bool raw) {
    return (raw ? archive_read_support_format_raw(a) == ARCHIVE_OK
                : archive_read_support_format_tar(a) == ARCHIVE_OK &&
                      archive_read_support_format_zip(a) == ARCHIVE_OK) &&
           archive_read_support_filter_gzip(a) == ARCHIVE_OK && archive_read_support_filter_xz(a) == ARCHIVE_OK &&
           archive_read_support_filter_zstd(a) == ARCHIVE_OK && archive_read_support_filter_bzip2(a) == ARCHIVE_OK;
}

static int open_as(struct wl_tar_reader **ret, const char *name, const struct wl_tar_source *source,
                   const struct wl_tar_limits *limits, bool raw, struct wl_err *err) {
    WL_AUTO(wl_tar_freep) struct wl_tar_reader *r = wl_calloc(1, sizeof(*r));

    r->name = wl_strdup(name);
    r->source = *source;
    if (limits)
        r->limits = *limits;
    if (r->limits.bytes == 0)
        r->limits.bytes = BYTES_MAX;
    if (r->limits.entries == 0)
        r->limits.entries = ENTRIES_MAX;
    if (r->limits.ratio == 0)
        r->limits.ratio = RATIO_MAX;
    r->a = archive_read_new();
    if (!r->a || !support(r->a, raw))
        return wl_fail(err, WL_FAILED, "this libarchive was built without tar, zip, gzip, xz, zstd or bzip2");
    archive_read_set_read_callback(r->a, source_read);
    if (source->seek)
        archive_read_set_seek_callback(r->a, source_seek);
    archive_read_set_callback_data(r->a, r);
    if (archive_read_open1(r->a) != ARCHIVE_OK)
        return fail_archive(r, err);
    if (archive_filter_count(r->a) > FILTERS_MAX + 1)
        return wl_fail(err, WL_FAILED, "%s: refused: it is compressed more than once", r->name);
    *ret = WL_STEAL(r);
    return 0;
}

int wl_tar_open(struct wl_tar_reader **ret, const char *name, const struct wl_tar_source *source,
                const struct wl_tar_limits *limits, struct wl_err *err) {
    return open_as(ret, name, source, limits, false, err);
}

int wl_tar_open_raw(struct wl_tar_reader **ret, const char *name, const struct wl_tar_source *source,
                    const struct wl_tar_limits *limits, struct wl_err *err) {
    WL_AUTO(wl_tar_freep) struct wl_tar_reader *r = NULL;
    struct wl_tar_entry e;
    bool end = false;

    if (open_as(&r, name, source, limits, true, err) < 0 || wl_tar_next(r, &e, &end, err) < 0)
        return -1;
    *ret = WL_STEAL(r);
    return 0;
}

/* Reads what is left of the current entry, so that skipped data counts as well. */
static int skip_data(struct wl_tar_reader *r, struct wl_err *err) {
    char sink[8192];
    size_t n = 1;

    while (r->in_file && n > 0)
        if (wl_tar_read(r, sink, sizeof(sink), &n, err) < 0)
            return -1;
    return 0;
}

static enum wl_tar_type type_of(struct archive_entry *e) {
    if (archive_entry_hardlink(e) || archive_entry_hardlink_utf8(e))
        return WL_TAR_HARDLINK;
    switch (archive_entry_filetype(e)) {
    case AE_IFREG:
        return WL_TAR_FILE;
    case AE_IFDIR:
        return WL_TAR_DIR;
    case AE_IFLNK:
        return WL_TAR_SYMLINK;
    default:
        return WL_TAR_OTHER;
    }
}

/* In the C locale libarchive gives no plain form of names that are not ASCII. */
static const char *either(const char *plain, const char *utf8) {
    return plain ? plain : utf8;
}

static int fill_entry(struct wl_tar_reader *r, struct archive_entry *e, struct wl_tar_entry *ret, struct wl_err *err) {
    struct wl_tar_entry t = {.type = type_of(e)};
    la_int64_t size = archive_entry_size_is_set(e) ? archive_entry_size(e) : 0;

    t.name = either(archive_entry_pathname(e), archive_entry_pathname_utf8(e));
    if (!t.name)
        return wl_fail(err, WL_FAILED, "%s: an entry has a name that cannot be read", r->name);
    if (size < 0)
        return wl_fail(err, WL_FAILED, "%s: refused: %s has a negative size", r->name, t.name);
    if (t.type == WL_TAR_FILE)
        t.size = (uint64_t)size;
    if (t.size > r->limits.bytes)
        return wl_fail(err, WL_FAILED, "%s: refused: %s says that it has %" PRIu64 " bytes", r->name, t.name, t.size);
    if (t.type == WL_TAR_HARDLINK)
        t.link = either(archive_entry_hardlink(e), archive_entry_hardlink_utf8(e));
    if (t.type == WL_TAR_SYMLINK)
        t.link = either(archive_entry_symlink(e), archive_entry_symlink_utf8(e));
    if (t.type == WL_TAR_SYMLINK && !t.link)
        return wl_fail(err, WL_FAILED, "%s: the link %s has no target that can be read", r->name, t.name);
    t.mode = (unsigned)archive_entry_perm(e);
    t.mtime = archive_entry_mtime(e);
    t.mtime_nsec = archive_entry_mtime_nsec(e);
    *ret = t;
    return 0;
}

int wl_tar_next(struct wl_tar_reader *r, struct wl_tar_entry *ret, bool *ret_end, struct wl_err *err) {
    struct archive_entry *e = NULL;
    int rc;

    if (skip_data(r, err) < 0)
        return -1;
    rc = archive_read_next_header(r->a, &e);
    if (rc == ARCHIVE_EOF) {
        *ret_end = true;
        return check_limits(r, err);
    }
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
        return fail_archive(r, err);
    r->stats.entries++;
    r->in_file = true;
    if (check_limits(r, err) < 0)
        return -1;
    *ret_end = false;
    return fill_entry(r, e, ret, err);
}

int wl_tar_read(struct wl_tar_reader *r, void *buf, size_t cap, size_t *ret_n, struct wl_err *err) {
    la_ssize_t n = archive_read_data(r->a, buf, cap);

    if (n < 0)
        return fail_archive(r, err);
    r->stats.bytes += (uint64_t)n;
    if (n == 0)
        r->in_file = false;
    if (check_limits(r, err) < 0)
        return -1;
    *ret_n = (size_t)n;
    return 0;
}

int wl_tar_drain(struct wl_tar_reader *r, struct wl_err *err) {
    size_t n = 1;

    while (n > 0) {
        if (r->source_bad || r->source.read(r->source.arg, r->chunk, sizeof(r->chunk), &n, &r->source_err) < 0) {
            r->source_bad = true;
            return fail_archive(r, err);
        }
        r->packed += n;
    }
    return 0;
}

struct wl_tar_stats wl_tar_stats(const struct wl_tar_reader *r) {
    return r->stats;
}

void wl_tar_free(struct wl_tar_reader *r) {
    if (!r)
        return;
    if (r->a)
        archive_read_free(r->a);
    free(r->name);
    free(r);
}

void wl_tar_freep(struct wl_tar_reader **r) {
    wl_tar_free(*r);
    *r = NULL;
}
