#include "layout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../tool/base/json.h"
#include "../tool/base/mem.h"
#include "layout_internal.h"

#define VERSION "1.0.0"
#define VERSION_FILE_MAX 4096
#define SEAL_AGE 2 /* seconds */
#define EMPTY_INDEX "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}"

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static int check_version(const char *dir, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(dir, "oci-layout");
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    const char *version;

    if (!wl_fs_exists(path))
        return wl_fail(err, WL_FAILED, "%s is no OCI image layout: it has no file oci-layout", dir);
    if (wl_fs_read(path, VERSION_FILE_MAX, &text, err) < 0 ||
        wl_json_parse(&doc, path, wl_buf_str(&text), text.len, WL_FAILED, err) < 0)
        return -1;
    version = wl_json_str(wl_json_get(wl_json_root(doc), "imageLayoutVersion"));
    if (!version || strcmp(version, VERSION) != 0)
        return wl_fail(err, WL_FAILED, "%s is an OCI image layout of version %s; %s is what we read", dir,
                       version ? version : "(none)", VERSION);
    return 0;
}

/* A new file that is complete when it appears; another process may have been faster. */
static int make_file(const char *dir, const char *name, const char *text, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(dir, name);

    if (wl_fs_exists(path))
        return 0;
    return wl_fs_write(path, text, strlen(text), err);
}

