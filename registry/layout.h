/* An OCI image layout on disk (image-spec 1.1, image-layout.md): the local image store, and the folders that `save`
 * and `load` exchange.
 *
 *   DIR/oci-layout               {"imageLayoutVersion":"1.0.0"}
 *   DIR/index.json               the entries; a local name ("php:7.4.33-cli") is the entry's annotation
 *                                org.opencontainers.image.ref.name, so that `skopeo ... oci:DIR:php:7.4.33-cli` finds it
 *   DIR/blobs/sha256/<64 hex>    the blobs
 *   DIR/.tmp/ .lock .use         ours: blobs being written; the lock on index.json; held shared by whoever writes
 *   DIR/.seals/                  ours, in the local store: which blobs are as they were when they were hashed (layout_internal.h)
 *
 * Blobs appear by rename only and are verified on use (size and digest while reading; for a push, a seal stands for the digest), not on
 * arrival at a name: a file that has the right name and size counts as present. index.json is rewritten under the lock, by rename, its
 * entries sorted by name and digest. Any number of processes and threads may use one layout at once. */
#ifndef WL_REGISTRY_LAYOUT_H
#define WL_REGISTRY_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "../tool/base/buf.h"
#include "../tool/base/digest.h"
#include "../tool/base/err.h"
#include "../tool/base/fs.h"
#include "oci.h"

#define WL_LAYOUT_INDEX_MAX (16u << 20)   /* largest index.json */
#define WL_LAYOUT_MANIFEST_MAX (4u << 20) /* largest manifest, index or config blob that is read into memory */
#define WL_LAYOUT_NAME_MAX 255            /* longest local name */
#define WL_LAYOUT_REF_NAME "org.opencontainers.image.ref.name"

/* --- The layout ---------------------------------------------------------------------------------------------- */

/* After open it is read-only and may be shared by threads. */
struct wl_layout {
    char *dir;
    int use_fd;  /* the shared hold that keeps gc away; -1 when opened for reading */
    bool sealed; /* seals are written and believed */
};
#define WL_LAYOUT_INIT {.use_fd = -1}

enum wl_layout_flags {
    WL_LAYOUT_WRITE = 1,      /* blobs or entries will be written; waits while a gc runs */
    WL_LAYOUT_CREATE = 2 | 1, /* as WRITE, and a missing layout (or an empty folder) is made into one */
    WL_LAYOUT_SEALED = 4,     /* seals are written and believed: for the local store, which nobody else writes to */
};

/* Opens the layout in dir. Fails when it is none, or of another version. */
int wl_layout_open(struct wl_layout *ret, const char *dir, unsigned flags, struct wl_err *err);
void wl_layout_close(struct wl_layout *l);

/* --- Blobs --------------------------------------------------------------------------------------------------- */

/* Where a blob is or would be; a new string. */
char *wl_layout_blob_path(const struct wl_layout *l, const struct wl_digest *digest);
/* True when a blob of that name and size is there (size < 0: any size). Its bytes are verified by whoever reads them. */
bool wl_layout_blob_has(const struct wl_layout *l, const struct wl_digest *digest, int64_t size);

/* Stores bytes; nothing is written when they are there already. */
int wl_layout_blob_put(const struct wl_layout *l, struct wl_blob bytes, struct wl_digest *ret, struct wl_err *err);

/* A blob written piece by piece, its digest computed on the way. begin; write...; commit. cancel drops it, is
 * idempotent and does nothing after a commit: WL_AUTO(wl_blob_cancel) struct wl_blob_writer w = WL_BLOB_WRITER_INIT. */
struct wl_blob_writer {
    const struct wl_layout *l;
    struct wl_file f;
    struct wl_sha256 h;
    uint64_t size; /* bytes written so far */
};
#define WL_BLOB_WRITER_INIT {.f = WL_FILE_INIT}

