#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/forked.h"
#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"
#include "../stages/aot.h"
#include "../stages/optimize.h"
#include "../wasm/direct_calls.h"
#include "../wasm/lower_eh.h"
#include "run.h"

#define MODULE_MAX (256u << 20)     /* largest module that lower and direct-calls read */
#define CHECK_OUTPUT_MAX (1u << 20) /* most output of a check that is kept */
#define CHECK_TIMEOUT_MS (300u * 1000)
#define CHECK_SHOWN 20 /* lines of a difference, and of stderr, that are shown */

static void note_rss(struct wl_run *r, long kb) {
    if (kb > r->result.max_child_rss_kb)
        r->result.max_child_rss_kb = kb;
}

static char *artefact_in(const char *dir, const char *artefact) {
    return wl_sprintf("%s/%s.wasm", dir, artefact);
}

/* The module that a step works on: what its first parent made. */
static int input_of(const struct wl_run *r, const struct wl_plan_step *step, char **ret, struct wl_err *err) {
    return wl_run_artefact(r, &r->plan.v[step->parents[0]], step->artefact, ret, err);
}

/* lower, in a child: it holds the module three times over. */
struct lower {
    const char *in, *out;
};

static int lower_in_child(void *arg, void *ret, struct wl_err *err) {
    const struct lower *l = arg;
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0}, lowered = {0};

    if (wl_fs_read(l->in, MODULE_MAX, &bytes, err) < 0)
        return -1;
    if (wl_wasm_lower_eh(wl_buf_blob(&bytes), &lowered, ret, err) < 0)
        return -1;
    return wl_fs_write(l->out, lowered.p, lowered.len, err);
}

int wl_step_lower(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                  struct wl_err *err) {
    WL_AUTOFREE char *in = NULL;
    WL_AUTOFREE char *to = artefact_in(dir, step->artefact);
    struct lower l = {.out = to};
    struct wl_lower_eh_stats s = {0};
    long rss;

    if (input_of(r, step, &in, err) < 0)
        return -1;
    l.in = in;
    if (wl_forked(step->label, lower_in_child, &l, &s, sizeof(s), &rss, err) < 0)
        return -1;
    note_rss(r, rss);
    if (s.changed)
        out->detail = wl_sprintf("%s -> %s, checks behind %u of %u calls", wl_size(s.size_before).s,
                                 wl_size(s.size_after).s, s.checked, s.calls);
    else
        out->detail = wl_strdup("no exceptions in it");
    wl_outcome_fact(out, "before", "%zu", s.size_before);
    wl_outcome_fact(out, "after", "%zu", s.size_after);
    return 0;
}

int wl_step_optimize(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                     struct wl_err *err) {
    WL_AUTOFREE char *in = NULL;
    WL_AUTOFREE char *to = artefact_in(dir, step->artefact);
    WL_AUTOFREE char *log = wl_run_log(r, step);
    struct wl_optimize o = {.out = to, .log = log, .flags = r->recipe->optimize->flags.v};

    if (wl_run_kit(r, WL_KIT_BINARYEN, &o.binaryen, err) < 0 || input_of(r, step, &in, err) < 0)
        return -1;
    o.in = in;
    if (wl_stage_optimize(&o, err) < 0)
        return -1;
    note_rss(r, o.max_rss_kb);
    out->detail = wl_sprintf("%s -> %s", wl_size(o.size_before).s, wl_size(o.size_after).s);
    wl_outcome_fact(out, "before", "%llu", (unsigned long long)o.size_before);
    wl_outcome_fact(out, "after", "%llu", (unsigned long long)o.size_after);
    return 0;
}

/* --- check ----------------------------------------------------------------------------------------------------- */

static void split_lines(const char *text, bool skip_empty, struct wl_strv *ret) {
    while (*text) {
        size_t n = strcspn(text, "\n");
        size_t len = n > 0 && text[n - 1] == '\r' ? n - 1 : n;

        if (len > 0 || !skip_empty)
            wl_strv_take(ret, wl_strndup(text, len));
        text += n + (text[n] == '\n');
    }
}

static bool list_has(const struct wl_list *l, const char *s) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i], s) == 0)
            return true;
    return false;
}

