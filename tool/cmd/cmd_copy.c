#include <stdlib.h>
#include <string.h>

#include "../../registry/copy.h"
#include "../../registry/digest_tag.h"
#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "push_report.h"
#include "remote.h"

/* The two ends. The source's client stays open from tag to tag, as long as it is of the same place (a mirror, the registry itself). */
struct ends {
    struct wl_reference src, dst;
    struct wl_reference place; /* of `from` */
    struct wl_client *from, *to;
};

static void close_source(struct ends *e) {
    if (!e->from)
        return;
    wl_remote_warnings(e->from);
    wl_client_close(WL_STEAL(e->from));
}

static void ends_close(struct ends *e) {
    wl_client_close(e->from);
    wl_client_close(e->to);
}

static unsigned client_flags(const struct wl_args *args) {
    return wl_args_has(args, "plain-http") ? WL_CLIENT_PLAIN_HTTP : 0;
}

static int open_source(struct ends *e, const struct wl_reference *place, unsigned flags, struct wl_err *err) {
    if (e->from && strcmp(e->place.host, place->host) == 0 && strcmp(e->place.path, place->path) == 0)
        return 0;
    close_source(e);
    e->place = *place;
    return wl_client_open(place, flags, NULL, NULL, &e->from, err);
}

/* Without a tag the target gets the source's; a digest alone is copied by digest. */
static int read_ends(const struct wl_args *args, struct ends *e, struct wl_err *err) {
    bool all = wl_args_has(args, "all-tags");

    if (wl_reference_parse(args->pos[0], &e->src, err) < 0 || wl_remote_reference(args->pos[1], &e->dst, err) < 0)
        return -1;
    if (e->dst.has_digest)
        return wl_fail(err, WL_USAGE, "%s: the target is a repository or a tag; the digest is the source's",
                       args->pos[1]);
    if (all && (e->src.tag[0] || e->src.has_digest || e->dst.tag[0]))
        return wl_fail(err, WL_USAGE, "with --all-tags give the repositories alone, without tags and digests");
    if (all && wl_args_has(args, "platform"))
        return wl_fail(err, WL_USAGE, "--all-tags and --platform exclude each other");
    if (!all && !e->dst.tag[0])
        memcpy(e->dst.tag, wl_reference_tag(&e->src), strlen(wl_reference_tag(&e->src)) + 1);
    return 0;
}

/* One tag or digest, from whichever place has it. */
struct attempt {
    struct ends *e;
    struct wl_copy spec;
    struct wl_copy_result *ret;
};

static int copy_from(void *arg, const struct wl_reference *place, unsigned flags, bool *ret_elsewhere,
                     struct wl_err *err) {
    struct attempt *t = arg;

    t->ret->source_failed = true;
    if (open_source(t->e, place, flags, err) < 0) {
        *ret_elsewhere = err->code == WL_NET;
        return -1;
    }
    t->spec.from = t->e->from;
    if (wl_copy(&t->spec, t->ret, err) == 0)
        return 0;
    *ret_elsewhere = t->ret->source_failed && err->code == WL_NET;
    return -1;
}

static void tell_referrers(const struct wl_copy_result *r) {
    wl_info("  with %zu referrer%s", r->referrers, r->referrers == 1 ? "" : "s");
    if (r->kept)
        wl_warn("%zu tag%s of signatures and the like stand%s for something else there already: left as %s", r->kept,
                r->kept == 1 ? "" : "s", r->kept == 1 ? "s" : "", r->kept == 1 ? "it is" : "they are");
}

/* Copies one tag (or digest) and prints its record. */
static int copy_one(const struct wl_args *args, struct ends *e, const char *what, const char *tag,
                    const struct wl_oci_platform *platform, struct wl_jw *json, struct wl_buf *digests,
                    struct wl_err *err) {
    WL_AUTO(wl_copy_result_release) struct wl_copy_result r = {0};
    WL_AUTOFREE char *ref =
        *tag ? wl_sprintf("%s/%s:%s", e->dst.host, e->dst.path, tag) : wl_sprintf("%s/%s", e->dst.host, e->dst.path);
    WL_AUTOFREE char *pinned = NULL;
    struct wl_progress progress = wl_out_progress();
    bool dry = wl_args_has(args, "dry-run"), referrers = wl_args_has(args, "referrers");
    struct wl_push_report report = {.ref = ref, .tag = tag, .root = &r.root, .result = &r.push, .dry_run = dry};
    struct attempt t = {.e = e,
                        .spec = {.to = e->to,
                                 .reference = what,
                                 .tag = tag,
                                 .platform = platform,
                                 .flags = (dry ? WL_COPY_DRY_RUN : 0) | (referrers ? WL_COPY_REFERRERS : 0),
                                 .progress = &progress},
                        .ret = &r};

    wl_push_report_begin(&report, e->to);
    if (wl_remote_each(&e->src, client_flags(args), copy_from, &t, err) < 0)
        return wl_err_context(err, "copy of %s/%s%s%s", e->src.host, e->src.path,
                              wl_starts(what, "sha256:") ? "@" : ":", what);
    pinned = wl_remote_pinned(&e->dst, &r.root.digest);
    report.pinned = pinned;
    wl_push_report_tell(&report, "copy", e->to);
    if (referrers)
        tell_referrers(&r);
    wl_push_report_print(&report, json);
    wl_buf_addf(digests, "%s\n", wl_digest_str(&r.root.digest).s);
    return 0;
}

