/* A local image's files, as a container would see them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <errno.h>

#include "../../registry/layout_walk.h"
#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/tar.h"
#include "../stages/aot.h"
#include "../stages/image_over.h"
#include "local.h"
#include "run_guest.h"

#define DEPTH_MAX 200 /* folders in folders */
#define ARTIFACT_MODULE                                                                                                \
    "/module.wasm" /* what the one module of a Wasm OCI artifact is called: it has no name of its own */

void wl_guest_image_release(struct wl_guest_image *i) {
    free(i->root);
    free(i->kept);
    i->root = i->kept = NULL;
    wl_closep(&i->lock);
    i->lock = -1;
    wl_strv_release(&i->entrypoint);
    wl_strv_release(&i->cmd);
    wl_strv_release(&i->env);
}

/* The manifest to run, picked during the walk: digests and sizes of its blobs. */
struct pick {
    const char *variant; /* the one that is wanted; NULL: the portable one */
    int rank;            /* of what is picked: 0 nothing, 1 another variant, 2 portable, 3 the wanted one */
    bool artifact;       /* a Wasm OCI artifact: one layer, the module itself */
    struct wl_oci_descriptor config;
    struct wl_oci_descriptors layers;
    struct wl_arena arena;
};

static void pick_release(struct pick *p) {
    wl_arena_release(&p->arena);
}

static int on_item(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    struct pick *p = arg;
    const char *variant = item->d->platform.variant;
    int rank;

    (void)err;
    if (item->role != WL_ROLE_MANIFEST)
        return 0;
    rank = !variant ? 2 : p->variant && strcmp(variant, p->variant) == 0 ? 3 : 1;
    if (rank <= p->rank)
        return 0;
    p->rank = rank;
    p->artifact = item->m->layers.n == 1 && strcmp(item->m->layers.v[0].media_type, WL_MT_WASM) == 0;
    p->config = item->m->config;
    p->layers = (struct wl_oci_descriptors){0};
    for (size_t i = 0; i < item->m->layers.n; i++) {
        struct wl_oci_descriptor d = {.digest = item->m->layers.v[i].digest, .size = item->m->layers.v[i].size};

        wl_oci_descriptors_add(&p->layers, &p->arena, &d);
    }
    return 0;
}

/* Architectures as OCI calls them. */
static const char *host_variant(void) {
    const char *arch = wl_aot_host_arch();

    if (strcmp(arch, "x86_64") == 0)
        return "amd64";
    return strcmp(arch, "aarch64") == 0 ? "arm64" : arch;
}

static bool is_module_name(const char *s) {
    return s && wl_ends(s, ".wasm");
}

static int read_config(const struct wl_layout *l, struct pick *p, struct wl_guest_image *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};
    struct wl_oci_config c = {0};
    struct wl_blob text;

    if (wl_blob_load(l, &p->config.digest, (int64_t)p->config.size, &bytes, err) < 0)
        return -1;
    text = wl_buf_blob(&bytes);
    if (wl_oci_config_parse("the image's configuration", text, WL_OCI_LOCAL, &p->arena, &c, err) < 0)
        return -1;
    /* wasi/wasm under whatever name a host wants to see: its program says what it is */
    if (c.platform.architecture && !wl_starts(c.platform.architecture, "wasm") &&
        !is_module_name(c.entrypoint.n ? c.entrypoint.v[0] : NULL))
        return wl_fail(err, WL_FAILED, "this is an image for %s/%s, not for WebAssembly",
                       c.platform.os ? c.platform.os : "?", c.platform.architecture);
    for (size_t i = 0; i < c.entrypoint.n; i++)
        wl_strv_add(&ret->entrypoint, c.entrypoint.v[i]);
    for (size_t i = 0; i < c.cmd.n; i++)
        wl_strv_add(&ret->cmd, c.cmd.v[i]);
    for (size_t i = 0; i < c.env.n; i++)
        wl_strv_add(&ret->env, c.env.v[i]);
    return 0;
}

static bool real_dir(const char *path) {
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ".wh..." would remove the folder above. */
static bool is_no_name(const char *s) {
    return !*s || strcmp(s, ".") == 0 || strcmp(s, "..") == 0;
}

/* Moves what a layer holds over what is there, which it hides or, by whiteouts, removes. */
static int merge(const char *from, const char *to, int depth, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    if (depth > DEPTH_MAX)
        return wl_fail(err, WL_FAILED, "the image's folders are nested too deeply");
    if (wl_fs_list(from, &names, err) < 0)
        return -1;
    if (wl_strv_has(&names, WL_OCI_OPAQUE) && (wl_fs_remove(to, err) < 0 || wl_fs_mkdirs(to, err) < 0))
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.v[i];
        bool gone = wl_starts(name, WL_OCI_WHITEOUT);
        WL_AUTOFREE char *source = wl_path_join(from, name);
        WL_AUTOFREE char *target = wl_path_join(to, gone ? name + strlen(WL_OCI_WHITEOUT) : name);

        if (strcmp(name, WL_OCI_OPAQUE) == 0)
            continue;
        if (gone && is_no_name(name + strlen(WL_OCI_WHITEOUT)))
            return wl_fail(err, WL_FAILED, "refused: %s removes no file of the image", name);
        if ((gone || !real_dir(source) || !real_dir(target)) && wl_fs_remove(target, err) < 0)
            return -1;
        if (!gone && real_dir(source)) { /* also where there was none: it may hold whiteouts */
            if (chmod(source, 0755) < 0)
                return wl_fail_errno(err, errno, "cannot open up %s", source);
            if (wl_fs_mkdirs(target, err) < 0 || merge(source, target, depth + 1, err) < 0)
                return -1;
            continue;
        }
        if (!gone && rename(source, target) < 0)
            return wl_fail_errno(err, errno, "cannot move %s", target);
    }
    return 0;
}

