#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../registry/http.h"
#include "../base/digest.h"
#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"

#define COPY_CHUNK (256 * 1024)

/* One try to get the file. */
enum outcome { GOT, NOT_THERE, WRONG };

struct attempt {
    struct wl_home *home;
    const struct wl_fetch *f;
    const char *dest;      /* sources/<sha256> */
    struct wl_http *http;  /* made when it is needed */
    struct wl_buf reasons; /* a line per place that did not have it */
    bool wrong;            /* some place had another file under that name */
};

char *wl_fetch_path(const struct wl_home *home, const char *sha256) {
    return wl_home_path2(home, WL_HOME_SOURCES, sha256);
}

bool wl_fetch_has(const struct wl_home *home, const char *sha256) {
    WL_AUTOFREE char *path = wl_fetch_path(home, sha256);

    return wl_fs_exists(path);
}

static bool is_url(const char *s) {
    return wl_starts(s, "http://") || wl_starts(s, "https://");
}

void wl_fetch_mirrors(const struct wl_home *home, const char *given, struct wl_strv *ret) {
    const char *first = given && given[0] ? given : getenv("WLPACK_MIRROR");
    WL_AUTOFREE char *own = wl_home_path(home, WL_HOME_MIRROR);

    if (first && first[0])
        wl_strv_add(ret, first);
    if (wl_fs_is_dir(own))
        wl_strv_add(ret, own);
    if (home->fallback) {
        WL_AUTOFREE char *other = wl_path_join(home->fallback, WL_HOME_MIRROR);

        if (wl_fs_is_dir(other))
            wl_strv_add(ret, other);
    }
}

static void note(const struct wl_fetch *f, char *text) {
    if (f->notes)
        wl_strv_take(f->notes, text);
    else
        free(text);
}

static void reason(struct attempt *a, const char *place, const char *text) {
    wl_buf_addf(&a->reasons, "\n  %s: %s", place, text);
}

/* The file has been had from `place` with another checksum. */
static enum outcome wrong_sum(struct attempt *a, const char *place, const struct wl_digest *got) {
    WL_AUTOFREE char *text =
        wl_sprintf("wrong checksum: expected sha256 %s, got %s", a->f->sha256, wl_digest_hexonly(got).s);

    reason(a, place, text);
    note(a->f, wl_sprintf("%s: %s; the file was removed", place, text));
    a->wrong = true;
    return WRONG;
}

static bool sum_is(const struct wl_fetch *f, const struct wl_digest *d) {
    return strcmp(wl_digest_hexonly(d).s, f->sha256) == 0;
}

/* Copies an open file into place, digesting what is copied. */
static int copy_checked(struct attempt *a, int in, const char *path, struct wl_digest *ret, struct wl_err *err) {
    WL_AUTO(wl_file_cancel) struct wl_file out = WL_FILE_INIT;
    WL_AUTO(wl_sha256_release) struct wl_sha256 h = {0};
    WL_AUTOFREE char *chunk = wl_malloc(COPY_CHUNK);
    uint64_t total = 0, max = a->f->max_size ? a->f->max_size : WL_FETCH_MAX;
    ssize_t n;

    wl_sha256_init(&h);
    if (wl_file_open(&out, a->dest, 0644, true, err) < 0)
        return -1;
    while ((n = read(in, chunk, COPY_CHUNK)) != 0) {
        if (n < 0 && errno == EINTR && !wl_interrupted())
            continue;
        if (n < 0)
            return wl_fail_errno(err, errno, "cannot read %s", path);
        total += (uint64_t)n;
        if (total > max)
            return wl_fail(err, WL_FAILED, "%s is larger than the %s allowed", path, wl_size(max).s);
        wl_sha256_update(&h, chunk, (size_t)n);
        if (wl_file_write(&out, chunk, (size_t)n, err) < 0)
            return -1;
    }
    *ret = wl_sha256_final(&h);
    return sum_is(a->f, ret) ? wl_file_commit(&out, err) : 0;
}

static int from_folder(struct attempt *a, const char *folder, enum outcome *ret, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(folder, a->f->file);
    WL_AUTO(wl_closep) int in = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct wl_digest got;
    struct stat st;

    *ret = NOT_THERE;
    if (in < 0 || fstat(in, &st) < 0) {
        reason(a, path, strerror(errno));
        return 0;
    }
    if (!S_ISREG(st.st_mode)) {
        reason(a, path, "not a regular file");
        return 0;
    }
    if (copy_checked(a, in, path, &got, err) < 0)
        return -1;
    *ret = sum_is(a->f, &got) ? GOT : wrong_sum(a, path, &got);
    if (*ret == WRONG && a->f->notes) {
        /* a mirror's file is not ours to remove */
        free(a->f->notes->v[a->f->notes->n - 1]);
        a->f->notes->v[a->f->notes->n - 1] = wl_sprintf("%s: the sha256 is %s, not %s; going on without it", path,
                                                        wl_digest_hexonly(&got).s, a->f->sha256);
    }
    return 0;
}

/* The checksum decides whether a finished download moves into place. */
static int settle(struct attempt *a, const char *partial, const char *url, bool resumed, enum outcome *ret,
                  struct wl_err *err) {
    struct wl_digest got;

    if (wl_digest_file(partial, &got, NULL, err) < 0)
        return -1;
    if (sum_is(a->f, &got)) {
        if (rename(partial, a->dest) < 0)
            return wl_fail_errno(err, errno, "cannot put %s in place", a->dest);
        *ret = GOT;
        return 0;
    }
    unlink(partial);
    /* the half that lay there may have been of another file: that is no proof against this URL */
    *ret = resumed ? NOT_THERE : wrong_sum(a, url, &got);
    return 0;
}

