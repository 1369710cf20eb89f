/* Starting a guest with WasmEdge, Node or wasmtime. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"
#include "../model/kit.h"
#include "../model/recipe.h"
#include "../stages/aot.h"
#include "../wasm/aot_map.h"
#include "../wasm/module.h"
#include "run_filter.h"
#include "run_guest.h"

#define MODULE_MAX ((size_t)1 << 30) /* bytes of a module whose imports are looked at */
#define VERIFIED_AGE 2               /* seconds; file systems tell times of at least this age apart */

/* One runtime: finding it, and its command line. */
struct runtime {
    const char *name;
    bool native;   /* runs WasmEdge's native code */
    bool sockets;  /* has WasmEdge's server sockets */
    bool readonly; /* can make a folder read-only */
    bool talks;    /* writes its own log to stdout */
    /* The program, a new string; NULL with err when it is not there. */
    char *(*find)(const struct wl_home *home, struct wl_err *err);
    int (*argv)(const struct wl_guest *g, const char *module, struct wl_strv *argv, struct wl_err *err);
};

/* Every runtime here takes --env NAME=VALUE. */
static void add_env(const struct wl_guest *g, struct wl_strv *argv) {
    for (size_t i = 0; i < g->env.n; i++) {
        wl_strv_add(argv, "--env");
        wl_strv_add(argv, g->env.v[i]);
    }
}

/* --- WasmEdge --- */

static char *wasmedge_find(const struct wl_home *home, struct wl_err *err) {
    struct wl_kit kit = {0};
    char *path;

    if (wl_kit_find(home, "wasmedge", &kit, err) < 0)
        return NULL;
    path = wl_kit_path(&kit, "bin/wasmedge");
    wl_kit_release(&kit);
    return path;
}

static int wasmedge_argv(const struct wl_guest *g, const char *module, struct wl_strv *argv, struct wl_err *err) {
    wl_strv_add(argv, "run");
    if (g->interpret)
        wl_strv_add(argv, "--force-interpreter");
    for (size_t i = 0; i < g->n_dirs; i++) {
        const struct wl_guest_dir *d = &g->dirs[i];

        if (strchr(d->host, ':') || strchr(d->guest, ':'))
            return wl_fail(err, WL_USAGE, "wasmedge takes no folder with a ':' in its name: %s", d->host);
        wl_strv_add(argv, "--dir");
        wl_strv_addf(argv, "%s:%s%s", d->guest, d->host, d->readonly ? ":readonly" : "");
    }
    add_env(g, argv);
    wl_strv_add(argv, "--");
    wl_strv_add(argv, module);
    return 0;
}

/* --- Node --- */

/* Beside the recipes, or where the program's own things are. */
static char *node_script(void) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};

    wl_recipe_path(&path);
    for (size_t i = 0; i < path.n; i++) {
        WL_AUTOFREE char *near = wl_sprintf("%s/../scripts/run-node.mjs", path.v[i]);

        if (wl_fs_exists(near))
            return WL_STEAL(near);
    }
    return wl_home_data("scripts/run-node.mjs");
}

static char *path_find(const char *name, struct wl_err *err) {
    char *path = wl_proc_which(name);

    if (!path)
        wl_fail(err, WL_FAILED, "there is no %s in PATH", name);
    return path;
}

static char *node_find(const struct wl_home *home, struct wl_err *err) {
    (void)home;
    return path_find("node", err);
}

static int node_argv(const struct wl_guest *g, const char *module, struct wl_strv *argv, struct wl_err *err) {
    WL_AUTOFREE char *script = node_script();

    if (!wl_fs_exists(script))
        return wl_fail(err, WL_FAILED, "%s, which starts guests under Node, is missing", script);
    wl_strv_add(argv, "--no-warnings");
    wl_strv_add(argv, "--stack-size=6144");        /* KB: of the 8 MB that the main thread has; the default is 1 */
    wl_strv_add(argv, "--no-incremental-marking"); /* V8 11.3 crashes in it while the guest's memory grows */
    wl_strv_add(argv, script);
    for (size_t i = 0; i < g->n_dirs; i++) {
        if (strchr(g->dirs[i].guest, '='))
            return wl_fail(err, WL_USAGE, "no '=' in the guest's name of a folder under Node: %s", g->dirs[i].guest);
        wl_strv_add(argv, "--dir");
        wl_strv_addf(argv, "%s=%s", g->dirs[i].guest, g->dirs[i].host);
    }
    add_env(g, argv);
    wl_strv_add(argv, "--");
    wl_strv_add(argv, module);
    return 0;
}

