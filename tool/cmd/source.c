#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../registry/layout_referrers.h"
#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/proc.h"
#include "../base/tar.h"
#include "../run/docker_archive.h"

static const struct {
    const char *prefix;
    enum wl_source_kind kind;
} kinds[] = {
    {"oci:", WL_SOURCE_OCI}, {"oci-archive:", WL_SOURCE_OCI_ARCHIVE}, {"docker-archive:", WL_SOURCE_DOCKER_ARCHIVE}};

enum wl_source_kind wl_source_kind(const char *s, const char **ret_rest) {
    for (size_t i = 0; i < WL_ARRAY_LEN(kinds); i++)
        if (wl_starts(s, kinds[i].prefix)) {
            *ret_rest = s + strlen(kinds[i].prefix);
            return kinds[i].kind;
        }
    *ret_rest = s;
    return WL_SOURCE_NONE;
}

void wl_source_split(const char *rest, char **ret_path, char **ret_name) {
    const char *colon = strchr(rest, ':');

    *ret_name = NULL;
    if (!colon || wl_fs_exists(rest)) {
        *ret_path = wl_strdup(rest);
        return;
    }
    for (const char *c = colon; c; c = strchr(c + 1, ':')) {
        WL_AUTOFREE char *path = wl_strndup(rest, (size_t)(c - rest));

        if (wl_fs_exists(path)) {
            colon = c;
            break;
        }
    }
    *ret_path = wl_strndup(rest, (size_t)(colon - rest));
    *ret_name = wl_strdup(colon + 1);
}

void wl_source_release(struct wl_source *s) {
    wl_layout_close(&s->l);
    wl_layout_entries_release(&s->images);
    *s = (struct wl_source)WL_SOURCE_INIT;
}

#define STDIN "-"
#define CHUNK (64u << 10)
#define NAMES_MAX 5 /* that a "there is no ..." lists */

static bool is_stdin(const char *file) {
    return strcmp(file, STDIN) == 0;
}

/* What cannot be read twice, standard input or a pipe, goes into a file first: *ret is its path, a new string, or NULL for a file. */
static int spool(struct wl_home *home, const char *file, char **ret, struct wl_err *err) {
    WL_AUTO(wl_closep)
    int fd = is_stdin(file) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(file, O_RDONLY | O_CLOEXEC);
    WL_AUTO(wl_file_cancel) struct wl_file f = WL_FILE_INIT;
    WL_AUTOFREE char *path = NULL;
    char chunk[CHUNK];
    struct stat st;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0)
        return wl_fail_errno(err, errno, "cannot open %s", file);
    if (isatty(fd))
        return wl_fail(err, WL_USAGE, "%s is a terminal: give it an archive", is_stdin(file) ? "standard input" : file);
    if (S_ISREG(st.st_mode) && !is_stdin(file))
        return 0;
    if (wl_home_tmp(home, "archive", &path, err) < 0 || wl_file_open(&f, path, 0600, false, err) < 0)
        return -1;
    while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (wl_interrupted())
            return wl_fail(err, WL_FAILED, "interrupted while reading %s", file);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return wl_fail_errno(err, errno, "cannot read %s", file);
        if (wl_file_write(&f, chunk, (size_t)n, err) < 0)
            return -1;
    }
    if (wl_file_commit(&f, err) < 0)
        return -1;
    *ret = WL_STEAL(path);
    return 0;
}

/* Unpacks an archive; *ret_dir is a new string, the folder with the layout. */
static int unpack(struct wl_home *home, const char *file, char **ret_dir, struct wl_err *err) {
    const struct wl_progress progress = wl_out_progress();
    WL_AUTOFREE char *dir = NULL, *mark = NULL, *docker = NULL, *made = NULL, *spooled = NULL;
    WL_AUTO(wl_layout_close) struct wl_layout to = WL_LAYOUT_INIT;
    struct wl_tar_extract x = {.archive = file, .progress = &progress};

    if (spool(home, file, &spooled, err) < 0 || wl_home_tmp(home, "load", &dir, err) < 0)
        return -1;
    x.archive = spooled ? spooled : file;
    x.dest = dir;
    if (wl_tar_extract(&x, NULL, err) < 0)
        return -1;
    mark = wl_path_join(dir, "oci-layout");
    docker = wl_path_join(dir, "manifest.json");
    if (wl_fs_exists(mark)) {
        *ret_dir = WL_STEAL(dir);
        return 0;
    }
    if (!wl_fs_exists(docker))
        return wl_fail(err, WL_FAILED, "%s holds no OCI image layout and is no docker-archive", file);
    if (wl_home_tmp(home, "layout", &made, err) < 0 || wl_layout_open(&to, made, WL_LAYOUT_CREATE, err) < 0 ||
        wl_docker_archive_read(dir, &to, err) < 0)
        return -1;
    *ret_dir = WL_STEAL(made);
    return 0;
}

