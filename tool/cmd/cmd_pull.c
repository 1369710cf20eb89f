#include <stdlib.h>
#include <string.h>

#include "../../registry/pull.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "remote.h"

/* The name in the local store: as given by --as, else the full reference; NULL for a bare digest. */
static int local_name(const struct wl_args *args, const struct wl_reference *r, char **ret, struct wl_err *err) {
    const char *as = wl_args_get(args, "as");

    *ret = NULL;
    if (as) {
        if (wl_layout_name_check(as, err) < 0)
            return -1;
        *ret = strchr(strrchr(as, '/') ? strrchr(as, '/') : as, ':') ? wl_strdup(as)
                                                                     : wl_sprintf("%s:" WL_REF_DEFAULT_TAG, as);
        return 0;
    }
    if (*wl_reference_tag(r))
        *ret = wl_sprintf("%s/%s:%s", r->host, r->path, wl_reference_tag(r));
    return 0;
}

/* The platform that a single manifest's config says, for the entry in the index. */
static int read_platform(const struct wl_layout *l, const struct wl_oci_descriptor *root, struct wl_arena *a,
                         struct wl_oci_platform *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_buf_release) struct wl_buf config = {0};
    struct wl_oci_manifest m;
    struct wl_oci_config c;
    struct wl_err ignored;

    if (wl_oci_kind(root->media_type) != WL_OCI_MANIFEST)
        return 0;
    if (wl_blob_load(l, &root->digest, (int64_t)root->size, &text, err) < 0 ||
        wl_oci_manifest_parse("manifest", wl_buf_blob(&text), root->media_type, WL_OCI_LOCAL, a, &m, err) < 0 ||
        wl_blob_load(l, &m.config.digest, (int64_t)m.config.size, &config, err) < 0)
        return -1;
    /* an artifact's config may be anything */
    if (wl_oci_config_parse("config", wl_buf_blob(&config), WL_OCI_LOCAL, a, &c, &ignored) == 0)
        *ret = c.platform;
    return 0;
}

static char *own(const char *s) {
    return s ? wl_strdup(s) : NULL;
}

static int tag_local(const struct wl_layout *l, const struct wl_oci_descriptor *root, const char *name,
                     struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_platform platform = {0};
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};

    if (read_platform(l, root, &a, &platform, err) < 0)
        return -1;
    e = (struct wl_layout_entry){.name = own(name),
                                 .media_type = wl_strdup(root->media_type),
                                 .digest = root->digest,
                                 .size = root->size,
                                 .os = own(platform.os),
                                 .architecture = own(platform.architecture),
                                 .variant = own(platform.variant)};
    return wl_layout_tag(l, &e, err);
}

static void print_items(const struct wl_pull_result *p) {
    for (size_t i = 0; i < p->n_items; i++)
        wl_result("%s %s %llu %s", p->items[i].there ? "there" : "fetch", wl_digest_str(&p->items[i].d.digest).s,
                  (unsigned long long)p->items[i].d.size, p->items[i].d.media_type);
}