static void add_difference(struct wl_buf *b, const char *sign, const char *line, unsigned *shown) {
    if ((*shown)++ < CHECK_SHOWN)
        wl_buf_addf(b, "\n  %s %.200s", sign, line);
    else if (*shown == CHECK_SHOWN + 1)
        wl_buf_adds(b, "\n  ...");
}

/* Expected lines in their order; with exact, nothing else. Differences are added to b. */
static void compare(const struct wl_recipe_check *c, const struct wl_strv *got, struct wl_buf *b) {
    unsigned shown = 0;
    size_t at = 0;

    for (size_t i = 0; i < c->stdout_lines.n; i++) {
        size_t j = at;

        while (j < got->n && strcmp(got->v[j], c->stdout_lines.v[i]) != 0)
            j++;
        if (j < got->n)
            at = j + 1;
        else
            add_difference(
                b, wl_strv_has(got, c->stdout_lines.v[i]) ? "out of order:" : "missing:", c->stdout_lines.v[i], &shown);
    }
    for (size_t i = 0; c->exact.v && i < got->n; i++)
        if (!list_has(&c->stdout_lines, got->v[i]))
            add_difference(b, "extra:", got->v[i], &shown);
}

static void show_argv(const struct wl_recipe_check *c, struct wl_buf *b) {
    for (size_t i = 0; i < c->argv.n; i++)
        wl_buf_addf(b, "%s%.100s", i ? " " : "", c->argv.v[i]);
}

static int run_check(struct wl_run *r, const struct wl_kit *wasmedge, const char *module, const char *artefact,
                     const struct wl_recipe_check *c, struct wl_err *err) {
    WL_AUTOFREE char *program = wl_kit_path(wasmedge, "bin/wasmedge");
    static const char *const env[] = {"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin", NULL};
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0}, lines = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {.max = CHECK_OUTPUT_MAX}, errout = {.max = CHECK_OUTPUT_MAX};
    WL_AUTO(wl_buf_release) struct wl_buf shown = {0}, difference = {0};
    struct wl_proc p = {.out = &out, .errout = &errout, .timeout_ms = CHECK_TIMEOUT_MS, .env = env};
    int status, wanted = c->status.set ? (int)c->status.v : 0;

    wl_strv_add(&argv, program);
    wl_strv_add(&argv, module);
    for (size_t i = 0; i < c->argv.n; i++)
        wl_strv_add(&argv, c->argv.v[i]);
    p.argv = (const char *const *)argv.v;
    show_argv(c, &shown);
    if (wl_proc_run(&p, &status, err) < 0)
        return wl_err_context(err, "the check `%s %s`", artefact, wl_buf_str(&shown));
    note_rss(r, p.max_rss_kb);
    split_lines(wl_buf_str(&out), c->exact.v, &lines);
    compare(c, &lines, &difference);
    if (status == wanted && difference.len == 0)
        return 0;
    if (status != wanted)
        wl_buf_addf(&difference, "\n  exit code %d instead of %d%s%.600s", status, wanted, errout.len ? "\n  " : "",
                    wl_buf_str(&errout));
    return wl_fail(err, WL_FAILED, "the check `%s %s` failed: its output is not what the recipe promises%s", artefact,
                   wl_buf_str(&shown), wl_buf_str(&difference));
}

int wl_step_check(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                  struct wl_err *err) {
    const struct wl_recipe_artefact *a = wl_omap_get(&r->recipe->artefacts, step->artefact);
    const struct wl_kit *wasmedge;
    WL_AUTOFREE char *module = NULL;

    (void)dir;
    if (wl_run_kit(r, WL_KIT_WASMEDGE, &wasmedge, err) < 0 || input_of(r, step, &module, err) < 0)
        return -1;
    for (size_t i = 0; i < a->checks.n; i++)
        if (run_check(r, wasmedge, module, step->artefact, a->checks.v[i], err) < 0)
            return -1;
    out->detail = wl_sprintf("%zu passed", a->checks.n);
    return 0;
}

/* --- aot ------------------------------------------------------------------------------------------------------- */

/* direct-calls from one file to another, in a child as well. Only in the module that is precompiled: an interpreter walks through
 * all blocks of a dispatch function at every call (PHP: twelve times slower). */
