#include "aot.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"
#include "../wasm/aot_ir.h"

#define OUTPUT_MAX (256u * 1024)     /* bytes kept of what a child says */
#define MODULE_MAX ((size_t)1 << 30) /* bytes of the module */
#define JOBS_MAX 16u                 /* clangs at once; the process layer passes signals to 32 children */

/* What WasmEdge says when it was kept from going on to its own code generator, see make_ir. */
#define STOPPED "printModuleToFile failed"

static const struct target {
    const char *arch, *cpu, *triple;
    const char *registered; /* as clang --print-targets names it */
    const char *passes_cpu; /* as opt names the cpu */
} targets[] = {
    {"x86_64", "x86-64-v2", "x86_64-linux-gnu", "x86-64 ", "x86-64-v2"},
    {"aarch64", "armv8-a", "aarch64-linux-gnu", "aarch64 ", "generic"},
};

/* What a part without an interpreter's functions goes through instead of clang's -O2 (aot.h). A C compiler and wasm-opt have been over
 * it: what is left to do is to take WasmEdge's variables and copies apart. */
#define SHORT_PASSES                                                                                                   \
    "always-inline,globaldce,function<eager-inv>(simplifycfg,sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,"  \
    "simplifycfg,gvn,instcombine<no-verify-fixpoint>,adce,simplifycfg)"

static const struct target *find_target(const char *arch) {
    for (size_t i = 0; i < WL_ARRAY_LEN(targets); i++)
        if (strcmp(targets[i].arch, arch) == 0)
            return &targets[i];
    return NULL;
}

const char *wl_aot_host_arch(void) {
    static struct utsname u;

    if (uname(&u) < 0)
        return "x86_64";
    return strcmp(u.machine, "arm64") == 0 ? "aarch64" : u.machine;
}

const char *wl_aot_cpu(const char *arch) {
    const struct target *t = find_target(arch);

    return t ? t->cpu : NULL;
}

/* --- Children --- */

/* The children see no more of the environment than they need, so that nothing of it reaches the result. */
static void child_env(struct wl_strv *env, const char *work_dir) {
    const char *path = getenv("PATH");

    wl_strv_addf(env, "PATH=%s", path ? path : "/usr/bin:/bin");
    wl_strv_addf(env, "TMPDIR=%s", work_dir);
    wl_strv_add(env, "LC_ALL=C");
    /* LLVM takes and gives back memory all the time: keep it, in large pages; 5 % of a part's time */
    wl_strv_add(env, "GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=1073741824:"
                     "glibc.malloc.top_pad=33554432");
}

/* What all the threads of one call share. */
struct work {
    struct wl_aot *spec;
    const struct target *target;
    struct wl_aot_ir ir;
    uint32_t n_defined; /* functions with a body in the module */
    struct wl_strv env;
    char *clang, *lld, *opt;
    pthread_mutex_t mutex;
    size_t *order;  /* parts, the largest first */
    size_t next;    /* the place in it that is not taken yet */
    uint64_t bytes; /* compiled so far */
    bool failed;
    struct wl_err err; /* of the first failure */
};

static void work_release(struct work *w) {
    wl_aot_ir_release(&w->ir);
    wl_strv_release(&w->env);
    free(w->clang);
    free(w->lld);
    free(w->opt);
    free(w->order);
}

static void tally(struct work *w, const struct wl_proc *p) {
    pthread_mutex_lock(&w->mutex);
    w->spec->cpu_s += p->cpu_s;
    if (p->max_rss_kb > w->spec->max_rss_kb)
        w->spec->max_rss_kb = p->max_rss_kb;
    pthread_mutex_unlock(&w->mutex);
}

/* Runs a child that must succeed; the error ends with where its words are. */
static int run_child(struct work *w, const struct wl_strv *argv, struct wl_err *err) {
    struct wl_proc p = {
        .argv = (const char *const *)argv->v,
        .env = (const char *const *)w->env.v,
        .cwd = w->spec->work_dir,
        .log_path = w->spec->log_path,
        .flags = WL_PROC_MERGE,
    };
    int rc = wl_proc_check(&p, err);

    tally(w, &p);
    return rc;
}

