/* An image layer: files gathered under names, and written as a tar (tar.h) whose bytes depend on names, contents, execute bits
 * and one time only, compressed into a layout in one pass that computes both digests.
 *
 * Compression: gzip by libdeflate, level 6, in blocks of 1 MiB of tar, each a gzip member of its own (RFC 1952, 2.2 allows
 * any number; Go's and zlib's readers take them). On a module of PHP, one thread: zlib-6 41 MB/s, ratio .207; libdeflate-6
 * 116 MB/s, .204; -9 29 MB/s, .203; -12 3 MB/s, .194; the blocks cost 0.2 % and keep memory flat. Blocks are of fixed size, so the
 * bytes do not depend on the number of threads; they do depend on libdeflate's version, hence wl_layer_compressor, which
 * belongs into every key that a layer's digest is found under. The diff_id does not depend on it. */
#ifndef WL_STAGES_LAYER_H
#define WL_STAGES_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../registry/layout.h"
#include "../base/buf.h"
#include "../base/digest.h"
#include "../base/err.h"

#define WL_LAYER_ENTRIES_MAX 500000

/* A zeroed struct is an empty layer. */
struct wl_layer {
    struct wl_layer_item *v;
    size_t n, cap;
};
void wl_layer_release(struct wl_layer *l);

/* Names are absolute paths in the image or relative to its root; "/a//b/" and "a/b" are the same. Folders above a name come
 * by themselves. Contents are read by wl_layer_write; adding only remembers. Modes: 0755 for folders and exec, else 0644. */
void wl_layer_add_file(struct wl_layer *l, const char *name, const char *path, bool exec);
void wl_layer_add_bytes(struct wl_layer *l, const char *name, struct wl_blob bytes, bool exec); /* bytes are copied */
void wl_layer_add_dir(struct wl_layer *l, const char *name);
void wl_layer_add_symlink(struct wl_layer *l, const char *name, const char *target);
/* Everything below the host folder `path` under `name` ("/" for the root): files (with their own execute bit), folders and
 * symbolic links; anything else is an error that names it. */
int wl_layer_add_tree(struct wl_layer *l, const char *name, const char *path, struct wl_err *err);

struct wl_layer_result {
    struct wl_digest diff_id; /* of the tar */
    struct wl_digest digest;  /* of the blob */
    uint64_t tar_size;
    uint64_t size; /* of the blob */
};

/* Writes the layer into the layout as a gzip blob. epoch is the time of every entry. Entries are sorted by name; the same
 * name twice is an error, but for folders. A file that changes while it is read is an error. Sorts l in place. */
int wl_layer_write(struct wl_layer *l, const struct wl_layout *layout, int64_t epoch, struct wl_layer_result *ret,
                   struct wl_err *err);
/* The same bytes uncompressed, handed to put piece by piece (for tests and docker-archive). */
int wl_layer_tar(struct wl_layer *l, int64_t epoch, int (*put)(void *, const void *, size_t, struct wl_err *),
                 void *arg, struct wl_err *err);

/* What compresses, and how: "libdeflate 1.14 gzip-6 1M". Two equal strings give equal bytes. */
const char *wl_layer_compressor(void);

#endif