static int create(const char *dir, struct wl_err *err) {
    WL_AUTOFREE char *version = wl_path_join(dir, "oci-layout");
    WL_AUTOFREE char *blobs = wl_path_join(dir, "blobs/sha256");
    WL_AUTOFREE char *tmp = wl_path_join(dir, ".tmp");
    WL_AUTOFREE char *lock = wl_path_join(dir, ".lock");
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    WL_AUTO(wl_closep) int fd = -1;

    if (wl_fs_exists(version))
        return wl_fs_mkdirs(blobs, err) < 0 ? -1 : wl_fs_mkdirs(tmp, err);
    if (wl_fs_mkdirs(dir, err) < 0 || wl_fs_list(dir, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++)
        if (strcmp(names.v[i], "blobs") != 0 && !wl_starts(names.v[i], ".") && !wl_starts(names.v[i], "oci-layout") &&
            !wl_starts(names.v[i], "index.json"))
            return wl_fail(err, WL_FAILED, "%s is neither empty nor an OCI image layout (there is %s)", dir,
                           names.v[i]);
    if (wl_fs_lock(lock, 0, &fd, err) < 0 || wl_fs_mkdirs(blobs, err) < 0 || wl_fs_mkdirs(tmp, err) < 0)
        return -1;
    if (make_file(dir, "index.json", EMPTY_INDEX, err) < 0)
        return -1;
    return make_file(dir, "oci-layout", "{\"imageLayoutVersion\":\"" VERSION "\"}", err); /* last: now it is one */
}

int wl_layout_open(struct wl_layout *ret, const char *dir, unsigned flags, struct wl_err *err) {
    WL_AUTOFREE char *use = wl_path_join(dir, ".use");
    WL_AUTO(wl_closep) int fd = -1;

    if ((flags & WL_LAYOUT_CREATE) == WL_LAYOUT_CREATE && create(dir, err) < 0)
        return -1;
    if (check_version(dir, err) < 0)
        return -1;
    if ((flags & WL_LAYOUT_WRITE) && wl_fs_lock(use, WL_LOCK_SHARED, &fd, err) < 0)
        return -1;
    ret->dir = wl_strdup(dir);
    ret->sealed = (flags & WL_LAYOUT_SEALED) != 0;
    ret->use_fd = wl_steal_fd(&fd);
    return 0;
}

void wl_layout_close(struct wl_layout *l) {
    free(l->dir);
    l->dir = NULL;
    wl_closep(&l->use_fd);
    l->use_fd = -1;
}

/* --- Blobs: writing ------------------------------------------------------------------------------------------------ */

char *wl_layout_blob_path(const struct wl_layout *l, const struct wl_digest *digest) {
    return wl_sprintf("%s/blobs/sha256/%s", l->dir, wl_digest_hexonly(digest).s);
}

bool wl_layout_blob_has(const struct wl_layout *l, const struct wl_digest *digest, int64_t size) {
    WL_AUTOFREE char *path = wl_layout_blob_path(l, digest);
    struct stat st;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (size < 0 || st.st_size == size);
}

int wl_layout_blob_put(const struct wl_layout *l, struct wl_blob bytes, struct wl_digest *ret, struct wl_err *err) {
    WL_AUTO(wl_blob_cancel) struct wl_blob_writer w = WL_BLOB_WRITER_INIT;
    struct wl_digest digest = wl_digest_of(bytes.p, bytes.len);

    if (!wl_layout_blob_has(l, &digest, (int64_t)bytes.len)) {
        if (wl_blob_begin(&w, l, err) < 0 || wl_blob_write(&w, bytes.p, bytes.len, err) < 0 ||
            wl_blob_commit(&w, &digest, NULL, NULL, err) < 0)
            return -1;
    }
    *ret = digest;
    return 0;
}

int wl_blob_begin(struct wl_blob_writer *w, const struct wl_layout *l, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(l->dir, ".tmp/blob");

    if (wl_file_open(&w->f, path, 0644, true, err) < 0)
        return wl_err_context(err, "the image store %s", l->dir);
    w->l = l;
    w->size = 0;
    wl_sha256_init(&w->h);
    return 0;
}

int wl_blob_write(struct wl_blob_writer *w, const void *p, size_t n, struct wl_err *err) {
    if (wl_file_write(&w->f, p, n, err) < 0)
        return wl_err_context(err, "the image store %s", w->l->dir);
    wl_sha256_update(&w->h, p, n);
    w->size += n;
    return 0;
}

int wl_blob_commit(struct wl_blob_writer *w, const struct wl_digest *expect, struct wl_digest *ret, uint64_t *ret_size,
                   struct wl_err *err) {
    struct wl_digest digest = wl_sha256_final(&w->h);
    WL_AUTOFREE char *path = wl_layout_blob_path(w->l, &digest);
    uint64_t size = w->size;
    struct stat st;

    if (expect && !wl_digest_equal(expect, &digest)) {
        wl_blob_cancel(w);
        return wl_fail(err, WL_FAILED, "the blob %s came out as %s", wl_digest_str(expect).s, wl_digest_str(&digest).s);
    }
    free(w->f.path); /* the name is known only now */
    w->f.path = wl_strdup(path);
    if (wl_file_commit(&w->f, err) < 0)
        return wl_err_context(err, "the image store %s", w->l->dir);
    if (lstat(path, &st) == 0 && (uint64_t)st.st_size == size)
        wl_seal_put(w->l, &digest, &st);
    if (ret)
        *ret = digest;
    if (ret_size)
        *ret_size = size;
    return 0;
}

void wl_blob_cancel(struct wl_blob_writer *w) {
    wl_file_cancel(&w->f);
    wl_sha256_release(&w->h);
}

/* --- Blobs: reading ------------------------------------------------------------------------------------------------ */

static int damaged(const struct wl_blob_reader *r, struct wl_err *err, const char *how) {
    return wl_fail(err, WL_FAILED, "the blob %s is damaged: %s; remove %s and build, load or pull its image again",
                   wl_digest_str(&r->digest).s, how, r->path);
}

int wl_blob_open(struct wl_blob_reader *r, const struct wl_layout *l, const struct wl_digest *digest, int64_t size,
                 struct wl_err *err) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader n = WL_BLOB_READER_INIT;
    struct stat st = {0};

    n.digest = *digest;
    n.path = wl_layout_blob_path(l, digest);
    n.fd = open(n.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (n.fd < 0 && errno == ENOENT)
        return wl_fail(err, WL_FAILED, "the blob %s is not in %s; build, load or pull its image again",
                       wl_digest_str(digest).s, l->dir);
    if (n.fd < 0 || fstat(n.fd, &st) < 0)
        return wl_fail_errno(err, errno, "cannot open the blob %s", n.path);
    if (!S_ISREG(st.st_mode))
        return damaged(&n, err, "it is no regular file");
    n.size = (uint64_t)st.st_size;
    n.st = st;
    if (size >= 0 && st.st_size != size) {
        WL_AUTOFREE char *how = wl_sprintf("it has %" PRIu64 " bytes instead of %" PRId64, n.size, size);

        return damaged(&n, err, how);
    }
    wl_sha256_init(&n.h);
    *r = n;
    n = (struct wl_blob_reader)WL_BLOB_READER_INIT;
    return 0;
}

int wl_blob_open_sealed(struct wl_blob_reader *r, const struct wl_layout *l, const struct wl_digest *digest,
                        int64_t size, struct wl_err *err) {
    if (wl_blob_open(r, l, digest, size, err) < 0)
        return -1;
    r->sealed_in = l;
    r->sealed = wl_seal_holds(l, digest, &r->st);
    return 0;
}

int wl_blob_seek(struct wl_blob_reader *r, uint64_t offset, struct wl_err *err) {
    if (!r->sealed || offset > r->size || lseek(r->fd, (off_t)offset, SEEK_SET) < 0)
        return wl_fail(err, WL_FAILED, "%s: cannot go to byte %" PRIu64, r->path, offset);
    r->done = offset;
    return 0;
}

/* Whether the file is the one that was opened, unchanged. */
static bool unchanged(const struct wl_blob_reader *r) {
    struct stat st;

    return fstat(r->fd, &st) == 0 && st.st_size == r->st.st_size && st.st_ctim.tv_sec == r->st.st_ctim.tv_sec &&
           st.st_ctim.tv_nsec == r->st.st_ctim.tv_nsec;
}

/* Every byte was hashed and is right: the next push need not do it again. A file that changed a moment ago could change again within
 * the tick of its clock. */
static void seal(const struct wl_blob_reader *r) {
    if (r->sealed_in && unchanged(r) && time(NULL) - r->st.st_ctim.tv_sec > SEAL_AGE)
        wl_seal_put(r->sealed_in, &r->digest, &r->st);
}

static int sealed_end(const struct wl_blob_reader *r, struct wl_err *err) {
    if (r->done == r->size && unchanged(r))
        return 0;
    wl_seal_drop(r->sealed_in, &r->digest);
    return damaged(r, err, "it was changed while it was read");
}

int wl_blob_read(struct wl_blob_reader *r, void *buf, size_t cap, size_t *ret_n, struct wl_err *err) {
    struct wl_digest got;
    ssize_t n;

    do
        n = read(r->fd, buf, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return wl_fail_errno(err, errno, "cannot read the blob %s", r->path);
    *ret_n = (size_t)n;
    if (n > 0) {
        if (!r->sealed)
            wl_sha256_update(&r->h, buf, (size_t)n);
        r->done += (uint64_t)n;
        return 0;
    }
    if (r->sealed)
        return sealed_end(r, err);
    if (!r->h.ctx)
        return 0; /* the end was met before */
    got = wl_sha256_final(&r->h);
    if (!wl_digest_equal(&got, &r->digest)) {
        WL_AUTOFREE char *how = wl_sprintf("its bytes have the digest %s", wl_digest_str(&got).s);

        return damaged(r, err, how);
    }
    seal(r);
    return 0;
}

int wl_blob_read_source(void *reader, void *buf, size_t cap, size_t *ret_n, struct wl_err *err) {
    return wl_blob_read(reader, buf, cap, ret_n, err);
}

void wl_blob_close(struct wl_blob_reader *r) {
    wl_closep(&r->fd);
    r->fd = -1;
    wl_sha256_release(&r->h);
    free(r->path);
    r->path = NULL;
}

int wl_blob_verify(const struct wl_layout *l, const struct wl_digest *digest, int64_t size, struct wl_err *err) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    char chunk[65536];
    size_t n = 1;

    if (wl_blob_open(&r, l, digest, size, err) < 0)
        return -1;
    while (n > 0)
        if (wl_blob_read(&r, chunk, sizeof(chunk), &n, err) < 0)
            return -1;
    return 0;
}

int wl_blob_load(const struct wl_layout *l, const struct wl_digest *digest, int64_t size, struct wl_buf *ret,
                 struct wl_err *err) {
    return wl_blob_load_max(l, digest, size, WL_LAYOUT_MANIFEST_MAX, ret, err);
}

int wl_blob_load_max(const struct wl_layout *l, const struct wl_digest *digest, int64_t size, size_t max,
                     struct wl_buf *ret, struct wl_err *err) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    size_t n = 1;

    if (wl_blob_open(&r, l, digest, size, err) < 0)
        return -1;
    if (r.size > max)
        return wl_fail(err, WL_FAILED, "the blob %s is too large (%" PRIu64 " bytes) for what it should be",
                       wl_digest_str(digest).s, r.size);
    wl_buf_reserve(ret, r.size + 1);
    while (n > 0) {
        wl_buf_reserve(ret, 4096);
        if (wl_blob_read(&r, ret->p + ret->len, ret->cap - ret->len - 1, &n, err) < 0)
            return -1;
        ret->len += n;
        ret->p[ret->len] = '\0';
    }
    return 0;
}