/* --- WasmEdge: the module as LLVM IR --- */

static char *work_path(const struct work *w, const char *name) {
    return wl_path_join(w->spec->work_dir, name);
}

static int append_log(const struct wl_aot *spec, const struct wl_buf *text, struct wl_err *err) {
    FILE *f;

    if (!spec->log_path || text->len == 0)
        return 0;
    if (wl_fs_mkdirs_parent(spec->log_path, err) < 0)
        return -1;
    f = fopen(spec->log_path, "ae");
    if (!f)
        return wl_fail_errno(err, errno, "cannot open the log %s", spec->log_path);
    fwrite(text->p, 1, text->len, f);
    fclose(f);
    return 0;
}

/* The text of the first error in what WasmEdge said ("loading failed: malformed section id"), and its length. */
static const char *first_error(const struct wl_buf *out, size_t *ret_len) {
    const char *found = strstr(wl_buf_str(out), "[error] ");
    const char *code;

    found = found ? found + strlen("[error] ") : "it said nothing about why";
    while (*found == ' ')
        found++;
    *ret_len = strcspn(found, "\n");
    code = strstr(found, ", Code:");
    if (code && (size_t)(code - found) < *ret_len)
        *ret_len = (size_t)(code - found);
    return found;
}

/* What the module says about its table and, for an interpreter, its loop. Where that has tails, the module that has them as tail calls
 * is written to `tails`. */
static int read_module(const char *in, bool interpreter, const char *tails, struct wl_aot_table *ret,
                       struct wl_aot_pin *ret_pin, struct wl_aot_thread *ret_thread, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};
    struct wl_blob blob;

    if (wl_fs_read(in, MODULE_MAX, &bytes, err) < 0)
        return -1;
    blob = wl_buf_blob(&bytes);
    if (wl_aot_table_read(blob, ret, err) < 0 || wl_aot_pin_read(blob, ret_pin, err) < 0 ||
        (interpreter && ret_pin->on && wl_aot_thread_find(blob, ret, ret_thread, err) < 0))
        return wl_err_context(err, "%s", in);
    if (ret_thread->tail.n == 0)
        return 0;
    wl_aot_tail_mark(&ret_thread->tail, (uint8_t *)bytes.p);
    return wl_fs_write(tails, bytes.p, bytes.len, err);
}

static void add_flags(const struct work *w, struct wl_strv *argv) {
    for (const char *const *f = w->spec->wasmedge_flags; f && *f; f++)
        wl_strv_add(argv, *f);
}

/* WasmEdge always goes on to its own code generator, which would take as long again. It first writes wasm.ll and
 * then wasm-opt.ll; a folder of that name ends it there. Its exit code is 1 then, so success is told by what it said
 * last, and by wasm.ll being whole (wl_aot_ir_split checks). */
