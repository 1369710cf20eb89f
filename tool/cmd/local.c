#include "local.h"

#include <string.h>

#include "../../registry/layout_referrers.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../model/home.h"

#define SHORT_DIGEST 19 /* "sha256:" and 12 digits; find accepts it */
#define DATE_LEN 10     /* of "2022-11-01T12:35:00Z" */

int wl_local_open(struct wl_layout *ret, unsigned flags, bool *ret_there, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTOFREE char *dir = NULL;
    WL_AUTOFREE char *mark = NULL;
    bool create = (flags & WL_LAYOUT_CREATE) == WL_LAYOUT_CREATE;

    if (wl_home_find(&home, err) < 0)
        return -1;
    dir = wl_home_path(&home, WL_HOME_OCI);
    mark = wl_path_join(dir, "oci-layout");
    if (!create && !wl_fs_exists(mark)) {
        if (!ret_there)
            return wl_fail(err, WL_FAILED, "there are no images yet in %s; `wlpack build`, `pull` and `load` make some",
                           dir);
        *ret_there = false;
        return 0;
    }
    if (wl_layout_open(ret, dir, flags | WL_LAYOUT_SEALED, err) < 0)
        return -1;
    if (ret_there)
        *ret_there = true;
    return 0;
}

int wl_local_json_doc(struct wl_jw *w, const char *name, const struct wl_buf *text, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf compact = {0};

    if (wl_json_parse(&doc, name, wl_buf_str(text), text->len, WL_FAILED, err) < 0)
        return -1;
    wl_json_print(wl_json_root(doc), false, &compact);
    wl_jw_raw(w, wl_buf_str(&compact));
    return 0;
}

void wl_local_json_name(struct wl_jw *w, const char *name, const struct wl_digest *digest, const char *media_type) {
    wl_jw_begin(w, '{');
    if (name)
        wl_jw_kstr(w, "name", name);
    wl_jw_kstr(w, "digest", wl_digest_str(digest).s);
    if (media_type)
        wl_jw_kstr(w, "mediaType", media_type);
    wl_jw_end(w, '}');
}

static void print_text(const struct wl_layout_entry *e, const struct wl_image_info *i, bool damaged) {
    WL_AUTO(wl_buf_release) struct wl_buf platforms = {0};

    for (size_t k = 0; k < i->platforms.n; k++)
        wl_buf_addf(&platforms, "%s%s", k ? "," : "", i->platforms.v[k]);
    wl_result("%-28s %.*s  %-10s %10s  %.*s", e->name ? e->name : "-", SHORT_DIGEST, wl_digest_str(&e->digest).s,
              damaged ? "DAMAGED" : wl_buf_str(&platforms), damaged ? "-" : wl_size(i->size).s, DATE_LEN,
              i->created ? i->created : "-");
}

static void print_json(struct wl_jw *w, const struct wl_layout_entry *e, const struct wl_image_info *i, bool damaged) {
    wl_jw_begin(w, '{');
    if (e->name)
        wl_jw_kstr(w, "name", e->name);
    wl_jw_kstr(w, "digest", wl_digest_str(&e->digest).s);
    wl_jw_kstr(w, "mediaType", e->media_type);
    wl_jw_key(w, "platforms");
    wl_jw_begin(w, '[');
    for (size_t k = 0; k < i->platforms.n; k++)
        wl_jw_str(w, i->platforms.v[k]);
    wl_jw_end(w, ']');
    wl_jw_kint(w, "size", (int64_t)i->size);
    if (i->created)
        wl_jw_kstr(w, "created", i->created);
    if (damaged)
        wl_jw_kbool(w, "damaged", true);
    wl_jw_end(w, '}');
}

int wl_local_print_entries(const struct wl_layout *l, bool json, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text};
    struct wl_err first;
    int rc = 0;

    if (l->dir && wl_layout_list(l, &all, err) < 0)
        return -1;
    if (json)
        wl_jw_begin(&w, '[');
    for (size_t i = 0; i < all.n; i++) {
        WL_AUTO(wl_image_info_release) struct wl_image_info info = {0};
        struct wl_err e;
        bool damaged;

        if (wl_layout_is_attachment(&all.v[i]))
            continue; /* an SBOM or the like: part of the image that it belongs to */
        damaged = wl_image_info(l, &all.v[i], &info, &e) < 0;

        if (damaged && rc == 0) {
            first = e;
            rc = -1;
        }
        if (json)
            print_json(&w, &all.v[i], &info, damaged);
        else
            print_text(&all.v[i], &info, damaged);
    }
    if (json) {
        wl_jw_end(&w, ']');
        wl_buf_addc(&text, '\n');
        wl_result_raw(text.p, text.len);
    }
    if (rc < 0)
        *err = first;
    return rc;
}
