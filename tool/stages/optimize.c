#include "optimize.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"

#define TIMEOUT_MS (60u * 60 * 1000) /* an hour: a pass that hangs must not hang a pipeline for ever */
#define SAID_MAX 1500                /* bytes of wasm-opt's own words in an error */

static int size_of(const char *path, uint64_t *ret, struct wl_err *err) {
    struct stat st;

    if (stat(path, &st) < 0)
        return wl_fail_errno(err, errno, "cannot stat %s", path);
    *ret = (uint64_t)st.st_size;
    return 0;
}

static void add_said(const char *log, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf said = {0};
    struct wl_err ignored;

    if (wl_fs_read(log, 1 << 20, &said, &ignored) < 0 || said.len == 0)
        return;
    wl_fail(err, err->code, "%.200s:\n%.*s", err->msg, SAID_MAX,
            said.p + (said.len > SAID_MAX ? said.len - SAID_MAX : 0));
}

int wl_stage_optimize(struct wl_optimize *o, struct wl_err *err) {
    WL_AUTOFREE char *program = wl_kit_path(o->binaryen, "bin/wasm-opt");
    WL_AUTOFREE char *tmp = wl_sprintf("%s.tmp", o->out);
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0};
    /* BINARYEN_CORES does not change the result: passes over functions are independent */
    struct wl_proc p = {.log_path = o->log, .flags = WL_PROC_MERGE | WL_PROC_NO_NETWORK, .timeout_ms = TIMEOUT_MS};
    int rc;

    if (size_of(o->in, &o->size_before, err) < 0 || wl_fs_remove(o->log, err) < 0)
        return -1;
    wl_strv_add(&argv, program);
    for (size_t i = 0; o->flags && o->flags[i]; i++)
        wl_strv_add(&argv, o->flags[i]);
    wl_strv_add(&argv, o->in);
    wl_strv_add(&argv, "-o");
    wl_strv_add(&argv, tmp);
    p.argv = (const char *const *)argv.v;
    rc = wl_proc_check(&p, err);
    o->max_rss_kb = p.max_rss_kb;
    if (rc < 0) {
        unlink(tmp);
        if (!wl_interrupted())
            add_said(o->log, err);
        return -1;
    }
    if (size_of(tmp, &o->size_after, err) < 0)
        return -1;
    if (rename(tmp, o->out) < 0)
        return wl_fail_errno(err, errno, "cannot put %s in place", o->out);
    return 0;
}
