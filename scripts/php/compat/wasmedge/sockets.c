/*
 * Sockets over the calls that WasmEdge adds to wasi_snapshot_preview1. What
 * works on a connected socket (recv, send, shutdown, poll, fcntl, close) is the
 * C library's own. Tried with WasmEdge 0.14.1:
 *
 * - Descriptors are random numbers of 31 bits.
 * - An address goes over as { buffer, length }: four or 16 bytes to the host,
 *   and from it 128 bytes, the family first. Ports are in the host's order.
 * - Families are numbered as in the C library; types, levels and options are not.
 * - write() to a connection that the other side has closed ends the runtime by
 *   SIGPIPE, send() fails with EPIPE. PHP's streams and server use send().
 */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct host_addr {
    void *buf;
    uint32_t len;
};

#define HOST_CALL(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

HOST_CALL(sock_open) int host_open(int family, int type, int *ret_fd);
HOST_CALL(sock_bind) int host_bind(int fd, struct host_addr *addr, int port);
HOST_CALL(sock_listen) int host_listen(int fd, int backlog);
HOST_CALL(sock_accept) int host_accept(int fd, int flags, int *ret_fd);
HOST_CALL(sock_connect) int host_connect(int fd, struct host_addr *addr, int port);
HOST_CALL(sock_getlocaladdr) int host_getlocaladdr(int fd, struct host_addr *addr, uint32_t *ret_port);
HOST_CALL(sock_getpeeraddr) int host_getpeeraddr(int fd, struct host_addr *addr, uint32_t *ret_port);
HOST_CALL(sock_setsockopt) int host_setsockopt(int fd, int level, int name, const void *value, uint32_t size);
HOST_CALL(sock_send_to)
int host_send_to(int fd, const struct iovec *data, uint32_t n, struct host_addr *addr, int port, int flags,
                 uint32_t *ret_size);
HOST_CALL(sock_recv_from)
int host_recv_from(int fd, struct iovec *data, uint32_t n, struct host_addr *addr, int flags, uint32_t *ret_port,
                   uint32_t *ret_size, uint32_t *ret_flags);
HOST_CALL(sock_getsockopt) int host_getsockopt(int fd, int level, int name, void *value, uint32_t *size);

/* 0, or -1 with the errno that a host call gave (which the C library numbers alike) */
static int result(int error) {
    if (error == 0) {
        return 0;
    }
    errno = error;
    return -1;
}

/* Addresses */

#define HOST_ADDR_SIZE 128 /* bytes that the host fills in */

/* addr as the host takes it; its port in the host's order to *ret_port */
static int to_host(const struct sockaddr *addr, socklen_t len, struct host_addr *ret, int *ret_port) {
    if (addr->sa_family == AF_INET && len >= (socklen_t)sizeof(struct sockaddr_in)) {
        struct sockaddr_in *in = (struct sockaddr_in *)addr;

        *ret = (struct host_addr){&in->sin_addr, sizeof(in->sin_addr)};
        *ret_port = ntohs(in->sin_port);
        return 0;
    }
    if (addr->sa_family == AF_INET6 && len >= (socklen_t)sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;

        *ret = (struct host_addr){&in6->sin6_addr, sizeof(in6->sin6_addr)};
        *ret_port = ntohs(in6->sin6_port);
        return 0;
    }
    errno = addr->sa_family == AF_INET || addr->sa_family == AF_INET6 ? EINVAL : EAFNOSUPPORT;
    return -1;
}

/* What the host filled in, cut off at *len as POSIX wants it, which then is the whole length. */
static void from_host(const unsigned char *bytes, uint32_t port, struct sockaddr *addr, socklen_t *len) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } whole;
    socklen_t size;
    uint16_t family;

    memset(&whole, 0, sizeof(whole));
    memcpy(&family, bytes, sizeof(family));
    if (family == AF_INET6) {
        whole.in6.sin6_family = AF_INET6;
        whole.in6.sin6_port = htons((uint16_t)port);
        memcpy(&whole.in6.sin6_addr, bytes + sizeof(family), sizeof(whole.in6.sin6_addr));
        size = sizeof(whole.in6);
    } else {
        whole.in.sin_family = AF_INET;
        whole.in.sin_port = htons((uint16_t)port);
        memcpy(&whole.in.sin_addr, bytes + sizeof(family), sizeof(whole.in.sin_addr));
        size = sizeof(whole.in);
    }
    memcpy(addr, &whole, *len < size ? *len : size);
    *len = size;
}

static int get_name(int (*call)(int, struct host_addr *, uint32_t *), int fd, struct sockaddr *addr, socklen_t *len) {
    unsigned char bytes[HOST_ADDR_SIZE] = {0};
    struct host_addr host = {bytes, sizeof(bytes)};
    uint32_t port = 0;

    if (result(call(fd, &host, &port)) < 0) {
        return -1;
    }
    from_host(bytes, port, addr, len);
    return 0;
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len) {
    return get_name(host_getlocaladdr, fd, addr, len);
}