/* All entries but those that only say something about another one. */
static int list_images(const struct wl_layout *l, struct wl_layout_entries *ret, struct wl_err *err) {
    struct wl_digest ignored;
    size_t n = 0;

    if (wl_layout_list(l, ret, err) < 0)
        return -1;
    for (size_t i = 0; i < ret->n; i++) {
        if (wl_layout_is_attachment(&ret->v[i]) || (!ret->v[i].name && wl_layout_subject(l, &ret->v[i], &ignored)))
            wl_layout_entry_release(&ret->v[i]);
        else
            ret->v[n++] = ret->v[i];
    }
    ret->n = n;
    return 0;
}

/* What is there instead: the layout's own message would name a temporary folder, and is about the local store. */
static int not_in_it(const struct wl_source *s, const char *name, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    WL_AUTO(wl_buf_release) struct wl_buf names = {0};
    size_t n;

    if (list_images(&s->l, &all, err) < 0)
        return -1;
    n = all.n < NAMES_MAX ? all.n : NAMES_MAX;
    for (size_t i = 0; i < n; i++)
        wl_buf_addf(&names, "%s%s", i ? ", " : "; it has ",
                    all.v[i].name ? all.v[i].name : wl_digest_str(&all.v[i].digest).s);
    if (n < all.n)
        wl_buf_addf(&names, " and %zu more", all.n - n);
    return wl_fail(err, WL_FAILED, "there is no image \"%s\" in it%s", name, wl_buf_str(&names));
}

static int pick(struct wl_source *s, const char *name, struct wl_err *err) {
    if (!name)
        return list_images(&s->l, &s->images, err);
    s->images.v = wl_calloc(1, sizeof(*s->images.v));
    if (wl_layout_find(&s->l, name, &s->images.v[0], err) < 0)
        return err->code == WL_FAILED ? not_in_it(s, name, err) : -1;
    s->images.n = 1;
    return 0;
}

int wl_source_open(struct wl_home *home, const char *s, struct wl_source *ret, struct wl_err *err) {
    WL_AUTO(wl_source_release) struct wl_source src = WL_SOURCE_INIT;
    WL_AUTOFREE char *path = NULL, *name = NULL, *dir = NULL;
    const char *rest;
    enum wl_source_kind kind = wl_source_kind(s, &rest);
    bool is_dir;

    if (kind == WL_SOURCE_NONE)
        path = wl_strdup(s);
    else
        wl_source_split(rest, &path, &name);
    if (!*path)
        return wl_fail(err, WL_USAGE, "\"%s\" names no file or folder", s);
    is_dir = wl_fs_is_dir(path);
    if (kind == WL_SOURCE_OCI && wl_fs_exists(path) && !is_dir)
        return wl_fail(err, WL_USAGE, "%s: %s is a file; oci: takes a folder, oci-archive: a file", s, path);
    if (kind > WL_SOURCE_OCI && is_dir)
        return wl_fail(err, WL_USAGE, "%s: %s is a folder; oci: takes one", s, path);
    if (kind != WL_SOURCE_OCI && !is_dir && unpack(home, path, &dir, err) < 0)
        return -1;
    if (wl_layout_open(&src.l, dir ? dir : path, 0, err) < 0 || pick(&src, name, err) < 0)
        return wl_err_context(err, "%s", path);
    *ret = src;
    src = (struct wl_source)WL_SOURCE_INIT;
    return 0;
}