static int make_ir(struct work *w, struct wl_err *err) {
    WL_AUTO(wl_aot_table_release) struct wl_aot_table table = {0};
    WL_AUTO(wl_aot_pin_release) struct wl_aot_pin pin = {0};
    WL_AUTO(wl_aot_thread_release) struct wl_aot_thread thread = {0};
    const struct wl_aot_how how = {.table = &table, .pin = &pin, .thread = &thread, .loads = w->spec->interpreter};
    WL_AUTO(wl_buf_release) struct wl_buf out = {.max = OUTPUT_MAX};
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0};
    WL_AUTOFREE char *stop = work_path(w, "wasm-opt.ll");
    WL_AUTOFREE char *so = work_path(w, "unused.so");
    WL_AUTOFREE char *ll = work_path(w, "wasm.ll");
    WL_AUTOFREE char *tails = work_path(w, "tails.wasm");
    WL_AUTOFREE char *in = realpath(w->spec->in, NULL);
    struct wl_proc p = {.cwd = w->spec->work_dir, .out = &out, .flags = WL_PROC_MERGE};
    const char *why;
    size_t len;
    int status;

    if (!in)
        return wl_fail_errno(err, errno, "cannot open %s", w->spec->in);
    if (wl_fs_mkdirs(stop, err) < 0 || read_module(in, w->spec->interpreter, tails, &table, &pin, &thread, err) < 0)
        return -1;
    wl_strv_addf(&argv, "%s/bin/wasmedge", w->spec->wasmedge_root);
    for (const char *const *a = (const char *const[]){"compile", "--dump", "--optimize", "0", NULL}; *a; a++)
        wl_strv_add(&argv, *a);
    add_flags(w, &argv);
    if (thread.tail.n > 0)
        wl_strv_add(&argv, "--enable-tail-call");
    wl_strv_add(&argv, thread.tail.n > 0 ? tails : in);
    wl_strv_add(&argv, so);
    p.argv = (const char *const *)argv.v;
    p.env = (const char *const *)w->env.v;
    if (wl_proc_run(&p, &status, err) < 0)
        return -1;
    tally(w, &p);
    if (append_log(w->spec, &out, err) < 0)
        return -1;
    if (status != 0 && !strstr(wl_buf_str(&out), STOPPED)) {
        why = first_error(&out, &len);
        return wl_fail(err, WL_FAILED,
                       "wasmedge cannot precompile %s: %.*s (it knows no exceptions: they have to be lowered before)",
                       w->spec->in, (int)len, why);
    }
    if (wl_aot_ir_split(ll, w->spec->work_dir, 0, &how, &w->ir, err) < 0)
        return -1;
    w->spec->n_threaded = thread.found ? thread.n_bodies : 0;
    w->spec->calls_threaded = thread.found && thread.has_again;
    w->spec->n_lookups = w->ir.n_lookups;
    if (w->ir.n_functions < w->n_defined)
        return wl_fail(err, WL_FAILED, "wasmedge translated %zu of the %u functions of %s", w->ir.n_functions,
                       w->n_defined, w->spec->in);
    return wl_fs_remove(ll, err);
}

/* --- clang: the parts --- */

/* The part goes through the short pipeline, as only a level that clang spends much on is worth. */
static bool is_short(const struct work *w, size_t part) {
    char level = w->spec->optimize ? w->spec->optimize : '2';

    return (level == '2' || level == '3') && w->ir.n_hot > 0 && !w->ir.parts[part].hot;
}

static void passes_argv(const struct work *w, size_t part, struct wl_strv *argv) {
    wl_strv_add(argv, w->opt);
    wl_strv_addf(argv, "-mtriple=%s", w->target->triple);
    wl_strv_addf(argv, "-mcpu=%s", w->target->passes_cpu);
    wl_strv_add(argv, "-disable-verify");
    wl_strv_add(argv, "-passes=" SHORT_PASSES);
    wl_strv_addf(argv, "part-%zu.ll", part);
    wl_strv_add(argv, "-o");
    wl_strv_addf(argv, "part-%zu.%s.bc", part, w->target->arch);
}

