#include "forked.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs.h"
#include "mem.h"
#include "proc.h"

/* The first thing that the child says; then the result or the error. */
struct word {
    int rc;
};

static void child(int (*fn)(void *arg, void *ret, struct wl_err *err), void *arg, size_t ret_size, int fd,
                  pid_t parent) {
    WL_AUTOFREE char *ret = wl_calloc(1, ret_size + 1);
    struct wl_err err = {0};
    struct word word;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    word.rc = fn(arg, ret, &err);
    if (wl_write_all(fd, &word, sizeof(word)) == 0)
        (void)!wl_write_all(fd, word.rc < 0 ? (const void *)&err : ret, word.rc < 0 ? sizeof(err) : ret_size);
    _exit(0);
}

/* 0: all n bytes came. */
static int hear(int fd, void *p, size_t n) {
    char *c = p;

    while (n > 0) {
        ssize_t r = read(fd, c, n);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return -1;
        c += r;
        n -= (size_t)r;
    }
    return 0;
}

static int listen_to(const char *what, int fd, void *ret, size_t ret_size, struct wl_err *err) {
    WL_AUTOFREE char *result = wl_calloc(1, ret_size + 1);
    struct wl_err theirs;
    struct word word;

    if (hear(fd, &word, sizeof(word)) < 0 ||
        hear(fd, word.rc < 0 ? (void *)&theirs : result, word.rc < 0 ? sizeof(theirs) : ret_size) < 0)
        return wl_fail(err, WL_FAILED, "%s: the process that did it was ended", what);
    if (word.rc < 0)
        *err = theirs;
    else
        memcpy(ret, result, ret_size);
    return word.rc < 0 ? -1 : 0;
}

int wl_forked(const char *what, int (*fn)(void *arg, void *ret, struct wl_err *err), void *arg, void *ret,
              size_t ret_size, long *ret_rss_kb, struct wl_err *err) {
    WL_AUTO(wl_closep) int in = -1;
    struct rusage usage = {0};
    pid_t parent = getpid();
    int fds[2];
    pid_t pid;
    int rc;

    if (wl_interrupted())
        return wl_fail(err, WL_FAILED, "interrupted");
    if (pipe2(fds, O_CLOEXEC) < 0)
        return wl_fail_errno(err, errno, "cannot make a pipe");
    in = fds[0];
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(in);
        child(fn, arg, ret_size, fds[1], parent);
    }
    close(fds[1]);
    if (pid < 0)
        return wl_fail_errno(err, errno, "%s: cannot start a process", what);
    rc = listen_to(what, in, ret, ret_size, err);
    while (wait4(pid, NULL, 0, &usage) < 0 && errno == EINTR)
        ;
    if (ret_rss_kb)
        *ret_rss_kb = usage.ru_maxrss;
    return rc;
}
