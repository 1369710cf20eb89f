/* Recipes: how an interpreter (or a kit) is fetched, built and packed. The format for people is in
 * recipes/README.md; recipes/schema.json and the decoder come from the tables in recipe_spec.c.
 *
 * A recipe is recipes/<id>/recipe.json. It may extend another, whose values it refines, and have flavours, which
 * refine it further: objects merge, scalars and lists replace. Loading gives the merged, checked result with ${name}
 * and ${version} filled in. */
#ifndef WL_MODEL_RECIPE_H
#define WL_MODEL_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/digest.h"
#include "../base/err.h"
#include "../base/jsonspec.h"
#include "../base/mem.h"
#include "files.h"

#define WL_RECIPE_BYTES (1 << 20)        /* longest recipe.json */
#define WL_RECIPE_CHAIN 8                /* most recipes in a chain of "extends" */
#define WL_RECIPE_DEPS 64                /* most libraries that one recipe names */
#define WL_RECIPE_FLAVOUR "wasi"         /* the flavour when none is asked for; every recipe has it */
#define WL_RECIPE_HOST "wasm32-wasi"     /* ${host}: what configure scripts are told */
#define WL_RECIPE_TARGET "wasm32-wasip1" /* ${target}: what the compiler is told */

struct wl_recipe_source {
    struct wl_list urls;  /* https or http; tried in order behind the mirror */
    const char *file;     /* name in mirrors and in the source folder */
    const char *sha256;   /* 64 hex digits */
    struct wl_oint strip; /* leading path components to drop; use wl_recipe_strip */
};

/* configure, and each item of compile. */
struct wl_recipe_command {
    struct wl_list argv;
    struct wl_smap env;
    const char *dir;       /* working folder inside the source tree; NULL: its top */
    struct wl_list inputs; /* files of the scripts folder that it reads; absent (v NULL): all of them */
};

/* An expectation on an artefact: run with argv, its output must hold these lines, in this order. */
struct wl_recipe_check {
    struct wl_list argv;         /* the guest's arguments, without argv[0] */
    struct wl_list stdout_lines; /* "stdout" in the file */
    struct wl_oint status;       /* exit code; absent: 0 */
    struct wl_obool exact;       /* the lines are all of the output, empty ones aside (a module list) */
};

struct wl_recipe_artefact {
    const char *from;       /* file that the compile step leaves, relative to the source tree */
    const char *file;       /* its name in build-output and in images: "php.wasm" */
    struct wl_olist checks; /* struct wl_recipe_check */
};

struct wl_recipe_image {
    const char *artefact;
    const char *tag; /* a tag of the image's repository (the recipe's name) */
    struct wl_list entrypoint;
    struct wl_list cmd;
    const char *workdir;
    struct wl_smap env;
    struct wl_smap labels;
    struct wl_list ports;  /* "8080" or "8080/tcp" */
    struct wl_olist files; /* struct wl_files_rule; `from` is in the scripts folder */
    struct wl_obool aot;   /* absent or true: also makes "<tag>-aot" */
};

struct wl_recipe_optimize {
    struct wl_list flags; /* of wasm-opt */
};

struct wl_recipe_aot {
    const char *optimize;         /* wasmedgec's level: "0" "1" "2" "3" "s" "z" */
    struct wl_list flags;         /* further switches of wasmedge compile */
    struct wl_obool interpreter;  /* wl_aot.interpreter */
    struct wl_obool direct_calls; /* tool/wasm/direct_calls.h before it */
};

struct wl_recipe_platform {
    const char *os;
    const char *architecture;
};

struct wl_recipe_kit {
    const char *env;         /* the environment variable that overrides it: "WASI_SDK_ROOT" */
    struct wl_list programs; /* relative paths that the kit must hold; the first one is the main program */
    struct wl_omap hosts;    /* struct wl_recipe_source, by "x86_64-linux" or "aarch64-linux" */
};

struct wl_recipe {
    /* Not in the file. */
    const char *id;               /* folder name, what the command line says: "php-7.4.33" */
    const char *flavour;          /* the flavour that was merged in */
    struct wl_list flavour_names; /* all that it has, WL_RECIPE_FLAVOUR first */
    struct wl_list files;         /* the recipe.json files that made it, its own first */
    const char *patches_dir;      /* folder of its patch series; NULL: none */
    const char *scripts_dir;      /* folder of its scripts; NULL: none */
    struct wl_arena arena;

