#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "cmd.h"
#include "run_guest.h"

/* HOST:GUEST[:ro]; the host's part may hold no ':' (no runtime could be told). */
static int add_volume(struct wl_guest *g, const char *spec, struct wl_err *err) {
    const char *colon = strchr(spec, ':');
    const char *end = spec + strlen(spec);
    WL_AUTOFREE char *host = NULL;
    WL_AUTOFREE char *real = NULL;
    bool readonly = wl_ends(spec, ":ro");

    if (readonly || wl_ends(spec, ":rw"))
        end -= 3;
    if (!colon || colon == spec || colon + 1 >= end || memchr(colon + 1, ':', (size_t)(end - colon - 1)))
        return wl_fail(err, WL_USAGE, "-v takes HOST:GUEST or HOST:GUEST:ro, not \"%s\"", spec);
    host = wl_strndup(spec, (size_t)(colon - spec));
    real = realpath(host, NULL);
    if (!real)
        return wl_fail_errno(err, errno, "-v %s: cannot open %s", spec, host);
    if (!wl_fs_is_dir(real))
        return wl_fail(err, WL_USAGE, "-v %s: %s is not a folder, and WASI gives a guest folders only", spec, host);
    return wl_guest_add_dir(g, WL_STEAL(real), wl_strndup(colon + 1, (size_t)(end - colon - 1)), readonly, err);
}

/* K=V, or K alone: with the value it has here. A later one wins. */
static int add_env(struct wl_guest *g, const char *spec, struct wl_err *err) {
    size_t n = strcspn(spec, "=");
    const char *value;

    if (n == 0)
        return wl_fail(err, WL_USAGE, "-e takes NAME=VALUE or NAME, not \"%s\"", spec);
    value = spec[n] ? spec + n + 1 : getenv(spec);
    if (!value)
        return 0;
    for (size_t i = 0; i < g->env.n; i++) {
        if (strncmp(g->env.v[i], spec, n) == 0 && g->env.v[i][n] == '=') {
            free(g->env.v[i]);
            g->env.v[i] = wl_sprintf("%.*s=%s", (int)n, spec, value);
            return 0;
        }
    }
    wl_strv_addf(&g->env, "%.*s=%s", (int)n, spec, value);
    return 0;
}

static int add_port(struct wl_guest *g, const char *spec, struct wl_err *err) {
    if (!*spec || strspn(spec, "0123456789:") != strlen(spec))
        return wl_fail(err, WL_USAGE, "-p takes HOSTPORT:GUESTPORT, not \"%s\"", spec);
    wl_strv_add(&g->ports, spec);
    return 0;
}

static int add_options(const struct wl_args *args, struct wl_guest *g, struct wl_err *err) {
    const char *s;

    for (int i = 0; (s = wl_args_nth(args, "volume", i)) != NULL; i++)
        if (add_volume(g, s, err) < 0)
            return -1;
    for (int i = 0; (s = wl_args_nth(args, "env", i)) != NULL; i++)
        if (add_env(g, s, err) < 0)
            return -1;
    for (int i = 0; (s = wl_args_nth(args, "publish", i)) != NULL; i++)
        if (add_port(g, s, err) < 0)
            return -1;
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_guest_release) struct wl_guest g = WL_GUEST_INIT;
    WL_AUTOFREE char *trap = NULL;
    struct wl_guest_find f = {
        .name = args->pos[0],
        .artefact = wl_args_get(args, "artefact"),
        .flavour = wl_args_get(args, "flavour"),
        .output = wl_args_get(args, "output"),
        .entrypoint = wl_args_get(args, "entrypoint"),
        .interpret = wl_args_has(args, "interpret"),
        .args = args->rest,
        .n_args = args->n_rest,
    };

    if (wl_home_find(&home, err) < 0 || wl_guest_find(&home, &f, &g, err) < 0 || add_options(args, &g, err) < 0)
        return -1;
    wl_verbose("running %s", g.module);
    if (wl_guest_run(&home, &g, wl_args_get(args, "runtime"), ret_status, &trap, err) < 0)
        return -1;
    if (trap) {
        struct wl_err e;

        wl_fail(&e, WL_FAILED, "%s: trap: %s", wl_path_base(g.module), trap);
        wl_error(&e);
    }
    return 0;
}

static const struct wl_opt opts[] = {
    {"volume", 'v', "HOST:GUEST", "let the guest see a folder as GUEST (HOST:GUEST:ro: read-only); repeatable"},
    {"env", 'e', "K=V", "an environment variable of the guest (K alone: with our value); repeatable"},
    {"publish", 'p', "HOST:GUEST", "a port the guest serves on; WasmEdge's are the host's own, so both are the same"},
    {"runtime", 0, "NAME", "wasmedge, node or wasmtime (default: the first of them that is there)"},
    {"interpret", 0, NULL, "leave precompiled code alone"},
    {"artefact", 0, "NAME", "which artefact of the recipe (default: cli, else its first)"},
    {"flavour", 0, "NAME", "which flavour of the recipe"},
    {"output", 0, "DIR", "where `wlpack build` put the modules (default: build-output)"},
    {"entrypoint", 0, "FILE", "another .wasm of the image than its entrypoint"},
    {0},
};

const struct wl_verb wl_verb_run = {
    .name = "run",
    .usage = "run [OPTIONS] NAME-or-REF [-- ARGUMENTS]",
    .summary = "run a built interpreter, a .wasm file or a local image",
    .help =
        "Runs the built artefact of a recipe, a .wasm file, or a local image (its files are the guest's \"/\", a copy\n"
        "that goes with it; the unpacked image itself is kept, so that the next start is faster, until `wlpack gc`).\n"
        "WasmEdge of the kit is the first choice and takes the precompiled module, which is checked first; Node and\n"
        "wasmtime of PATH run the portable one.\n\n"
        "The guest sees the folders and variables given here (and an image's own), its arguments and the standard\n"
        "streams, and nothing else. Its exit code is ours; 134 after a trap, 128 + n after signal n.\n\n"
        "A guest of the wasmedge flavour listens on the host's own ports, under WasmEdge alone. -p maps nothing: it\n"
        "checks that the guest can serve and that nobody expects another number outside.\n\n"
        "  wlpack run php-7.4.33 -- -v\n"
        "  wlpack run php-7.4.33 -v .:/www -e MODE=test -- /www/index.php\n"
        "  wlpack run php:7.4.33-cli -v .:/www -- /www/index.php\n"
        "  wlpack run php:7.4.33-server -v .:/docroot -p 8080:8080",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
