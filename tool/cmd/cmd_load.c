#include "../../registry/layout_archive.h"
#include "../../registry/layout_referrers.h"
#include "../../registry/layout_walk.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/proc.h"
#include "../model/home.h"
#include "cmd.h"
#include "local.h"
#include "source.h"

#define BATCH 256 /* images whose names are written at once: index.json is rewritten as a whole */

/* The way of a load. */
struct loading {
    const struct wl_source *from;
    const struct wl_layout *to; /* NULL: a dry run */
    struct wl_layout_candidates candidates;
    struct wl_layout_entries waiting; /* blobs are there, names are not: images and what is said about them */
    struct wl_strv lines;             /* what is said about the waiting ones once they have their names */
    struct wl_jw *json;
    size_t done;
};

static void loading_release(struct loading *o) {
    wl_layout_candidates_release(&o->candidates);
    wl_layout_entries_release(&o->waiting);
    wl_strv_release(&o->lines);
}

/* An entry is taken over, without its annotations: they belong to the archive (containerd's name, for one). */
static void add_waiting(struct loading *o, struct wl_layout_entry *e) {
    wl_strv_release(&e->annotations);
    e->annotations = (struct wl_strv){0};
    o->waiting.v = wl_reallocarray(o->waiting.v, o->waiting.n + 1, sizeof(*o->waiting.v));
    o->waiting.v[o->waiting.n++] = *e;
    *e = (struct wl_layout_entry){0};
}

/* Gives those that wait their names and says so: what was announced is there. */
static int settle(struct loading *o, struct wl_err *err) {
    if (o->to && wl_layout_tag_all(o->to, o->waiting.v, o->waiting.n, err) < 0)
        return -1;
    for (size_t i = 0; i < o->lines.n && !o->json; i++)
        wl_result("%s", o->lines.v[i]);
    o->done += o->lines.n;
    wl_strv_release(&o->lines);
    wl_layout_entries_release(&o->waiting);
    o->lines = (struct wl_strv){0};
    return 0;
}

/* What is said about an image comes along. */
static int load_referrers(struct loading *o, const struct wl_layout_entry *image, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};

    if (wl_layout_referrers_of(&o->from->l, &o->candidates, image, &all, err) < 0)
        return -1;
    for (size_t i = 0; i < all.n; i++) {
        if (o->to && wl_layout_copy_blobs(&o->from->l, &all.v[i], o->to, err) < 0)
            return -1;
        add_waiting(o, &all.v[i]);
    }
    if (all.n)
        wl_info("%s: with %zu referrer%s", wl_digest_str(&image->digest).s, all.n, all.n == 1 ? "" : "s");
    return 0;
}

static int load_one(struct loading *o, const struct wl_layout_entry *e, const char *as, struct wl_err *err) {
    WL_AUTOFREE char *name = as ? wl_strdup(as) : wl_archive_name(e);
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry own = {0};

    if (!name)
        return wl_fail(err, WL_USAGE, "the image %s has no name that can be used here (%s); give it one with --name",
                       wl_digest_str(&e->digest).s, e->name ? e->name : "none");
    if (o->to && wl_layout_copy_blobs(&o->from->l, e, o->to, err) < 0)
        return -1;
    own = wl_layout_entry_copy(e);
    free(own.name);
    own.name = wl_strdup(name);
    add_waiting(o, &own);
    if (load_referrers(o, e, err) < 0)
        return -1;
    if (o->json)
        wl_local_json_name(o->json, name, &e->digest, e->media_type);
    wl_strv_addf(&o->lines, "%s\t%s", name, wl_digest_str(&e->digest).s);
    return 0;
}

/* The images one by one, their names BATCH by BATCH. Whatever ends it: those before have theirs. */
static int load_each(struct loading *o, const char *as, struct wl_err *err) {
    const struct wl_layout_entries *images = &o->from->images;
    struct wl_err ignored;
    int rc = 0;

    for (size_t i = 0; i < images->n && rc == 0; i++) {
        if (wl_interrupted())
            rc = wl_fail(err, WL_FAILED, "interrupted; %zu of %zu images were loaded", i, images->n);
        else
            rc = load_one(o, &images->v[i], as, err);
        if (rc == 0 && o->lines.n == BATCH)
            rc = settle(o, err);
    }
    if (rc == 0)
        return settle(o, err);
    settle(o, &ignored);
    return -1;
}

/* to NULL: a dry run. */
static int load_all(struct wl_source *from, const struct wl_layout *to, const char *as, bool as_json,
                    struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw json = {.out = &text, .indent = 2};
    WL_AUTO(loading_release) struct loading o = {.from = from, .to = to, .json = as_json ? &json : NULL};

    if (from->images.n == 0)
        return wl_fail(err, WL_FAILED, "there is no image in it");
    if (as && from->images.n > 1)
        return wl_fail(err, WL_USAGE, "--name names one image; there are %zu", from->images.n);
    wl_jw_begin(&json, '[');
    if (wl_layout_candidates(&from->l, &o.candidates, err) < 0 || load_each(&o, as, err) < 0)
        return -1;
    wl_jw_end(&json, ']');
    wl_buf_addc(&text, '\n');
    if (as_json)
        wl_result_raw(text.p, text.len);
    return 0;
}

static int write_digests(const struct wl_source *from, const char *file, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};

    for (size_t i = 0; i < from->images.n; i++)
        wl_buf_addf(&text, "%s\n", wl_digest_str(&from->images.v[i].digest).s);
    return file ? wl_fs_write(file, text.p, text.len, err) : 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_layout_close) struct wl_layout to = WL_LAYOUT_INIT;
    WL_AUTO(wl_source_release) struct wl_source from = WL_SOURCE_INIT;
    const char *what = args->pos[0];
    const char *as = wl_args_get(args, "name");
    bool dry = wl_args_has(args, "dry-run");

    (void)ret_status;
    if (as && wl_layout_name_check(as, err) < 0)
        return -1;
    if (wl_home_open(&home, err) < 0 || wl_source_open(&home, what, &from, err) < 0 ||
        (!dry && wl_local_open(&to, WL_LAYOUT_CREATE, NULL, err) < 0))
        return -1;
    if (load_all(&from, dry ? NULL : &to, as, wl_args_has(args, "json"), err) < 0)
        return wl_err_context(err, "%s", what);
    return dry ? 0 : write_digests(&from, wl_args_get(args, "digest-file"), err);
}

static const struct wl_opt opts[] = {
    {.name = "name", .arg = "NAME", .help = "the local name, instead of the one in the archive"},
    {.name = "digest-file", .arg = "FILE", .help = "write the digests (one a line) to FILE as well"},
    {.name = "dry-run", .letter = 'n', .help = "only list what is in it"},
    {.name = "json", .help = "one JSON array: name, digest, mediaType"},
    {0},
};

const struct wl_verb wl_verb_load = {
    .name = "load",
    .usage = "load [OPTIONS] FILE|LAYOUT",
    .summary = "read images from a file into the local store",
    .help = "Reads an oci-archive (of `wlpack save`, skopeo, podman; compressed or not), a docker-archive, or an OCI\n"
            "image layout in a folder. Every blob is verified; SBOMs, provenance and signatures that are in it come "
            "along.\n"
            "One line an image: its name and digest. skopeo's way\n"
            "to say it is understood, too, and picks one image: oci:DIR[:NAME], oci-archive:FILE[:NAME],\n"
            "docker-archive:FILE[:NAME]. FILE may be a pipe, or - for standard input.\n\n"
            "Example: wlpack load php.tar",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
