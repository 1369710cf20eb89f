/* Archives: any bytes give files inside the destination, or an error and an untouched destination. Unpacks in this process (the
 * child of wl_tar_extract would hide what it finds) with small limits. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tool/base/fs.h"
#include "../../tool/base/mem.h"
#include "../../tool/base/tar_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char top[200], archive[240], dest[240];

static void cleanup(void) {
    struct wl_err err;

    (void)wl_fs_remove(top, &err);
}

/* Below $TMPDIR: in memory (/dev/shm) a run is four times as fast. */
static void prepare(void) {
    const char *tmp = getenv("TMPDIR");

    if (top[0])
        return;
    snprintf(top, sizeof(top), "%.150s/wlpack-fuzz-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(top))
        abort();
    snprintf(archive, sizeof(archive), "%s/archive", top);
    snprintf(dest, sizeof(dest), "%s/dest", top);
    atexit(cleanup);
}

/* Every link must end inside, and nothing may be there but files, folders and links without special bits. */
static void check(const char *path, int depth) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct stat st;
    struct wl_err err;

    if (lstat(path, &st) < 0 || (st.st_mode & 07000))
        abort();
    if (S_ISLNK(st.st_mode)) {
        WL_AUTOFREE char *real = realpath(path, NULL);

        if (real && strncmp(real, dest, strlen(dest)) != 0)
            abort();
        return;
    }
    if (S_ISREG(st.st_mode))
        return;
    if (!S_ISDIR(st.st_mode) || depth > 200 || wl_fs_list(path, &names, &err) < 0)
        abort();
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *sub = wl_path_join(path, names.v[i]);

        check(sub, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct wl_tar_extract x = {
        .archive = archive, .dest = dest, .limits = {.bytes = 1 << 20, .entries = 200, .ratio = 100}};
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_tar_stats stats;
    struct wl_err err;

    prepare();
    if (wl_fs_write(archive, data, size, &err) < 0 || wl_fs_mkdirs(dest, &err) < 0)
        abort();
    (void)wl_tar_extract_here(&x, &stats, &err);
    check(dest, 0);
    if (wl_fs_remove(dest, &err) < 0 || wl_fs_remove(archive, &err) < 0)
        abort();
    if (wl_fs_list(top, &names, &err) < 0 || names.n != 0) /* nothing beside it */
        abort();
    return 0;
}