    /* In the file; NULL or zero when absent. What a buildable recipe must have is checked by the load: name,
     * version, source.file, source.sha256, compile and at least one artefact with from and file. */
    const char *extends;
    const char *kind; /* "interpreter", "library", "base" or "kit"; set by the load */
    const char *name;
    const char *version;
    const char *summary;
    const char *homepage;
    const char *license; /* SPDX expression */
    struct wl_recipe_source *source;
    /* Names of the folders under patches/ and scripts/. Absent: the recipe's id, or that of the nearest one it
     * extends that has such a folder. */
    const char *patches;
    const char *scripts;
    struct wl_omap flavours; /* used during the load only */
    struct wl_list deps;     /* ids of library recipes; model/closure.h loads them */
    struct wl_smap env;      /* for configure and compile */
    struct wl_list cflags;
    struct wl_list ldflags;
    struct wl_recipe_command *configure; /* NULL: no configure step */
    struct wl_olist compile;             /* struct wl_recipe_command */
    struct wl_omap artefacts;            /* struct wl_recipe_artefact */
    struct wl_list lower;                /* "exceptions" */
    struct wl_recipe_optimize *optimize;
    struct wl_recipe_aot *aot;
    struct wl_omap images;               /* struct wl_recipe_image */
    struct wl_recipe_platform *platform; /* set by the load */
    struct wl_oint epoch;                /* seconds since 1970 for everything that needs a time */
    struct wl_recipe_kit *kit;
};

/* The folders that hold recipes, first one wins: those of WLPACK_RECIPES (a colon list, in which an empty item
 * stands for the default), else the default: "../recipes" beside the program's own folder, else the installed ones. */
void wl_recipe_path(struct wl_strv *ret);

/* Whether a string can be the name of a recipe (lower-case letters and digits with single . _ - between them, at
 * most 64). */
bool wl_recipe_id_ok(const char *id);

/* The names of all recipes on the path, sorted, each once. Folders that do not exist are skipped. */
int wl_recipe_list(const struct wl_strv *path, struct wl_strv *ret, struct wl_err *err);

/* Loads recipe `id` in a flavour (NULL: WL_RECIPE_FLAVOUR). An unknown id or flavour is a WL_RECIPE error with the
 * nearest names. A base loads too (kind "base"), unchecked for completeness. Everything is freed by wl_recipe_free. */
int wl_recipe_load(struct wl_recipe **ret, const struct wl_strv *path, const char *id, const char *flavour,
                   struct wl_err *err);
void wl_recipe_free(struct wl_recipe *r);
void wl_recipe_freep(struct wl_recipe **r);

bool wl_recipe_is_library(const struct wl_recipe *r);

/* WL_RECIPE error unless the recipe can be built (kind interpreter or library). */
int wl_recipe_buildable(const struct wl_recipe *r, struct wl_err *err);

/* Decodes text as one recipe file and checks what can be checked without others (for the fuzz target and lint). */
int wl_recipe_check_text(const char *name, const char *text, size_t len, struct wl_err *err);

/* Values with their defaults. */
int wl_recipe_strip(const struct wl_oint *strip); /* 1 when absent */
/* SOURCE_DATE_EPOCH (a WL_USAGE error when it is no number), else "epoch", else 0. */
int wl_recipe_epoch(const struct wl_recipe *r, int64_t *ret, struct wl_err *err);

/* The variables that are known only when a command runs. Strings may hold blanks where a tool takes a command
 * ("clang --target=..."). NULL ones are errors when used. */
struct wl_recipe_vars {
    const char *cc, *ar, *ranlib, *nm, *sysroot;
    const char *srcdir;  /* the source tree, absolute */
    const char *scripts; /* the recipe's scripts folder, absolute */
    const char *deps;    /* the folder with what the libraries installed, absolute */
    const char *out;     /* where a library installs, absolute; NULL for others */
    int jobs;
};

/* Expands the run-time variables (and ${cflags}, ${ldflags}, ${host}, ${target}) in one string of an argv or env;
 * "$${" gives "${". A new string, NULL with err on a variable that is NULL. Strings of loaded recipes name known
 * variables only. */
char *wl_recipe_expand(const struct wl_recipe *r, const struct wl_recipe_vars *vars, const char *s, struct wl_err *err);

/* The argv and the environment ("K=V": recipe's env, then the command's) of a command, expanded. */
int wl_recipe_command_argv(const struct wl_recipe *r, const struct wl_recipe_command *c,
                           const struct wl_recipe_vars *vars, struct wl_strv *ret, struct wl_err *err);
int wl_recipe_command_env(const struct wl_recipe *r, const struct wl_recipe_command *c,
                          const struct wl_recipe_vars *vars, struct wl_strv *ret, struct wl_err *err);

/* The merged recipe as JSON, for `plan --json` and for keys. */
void wl_recipe_print(const struct wl_recipe *r, int indent, struct wl_buf *out);
/* recipes/schema.json, and the reference in recipes/README.md. */
void wl_recipe_schema(struct wl_buf *out);
void wl_recipe_reference(struct wl_buf *out);

/* The files of the scripts folder (its regular files, also in sub-folders; sorted) with their digests. */
struct wl_script {
    const char *name; /* relative: "wasi/stubs.c" */
    struct wl_digest digest;
    bool executable;
};

struct wl_scripts {
    struct wl_script *v;
    size_t n;
    struct wl_arena arena;
};

/* No scripts folder gives none. */
int wl_scripts_load(struct wl_scripts *ret, const struct wl_recipe *r, struct wl_err *err);
void wl_scripts_release(struct wl_scripts *s);

#endif
