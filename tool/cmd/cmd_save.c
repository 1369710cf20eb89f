#include <string.h>
#include <unistd.h>

#include "../../registry/layout_archive.h"
#include "../../registry/layout_referrers.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "local.h"
#include "remote.h"
#include "source.h"

#define STDOUT "/dev/stdout"

static bool same_image(const struct wl_layout_entry *a, const struct wl_layout_entry *b) {
    return wl_digest_equal(&a->digest, &b->digest) && !a->name == !b->name &&
           (!a->name || strcmp(a->name, b->name) == 0);
}

/* Each once, however often it is named. */
static int find_all(const struct wl_layout *l, const struct wl_args *args, struct wl_layout_entries *ret,
                    struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};

    if (wl_layout_list(l, &all, err) < 0)
        return -1;
    ret->v = wl_calloc((size_t)args->n_pos, sizeof(*ret->v));
    for (int i = 0; i < args->n_pos; i++) {
        size_t old = 0;

        if (wl_layout_find_in(l, &all, args->pos[i], &ret->v[ret->n], err) < 0)
            return -1;
        while (!same_image(&ret->v[old], &ret->v[ret->n]))
            old++;
        if (old < ret->n)
            wl_layout_entry_release(&ret->v[ret->n]);
        else
            ret->n++;
    }
    return 0;
}

static int fill_layout(const struct wl_layout *l, const struct wl_layout_entries *images, const char *dir,
                       struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout to = WL_LAYOUT_INIT;

    if (wl_layout_open(&to, dir, WL_LAYOUT_CREATE, err) < 0)
        return -1;
    for (size_t i = 0; i < images->n; i++)
        if (wl_layout_copy_blobs(l, &images->v[i], &to, err) < 0)
            return -1;
    return wl_layout_tag_all(&to, images->v, images->n, err);
}

/* Into one that is there already images are added; a new one appears whole or not at all. */
static int save_layout(const struct wl_layout *l, const struct wl_layout_entries *images, const char *dir,
                       struct wl_err *err) {
    bool fresh = !wl_fs_exists(dir);
    struct wl_err ignored;

    if (fill_layout(l, images, dir, err) == 0)
        return 0;
    if (fresh)
        wl_fs_remove(dir, &ignored);
    return -1;
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

static int name_target(const struct wl_args *args, struct target *t, struct wl_err *err) {
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
        if (!*t->path)
            return wl_fail(err, WL_USAGE, "%s names no file or folder", output);
        return t->name && wl_layout_name_check(t->name, err) < 0 ? -1 : 0;
    }
    t->path = wl_strdup(output);
    if (!*output)
        return wl_fail(err, WL_USAGE, "--output \"\" names no file");
    if (!format)
        format = formats[0].name;
    for (size_t i = 0; i < WL_ARRAY_LEN(formats); i++)
        if (strcmp(format, formats[i].name) == 0) {
            t->kind = formats[i].kind;
            return 0;
        }
    return wl_fail(err, WL_USAGE, "no format \"%s\"; there are oci-archive, docker-archive and oci", format);
}