int wl_blob_begin(struct wl_blob_writer *w, const struct wl_layout *l, struct wl_err *err);
int wl_blob_write(struct wl_blob_writer *w, const void *p, size_t n, struct wl_err *err);
/* Syncs and renames into place. expect (may be NULL): the digest it must have, otherwise the blob is dropped and
 * the call fails. ret and ret_size may be NULL. */
int wl_blob_commit(struct wl_blob_writer *w, const struct wl_digest *expect, struct wl_digest *ret, uint64_t *ret_size,
                   struct wl_err *err);
void wl_blob_cancel(struct wl_blob_writer *w);

/* A blob read piece by piece and verified on the way: open checks the size (size < 0: unknown), the read that meets the
 * end checks the digest. What was read must not be trusted before that read returned 0 with *ret_n == 0. A wrong size or
 * digest fails with WL_FAILED and names the blob, its file and the way out. */
struct wl_blob_reader {
    int fd;
    struct wl_digest digest;
    uint64_t size; /* of the file */
    uint64_t done;
    struct wl_sha256 h;
    char *path;
    const struct wl_layout *sealed_in; /* the end may be sealed; NULL: it is not asked for */
    bool sealed;                       /* the seal holds: nothing is hashed */
    struct stat st;                    /* of the file as it was opened */
};
#define WL_BLOB_READER_INIT {.fd = -1}

int wl_blob_open(struct wl_blob_reader *r, const struct wl_layout *l, const struct wl_digest *digest, int64_t size,
                 struct wl_err *err);
/* The same for who may believe a seal: the read that meets the end then checks only that the file is still what it was. Without one the
 * bytes are hashed, and the end gets a seal. l must live as long as the reader. */
int wl_blob_open_sealed(struct wl_blob_reader *r, const struct wl_layout *l, const struct wl_digest *digest,
                        int64_t size, struct wl_err *err);
/* Goes on at an offset within the size; of a sealed blob alone. */
int wl_blob_seek(struct wl_blob_reader *r, uint64_t offset, struct wl_err *err);
int wl_blob_read(struct wl_blob_reader *r, void *buf, size_t cap, size_t *ret_n, struct wl_err *err);
/* The same as the read of a struct wl_tar_source, whose arg is the reader. */
int wl_blob_read_source(void *reader, void *buf, size_t cap, size_t *ret_n, struct wl_err *err);
void wl_blob_close(struct wl_blob_reader *r);

/* Reads the whole blob and checks it. */
int wl_blob_verify(const struct wl_layout *l, const struct wl_digest *digest, int64_t size, struct wl_err *err);
/* A small blob (manifest, index, config; at most WL_LAYOUT_MANIFEST_MAX bytes) into *ret (appended), verified. */
int wl_blob_load(const struct wl_layout *l, const struct wl_digest *digest, int64_t size, struct wl_buf *ret,
                 struct wl_err *err);
/* The same with another limit. */
int wl_blob_load_max(const struct wl_layout *l, const struct wl_digest *digest, int64_t size, size_t max,
                     struct wl_buf *ret, struct wl_err *err);

/* A layer that was put into a layout. */
struct wl_layer_result {
    struct wl_digest diff_id; /* of the tar */
    struct wl_digest digest;  /* of the blob */
    uint64_t tar_size;
    uint64_t size;          /* of the blob */
    const char *media_type; /* a constant; NULL: WL_MT_LAYER_GZIP */
};

/* --- Entries of index.json ----------------------------------------------------------------------------------- */

/* One descriptor. Strings are owned, NULL where the member is absent (media_type is never NULL). */
struct wl_layout_entry {
    char *name; /* the ref.name annotation */
    char *media_type;
    struct wl_digest digest;
    uint64_t size;
    char *os, *architecture, *variant; /* platform */
    char *artifact_type;
    struct wl_strv annotations; /* the other ones: key, value, key, value ... */
};
void wl_layout_entry_release(struct wl_layout_entry *e);
struct wl_layout_entry wl_layout_entry_copy(const struct wl_layout_entry *e); /* to be released */
/* The same as a descriptor without annotations; its strings stay the entry's. */
struct wl_oci_descriptor wl_layout_entry_descriptor(const struct wl_layout_entry *e);

