/*
 * Functions that POSIX has and WASI preview 1 has not; see README. For the
 * one that the C library has too, link with --wrap=close.
 */
#include "locks.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <ucontext.h>
#include <unistd.h>

static int not_here(void) {
    errno = ENOSYS;
    return -1;
}

/*
 * Shared descriptors. A copy has the number of its original; what is counted
 * are the owners beyond the first.
 */

struct shared_fd {
    int fd;
    int more;
    struct shared_fd *next;
};

static struct shared_fd *shared_fds;

int __real_close(int fd);

static struct shared_fd **find_shared(int fd) {
    struct shared_fd **at = &shared_fds;

    while (*at && (*at)->fd != fd) {
        at = &(*at)->next;
    }
    return at;
}

int dup(int fd) {
    struct shared_fd **at;

    /* F_GETFD answers without asking */
    if (fcntl(fd, F_GETFL) < 0) {
        errno = EBADF;
        return -1;
    }
    at = find_shared(fd);
    if (!*at) {
        *at = calloc(1, sizeof(**at));
        if (!*at) {
            errno = EMFILE;
            return -1;
        }
        (*at)->fd = fd;
    }
    (*at)->more++;
    return fd;
}

int dup2(int from, int to) {
    if (from != to) {
        return not_here();
    }
    return fcntl(from, F_GETFL) < 0 ? -1 : to;
}

int __wrap_close(int fd) {
    struct shared_fd **at = find_shared(fd), *last = *at;

    if (last && --last->more >= 0) {
        return 0;
    }
    if (last) {
        *at = last->next;
        free(last);
    }
    compat_unlock(fd);
    return __real_close(fd);
}

int pipe(int fds[2]) {
    (void)fds;
    return not_here();
}

int getdtablesize(void) {
    /* as many as select() can take */
    return 1024;
}

/* Files. */

#define TEMP_ATTEMPTS 100

static bool make_temp_name(char *tail) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    unsigned char random[6];
    int i;

    if (getentropy(random, sizeof(random)) < 0) {
        return false;
    }
    for (i = 0; i < 6; i++) {
        tail[i] = letters[random[i] % (sizeof(letters) - 1)];
    }
    return true;
}

