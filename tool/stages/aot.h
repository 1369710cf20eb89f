/* Precompiling: a portable .wasm -> the same module with native code for WasmEdge 0.14 behind it ("universal" wasm).
 *
 * WasmEdge's own compiler asks LLVM for whatever processor it runs on, and its --generic-binary changes nothing. So it is
 * used as a front end only: it writes unoptimised LLVM IR (which holds no processor), and the kit's clang makes the code
 * for a fixed baseline. The IR is cut into parts (tool/wasm/aot_ir.h), which are compiled in parallel, linked by ld.lld
 * without any relocation, and written behind the module (tool/wasm/aot_file.h). Where a module holds an interpreter, its functions go
 * through clang's -O2, and all others through a short list of passes before clang's code generator: PHP's parts take 3.0 s of
 * processor time instead of 5.1, and programs run as fast (clang's -O1 takes 4.4 s). The result depends on the module, the two
 * kits, the architectures and the optimisation level, and on nothing else: not on the machine, the number of jobs or the
 * folder.
 *
 * Baselines: x86-64-v2 for x86_64 (WasmEdge's IR needs SSE4.1: without it floor, ceil, trunc and nearest become calls into
 * libm that nothing would resolve; every x86 server since 2009 has it), armv8-a for aarch64. */
#ifndef WL_STAGES_AOT_H
#define WL_STAGES_AOT_H

#include "../base/err.h"
#include "../base/out.h"
#include "../wasm/aot_file.h"

struct wl_aot {
    const char *in;           /* a portable module */
    const char *out;          /* appears by rename; its folder is created */
    const char *const *archs; /* "x86_64", "aarch64"; NULL-terminated; NULL: that of this machine */
    const char *wasmedge_root, *wasmedge_identity;
    /* What holds the bin/clang, bin/opt and bin/ld.lld (LLVM 19 or later) that make the code, and its identity: the wasi-sdk
     * kit, when it is the one made from Debian's packages. */
    const char *llvm_root, *llvm_identity;
    const char *work_dir; /* created, filled (about 60 times the module) and emptied again; private to this call */
    const char *log_path; /* what the children say; appended */
    char optimize;        /* clang's level: '0' to '3', 's', 'z'; 0: '2' */
    /* The module is an interpreter that a C compiler made: accesses to the memory whose value nobody uses need not trap
     * (aot_text.h), and its loop is threaded (aot_thread.h, which says what the caller promises). */
    bool interpreter;
    const char *const *wasmedge_flags; /* further switches of wasmedge compile ("--enable-tail-call"); NULL: none */
    unsigned jobs;                     /* clangs at once, each up to 400 MB; 0: one */
    /* Where clang has no code generator for this machine's architecture (the upstream WASI SDK's has WebAssembly alone), let
     * WasmEdge's own compiler do it: right, but bound to processors like this machine's; the entry's cpu then is
     * WL_AOT_CPU_HOST and the caller says so loudly. Not set: that is an error. */
    bool allow_host;
    struct wl_progress progress; /* report may be NULL; called from several threads; bytes of IR */

    /* Results. */
    struct wl_aot_info info;
    long max_rss_kb;     /* of the largest child */
    size_t n_lookups;    /* indirect calls that find their function without the runtime (aot_ir.h) */
    unsigned n_threaded; /* functions that go on to the next one by themselves (aot_thread.h) */
    bool calls_threaded; /* where the program that it runs calls and returns, too */
    double cpu_s;        /* of all children */
};

/* Does it. Fails (WL_FAILED) when the input is no portable module, when WasmEdge cannot take it (exceptions have to be
 * lowered before), or a child fails; what the child said is in the log. Nothing is left at `out` then. */
int wl_aot_compile(struct wl_aot *spec, struct wl_err *err);

/* The name of this machine's architecture, as above. */
const char *wl_aot_host_arch(void);

/* The processor that code for an architecture is made for ("x86-64-v2"), or NULL when it is none that this stage makes. */
const char *wl_aot_cpu(const char *arch);

#endif