int getpeername(int fd, struct sockaddr *addr, socklen_t *len) {
    return get_name(host_getpeeraddr, fd, addr, len);
}

/* Making and connecting */

#define HOST_DGRAM 1
#define HOST_STREAM 2

static int set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* The host's number of a type of socket, -1 when it has none. */
static int type_number(int type, int protocol) {
    if (type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP)) {
        return HOST_STREAM;
    }
    if (type == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP)) {
        return HOST_DGRAM;
    }
    errno = EPROTONOSUPPORT;
    return -1;
}

int socket(int domain, int type, int protocol) {
    int kind = type_number(type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol), fd;

    if (domain != AF_INET && domain != AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    if (kind < 0 || result(host_open(domain, kind, &fd)) < 0) {
        return -1;
    }
    if ((type & SOCK_NONBLOCK) && set_nonblocking(fd) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int bind(int fd, const struct sockaddr *addr, socklen_t len) {
    struct host_addr host;
    int port;

    return to_host(addr, len, &host, &port) < 0 ? -1 : result(host_bind(fd, &host, port));
}

int listen(int fd, int backlog) {
    return result(host_listen(fd, backlog));
}

int connect(int fd, const struct sockaddr *addr, socklen_t len) {
    struct host_addr host;
    int port;

    return to_host(addr, len, &host, &port) < 0 ? -1 : result(host_connect(fd, &host, port));
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags) {
    int connection;

    if (result(host_accept(fd, flags & SOCK_NONBLOCK ? __WASI_FDFLAGS_NONBLOCK : 0, &connection)) < 0) {
        return -1;
    }
    /* a client that has gone has no name any more, but what it sent can still be read */
    if (addr && getpeername(connection, addr, len) < 0) {
        memset(addr, 0, *len);
        addr->sa_family = AF_INET;
        *len = sizeof(struct sockaddr_in);
    }
    return connection;
}

int accept(int fd, struct sockaddr *addr, socklen_t *len) {
    return accept4(fd, addr, len, 0);
}

/* Options */

#define HOST_SOL_SOCKET 0

/* The host's number of an option, -1 when it has none. */
static int option_number(int level, int name) {
    static const struct {
        int here, host;
    } options[] = {
        {SO_REUSEADDR, 0}, {SO_TYPE, 1}, {SO_ERROR, 2}, {SO_BROADCAST, 4}, {SO_KEEPALIVE, 7},
    };

    for (size_t i = 0; level == SOL_SOCKET && i < sizeof(options) / sizeof(*options); i++) {
        if (options[i].here == name) {
            return options[i].host;
        }
    }
    errno = ENOPROTOOPT;
    return -1;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
    int option = option_number(level, name);

    return option < 0 ? -1 : result(host_setsockopt(fd, HOST_SOL_SOCKET, option, value, (uint32_t)len));
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len) {
    int option = option_number(level, name);
    uint32_t size = (uint32_t)*len;

    if (option < 0 || result(host_getsockopt(fd, HOST_SOL_SOCKET, option, value, &size)) < 0) {
        return -1;
    }
    if (name == SO_TYPE && size == sizeof(int)) {
        *(int *)value = *(int *)value == HOST_STREAM ? SOCK_STREAM : SOCK_DGRAM;
    }
    *len = (socklen_t)size;
    return 0;
}

/* Datagrams */

ssize_t sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *addr, socklen_t len) {
    struct iovec data = {(void *)buf, size};
    struct host_addr host;
    uint32_t sent;
    int port;

    if (!addr) {
        return send(fd, buf, size, flags);
    }
    if (to_host(addr, len, &host, &port) < 0 || result(host_send_to(fd, &data, 1, &host, port, flags, &sent)) < 0) {
        return -1;
    }
    return (ssize_t)sent;
}

ssize_t recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *len) {
    unsigned char bytes[HOST_ADDR_SIZE] = {0};
    struct host_addr host = {bytes, sizeof(bytes)};
    struct iovec data = {buf, size};
    uint32_t port = 0, got, ret_flags;

    if (!addr) {
        return recv(fd, buf, size, flags);
    }
    if (result(host_recv_from(fd, &data, 1, &host, flags, &port, &got, &ret_flags)) < 0) {
        return -1;
    }
    /* this port alone comes in the order of the network */
    from_host(bytes, ntohs((uint16_t)port), addr, len);
    return (ssize_t)got;
}

/* WasmEdge has no call for this one. */
int socketpair(int domain, int type, int protocol, int fds[2]) {
    (void)domain, (void)type, (void)protocol, (void)fds;
    errno = ENOSYS;
    return -1;
}
