/* The verbs.
 *
 * To add one: write tool/cmd/cmd_X.c with `const struct wl_verb wl_verb_X`, declare it below, put it into the table in
 * tool/main.c, add its page section to man/wlpack.1 and a test to tests/e2e. `--help` comes from the struct. */
#ifndef WL_CMD_H
#define WL_CMD_H

#include "../base/buf.h"
#include "../base/err.h"

/* One option of a verb, for parsing and for --help. */
struct wl_opt {
    const char *name; /* "jobs" for --jobs */
    char letter;      /* 'j' for -j, 0 for none */
    const char *arg;  /* "N": takes a value (--jobs N, --jobs=N, -j N, -jN); NULL: a switch */
    const char *help; /* one line, lower case, no full stop */
};

/* The parsed command line of a verb. */
struct wl_args {
    const struct wl_opt *opts; /* the verb's table; ends with a zeroed entry */
    const char **values;       /* in the order given, beside which */
    const struct wl_opt **which;
    int n_given;
    char **pos; /* positional arguments, NULL-terminated */
    int n_pos;
    char **rest; /* what stood behind "--", NULL-terminated; NULL when there was no "--" */
    int n_rest;
};

struct wl_verb {
    const char *name;
    const char *usage;   /* "build [OPTIONS] NAME..." */
    const char *summary; /* one line for `wlpack --help` */
    const char *help;    /* paragraphs for `wlpack VERB --help`, with an example; may be NULL */
    const struct wl_opt *opts;
    int min_pos, max_pos; /* number of positional arguments; max -1: no limit */
    /* Does the work; prints results. *ret_status may be set when the exit code is not ours (`run`: the guest's). */
    int (*run)(const struct wl_args *args, int *ret_status, struct wl_err *err);
};

/* True when the switch or option was given. */
int wl_args_has(const struct wl_args *a, const char *name);
/* The last value given, or NULL. */
const char *wl_args_get(const struct wl_args *a, const char *name);
/* The i-th value given for a repeatable option (from 0), or NULL behind the last. */
const char *wl_args_nth(const struct wl_args *a, const char *name, int i);
/* A whole number in [min, max]; keeps *ret when the option was not given; a usage error otherwise. */
int wl_args_int(const struct wl_args *a, const char *name, long min, long max, long *ret, struct wl_err *err);

/* Adds the parts of "a,b,c" to a list. */
void wl_args_split(const char *value, struct wl_strv *to);

/* Parses argv[0..argc) (behind the verb) by the verb's table; -q, -v, --help are already known to main. WL_USAGE errors name the
 * argument and point at `wlpack VERB --help`. */
int wl_args_parse(struct wl_args *ret, const struct wl_verb *verb, int argc, char **argv, struct wl_err *err);
void wl_args_release(struct wl_args *a);

/* The whole table, for help and completion; ends with NULL. */
extern const struct wl_verb *const wl_verbs[];

extern const struct wl_verb wl_verb_build;
extern const struct wl_verb wl_verb_run;
extern const struct wl_verb wl_verb_image;
extern const struct wl_verb wl_verb_images;
extern const struct wl_verb wl_verb_inspect;
extern const struct wl_verb wl_verb_tag;
extern const struct wl_verb wl_verb_rm;
extern const struct wl_verb wl_verb_save;
extern const struct wl_verb wl_verb_load;
extern const struct wl_verb wl_verb_push;
extern const struct wl_verb wl_verb_pull;
extern const struct wl_verb wl_verb_copy;
extern const struct wl_verb wl_verb_sign;
extern const struct wl_verb wl_verb_verify;
extern const struct wl_verb wl_verb_login;
extern const struct wl_verb wl_verb_logout;
extern const struct wl_verb wl_verb_recipes;
extern const struct wl_verb wl_verb_lint;
extern const struct wl_verb wl_verb_new;
extern const struct wl_verb wl_verb_plan;
extern const struct wl_verb wl_verb_fetch;
extern const struct wl_verb wl_verb_kit;
extern const struct wl_verb wl_verb_gc;
extern const struct wl_verb wl_verb_completion;
extern const struct wl_verb wl_verb_doctor;
extern const struct wl_verb wl_verb_version;
extern const struct wl_verb wl_verb_wasm;

#endif
