#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../registry/layout.h"
#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/tree.h"
#include "../model/home.h"
#include "../model/store.h"
#include "cmd.h"
#include "run_guest.h"

/* One record: a line, or with json a member of the object. */
static void tell(struct wl_jw *json, const char *what, uint64_t n, uint64_t bytes) {
    if (!json) {
        wl_result("%s\t%llu\t%llu", what, (unsigned long long)n, (unsigned long long)bytes);
        return;
    }
    wl_jw_key(json, what);
    wl_jw_begin(json, '{');
    wl_jw_kint(json, "removed", (int64_t)n);
    wl_jw_kint(json, "bytes", (int64_t)bytes);
    wl_jw_end(json, '}');
}

/* Removes a folder of the home and says so. */
static int clear(const struct wl_home *home, const char *sub, const char *what, bool dry, struct wl_jw *json,
                 struct wl_err *err) {
    WL_AUTOFREE char *path = wl_home_path(home, sub);
    uint64_t bytes, entries;

    if (!wl_fs_is_dir(path))
        return 0;
    wl_tree_usage(path, &bytes, &entries);
    if (entries == 0)
        return 0;
    tell(json, what, entries, bytes);
    return dry ? 0 : wl_fs_remove(path, err);
}

/* Images as run keeps them, but for those that a guest runs from. */
static int clear_roots(const struct wl_home *home, bool dry, struct wl_jw *json, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    WL_AUTOFREE char *folder = wl_home_path(home, WL_HOME_ROOTS);
    uint64_t n = 0, total = 0;

    if (!wl_fs_is_dir(folder))
        return 0;
    if (wl_fs_list(folder, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *path = wl_path_join(folder, names.v[i]);
        WL_AUTOFREE char *lock_name = wl_sprintf(WL_HOME_LOCKS "/root-%s.lock", names.v[i]);
        WL_AUTOFREE char *lock_path = wl_home_path(home, lock_name);
        WL_AUTO(wl_closep) int lock = -1;
        uint64_t bytes, entries;

        if (wl_guest_root_lock(home, names.v[i], WL_LOCK_NOWAIT, &lock, err) < 0)
            return -1;
        if (lock < 0)
            continue;
        wl_tree_usage(path, &bytes, &entries);
        n++;
        total += bytes;
        if (dry)
            continue;
        if (wl_fs_remove(path, err) < 0)
            return -1;
        unlink(lock_path);
    }
    if (n > 0)
        tell(json, "roots", n, total);
    return 0;
}

static int collect_blobs(const struct wl_home *home, bool dry, struct wl_jw *json, struct wl_err *err) {
    WL_AUTOFREE char *oci = wl_home_path(home, WL_HOME_OCI);
    WL_AUTOFREE char *mark = wl_path_join(oci, "oci-layout");
    struct wl_layout_gc gc = {0};

    if (!wl_fs_exists(mark))
        return 0;
    if (wl_layout_gc(oci, dry ? WL_LAYOUT_GC_DRY : 0, &gc, err) < 0)
        return -1;
    tell(json, "blobs", gc.removed, gc.removed_bytes);
    return 0;
}

static int collect(const struct wl_args *args, struct wl_jw *json, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_closep) int use = -1;
    bool dry = wl_args_has(args, "dry-run"), all = wl_args_has(args, "all");
    unsigned entries;
    uint64_t bytes;

    if (wl_home_open(&home, err) < 0 || wl_store_use(&home, dry ? WL_LOCK_SHARED : WL_LOCK_NOWAIT, &use, err) < 0)
        return -1;
    if (use < 0) {
        wl_info("another wlpack uses the store, waiting for it; Ctrl-C gives up, nothing was removed yet");
        if (wl_store_use(&home, 0, &use, err) < 0)
            return -1;
    }
    if (wl_store_gc(&home, (all ? WL_GC_ALL : 0) | (dry ? WL_GC_DRY_RUN : 0), &entries, &bytes, err) < 0)
        return -1;
    tell(json, "steps", entries, bytes);
    if (collect_blobs(&home, dry, json, err) < 0 || clear(&home, WL_HOME_WORK, "trees", dry, json, err) < 0 ||
        clear_roots(&home, dry, json, err) < 0 || clear(&home, WL_HOME_VERIFIED, "marks", dry, json, err) < 0 ||
        clear(&home, WL_HOME_MAPPED, "modules", dry, json, err) < 0)
        return -1;
    if (!all)
        return clear(&home, WL_HOME_SOURCES "/partial", "downloads", dry, json, err);
    return clear(&home, WL_HOME_SOURCES, "sources", dry, json, err) < 0
               ? -1
               : clear(&home, WL_HOME_LOGS, "logs", dry, json, err);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw json = {.out = &text, .indent = 2};
    bool as_json = wl_args_has(args, "json");

    (void)ret_status;
    wl_jw_begin(&json, '{');
    if (collect(args, as_json ? &json : NULL, err) < 0)
        return -1;
    wl_jw_end(&json, '}');
    wl_buf_addc(&text, '\n');
    if (as_json)
        wl_result_raw(text.p, text.len);
    return 0;
}

static const struct wl_opt opts[] = {
    {"all", 0, NULL, "every finished step, all sources and logs (images and kits stay)"},
    {"dry-run", 'n', NULL, "remove nothing, only tell"},
    {"json", 0, NULL, "one JSON object: kind to number and bytes"},
    {0}};

const struct wl_verb wl_verb_gc = {
    .name = "gc",
    .usage = "gc [OPTIONS]",
    .summary = "remove what the store no longer needs",
    .help =
        "Removes finished steps that a later build of the same recipe has replaced, blobs that no image of the local\n"
        "store needs, trees and half downloads that were left behind, modules and unpacked\n"
        "images as run keeps them to start faster (but for those that a guest runs from).\n"
        "Waits for builds that are running, unless with --dry-run. Prints kind, number and bytes, separated by tabs.",
    .opts = opts,
    .max_pos = 0,
    .run = run,
};
