/* Child processes (always an argv, never a shell string), interruption by signal, and what is cleaned up then. */
#ifndef WL_BASE_PROC_H
#define WL_BASE_PROC_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* --- Signals -----------------------------------------------------------------------------------------------
 * wl_signals_init installs handlers for SIGINT, SIGTERM and (unless nohup has it ignored) SIGHUP, without SA_RESTART, so that
 * blocking calls return with EINTR, and ignores SIGPIPE. The first signal sets a flag that long loops poll with wl_interrupted
 * and passes SIGTERM to the running children's process groups; functions then fail, cleanups run, and main ends the
 * process by that signal (exit status 128 + n for a shell). A second signal, when it comes at
 * least 300 ms later (timeout and make send one twice), removes the registered temporary files and ends at once. */
void wl_signals_init(void);
bool wl_interrupted(void);
int wl_signal_number(void); /* the signal that came, 0 if none */

/* Temporary paths that a second signal removes. Copies the string. Not thread safe beyond a mutex. */
void wl_cleanup_add(const char *path);
void wl_cleanup_remove(const char *path);

/* --- Children ---------------------------------------------------------------------------------------------- */
enum wl_proc_flags {
    WL_PROC_FOREGROUND = 1, /* same process group: a terminal's Ctrl-C reaches it (wlpack run) */
    WL_PROC_MERGE = 2,      /* the child's stderr goes where its stdout goes */
    WL_PROC_TIED = 8, /* it gets SIGTERM when our thread is gone (kill -9), and nothing of its group outlives it */
    WL_PROC_ANSWER =
        16, /* only what it says counts: done when it has exited, whoever holds its output open; killed when it says too much */
    WL_PROC_NO_NETWORK = 4, /* the child has no network where the host allows that, see wl_net_can_cut */
};

struct wl_proc {
    const char *const *argv; /* argv[0] is looked up in PATH when it has no slash */
    const char *const *env;  /* NULL: ours */
    const char *cwd;         /* NULL: ours */
    const char *log_path;    /* stdout and stderr are appended to this file (created); or NULL */
    struct wl_buf *out;      /* stdout is captured here up to out->max bytes (more is read and dropped); or NULL */
    struct wl_buf *errout;   /* the same for stderr; or NULL: ours (or with MERGE, stdout's place) */
    struct wl_blob input;    /* given on stdin when p is not NULL; otherwise /dev/null unless FOREGROUND */
    unsigned timeout_ms;     /* the process group is killed after it; 0: none */
    unsigned flags;
    long max_rss_kb; /* result: peak resident memory of the child, in KiB */
    double cpu_s;    /* result: user + system time in seconds */
};

/* Runs the child to its end. *ret_status: its exit code, or 128 + n when signal n ended it. Fails when it
 * cannot be started (exec errors name the program), times out, says too much (with WL_PROC_ANSWER), or we are interrupted (the group is then
 * killed and reaped first). */
int wl_proc_run(struct wl_proc *p, int *ret_status, struct wl_err *err);

/* As wl_proc_run, and a status other than 0 is a failure that names argv[0]. */
int wl_proc_check(struct wl_proc *p, struct wl_err *err);

/* The full path of a program in PATH (or path itself when it has a slash and is executable); a new string, or
 * NULL. */
char *wl_proc_which(const char *name);

#endif
