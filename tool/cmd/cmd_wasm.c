/* `wlpack wasm ...`: the wasm stages by hand, for people who work on a recipe. Plumbing: not for scripts. */
#include <string.h>

#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../model/home.h"
#include "../model/kit.h"
#include "../stages/aot.h"
#include "../wasm/direct_calls.h"
#include "../wasm/lower_eh.h"
#include "../wasm/module.h"
#include "cmd.h"

#define MAX_INPUT ((size_t)1 << 30)

static int lower_eh(const char *in, const char *out, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf from = {0}, to = {0};
    struct wl_lower_eh_stats st;

    if (wl_fs_read(in, MAX_INPUT, &from, err) < 0)
        return -1;
    if (wl_wasm_lower_eh(wl_buf_blob(&from), &to, &st, err) < 0)
        return wl_err_context(err, "%s", in);
    if (wl_fs_write(out, to.p, to.len, err) < 0)
        return -1;
    if (!st.changed) {
        wl_info("%s: uses no exceptions", in);
        return 0;
    }
    wl_info("%s: %s -> %s, %u of %u functions may throw, %u of %u calls checked, %u try, %u throw", in,
            wl_size(st.size_before).s, wl_size(st.size_after).s, st.may_throw, st.functions, st.checked, st.calls,
            st.tries, st.throws);
    return 0;
}

static int direct_calls(const struct wl_args *args, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf from = {0}, to = {0};
    struct wl_direct_calls_options o = {.exported_constant = wl_args_has(args, "exported-constant")};
    struct wl_direct_calls_stats st;
    const char *in = args->pos[1];
    long gap = WL_DIRECT_CALLS_GAP, peel = WL_DIRECT_CALLS_PEEL;

    if (wl_args_int(args, "gap", 0, 65000, &gap, err) < 0 || wl_args_int(args, "peel", 0, 101, &peel, err) < 0 ||
        wl_fs_read(in, MAX_INPUT, &from, err) < 0)
        return -1;
    o.gap = (uint32_t)gap;
    o.peel = (uint32_t)peel;
    if (wl_wasm_direct_calls(wl_buf_blob(&from), &o, &to, &st, err) < 0)
        return wl_err_context(err, "%s", in);
    if (wl_fs_write(args->pos[2], to.p, to.len, err) < 0)
        return -1;
    if (!st.changed) {
        wl_info("%s: unchanged, %s", in, st.reason);
        return 0;
    }
    wl_info("%s: %s -> %s (%+lld bytes), %u of %u table calls direct, %u types, %u entries%s%s", in,
            wl_size(st.size_before).s, wl_size(st.size_after).s, (long long)st.size_after - (long long)st.size_before,
            st.direct, st.sites, st.types, st.entries, st.reason[0] ? "; " : "", st.reason);
    return 0;
}

static int aot_kits(const struct wl_home *home, struct wl_kit *wasmedge, struct wl_kit *sdk, struct wl_err *err) {
    return wl_kit_find(home, "wasmedge", wasmedge, err) < 0 || wl_kit_find(home, "wasi-sdk", sdk, err) < 0 ? -1 : 0;
}

static int precompile(const struct wl_args *args, struct wl_home *home, struct wl_kit *kits, struct wl_err *err) {
    const char *archs[WL_AOT_CODES_MAX + 1] = {0};
    WL_AUTOFREE char *work = NULL;
    WL_AUTOFREE char *log = NULL;
    struct wl_aot a = {.in = args->pos[1], .out = args->pos[2], .progress = wl_out_progress(), .allow_host = true};
    const char *level = wl_args_get(args, "optimize");
    long jobs = sysconf(_SC_NPROCESSORS_ONLN);
    int n = 0;

    if (wl_args_int(args, "jobs", 1, 64, &jobs, err) < 0 || aot_kits(home, &kits[0], &kits[1], err) < 0 ||
        wl_home_tmp(home, "aot", &work, err) < 0)
        return -1;
    for (; n < WL_AOT_CODES_MAX && wl_args_nth(args, "arch", n); n++)
        archs[n] = wl_args_nth(args, "arch", n);
    if (n > 0)
        a.archs = archs;
    log = wl_home_path2(home, WL_HOME_LOGS, "wasm-aot.log");
    a.work_dir = work;
    a.log_path = log;
    a.jobs = (unsigned)jobs;
    a.optimize = level ? level[0] : 0;
    a.interpreter = wl_args_has(args, "interpreter");
    a.wasmedge_root = kits[0].root;
    a.wasmedge_identity = kits[0].identity;
    a.llvm_root = kits[1].root;
    a.llvm_identity = kits[1].identity;
    if (wl_aot_compile(&a, err) < 0)
        return -1;
    for (size_t i = 0; i < a.info.n_codes; i++) {
        wl_result("%s %s %llu", a.info.codes[i].arch, a.info.codes[i].cpu, (unsigned long long)a.info.codes[i].size);
        if (strcmp(a.info.codes[i].cpu, WL_AOT_CPU_HOST) == 0)
            wl_warn("%s: the code is bound to processors like this machine's: this clang makes none for %s", a.out,
                    a.info.codes[i].arch);
    }
    wl_info("children: %.1f s of processor time, %ld MB at most; %zu indirect calls without the runtime, %u functions "
            "threaded%s",
            a.cpu_s, a.max_rss_kb / 1024, a.n_lookups, a.n_threaded,
            a.calls_threaded ? ", calls and returns of its programs too" : "");
    return 0;
}

