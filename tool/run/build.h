/* Building: sequences plans. Loads the recipe and the libraries that it needs, finds the kits, looks in the store for what is there, runs what is not, and puts the
 * artefacts into the output folder. Prints nothing: what happens is told through callbacks. */
#ifndef WL_RUN_BUILD_H
#define WL_RUN_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/err.h"
#include "../base/out.h"
#include "../model/home.h"
#include "../model/plan.h"

#define WL_BUILD_OUTPUT "build-output" /* the default output folder */

struct wl_build_options {
    const char *flavour;      /* NULL: the default one */
    enum wl_stage until;      /* WL_STAGE_IMAGE: everything */
    const char *const *archs; /* for AOT; NULL: this machine's; an empty list: none */
    int jobs;                 /* 0: one per processor */
    bool offline;
    bool force;                    /* every step runs again; sources and the libraries that the recipe needs are kept */
    const char *output;            /* NULL: WL_BUILD_OUTPUT */
    const char *mirror;            /* NULL: WLPACK_MIRROR and the mirror folders */
    const char *os, *architecture; /* the images' platform; NULL: the recipe's */
    const char *compression;       /* of the images' layers, see wl_plan_spec */
};

enum wl_step_status {
    WL_STEP_CACHED,     /* the result is in the store */
    WL_STEP_NOT_NEEDED, /* not in the store, and nothing that has to run needs it */
    WL_STEP_STARTED,
    WL_STEP_REUSED, /* an earlier result holds although the key changed (configure) */
    WL_STEP_DONE,
};

/* One step; strings are valid during the call. */
struct wl_step_event {
    const char *recipe; /* the id that was asked for */
    const char *label;  /* the step's, of a library that it needs with that one's id in front: "zlib-1.3.1/compile" */
    const struct wl_plan_step *step;
    enum wl_step_status status;
    double seconds;            /* DONE, REUSED: what it took; CACHED: what it took when it was made (0: unknown) */
    const char *detail;        /* DONE: "11.7 MB -> 5.8 MB", or NULL */
    const struct wl_strv *why; /* STARTED: what changed, one line each (wl_plan_explain) */
};

/* A file or an image that the build promises. */
struct wl_build_product {
    char *kind; /* "artefact", "aot", "image", "library" */
    char *name; /* recipe id for files, local reference for images */
    char *path; /* of files; NULL for images; of a library: the folder in the store with what it installed */
    uint64_t size;
    struct wl_digest digest;
};

struct wl_build_result {
    struct wl_build_product *v;
    size_t n;
    unsigned ran; /* steps that were run */
    long max_child_rss_kb;
};
void wl_build_result_release(struct wl_build_result *r);

struct wl_build_events {
    void (*step)(void *arg, const struct wl_step_event *e);
    void (*note)(void *arg, const char *text);    /* worth a warning */
    void (*info)(void *arg, const char *text);    /* what somebody who waits wants to know */
    void (*verbose)(void *arg, const char *text); /* for -v */
    void *arg;
    const struct wl_progress *progress; /* downloads; may be NULL */
};

/* Builds one recipe, first the libraries that it needs. The error names recipe and step. */
int wl_build(struct wl_home *home, const char *id, const struct wl_build_options *o, const struct wl_build_events *ev,
             struct wl_build_result *ret, struct wl_err *err);

/* Only tells, by STARTED, CACHED and NOT_NEEDED events, what wl_build would do. */
int wl_build_dry(struct wl_home *home, const char *id, const struct wl_build_options *o,
                 const struct wl_build_events *ev, struct wl_err *err);

/* Fetches the sources of a recipe and its libraries into the store. Appends to *ret_ids and *ret_paths which recipe's
 * source is where; ids that stand there already are left out. */
int wl_build_fetch(struct wl_home *home, const char *id, const struct wl_build_options *o,
                   const struct wl_build_events *ev, struct wl_strv *ret_ids, struct wl_strv *ret_paths,
                   struct wl_err *err);

#endif