static void compile_argv(const struct work *w, size_t part, struct wl_strv *argv) {
    static const char *const flags[] = {"-x", "ir", "-fPIC", "-fno-builtin", "-fno-ident", "-Wno-override-module",
                                        "-c"};
    const char *arch_flag = strcmp(w->target->arch, "x86_64") == 0 ? "-mtune=generic" : NULL;

    wl_strv_add(argv, w->clang);
    wl_strv_addf(argv, "-O%c", w->spec->optimize ? w->spec->optimize : '2');
    wl_strv_addf(argv, "--target=%s", w->target->triple);
    wl_strv_addf(argv, "-march=%s", w->target->cpu);
    if (arch_flag)
        wl_strv_add(argv, arch_flag);
    for (size_t i = 0; i < WL_ARRAY_LEN(flags); i++)
        wl_strv_add(argv, flags[i]);
    /* relative names: the folder must not reach the object */
    if (is_short(w, part)) {
        wl_strv_add(argv, "-Xclang");
        wl_strv_add(argv, "-disable-llvm-passes");
        wl_strv_addf(argv, "part-%zu.%s.bc", part, w->target->arch);
    } else {
        wl_strv_addf(argv, "part-%zu.ll", part);
    }
    if (w->ir.parts[part]
            .hot) { /* a register that has to be saved first is worth less than a spill around a cold call */
        wl_strv_add(argv, "-mllvm");
        wl_strv_add(argv, "-regalloc-csr-first-time-cost=8192");
    }
    wl_strv_add(argv, "-o");
    wl_strv_addf(argv, "part-%zu.%s.o", part, w->target->arch);
}

static int compile_part(struct work *w, size_t part, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv passes = {0};
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0};

    passes_argv(w, part, &passes);
    if (is_short(w, part) && run_child(w, &passes, err) < 0)
        return -1;
    compile_argv(w, part, &argv);
    return run_child(w, &argv, err);
}

static void report(struct work *w, uint64_t add, bool finished) {
    uint64_t done;

    pthread_mutex_lock(&w->mutex);
    done = w->bytes += add;
    pthread_mutex_unlock(&w->mutex);
    if (w->spec->progress.report)
        w->spec->progress.report(w->spec->progress.arg, w->target->arch, done, w->ir.bytes, finished);
}

static void *worker(void *arg) {
    struct work *w = arg;

    for (;;) {
        struct wl_err err;
        size_t part;

        pthread_mutex_lock(&w->mutex);
        if (w->failed || w->next == w->ir.n_parts) {
            pthread_mutex_unlock(&w->mutex);
            return NULL;
        }
        part = w->order[w->next++];
        pthread_mutex_unlock(&w->mutex);
        if (compile_part(w, part, &err) < 0) {
            pthread_mutex_lock(&w->mutex);
            if (!w->failed)
                w->err = err;
            w->failed = true;
            pthread_mutex_unlock(&w->mutex);
            return NULL;
        }
        report(w, w->ir.parts[part].bytes, false);
    }
}

/* What a part costs, roughly. */
static uint64_t effort(const struct work *w, size_t part) {
    return w->ir.parts[part].bytes * (is_short(w, part) ? 1 : 2);
}

/* The part with the most work first, so that it does not run alone at the end; of equal ones the first. */
static void sort_parts(struct work *w) {
    w->order = wl_calloc(w->ir.n_parts, sizeof(*w->order));
    for (size_t i = 0; i < w->ir.n_parts; i++) {
        size_t at = i;

        for (; at > 0 && effort(w, w->order[at - 1]) < effort(w, i); at--)
            w->order[at] = w->order[at - 1];
        w->order[at] = i;
    }
}

static int compile_parts(struct work *w, struct wl_err *err) {
    pthread_t threads[JOBS_MAX];
    unsigned n = w->spec->jobs, started = 0;

    if (n > w->ir.n_parts)
        n = (unsigned)w->ir.n_parts;
    if (n > JOBS_MAX)
        n = JOBS_MAX;
    w->next = 0;
    w->bytes = 0;
    for (; started + 1 < n; started++)
        if (pthread_create(&threads[started], NULL, worker, w) != 0)
            break;
    worker(w);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (w->failed) {
        *err = w->err;
        return -1;
    }
    report(w, 0, true);
    return 0;
}

/* --- ld.lld: one piece of code --- */

