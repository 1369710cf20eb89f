#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../registry/bundle.h"
#include "../../registry/cosign.h"
#include "../../registry/referrers.h"
#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "remote.h"

/* --- A new key pair ------------------------------------------------------------------------------------------------ */

static int write_new(const char *path, mode_t mode, const struct wl_buf *text, struct wl_err *err) {
    WL_AUTO(wl_file_cancel) struct wl_file f = WL_FILE_INIT;

    if (wl_file_open(&f, path, mode, true, err) < 0 || wl_file_write(&f, text->p, text->len, err) < 0)
        return -1;
    return wl_file_commit(&f, err);
}

/* FILE gets the private key, FILE.pub the public one. A key is never written over. */
static int new_key(const char *path, struct wl_err *err) {
    WL_AUTO(wl_sign_key_release) struct wl_sign_key k = {0};
    WL_AUTO(wl_buf_release) struct wl_buf secret = {0};
    WL_AUTO(wl_buf_release) struct wl_buf public = {0};
    WL_AUTOFREE char *pub = wl_sprintf("%s.pub", path);
    const char *password = getenv(WL_KEY_PASSWORD_VARIABLE);

    if (wl_fs_exists(path) || wl_fs_exists(pub))
        return wl_fail(err, WL_FAILED, "%s is there already", wl_fs_exists(path) ? path : pub);
    if (wl_sign_key_new(&k, err) < 0 || wl_sign_key_write_private(&k, password, &secret, err) < 0 ||
        wl_sign_key_write_public(&k, &public, err) < 0 || write_new(path, 0600, &secret, err) < 0 ||
        write_new(pub, 0644, &public, err) < 0)
        return -1;
    if (!password)
        wl_warn("%s is not encrypted: nobody else may read it (" WL_KEY_PASSWORD_VARIABLE
                " gives a new key a password)",
                path);
    wl_result("%s", path);
    wl_result("%s", pub);
    return 0;
}

/* --- Signing ------------------------------------------------------------------------------------------------------- */

/* What is signed where, and what was: for the results. */
struct signing {
    const struct wl_args *args;
    const struct wl_reference *ref;
    const struct wl_sign_key *key;
    struct wl_layout l;
    struct wl_client *c;
    struct wl_cosign_added added;
    bool dry;
    struct wl_jw json;
};

static void signing_release(struct signing *s) {
    wl_cosign_added_release(&s->added);
    wl_client_close(s->c);
    wl_layout_close(&s->l);
}

static void tell(struct signing *s, const struct wl_digest *d, const char *what, bool added) {
    wl_info("%s: %s", what, !added ? "is signed by this key already" : s->dry ? "would be signed" : "signed");
    if (s->dry && !wl_args_has(s->args, "json"))
        wl_result("%s %s %s", added ? "sign" : "there", wl_digest_str(d).s, what);
    wl_jw_begin(&s->json, '{');
    wl_jw_kstr(&s->json, "digest", wl_digest_str(d).s);
    wl_jw_kstr(&s->json, "what", what);
    wl_jw_kbool(&s->json, "there", !added);
    wl_jw_end(&s->json, '}');
}

static int sign_one(struct signing *s, const struct wl_digest *d, const char *what, struct wl_err *err) {
    WL_AUTOFREE char *repository = wl_sprintf("%s/%s", s->ref->host, s->ref->path);
    struct wl_cosign_result have;
    bool added;

    if (s->dry) {
        if (wl_cosign_verify(s->c, &s->l, d, s->key, &have, err) < 0)
            return wl_err_context(err, "signatures of %s", what);
        added = have.good == 0;
    } else if (wl_cosign_sign_noted(s->c, &s->l, repository, d, s->key, &s->added, &added, err) < 0) {
        return wl_err_context(err, "signing %s", what);
    }
    tell(s, d, what, added);
    return 0;
}

/* The images of an index: podman and skopeo look at the signature of the one that they choose. */
static int sign_members(struct signing *s, const struct wl_digest *root, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTOFREE char *type = NULL;
    struct wl_oci_index x;
    struct wl_digest d;

    if (wl_client_manifest_get(s->c, wl_digest_str(root).s, &text, &type, &d, err) < 0)
        return -1;
    if (wl_oci_kind(type) != WL_OCI_INDEX)
        return 0;
    if (wl_oci_index_parse("index", wl_buf_blob(&text), type, WL_OCI_REMOTE, &a, &x, err) < 0)
        return -1;
    for (size_t i = 0; i < x.manifests.n; i++) {
        WL_AUTOFREE char *what = wl_oci_platform_str(&x.manifests.v[i].platform);

        if (sign_one(s, &x.manifests.v[i].digest, what, err) < 0)
            return -1;
    }
    return 0;
}

