#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"

/* "ID ID 1\n" for uid_map and gid_map, without stdio. */
static size_t format_map(char *out, unsigned long id) {
    char digits[24];
    size_t n = 0, len = 0;

    do
        digits[n++] = (char)('0' + id % 10);
    while ((id /= 10) > 0);
    for (int round = 0; round < 2; round++) {
        for (size_t i = n; i > 0; i--)
            out[len++] = digits[i - 1];
        out[len++] = ' ';
    }
    out[len++] = '1';
    out[len++] = '\n';
    return len;
}

static int put(const char *path, const char *p, size_t n) {
    WL_AUTO(wl_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, p, n) == (ssize_t)n ? 0 : -1;
}

int wl_net_cut(void) {
    unsigned long uid = geteuid(), gid = getegid();
    char map[64];

    if (unshare(CLONE_NEWNET) == 0)
        return 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return -1;
    (void)put("/proc/self/setgroups", "deny", 4);
    if (put("/proc/self/uid_map", map, format_map(map, uid)) < 0)
        return -1;
    return put("/proc/self/gid_map", map, format_map(map, gid));
}

bool wl_net_can_cut(void) {
    static int answer = -1;
    int status = 1;
    pid_t pid;

    if (answer >= 0)
        return answer;
    pid = fork();
    if (pid == 0)
        _exit(wl_net_cut() < 0);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    answer = pid > 0 && status == 0;
    return answer;
}