static void print_result(const struct wl_args *args, const struct wl_reference *r, const char *name,
                         const struct wl_pull_result *p, size_t referrers) {
    WL_AUTOFREE char *pinned = wl_remote_pinned(r, &p->root.digest);
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text, .indent = 2};
    bool dry = wl_args_has(args, "dry-run");

    wl_info("%s %s: %zu blob%s %s (%s), %zu already here", dry ? "would pull" : "pulled", name ? name : pinned,
            p->fetched, p->fetched == 1 ? "" : "s", dry ? "to fetch" : "fetched", wl_size(p->bytes_fetched).s,
            p->there);
    if (wl_args_has(args, "referrers") && !dry)
        wl_info("  with %zu referrer%s", referrers, referrers == 1 ? "" : "s");
    if (!wl_args_has(args, "json")) {
        if (dry)
            print_items(p);
        else
            wl_result("%s", pinned);
        return;
    }
    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "ref", pinned);
    if (name)
        wl_jw_kstr(&w, "name", name);
    wl_jw_kstr(&w, "digest", wl_digest_str(&p->root.digest).s);
    wl_jw_kstr(&w, "mediaType", p->root.media_type);
    wl_jw_kint(&w, "size", (int64_t)p->root.size);
    wl_jw_kint(&w, "blobsFetched", (int64_t)p->fetched);
    wl_jw_kint(&w, "blobsThere", (int64_t)p->there);
    wl_jw_kint(&w, "bytesFetched", (int64_t)p->bytes_fetched);
    wl_jw_kint(&w, "referrers", (int64_t)referrers);
    wl_jw_kbool(&w, "pulled", !dry);
    wl_jw_end(&w, '}');
    wl_buf_addc(&text, '\n');
    wl_result_raw(text.p, text.len);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_pull_result_release) struct wl_pull_result r = {0};
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTOFREE char *name = NULL;
    const char *wanted = wl_args_get(args, "platform");
    struct wl_progress progress = wl_out_progress();
    struct wl_oci_platform platform;
    struct wl_reference ref;
    bool dry = wl_args_has(args, "dry-run");
    struct wl_remote_pull p = {.ref = &ref,
                               .flags = wl_args_has(args, "plain-http") ? WL_CLIENT_PLAIN_HTTP : 0,
                               .pull_flags = dry ? WL_PULL_DRY_RUN : 0,
                               .layout = &l,
                               .platform = wanted ? &platform : NULL,
                               .progress = &progress,
                               .referrers = wl_args_has(args, "referrers")};

    (void)ret_status;
    if (wl_reference_parse(args->pos[0], &ref, err) < 0 || local_name(args, &ref, &name, err) < 0 ||
        (wanted && wl_oci_platform_parse(wanted, &a, &platform, err) < 0))
        return -1;
    if (wl_remote_network(args, err) < 0 || wl_remote_store(&l, WL_LAYOUT_CREATE, err) < 0)
        return -1;
    if (wl_remote_pull(&p, &r, err) < 0 || (!dry && tag_local(&l, &r.root, name, err) < 0))
        return wl_err_context(err, "pull of %s", args->pos[0]);
    if (!dry && wl_remote_digest_file(args, &r.root.digest, 1, err) < 0)
        return -1;
    print_result(args, &ref, name, &r, p.n_referrers);
    return 0;
}

static const struct wl_opt opts[] = {
    {"as", 0, "NAME", "name it NAME in the local store"},
    {"platform", 0, "OS/ARCH[/VARIANT]", "of an index take this image alone, not all"},
    {"referrers", 'r', NULL, "with what is said about it: SBOMs, provenance, signatures"},
    {"digest-file", 0, "FILE", "write the digest to FILE as well"},
    {"plain-http", 0, NULL, "http instead of https, also from another machine"},
    {"dry-run", 'n', NULL, "look what is missing here and keep nothing"},
    {"json", 0, NULL, "print a JSON object"},
    WL_REMOTE_OPTS,
    {0},
};

const struct wl_verb wl_verb_pull = {
    .name = "pull",
    .usage = "pull [OPTIONS] REF",
    .summary = "pull an image from a registry into the local store",
    .help = "Fetches what the local store lacks of REF, verifies every byte against its digest, and names it\n"
            "HOST/PATH:TAG there (or as --as says); without a HOST it is docker.io's, as docker has it. Prints "
            "HOST/PATH@sha256:DIGEST. Mirrors that the variable\n"
            "WLPACK_REGISTRY_MIRROR names (HOST=MIRROR) are asked first. --referrers brings SBOMs, provenance\n"
            "and cosign's signatures along, which `push` and `save --referrers` then hand on. With --dry-run a line\n"
            "\"there|fetch DIGEST SIZE TYPE\" for each object.\n\n"
            "Example: wlpack pull --as php:7.4.33-cli registry.example.com/team/php:7.4.33-cli",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