/* --- wasmtime --- */

static char *wasmtime_find(const struct wl_home *home, struct wl_err *err) {
    (void)home;
    return path_find("wasmtime", err);
}

static int wasmtime_argv(const struct wl_guest *g, const char *module, struct wl_strv *argv, struct wl_err *err) {
    (void)err;
    wl_strv_add(argv, "run");
    for (size_t i = 0; i < g->n_dirs; i++) {
        wl_strv_add(argv, "--dir");
        wl_strv_addf(argv, "%s::%s", g->dirs[i].host, g->dirs[i].guest);
    }
    add_env(g, argv);
    wl_strv_add(argv, module);
    return 0;
}

static const struct runtime runtimes[] = {
    {"wasmedge", true, true, true, true, wasmedge_find, wasmedge_argv},
    {"node", false, false, false, false, node_find, node_argv},
    {"wasmtime", false, false, false, false, wasmtime_find, wasmtime_argv},
};

/* The runtime asked for, or the first that is there. *ret_program: a new string. */
static int choose(const struct wl_home *home, const char *name, const struct runtime **ret, char **ret_program,
                  struct wl_err *err) {
    struct wl_err why;

    for (size_t i = 0; i < WL_ARRAY_LEN(runtimes); i++) {
        if (name && strcmp(name, runtimes[i].name) != 0)
            continue;
        *ret_program = runtimes[i].find(home, &why);
        *ret = &runtimes[i];
        if (*ret_program)
            return 0;
        if (name) {
            *err = why;
            return wl_err_context(err, "--runtime %s", name);
        }
    }
    if (name)
        return wl_fail(err, WL_USAGE, "no runtime \"%s\" (there are: wasmedge, node, wasmtime)", name);
    return wl_fail(err, WL_FAILED,
                   "no WebAssembly runtime here: `wlpack kit install wasmedge` (or scripts/kit-install wasmedge) gets "
                   "one; node 20 or later or wasmtime in PATH serve as well");
}

/* --- What the module needs --- */

/* A module that imports this call wants WasmEdge's sockets; no other runtime can load it. */
static bool imports_sockets(const struct wl_wasm_module *m) {
    for (uint32_t i = 0; i < m->n_imports; i++)
        if (wl_blob_is(m->imports[i].name, "sock_listen"))
            return true;
    return false;
}

/* Both sides of HOST:GUEST are the same; a port alone is. */
static bool same_port(const char *spec) {
    const char *colon = strchr(spec, ':');
    size_t n = colon ? (size_t)(colon - spec) : 0;

    return !colon || (strlen(colon + 1) == n && strncmp(spec, colon + 1, n) == 0);
}

/* WasmEdge's sockets are the host's own: -p opens nothing and cannot give a port another number outside. */
static int check_ports(const struct wl_guest *g, bool sockets, struct wl_err *err) {
    for (size_t i = 0; i < g->ports.n; i++) {
        if (!sockets)
            return wl_fail(err, WL_USAGE,
                           "-p %s: %s is of the flavour without sockets (plain WASI has none); where a recipe has an "
                           "artefact or an image of the wasmedge flavour, run that (PHP: --artefact server)",
                           g->ports.v[i], wl_path_base(g->module));
        if (!same_port(g->ports.v[i]))
            return wl_fail(err, WL_USAGE,
                           "-p %s: a guest under WasmEdge listens on the host's own ports, nothing stands between that "
                           "could map one to another; give both the same number, and that to the guest",
                           g->ports.v[i]);
    }
    return 0;
}

static int check_sockets(const struct wl_guest *g, const struct runtime *rt, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    bool sockets;

    if (g->ports.n == 0 && rt->sockets)
        return 0;
    if (wl_fs_read(g->module, MODULE_MAX, &bytes, err) < 0 || wl_wasm_parse(&m, wl_buf_blob(&bytes), err) < 0)
        return -1;
    sockets = imports_sockets(&m);
    if (sockets && !rt->sockets)
        return wl_fail(err, WL_USAGE,
                       "%s is of the wasmedge flavour: it needs WasmEdge's sockets, which %s has not; use "
                       "--runtime wasmedge",
                       wl_path_base(g->module), rt->name);
    return check_ports(g, sockets, err);
}

/* The mark of a file that has been verified: named by everything that changes when the file does, of which a program cannot set
 * the time of the last change. NULL: it changed so lately that another change may bear the same time. */
