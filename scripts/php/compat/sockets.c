/*
 * Sockets: preview 1 can use one that it was given, and make none. The flavour
 * with sockets links wasmedge/sockets.c in front of this file instead.
 */
#include <errno.h>
#include <sys/socket.h>

static int not_here(void) {
    errno = ENOSYS;
    return -1;
}

int socket(int domain, int type, int protocol) {
    (void)domain, (void)type, (void)protocol;
    return not_here();
}

int socketpair(int domain, int type, int protocol, int fds[2]) {
    (void)domain, (void)type, (void)protocol, (void)fds;
    return not_here();
}

int bind(int fd, const struct sockaddr *addr, socklen_t len) {
    (void)fd, (void)addr, (void)len;
    return not_here();
}

int listen(int fd, int backlog) {
    (void)fd, (void)backlog;
    return not_here();
}

int connect(int fd, const struct sockaddr *addr, socklen_t len) {
    (void)fd, (void)addr, (void)len;
    return not_here();
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len) {
    (void)fd, (void)addr, (void)len;
    return not_here();
}

int getpeername(int fd, struct sockaddr *addr, socklen_t *len) {
    (void)fd, (void)addr, (void)len;
    return not_here();
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
    (void)fd, (void)level, (void)name, (void)value, (void)len;
    return not_here();
}

ssize_t sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *addr, socklen_t len) {
    (void)len;
    return addr ? not_here() : send(fd, buf, size, flags);
}

ssize_t recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *len) {
    if (addr && len) {
        *len = 0;
    }
    return recv(fd, buf, size, flags);
}