static int aot(const struct wl_args *args, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    struct wl_kit kits[2] = {{0}};
    int rc = wl_home_open(&home, err);

    if (rc == 0)
        rc = precompile(args, &home, kits, err);
    wl_kit_release(&kits[0]);
    wl_kit_release(&kits[1]);
    return rc;
}

static int verify(const char *path, struct wl_err *err) {
    struct wl_aot_info info;

    if (wl_aot_verify(path, &info, err) < 0)
        return -1;
    wl_result("module %s %llu", wl_digest_str(&info.module).s, (unsigned long long)info.module_size);
    for (size_t i = 0; i < info.n_codes; i++)
        wl_result("code %s %s -O%s %s %llu", info.codes[i].arch, info.codes[i].cpu, info.codes[i].optimize,
                  wl_digest_str(&info.codes[i].digest).s, (unsigned long long)info.codes[i].size);
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    (void)ret_status;
    if (strcmp(args->pos[0], "lower-eh") == 0 && args->n_pos == 3)
        return lower_eh(args->pos[1], args->pos[2], err);
    if (strcmp(args->pos[0], "direct-calls") == 0 && args->n_pos == 3)
        return direct_calls(args, err);
    if (strcmp(args->pos[0], "aot") == 0 && args->n_pos == 3)
        return aot(args, err);
    if (strcmp(args->pos[0], "verify") == 0 && args->n_pos == 2)
        return verify(args->pos[1], err);
    return wl_fail(
        err, WL_USAGE,
        "no wasm stage \"%s\" with %d files; there are: lower-eh IN OUT, direct-calls IN OUT, aot IN OUT, verify FILE",
        args->pos[0], args->n_pos - 1);
}

static const struct wl_opt opts[] = {
    {"arch", 0, "ARCH", "aot: x86_64 or aarch64; repeatable (default: this machine's)"},
    {"optimize", 0, "LEVEL", "aot: clang's level, 0 to 3, s, z (default 2)"},
    {"interpreter", 0, NULL,
     "aot: the module is an interpreter in C: thread its functions; unused loads need not trap"},
    {"gap", 0, "N", "direct-calls: entries of other types inside a range of the table (default 16)"},
    {"peel", 0, "PERCENT", "direct-calls: entries of its type in a range that is tested first (default 25)"},
    {"exported-constant", 0, NULL, "direct-calls: the host does not write to an exported table"},
    {"jobs", 'j', "N", "aot: clangs at once (default: one per processor)"},
    {0},
};

const struct wl_verb wl_verb_wasm = {
    .name = "wasm",
    .usage = "wasm lower-eh|direct-calls|aot IN.wasm OUT.wasm, wasm verify FILE.wasm",
    .summary = "one wasm stage by hand (plumbing)",
    .help = "lower-eh  rewrites exceptions (setjmp and longjmp) into checks behind calls, so that the\n"
            "          module runs on engines without exceptions; what `build` does in its lower stage.\n"
            "direct-calls  rewrites calls through a constant table into calls of one function per type that\n"
            "          selects the callee.\n"
            "aot       adds native code for WasmEdge; what `build` does in its aot stage.\n"
            "verify    tells whether a module's native code belongs to it, and what it was made for.\n\n"
            "Example: wlpack wasm lower-eh lua.wasm lua-plain.wasm",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 3,
    .run = run,
};
