#include "layer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"
#include "../base/tar.h"

#define READ_CHUNK (64u << 10)
#define TREE_DEPTH 100
#define LINK_MAX_LEN 4096

struct wl_layer_item {
    char *name; /* relative, clean; "" for the root */
    enum wl_tar_type type;
    bool exec;
    char *path;  /* FILE: where the bytes are; NULL: in bytes */
    char *bytes; /* FILE */
    size_t len;
    char *target; /* SYMLINK */
    struct wl_digest digest;
    struct wl_sha1_sum sha1;
};

void wl_layer_release(struct wl_layer *l) {
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].name);
        free(l->v[i].path);
        free(l->v[i].bytes);
        free(l->v[i].target);
    }
    free(l->v);
    *l = (struct wl_layer){0};
}

/* --- Gathering ------------------------------------------------------------------------------------------------------ */

/* "/a//b/./c/" -> "a/b/c". ".." is left for the tar writer to refuse. */
static char *clean_name(const char *name) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};

    while (*name) {
        size_t n = strcspn(name, "/");

        if (n > 0 && !(n == 1 && name[0] == '.')) {
            if (out.len > 0)
                wl_buf_addc(&out, '/');
            wl_buf_add(&out, name, n);
        }
        name += n;
        name += *name == '/';
    }
    return wl_buf_steal(&out);
}

static struct wl_layer_item *add(struct wl_layer *l, char *name, enum wl_tar_type type) {
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->v = wl_reallocarray(l->v, l->cap, sizeof(*l->v));
    }
    l->v[l->n] = (struct wl_layer_item){.name = name, .type = type};
    return &l->v[l->n++];
}

/* Adds a name and the folders above it. */
static struct wl_layer_item *add_named(struct wl_layer *l, const char *name, enum wl_tar_type type) {
    char *clean = clean_name(name);

    for (const char *p = strchr(clean, '/'); p; p = strchr(p + 1, '/'))
        add(l, wl_strndup(clean, (size_t)(p - clean)), WL_TAR_DIR);
    return add(l, clean, type);
}

void wl_layer_add_file(struct wl_layer *l, const char *name, const char *path, bool exec) {
    struct wl_layer_item *i = add_named(l, name, WL_TAR_FILE);

    i->path = wl_strdup(path);
    i->exec = exec;
}

void wl_layer_add_bytes(struct wl_layer *l, const char *name, struct wl_blob bytes, bool exec) {
    struct wl_layer_item *i = add_named(l, name, WL_TAR_FILE);

    i->bytes = wl_memdup(bytes.p, bytes.len);
    i->len = bytes.len;
    i->exec = exec;
}

void wl_layer_add_dir(struct wl_layer *l, const char *name) {
    add_named(l, name, WL_TAR_DIR);
}

void wl_layer_add_symlink(struct wl_layer *l, const char *name, const char *target) {
    add_named(l, name, WL_TAR_SYMLINK)->target = wl_strdup(target);
}

static int add_symlink_of(struct wl_layer *l, const char *name, const char *path, struct wl_err *err) {
    char target[LINK_MAX_LEN];
    ssize_t n = readlink(path, target, sizeof(target) - 1);

    if (n < 0 || n == (ssize_t)sizeof(target) - 1)
        return wl_fail_errno(err, n < 0 ? errno : ENAMETOOLONG, "cannot read the link %s", path);
    target[n] = '\0';
    wl_layer_add_symlink(l, name, target);
    return 0;
}

