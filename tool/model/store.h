/* The build store: one folder per finished step under $WLPACK_HOME/store, named by the step's content key.
 *
 *   store/<key>/meta.json   what it was made from (for --explain), the facts worth telling again, the digest of each file
 *   store/<key>/files/...   what the step made
 *   store/last/<name>       the key that a step of a recipe had last (for --explain and gc)
 *
 * An entry appears whole, by rename, and is never changed afterwards. Contents are checked against their digests where they
 * are used, not where they are looked up: wl_store_has costs one system call. Keys are 64 lower-case hex digits. */
#ifndef WL_MODEL_STORE_H
#define WL_MODEL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/digest.h"
#include "../base/err.h"
#include "../base/mem.h"
#include "home.h"

/* A name and a value worth telling again: "before" = "11742311". */
struct wl_pair {
    const char *name, *value;
};

struct wl_store_file {
    const char *path; /* below files/ */
    uint64_t size;
    struct wl_digest digest; /* of the bytes, or of the target for a symbolic link */
    bool link;
};

/* What meta.json says. All memory is in the arena. */
struct wl_meta {
    const char *recipe, *step;
    const char *inputs; /* what wl_plan_inputs_print gave for the step */
    const struct wl_pair *facts;
    size_t n_facts;
    const struct wl_store_file *files; /* sorted by path */
    size_t n_files;
    double seconds; /* what making it took */
    struct wl_arena arena;
};
void wl_meta_release(struct wl_meta *m);
/* The value of a fact; NULL when there is none. */
const char *wl_meta_fact(const struct wl_meta *m, const char *name);
/* NULL when there is no such file. */
const struct wl_store_file *wl_meta_file(const struct wl_meta *m, const char *path);

bool wl_store_has(const struct wl_home *home, const char *key);

/* Fails when the entry is missing or its meta.json is damaged (the caller then drops it and builds again). */
int wl_store_meta(const struct wl_home *home, const char *key, struct wl_meta *ret, struct wl_err *err);

/* store/<key>/files/<path>; a new string. path may be "". */
char *wl_store_path(const struct wl_home *home, const char *key, const char *path);

/* Checks every file of the entry (or only `path`, when not NULL) against its digest. Fails with the file's name when one is
 * missing or differs. */
int wl_store_verify(const struct wl_home *home, const char *key, const struct wl_meta *m, const char *path,
                    struct wl_err *err);

/* Marks the entry as used now (gc goes by that). Failing is no harm. */
void wl_store_touch(const struct wl_home *home, const char *key);

/* Removes an entry (out of sight at once, by rename). A missing one is fine. */
int wl_store_drop(struct wl_home *home, const char *key, struct wl_err *err);

/* An entry that is being made: put files into `dir` (an empty folder), then commit. Holds the key's lock from begin to commit
 * or cancel, so that of two processes that want one key the second waits and then finds the entry. */
struct wl_entry {
    struct wl_home *home;
    char *key;
    char *tmp;
    char *dir; /* tmp/files: where the step's results go */
    int lock;
};
#define WL_ENTRY_INIT {.lock = -1}

/* Takes the lock (waiting() is called once before it blocks; may be NULL). *ret_there is set when the entry exists by then
 * and force is false: nothing is held. Otherwise *e is ready. */
int wl_entry_begin(struct wl_entry *e, struct wl_home *home, const char *key, bool force, void (*waiting)(void *arg),
                   void *arg, bool *ret_there, struct wl_err *err);
/* Digests what stands in e->dir, writes meta.json from m (its files are ignored) and puts the entry in place, replacing one
 * that is there. */
int wl_entry_commit(struct wl_entry *e, const struct wl_meta *m, struct wl_err *err);
/* Drops what was made; does nothing after a commit. A cleanup. */
void wl_entry_cancel(struct wl_entry *e);

/* The key that `name` ("php-7.4.33.wasi.compile") had last: a new string, or NULL. */
char *wl_store_last(const struct wl_home *home, const char *name);
int wl_store_set_last(const struct wl_home *home, const char *name, const char *key, struct wl_err *err);

/* Everything that uses the store holds it shared (flags as of wl_fs_lock) while it runs; gc takes it exclusively. Closing the
 * descriptor ends it. */
int wl_store_use(const struct wl_home *home, unsigned flags, int *ret_fd, struct wl_err *err);

/* Removes entries that no `last` names (with all: every entry and the `last` names), and lock files. The caller holds
 * wl_store_use exclusively (with dry_run shared is enough). *ret_entries and *ret_bytes count what went. With dry_run nothing is removed. */
enum wl_gc_flags { WL_GC_ALL = 1, WL_GC_DRY_RUN = 2 };
int wl_store_gc(struct wl_home *home, unsigned flags, unsigned *ret_entries, uint64_t *ret_bytes, struct wl_err *err);

#endif