static int link_parts(struct work *w, struct wl_aot_code *ret, struct wl_err *err) {
    static const char *const flags[] = {
        "-shared", "-z", "defs", "-z", "norelro", "-Bsymbolic", "--build-id=none", "--no-eh-frame-hdr", "-o"};
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0};
    WL_AUTOFREE char *so = NULL;
    struct wl_aot_counts counts = {w->ir.n_types, w->ir.n_functions, w->ir.n_functions - w->n_defined};

    wl_strv_add(&argv, w->lld);
    for (size_t i = 0; i < WL_ARRAY_LEN(flags); i++)
        wl_strv_add(&argv, flags[i]);
    wl_strv_addf(&argv, "code.%s.so", w->target->arch);
    for (size_t i = 0; i < w->ir.n_parts; i++)
        wl_strv_addf(&argv, "part-%zu.%s.o", i, w->target->arch);
    if (run_child(w, &argv, err) < 0)
        return -1;
    so = work_path(w, argv.v[WL_ARRAY_LEN(flags) + 1]);
    return wl_aot_code_open(ret, so, w->target->arch, w->ir.version, counts, err);
}

/* --- Putting it together --- */

static void fill_entry(struct wl_aot_entry *e, const char *arch, const char *cpu, char optimize) {
    snprintf(e->arch, sizeof(e->arch), "%.15s", arch);
    snprintf(e->cpu, sizeof(e->cpu), "%.31s", cpu);
    snprintf(e->optimize, sizeof(e->optimize), "%c", optimize ? optimize : '2');
}

struct codes {
    struct wl_aot_code c[WL_AOT_CODES_MAX];
};

static void codes_release(struct codes *codes) {
    for (size_t i = 0; i < WL_AOT_CODES_MAX; i++)
        wl_aot_code_release(&codes->c[i]);
}

static int compile_for(struct work *w, const char *const *archs, struct wl_err *err) {
    WL_AUTO(codes_release) struct codes codes;
    struct wl_aot_info *info = &w->spec->info;

    for (size_t i = 0; i < WL_AOT_CODES_MAX; i++)
        codes.c[i] = (struct wl_aot_code)WL_AOT_CODE_INIT;
    if (make_ir(w, err) < 0)
        return -1;
    sort_parts(w);
    for (; archs[info->n_codes]; info->n_codes++) {
        w->target = find_target(archs[info->n_codes]);
        if (w->ir.bound_to && strcmp(w->target->arch, w->ir.bound_to) != 0)
            return wl_fail(err, WL_FAILED,
                           "the module uses SIMD, which this wasmedge translates for %s alone; make the code for %s on "
                           "a machine of that kind",
                           w->ir.bound_to, w->target->arch);
        fill_entry(&info->codes[info->n_codes], w->target->arch, w->target->cpu, w->spec->optimize);
        if (compile_parts(w, err) < 0 || link_parts(w, &codes.c[info->n_codes], err) < 0)
            return wl_err_context(err, "code for %s", w->target->arch);
    }
    return wl_aot_write(w->spec->in, w->spec->out, info, codes.c, err);
}

/* The fallback: WasmEdge's own code generator, for this machine's processor. */
static int compile_here(struct work *w, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0};
    WL_AUTOFREE char *universal = work_path(w, "universal.wasm");
    WL_AUTOFREE char *in = realpath(w->spec->in, NULL);

    if (!in)
        return wl_fail_errno(err, errno, "cannot open %s", w->spec->in);
    wl_strv_addf(&argv, "%s/bin/wasmedge", w->spec->wasmedge_root);
    for (const char *const *a = (const char *const[]){"compile", "--generic-binary", "--optimize", NULL}; *a; a++)
        wl_strv_add(&argv, *a);
    wl_strv_addf(&argv, "%c", w->spec->optimize ? w->spec->optimize : '2');
    add_flags(w, &argv);
    wl_strv_add(&argv, in);
    wl_strv_add(&argv, universal);
    if (run_child(w, &argv, err) < 0)
        return -1;
    fill_entry(&w->spec->info.codes[0], wl_aot_host_arch(), WL_AOT_CPU_HOST, w->spec->optimize);
    return wl_aot_adopt(w->spec->in, universal, w->spec->out, &w->spec->info, err);
}

