#include "patch.h"

#include <errno.h>
#include <string.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"

#define OUTPUT_MAX ((size_t)1 << 20) /* of what patch says */
#define REJECT_MAX ((size_t)1 << 20)
#define HUNK_LINES 24 /* most lines of a failed hunk that an error shows */

/* The name in "patching file NAME" or "checking file NAME", where patch quotes what a shell would trip over. */
static char *patched_name(const char *line, size_t n) {
    const char *p = line + strlen("patching file ");

    n -= strlen("patching file ");
    if (n >= 2 && *p == '\'' && p[n - 1] == '\'') {
        p++;
        n -= 2;
    }
    return wl_strndup(p, n);
}

/* The first file that patch's output says something failed in; a new string, or NULL. */
static char *failed_file(const char *output) {
    WL_AUTOFREE char *name = NULL;

    for (const char *p = output; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        size_t n = strcspn(p, "\n");

        if (wl_starts(p, "patching file ")) {
            free(name);
            name = patched_name(p, n);
        } else if (memmem(p, n, "FAILED", 6) || memmem(p, n, "refusing to patch", 17) ||
                   memmem(p, n, "hunk ignored", 12) || memmem(p, n, "hunks ignored", 13)) {
            return WL_STEAL(name);
        }
    }
    return NULL;
}

/* Appends the first hunk of a reject file, at most HUNK_LINES lines of it. */
static void add_hunk(struct wl_buf *out, const char *reject) {
    const char *p = strncmp(reject, "@@", 2) == 0 ? reject : strstr(reject, "\n@@");
    int lines = 0;

    if (!p)
        return;
    p += *p == '\n';
    do {
        size_t n = strcspn(p, "\n");

        wl_buf_addc(out, '\n');
        if (lines++ == HUNK_LINES) {
            wl_buf_adds(out, "...");
            return;
        }
        wl_buf_add(out, p, n);
        p += n;
        p += *p == '\n';
    } while (*p && strncmp(p, "@@", 2) != 0 && strncmp(p, "--- ", 4) != 0 && strncmp(p, "diff ", 5) != 0);
}

/* The last line of patch's output that is not empty, for failures without a hunk. */
static const char *last_line(const char *output, size_t *ret_n) {
    size_t end = strlen(output), start;

    while (end && output[end - 1] == '\n')
        end--;
    for (start = end; start && output[start - 1] != '\n';)
        start--;
    *ret_n = end - start;
    return output + start;
}

static int does_not_apply(const struct wl_patch *patch, const char *output, const char *reject_path,
                          struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf reject = {0}, hunk = {0};
    WL_AUTOFREE char *file = failed_file(output);
    struct wl_err ignored;
    size_t n;
    const char *last = last_line(output, &n);

    if (wl_fs_exists(reject_path) && wl_fs_read(reject_path, REJECT_MAX, &reject, &ignored) == 0)
        add_hunk(&hunk, wl_buf_str(&reject));
    if (strstr(output, "can't find file to patch"))
        return wl_fail(err, WL_RECIPE, "%s: does not apply: the tree has no such file as it is for", patch->path);
    if (file && hunk.len)
        return wl_fail(err, WL_RECIPE, "%s: does not apply to %s; the hunk that fails:%s", patch->path, file, hunk.p);
    return wl_fail(err, WL_RECIPE, "%s: does not apply%s%s: %.*s", patch->path, file ? " to " : "", file ? file : "",
                   (int)n, last);
}

/* The bytes of the patch, which must still be those that the series was loaded with: the step's key speaks of them. */
static int read_patch(const struct wl_patch *patch, struct wl_buf *ret, struct wl_err *err) {
    struct wl_digest now;

    if (wl_fs_read(patch->path, WL_PATCH_BYTES, ret, err) < 0)
        return -1;
    now = wl_digest_of(wl_buf_str(ret), ret->len);
    if (!wl_digest_equal(&now, &patch->digest))
        return wl_fail(err, WL_FAILED, "%s changed while it was being applied", patch->path);
    return 0;
}

static int apply(const char *tree, const char *reject_path, const struct wl_patch *patch, struct wl_buf *log,
                 struct wl_err *err) {
    WL_AUTOFREE char *path = wl_sprintf("PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    /* -f asks nothing and takes no patch for a reversed one; -F0: the context has to fit. */
    const char *const argv[] = {"patch", "-p1", "-f", "-F0", "--no-backup-if-mismatch", "-r", reject_path, NULL};
    const char *const env[] = {path, "LC_ALL=C", NULL};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0}, output = {.max = OUTPUT_MAX};
    struct wl_proc p = {.argv = argv, .env = env, .cwd = tree, .out = &output, .flags = WL_PROC_MERGE};
    int status = 0;

    if (read_patch(patch, &text, err) < 0)
        return -1;
    p.input = wl_buf_blob(&text);
    if (wl_proc_run(&p, &status, err) < 0)
        return -1;
    wl_buf_addf(log, "== %s\n%s", patch->path, wl_buf_str(&output));
    return status == 0 ? 0 : does_not_apply(patch, wl_buf_str(&output), reject_path, err);
}

static void remove_temp(char **dir) {
    struct wl_err ignored;

    if (*dir)
        wl_fs_remove(*dir, &ignored);
    free(*dir);
}

int wl_stage_patch(const char *tree, const struct wl_series *series, const char *log_path, struct wl_err *err) {
    WL_AUTO(remove_temp) char *temp = NULL;
    WL_AUTOFREE char *reject = NULL, *real = realpath(tree, NULL);
    WL_AUTO(wl_buf_release) struct wl_buf log = {0};
    struct wl_err log_err;
    int r = 0;

    if (!series->n)
        return 0;
    if (!real)
        return wl_fail_errno(err, errno, "%s", tree);
    if (wl_fs_tempdir(real, &temp, err) < 0)
        return -1;
    reject = wl_sprintf("%s/reject", temp);
    for (size_t i = 0; i < series->n && r == 0; i++)
        r = apply(real, reject, &series->v[i], &log, err);
    if (log_path && wl_fs_write(log_path, wl_buf_str(&log), log.len, r < 0 ? &log_err : err) < 0)
        r = -1;
    return r;
}
