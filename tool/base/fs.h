/* Files and folders: whole-file reads with a limit, files that appear by rename only, trees, locks. */
#ifndef WL_BASE_FS_H
#define WL_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/* "a/b"; a new string. An absolute b is returned alone. */
char *wl_path_join(const char *a, const char *b);
const char *wl_path_base(const char *path);

/* Reads a whole regular file of at most max bytes into *ret (appended). A longer one is an error. */
int wl_fs_read(const char *path, size_t max, struct wl_buf *ret, struct wl_err *err);

/* Creates a folder and its parents (mode 0777 & ~umask); existing ones are fine. */
int wl_fs_mkdirs(const char *path, struct wl_err *err);
/* Creates the parents of path. */
int wl_fs_mkdirs_parent(const char *path, struct wl_err *err);

/* Removes a file or a tree, never following links; a missing one is fine. Folders without write permission
 * are opened up first. */
int wl_fs_remove(const char *path, struct wl_err *err);

bool wl_fs_exists(const char *path); /* follows links */
bool wl_fs_is_dir(const char *path);

/* Copies one regular file (contents and the execute bits) to `to` by way of a temporary name and a rename.
 * Uses copy_file_range where the file system can share blocks. */
int wl_fs_copy(const char *from, const char *to, struct wl_err *err);

/* Lists the names in a folder (without . and ..) sorted by byte value. */
int wl_fs_list(const char *path, struct wl_strv *ret, struct wl_err *err);

/* A file that is written without a name (O_TMPFILE) or, where the file system has no such files, under a temporary name beside its place, and
 * appears by a link or a rename: what kills us leaves nothing, or there the temporary one. Nobody clears those away: they might be another
 * process's.
 * wl_file_open; write to f.fd (or wl_file_write); wl_file_commit. wl_file_cancel drops it: it is idempotent, does
 * nothing after a commit, and serves as a cleanup (WL_AUTO(wl_file_cancel) struct wl_file f = WL_FILE_INIT).
 * The commit syncs the data before the rename when `sync` was asked for.
 * A place that is no file but a device or a pipe (/dev/null, /dev/stdout, /dev/fd/N) is never replaced: it is written to as it is. */
struct wl_file {
    int fd;
    char *tmp; /* NULL: nameless, or written in place */
    char *path;
    bool sync;
    bool nameless; /* has no name before the commit */
    char *beside;  /* where a temporary name may stand: the path at the beginning */
};
#define WL_FILE_INIT {.fd = -1}

int wl_file_open(struct wl_file *f, const char *path, mode_t mode, bool sync, struct wl_err *err);
int wl_file_write(struct wl_file *f, const void *p, size_t n, struct wl_err *err);
int wl_file_commit(struct wl_file *f, struct wl_err *err);
void wl_file_cancel(struct wl_file *f);

/* The whole of it in one call; atomic. */
int wl_fs_write(const char *path, const void *p, size_t n, struct wl_err *err);

/* write(2) until all is written. */
int wl_write_all(int fd, const void *p, size_t n);

/* A fresh temporary folder beside `beside` (so that a rename into place stays on one file system);
 * a new string. */
int wl_fs_tempdir(const char *beside, char **ret_path, struct wl_err *err);

/* An advisory lock (flock) on a file that is created when missing. Shared or exclusive. With wait: blocks (and
 * can be interrupted: then fails). Without: *ret_fd is -1 and the result 0 when somebody else holds it.
 * Closing the descriptor unlocks. */
enum wl_lock_flags { WL_LOCK_SHARED = 1, WL_LOCK_NOWAIT = 2 };
int wl_fs_lock(const char *path, unsigned flags, int *ret_fd, struct wl_err *err);

#endif
