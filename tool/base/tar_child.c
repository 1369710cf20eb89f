/* wl_tar_extract: the unpacking is done by a child. An archive that makes a decompressor ask for gigabytes, or finds a bug in one,
 * ends the child and not us; and its memory (an xz dictionary alone is up to 64 MB in ordinary sources) goes with it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs.h"
#include "mem.h"
#include "proc.h"
#include "tar_internal.h"

#define CHILD_MEMORY (1ull << 30) /* bytes of data a decompressor may use */

/* AddressSanitizer maps terabytes. gcc and clang say differently that it is there. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* What the child says through the pipe. */
enum kind { SAYS_PROGRESS, SAYS_DONE, SAYS_FAILED };
struct message {
    enum kind kind;
    union {
        struct {
            uint64_t done, total;
        } progress;
        struct wl_tar_stats stats;
        struct wl_err err;
    };
};

/* --- The child ------------------------------------------------------------------------------------------------------ */

static void say(int fd, const struct message *m) {
    if (wl_write_all(fd, m, sizeof(*m)) < 0)
        _exit(1); /* nobody listens any more */
}

static void child_progress(void *arg, const char *what, uint64_t done, uint64_t total, bool finished) {
    struct message m = {.kind = SAYS_PROGRESS, .progress = {done, total}};

    (void)what;
    if (!finished) /* the last report is the parent's, when all went well */
        say(*(int *)arg, &m);
}

static void limit_memory(void) {
#ifndef SANITIZED
    const struct rlimit data = {CHILD_MEMORY, CHILD_MEMORY};
    const struct rlimit core = {0, 0};

    setrlimit(RLIMIT_DATA, &data);
    setrlimit(RLIMIT_CORE, &core);
#endif
}

static void child(const struct wl_tar_extract *spec, int fd, pid_t parent) {
    const struct wl_progress progress = {.report = child_progress, .arg = &fd};
    struct wl_tar_extract mine = *spec;
    struct message m = {.kind = SAYS_DONE};
    struct wl_err err;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    limit_memory();
    if (spec->progress && spec->progress->report)
        mine.progress = &progress;
    if (wl_tar_extract_here(&mine, &m.stats, &err) < 0) {
        m.kind = SAYS_FAILED;
        m.err = err;
    }
    say(fd, &m);
    _exit(0);
}

/* --- The parent ----------------------------------------------------------------------------------------------------- */

/* One whole message; *ret_end when the child closed the pipe. Interrupted: the child is told to stop, and we go on
 * listening until it did. */
static int hear(int fd, pid_t pid, struct message *ret, bool *ret_end, struct wl_err *err) {
    size_t got = 0;

    while (got < sizeof(*ret)) {
        ssize_t n = read(fd, (char *)ret + got, sizeof(*ret) - got);

        if (n < 0 && errno == EINTR) {
            if (wl_interrupted())
                kill(pid, SIGTERM);
            continue;
        }
        if (n < 0)
            return wl_fail_errno(err, errno, "cannot listen to the child that unpacks");
        if (n == 0) {
            *ret_end = true;
            return 0;
        }
        got += (size_t)n;
    }
    *ret_end = false;
    return 0;
}

static void report(const struct wl_tar_extract *spec, const struct message *m, bool finished) {
    const struct wl_progress *p = spec->progress;

    if (p && p->report)
        p->report(p->arg, wl_path_base(spec->archive), m->progress.done, m->progress.total, finished);
}

/* Listens until the child ends; its last word is the result. */
static int listen_to(const struct wl_tar_extract *spec, int fd, pid_t pid, struct wl_tar_stats *ret,
                     struct wl_err *err) {
    struct message progress = {0};
    struct message m;
    bool end = false;

    for (;;) {
        if (hear(fd, pid, &m, &end, err) < 0)
            return -1;
        if (end)
            return wl_fail(err, WL_FAILED, "%s: unpacking it ended the process that did it: refused", spec->archive);
        if (m.kind == SAYS_FAILED) {
            *err = m.err;
            return -1;
        }
        if (m.kind == SAYS_DONE)
            break;
        progress = m;
        report(spec, &m, false);
    }
    progress.progress.done = progress.progress.total;
    if (progress.progress.total > 0)
        report(spec, &progress, true);
    *ret = m.stats;
    return 0;
}

static int in_child(const struct wl_tar_extract *spec, struct wl_tar_stats *ret, struct wl_err *err) {
    WL_AUTO(wl_closep) int in = -1;
    pid_t parent = getpid();
    int fds[2];
    pid_t pid;
    int rc;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return wl_fail_errno(err, errno, "cannot make a pipe");
    in = fds[0];
    pid = fork();
    if (pid == 0) {
        close(in);
        child(spec, fds[1], parent);
    }
    close(fds[1]);
    if (pid < 0)
        return wl_fail_errno(err, errno, "cannot start a process to unpack %s", spec->archive);
    rc = listen_to(spec, in, pid, ret, err);
    if (rc < 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return rc;
}

/* *ret_made: dest was missing and is there now. An existing one must be empty. */
static int prepare_dest(const char *dest, bool *ret_made, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    *ret_made = !wl_fs_exists(dest);
    if (*ret_made)
        return wl_fs_mkdirs(dest, err);
    if (wl_fs_list(dest, &names, err) < 0)
        return -1;
    if (names.n > 0)
        return wl_fail(err, WL_FAILED, "%s is not empty; nothing is unpacked over what is there", dest);
    return 0;
}

/* Puts dest back to what it was; the error that brought us here counts. */
static void undo(const char *dest, bool made) {
    struct wl_err ignored;

    wl_fs_remove(dest, &ignored);
    if (!made)
        wl_fs_mkdirs(dest, &ignored);
}

int wl_tar_extract(const struct wl_tar_extract *spec, struct wl_tar_stats *ret, struct wl_err *err) {
    struct wl_tar_stats stats = {0};
    bool made = false;

    if (prepare_dest(spec->dest, &made, err) < 0)
        return -1;
    if (in_child(spec, &stats, err) < 0) {
        undo(spec->dest, made);
        return -1;
    }
    if (ret)
        *ret = stats;
    return 0;
}