struct wl_layout_entries {
    struct wl_layout_entry *v;
    size_t n;
};
void wl_layout_entries_release(struct wl_layout_entries *e);

/* All entries, sorted by name (nameless last), then digest. ret must be zeroed. */
int wl_layout_list(const struct wl_layout *l, struct wl_layout_entries *ret, struct wl_err *err);

/* The entry for a local name ("php:7.4.33-cli"), a digest ("sha256:" and at least 8 hex digits that fit one manifest only) or a name
 * with a digest, of which the digest decides. A name that nothing has exactly is taken as docker takes it: without a tag it is
 * NAME:latest, "php:8" and "docker.io/library/php:8" are one. ret must be zeroed. When there is none the error names near ones. */
int wl_layout_find(const struct wl_layout *l, const char *ref, struct wl_layout_entry *ret, struct wl_err *err);

/* As find, in a list that was read before, for who looks for many. */
int wl_layout_find_in(const struct wl_layout *l, const struct wl_layout_entries *all, const char *ref,
                      struct wl_layout_entry *ret, struct wl_err *err);

/* As find for who takes names away: of a name with a digest, an entry that bears this name or none at all. */
int wl_layout_find_own(const struct wl_layout *l, const char *ref, struct wl_layout_entry *ret, struct wl_err *err);

/* As find, with the manifest or index itself, verified, appended to *ret_manifest. */
int wl_layout_manifest(const struct wl_layout *l, const char *ref, struct wl_layout_entry *ret,
                       struct wl_buf *ret_manifest, struct wl_err *err);

/* Adds the entry; one of the same name (NAME and NAME:latest are the same; or, when it has no name, of the same digest) is replaced. The manifest blob must be
 * there. The layout must be open for writing. */
int wl_layout_tag(const struct wl_layout *l, const struct wl_layout_entry *entry, struct wl_err *err);
/* The same for many, in their order, with index.json written once: all of them or, when one cannot be, none. */
int wl_layout_tag_all(const struct wl_layout *l, const struct wl_layout_entry *entries, size_t n, struct wl_err *err);
/* Removes the entry that find_own finds, or all of that digest when ref is nothing but one. Blobs stay until gc. Fails when there is none. */
int wl_layout_untag(const struct wl_layout *l, const char *ref, struct wl_err *err);
/* The same for many, in their order, with index.json written once. It ends at the first that is not there and when it is interrupted: those
 * before are gone then, though it fails. ret_gone (zeroed): the entry that each meant, of as many as went. dry: nothing is
 * written, and the layout may be open for reading only. */
int wl_layout_untag_all(const struct wl_layout *l, const char *const *refs, size_t n, bool dry,
                        struct wl_layout_entries *ret_gone, struct wl_err *err);

/* Checks a local name: "repository[:tag]", repository in lower case (distribution-spec's grammar, a host and port in
 * front allowed), tag of [A-Za-z0-9_.-]. WL_USAGE errors say what is wrong. */
int wl_layout_name_check(const char *name, struct wl_err *err);

/* --- Housekeeping -------------------------------------------------------------------------------------------- */

struct wl_layout_gc {
    size_t kept, removed; /* blobs */
    uint64_t kept_bytes, removed_bytes;
};

/* Removes the blobs that no entry reaches, the referrers of images that are gone (layout_referrers.h), and what killed writers left in .tmp. Waits until no other process has the layout
 * open for writing (nowait: fails instead); the caller must not have it open for writing itself. With dry, only
 * counts, and waits for nobody. A manifest that is missing or damaged stops it: nothing is removed then. */
enum wl_layout_gc_flags { WL_LAYOUT_GC_DRY = 1, WL_LAYOUT_GC_NOWAIT = 2 };
int wl_layout_gc(const char *dir, unsigned flags, struct wl_layout_gc *ret, struct wl_err *err);

#endif
