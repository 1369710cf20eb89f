#include "out.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"

#define SECRETS_MAX 64     /* secrets remembered; the oldest are dropped first */
#define PROGRESS_MS 100    /* least time between two redraws of the progress line */
#define PROGRESS_WIDTH 100 /* columns that a progress line may take */
#define SECRET_MIN 4       /* shorter secrets would blank out ordinary text */

static struct {
    pthread_mutex_t mutex;
    enum wl_level level;
    bool tty;
    bool colour;
    bool line_open; /* a progress line stands on the terminal without its newline */
    bool failed;
    long long last_ms;
    char *secrets[SECRETS_MAX];
    size_t n_secrets;
} out = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void wl_out_init(enum wl_level level) {
    const char *no_color = getenv("NO_COLOR");

    out.level = level;
    out.tty = isatty(2);
    out.colour = out.tty && !(no_color && *no_color);
}

enum wl_level wl_out_level(void) {
    return out.level;
}

void wl_out_secret(const char *s) {
    if (strlen(s) < SECRET_MIN)
        return;
    pthread_mutex_lock(&out.mutex);
    for (size_t i = 0; i < SECRETS_MAX; i++)
        if (out.secrets[i] && strcmp(out.secrets[i], s) == 0) { /* many tokens must not push the password out */
            pthread_mutex_unlock(&out.mutex);
            return;
        }
    free(out.secrets[out.n_secrets % SECRETS_MAX]);
    out.secrets[out.n_secrets % SECRETS_MAX] = wl_strdup(s);
    out.n_secrets++;
    pthread_mutex_unlock(&out.mutex);
}

static void hide(char *text, const char *secret) {
    size_t n = strlen(secret);
    char *p = text;

    while ((p = strstr(p, secret))) {
        memcpy(p, "***", 3);
        memmove(p + 3, p + n, strlen(p + n) + 1);
        p += 3;
    }
}

/* Puts three stars in the place of user:password in scheme://user:password@host. */
static void hide_userinfo(char *text) {
    char *p = text;

    while ((p = strstr(p, "://"))) {
        size_t n = strcspn(p + 3, "/?# \t\n\"'");
        char *at = memrchr(p + 3, '@', n);

        p += 3;
        if (at && at - p >= 3) {
            memcpy(p, "***", 3);
            memmove(p + 3, at, strlen(at) + 1);
        } else if (at) {
            memset(p, '*', (size_t)(at - p));
        }
    }
}

static bool is_c1(const unsigned char *p) { /* U+0080..U+009F in UTF-8 */
    return p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f;
}