static int download(struct attempt *a, const char *url, bool resume, bool *ret_resumed, enum outcome *ret,
                    struct wl_err *err) {
    WL_AUTOFREE char *partial = wl_sprintf("%s/" WL_HOME_SOURCES "/partial/%s", a->home->root, a->f->sha256);
    WL_AUTO(wl_closep) int fd = -1;
    struct wl_http_download d = {.url = url,
                                 .max_size = a->f->max_size ? a->f->max_size : WL_FETCH_MAX,
                                 .progress = a->f->progress,
                                 .what = a->f->file};
    struct wl_err why;
    struct stat st;
    uint64_t size;

    *ret = NOT_THERE;
    *ret_resumed = false;
    if (!a->http && wl_http_new(&a->http, err) < 0)
        return -1;
    if (wl_fs_mkdirs_parent(partial, err) < 0)
        return -1;
    fd = open(partial, O_RDWR | O_CREAT | O_CLOEXEC | (resume ? 0 : O_TRUNC), 0644);
    if (fd < 0 || fstat(fd, &st) < 0)
        return wl_fail_errno(err, errno, "cannot write %s", partial);
    d.fd = fd;
    d.offset = (uint64_t)st.st_size;
    *ret_resumed = d.offset > 0;
    d.url = url;
    if (wl_http_download(a->http, &d, &size, &why) < 0) {
        if (wl_interrupted() || why.code != WL_NET) {
            *err = why;
            return -1;
        }
        reason(a, url, why.msg);
        /* a server that refuses the rest (416) has another file; a file above the limit is of no use */
        if (d.status == 416 || d.too_large || fstat(fd, &st) < 0 || st.st_size == 0)
            unlink(partial);
        return 0;
    }
    return settle(a, partial, url, *ret_resumed, ret, err);
}

static int from_url(struct attempt *a, const char *url, enum outcome *ret, struct wl_err *err) {
    bool resumed;

    if (download(a, url, true, &resumed, ret, err) < 0)
        return -1;
    if (*ret == NOT_THERE && resumed)
        return download(a, url, false, &resumed, ret, err);
    return 0;
}

static int from_mirror(struct attempt *a, const char *mirror, enum outcome *ret, struct wl_err *err) {
    WL_AUTOFREE char *url = NULL;

    if (!is_url(mirror))
        return from_folder(a, mirror, ret, err);
    url = wl_path_join(mirror, a->f->file);
    if (a->f->offline) {
        reason(a, url, "not asked (--offline)");
        *ret = NOT_THERE;
        return 0;
    }
    return from_url(a, url, ret, err);
}

static int try_places(struct attempt *a, enum outcome *ret, struct wl_err *err) {
    const struct wl_fetch *f = a->f;

    *ret = NOT_THERE;
    for (size_t i = 0; f->mirrors && f->mirrors[i] && *ret != GOT; i++)
        if (from_mirror(a, f->mirrors[i], ret, err) < 0)
            return -1;
    for (size_t i = 0; f->urls && f->urls[i] && *ret != GOT; i++) {
        if (f->offline) {
            reason(a, f->urls[i], "not asked (--offline)");
            continue;
        }
        if (from_url(a, f->urls[i], ret, err) < 0)
            return -1;
    }
    return 0;
}

/* What lies in sources/ is used when its digest still holds. */
static int from_sources(const struct wl_fetch *f, const char *dest, bool *ret, struct wl_err *err) {
    struct wl_digest got;

    *ret = false;
    if (!wl_fs_exists(dest))
        return 0;
    if (wl_digest_file(dest, &got, NULL, err) < 0)
        return -1;
    *ret = sum_is(f, &got);
    if (*ret)
        return 0;
    note(f, wl_sprintf("%s was damaged in the store (%s); it is fetched again", f->file, dest));
    return wl_fs_remove(dest, err);
}

static int fetch_locked(struct attempt *a, struct wl_err *err) {
    const struct wl_fetch *f = a->f;
    enum outcome got;
    bool there;

    if (from_sources(f, a->dest, &there, err) < 0)
        return -1;
    if (there)
        return 0;
    if (try_places(a, &got, err) < 0)
        return wl_err_context(err, "%s", f->file);
    if (got == GOT)
        return 0;
    if (f->offline)
        return wl_fail(err, WL_NET,
                       "%s is not here and --offline forbids to get it; `wlpack fetch %s` gets it "
                       "beforehand%s%s",
                       f->file, f->owner, a->reasons.len ? ". Looked at:" : "", wl_buf_str(&a->reasons));
    return wl_fail(err, a->wrong ? WL_FAILED : WL_NET, "%s could not be fetched:%s", f->file,
                   a->reasons.len ? wl_buf_str(&a->reasons) : " the recipe names no URL");
}

int wl_stage_fetch(struct wl_home *home, const struct wl_fetch *f, char **ret_path, struct wl_err *err) {
    WL_AUTOFREE char *dest = wl_fetch_path(home, f->sha256);
    WL_AUTOFREE char *name = wl_sprintf("source-%s", f->sha256);
    WL_AUTO(wl_closep) int lock = -1;
    struct attempt a = {.home = home, .f = f, .dest = dest};
    int rc;

    if (wl_fs_mkdirs_parent(dest, err) < 0 || wl_home_lock(home, name, 0, &lock, err) < 0)
        return -1;
    rc = fetch_locked(&a, err);
    wl_buf_release(&a.reasons);
    wl_http_freep(&a.http);
    if (rc == 0)
        *ret_path = WL_STEAL(dest);
    return rc;
}
