#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/isolate.h"
#include "../base/mem.h"
#include "../base/proc.h"
#include "../base/tar.h"
#include "../base/tree.h"
#include "../stages/compile.h"
#include "../stages/configure.h"
#include "../stages/fetch.h"
#include "../stages/library.h"
#include "../stages/patch.h"
#include "run.h"

static int remove_work(const struct wl_run *r, struct wl_err *err) {
    return r->work ? wl_fs_remove(r->work, err) : 0;
}

static int lock_tree(struct wl_run *r, unsigned flags, struct wl_err *err) {
    WL_AUTOFREE char *lock = wl_sprintf("work-%s.%s", r->id, r->recipe->flavour);

    return wl_home_lock(r->home, lock, flags, &r->work_lock, err);
}

int wl_tree_open(struct wl_run *r, struct wl_err *err) {
    if (r->work_lock >= 0)
        return 0;
    if (lock_tree(r, WL_LOCK_NOWAIT, err) < 0)
        return -1;
    if (r->work_lock < 0) {
        r->ev->info(r->ev->arg, "another wlpack builds this recipe, waiting for it");
        if (lock_tree(r, 0, err) < 0)
            return -1;
    }
    /* The commands inherit the lock: where we are killed, the next process waits until the last of them is gone too, and
     * none writes into the tree of another. */
    if (fcntl(r->work_lock, F_SETFD, 0) < 0)
        return wl_fail_errno(err, errno, "cannot pass on the lock of %s", r->work);
    /* what a killed process left */
    if (remove_work(r, err) < 0 || wl_fs_mkdirs(r->work, err) < 0)
        return -1;
    return 0;
}

void wl_tree_close(struct wl_run *r) {
    struct wl_err ignored;

    if (r->work_lock >= 0)
        (void)remove_work(r, &ignored);
    wl_closep(&r->work_lock);
    r->work_lock = -1;
    wl_toolbox_release(&r->tools);
    r->tools_made = false;
    r->tree_at = NULL;
}

void wl_tree_sweep(struct wl_run *r) {
    struct wl_err ignored;

    if (r->work_lock < 0 && wl_fs_exists(r->work))
        (void)lock_tree(r, WL_LOCK_NOWAIT, &ignored);
    wl_tree_close(r);
}

int wl_run_fetch(struct wl_run *r, char **ret_path, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv mirrors = {0}, notes = {0};
    const struct wl_recipe_source *s = r->recipe->source;
    struct wl_fetch f = {.owner = r->id,
                         .file = s->file,
                         .sha256 = s->sha256,
                         .urls = s->urls.v,
                         .offline = r->o->offline,
                         .progress = r->ev->progress,
                         .notes = &notes};
    int rc;

    wl_fetch_mirrors(r->home, r->o->mirror, &mirrors);
    f.mirrors = (const char *const *)mirrors.v;
    rc = wl_stage_fetch(r->home, &f, ret_path, err);
    for (size_t i = 0; i < notes.n; i++)
        r->ev->note(r->ev->arg, notes.v[i]);
    return rc;
}

static int unpack(struct wl_run *r, struct wl_outcome *out, struct wl_err *err) {
    WL_AUTOFREE char *archive = NULL;
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_tar_extract x = {.dest = r->srcdir, .strip = (unsigned)wl_recipe_strip(&r->recipe->source->strip)};
    struct wl_tar_stats stats = {0};

    if (wl_run_fetch(r, &archive, err) < 0 || wl_fs_remove(r->srcdir, err) < 0)
        return -1;
    x.archive = archive;
    if (wl_tar_extract(&x, &stats, err) < 0)
        return -1;
    if (wl_fs_list(r->srcdir, &names, err) < 0)
        return -1;
    if (names.n == 0)
        return wl_fail(err, WL_RECIPE, "%s: nothing is left of the archive with \"strip\": %u", r->recipe->source->file,
                       x.strip);
    out->detail = wl_sprintf("%llu files, %s", (unsigned long long)stats.files, wl_size(stats.bytes).s);
    return 0;
}