static char *clean_locked(const char *s) {
    char *text = wl_strdup(s);

    for (size_t i = 0; i < SECRETS_MAX; i++)
        if (out.secrets[i])
            hide(text, out.secrets[i]);
    hide_userinfo(text);
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if ((*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
            *p = '?';
        else if (is_c1(p))
            p[0] = p[1] = '?';
    }
    return text;
}

char *wl_out_clean(const char *s) {
    char *text;

    pthread_mutex_lock(&out.mutex);
    text = clean_locked(s);
    pthread_mutex_unlock(&out.mutex);
    return text;
}

static void close_line(void) {
    if (out.line_open)
        fputs("\r\033[K", stderr);
    out.line_open = false;
}

static void say(const char *prefix, const char *colour, const char *fmt, va_list ap) {
    WL_AUTOFREE char *raw = NULL;
    WL_AUTOFREE char *text = NULL;

    if (vasprintf(&raw, fmt, ap) < 0)
        return;
    pthread_mutex_lock(&out.mutex);
    text = clean_locked(raw);
    close_line();
    if (out.colour && colour)
        fprintf(stderr, "\033[%sm%s\033[0m%s\n", colour, prefix, text);
    else
        fprintf(stderr, "%s%s\n", prefix, text);
    pthread_mutex_unlock(&out.mutex);
}

#define SAY(prefix, colour)                                                                                            \
    do {                                                                                                               \
        va_list ap;                                                                                                    \
        va_start(ap, fmt);                                                                                             \
        say(prefix, colour, fmt, ap);                                                                                  \
        va_end(ap);                                                                                                    \
    } while (0)

void wl_info(const char *fmt, ...) {
    if (out.level >= WL_NORMAL)
        SAY("", NULL);
}

void wl_verbose(const char *fmt, ...) {
    if (out.level >= WL_VERBOSE)
        SAY("", NULL);
}

void wl_debug(const char *fmt, ...) {
    if (out.level >= WL_DEBUG)
        SAY("debug: ", "2");
}

void wl_warn(const char *fmt, ...) {
    SAY("warning: ", "33");
}

static void say_error(const char *fmt, ...) {
    SAY("wlpack: ", "31");
}

void wl_error(const struct wl_err *err) {
    say_error("%s", err->msg);
}

void wl_result(const char *fmt, ...) {
    WL_AUTOFREE char *raw = NULL;
    WL_AUTOFREE char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&raw, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    text = wl_out_clean(raw);
    for (char *p = text; (p = strchr(p, '\n')) != NULL;)
        *p = '?'; /* one record a line, whatever is in it */
    wl_result_raw(text, strlen(text));
    wl_result_raw("\n", 1);
}

static void put(const void *p, size_t n) {
    if (n && fwrite(p, 1, n, stdout) != n)
        out.failed = true;
}

void wl_result_raw(const void *p, size_t n) {
    const unsigned char *s = p;
    size_t from = 0;

    pthread_mutex_lock(&out.mutex);
    for (size_t i = 0; i < n; i++) {
        bool c1 = i + 1 < n && is_c1(s + i);
        char escape[8];

        if (!c1 && s[i] != 0x7f)
            continue;
        put(s + from, i - from);
        put(escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", c1 ? s[i + 1] : s[i]));
        i += c1;
        from = i + 1;
    }
    put(s + from, n - from);
    pthread_mutex_unlock(&out.mutex);
}

int wl_out_flush(struct wl_err *err) {
    errno = 0;
    if (fflush(stdout) != 0 || out.failed)
        return wl_fail_errno(err, errno ? errno : EIO, "cannot write the results to stdout");
    return 0;
}

static long long now_ms(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void print_progress(void *arg, const char *what, uint64_t done, uint64_t total, bool finished) {
    WL_AUTOFREE char *text = NULL;
    long long now = now_ms();
    struct wl_size_str d = wl_size(done);
    struct wl_size_str t = wl_size(total);

    (void)arg;
    if (out.level < WL_NORMAL || (!finished && (!out.tty || now - out.last_ms < PROGRESS_MS)))
        return;
    pthread_mutex_lock(&out.mutex);
    text = clean_locked(what);
    out.last_ms = now;
    close_line();
    if (finished) {
        fprintf(stderr, "  %s  %s\n", text, d.s);
    } else {
        if (total)
            fprintf(stderr, "  %.*s  %s of %s (%u%%)", PROGRESS_WIDTH - 40, text, d.s, t.s,
                    (unsigned)(done * 100 / total));
        else
            fprintf(stderr, "  %.*s  %s", PROGRESS_WIDTH - 40, text, d.s);
        fflush(stderr);
        out.line_open = true;
    }
    pthread_mutex_unlock(&out.mutex);
}

struct wl_progress wl_out_progress(void) {
    return (struct wl_progress){.report = print_progress};
}

struct wl_size_str wl_size(uint64_t bytes) {
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    struct wl_size_str r;
    double v = (double)bytes / 1000;
    size_t u = 0;

    if (bytes < 1000) {
        snprintf(r.s, sizeof(r.s), "%u B", (unsigned)bytes);
        return r;
    }
    while (v >= 999.95 && u + 1 < WL_ARRAY_LEN(units)) {
        v /= 1000;
        u++;
    }
    snprintf(r.s, sizeof(r.s), "%.1f %s", v, units[u]);
    return r;
}
