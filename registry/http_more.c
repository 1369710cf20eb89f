/* What stands on top of one exchange: responses, downloads with resume, waiting. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "../tool/base/fs.h"
#include "../tool/base/mem.h"
#include "../tool/base/proc.h"
#include "http.h"
#include "http_internal.h"

#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS 10000
#define BACKOFF_STEP_MS 100 /* how often an interruption is looked for */
#define RETRY_AFTER_MAX 60  /* seconds that a server may make a download wait */

void wl_http_response_release(struct wl_http_response *r) {
    wl_strv_release(&r->headers);
    wl_buf_release(&r->body);
    free(r->url);
    memset(r, 0, sizeof(*r));
}

const char *wl_http_header(const struct wl_http_response *r, const char *name, size_t nth) {
    size_t n = strlen(name);

    for (size_t i = 0; i < r->headers.n; i++) {
        const char *line = r->headers.v[i];

        if (strncasecmp(line, name, n) == 0 && line[n] == ':' && nth-- == 0) {
            line += n + 1;
            return line + strspn(line, " \t");
        }
    }
    return NULL;
}

int wl_http_retry_after(const struct wl_http_response *r, int max) {
    const char *s = wl_http_header(r, "Retry-After", 0);
    long long wait;

    if (!s)
        return -1;
    if (isdigit((unsigned char)*s)) {
        wait = strtoll(s, NULL, 10);
    } else {
        long long at = wl_http_date(s);

        if (at < 0)
            return -1;
        wait = at - (long long)time(NULL);
    }
    return wait < 0 ? 0 : wait > max ? max : (int)wait;
}

bool wl_http_status_transient(int status) {
    switch (status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

int wl_http_backoff(unsigned attempt, int retry_after, struct wl_err *err) {
    unsigned long ms = BACKOFF_FIRST_MS;
    uint32_t r = 0;

    if (retry_after >= 0) {
        ms = (unsigned long)retry_after * 1000;
    } else {
        for (unsigned i = 1; i < attempt && ms < BACKOFF_MAX_MS; i++)
            ms *= 2;
        if (ms > BACKOFF_MAX_MS)
            ms = BACKOFF_MAX_MS;
        if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
            r = (uint32_t)getpid();
        ms = ms / 2 + r % (ms / 2 + 1);
    }
    return wl_http_wait(ms, err);
}

int wl_http_wait(unsigned long ms, struct wl_err *err) {
    if ((long long)ms > wl_http_time_left())
        return wl_http_too_late(err);
    while (ms > 0 && !wl_interrupted()) {
        unsigned long step = ms < BACKOFF_STEP_MS ? ms : BACKOFF_STEP_MS;

        poll(NULL, 0, (int)step);
        ms -= step;
    }
    if (wl_interrupted())
        return wl_fail(err, WL_NET, "interrupted");
    return 0;
}

/* --- Downloads --------------------------------------------------------------------------------------------- */

struct download {
    struct wl_http_download *d;
    uint64_t pos; /* bytes that are in the file */
    uint64_t max;
};

static int download_begin(void *arg, int status, uint64_t total, struct wl_err *err) {
    struct download *s = arg;

    if (status != 206) /* the whole file comes, whatever was asked */
        s->pos = 0;
    s->d->too_large = total > s->max;
    if (s->d->too_large)
        return wl_fail(err, WL_NET, "the file has %llu bytes; at most %llu are accepted", (unsigned long long)total,
                       (unsigned long long)s->max);
    if (ftruncate(s->d->fd, (off_t)s->pos) < 0 || lseek(s->d->fd, (off_t)s->pos, SEEK_SET) < 0)
        return wl_fail_errno(err, errno, "cannot position in the downloaded file");
    return 0;
}

static int download_write(void *arg, const void *p, size_t n, struct wl_err *err) {
    struct download *s = arg;

    if (n > s->max - s->pos) {
        s->d->too_large = true;
        return wl_fail(err, WL_NET, "the file is larger than %llu bytes", (unsigned long long)s->max);
    }
    if (wl_write_all(s->d->fd, p, n) < 0)
        return wl_fail_errno(err, errno, "cannot write the downloaded file");
    s->pos += n;
    return 0;
}

static void drop_finished(void *arg, const char *what, uint64_t done, uint64_t total, bool finished) {
    const struct wl_progress *p = arg;

    if (!finished)
        p->report(p->arg, what, done, total, false);
}

/* The Content-Range of a 416 says how long the file is: we may have all of it. */
static bool have_all(const struct wl_http_response *res, uint64_t pos) {
    const char *range = wl_http_header(res, "Content-Range", 0);

    return range && wl_starts(range, "bytes */") && isdigit((unsigned char)range[8]) &&
           strtoull(range + 8, NULL, 10) == pos;
}

enum outcome { DONE, AGAIN, FAILED };

/* One try. AGAIN and FAILED leave *err set; *wait gets what the server asked for. */
static enum outcome download_try(struct wl_http *h, struct download *s, int *wait, struct wl_err *err) {
    struct wl_http_download *d = s->d;
    const struct wl_http_sink sink = {download_begin, download_write, s};
    struct wl_progress progress = {drop_finished, (void *)d->progress};
    WL_AUTO(wl_http_response_release) struct wl_http_response res = {0};
    struct wl_http_request req = {.url = d->url,
                                  .sink = &sink,
                                  .range_from = s->pos,
                                  .progress = d->progress ? &progress : NULL,
                                  .what = d->what};

    *wait = -1;
    d->status = 0;
    if (wl_http_request(h, &req, &res, err) < 0)
        return req.transient ? AGAIN : FAILED;
    d->status = res.status;
    if (res.status == 416 && s->pos > 0) {
        if (have_all(&res, s->pos))
            return DONE;
        s->pos = 0;
        *wait = 0;
        wl_fail(err, WL_NET, "%s: the server refuses to resume (416)", d->url);
        return AGAIN;
    }
    if (res.status < 200 || res.status > 299) {
        WL_AUTOFREE char *url = wl_strndup(d->url, strcspn(d->url, "?#"));

        *wait = wl_http_retry_after(&res, RETRY_AFTER_MAX);
        wl_fail(err, WL_NET, "%s: the server answers %d%s", url, res.status, res.status == 404 ? " (not found)" : "");
        return wl_http_status_transient(res.status) ? AGAIN : FAILED;
    }
    if (s->pos == 0 && res.status != 206 && download_begin(s, res.status, 0, err) < 0) /* an empty file */
        return FAILED;
    return DONE;
}

int wl_http_download(struct wl_http *h, struct wl_http_download *d, uint64_t *ret_size, struct wl_err *err) {
    struct download s = {.d = d, .pos = d->offset, .max = d->max_size ? d->max_size : WL_HTTP_DOWNLOAD_MAX};

    for (unsigned attempt = 1;; attempt++) {
        uint64_t before = s.pos;
        int wait;
        enum outcome o = download_try(h, &s, &wait, err);

        if (o == DONE)
            break;
        if (o == FAILED || wl_interrupted() || attempt >= WL_HTTP_DOWNLOAD_TRIES)
            return -1;
        if (s.pos > before) /* it moves: only tries without any gain count */
            attempt = 1;
        if (wl_http_backoff(attempt, wait, err) < 0)
            return -1;
    }
    if (d->progress)
        d->progress->report(d->progress->arg, d->what, s.pos, s.pos, true);
    *ret_size = s.pos;
    return 0;
}
