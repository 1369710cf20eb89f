#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs.h"
#include "isolate.h"
#include "mem.h"

#define CLEANUP_MAX 64  /* temporary paths remembered at once; more are removed only by their owners */
#define CHILDREN_MAX 32 /* process groups that a signal is passed to */
#define SIGNAL_DOUBLE_MS 300
#define KILL_GRACE_MS 2000u /* between SIGTERM and SIGKILL */

static volatile sig_atomic_t got_signal;
static struct timespec first_signal; /* written by the handler alone */
static char cleanup_paths[CLEANUP_MAX][PATH_MAX];
static volatile pid_t children[CHILDREN_MAX];
static volatile pid_t foreground_child; /* in our own process group */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* Whether the second signal is the first one once more: a shell's or make's Ctrl-C and timeout's signal come to the process and to its
 * group. */
static bool is_double(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - first_signal.tv_sec) * 1000 + (now.tv_nsec - first_signal.tv_nsec) / 1000000 <
           SIGNAL_DOUBLE_MS;
}

static void on_signal(int sig, siginfo_t *info, void *context) {
    (void)context;
    /* A terminal's Ctrl-C has reached a foreground child already; what somebody sent to us alone is passed on. */
    if (foreground_child > 0 && info->si_code <= 0)
        kill(foreground_child, sig);
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (children[i] > 0)
            kill(-children[i], SIGTERM);
    if (got_signal && !is_double()) {
        for (int i = 0; i < CLEANUP_MAX; i++)
            if (cleanup_paths[i][0])
                unlink(cleanup_paths[i]);
        _exit(128 + sig);
    }
    if (!got_signal)
        clock_gettime(CLOCK_MONOTONIC, &first_signal);
    got_signal = sig;
}

void wl_signals_init(void) {
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    struct sigaction hup;

    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL); /* also where a shell's "&" ignores it: who sends it to us alone means it */
    sigaction(SIGTERM, &sa, NULL);
    if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN) /* nohup */
        sigaction(SIGHUP, &sa, NULL);
    sa.sa_flags = 0;
    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
}

bool wl_interrupted(void) {
    return got_signal != 0;
}

int wl_signal_number(void) {
    return got_signal;
}

void wl_cleanup_add(const char *path) {
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < CLEANUP_MAX; i++) {
        if (cleanup_paths[i][0] || strlen(path) >= PATH_MAX)
            continue;
        memcpy(cleanup_paths[i] + 1, path + 1, strlen(path));
        cleanup_paths[i][0] = path[0]; /* last, so that the handler never sees half a path */
        break;
    }
    pthread_mutex_unlock(&mutex);
}

void wl_cleanup_remove(const char *path) {
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < CLEANUP_MAX; i++)
        if (strcmp(cleanup_paths[i], path) == 0)
            cleanup_paths[i][0] = '\0';
    pthread_mutex_unlock(&mutex);
}

static void child_register(pid_t pid, pid_t from) {
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < CHILDREN_MAX; i++) {
        if (children[i] == from) {
            children[i] = pid;
            break;
        }
    }
    pthread_mutex_unlock(&mutex);
}

char *wl_proc_which(const char *name) {
    const char *path = getenv("PATH");
    struct stat st;

    if (strchr(name, '/'))
        return access(name, X_OK) == 0 ? wl_strdup(name) : NULL;
    while (path && *path) {
        size_t n = strcspn(path, ":");
        WL_AUTOFREE char *full = wl_sprintf("%.*s/%s", (int)n, path, name);

        if (n > 0 && access(full, X_OK) == 0 && stat(full, &st) == 0 && S_ISREG(st.st_mode))
            return WL_STEAL(full);
        path += n + (path[n] == ':');
    }
    return NULL;
}

/* The descriptors of one run: [0] is our end, [1] the child's. */
struct pipes {
    int in[2], out[2], err[2], log;
};

static void pipes_close(struct pipes *p) {
    for (int i = 0; i < 2; i++) {
        wl_closep(&p->in[i]);
        wl_closep(&p->out[i]);
        wl_closep(&p->err[i]);
        p->in[i] = p->out[i] = p->err[i] = -1;
    }
    wl_closep(&p->log);
    p->log = -1;
}

static void close_child_ends(struct pipes *p) {
    int *fds[] = {&p->in[1], &p->out[1], &p->err[1], &p->log};

    for (size_t i = 0; i < WL_ARRAY_LEN(fds); i++) {
        wl_closep(fds[i]);
        *fds[i] = -1;
    }
}

static int open_pipe(int ours_read, int fds[2], struct wl_err *err) {
    int p[2];

    if (pipe2(p, O_CLOEXEC) < 0)
        return wl_fail_errno(err, errno, "cannot make a pipe");
    fds[0] = ours_read ? p[0] : p[1];
    fds[1] = ours_read ? p[1] : p[0];
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    return 0;
}