static char *temp_tail(char *name) {
    size_t len = strlen(name);

    if (len < 6 || memcmp(name + len - 6, "XXXXXX", 6) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return name + len - 6;
}

int mkstemp(char *name) {
    char *tail = temp_tail(name);
    int i, fd;

    for (i = 0; tail && i < TEMP_ATTEMPTS; i++) {
        if (!make_temp_name(tail)) {
            break;
        }
        fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd >= 0) {
            return fd;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    if (tail) {
        memcpy(tail, "XXXXXX", 6);
    }
    return -1;
}

char *mkdtemp(char *name) {
    char *tail = temp_tail(name);
    int i;

    for (i = 0; tail && i < TEMP_ATTEMPTS; i++) {
        if (!make_temp_name(tail)) {
            break;
        }
        if (mkdir(name, 0700) == 0) {
            return name;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    if (tail) {
        memcpy(tail, "XXXXXX", 6);
    }
    return NULL;
}

FILE *tmpfile(void) {
    char name[] = "/tmp/tmpfile_XXXXXX";
    int fd = mkstemp(name);
    FILE *file;

    if (fd < 0) {
        return NULL;
    }
    unlink(name);
    file = fdopen(fd, "w+");
    if (!file) {
        close(fd);
    }
    return file;
}

int mkfifo(const char *path, mode_t mode) {
    (void)path, (void)mode;
    return not_here();
}

int mknod(const char *path, mode_t mode, dev_t device) {
    (void)path, (void)mode, (void)device;
    return not_here();
}

char *ttyname(int fd) {
    (void)fd;
    errno = ENOTTY;
    return NULL;
}

int ttyname_r(int fd, char *name, size_t size) {
    (void)fd, (void)name, (void)size;
    return ENOTTY;
}

/* Processes: there is one. */

pid_t fork(void) {
    return not_here();
}

int execve(const char *path, char *const argv[], char *const envp[]) {
    (void)path, (void)argv, (void)envp;
    return not_here();
}

int execvp(const char *file, char *const argv[]) {
    (void)file, (void)argv;
    return not_here();
}

int execl(const char *path, const char *arg0, ...) {
    (void)path, (void)arg0;
    return not_here();
}

int execle(const char *path, const char *arg0, ...) {
    (void)path, (void)arg0;
    return not_here();
}

int system(const char *command) {
    /* NULL asks whether there is a shell */
    return command ? not_here() : 0;
}

FILE *popen(const char *command, const char *mode) {
    (void)command, (void)mode;
    errno = ENOSYS;
    return NULL;
}

int pclose(FILE *stream) {
    (void)stream;
    return not_here();
}

pid_t wait(int *status) {
    (void)status;
    errno = ECHILD;
    return -1;
}

pid_t waitpid(pid_t pid, int *status, int options) {
    (void)pid, (void)options;
    return wait(status);
}

pid_t getppid(void) {
    return 0;
}

pid_t getpgrp(void) {
    return getpid();
}

pid_t getpgid(pid_t pid) {
    if (pid != 0 && pid != getpid()) {
        errno = ESRCH;
        return -1;
    }
    return getpid();
}

pid_t getsid(pid_t pid) {
    return getpgid(pid);
}

pid_t setsid(void) {
    errno = EPERM;
    return -1;
}

int setpgid(pid_t pid, pid_t group) {
    (void)pid, (void)group;
    errno = EPERM;
    return -1;
}

unsigned alarm(unsigned seconds) {
    (void)seconds;
    return 0;
}

/* Contexts: the stack cannot be changed. */

int getcontext(ucontext_t *context) {
    (void)context;
    return not_here();
}

int setcontext(const ucontext_t *context) {
    (void)context;
    return not_here();
}

void makecontext(ucontext_t *context, void (*function)(void), int count, ...) {
    (void)context, (void)function, (void)count;
}

int swapcontext(ucontext_t *save, const ucontext_t *context) {
    (void)save, (void)context;
    return not_here();
}

/* Signals: none arrive from outside. */

int kill(pid_t pid, int sig) {
    if (pid != 0 && pid != getpid()) {
        errno = ESRCH;
        return -1;
    }
    return sig == 0 ? 0 : raise(sig);
}

int sigaction(int sig, const struct sigaction *act, struct sigaction *old) {
    void (*before)(int) = signal(sig, act ? act->sa_handler : SIG_DFL);

    if (before == SIG_ERR) {
        return -1;
    }
    if (!act) {
        signal(sig, before);
    }
    if (old) {
        memset(old, 0, sizeof(*old));
        old->sa_handler = before;
    }
    return 0;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
    (void)how, (void)set;
    if (old) {
        memset(old, 0, sizeof(*old));
    }
    return 0;
}

int sigemptyset(sigset_t *set) {
    memset(set, 0, sizeof(*set));
    return 0;
}

int sigfillset(sigset_t *set) {
    memset(set, 0xff, sizeof(*set));
    return 0;
}

static bool bad_signal(int sig) {
    if (sig >= 1 && (size_t)sig <= 8 * sizeof(sigset_t)) {
        return false;
    }
    errno = EINVAL;
    return true;
}

int sigaddset(sigset_t *set, int sig) {
    if (bad_signal(sig)) {
        return -1;
    }
    ((unsigned char *)set)[(sig - 1) / 8] |= 1u << ((sig - 1) % 8);
    return 0;
}

int sigdelset(sigset_t *set, int sig) {
    if (bad_signal(sig)) {
        return -1;
    }
    ((unsigned char *)set)[(sig - 1) / 8] &= ~(1u << ((sig - 1) % 8));
    return 0;
}

int sigismember(const sigset_t *set, int sig) {
    if (bad_signal(sig)) {
        return -1;
    }
    return ((const unsigned char *)set)[(sig - 1) / 8] >> ((sig - 1) % 8) & 1;
}

/* Users and groups: number 0, without a name. */

uid_t getuid(void) {
    return 0;
}

uid_t geteuid(void) {
    return 0;
}

gid_t getgid(void) {
    return 0;
}

gid_t getegid(void) {
    return 0;
}

static int stay_zero(unsigned id) {
    if (id != 0) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

int setuid(uid_t uid) {
    return stay_zero(uid);
}

int seteuid(uid_t uid) {
    return stay_zero(uid);
}

int setgid(gid_t gid) {
    return stay_zero(gid);
}

int setegid(gid_t gid) {
    return stay_zero(gid);
}

int getgroups(int count, gid_t list[]) {
    (void)count, (void)list;
    return 0;
}

int initgroups(const char *user, gid_t group) {
    (void)user, (void)group;
    errno = EPERM;
    return -1;
}

char *getlogin(void) {
    errno = ENOENT;
    return NULL;
}

/* The log of a system without a daemon for it. */

void openlog(const char *ident, int option, int facility) {
    (void)ident, (void)option, (void)facility;
}

void vsyslog(int priority, const char *format, va_list args) {
    (void)priority, (void)format, (void)args;
}

void syslog(int priority, const char *format, ...) {
    (void)priority, (void)format;
}

void closelog(void) {
}
