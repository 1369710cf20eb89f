#include <stdlib.h>
#include <string.h>

#include "../../registry/pull.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "remote.h"
#include "verify.h"

static void print_text(const struct wl_verify *v) {
    for (size_t i = 0; i < v->n_checks; i++)
        wl_result("%-6s  %-10s  %s", v->checks[i].ok ? "ok" : "FAILED", v->checks[i].name, v->checks[i].detail);
    for (size_t i = 0; i < v->notes.n; i++)
        wl_info("note: %s", v->notes.v[i]);
}

static void print_json(const struct wl_verify *v, const char *ref) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text, .indent = 2};

    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "ref", ref);
    if (v->d)
        wl_jw_kstr(&w, "digest", wl_digest_str(&v->d->digest).s);
    wl_jw_kbool(&w, "ok", wl_verify_ok(v));
    wl_jw_key(&w, "checks");
    wl_jw_begin(&w, '[');
    for (size_t i = 0; i < v->n_checks; i++) {
        wl_jw_begin(&w, '{');
        wl_jw_kstr(&w, "name", v->checks[i].name);
        wl_jw_kbool(&w, "ok", v->checks[i].ok);
        wl_jw_kstr(&w, "detail", v->checks[i].detail);
        wl_jw_end(&w, '}');
    }
    wl_jw_end(&w, ']');
    wl_jw_key(&w, "notes");
    wl_jw_begin(&w, '[');
    for (size_t i = 0; i < v->notes.n; i++)
        wl_jw_str(&w, v->notes.v[i]);
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
    wl_buf_addc(&text, '\n');
    wl_result_raw(text.p, text.len);
}

static int finish(const struct wl_args *args, const struct wl_verify *v, const char *ref, struct wl_err *err) {
    size_t failed = 0;

    if (wl_args_has(args, "json"))
        print_json(v, ref);
    else
        print_text(v);
    for (size_t i = 0; i < v->n_checks; i++)
        failed += !v->checks[i].ok;
    if (!wl_verify_ok(v))
        return wl_fail(err, WL_FAILED, "%s: %zu of %zu checks failed", ref, failed, v->n_checks);
    return wl_remote_digest_file(args, &v->d->digest, 1, err);
}

/* An image of the local store. */
static int verify_local(const struct wl_args *args, struct wl_verify *v, const char *ref, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};
    struct wl_oci_descriptor d;

    if (v->key)
        return wl_fail(err, WL_USAGE,
                       "%s is a local image, and signatures are kept in registries: push it and verify "
                       "HOST/%s",
                       ref, ref);
    if (wl_remote_store(&l, 0, err) < 0 || wl_layout_find(&l, ref, &e, err) < 0)
        return -1;
    d = wl_layout_entry_descriptor(&e);
    v->layout = &l;
    v->d = &d;
    if (wl_verify_run(v, err) < 0)
        return -1;
    return finish(args, v, ref, err);
}

/* A registry that sends other bytes than those of a digest, or none, is a finding, not an error of the run. */
static int broken_off(const struct wl_args *args, struct wl_verify *v, const struct wl_client *c, const char *ref,
                      struct wl_err *err) {
    if (!wl_client_wrong_bytes(c))
        return wl_err_context(err, "%s", ref);
    wl_verify_check(v, "digests", false, wl_strdup(err->msg));
    return finish(args, v, ref, err);
}

/* An image of a registry: it is pulled into a layout of its own, which goes away again. */
static int verify_remote(const struct wl_args *args, struct wl_home *home, struct wl_verify *v, const char *ref,
                         const struct wl_reference *r, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_client_closep) struct wl_client *c = NULL;
    WL_AUTO(wl_pull_result_release) struct wl_pull_result pulled = {0};
    WL_AUTOFREE char *dir = NULL;
    struct wl_progress progress = wl_out_progress();
    struct wl_digest_hex digest = wl_digest_str(&r->digest);

    if (wl_home_tmp(home, "verify", &dir, err) < 0 || wl_layout_open(&l, dir, WL_LAYOUT_CREATE, err) < 0 ||
        wl_client_open(r, wl_args_has(args, "plain-http") ? WL_CLIENT_PLAIN_HTTP : 0, NULL, NULL, &c, err) < 0)
        return -1;
    if (wl_pull(c, &l, r->has_digest ? digest.s : wl_reference_tag(r), NULL, 0, &progress, &pulled, err) < 0)
        return broken_off(args, v, c, ref, err);
    v->layout = &l;
    v->client = c;
    v->d = &pulled.root;
    if (wl_verify_run(v, err) < 0)
        return broken_off(args, v, c, ref, err);
    wl_remote_warnings(c);
    return finish(args, v, ref, err);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_sign_key_release) struct wl_sign_key key = {0};
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_verify_release) struct wl_verify v = {.home = &home, .recipe = !wl_args_has(args, "no-recipe")};
    const char *key_file = wl_args_get(args, "key");
    const char *ref = args->pos[0];
    struct wl_reference r;

    (void)ret_status;
    if (wl_remote_network(args, err) < 0)
        return -1;
    if (key_file) {
        if (wl_sign_key_load(key_file, wl_sign_key_password(), &key, err) < 0)
            return -1;
        v.key = &key;
    }
    if (wl_starts(ref, "sha256:"))
        return wl_home_find(&home, err) < 0 ? -1 : verify_local(args, &v, ref, err);
    if (wl_reference_parse(ref, &r, err) < 0)
        return -1;
    if (!r.explicit_host && !strchr(ref, '/'))
        return wl_home_find(&home, err) < 0 ? -1 : verify_local(args, &v, ref, err);
    return wl_home_open(&home, err) < 0 ? -1 : verify_remote(args, &home, &v, ref, &r, err);
}

static const struct wl_opt opts[] = {
    {"key", 'k', "FILE", "the image, its provenance and SBOM must be signed by this key (PEM, the public one)"},
    {"no-recipe", 0, NULL, "do not hold the provenance against the recipe that is here"},
    {"plain-http", 0, NULL, "http instead of https, also from another machine"},
    {"digest-file", 0, "FILE", "when every check was passed, write the digest to FILE"},
    {"json", 0, NULL, "print a JSON object"},
    WL_REMOTE_OPTS_CERT_KEY,
    {0},
};

const struct wl_verb wl_verb_verify = {
    .name = "verify",
    .usage = "verify [OPTIONS] REF",
    .summary = "check an image's digests, provenance, SBOM and signature",
    .help =
        "Checks, and prints a line for each: that every byte has its digest; that provenance (SLSA 1.0) is attached\n"
        "and speaks of this image; that the source, patches and scripts it names are those of the recipe that is\n"
        "here, or of an application that its base is below; that an SBOM (SPDX) is attached and an application's\n"
        "files are those that it lists; with --key that image, provenance and SBOM are signed by that\n"
        "key, as `wlpack sign` and `cosign sign --key` do it. Ends with 1 when a check failed. REF names an image of "
        "a\n"
        "registry, which is read and not kept, or (without a registry) of the local store.\n\n"
        "Example: wlpack verify --key wlpack.pub registry.example.com/team/php:7.4.33-cli",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