static int add_tree(struct wl_layer *l, const char *name, const char *path, int depth, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct stat st;

    if (depth > TREE_DEPTH)
        return wl_fail(err, WL_FAILED, "%s is nested too deeply", path);
    if (lstat(path, &st) < 0)
        return wl_fail_errno(err, errno, "cannot look at %s", path);
    if (l->n > WL_LAYER_ENTRIES_MAX)
        return wl_fail(err, WL_FAILED, "a layer holds at most %d entries; %s has more", WL_LAYER_ENTRIES_MAX, path);
    if (S_ISREG(st.st_mode)) {
        wl_layer_add_file(l, name, path, st.st_mode & 0100);
        return 0;
    }
    if (S_ISLNK(st.st_mode))
        return add_symlink_of(l, name, path, err);
    if (!S_ISDIR(st.st_mode))
        return wl_fail(err, WL_FAILED, "%s is no file, folder or link; it cannot go into an image", path);
    wl_layer_add_dir(l, name);
    if (wl_fs_list(path, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *sub_name = wl_sprintf("%s/%s", name, names.v[i]);
        WL_AUTOFREE char *sub_path = wl_path_join(path, names.v[i]);

        if (add_tree(l, sub_name, sub_path, depth + 1, err) < 0)
            return -1;
    }
    return 0;
}

int wl_layer_add_tree(struct wl_layer *l, const char *name, const char *path, struct wl_err *err) {
    struct stat st;

    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return wl_fail(err, WL_FAILED, "%s is not a folder", path);
    return add_tree(l, name, path, 0, err);
}

/* --- The tar -------------------------------------------------------------------------------------------------------- */

struct sink {
    int (*put)(void *arg, const void *p, size_t n, struct wl_err *err);
    void *arg;
    bool digests;
};

/* The digests of one file's bytes, when they are asked for. */
struct sums {
    struct wl_sha256 sha256;
    struct wl_sha1 sha1;
};

static void sums_release(struct sums *s) {
    wl_sha256_release(&s->sha256);
    wl_sha1_release(&s->sha1);
}

static void sums_begin(struct sums *s, const struct sink *out) {
    if (!out->digests)
        return;
    wl_sha256_init(&s->sha256);
    wl_sha1_init(&s->sha1);
}

static int put_bytes(struct sums *s, const struct sink *out, const void *p, size_t n, struct wl_err *err) {
    if (out->digests) {
        wl_sha256_update(&s->sha256, p, n);
        wl_sha1_update(&s->sha1, p, n);
    }
    return out->put(out->arg, p, n, err);
}

static void sums_end(struct sums *s, const struct sink *out, struct wl_layer_item *item) {
    if (!out->digests)
        return;
    item->digest = wl_sha256_final(&s->sha256);
    item->sha1 = wl_sha1_final(&s->sha1);
}

static int compare(const void *pa, const void *pb) {
    const struct wl_layer_item *a = pa;
    const struct wl_layer_item *b = pb;
    int rc = strcmp(a->name, b->name);

    return rc != 0 ? rc : (a->type == WL_TAR_DIR) - (b->type == WL_TAR_DIR);
}

static bool same_name(const struct wl_layer_item *a, const struct wl_layer_item *b) {
    return strcmp(a->name, b->name) == 0;
}

/* Sorts and drops folders that are named more than once; any other name must be unique. */
static int normalise(struct wl_layer *l, struct wl_err *err) {
    size_t kept = 0;

    if (l->n > 1)
        qsort(l->v, l->n, sizeof(*l->v), compare);
    for (size_t i = 1; i < l->n; i++)
        if (same_name(&l->v[i - 1], &l->v[i]) && (l->v[i - 1].type != WL_TAR_DIR || l->v[i].type != WL_TAR_DIR))
            return wl_fail(err, WL_FAILED, "the layer would hold /%s twice", l->v[i].name);
    for (size_t i = 0; i < l->n; i++) {
        if (kept && same_name(&l->v[kept - 1], &l->v[i]))
            free(l->v[i].name);
        else
            l->v[kept++] = l->v[i];
    }
    l->n = kept;
    return 0;
}

static int put_zeros(const struct sink *out, size_t n, struct wl_err *err) {
    static const char zeros[WL_TAR_END];

    return n > 0 ? out->put(out->arg, zeros, n, err) : 0;
}

static int put_header(const struct wl_layer_item *item, uint64_t size, int64_t epoch, const struct sink *out,
                      struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf head = {0};
    struct wl_tar_entry e = {
        .name = item->name,
        .link = item->target,
        .type = item->type,
        .mode = item->exec || item->type == WL_TAR_DIR ? 0755
                : item->type == WL_TAR_SYMLINK         ? 0777
                                                       : 0644,
        .size = size,
        .mtime = epoch,
    };

    if (wl_tar_header(&e, &head, err) < 0)
        return -1;
    return out->put(out->arg, head.p, head.len, err);
}

static int put_file(struct wl_layer_item *item, int64_t epoch, const struct sink *out, struct wl_err *err) {
    WL_AUTO(sums_release) struct sums sums = {0};
    WL_AUTO(wl_closep) int fd = open(item->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char chunk[READ_CHUNK];
    struct stat st;
    uint64_t left;

    if (fd < 0 || fstat(fd, &st) < 0)
        return wl_fail_errno(err, errno, "cannot open %s", item->path);
    if (!S_ISREG(st.st_mode))
        return wl_fail(err, WL_FAILED, "%s is not a regular file", item->path);
    if (put_header(item, (uint64_t)st.st_size, epoch, out, err) < 0)
        return -1;
    sums_begin(&sums, out);
    for (left = (uint64_t)st.st_size; left > 0;) {
        ssize_t n = read(fd, chunk, left < sizeof(chunk) ? (size_t)left : sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return wl_fail_errno(err, errno, "cannot read %s", item->path);
        if (n == 0)
            return wl_fail(err, WL_FAILED, "%s became shorter while it was read", item->path);
        if (put_bytes(&sums, out, chunk, (size_t)n, err) < 0)
            return -1;
        left -= (uint64_t)n;
    }
    if (read(fd, chunk, 1) > 0)
        return wl_fail(err, WL_FAILED, "%s became longer while it was read", item->path);
    sums_end(&sums, out, item);
    return put_zeros(out, wl_tar_padding((uint64_t)st.st_size), err);
}

static int put_item(struct wl_layer_item *item, int64_t epoch, const struct sink *out, struct wl_err *err) {
    WL_AUTO(sums_release) struct sums sums = {0};

    if (item->name[0] == '\0' && item->type == WL_TAR_DIR)
        return 0; /* the root is always there */
    if (item->type == WL_TAR_FILE && item->path)
        return put_file(item, epoch, out, err);
    if (put_header(item, item->len, epoch, out, err) < 0)
        return -1;
    if (item->type != WL_TAR_FILE)
        return 0;
    sums_begin(&sums, out);
    if (put_bytes(&sums, out, item->bytes, item->len, err) < 0)
        return -1;
    sums_end(&sums, out, item);
    return put_zeros(out, wl_tar_padding(item->len), err);
}

int wl_layer_tar(struct wl_layer *l, int64_t epoch, int (*put)(void *, const void *, size_t, struct wl_err *),
                 void *arg, struct wl_err *err) {
    const struct sink out = {.put = put, .arg = arg, .digests = l->digests};

    if (normalise(l, err) < 0)
        return -1;
    for (size_t i = 0; i < l->n; i++)
        if (put_item(&l->v[i], epoch, &out, err) < 0)
            return -1;
    return put_zeros(&out, WL_TAR_END, err);
}

void wl_layer_each_file(const struct wl_layer *l,
                        void (*each)(void *arg, const char *name, const struct wl_digest *digest,
                                     const struct wl_sha1_sum *sha1),
                        void *arg) {
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].type == WL_TAR_FILE)
            each(arg, l->v[i].name, &l->v[i].digest, &l->v[i].sha1);
}

/* --- The blob ------------------------------------------------------------------------------------------------------- */

struct packer {
    struct wl_pack *z;
    struct wl_blob_writer w;
    struct wl_sha256 diff;
    uint64_t tar_size;
    const struct wl_codec *codec;
};

static void packer_release(struct packer *p) {
    wl_pack_free(p->z);
    wl_blob_cancel(&p->w);
    wl_sha256_release(&p->diff);
}

static int put_packed(void *arg, const void *data, size_t n, struct wl_err *err) {
    struct packer *p = arg;

    if (wl_interrupted())
        return wl_fail(err, WL_FAILED, "interrupted while writing a layer");
    return wl_blob_write(&p->w, data, n, err);
}

static int put_tar(void *arg, const void *data, size_t n, struct wl_err *err) {
    struct packer *p = arg;

    wl_sha256_update(&p->diff, data, n);
    p->tar_size += n;
    return wl_pack_add(p->z, data, n, err);
}

static int packer_begin(struct packer *p, const struct wl_layout *layout, const struct wl_codec *codec,
                        struct wl_err *err) {
    p->codec = codec ? codec : wl_codec_find(NULL);
    wl_sha256_init(&p->diff);
    p->z = wl_pack_open(p->codec, 0, put_packed, p);
    return wl_blob_begin(&p->w, layout, err);
}

static int packer_end(struct packer *p, struct wl_layer_result *ret, struct wl_err *err) {
    struct wl_layer_result r = {.media_type = p->codec->zstd ? WL_MT_LAYER_ZSTD : WL_MT_LAYER_GZIP};

    if (wl_pack_finish(p->z, err) < 0 || wl_blob_commit(&p->w, NULL, &r.digest, &r.size, err) < 0)
        return -1;
    r.diff_id = wl_sha256_final(&p->diff);
    r.tar_size = p->tar_size;
    *ret = r;
    return 0;
}

int wl_layer_write(struct wl_layer *l, const struct wl_layout *layout, int64_t epoch, const struct wl_codec *codec,
                   struct wl_layer_result *ret, struct wl_err *err) {
    WL_AUTO(packer_release) struct packer p = {.w = WL_BLOB_WRITER_INIT};

    if (packer_begin(&p, layout, codec, err) < 0 || wl_layer_tar(l, epoch, put_tar, &p, err) < 0)
        return -1;
    return packer_end(&p, ret, err);
}

int wl_layer_pack(const struct wl_layout *layout, const struct wl_codec *codec,
                  int (*next)(void *arg, void *buf, size_t cap, size_t *ret_n, struct wl_err *err), void *arg,
                  struct wl_layer_result *ret, struct wl_err *err) {
    WL_AUTO(packer_release) struct packer p = {.w = WL_BLOB_WRITER_INIT};
    char chunk[READ_CHUNK];
    size_t n = 1;

    if (packer_begin(&p, layout, codec, err) < 0)
        return -1;
    while (n > 0)
        if (next(arg, chunk, sizeof(chunk), &n, err) < 0 || put_tar(&p, chunk, n, err) < 0)
            return -1;
    return packer_end(&p, ret, err);
}