/* *ret: the clang of the kit makes code for all of them. */
static int clang_can(struct work *w, const char *const *archs, bool *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {.max = OUTPUT_MAX};
    const char *argv[] = {w->clang, "--print-targets", NULL};
    struct wl_proc p = {.argv = argv, .env = (const char *const *)w->env.v, .out = &out};

    if (wl_proc_check(&p, err) < 0)
        return -1;
    *ret = wl_fs_exists(w->lld) && wl_fs_exists(w->opt);
    for (; *archs; archs++)
        if (!strstr(wl_buf_str(&out), find_target(*archs)->registered))
            *ret = false;
    return 0;
}

static int run(struct work *w, const char *const *archs, struct wl_err *err) {
    bool able = false, here_only;

    if (clang_can(w, archs, &able, err) < 0)
        return -1;
    if (able)
        return compile_for(w, archs, err);
    here_only = archs[0] && !archs[1] && strcmp(archs[0], wl_aot_host_arch()) == 0;
    if (w->spec->allow_host && here_only)
        return compile_here(w, err);
    return wl_fail(err, WL_FAILED,
                   "the clang in %s makes no code for %s (the upstream WASI SDK's is built for WebAssembly alone); the "
                   "kit made from Debian's packages does: WLPACK_KIT_ORIGIN=debian scripts/kit-install wasi-sdk",
                   w->spec->llvm_root, archs[0]);
}

static int check_spec(const struct wl_aot *spec, const char *const *archs, struct wl_err *err) {
    size_t n = 0;

    for (; archs[n]; n++)
        if (!find_target(archs[n]))
            return wl_fail(err, WL_USAGE,
                           "no code can be made for the architecture \"%s\" (there are: x86_64, aarch64)", archs[n]);
    if (n == 0 || n > WL_AOT_CODES_MAX)
        return wl_fail(err, WL_USAGE, "one to %d architectures can be precompiled for", WL_AOT_CODES_MAX);
    if (spec->optimize && !strchr("0123sz", spec->optimize))
        return wl_fail(err, WL_RECIPE, "aot: the optimisation level is one of 0, 1, 2, 3, s, z");
    return 0;
}

int wl_aot_compile(struct wl_aot *spec, struct wl_err *err) {
    WL_AUTO(work_release) struct work w = {.spec = spec, .mutex = PTHREAD_MUTEX_INITIALIZER};
    const char *host[] = {wl_aot_host_arch(), NULL};
    const char *const *archs = spec->archs ? spec->archs : host;
    struct wl_aot_info before;
    struct wl_err ignored;
    int rc;

    memset(&spec->info, 0, sizeof(spec->info));
    spec->cpu_s = 0;
    spec->max_rss_kb = 0;
    spec->n_lookups = 0;
    spec->n_threaded = 0;
    spec->calls_threaded = false;
    if (check_spec(spec, archs, err) < 0 || wl_aot_verify(spec->in, &before, err) < 0)
        return -1;
    if (before.is_aot)
        return wl_fail(err, WL_FAILED, "%s is precompiled already", spec->in);
    w.n_defined = before.n_functions;
    snprintf(spec->info.compiler, sizeof(spec->info.compiler), "%s", spec->llvm_identity);
    snprintf(spec->info.wasmedge, sizeof(spec->info.wasmedge), "%s", spec->wasmedge_identity);
    if (wl_fs_mkdirs(spec->work_dir, err) < 0)
        return -1;
    child_env(&w.env, spec->work_dir);
    w.clang = wl_sprintf("%s/bin/clang", spec->llvm_root);
    w.lld = wl_sprintf("%s/bin/ld.lld", spec->llvm_root);
    w.opt = wl_sprintf("%s/bin/opt", spec->llvm_root);
    rc = run(&w, archs, err);
    wl_fs_remove(spec->work_dir, &ignored);
    return rc;
}
