/* An image layer: files gathered under names, and written as a tar (base/tar.h) whose bytes depend on names, contents,
 * execute bits and one time only, compressed (base/pack.h) into a layout in one pass that computes both digests. Memory stays
 * below 32 MB whatever the size. The diff_id depends on nothing else; the blob's digest also on the codec's version. */
#ifndef WL_STAGES_LAYER_H
#define WL_STAGES_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../registry/layout.h"
#include "../base/buf.h"
#include "../base/digest.h"
#include "../base/err.h"
#include "../base/pack.h"

#define WL_LAYER_ENTRIES_MAX 500000

/* A zeroed struct is an empty layer. */
struct wl_layer {
    struct wl_layer_item *v;
    size_t n, cap;
    bool digests; /* writing remembers those of the files, for wl_layer_each_file */
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

/* Writes the layer into the layout as a blob of the codec (NULL: gzip). epoch is the time of every entry. Entries are sorted by name; the same
 * name twice is an error, but for folders. A file that changes while it is read is an error. Sorts l in place. */
int wl_layer_write(struct wl_layer *l, const struct wl_layout *layout, int64_t epoch, const struct wl_codec *codec,
                   struct wl_layer_result *ret, struct wl_err *err);
/* The files of a layer that was written with `digests` set, as they were read then, sorted by name; names are relative to the root. */
void wl_layer_each_file(const struct wl_layer *l,
                        void (*each)(void *arg, const char *name, const struct wl_digest *digest,
                                     const struct wl_sha1_sum *sha1),
                        void *arg);
/* Compresses a tar into the layout: the bytes that next gives, until *ret_n == 0. */
int wl_layer_pack(const struct wl_layout *layout, const struct wl_codec *codec,
                  int (*next)(void *arg, void *buf, size_t cap, size_t *ret_n, struct wl_err *err), void *arg,
                  struct wl_layer_result *ret, struct wl_err *err);
/* The same bytes uncompressed, handed to put piece by piece (for tests and docker-archive). */
int wl_layer_tar(struct wl_layer *l, int64_t epoch, int (*put)(void *, const void *, size_t, struct wl_err *),
                 void *arg, struct wl_err *err);

#endif