static int direct_in_child(void *arg, void *ret, struct wl_err *err) {
    const struct wl_aot *a = arg;
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0}, direct = {0};

    if (wl_fs_read(a->in, MODULE_MAX, &bytes, err) < 0)
        return -1;
    if (wl_wasm_direct_calls(wl_buf_blob(&bytes), NULL, &direct, ret, err) < 0)
        return -1;
    return wl_fs_write(a->out, direct.p, direct.len, err);
}

/* "; 94 of 94 table calls direct (6 types, +1932 bytes)" */
static int make_direct(struct wl_run *r, const char *label, const char *from, const char *to, struct wl_buf *text,
                       struct wl_outcome *out, struct wl_err *err) {
    struct wl_aot files = {.in = from, .out = to};
    struct wl_direct_calls_stats s = {0};
    long rss;

    if (wl_forked(label, direct_in_child, &files, &s, sizeof(s), &rss, err) < 0)
        return -1;
    note_rss(r, rss);
    if (s.changed)
        wl_buf_addf(text, "; %u of %u table calls direct (%u types, %+lld bytes)", s.direct, s.sites, s.types,
                    (long long)s.size_after - (long long)s.size_before);
    if (s.reason[0])
        wl_buf_addf(text, "; table calls stay: %s", s.reason);
    wl_outcome_fact(out, "direct-calls", "%u", s.direct);
    wl_outcome_fact(out, "direct-calls-bytes", "%lld", (long long)s.size_after - (long long)s.size_before);
    return 0;
}

int wl_step_aot(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                struct wl_err *err) {
    const char *archs[] = {step->arch, NULL};
    WL_AUTOFREE char *in = NULL;
    WL_AUTOFREE char *to = artefact_in(dir, step->artefact);
    WL_AUTOFREE char *log = wl_run_log(r, step);
    WL_AUTOFREE char *work = NULL;
    WL_AUTOFREE char *direct = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    const struct wl_kit *wasmedge, *sdk;
    const struct wl_recipe_aot *recipe = r->recipe->aot;
    struct wl_aot a = {.out = to, .archs = archs, .log_path = log, .jobs = (unsigned)r->jobs, .allow_host = true};
    struct stat st;

    if (wl_run_kit(r, WL_KIT_WASMEDGE, &wasmedge, err) < 0 || wl_run_kit(r, WL_KIT_SDK, &sdk, err) < 0 ||
        input_of(r, step, &in, err) < 0 || wl_home_tmp(r->home, "aot", &work, err) < 0 || wl_fs_remove(log, err) < 0)
        return -1;
    a.in = in;
    if (recipe && recipe->direct_calls.v) {
        if (wl_home_tmp(r->home, "direct", &direct, err) < 0 ||
            make_direct(r, step->label, in, direct, &text, out, err) < 0)
            return -1;
        a.in = direct;
    }
    a.work_dir = work;
    a.wasmedge_root = wasmedge->root;
    a.wasmedge_identity = wasmedge->identity;
    a.llvm_root = sdk->root;
    a.llvm_identity = sdk->identity;
    a.optimize = recipe && recipe->optimize ? recipe->optimize[0] : 0;
    a.wasmedge_flags = recipe ? recipe->flags.v : NULL;
    a.interpreter = recipe && recipe->interpreter.v;
    if (r->ev->progress)
        a.progress = *r->ev->progress;
    if (wl_fs_mkdirs_parent(log, err) < 0 || wl_aot_compile(&a, err) < 0)
        return -1;
    note_rss(r, a.max_rss_kb);
    if (a.interpreter) {
        wl_buf_addf(&text, "; %u functions threaded", a.n_threaded);
        wl_outcome_fact(out, "threaded", "%u", a.n_threaded);
    }
    if (a.info.n_codes > 0 && strcmp(a.info.codes[0].cpu, WL_AOT_CPU_HOST) == 0)
        r->ev->note(r->ev->arg,
                    "this wasi-sdk makes no native code, so WasmEdge's own compiler did: the precompiled module "
                    "may need a processor like this machine's");
    if (stat(to, &st) == 0)
        out->detail = wl_sprintf("%s%s", wl_size((uint64_t)st.st_size).s, wl_buf_str(&text));
    return 0;
}