static int find_target(const struct wl_args *args, struct target *t, struct wl_err *err) {
    if (name_target(args, t, err) < 0)
        return -1;
    if (strcmp(t->path, "-") == 0) {
        free(t->path);
        t->path = wl_strdup(STDOUT);
    }
    if (strcmp(t->path, STDOUT) != 0)
        return 0;
    if (t->kind == WL_SOURCE_OCI)
        return wl_fail(err, WL_USAGE, "a layout is a folder: standard output takes an archive");
    if (wl_args_has(args, "json") && !wl_args_has(args, "dry-run"))
        return wl_fail(err, WL_USAGE, "--json and the archive cannot both go to standard output");
    if (isatty(STDOUT_FILENO) && !wl_args_has(args, "dry-run"))
        return wl_fail(err, WL_USAGE, "standard output is a terminal: give --output FILE");
    return 0;
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

/* --- What is said about them ---------------------------------------------------------------------------------------- */

/* Adds the referrers of the images behind them, each once. */
static int add_referrers(const struct wl_layout *l, struct wl_layout_entries *images, struct wl_err *err) {
    WL_AUTO(wl_layout_candidates_release) struct wl_layout_candidates may_be = {0};
    size_t n = images->n;

    if (wl_layout_candidates(l, &may_be, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        WL_AUTO(wl_layout_entries_release) struct wl_layout_entries more = {0};

        if (wl_layout_referrers_of(l, &may_be, &images->v[i], &more, err) < 0)
            return -1;
        images->v = wl_reallocarray(images->v, images->n + more.n + 1, sizeof(*images->v));
        for (size_t k = 0; k < more.n; k++) {
            size_t old = n;

            while (old < images->n && !wl_digest_equal(&images->v[old].digest, &more.v[k].digest))
                old++;
            if (old < images->n)
                continue;
            images->v[images->n++] = more.v[k];
            memset(&more.v[k], 0, sizeof(more.v[k])); /* moved */
        }
    }
    return 0;
}

/* How much is said about the images and stays here, for a note. */
static size_t count_referrers(const struct wl_layout *l, const struct wl_layout_entries *images) {
    WL_AUTO(wl_layout_candidates_release) struct wl_layout_candidates may_be = {0};
    struct wl_err ignored;
    size_t n = 0;

    if (wl_layout_candidates(l, &may_be, &ignored) < 0)
        return 0;
    for (size_t i = 0; i < images->n; i++) {
        WL_AUTO(wl_layout_entries_release) struct wl_layout_entries more = {0};

        if (wl_layout_referrers_of(l, &may_be, &images->v[i], &more, &ignored) == 0)
            n += more.n;
    }
    return n;
}

/* docker's format stands in a layout as it is, and most readers of layouts look for OCI's alone. */
static void note_docker(const struct wl_layout_entries *images, enum wl_source_kind kind) {
    for (size_t i = 0; i < images->n && kind != WL_SOURCE_DOCKER_ARCHIVE; i++)
        if (wl_starts(images->v[i].media_type, "application/vnd.docker."))
            wl_info(
                "%s is in docker's format: in a layout skopeo and podman look past it, in a docker-archive they do not",
                images->v[i].name ? images->v[i].name : wl_digest_str(&images->v[i].digest).s);
}

/* --- The verb ------------------------------------------------------------------------------------------------------- */

static int check_complete(const struct wl_layout *l, const struct wl_layout_entries *images, struct wl_err *err) {
    for (size_t i = 0; i < images->n; i++)
        if (!wl_layout_complete(l, &images->v[i]))
            return wl_fail(err, WL_FAILED, "%s is not whole: `wlpack verify` says what is missing",
                           images->v[i].name ? images->v[i].name : wl_digest_str(&images->v[i].digest).s);
    return 0;
}

static int write_all(const struct wl_layout *l, const struct wl_layout_entries *all, const struct target *to,
                     struct wl_err *err) {
    if (to->kind == WL_SOURCE_OCI)
        return save_layout(l, all, to->path, err);
    return wl_archive_save(l, all, to->kind == WL_SOURCE_DOCKER_ARCHIVE ? WL_ARCHIVE_DOCKER : WL_ARCHIVE_OCI, to->path,
                           err);
}

static int prepare(const struct wl_args *args, struct wl_layout *l, struct wl_layout_entries *images, struct target *to,
                   struct wl_err *err) {
    if (find_target(args, to, err) < 0 || wl_local_open(l, 0, NULL, err) < 0 || find_all(l, args, images, err) < 0)
        return -1;
    if (to->name && images->n > 1)
        return wl_fail(err, WL_USAGE, "\":%s\" names one image; there are %zu", to->name, images->n);
    if (to->kind == WL_SOURCE_DOCKER_ARCHIVE && wl_args_has(args, "referrers"))
        return wl_fail(err, WL_USAGE, "a docker-archive has no place for referrers: take an oci-archive or oci");
    if (to->name) {
        free(images->v[0].name);
        images->v[0].name = WL_STEAL(to->name);
    }
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries images = {0};
    WL_AUTO(target_release) struct target to = {0};
    WL_AUTOFREE struct wl_digest *digests = NULL;
    bool dry = wl_args_has(args, "dry-run");
    size_t n, left = 0;

    (void)ret_status;
    if (prepare(args, &l, &images, &to, err) < 0)
        return -1;
    n = images.n;
    if (!wl_args_has(args, "referrers"))
        left = count_referrers(&l, &images);
    else if (add_referrers(&l, &images, err) < 0)
        return -1;
    if ((dry ? check_complete(&l, &images, err) : write_all(&l, &images, &to, err)) < 0)
        return -1;
    note_docker(&images, to.kind);
    digests = wl_calloc(n + 1, sizeof(*digests));
    for (size_t i = 0; i < n; i++) {
        digests[i] = images.v[i].digest;
        if (dry && !wl_args_has(args, "json"))
            wl_result("%s\t%s", images.v[i].name ? images.v[i].name : "-", wl_digest_str(&digests[i]).s);
    }
    if (left)
        wl_info("without %zu referrer%s (SBOM, provenance, signatures): --referrers takes them along", left,
                left == 1 ? "" : "s");
    else if (images.n > n)
        wl_info("with %zu referrer%s", images.n - n, images.n - n == 1 ? "" : "s");
    if (wl_args_has(args, "json"))
        print(&images);
    return dry ? 0 : wl_remote_digest_file(args, digests, n, err);
}

static const struct wl_opt opts[] = {
    {.name = "output",
     .letter = 'o',
     .arg = "FILE",
     .help = "the file to write (with --format oci: the folder); -: standard output"},
    {.name = "format", .arg = "FORMAT", .help = "oci-archive (default), docker-archive, or oci: a layout in a folder"},
    {.name = "referrers",
     .letter = 'r',
     .help = "with what is said about them: SBOMs, provenance, signatures (not in a docker-archive)"},
    {.name = "digest-file", .arg = "FILE", .help = "write the digests of the images (one a line) to FILE as well"},
    {.name = "dry-run", .letter = 'n', .help = "only see that all of it is here"},
    {.name = "json", .help = "one JSON array of what was written: name, digest, mediaType"},
    {0},
};

const struct wl_verb wl_verb_save = {
    .name = "save",
    .usage = "save [OPTIONS] REF...",
    .summary = "write local images to a file",
    .help = "Writes images of the local store to one file that skopeo, podman and docker read. A docker-archive is\n"
            "an oci-archive that older readers understand as well; of an index they see the portable image. Of an\n"
            "index in an oci-archive `podman pull --platform wasi/wasm oci-archive:FILE` takes one; `podman load` "
            "would look for linux.\n"
            "FILE may say the format itself, and another name: oci:DIR[:NAME], oci-archive:FILE[:NAME],\n"
            "docker-archive:FILE[:NAME].\n"
            "--referrers adds SBOMs, provenance and signatures as entries of their own, which `wlpack load` and oras\n"
            "know; skopeo and podman then want to be told the image's NAME.\n\n"
            "Example: wlpack save php:7.4.33-cli --output php.tar",
    .opts = opts,
    .min_pos = 1,
    .max_pos = -1,
    .run = run,
};
