#include <stdlib.h>
#include <string.h>

#include "../../registry/layout_referrers.h"
#include "../../registry/push.h"
#include "../../registry/referrers.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../run/convert.h"
#include "cmd.h"
#include "push_report.h"
#include "remote.h"
#include "source.h"

#define TAGS_MAX 1000 /* images that --all-tags pushes at once */

/* One image and where it goes. */
struct job {
    struct wl_reference ref;
    struct wl_layout_entry entry;
};
struct jobs {
    struct job *v;
    size_t n;
};

static void jobs_release(struct jobs *j) {
    for (size_t i = 0; i < j->n; i++)
        wl_layout_entry_release(&j->v[i].entry);
    free(j->v);
}

static void add_job(struct jobs *j, const struct wl_reference *ref, const struct wl_layout_entry *e) {
    j->v = wl_reallocarray(j->v, j->n + 1, sizeof(*j->v));
    j->v[j->n++] = (struct job){.ref = *ref, .entry = *e};
}

/* The last part of a repository path: what an image is called in the local store. */
static const char *short_path(const struct wl_reference *r) {
    const char *slash = strrchr(r->path, '/');

    return slash ? slash + 1 : r->path;
}

/* The local image that REF means: the one of exactly that name, else "<last part of the path>:<tag>". */
static int find_local(const struct wl_layout *l, const char *arg, const struct wl_reference *r,
                      struct wl_layout_entry *ret, struct wl_err *err) {
    WL_AUTOFREE char *full = wl_reference_str(r);
    WL_AUTOFREE char *name = NULL;
    struct wl_err ignored;

    if (r->has_digest)
        return wl_layout_find(l, wl_digest_str(&r->digest).s, ret, err);
    if (wl_layout_find(l, arg, ret, &ignored) == 0 || wl_layout_find(l, full, ret, &ignored) == 0)
        return 0;
    name = wl_sprintf("%s:%s", short_path(r), wl_reference_tag(r));
    if (wl_layout_find(l, name, ret, err) < 0)
        return wl_err_context(err, "%s", arg);
    return 0;
}

/* Splits "repository:tag" at the tag; one without a tag is NAME:latest. False for no name at all. */
static bool split_name(const char *name, size_t *ret_len, const char **ret_tag) {
    const char *colon = name ? strrchr(name, ':') : NULL;
    bool tagged = colon && !strchr(colon, '/');

    if (!name)
        return false;
    *ret_len = tagged ? (size_t)(colon - name) : strlen(name);
    *ret_tag = tagged ? colon + 1 : WL_REF_DEFAULT_TAG;
    return true;
}

static bool same_name(const char *name, size_t len, const char *want) {
    return strlen(want) == len && memcmp(name, want, len) == 0;
}

/* Every local image of the repository's full name, else of its last part. */
static int find_all_tags(const struct wl_layout *l, const char *arg, const struct wl_reference *r, struct jobs *jobs,
                         struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    WL_AUTOFREE char *full = wl_sprintf("%s/%s", r->host, r->path);
    const char *const names[] = {full, short_path(r)};
    size_t before = jobs->n;

    if (r->tag[0] || r->has_digest)
        return wl_fail(err, WL_USAGE, "%s: with --all-tags give the repository alone, without a tag or digest", arg);
    if (wl_layout_list(l, &all, err) < 0)
        return -1;
    for (size_t k = 0; k < WL_ARRAY_LEN(names) && jobs->n == before; k++)
        for (size_t i = 0; i < all.n && jobs->n - before < TAGS_MAX; i++) {
            struct wl_reference to = *r;
            const char *tag;
            size_t len;

            if (!split_name(all.v[i].name, &len, &tag) || !same_name(all.v[i].name, len, names[k]) ||
                !wl_reference_tag_valid(tag))
                continue;
            memcpy(to.tag, tag, strlen(tag) + 1);
            add_job(jobs, &to, &all.v[i]);
            memset(&all.v[i], 0, sizeof(all.v[i])); /* the job owns it now */
        }
    if (jobs->n == before)
        return wl_fail(err, WL_FAILED, "the local store has no image %s:... and none %s:...", full, short_path(r));
    return 0;
}