/* The scripts are used from a copy: what configure writes may name them, and they must not change under a build. */
static int copy_scripts(struct wl_run *r, struct wl_err *err) {
    if (!r->recipe->scripts_dir)
        return 0;
    free(r->scripts_copy);
    r->scripts_copy = wl_path_join(r->work, "scripts");
    return wl_tree_copy(r->recipe->scripts_dir, r->scripts_copy, err);
}

/* What the commands see of the libraries, and where a library installs. */
static int make_folders(struct wl_run *r, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv paths = {0};
    WL_AUTOFREE struct wl_library_tree *trees = wl_calloc(r->n_libs + 1, sizeof(*trees));

    for (size_t i = 0; i < r->n_libs; i++) {
        char *path;

        if (wl_run_sound_tree(r->libs[i], &path, err) < 0)
            return -1;
        wl_strv_take(&paths, path);
        trees[i] = (struct wl_library_tree){r->libs[i]->id, path};
    }
    if (wl_fs_remove(r->deps, err) < 0 || wl_library_union(trees, r->n_libs, r->deps, err) < 0)
        return -1;
    if (r->out && (wl_fs_remove(r->out, err) < 0 || wl_fs_mkdirs(r->out, err) < 0))
        return -1;
    return 0;
}

static int make_tools(struct wl_run *r, struct wl_err *err) {
    WL_AUTOFREE char *dir = NULL;
    const struct wl_kit *sdk;

    if (r->tools_made)
        return 0;
    if (wl_run_kit(r, WL_KIT_SDK, &sdk, err) < 0)
        return -1;
    dir = wl_path_join(r->work, "tools");
    if (wl_toolbox_make(&r->tools, sdk, dir, r->srcdir, r->deps, r->epoch, err) < 0 || copy_scripts(r, err) < 0 ||
        make_folders(r, err) < 0)
        return -1;
    r->tools_made = true;
    if (!wl_net_can_cut())
        r->ev->verbose(r->ev->arg, "this host does not let build commands be kept off the network");
    return 0;
}

static int run_command(struct wl_run *r, const struct wl_plan_step *step, const struct wl_recipe_command *command,
                       struct wl_err *err) {
    WL_AUTOFREE char *log = wl_run_log(r, step);
    struct wl_command c = {.recipe = r->recipe,
                           .command = command,
                           .tools = &r->tools,
                           .srcdir = r->srcdir,
                           .scripts = r->scripts_copy,
                           .deps = r->deps,
                           .out = r->out,
                           .log = log,
                           .jobs = r->jobs};
    int rc = wl_stage_command(&c, err);

    if (c.max_rss_kb > r->result.max_child_rss_kb)
        r->result.max_child_rss_kb = c.max_rss_kb;
    return rc;
}

static int fresh_log(const struct wl_run *r, const struct wl_plan_step *step, struct wl_err *err) {
    WL_AUTOFREE char *log = wl_run_log(r, step);

    return wl_fs_remove(log, err);
}

/* --- configure ----------------------------------------------------------------------------------------------- */

/* All that a kept configure result depends on beyond the tree itself: the step's inputs without its parents. */
static struct wl_digest_hex configure_base(const struct wl_run *r, const struct wl_plan_step *step) {
    struct wl_sha256 h = {0};
    struct wl_digest d;

    wl_sha256_init(&h);
    for (size_t i = 0; i < step->n_inputs; i++)
        if (!wl_starts(step->inputs[i].name, "step "))
            wl_sha256_field_str(&h, step->inputs[i].name, step->inputs[i].value);
    wl_sha256_field_str(&h, "srcdir", r->srcdir);
    d = wl_sha256_final(&h);
    return wl_digest_hexonly(&d);
}

static int commit(struct wl_run *r, struct wl_entry *e, const struct wl_plan_step *step, struct wl_outcome *out,
                  double seconds, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf inputs = {0};
    struct wl_meta m = {
        .recipe = r->id, .step = step->label, .facts = out->facts, .n_facts = out->n_facts, .seconds = seconds};

    wl_plan_inputs_print(step, &inputs);
    m.inputs = wl_buf_str(&inputs);
    return wl_entry_commit(e, &m, err);
}

