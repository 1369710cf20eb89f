/* Inside tool/run: one build in progress. */
#ifndef WL_RUN_RUN_H
#define WL_RUN_RUN_H

#include "../../registry/layout.h"
#include "../model/home.h"
#include "../model/kit.h"
#include "../model/plan.h"
#include "../model/recipe.h"
#include "../model/series.h"
#include "../model/store.h"
#include "../model/toolbox.h"
#include "build.h"

#define WL_RUN_FACTS 8     /* most facts of one step */
#define WL_RUN_TREE "tree" /* folder in the entry of a library's compile step: what it installed */

enum wl_kit_index { WL_KIT_SDK, WL_KIT_BINARYEN, WL_KIT_WASMEDGE, WL_KIT_COUNT };

struct wl_kits {
    struct wl_kit v[WL_KIT_COUNT]; /* name NULL: not installed, and errors says why */
    struct wl_err errors[WL_KIT_COUNT];
};

/* One recipe of a build: the one that was asked for, or a library that it needs. */
struct wl_run {
    struct wl_home *home;
    const struct wl_build_options *o; /* a library's own ones: it stops behind its checks */
    const struct wl_build_events *ev;
    const char *id;       /* the recipe's */
    const char *asked;    /* the id that was asked for; another one for a library */
    struct wl_run **libs; /* all libraries that the recipe needs, also through others, in building order */
    size_t n_libs;
    struct wl_digest tree; /* library: of what it installed, see wl_run_tree */
    bool tree_known;
    struct wl_recipe *recipe;
    struct wl_series series;
    struct wl_scripts scripts;
    struct wl_plan plan;
    int64_t epoch;
    int jobs;
    const struct wl_kits *kits;
    bool *cached, *need; /* per step */
    struct wl_build_result result;

    /* the work tree, see worktree.c */
    char *work, *srcdir, *scripts_copy;
    char *deps; /* ${deps}: what the libraries installed */
    char *out;  /* ${out}; NULL unless this is a library */
    int work_lock;
    const struct wl_plan_step *tree_at; /* the step whose result stands in srcdir; NULL: nothing */
    struct wl_toolbox tools;
    bool tools_made;
};

/* What a running step fills in. */
struct wl_outcome {
    struct wl_pair facts[WL_RUN_FACTS];
    size_t n_facts;
    struct wl_arena arena;
    char *detail; /* for the DONE event */
    bool reused;  /* REUSED instead of DONE */
};
void wl_outcome_fact(struct wl_outcome *o, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The store key of a step. It is the plan's, except for configure, whose result holds the paths of the folder it ran in. */
struct wl_digest_hex wl_run_key(const struct wl_run *r, const struct wl_plan_step *step);
/* The log of a step; a new string. */
char *wl_run_log(const struct wl_run *r, const struct wl_plan_step *step);
/* The kit, or the error that says how to get it. */
int wl_run_kit(const struct wl_run *r, enum wl_kit_index i, const struct wl_kit **ret, struct wl_err *err);
size_t wl_run_index(const struct wl_run *r, const struct wl_plan_step *step);
/* The name under which the store remembers a step's last key; a new string. */
char *wl_run_last_name(const struct wl_run *r, const char *label);

/* --- sequence.c: which steps have to run, and running them ------------------------------------------------------- */

/* Runs, in order, what is not in the store and needed up to o->until; dry: only tells. */
int wl_run_steps(struct wl_run *r, bool dry, struct wl_err *err);
/* The digest over all that a library installed (names and bytes), by its compile step's entry; a damaged entry is made again. */
int wl_run_tree(struct wl_run *lib, struct wl_digest *ret, struct wl_err *err);
/* Sees to it that a library's tree in the store is whole, as wl_run_sound does for a module. *ret_path: the tree, a new
 * string. */
int wl_run_sound_tree(struct wl_run *lib, char **ret_path, struct wl_err *err);
/* Sees to it that an artefact's module in a step's entry is whole: a damaged one is told of, dropped and made again. */
int wl_run_sound(struct wl_run *r, const struct wl_plan_step *step, const char *artefact, struct wl_err *err);
/* The verified path (a new string) of an artefact's module in a step's entry. */
int wl_run_artefact(const struct wl_run *r, const struct wl_plan_step *step, const char *artefact, char **ret,
                    struct wl_err *err);

/* --- worktree.c: the work tree -------------------------------------------------------------------------------------
 * Commands run in $WLPACK_HOME/work/<id>.<flavour>/src, always the same folder, since what configure writes names it. One
 * process at a time works there. */
int wl_tree_open(struct wl_run *r, struct wl_err *err);
void wl_tree_close(struct wl_run *r);
/* wl_tree_close, and the tree of a process that was killed goes, too, even when nothing had to be built: it may be large. */
void wl_tree_sweep(struct wl_run *r);
/* Brings the tree to the result of a fetch, unpack, patch or configure step, from scratch when it has to. */
int wl_tree_make(struct wl_run *r, const struct wl_plan_step *step, struct wl_outcome *out, struct wl_err *err);
/* Runs the compile commands in the tree and puts the artefacts into dir. */
int wl_tree_compile(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                    struct wl_err *err);
int wl_run_fetch(struct wl_run *r, char **ret_path, struct wl_err *err);

/* --- steps.c: the steps behind compile; dir is the folder of the new entry -------------------------------------- */
int wl_step_lower(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                  struct wl_err *err);
int wl_step_optimize(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                     struct wl_err *err);
int wl_step_check(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                  struct wl_err *err);
int wl_step_aot(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                struct wl_err *err);

/* --- pack.c: images ---------------------------------------------------------------------------------------------- */
int wl_step_image(struct wl_run *r, const struct wl_plan_step *step, const char *dir, struct wl_outcome *out,
                  struct wl_err *err);
/* Whether the image that the step's entry speaks of still is in the local store under its name. */
bool wl_image_present(const struct wl_run *r, const struct wl_plan_step *step);

/* --- attest.c: attaches SBOM and provenance to an image that was just put into the layout ------------------------- */
int wl_run_attest(struct wl_run *r, const struct wl_plan_step *step, const char *name, const struct wl_layout *l,
                  const struct wl_oci_descriptor *subject, struct wl_err *err);

/* --- products.c: what the build hands out ------------------------------------------------------------------------ */
int wl_run_products(struct wl_run *r, struct wl_err *err);

#endif
