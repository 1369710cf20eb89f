#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../registry/cosign.h"
#include "../../registry/referrers.h"
#include "../base/fs.h"
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

static int sign_one(struct wl_client *c, struct wl_layout *l, const struct wl_reference *r, const struct wl_digest *d,
                    const char *what, const struct wl_sign_key *k, struct wl_err *err) {
    WL_AUTOFREE char *repository = wl_sprintf("%s/%s", r->host, r->path);
    bool added;

    if (wl_cosign_sign(c, l, repository, d, k, &added, err) < 0)
        return wl_err_context(err, "signing %s", what);
    wl_info("%s: %s", what, added ? "signed" : "is signed by this key already");
    return 0;
}

/* The images of an index: podman and skopeo look at the signature of the one that they choose. */
static int sign_members(struct wl_client *c, struct wl_layout *l, const struct wl_reference *r,
                        const struct wl_digest *root, const struct wl_sign_key *k, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTOFREE char *type = NULL;
    struct wl_oci_index x;
    struct wl_digest d;

    if (wl_client_manifest_get(c, wl_digest_str(root).s, &text, &type, &d, err) < 0)
        return -1;
    if (wl_oci_kind(type) != WL_OCI_INDEX)
        return 0;
    if (wl_oci_index_parse("index", wl_buf_blob(&text), type, WL_OCI_REMOTE, &a, &x, err) < 0)
        return -1;
    for (size_t i = 0; i < x.manifests.n; i++) {
        WL_AUTOFREE char *what = wl_oci_platform_str(&x.manifests.v[i].platform);

        if (sign_one(c, l, r, &x.manifests.v[i].digest, what, k, err) < 0)
            return -1;
    }
    return 0;
}

/* The image, and what is attached to it: provenance that anybody could have attached is worth little. */
static int sign(const struct wl_args *args, const struct wl_reference *r, const struct wl_sign_key *k,
                struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_client_closep) struct wl_client *c = NULL;
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTOFREE char *pinned = NULL;
    unsigned flags = WL_CLIENT_PUSH | (wl_args_has(args, "plain-http") ? WL_CLIENT_PLAIN_HTTP : 0);
    struct wl_oci_descriptors list = {0};
    struct wl_digest digest = r->digest;
    bool found = true;

    if (wl_remote_store(&l, WL_LAYOUT_CREATE, err) < 0 || wl_client_open(r, flags, NULL, NULL, &c, err) < 0)
        return -1;
    if (!r->has_digest && wl_client_manifest_head(c, wl_reference_tag(r), &found, &digest, err) < 0)
        return -1;
    if (!found)
        return wl_fail(err, WL_FAILED, "%s has no %s:%s: push it first", r->host, r->path, wl_reference_tag(r));
    if (sign_one(c, &l, r, &digest, args->pos[0], k, err) < 0 || sign_members(c, &l, r, &digest, k, err) < 0 ||
        wl_referrers_list(c, &digest, NULL, &a, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.n; i++)
        if (sign_one(c, &l, r, &list.v[i].digest, list.v[i].artifact_type ? list.v[i].artifact_type : "a referrer", k,
                     err) < 0)
            return -1;
    wl_remote_warnings(c);
    pinned = wl_remote_pinned(r, &digest);
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
    if (wl_remote_reference(args->pos[0], &r, err) < 0 ||
        wl_sign_key_load(file, getenv(WL_KEY_PASSWORD_VARIABLE), &key, err) < 0)
        return -1;
    if (!key.is_private)
        return wl_fail(err, WL_FAILED, "%s is the public key; signing needs the private one", file);
    return sign(args, &r, &key, err);
}

static const struct wl_opt opts[] = {
    {"key", 'k', "FILE", "the private key, in PEM"},
    {"new-key", 0, "FILE", "make a key pair: FILE and FILE.pub"},
    {"plain-http", 0, NULL, "http instead of https, also to another machine"},
    {0},
};

const struct wl_verb wl_verb_sign = {
    .name = "sign",
    .usage = "sign --key FILE REF | --new-key FILE",
    .summary = "sign an image in a registry, as cosign does with a key pair",
    .help = "Signs the image that REF stands for in its registry, and the provenance and SBOM attached to it. The "
            "signatures are kept\n"
            "beside it, under tags sha256-....sig, where `cosign verify --key FILE.pub --insecure-ignore-tlog` and\n"
            "`wlpack verify --key FILE.pub` find them. Keys are ECDSA over P-256, in PEM; the password of an encrypted "
            "one comes\n"
            "from " WL_KEY_PASSWORD_VARIABLE ". Signing twice adds nothing.\n\n"
            "Example: wlpack sign --new-key wlpack.key\n"
            "         wlpack sign --key wlpack.key registry.example.com/team/php:7.4.33-cli",
    .opts = opts,
    .min_pos = 0,
    .max_pos = 1,
    .run = run,
};