static double seconds_since(const struct timespec *start) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Lays the entry's result over the tree when it is whole. *ret_applied tells; a damaged entry is dropped. */
static int apply_entry(struct wl_run *r, const char *key, struct wl_tree_state *tree, const char *base,
                       bool *ret_applied, struct wl_err *err) {
    WL_AUTO(wl_meta_release) struct wl_meta m = {0};
    WL_AUTOFREE char *kept = wl_store_path(r->home, key, "");
    struct wl_err why;

    *ret_applied = false;
    if (!wl_store_has(r->home, key))
        return 0;
    if (wl_store_meta(r->home, key, &m, &why) < 0 || wl_store_verify(r->home, key, &m, NULL, &why) < 0) {
        WL_AUTOFREE char *text = wl_sprintf("%s; it is made again", why.msg);

        r->ev->note(r->ev->arg, text);
        return wl_store_drop(r->home, key, err);
    }
    if (base &&
        (!wl_meta_fact(&m, "base") || strcmp(wl_meta_fact(&m, "base"), base) != 0 || !wl_configure_holds(kept, tree)))
        return 0;
    if (wl_configure_apply(kept, r->srcdir, err) < 0)
        return -1;
    *ret_applied = true;
    return 0;
}

/* Another tree's result that holds for this one, too, becomes this one's own. */
static int adopt(struct wl_run *r, const struct wl_plan_step *step, struct wl_entry *e, struct wl_tree_state *tree,
                 struct wl_outcome *out, struct wl_err *err) {
    WL_AUTOFREE char *name = wl_run_last_name(r, step->label);
    WL_AUTOFREE char *last = wl_store_last(r->home, name);
    WL_AUTOFREE char *kept = NULL;
    struct wl_digest_hex base = configure_base(r, step);

    if (!last || r->o->force)
        return 0;
    if (apply_entry(r, last, tree, base.s, &out->reused, err) < 0)
        return -1;
    if (!out->reused)
        return 0;
    kept = wl_store_path(r->home, last, "");
    wl_outcome_fact(out, "base", "%s", base.s);
    out->detail = wl_strdup("nothing that it read has changed");
    return wl_tree_copy(kept, e->dir, err);
}

static int configure_anew(struct wl_run *r, const struct wl_plan_step *step, struct wl_entry *e,
                          const struct wl_tree_state *tree, struct wl_outcome *out, struct wl_err *err) {
    bool traced;

    if (make_tools(r, err) < 0 || fresh_log(r, step, err) < 0 || run_command(r, step, r->recipe->configure, err) < 0 ||
        wl_configure_keep(r->srcdir, tree, e->dir, &traced, err) < 0)
        return -1;
    if (!traced)
        r->ev->verbose(r->ev->arg, "this file system keeps no access times: configure runs again for every change");
    wl_outcome_fact(out, "base", "%s", configure_base(r, step).s);
    return 0;
}

static int configure(struct wl_run *r, const struct wl_plan_step *step, struct wl_outcome *out, struct wl_err *err) {
    WL_AUTO(wl_tree_state_release) struct wl_tree_state tree = {0};
    WL_AUTO(wl_entry_cancel) struct wl_entry e = WL_ENTRY_INIT;
    struct wl_digest_hex key = wl_run_key(r, step);
    struct timespec start;
    bool there = false, force = r->o->force;

    clock_gettime(CLOCK_MONOTONIC, &start);
    if (wl_configure_before(r->srcdir, &tree, err) < 0)
        return -1;
    if (!force || r->cached[wl_run_index(r, step)]) {
        if (apply_entry(r, key.s, &tree, NULL, &there, err) < 0)
            return -1;
        if (there)
            return 0;
    }
    if (wl_entry_begin(&e, r->home, key.s, true, NULL, NULL, &there, err) < 0 ||
        adopt(r, step, &e, &tree, out, err) < 0)
        return -1;
    if (!out->reused && configure_anew(r, step, &e, &tree, out, err) < 0)
        return -1;
    return commit(r, &e, step, out, seconds_since(&start), err);
}

