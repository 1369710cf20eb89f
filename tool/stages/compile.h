/* The configure and compile stages: runs a recipe's commands in its tree, each with a log. */
#ifndef WL_STAGES_COMPILE_H
#define WL_STAGES_COMPILE_H

#include "../base/buf.h"
#include "../base/err.h"
#include "../model/recipe.h"
#include "../model/toolbox.h"

#define WL_LOG_TAIL 20 /* lines of a failed command's log that the error shows */

struct wl_command {
    const struct wl_recipe *recipe;
    const struct wl_recipe_command *command;
    const struct wl_toolbox *tools;
    const char *srcdir;  /* the tree, absolute */
    const char *scripts; /* the recipe's scripts folder; NULL when it has none */
    const char *deps;    /* ${deps} */
    const char *out;     /* ${out}; NULL unless the recipe is a library */
    const char *log;     /* stdout and stderr are appended here */
    int jobs;
    long max_rss_kb; /* result: peak memory of its largest process, KiB */
    double cpu_s;    /* result */
};

/* Runs one command without network (where the host can do that) and waits for it. On failure the error shows the first line of
 * the log that looks like an error, the last WL_LOG_TAIL lines, and where the log is. */
int wl_stage_command(struct wl_command *c, struct wl_err *err);

/* Appends to *ret what an error about a failed log shows; for other stages' children, too. Nothing when it cannot be read. */
void wl_log_tail(const char *log, struct wl_buf *ret);

#endif