static int find_jobs(const struct wl_args *args, const struct wl_layout *l, struct jobs *jobs, struct wl_err *err) {
    for (int i = 0; i < args->n_pos; i++) {
        struct wl_reference r;
        struct wl_layout_entry e = {0};

        if (wl_remote_reference(args->pos[i], &r, err) < 0)
            return -1;
        if (wl_args_has(args, "all-tags")) {
            if (find_all_tags(l, args->pos[i], &r, jobs, err) < 0)
                return -1;
            continue;
        }
        if (find_local(l, args->pos[i], &r, &e, err) < 0)
            return -1;
        add_job(jobs, &r, &e);
    }
    return 0;
}

/* --platform, --format and --compression: what is pushed is the image in that form. */
static int convert_jobs(const struct wl_args *args, const struct wl_layout *l, struct jobs *jobs, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv platforms = {0};
    struct wl_convert how = {.format = wl_args_get(args, "format"), .compression = wl_args_get(args, "compression")};
    const char *s;

    for (int i = 0; (s = wl_args_nth(args, "platform", i)) != NULL; i++)
        wl_args_split(s, &platforms);
    how.platforms = (const char *const *)platforms.v;
    for (size_t i = 0; i < jobs->n; i++) {
        WL_AUTO(wl_arena_release) struct wl_arena a = {0};
        struct wl_layout_entry *e = &jobs->v[i].entry;
        struct wl_converted r;

        if (wl_convert(l, e, &how, &a, &r, err) < 0)
            return -1;
        if (r.left && !wl_args_has(args, "no-attestations"))
            wl_info("%s: %zu signature%s or other document%s about it stay%s here: what is pushed has another digest",
                    e->name ? e->name : args->pos[0], r.left, r.left == 1 ? "" : "s", r.left == 1 ? "" : "s",
                    r.left == 1 ? "s" : "");
        free(e->media_type);
        e->media_type = wl_strdup(r.d.media_type);
        e->digest = r.d.digest;
        e->size = r.d.size;
    }
    return 0;
}

/* The images to push and the layout that holds them, in *ret_l: the local store. */
static int prepare(const struct wl_args *args, struct wl_layout *ret_l, struct jobs *jobs, struct wl_err *err) {
    bool convert = wl_args_has(args, "platform") || wl_args_has(args, "format") || wl_args_has(args, "compression");

    if (wl_remote_store(ret_l, convert ? WL_LAYOUT_WRITE : 0, err) < 0 || find_jobs(args, ret_l, jobs, err) < 0)
        return -1;
    return convert ? convert_jobs(args, ret_l, jobs, err) : 0;
}

/* --from: the one image of a layout or an archive, under the one reference. */
static int prepare_from(const struct wl_args *args, struct wl_home *home, struct wl_source *ret, struct jobs *jobs,
                        struct wl_err *err) {
    const char *from = wl_args_get(args, "from");
    struct wl_reference r;

    if (args->n_pos != 1 || wl_args_has(args, "all-tags"))
        return wl_fail(err, WL_USAGE, "--from goes with one reference");
    if (wl_args_has(args, "platform") || wl_args_has(args, "format") || wl_args_has(args, "compression"))
        return wl_fail(err, WL_USAGE,
                       "--from pushes what is there as it is; `wlpack load` it first to push it in another form");
    if (wl_remote_reference(args->pos[0], &r, err) < 0 || wl_home_open(home, err) < 0 ||
        wl_source_open(home, from, ret, err) < 0)
        return -1;
    if (ret->images.n != 1)
        return wl_fail(err, WL_USAGE, "%s holds %zu images: say which, as in oci:DIR:NAME", from, ret->images.n);
    add_job(jobs, &r, &ret->images.v[0]);
    ret->images.n = 0; /* the job owns it now */
    return 0;
}

/* Whether a digest tag is to be pushed: the registry does not have it. One that it has may hold other signatures, which stay. */
static int digest_tag_is_free(struct wl_client *c, const struct wl_layout_entry *e, bool *ret, struct wl_err *err) {
    struct wl_digest has;
    bool found;

    if (wl_client_manifest_head(c, e->name, &found, &has, err) < 0)
        return -1;
    *ret = !found;
    if (found && !wl_digest_equal(&has, &e->digest))
        wl_warn("%s stands for something else in %s: left as it is", e->name, wl_client_host(c));
    return 0;
}