static int pipes_open(struct pipes *ps, const struct wl_proc *p, struct wl_err *err) {
    if (p->log_path) {
        if (wl_fs_mkdirs_parent(p->log_path, err) < 0)
            return -1;
        ps->log = open(p->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (ps->log < 0)
            return wl_fail_errno(err, errno, "cannot open the log %s", p->log_path);
    }
    if (p->input.p && open_pipe(0, ps->in, err) < 0)
        return -1;
    if (p->out && open_pipe(1, ps->out, err) < 0)
        return -1;
    if (p->errout && open_pipe(1, ps->err, err) < 0)
        return -1;
    return 0;
}

/* In the child: never returns. Errors go through report_fd as an errno. */
static void child_exec(const struct wl_proc *p, const char *program, struct pipes *ps, int report_fd) {
    int e;
    int nul;

    if (!(p->flags & WL_PROC_FOREGROUND))
        setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    if (p->flags & WL_PROC_TIED)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (p->flags & WL_PROC_NO_NETWORK)
        (void)wl_net_cut(); /* whoever asks has been told by wl_net_can_cut */
    nul = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (p->input.p)
        dup2(ps->in[1], 0);
    else if (!(p->flags & WL_PROC_FOREGROUND))
        dup2(nul, 0);
    if (p->out)
        dup2(ps->out[1], 1);
    else if (ps->log >= 0)
        dup2(ps->log, 1);
    if (p->errout)
        dup2(ps->err[1], 2);
    else if (p->flags & WL_PROC_MERGE)
        dup2(1, 2);
    else if (ps->log >= 0)
        dup2(ps->log, 2);
    if (!p->cwd || chdir(p->cwd) == 0) {
        if (p->env)
            execve(program, (char *const *)p->argv, (char *const *)p->env);
        else
            execv(program, (char *const *)p->argv);
    }
    e = errno;
    (void)!write(report_fd, &e, sizeof(e));
    _exit(127);
}

static long long now_ms(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Reads what is there; closes the descriptor at its end. */
static void drain(int *fd, struct wl_buf *b) {
    char chunk[65536];
    ssize_t n = read(*fd, chunk, sizeof(chunk));

    if (n > 0) {
        size_t room = b->max ? b->max - b->len : (size_t)n;

        if ((size_t)n > room) {
            wl_buf_add(b, chunk, room);
            b->overflow = true;
        } else {
            wl_buf_add(b, chunk, (size_t)n);
        }
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
}

static void feed(int *fd, struct wl_blob *in) {
    ssize_t n = in->len ? write(*fd, in->p, in->len) : 0;

    if (n > 0) {
        in->p += n;
        in->len -= (size_t)n;
    }
    if (in->len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
}

enum end { END_EXIT, END_TIMEOUT, END_SIGNAL, END_TOO_MUCH };

static bool says_too_much(const struct wl_proc *p) {
    return (p->out && p->out->overflow) || (p->errout && p->errout->overflow);
}

/* Waits at most so long for bytes and moves them. */
static void move_bytes(struct wl_proc *p, struct pipes *ps, struct wl_blob *in, int wait_ms) {
    struct pollfd fds[3] = {{.fd = ps->out[0], .events = POLLIN},
                            {.fd = ps->err[0], .events = POLLIN},
                            {.fd = ps->in[0], .events = POLLOUT}};

    poll(fds, 3, wait_ms);
    if (ps->out[0] >= 0 && fds[0].revents)
        drain(&ps->out[0], p->out);
    if (ps->err[0] >= 0 && fds[1].revents)
        drain(&ps->err[0], p->errout);
    if (ps->in[0] >= 0 && fds[2].revents)
        feed(&ps->in[0], in);
}

static bool has_bytes(int fd) {
    return fd >= 0 && poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 1;
}

/* WL_PROC_ANSWER: whether it is over although somebody holds its output open, and how. */
static bool answered(struct wl_proc *p, struct pipes *ps, pid_t pid, int *wstatus, struct rusage *ru, enum end *ret) {
    *ret = END_TOO_MUCH;
    if (says_too_much(p))
        return true;
    if (wait4(pid, wstatus, WNOHANG, ru) != pid)
        return false;
    while (!says_too_much(p) && (has_bytes(ps->out[0]) || has_bytes(ps->err[0]))) {
        struct wl_blob none = {0};

        move_bytes(p, ps, &none, 0);
    }
    *ret = END_EXIT;
    return true;
}

/* Moves bytes until the child has closed its ends and is gone, the time is over or a signal came. */
static enum end pump(struct wl_proc *p, struct pipes *ps, pid_t pid, int *wstatus, struct rusage *ru) {
    struct wl_blob in = p->input;
    long long end = p->timeout_ms ? now_ms() + p->timeout_ms : 0;
    int wait_ms = 1;

    for (;;) {
        bool open_ends = ps->out[0] >= 0 || ps->err[0] >= 0 || ps->in[0] >= 0;
        enum end how;

        if (!open_ends && !end && !wl_interrupted()) {
            if (wait4(pid, wstatus, 0, ru) == pid)
                return END_EXIT;
        } else if (!open_ends && wait4(pid, wstatus, WNOHANG, ru) == pid) {
            return END_EXIT;
        }
        if (open_ends && (p->flags & WL_PROC_ANSWER) && answered(p, ps, pid, wstatus, ru, &how))
            return how;
        if (wl_interrupted() && !(p->flags & WL_PROC_FOREGROUND))
            return END_SIGNAL;
        if (end && now_ms() >= end)
            return END_TIMEOUT;
        move_bytes(p, ps, &in, open_ends ? (end ? 50 : 500) : wait_ms);
        wait_ms = wait_ms < 50 ? wait_ms * 2 : 50;
    }
}

static void kill_group(pid_t pid, bool foreground, int *wstatus, struct rusage *ru) {
    long long end = now_ms() + KILL_GRACE_MS;
    pid_t target = foreground ? pid : -pid;

    kill(target, SIGTERM);
    while (now_ms() < end) {
        if (wait4(pid, wstatus, WNOHANG, ru) == pid) {
            kill(target, SIGKILL); /* what is left of the group */
            return;
        }
        poll(NULL, 0, 10);
    }
    kill(target, SIGKILL);
    while (wait4(pid, wstatus, 0, ru) < 0 && errno == EINTR)
        ;
}

static int start(struct wl_proc *p, const char *program, struct pipes *ps, pid_t *ret_pid, struct wl_err *err) {
    WL_AUTO(wl_closep) int report_r = -1;
    int report[2];
    int e = 0;
    pid_t pid;
    ssize_t n;

    if (pipe2(report, O_CLOEXEC) < 0)
        return wl_fail_errno(err, errno, "cannot make a pipe");
    report_r = report[0];
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        child_exec(p, program, ps, report[1]);
    close(report[1]);
    close_child_ends(ps);
    if (pid < 0)
        return wl_fail_errno(err, errno, "cannot start %s", program);
    if (!(p->flags & WL_PROC_FOREGROUND))
        setpgid(pid, pid);
    do
        n = read(report_r, &e, sizeof(e));
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        waitpid(pid, NULL, 0);
        return wl_fail_errno(err, e, "cannot start %s%s%s", program, p->cwd ? " in " : "", p->cwd ? p->cwd : "");
    }
    *ret_pid = pid;
    return 0;
}

int wl_proc_run(struct wl_proc *p, int *ret_status, struct wl_err *err) {
    WL_AUTO(pipes_close) struct pipes ps = {{-1, -1}, {-1, -1}, {-1, -1}, -1};
    WL_AUTOFREE char *program = wl_proc_which(p->argv[0]);
    bool foreground = p->flags & WL_PROC_FOREGROUND;
    struct rusage ru = {0};
    int wstatus = 0;
    pid_t pid = -1;
    enum end end;

    if (!program)
        return wl_fail(err, WL_FAILED, "%s: no such program", p->argv[0]);
    if (wl_interrupted())
        return wl_fail(err, WL_FAILED, "interrupted");
    if (pipes_open(&ps, p, err) < 0 || start(p, program, &ps, &pid, err) < 0)
        return -1;
    if (foreground)
        foreground_child = pid;
    else
        child_register(pid, 0);
    /* one that came while it was being started: until its exec it had our handler, so a terminal's was lost on it, too */
    if (foreground && wl_interrupted())
        kill(pid, wl_signal_number());
    end = pump(p, &ps, pid, &wstatus, &ru);
    if (end != END_EXIT)
        kill_group(pid, foreground, &wstatus, &ru);
    if (foreground)
        foreground_child = 0;
    else
        child_register(0, pid);
    p->max_rss_kb = ru.ru_maxrss;
    p->cpu_s = (double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6 + (double)ru.ru_stime.tv_sec +
               (double)ru.ru_stime.tv_usec / 1e6;
    if (end == END_TIMEOUT)
        return wl_fail(err, WL_FAILED, "%s did not end within %u seconds", p->argv[0], p->timeout_ms / 1000);
    if (end == END_TOO_MUCH)
        return wl_fail(err, WL_FAILED, "%s: more than %zu bytes of output", p->argv[0],
                       p->out && p->out->overflow ? p->out->max : p->errout->max);
    if (end == END_SIGNAL || (wl_interrupted() && !foreground))
        return wl_fail(err, WL_FAILED, "interrupted while %s was running", wl_path_base(p->argv[0]));
    *ret_status = WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
    return 0;
}

int wl_proc_check(struct wl_proc *p, struct wl_err *err) {
    int status;

    if (wl_proc_run(p, &status, err) < 0)
        return -1;
    if (status > 128)
        return wl_fail(err, WL_FAILED, "%s was ended by signal %d", p->argv[0], status - 128);
    if (status != 0)
        return wl_fail(err, WL_FAILED, "%s failed with exit code %d", p->argv[0], status);
    return 0;
}