/* Provenance that anybody could have attached is worth little. */
static int sign_referrers(struct signing *s, const struct wl_digest *root, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_descriptors list = {0};

    if (wl_referrers_list(s->c, root, NULL, &a, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const char *type = list.v[i].artifact_type ? list.v[i].artifact_type : "a referrer";

        if (strcmp(type, WL_MT_BUNDLE) != 0 && /* somebody's signature, by cosign 3 */
            sign_one(s, &list.v[i].digest, type, err) < 0)
            return -1;
    }
    return 0;
}

/* The image, the images in it, and what is attached. *ret_digest: what the reference stands for. */
static int sign_all(struct signing *s, struct wl_digest *ret_digest, struct wl_err *err) {
    const struct wl_reference *r = s->ref;
    unsigned flags = (s->dry ? 0 : WL_CLIENT_PUSH) | (wl_args_has(s->args, "plain-http") ? WL_CLIENT_PLAIN_HTTP : 0);
    WL_AUTOFREE char *repository = NULL;
    struct wl_digest digest = r->digest;
    bool found = true;

    if (wl_remote_store(&s->l, WL_LAYOUT_CREATE, err) < 0 || wl_client_open(r, flags, NULL, NULL, &s->c, err) < 0)
        return -1;
    if (!r->has_digest && wl_client_manifest_head(s->c, wl_reference_tag(r), &found, &digest, err) < 0)
        return -1;
    if (!found)
        return wl_fail(err, WL_FAILED, "%s has no %s:%s: push it first", r->host, r->path, wl_reference_tag(r));
    if (sign_one(s, &digest, s->args->pos[0], err) < 0 || sign_members(s, &digest, err) < 0 ||
        sign_referrers(s, &digest, err) < 0)
        return -1;
    repository = wl_sprintf("%s/%s", r->host, r->path);
    if (wl_cosign_settle(s->c, &s->l, repository, s->key, &s->added, err) < 0)
        return -1;
    wl_remote_warnings(s->c);
    *ret_digest = digest;
    return 0;
}

static int sign(const struct wl_args *args, const struct wl_reference *r, const struct wl_sign_key *k,
                struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(signing_release)
    struct signing s = {.args = args,
                        .ref = r,
                        .key = k,
                        .l = WL_LAYOUT_INIT,
                        .dry = wl_args_has(args, "dry-run"),
                        .json = {.out = &text, .indent = 2}};
    WL_AUTOFREE char *pinned = NULL;
    struct wl_digest digest;

    wl_jw_begin(&s.json, '{');
    wl_jw_key(&s.json, "signatures");
    wl_jw_begin(&s.json, '[');
    if (sign_all(&s, &digest, err) < 0 || (!s.dry && wl_remote_digest_file(args, &digest, 1, err) < 0))
        return -1;
    wl_jw_end(&s.json, ']');
    pinned = wl_remote_pinned(r, &digest);
    wl_jw_kstr(&s.json, "ref", pinned);
    wl_jw_kstr(&s.json, "digest", wl_digest_str(&digest).s);
    wl_jw_kbool(&s.json, "signed", !s.dry);
    wl_jw_end(&s.json, '}');
    wl_buf_addc(&text, '\n');
    if (wl_args_has(args, "json"))
        wl_result_raw(text.p, text.len);
    else if (!s.dry)
        wl_result("%s", pinned);
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_sign_key_release) struct wl_sign_key key = {0};
    const char *fresh = wl_args_get(args, "new-key");
    const char *file = wl_args_get(args, "key");
    struct wl_reference r;

    (void)ret_status;
    if (fresh)
        return args->n_pos || file ? wl_fail(err, WL_USAGE, "--new-key stands alone") : new_key(fresh, err);
    if (args->n_pos == 0 || !file)
        return wl_fail(err, WL_USAGE, "give --key FILE and the image to sign, or --new-key FILE; `wlpack sign --help`");
    if (wl_remote_reference(args->pos[0], &r, err) < 0 || wl_remote_network(args, err) < 0 ||
        wl_sign_key_load(file, wl_sign_key_password(), &key, err) < 0)
        return -1;
    if (!key.is_private)
        return wl_fail(err, WL_FAILED, "%s is the public key; signing needs the private one", file);
    return sign(args, &r, &key, err);
}

static const struct wl_opt opts[] = {
    {"key", 'k', "FILE", "the private key, in PEM"},
    {"new-key", 0, "FILE", "make a key pair: FILE and FILE.pub"},
    {"digest-file", 0, "FILE", "write the digest to FILE as well"},
    {"plain-http", 0, NULL, "http instead of https, also to another machine"},
    {"dry-run", 'n', NULL, "look what is not signed yet and sign nothing"},
    {"json", 0, NULL, "print a JSON object"},
    WL_REMOTE_OPTS_CERT_KEY,
    {0},
};

const struct wl_verb wl_verb_sign = {
    .name = "sign",
    .usage = "sign --key FILE REF | --new-key FILE",
    .summary = "sign an image in a registry, as cosign does with a key pair",
    .help =
        "Signs the image that REF stands for in its registry, and the provenance and SBOM attached to it. The "
        "signatures are kept\n"
        "beside it, under tags sha256-....sig, where `cosign verify --key FILE.pub --insecure-ignore-tlog` and\n"
        "`wlpack verify --key FILE.pub` find them. Keys are ECDSA over P-256, in PEM; the password of an encrypted "
        "one comes\n"
        "from " WL_KEY_PASSWORD_VARIABLE ", else COSIGN_PASSWORD; files of `cosign generate-key-pair` are read too. "
        "Signing twice adds nothing. With --dry-run a line \"there|sign DIGEST WHAT\" for each manifest.\n\n"
        "Example: wlpack sign --new-key wlpack.key\n"
        "         wlpack sign --key wlpack.key registry.example.com/team/php:7.4.33-cli",
    .opts = opts,
    .min_pos = 0,
    .max_pos = 1,
    .run = run,
};
