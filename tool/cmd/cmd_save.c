#include <string.h>

#include "../../registry/layout_archive.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "local.h"

static int find_all(const struct wl_layout *l, const struct wl_args *args, struct wl_layout_entries *ret,
                    struct wl_err *err) {
    ret->v = wl_calloc((size_t)args->n_pos, sizeof(*ret->v));
    for (int i = 0; i < args->n_pos; i++) {
        if (wl_layout_find(l, args->pos[i], &ret->v[ret->n], err) < 0)
            return -1;
        ret->n++;
    }
    return 0;
}

static int save_layout(const struct wl_layout *l, const struct wl_layout_entries *images, const char *dir,
                       struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout to = WL_LAYOUT_INIT;

    if (wl_layout_open(&to, dir, WL_LAYOUT_CREATE, err) < 0)
        return -1;
    for (size_t i = 0; i < images->n; i++)
        if (wl_layout_copy(l, &images->v[i], &to, NULL, err) < 0)
            return -1;
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries images = {0};
    const char *format = wl_args_get(args, "format");
    const char *output = wl_args_get(args, "output");
    bool docker = format && strcmp(format, "docker-archive") == 0;
    bool dir = format && strcmp(format, "oci") == 0;

    (void)ret_status;
    if (!output)
        return wl_fail(err, WL_USAGE, "where to? give --output FILE");
    if (format && !docker && !dir && strcmp(format, "oci-archive") != 0)
        return wl_fail(err, WL_USAGE, "no format \"%s\"; there are oci-archive, docker-archive and oci", format);
    if (wl_local_open(&l, 0, NULL, err) < 0 || find_all(&l, args, &images, err) < 0)
        return -1;
    if (dir)
        return save_layout(&l, &images, output, err);
    return wl_archive_save(&l, &images, docker ? WL_ARCHIVE_DOCKER : WL_ARCHIVE_OCI, output, err);
}

static const struct wl_opt opts[] = {
    {.name = "output", .letter = 'o', .arg = "FILE", .help = "the file to write (with --format oci: the folder)"},
    {.name = "format", .arg = "FORMAT", .help = "oci-archive (default), docker-archive, or oci: a layout in a folder"},
    {0},
};

const struct wl_verb wl_verb_save = {
    .name = "save",
    .usage = "save [OPTIONS] REF...",
    .summary = "write local images to a file",
    .help = "Writes images of the local store to one file that skopeo, podman and docker read. A docker-archive is\n"
            "an oci-archive that older readers understand as well; of an index they see the portable image.\n\n"
            "Example: wlpack save php:7.4.33-cli --output php.tar",
    .opts = opts,
    .min_pos = 1,
    .max_pos = -1,
    .run = run,
};