static int copy_all(const struct wl_args *args, struct ends *e, struct wl_jw *json, struct wl_buf *digests,
                    struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv tags = {0};
    size_t done = 0;

    /* which tags there are knows the registry itself alone */
    if (open_source(e, &e->src, client_flags(args), err) < 0 || wl_client_tags(e->from, &tags, err) < 0)
        return -1;
    for (size_t i = 0; i < tags.n; i++) {
        struct wl_digest ignored;

        if (wl_fallback_tag_parse(tags.v[i], &ignored))
            continue; /* --referrers copies what is filed there, and adds to the target's own */
        if (copy_one(args, e, tags.v[i], tags.v[i], NULL, json, digests, err) < 0)
            return -1;
        done++;
    }
    if (done == 0)
        return wl_fail(err, WL_NET, "%s/%s has no tags", e->src.host, e->src.path);
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(ends_close) struct ends e = {0};
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_buf_release) struct wl_buf digests = {0};
    struct wl_jw json = {.out = &text, .indent = 2};
    struct wl_jw *as_json = wl_args_has(args, "json") ? &json : NULL;
    const char *wanted = wl_args_get(args, "platform");
    const char *file = wl_args_get(args, "digest-file");
    struct wl_oci_platform platform = {0};
    struct wl_digest_hex digest;
    int rc;

    (void)ret_status;
    if (read_ends(args, &e, err) < 0 || (wanted && wl_oci_platform_parse(wanted, &a, &platform, err) < 0) ||
        wl_remote_network(args, err) < 0 ||
        wl_client_open(&e.dst, client_flags(args) | WL_CLIENT_PUSH, NULL, NULL, &e.to, err) < 0)
        return -1;
    if (as_json)
        wl_jw_begin(as_json, '[');
    digest = wl_digest_str(&e.src.digest);
    if (wl_args_has(args, "all-tags"))
        rc = copy_all(args, &e, as_json, &digests, err);
    else
        rc = copy_one(args, &e, e.src.has_digest ? digest.s : wl_reference_tag(&e.src), e.dst.tag,
                      wanted ? &platform : NULL, as_json, &digests, err);
    close_source(&e);
    wl_remote_warnings(e.to);
    if (rc < 0)
        return -1;
    if (as_json) {
        wl_jw_end(as_json, ']');
        wl_buf_addc(&text, '\n');
        wl_result_raw(text.p, text.len);
    }
    return file && !wl_args_has(args, "dry-run") ? wl_fs_write(file, digests.p, digests.len, err) : 0;
}

static const struct wl_opt opts[] = {
    {"all-tags", 'a', NULL, "every tag of the repository"},
    {"referrers", 'r', NULL, "with what refers to it: SBOMs, provenance, signatures"},
    {"platform", 0, "OS/ARCH[/VARIANT]", "of an index copy this image alone"},
    {"digest-file", 0, "FILE", "write the digest (one a line) to FILE as well"},
    {"plain-http", 0, NULL, "http instead of https, also to other machines"},
    {"dry-run", 'n', NULL, "look what is missing there and send nothing"},
    {"json", 0, NULL, "print a JSON array of what was copied"},
    WL_REMOTE_OPTS,
    {0},
};

const struct wl_verb wl_verb_copy = {
    .name = "copy",
    .usage = "copy [OPTIONS] SRC DST",
    .summary = "copy images from one registry to another",
    .help = "Copies the image or index SRC to DST (HOST/PATH[:TAG]; without a tag SRC's), byte for byte and without\n"
            "the local store: blobs that DST has are skipped, those of another repository of the same registry are\n"
            "linked there, the rest streams through. Mirrors of SRC that the variable WLPACK_REGISTRY_MIRROR names\n"
            "(HOST=MIRROR) are asked first; without a HOST it is docker.io's. Prints HOST/PATH@sha256:DIGEST, one a "
            "line.\n\n"
            "Example: wlpack copy ghcr.io/you/php:7.4.33-cli registry.example.com/team/php",
    .opts = opts,
    .min_pos = 2,
    .max_pos = 2,
    .run = run,
};