int wl_tree_make(struct wl_run *r, const struct wl_plan_step *step, struct wl_outcome *out, struct wl_err *err) {
    WL_AUTOFREE char *log = NULL;

    if (r->tree_at == step)
        return 0;
    if (step->stage == WL_STAGE_FETCH) {
        WL_AUTOFREE char *path = NULL;

        return wl_run_fetch(r, &path, err);
    }
    if (wl_tree_open(r, err) < 0)
        return -1;
    if (step->n_parents > 0) {
        struct wl_outcome other = {0};
        int rc = wl_tree_make(r, &r->plan.v[step->parents[0]], &other, err);

        free(other.detail);
        wl_arena_release(&other.arena);
        if (rc < 0)
            return -1;
    }
    r->tree_at = NULL;
    log = wl_run_log(r, step);
    if (step->stage == WL_STAGE_UNPACK && unpack(r, out, err) < 0)
        return -1;
    if (step->stage == WL_STAGE_PATCH && (wl_fs_remove(log, err) < 0 || wl_fs_mkdirs_parent(log, err) < 0 ||
                                          wl_stage_patch(r->srcdir, &r->series, log, err) < 0))
        return -1;
    if (step->stage == WL_STAGE_CONFIGURE && configure(r, step, out, err) < 0)
        return -1;
    r->tree_at = step;
    return 0;
}

/* --- compile --------------------------------------------------------------------------------------------------- */

/* Without a configure step nothing has stamped the tree yet. */
static int stamp(struct wl_run *r, struct wl_err *err) {
    return r->recipe->configure ? 0 : wl_tree_stamp(r->srcdir, WL_CONFIGURE_MTIME, err);
}

static int take_artefact(struct wl_run *r, const char *name, const struct wl_recipe_artefact *a, const char *dir,
                         struct wl_err *err) {
    WL_AUTOFREE char *from = wl_path_join(r->srcdir, a->from);
    WL_AUTOFREE char *to = wl_sprintf("%s/%s.wasm", dir, name);
    struct stat st;

    if (lstat(from, &st) < 0)
        return wl_fail(err, WL_RECIPE, "the artefact %s: compiling left no file %s in the tree", name, a->from);
    if (!S_ISREG(st.st_mode))
        return wl_fail(err, WL_RECIPE, "the artefact %s: %s is not a regular file", name, a->from);
    return wl_fs_copy(from, to, err);
}

static int take_library(struct wl_run *r, const char *dir, struct wl_outcome *out, struct wl_err *err) {
    WL_AUTOFREE char *tree = wl_path_join(dir, WL_RUN_TREE);
    struct wl_library_stats stats;

    if (wl_library_collect(r->out, r->work, tree, &stats, err) < 0)
        return -1;
    out->detail = wl_sprintf("installs %llu files, %s", (unsigned long long)stats.files, wl_size(stats.bytes).s);
    return 0;
}

int wl_tree_compile(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                    struct wl_err *err) {
    const struct wl_recipe *recipe = r->recipe;
    struct wl_outcome other = {0};
    int rc;

    rc = wl_tree_make(r, &r->plan.v[step->parents[0]], &other, err);
    free(other.detail);
    wl_arena_release(&other.arena);
    if (rc < 0)
        return -1;
    r->tree_at = NULL; /* whatever happens from here on, the tree is another one */
    if (make_tools(r, err) < 0 || stamp(r, err) < 0 || fresh_log(r, step, err) < 0)
        return -1;
    for (size_t i = 0; i < recipe->compile.n; i++)
        if (run_command(r, step, recipe->compile.v[i], err) < 0)
            return -1;
    for (size_t i = 0; i < recipe->artefacts.n; i++)
        if (take_artefact(r, recipe->artefacts.keys[i], recipe->artefacts.v[i], dir, err) < 0)
            return -1;
    return r->out ? take_library(r, dir, out, err) : 0;
}
