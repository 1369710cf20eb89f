#include "push_report.h"

#include <string.h>
#include <time.h>

#include "../base/mem.h"
#include "../base/out.h"

static double now_s(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void wl_push_report_begin(struct wl_push_report *r, struct wl_client *c) {
    r->start = now_s();
    r->stats = wl_client_stats(c);
}

void wl_push_report_tell(const struct wl_push_report *r, const char *verb, struct wl_client *c) {
    const struct wl_push_result *p = r->result;
    struct wl_client_stats now = wl_client_stats(c);
    uint64_t repeated = now.repeated - r->stats.repeated;
    WL_AUTO(wl_buf_release) struct wl_buf more = {0};
    const char *done = strcmp(verb, "copy") == 0 ? "copied" : "pushed";

    if (p->mounted)
        wl_buf_addf(&more, ", %zu mounted", p->mounted);
    if (repeated)
        wl_buf_addf(&more, ", %llu request%s repeated, %s sent twice", (unsigned long long)repeated,
                    repeated == 1 ? "" : "s", wl_size(now.sent_again - r->stats.sent_again).s);
    if (r->dry_run)
        done = strcmp(verb, "copy") == 0 ? "would copy" : "would push";
    wl_info("%s %s: %zu blob%s %s (%s), %zu already there%s, %.2f s", done, r->ref, p->sent, p->sent == 1 ? "" : "s",
            r->dry_run ? "to send" : "sent", wl_size(p->bytes_sent).s, p->there, wl_buf_str(&more), now_s() - r->start);
}

static void print_objects(const struct wl_push_result *r) {
    for (size_t i = 0; i < r->n_items; i++)
        wl_result("%s %s %llu %s", r->items[i].there ? "there" : "send", wl_digest_str(&r->items[i].d.digest).s,
                  (unsigned long long)r->items[i].d.size, r->items[i].d.media_type);
}

static void write_json(const struct wl_push_report *r, struct wl_jw *w) {
    const struct wl_push_result *p = r->result;

    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "ref", r->pinned);
    wl_jw_kstr(w, "tag", r->tag);
    wl_jw_kstr(w, "digest", wl_digest_str(&r->root->digest).s);
    wl_jw_kstr(w, "mediaType", r->root->media_type);
    wl_jw_kint(w, "size", (int64_t)r->root->size);
    wl_jw_kbool(w, "pushed", !r->dry_run);
    wl_jw_kint(w, "blobsSent", (int64_t)p->sent);
    wl_jw_kint(w, "blobsThere", (int64_t)p->there);
    wl_jw_kint(w, "blobsMounted", (int64_t)p->mounted);
    wl_jw_kint(w, "bytesSent", (int64_t)p->bytes_sent);
    wl_jw_key(w, "objects");
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < p->n_items; i++) {
        wl_jw_begin(w, '{');
        wl_jw_kstr(w, "digest", wl_digest_str(&p->items[i].d.digest).s);
        wl_jw_kstr(w, "mediaType", p->items[i].d.media_type);
        wl_jw_kint(w, "size", (int64_t)p->items[i].d.size);
        wl_jw_kbool(w, "there", p->items[i].there);
        wl_jw_end(w, '}');
    }
    wl_jw_end(w, ']');
    wl_jw_end(w, '}');
}

void wl_push_report_print(const struct wl_push_report *r, struct wl_jw *json) {
    if (json)
        write_json(r, json);
    else if (r->dry_run)
        print_objects(r->result);
    else
        wl_result("%s", r->pinned);
}