static int unpack(struct wl_home *home, const struct wl_layout *l, const struct pick *p, char **ret_root,
                  struct wl_err *err) {
    WL_AUTOFREE char *root = NULL;

    if (wl_home_tmp(home, "rootfs", &root, err) < 0 || wl_fs_mkdirs(root, err) < 0)
        return -1;
    for (size_t i = 0; i < p->layers.n; i++) {
        const struct wl_oci_descriptor *d = &p->layers.v[i];
        WL_AUTOFREE char *blob = wl_layout_blob_path(l, &d->digest);
        WL_AUTOFREE char *dir = NULL;
        struct wl_tar_extract x = {.archive = blob};

        if (wl_blob_verify(l, &d->digest, (int64_t)d->size, err) < 0 || wl_home_tmp(home, "layer", &dir, err) < 0)
            return -1;
        x.dest = dir;
        if (wl_tar_extract(&x, NULL, err) < 0 || merge(dir, root, 0, err) < 0 || wl_fs_remove(dir, err) < 0)
            return -1;
    }
    *ret_root = WL_STEAL(root);
    return 0;
}

static int copy_artifact(struct wl_home *home, const struct wl_layout *l, const struct pick *p, char **ret_root,
                         struct wl_err *err) {
    const struct wl_oci_descriptor *d = &p->layers.v[0];
    WL_AUTOFREE char *root = NULL, *blob = wl_layout_blob_path(l, &d->digest), *file = NULL;

    if (wl_blob_verify(l, &d->digest, (int64_t)d->size, err) < 0 || wl_home_tmp(home, "rootfs", &root, err) < 0)
        return -1;
    file = wl_sprintf("%s" ARTIFACT_MODULE, root);
    if (wl_fs_copy(blob, file, err) < 0)
        return -1;
    *ret_root = WL_STEAL(root);
    return 0;
}

/* What the files of an image come from. */
static struct wl_digest key_of(const struct pick *p) {
    struct wl_digest *all = wl_calloc(p->layers.n + 1, sizeof(*all));
    struct wl_digest key;

    for (size_t i = 0; i < p->layers.n; i++)
        all[i] = p->layers.v[i].digest;
    all[p->layers.n].b[0] = p->artifact;
    key = wl_digest_of(all, (p->layers.n + 1) * sizeof(*all));
    free(all);
    return key;
}

/* The tree of an image, kept or unpacked now. */
static int take_files(struct wl_home *home, const struct wl_layout *l, const struct pick *p, struct wl_guest_image *ret,
                      struct wl_err *err) {
    struct wl_digest key = key_of(p);

    if (wl_guest_root_kept(home, &key, ret))
        return 0;
    if ((p->artifact ? copy_artifact : unpack)(home, l, p, &ret->root, err) < 0)
        return -1;
    wl_guest_root_keep(home, &key, ret);
    return ret->root
               ? 0
               : wl_fail(err, WL_FAILED, "there is no room for the image's files"); /* another guest runs from them */
}

int wl_guest_image(struct wl_home *home, const char *ref, bool native, struct wl_guest_image *ret, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry entry = {0};
    WL_AUTO(pick_release) struct pick p = {.variant = native ? host_variant() : NULL};
    bool there = false;

    if (wl_local_open(&l, 0, &there, err) < 0)
        return -1;
    if (!there)
        return wl_fail(err, WL_FAILED,
                       "there is no file, recipe or local image \"%s\"; `wlpack recipes` and `wlpack images` list them",
                       ref);
    if (wl_layout_find(&l, ref, &entry, err) < 0)
        return wl_err_context(err, "\"%s\" is neither a file nor a recipe", ref);
    if (wl_layout_walk(&l, &entry, on_item, &p, err) < 0)
        return wl_err_context(err, "%s", ref);
    if (p.rank == 0)
        return wl_fail(err, WL_FAILED, "%s holds no image", ref);
    if (p.artifact)
        wl_strv_add(&ret->entrypoint, ARTIFACT_MODULE);
    else if (read_config(&l, &p, ret, err) < 0)
        return wl_err_context(err, "%s", ref);
    return take_files(home, &l, &p, ret, err) < 0 ? wl_err_context(err, "%s", ref) : 0;
}
