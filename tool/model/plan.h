/* The plan: a recipe in a flavour, with given kits, as a list of steps with content keys. Pure: it reads no file and
 * no clock.
 *
 * A step's key is a digest of all that its result depends on: the keys of its parents and its named inputs (values
 * of the recipe, digests of patches and scripts, kit identities, a version number of the stage). The inputs are kept
 * as text, so that a later build can say which of them changed. Paths, the number of jobs and the clock are in no
 * key. */
#ifndef WL_MODEL_PLAN_H
#define WL_MODEL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/digest.h"
#include "../base/err.h"
#include "../base/mem.h"
#include "../base/pack.h"
#include "recipe.h"
#include "series.h"

/* In the order of a plan; `--until STAGE` stops behind the last step of that stage. */
enum wl_stage {
    WL_STAGE_FETCH,
    WL_STAGE_UNPACK,
    WL_STAGE_PATCH,     /* left out without a series */
    WL_STAGE_CONFIGURE, /* left out without "configure" */
    WL_STAGE_COMPILE,   /* one step; its result holds the `from` file of every artefact, and what a library installed */
    WL_STAGE_LOWER,     /* this and the next: one step per artefact, left out when the recipe has none */
    WL_STAGE_OPTIMIZE,
    WL_STAGE_CHECK, /* runs the artefact's checks; nothing depends on its key */
    WL_STAGE_AOT,   /* one step per artefact and architecture */
    WL_STAGE_IMAGE, /* one step per tag */
    WL_STAGE_COUNT
};

const char *wl_stage_name(enum wl_stage s); /* "fetch" ... "image" */
/* WL_USAGE error with the list of names when there is no such stage. */
int wl_stage_parse(const char *name, enum wl_stage *ret, struct wl_err *err);

/* value: text, or "sha256:..." for bytes. */
struct wl_plan_input {
    const char *name; /* "patch 0003-alloc.patch", "kit wasi-sdk", "optimize.flags", "step compile" */
    const char *value;
};

#define WL_PLAN_PARENTS 16

struct wl_plan_step {
    enum wl_stage stage;
    const char *label;    /* unique in the plan: "compile", "optimize cli", "aot cli x86_64", "image cli-aot" */
    const char *artefact; /* LOWER, OPTIMIZE, CHECK, AOT and IMAGE: name in recipe->artefacts; else NULL */
    const char *arch;     /* AOT: "x86_64", "aarch64"; else NULL */
    const char *image;    /* IMAGE: name in recipe->images; else NULL */
    const char *tag;      /* IMAGE: the tag, "7.4.33-cli-aot"; else NULL */
    /* IMAGE: the one with precompiled parts; its parents: the portable step, then an AOT step per architecture. */
    bool aot;
    struct wl_digest key;
    size_t parents[WL_PLAN_PARENTS]; /* indices of earlier steps; parents[0] gives the input file or tree */
    size_t n_parents;
    struct wl_plan_input *inputs; /* sorted by name; the parents' keys among them */
    size_t n_inputs;
};

/* A library that the recipe needs, with what stands for it in the keys of configure and compile: the key of its compile
 * step or the digest of what it installed; "not built" when nobody knows that yet. */
struct wl_plan_dep {
    const char *id;
    struct wl_digest_hex value;
};

/* What a plan is made from. The recipe must outlive the plan. */
struct wl_plan_spec {
    const struct wl_recipe *recipe;
    const struct wl_series *series;   /* NULL: no patches */
    const struct wl_scripts *scripts; /* NULL: no scripts */
    /* Identities ("sha256:..."); NULL when a kit is not installed: the key then says "missing" and can match no
     * result. */
    const char *wasi_sdk, *binaryen, *wasmedge;
    const char *const *archs;       /* for AOT, ends with NULL; NULL or empty: no AOT steps and no -aot images */
    int64_t epoch;                  /* wl_recipe_epoch() */
    const char *compression;        /* of layers, a name of wl_codec_names; NULL: WL_PLAN_COMPRESSION */
    const struct wl_plan_dep *deps; /* all libraries, also those that others need */
    size_t n_deps;
};

/* Interpreters are packed once and pulled often. */
#define WL_PLAN_COMPRESSION "gzip-max"
const struct wl_codec *wl_plan_codec(const char *compression);

struct wl_plan {
    struct wl_plan_step *v;
    size_t n;
    struct wl_arena arena;
};

/* The recipe must be buildable; only a limit (architectures) fails. */
int wl_plan_make(struct wl_plan *ret, const struct wl_plan_spec *spec, struct wl_err *err);
void wl_plan_release(struct wl_plan *p);

/* The step with that label, or NULL. */
const struct wl_plan_step *wl_plan_find(const struct wl_plan *p, const char *label);

/* A step's inputs as text to keep beside its result, one a line: "name<TAB>value\n" with \\, \t, \n escaped. */
void wl_plan_inputs_print(const struct wl_plan_step *step, struct wl_buf *out);

/* Why a step has to run although an earlier result exists: compares the kept text of that result (NULL: there is
 * none) with the step's inputs and appends a line per difference to *ret: "changed: patch 0003-alloc.patch", "added:
 * ...", "removed: ...", "changed: optimize.flags: -O2 -> -O3" (short values are shown), or "no earlier result".
 * Parents come last. */
void wl_plan_explain(const char *old_inputs, const struct wl_plan_step *step, struct wl_strv *ret);

#endif