/* Pushes what is said about an image: SBOM and provenance by digest, signatures under their tags. */
static int push_referrers(const struct wl_args *args, struct wl_client *c, const struct wl_layout *l,
                          const struct job *job, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries attached = {0};
    unsigned flags = wl_args_has(args, "dry-run") ? WL_PUSH_DRY_RUN : 0;

    if (wl_args_has(args, "no-attestations"))
        return 0;
    if (wl_layout_all_referrers(l, &job->entry, &attached, err) < 0)
        return -1;
    for (size_t i = 0; i < attached.n; i++) {
        const struct wl_layout_entry *e = &attached.v[i];
        struct wl_oci_descriptor d = wl_layout_entry_descriptor(e);
        WL_AUTO(wl_push_result_release) struct wl_push_result r = {0};
        bool wanted = true;

        if (e->name && digest_tag_is_free(c, e, &wanted, err) < 0)
            return -1;
        if (wanted && wl_push(c, l, &d, e->name ? e->name : "", flags, NULL, &r, err) < 0)
            return wl_err_context(err, "%s of %s",
                                  e->name           ? e->name
                                  : d.artifact_type ? d.artifact_type
                                                    : "an attachment",
                                  job->entry.name ? job->entry.name : wl_digest_str(&job->entry.digest).s);
        wl_verbose("%s: %zu blob%s sent", e->name ? e->name : d.artifact_type, r.sent, r.sent == 1 ? "" : "s");
    }
    return 0;
}

/* Pushes one image over an open client and prints its record. */
static int push_job(const struct wl_args *args, struct wl_client *c, const struct wl_layout *l, const struct job *job,
                    struct wl_jw *json, struct wl_err *err) {
    struct wl_oci_descriptor root = {
        .media_type = job->entry.media_type, .digest = job->entry.digest, .size = job->entry.size};
    WL_AUTO(wl_push_result_release) struct wl_push_result r = {0};
    WL_AUTOFREE char *pinned = wl_remote_pinned(&job->ref, &job->entry.digest);
    WL_AUTOFREE char *ref = wl_reference_str(&job->ref);
    struct wl_progress progress = wl_out_progress();
    struct wl_push_report report = {.ref = ref,
                                    .pinned = pinned,
                                    .tag = wl_reference_tag(&job->ref),
                                    .root = &root,
                                    .result = &r,
                                    .dry_run = wl_args_has(args, "dry-run")};

    wl_push_report_begin(&report, c);

    if (wl_push(c, l, &root, report.tag, report.dry_run ? WL_PUSH_DRY_RUN : 0, &progress, &r, err) < 0)
        return wl_err_context(err, "push of %s", job->entry.name ? job->entry.name : pinned);
    wl_push_report_tell(&report, "push", c);
    if (push_referrers(args, c, l, job, err) < 0)
        return -1;
    wl_push_report_print(&report, json);
    return 0;
}

static bool same_repository(const struct job *a, const struct job *b) {
    return strcmp(a->ref.host, b->ref.host) == 0 && strcmp(a->ref.path, b->ref.path) == 0;
}

static int push_jobs(const struct wl_args *args, const struct wl_layout *l, const struct jobs *jobs, struct wl_jw *json,
                     struct wl_err *err) {
    WL_AUTO(wl_client_closep) struct wl_client *c = NULL;
    unsigned flags = WL_CLIENT_PUSH | (wl_args_has(args, "plain-http") ? WL_CLIENT_PLAIN_HTTP : 0);

    for (size_t i = 0; i < jobs->n; i++) {
        const struct job *job = &jobs->v[i];

        if (i > 0 && !same_repository(job, &jobs->v[i - 1])) {
            if (wl_referrers_settle(c, err) < 0)
                return -1;
            wl_remote_warnings(c);
            wl_client_close(WL_STEAL(c));
        }
        if (!c && wl_client_open(&job->ref, flags, NULL, NULL, &c, err) < 0)
            return -1;
        if (push_job(args, c, l, job, json, err) < 0)
            return -1;
    }
    if (!c)
        return 0;
    wl_remote_warnings(c);
    return wl_referrers_settle(c, err);
}

