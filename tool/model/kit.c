#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/digest.h"
#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"

#define KIT_JSON_MAX (1u << 20)

/* The program that stands for a kit that has no kit.json. */
static const struct {
    const char *name, *program;
} known[] = {
    {"wasi-sdk", "bin/clang"},
    {"binaryen", "bin/wasm-opt"},
    {"wasmedge", "bin/wasmedge"},
};

char *wl_kit_variable(const char *name) {
    char *v = wl_sprintf("%s_ROOT", name);

    for (char *p = v; *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        else if (*p == '-')
            *p = '_';
    }
    return v;
}

void wl_kit_release(struct wl_kit *k) {
    free(k->name);
    free(k->version);
    free(k->origin);
    free(k->identity);
    free(k->root);
    memset(k, 0, sizeof(*k));
}

char *wl_kit_path(const struct wl_kit *k, const char *sub) {
    return wl_path_join(k->root, sub);
}

int wl_kit_read(const char *root, struct wl_kit *ret, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(root, "kit.json");
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    struct wl_digest identity;
    const char *name, *version, *origin, *id;
    const wl_json *o;

    if (wl_fs_read(path, KIT_JSON_MAX, &text, err) < 0 ||
        wl_json_parse(&doc, path, wl_buf_str(&text), text.len, WL_FAILED, err) < 0)
        return -1;
    o = wl_json_root(doc);
    name = wl_json_get_str(o, "name");
    version = wl_json_get_str(o, "version");
    origin = wl_json_get_str(o, "origin");
    id = wl_json_get_str(o, "identity");
    if (!name || !version || !origin || !id || !wl_digest_parse(id, &identity))
        return wl_fail(err, WL_FAILED,
                       "%s: name, version, origin and identity (sha256:...) must stand there as strings", path);
    *ret = (struct wl_kit){.name = wl_strdup(name),
                           .version = wl_strdup(version),
                           .origin = wl_strdup(origin),
                           .identity = wl_strdup(id),
                           .root = wl_strdup(root)};
    return 0;
}

/* A root that the user named: kit.json when it is there, else the digest of its program. */
static int from_environment(const char *name, const char *variable, const char *root, struct wl_kit *ret,
                            struct wl_err *err) {
    WL_AUTOFREE char *json = wl_path_join(root, "kit.json");
    WL_AUTOFREE char *program = NULL;
    struct wl_digest d;

    if (wl_fs_exists(json))
        return wl_kit_read(root, ret, err);
    for (size_t i = 0; i < WL_ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, name) == 0)
            program = wl_path_join(root, known[i].program);
    if (!program || access(program, X_OK) < 0)
        return wl_fail(err, WL_FAILED, "%s=%s holds neither kit.json nor %s", variable, root,
                       program ? program + strlen(root) + 1 : "a program that is known");
    if (wl_digest_file(program, &d, NULL, err) < 0)
        return -1;
    *ret = (struct wl_kit){.name = wl_strdup(name),
                           .version = wl_strdup("-"),
                           .origin = wl_strdup("environment"),
                           .identity = wl_strdup(wl_digest_str(&d).s),
                           .root = wl_strdup(root)};
    return 0;
}

static bool is_version_of(const char *folder, const char *name) {
    return wl_starts(folder, name) && folder[strlen(name)] == '-' && folder[strlen(name) + 1] >= '0' &&
           folder[strlen(name) + 1] <= '9';
}

/* The best installed folder of a kit in one kits folder; NULL when there is none. */
static char *best_in(const char *kits, const char *name) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_err ignored;
    const char *best = NULL;

    if (!wl_fs_is_dir(kits) || wl_fs_list(kits, &names, &ignored) < 0)
        return NULL;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *json = wl_sprintf("%s/%s/kit.json", kits, names.v[i]);

        if (is_version_of(names.v[i], name) && wl_fs_exists(json) && (!best || strverscmp(names.v[i], best) > 0))
            best = names.v[i];
    }
    return best ? wl_path_join(kits, best) : NULL;
}

int wl_kit_find(const struct wl_home *home, const char *name, struct wl_kit *ret, struct wl_err *err) {
    WL_AUTOFREE char *variable = wl_kit_variable(name);
    WL_AUTOFREE char *kits = wl_home_path(home, WL_HOME_KITS);
    const char *given = getenv(variable);
    WL_AUTOFREE char *root = NULL;

    if (given && given[0]) {
        root = realpath(given, NULL); /* wrappers name it from other folders */
        return from_environment(name, variable, root ? root : given, ret, err);
    }
    root = best_in(kits, name);
    if (!root && home->fallback) {
        WL_AUTOFREE char *other = wl_path_join(home->fallback, WL_HOME_KITS);

        root = best_in(other, name);
    }
    if (root)
        return wl_kit_read(root, ret, err);
    return wl_fail(err, WL_FAILED,
                   "the kit %s is not installed (%s is not set, nothing in %s); get it with `wlpack kit "
                   "install %s` or `make setup`",
                   name, variable, kits, name);
}

static void add_kit(struct wl_kit **kits, size_t *n, struct wl_kit *k) {
    *kits = wl_reallocarray(*kits, *n + 1, sizeof(**kits));
    (*kits)[(*n)++] = *k;
}

static void list_folder(const char *kits_dir, struct wl_kit **kits, size_t *n) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_err ignored;

    if (!wl_fs_is_dir(kits_dir) || wl_fs_list(kits_dir, &names, &ignored) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *root = wl_path_join(kits_dir, names.v[i]);
        struct wl_kit k;

        if (names.v[i][0] != '.' && wl_kit_read(root, &k, &ignored) == 0)
            add_kit(kits, n, &k);
    }
}

int wl_kit_list(const struct wl_home *home, struct wl_kit **ret, size_t *ret_n, struct wl_err *err) {
    WL_AUTOFREE char *own = wl_home_path(home, WL_HOME_KITS);
    struct wl_kit *kits = NULL;
    size_t n = 0;

    for (size_t i = 0; i < WL_ARRAY_LEN(known); i++) {
        WL_AUTOFREE char *variable = wl_kit_variable(known[i].name);
        const char *given = getenv(variable);
        struct wl_kit k;

        if (!given || !given[0])
            continue;
        if (from_environment(known[i].name, variable, given, &k, err) < 0) {
            wl_kits_free(kits, n);
            return -1;
        }
        add_kit(&kits, &n, &k);
    }
    list_folder(own, &kits, &n);
    if (home->fallback) {
        WL_AUTOFREE char *other = wl_path_join(home->fallback, WL_HOME_KITS);

        list_folder(other, &kits, &n);
    }
    *ret = kits;
    *ret_n = n;
    return 0;
}

void wl_kits_free(struct wl_kit *kits, size_t n) {
    for (size_t i = 0; i < n; i++)
        wl_kit_release(&kits[i]);
    free(kits);
}