static char *mark_of(const struct stat *st) {
    if (time(NULL) - st->st_ctime < VERIFIED_AGE)
        return NULL;
    return wl_sprintf("%llx-%llx-%llx-%llx.%09ld-%llx.%09ld", (unsigned long long)st->st_dev,
                      (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
                      (unsigned long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                      (unsigned long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static bool unchanged(const char *module, const struct stat *before) {
    struct stat after;

    return stat(module, &after) == 0 && after.st_ino == before->st_ino && after.st_size == before->st_size &&
           after.st_ctim.tv_sec == before->st_ctim.tv_sec && after.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}

/* Where the module is kept as a shared object (aot_map.h), for the WasmEdge that its code was made for: of another version, WasmEdge
 * would interpret the module but refuse the object. NULL: there is no WasmEdge. */
static char *mapped_path(const struct wl_home *home, const char *module, const char *mark, char **ret_identity) {
    WL_AUTO(wl_kit_release) struct wl_kit kit = {0};
    WL_AUTOFREE char *name = NULL;
    WL_AUTOFREE char *folder = NULL;
    struct wl_err ignored;

    if (wl_kit_find(home, "wasmedge", &kit, &ignored) < 0)
        return NULL;
    name = wl_sprintf("%s-%.16s", mark, kit.identity + strlen("sha256:"));
    folder = wl_home_path2(home, WL_HOME_MAPPED, name);
    *ret_identity = WL_STEAL(kit.identity);
    /* the guest is told the name */
    return wl_path_join(folder, wl_path_base(module));
}

/* Keeps the module as a shared object, which starts faster. Where that cannot be had, nobody misses it. */
static void keep_mapped(const char *module, const struct stat *before, const struct wl_aot_info *info,
                        const char *mapped) {
    struct wl_err ignored;

    if (!wl_aot_has_arch(info, wl_aot_host_arch()) || wl_fs_mkdirs_parent(mapped, &ignored) < 0)
        return;
    if (wl_aot_map(module, wl_aot_host_arch(), mapped, &ignored) == 0 && !unchanged(module, before))
        wl_fs_remove(mapped, &ignored);
}

/* Code can be mapped from there (the file system may forbid it). */
static bool can_be_mapped(const char *path) {
    struct statvfs st;

    return wl_fs_exists(path) && statvfs(path, &st) == 0 && !(st.f_flag & ST_NOEXEC);
}

/* The digests of a module of 25 MB take as long as starting it, so they are computed once. What cannot be noted is computed again.
 * *ret_mapped: what native code runs from instead, a new string, or NULL. */
static int verify(const struct wl_home *home, const char *module, char **ret_mapped, struct wl_err *err) {
    WL_AUTOFREE char *name = NULL;
    WL_AUTOFREE char *mark = NULL;
    WL_AUTOFREE char *mapped = NULL;
    WL_AUTOFREE char *wasmedge = NULL;
    struct wl_aot_info info;
    struct wl_err ignored;
    struct stat before;

    if (stat(module, &before) < 0)
        return wl_fail_errno(err, errno, "cannot open %s", module);
    name = mark_of(&before);
    if (!name)
        return wl_aot_verify(module, &info, err);
    mark = wl_home_path2(home, WL_HOME_VERIFIED, name);
    mapped = mapped_path(home, module, name, &wasmedge);
    if (!wl_fs_exists(mark)) {
        if (wl_aot_verify(module, &info, err) < 0)
            return -1;
        if (info.is_aot && mapped && strcmp(info.wasmedge, wasmedge) == 0)
            keep_mapped(module, &before, &info, mapped);
        if (unchanged(module, &before) && wl_fs_mkdirs_parent(mark, &ignored) == 0)
            wl_fs_write(mark, "", 0, &ignored);
    }
    if (mapped && can_be_mapped(mapped))
        *ret_mapped = WL_STEAL(mapped);
    return 0;
}

static int check_guest(const struct wl_home *home, const struct wl_guest *g, const struct runtime *rt,
                       char **ret_mapped, struct wl_err *err) {
    if (verify(home, g->module, ret_mapped, err) < 0)
        return -1;
    for (size_t i = 0; i < g->n_dirs; i++)
        if (g->dirs[i].readonly && !rt->readonly)
            return wl_fail(err, WL_USAGE, "%s cannot make a folder read-only (%s:ro); use --runtime wasmedge", rt->name,
                           g->dirs[i].guest);
    return check_sockets(g, rt, err);
}

/* --- The guest's stdout through the filter --- */

struct tee {
    pthread_t thread;
    int in, out; /* the pipe's end; where our stdout went */
    struct wl_run_filter filter;
    bool running;
};

static void tee_out(struct tee *t, struct wl_buf *b) {
    if (t->out >= 0 && b->len > 0 && wl_write_all(t->out, b->p, b->len) < 0) {
        /* nobody reads any more: the guest is to notice, too */
        wl_closep(&t->in);
        t->in = -1;
    }
    wl_buf_clear(b);
}

static void *tee_main(void *arg) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct tee *t = arg;
    char chunk[65536];

    while (t->in >= 0) {
        ssize_t n = read(t->in, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        wl_run_filter_feed(&t->filter, chunk, (size_t)n, &out);
        tee_out(t, &out);
    }
    return NULL;
}

static int tee_start(struct tee *t, struct wl_err *err) {
    int fds[2];

    if (pipe(fds) < 0)
        return wl_fail_errno(err, errno, "cannot make a pipe");
    t->in = fds[0];
    t->out = dup(STDOUT_FILENO);
    fcntl(t->in, F_SETFD, FD_CLOEXEC);
    fcntl(t->out, F_SETFD, FD_CLOEXEC);
    if (t->out < 0 || dup2(fds[1], STDOUT_FILENO) < 0 || pthread_create(&t->thread, NULL, tee_main, t) != 0) {
        close(fds[1]);
        return wl_fail_errno(err, errno, "cannot read the guest's output");
    }
    close(fds[1]);
    t->running = true;
    return 0;
}

/* Puts stdout back, waits for the last bytes, and takes out what WasmEdge said at the end. */
static void tee_stop(struct tee *t, bool failed, char **ret_why) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};

    if (!t->running)
        return;
    dup2(t->out, STDOUT_FILENO);
    pthread_join(t->thread, NULL);
    wl_run_filter_end(&t->filter, failed, &out, ret_why);
    tee_out(t, &out);
    wl_run_filter_release(&t->filter);
    wl_closep(&t->in);
    wl_closep(&t->out);
    t->running = false;
}

static int run_child(const struct runtime *rt, const char *const *argv, int *ret_status, char **ret_why,
                     struct wl_err *err) {
    /* The runtime itself gets what it needs to start; none of it is passed on to the guest. */
    struct wl_proc p = {.argv = argv, .flags = WL_PROC_FOREGROUND};
    struct tee t = {.in = -1, .out = -1};
    int rc;

    /* WasmEdge copies a module several times as it loads it, page fault by page fault: a third of the time that PHP takes to start.
     * In large pages there are few. Another C library, or somebody's own settings: as it was. */
    if (rt->native)
        setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0);
    if (rt->talks && !isatty(STDOUT_FILENO) && tee_start(&t, err) < 0)
        return -1;
    rc = wl_proc_run(&p, ret_status, err);
    tee_stop(&t, rc == 0 && *ret_status != 0, ret_why);
    return rc;
}

int wl_guest_run(const struct wl_home *home, const struct wl_guest *g, const char *runtime, int *ret_status,
                 char **ret_trap, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0};
    WL_AUTOFREE char *program = NULL;
    WL_AUTOFREE char *module = NULL;
    WL_AUTOFREE char *why = NULL;
    WL_AUTOFREE char *mapped = NULL;
    const struct runtime *rt;
    int status;

    if (choose(home, runtime, &rt, &program, err) < 0 || check_guest(home, g, rt, &mapped, err) < 0)
        return -1;
    if (rt->native && mapped && !g->interpret)
        module = realpath(mapped, NULL);
    if (!module)
        module = realpath(!rt->native && g->portable ? g->portable : g->module, NULL);
    if (!module)
        return wl_fail_errno(err, errno, "cannot open %s", g->module);
    wl_strv_add(&argv, program);
    if (rt->argv(g, module, &argv, err) < 0)
        return -1;
    for (size_t i = 0; i < g->args.n; i++)
        wl_strv_add(&argv, g->args.v[i]);
    if (run_child(rt, (const char *const *)argv.v, &status, &why, err) < 0)
        return -1;
    if (why && status != WL_GUEST_TRAP)
        return wl_fail(err, WL_FAILED, "%s cannot run %s: %s", rt->name, wl_path_base(module), why);
    *ret_status = status;
    *ret_trap = WL_STEAL(why);
    return 0;
}