static int write_digest_file(const struct wl_args *args, const struct jobs *jobs, struct wl_err *err) {
    const char *path = wl_args_get(args, "digest-file");
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};

    if (!path || wl_args_has(args, "dry-run"))
        return 0;
    for (size_t i = 0; i < jobs->n; i++)
        wl_buf_addf(&text, "%s\n", wl_digest_str(&jobs->v[i].entry.digest).s);
    return wl_fs_write(path, text.p, text.len, err);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_source_release) struct wl_source from = WL_SOURCE_INIT;
    WL_AUTO(jobs_release) struct jobs jobs = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw json = {.out = &text, .indent = 2};
    bool as_json = wl_args_has(args, "json"), outside = wl_args_has(args, "from");
    struct wl_reference r;

    (void)ret_status;
    for (int i = 0; i < args->n_pos; i++) /* what is wrong with the command line comes first */
        if (wl_remote_reference(args->pos[i], &r, err) < 0)
            return -1;
    if (wl_remote_network(args, err) < 0 ||
        (outside ? prepare_from(args, &home, &from, &jobs, err) : prepare(args, &l, &jobs, err)) < 0)
        return -1;
    if (as_json)
        wl_jw_begin(&json, '[');
    if (push_jobs(args, outside ? &from.l : &l, &jobs, as_json ? &json : NULL, err) < 0 ||
        write_digest_file(args, &jobs, err) < 0)
        return -1;
    if (as_json) {
        wl_jw_end(&json, ']');
        wl_buf_addc(&text, '\n');
        wl_result_raw(text.p, text.len);
    }
    return 0;
}

static const struct wl_opt opts[] = {
    {"all-tags", 'a', NULL, "every local tag of the repository that REF names"},
    {"digest-file", 0, "FILE", "write the digest (one a line) to FILE as well"},
    {"from", 0, "SOURCE", "push from oci:DIR[:NAME], oci-archive:FILE[:NAME] or docker-archive:FILE[:NAME]"},
    {"platform", 0, "OS/ARCH", "push it under this platform: wasip1/wasm, linux/amd64 ... (a,b or repeated: an index)"},
    {"format", 0, "FORMAT", "push it as oci, docker or wasm-artifact"},
    {"compression", 0, "NAME", "push it with layers in gzip, gzip-max, zstd or zstd-max"},
    {"no-attestations", 0, NULL, "leave the SBOM and the provenance that are attached to the image here"},
    {"plain-http", 0, NULL, "http instead of https, also to another machine"},
    {"dry-run", 'n', NULL, "look what is missing there and send nothing"},
    {"json", 0, NULL, "print a JSON array of what was pushed"},
    WL_REMOTE_OPTS,
    {0},
};

const struct wl_verb wl_verb_push = {
    .name = "push",
    .usage = "push [OPTIONS] REF...",
    .summary = "push images of the local store to a registry",
    .help =
        "Pushes the local image whose name is REF, else the one named like the last part of REF:\n"
        "HOST/team/php:7.4.33-cli takes the local php:7.4.33-cli. Blobs that the registry has are skipped;\n"
        "the tag is set last and read back; the SBOM and the provenance of the build follow as\n"
        "referrers. Prints HOST/PATH@sha256:DIGEST for each image, one a line, with\n"
        "--dry-run a line \"there|send DIGEST SIZE TYPE\" for each object.\n\n"
        "--platform, --format and --compression change what is pushed, not what is in the local store; the digest is\n"
        "then another one. SBOM and provenance follow, made out to that digest; signatures cannot. `wlpack image "
        "--help` says what\n"
        "they take.\n\n"
        "Credentials come from the files and helpers of docker and podman (wlpack login), in CI from\n"
        "DOCKER_AUTH_CONFIG or WLPACK_REGISTRY_HOST, _USER and _PASSWORD. A registry on this\n"
        "machine may speak plain http; any other must speak https unless --plain-http is given.\n\n"
        "Example: wlpack push registry.example.com/team/php:7.4.33-cli",
    .opts = opts,
    .min_pos = 1,
    .max_pos = -1,
    .run = run,
};
