/* Archives: safe unpacking of what others packed (tar.c reads through libarchive, of which it
 * is the only user; tar_extract.c writes the files, tar_child.c lets a child do both), and writing tar whose
 * bytes depend on nothing but the input (tar_write.c, no library: another version of one must not change a digest). */
#ifndef WL_BASE_TAR_H
#define WL_BASE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "out.h"

/* --- Reading ------------------------------------------------------------------------------------------------- */

/* What an archive may cost. A zero stands for the default. */
struct wl_tar_limits {
    uint64_t bytes;   /* unpacked, all files together; 4 GiB */
    uint64_t entries; /* 500,000 */
    unsigned ratio;   /* unpacked : packed, once more than 64 MiB are unpacked; 250 */
};

struct wl_tar_stats {
    uint64_t entries; /* read, with those that strip dropped */
    uint64_t files;   /* regular files written */
    uint64_t bytes;   /* unpacked */
};

struct wl_tar_extract {
    const char *archive; /* the file: tar (ustar, pax, GNU) plain or with gzip, xz, zstd, bzip2; or zip */
    const char *dest;    /* a folder that is missing (its parent too, perhaps) or empty */
    unsigned strip;      /* leading path components dropped; entries that have no more are skipped */
    struct wl_tar_limits limits;
    const struct wl_progress *progress; /* over the packed bytes; may be NULL */
};

/* Unpacks an archive that is not trusted. Nothing outside dest is touched whatever the archive says:
 *  - absolute names, "..", names through a link, names longer than PATH_MAX are refused;
 *  - symbolic links must be relative, with ".." in front only, and end inside dest; hard links must name a regular
 *    file unpacked before; devices, FIFOs and sockets are refused;
 *  - owner, setuid, setgid, sticky, extended attributes and ACLs are dropped: modes become 0644, 0755 by the owner's
 *    execute bit; modification times are kept (make depends on them), those of folders too;
 *  - a file may come twice (the later one counts), but never as another type.
 * A child does it, with 1 GiB of memory at most: what a hostile archive does to a decompressor does not reach us.
 * Fails with WL_FAILED, naming archive and entry; dest is then as it was before (missing or empty). Interruptible. ret may
 * be NULL. Not for two threads with the same dest. */
int wl_tar_extract(const struct wl_tar_extract *spec, struct wl_tar_stats *ret, struct wl_err *err);

/* One entry, for reading and for writing. */
enum wl_tar_type {
    WL_TAR_FILE = '0',
    WL_TAR_HARDLINK = '1',
    WL_TAR_SYMLINK = '2',
    WL_TAR_DIR = '5',
    WL_TAR_OTHER = '?', /* devices and such; reading only */
};
struct wl_tar_entry {
    const char *name; /* reading: as it stands in the archive; writing: relative, no trailing slash */
    const char *link; /* the target of links, else NULL */
    enum wl_tar_type type;
    unsigned mode;   /* permission bits */
    uint64_t size;   /* bytes of a FILE, else 0; reading: what the header says */
    int64_t mtime;   /* seconds */
    long mtime_nsec; /* reading only */
};

/* Where packed bytes come from. read: up to cap bytes, *ret_n == 0 at the end. seek: to an absolute position, may be NULL
 * (zip then is read in order only). */
struct wl_tar_source {
    int (*read)(void *arg, void *buf, size_t cap, size_t *ret_n, struct wl_err *err);
    int (*seek)(void *arg, uint64_t at, struct wl_err *err);
    void *arg;
    uint64_t size; /* bytes in all, when seek is given */
};

/* Reads the entries of an archive one by one, within limits (NULL: the defaults). `name` is what errors call it (copied).
 * open; next... (read the data of a FILE between); drain; free. The reader keeps no promise about names: who
 * writes files uses wl_tar_extract. */
struct wl_tar_reader;
int wl_tar_open(struct wl_tar_reader **ret, const char *name, const struct wl_tar_source *source,
                const struct wl_tar_limits *limits, struct wl_err *err);
/* The same for one compressed file that is no archive, or is not looked into: wl_tar_read gives its bytes at once. */
int wl_tar_open_raw(struct wl_tar_reader **ret, const char *name, const struct wl_tar_source *source,
                    const struct wl_tar_limits *limits, struct wl_err *err);
/* *ret_end: no more entries, *ret is untouched. The strings are valid until the next call. */
int wl_tar_next(struct wl_tar_reader *r, struct wl_tar_entry *ret, bool *ret_end, struct wl_err *err);
/* The current entry's bytes; *ret_n == 0 at their end. */
int wl_tar_read(struct wl_tar_reader *r, void *buf, size_t cap, size_t *ret_n, struct wl_err *err);
/* Reads the source to its end, so that one that verifies a digest has seen every byte. */
int wl_tar_drain(struct wl_tar_reader *r, struct wl_err *err);
struct wl_tar_stats wl_tar_stats(const struct wl_tar_reader *r);
void wl_tar_free(struct wl_tar_reader *r);
void wl_tar_freep(struct wl_tar_reader **r);

/* --- Writing ------------------------------------------------------------------------------------------------- */

#define WL_TAR_BLOCK 512

/* Appends the header of an entry: one ustar block (POSIX.1-1988), with a pax extended header in front (POSIX.1-2001) when
 * the name or the link is too long or not ASCII, or the size needs more than 11 octal digits. Owner and group are 0, their names
 * empty; folders get their trailing slash. FILE, SYMLINK, HARDLINK and DIR only. Fails (WL_FAILED) on names that are empty, absolute, hold
 * "", "." or ".." as a component, or end in a slash, and on negative times. */
int wl_tar_header(const struct wl_tar_entry *entry, struct wl_buf *out, struct wl_err *err);
/* Zero bytes that fill a file of that size up to a whole block. */
size_t wl_tar_padding(uint64_t size);
/* Bytes of the end mark (two zero blocks). */
#define WL_TAR_END (2 * WL_TAR_BLOCK)

#endif
