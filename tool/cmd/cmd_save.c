#include <string.h>

#include "../../registry/layout_archive.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "local.h"
#include "source.h"

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

/* Where to, and how: "oci-archive:FILE[:NAME]" says both, FILE with --format as well. */
struct target {
    enum wl_source_kind kind;
    char *path, *name;
};

static void target_release(struct target *t) {
    free(t->path);
    free(t->name);
}

static int find_target(const struct wl_args *args, struct target *t, struct wl_err *err) {
    static const struct {
        const char *name;
        enum wl_source_kind kind;
    } formats[] = {
        {"oci-archive", WL_SOURCE_OCI_ARCHIVE}, {"docker-archive", WL_SOURCE_DOCKER_ARCHIVE}, {"oci", WL_SOURCE_OCI}};
    const char *format = wl_args_get(args, "format");
    const char *output = wl_args_get(args, "output");
    const char *rest;

    if (!output)
        return wl_fail(err, WL_USAGE, "where to? give --output FILE");
    t->kind = wl_source_kind(output, &rest);
    if (t->kind != WL_SOURCE_NONE && format)
        return wl_fail(err, WL_USAGE, "%s says the format already: leave out --format", output);
    if (t->kind != WL_SOURCE_NONE) {
        wl_source_split(rest, &t->path, &t->name);
        return t->name && wl_layout_name_check(t->name, err) < 0 ? -1 : 0;
    }
    t->path = wl_strdup(output);
    if (!format)
        format = formats[0].name;
    for (size_t i = 0; i < WL_ARRAY_LEN(formats); i++)
        if (strcmp(format, formats[i].name) == 0) {
            t->kind = formats[i].kind;
            return 0;
        }
    return wl_fail(err, WL_USAGE, "no format \"%s\"; there are oci-archive, docker-archive and oci", format);
}

static void print(const struct wl_layout_entries *images) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text, .indent = 2};

    wl_jw_begin(&w, '[');
    for (size_t i = 0; i < images->n; i++)
        wl_local_json_name(&w, images->v[i].name, &images->v[i].digest, images->v[i].media_type);
    wl_jw_end(&w, ']');
    wl_buf_addc(&text, '\n');
    wl_result_raw(text.p, text.len);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries images = {0};
    WL_AUTO(target_release) struct target to = {0};
    int rc;

    (void)ret_status;
    if (find_target(args, &to, err) < 0 || wl_local_open(&l, 0, NULL, err) < 0 || find_all(&l, args, &images, err) < 0)
        return -1;
    if (to.name && images.n > 1)
        return wl_fail(err, WL_USAGE, "\":%s\" names one image; there are %zu", to.name, images.n);
    if (to.name) {
        free(images.v[0].name);
        images.v[0].name = WL_STEAL(to.name);
    }
    if (to.kind == WL_SOURCE_OCI)
        rc = save_layout(&l, &images, to.path, err);
    else
        rc = wl_archive_save(&l, &images, to.kind == WL_SOURCE_DOCKER_ARCHIVE ? WL_ARCHIVE_DOCKER : WL_ARCHIVE_OCI,
                             to.path, err);
    if (rc == 0 && wl_args_has(args, "json"))
        print(&images);
    return rc;
}

static const struct wl_opt opts[] = {
    {.name = "output", .letter = 'o', .arg = "FILE", .help = "the file to write (with --format oci: the folder)"},
    {.name = "format", .arg = "FORMAT", .help = "oci-archive (default), docker-archive, or oci: a layout in a folder"},
    {.name = "json", .help = "one JSON array of what was written: name, digest, mediaType"},
    {0},
};

const struct wl_verb wl_verb_save = {
    .name = "save",
    .usage = "save [OPTIONS] REF...",
    .summary = "write local images to a file",
    .help = "Writes images of the local store to one file that skopeo, podman and docker read. A docker-archive is\n"
            "an oci-archive that older readers understand as well; of an index they see the portable image.\n"
            "FILE may say the format itself, and another name: oci:DIR[:NAME], oci-archive:FILE[:NAME],\n"
            "docker-archive:FILE[:NAME].\n\n"
            "Example: wlpack save php:7.4.33-cli --output php.tar",
    .opts = opts,
    .min_pos = 1,
    .max_pos = -1,
    .run = run,
};
