#include "run_filter.h"

#include <ctype.h>
#include <string.h>

#include "../base/mem.h"

#define HELD_MAX 65536 /* a longer block of log lines is the guest's own */

/* '0' stands for a digit, 'a' for a lower-case letter. */
static const char head[] = "[0000-00-00 00:00:00.000] [a";

enum match { MATCH_NO, MATCH_PART, MATCH_YES };

/* Do these bytes start a log line? PART: too few to say. */
static enum match log_line(const char *p, size_t n) {
    for (size_t i = 0; head[i]; i++) {
        if (i == n)
            return MATCH_PART;
        if (head[i] == '0' ? !isdigit((unsigned char)p[i])
                           : (head[i] == 'a' ? !islower((unsigned char)p[i]) : p[i] != head[i]))
            return MATCH_NO;
    }
    return MATCH_YES;
}

/* The length of the block at the start of p: *ret_open when it may go on with bytes that are not there yet. */
static size_t block(const char *p, size_t n, bool *ret_open) {
    size_t at = 0;

    *ret_open = true;
    while (at < n) {
        const char *nl = memchr(p + at, '\n', n - at);
        enum match m = log_line(p + at, n - at);

        if (m == MATCH_NO) {
            *ret_open = false;
            return at;
        }
        if (m == MATCH_PART || !nl)
            return at;
        at = (size_t)(nl - p) + 1;
    }
    return at;
}

static void drop_front(struct wl_buf *b, size_t n) {
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->len - n + 1);
    b->len -= n;
}

static void pass(struct wl_run_filter *f, size_t n, struct wl_buf *out) {
    if (n == 0)
        return;
    wl_buf_add(out, f->held.p, n);
    drop_front(&f->held, n);
    f->begun = true;
}

void wl_run_filter_feed(struct wl_run_filter *f, const char *p, size_t n, struct wl_buf *out) {
    wl_buf_add(&f->held, p, n);
    while (f->held.len > 0) {
        const char *open_at = memchr(f->held.p, '[', f->held.len);
        bool goes_on;
        size_t len;

        pass(f, open_at ? (size_t)(open_at - f->held.p) : f->held.len, out);
        if (f->held.len == 0)
            return;
        len = block(f->held.p, f->held.len, &goes_on);
        if (goes_on && f->held.len < HELD_MAX)
            return;
        if (len > 0 && !f->begun && !goes_on)
            drop_front(&f->held, len); /* before the guest's first byte */
        else
            pass(f, len ? len : 1, out);
    }
}

/* "[...] [error] execution failed: unreachable, Code: 0x40a" -> "unreachable" */
static char *why(const char *block_text) {
    const char *at = strstr(block_text, "] [error] ");
    const char *line_end, *colon, *end;

    if (!at)
        return NULL;
    at += strlen("] [error] ");
    line_end = at + strcspn(at, "\n");
    colon = strstr(at, ": ");
    if (colon && colon < line_end)
        at = colon + 2;
    end = strstr(at, ", Code:");
    if (!end || end > line_end)
        end = line_end;
    return wl_strndup(at, (size_t)(end - at));
}

void wl_run_filter_end(struct wl_run_filter *f, bool failed, struct wl_buf *out, char **ret_why) {
    bool goes_on;

    *ret_why = NULL;
    if (failed && f->held.len > 0 && block(f->held.p, f->held.len, &goes_on) > 0 && goes_on)
        *ret_why = why(f->held.p);
    if (*ret_why)
        wl_buf_clear(&f->held);
    pass(f, f->held.len, out);
}

void wl_run_filter_release(struct wl_run_filter *f) {
    wl_buf_release(&f->held);
}
