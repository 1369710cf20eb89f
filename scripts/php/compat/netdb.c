/*
 * Names of hosts, services and protocols, without /etc: numeric addresses,
 * "localhost", the numbers that never change, and whatever compat_resolve knows.
 */
#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int h_errno;

static char *no_aliases[] = {NULL};

int gethostname(char *name, size_t size) {
    static const char host[] = "localhost";

    if (size < sizeof(host)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, host, sizeof(host));
    return 0;
}

in_addr_t inet_addr(const char *text) {
    struct in_addr addr;

    return inet_aton(text, &addr) ? addr.s_addr : INADDR_NONE;
}

char *inet_ntoa(struct in_addr addr) {
    static char text[INET_ADDRSTRLEN];

    return (char *)inet_ntop(AF_INET, &addr, text, sizeof(text));
}

static int is_localhost(const char *name) {
    return strcasecmp(name, "localhost") == 0;
}

struct hostent *gethostbyname(const char *name) {
    static struct in_addr addr;
    static char *addrs[] = {(char *)&addr, NULL};
    static char host[NI_MAXHOST];
    static struct hostent entry = {host, no_aliases, AF_INET, sizeof(addr), addrs};

    struct compat_address found;

    if (strlen(name) >= sizeof(host)) {
        h_errno = HOST_NOT_FOUND;
        return NULL;
    }
    if (is_localhost(name)) {
        addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (!inet_aton(name, &addr)) {
        if (compat_resolve(name, AF_INET, &found, 1) == 0) {
            h_errno = HOST_NOT_FOUND;
            return NULL;
        }
        memcpy(&addr, found.bytes, sizeof(addr));
    }
    memcpy(host, name, strlen(name) + 1);
    return &entry;
}

struct hostent *gethostbyaddr(const void *bytes, socklen_t len, int family) {
    struct in_addr addr;

    if (family == AF_INET && len == sizeof(addr)) {
        memcpy(&addr, bytes, sizeof(addr));
        if (addr.s_addr == htonl(INADDR_LOOPBACK)) {
            return gethostbyname("localhost");
        }
    }
    h_errno = HOST_NOT_FOUND;
    return NULL;
}

static struct protoent protocols[] = {
    {"ip", no_aliases, IPPROTO_IP},   {"icmp", no_aliases, IPPROTO_ICMP}, {"tcp", no_aliases, IPPROTO_TCP},
    {"udp", no_aliases, IPPROTO_UDP}, {"ipv6", no_aliases, IPPROTO_IPV6},
};

#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

struct protoent *getprotobyname(const char *name) {
    size_t i;

    for (i = 0; i < PROTOCOLS; i++) {
        if (strcmp(protocols[i].p_name, name) == 0) {
            return &protocols[i];
        }
    }
    return NULL;
}

struct protoent *getprotobynumber(int number) {
    size_t i;

    for (i = 0; i < PROTOCOLS; i++) {
        if (protocols[i].p_proto == number) {
            return &protocols[i];
        }
    }
    return NULL;
}

#define ADDRESSES_MAX 16

/* An entry and its address; those of one answer are in one block, given back by one free(). */
struct answer {
    struct addrinfo info;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } addr;
};

static int read_port(const char *service, in_port_t *ret_port) {
    char *end;
    unsigned long port;

    if (!service) {
        *ret_port = 0;
        return 0;
    }
    port = strtoul(service, &end, 10);
    if (end == service || *end || port > 65535) {
        return EAI_SERVICE;
    }
    *ret_port = htons((in_port_t)port);
    return 0;
}

/* The addresses of node, at most ADDRESSES_MAX, and how many; 0 and less: none, an EAI_ code. */
static int read_host(const char *node, int family, int flags, struct compat_address *ret) {
    struct in_addr v4 = {htonl(flags & AI_PASSIVE ? INADDR_ANY : INADDR_LOOPBACK)};
    int n;

    ret->family = AF_INET6;
    if (node && inet_pton(AF_INET6, node, ret->bytes) == 1) {
        return family == AF_UNSPEC || family == AF_INET6 ? 1 : EAI_FAMILY;
    }
    if (node && is_localhost(node)) {
        v4.s_addr = htonl(INADDR_LOOPBACK);
    } else if (node && !inet_aton(node, &v4)) {
        n = flags & AI_NUMERICHOST ? 0 : compat_resolve(node, family, ret, ADDRESSES_MAX);
        return n > 0 ? n : EAI_NONAME;
    }
    ret->family = AF_INET;
    memcpy(ret->bytes, &v4, sizeof(v4));
    return family == AF_UNSPEC || family == AF_INET ? 1 : EAI_FAMILY;
}

static void fill_answer(struct answer *answer, const struct compat_address *address, in_port_t port) {
    answer->info.ai_family = address->family;
    if (address->family == AF_INET6) {
        answer->info.ai_addrlen = sizeof(answer->addr.v6);
        answer->addr.v6.sin6_family = AF_INET6;
        answer->addr.v6.sin6_port = port;
        memcpy(&answer->addr.v6.sin6_addr, address->bytes, sizeof(answer->addr.v6.sin6_addr));
    } else {
        answer->info.ai_addrlen = sizeof(answer->addr.v4);
        answer->addr.v4.sin_family = AF_INET;
        answer->addr.v4.sin_port = port;
        memcpy(&answer->addr.v4.sin_addr, address->bytes, sizeof(answer->addr.v4.sin_addr));
    }
    answer->info.ai_addr = &answer->addr.any;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret) {
    static const struct addrinfo any;
    struct compat_address addresses[ADDRESSES_MAX];
    struct answer *answers;
    in_port_t port;
    int code, n;

    hints = hints ? hints : &any;
    if (!node && !service) {
        return EAI_NONAME;
    }
    code = read_port(service, &port);
    if (code) {
        return code;
    }
    n = read_host(node, hints->ai_family, hints->ai_flags, addresses);
    if (n <= 0) {
        return n;
    }
    answers = calloc((size_t)n, sizeof(*answers));
    if (!answers) {
        return EAI_MEMORY;
    }
    for (int i = 0; i < n; i++) {
        fill_answer(&answers[i], &addresses[i], port);
        answers[i].info.ai_socktype = hints->ai_socktype ? hints->ai_socktype : SOCK_STREAM;
        answers[i].info.ai_protocol = hints->ai_protocol;
        answers[i].info.ai_next = i + 1 < n ? &answers[i + 1].info : NULL;
    }
    *ret = &answers[0].info;
    return 0;
}

void freeaddrinfo(struct addrinfo *list) {
    /* the first entry, at the head of the block of all */
    free(list);
}

static int write_host(const struct sockaddr *addr, char *host, socklen_t size) {
    const void *bytes = addr->sa_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)addr)->sin6_addr
                                                    : (const void *)&((const struct sockaddr_in *)addr)->sin_addr;

    return inet_ntop(addr->sa_family, bytes, host, size) ? 0 : EAI_OVERFLOW;
}

int getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_size, char *service,
                socklen_t service_size, int flags) {
    in_port_t port = addr->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)addr)->sin6_port
                                                 : ((const struct sockaddr_in *)addr)->sin_port;

    (void)len;
    if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6) {
        return EAI_FAMILY;
    }
    if (host && host_size) {
        if (flags & NI_NAMEREQD) {
            return EAI_NONAME;
        }
        if (write_host(addr, host, host_size) != 0) {
            return EAI_OVERFLOW;
        }
    }
    if (service && service_size && (socklen_t)snprintf(service, service_size, "%u", ntohs(port)) >= service_size) {
        return EAI_OVERFLOW;
    }
    return 0;
}

const char *gai_strerror(int code) {
    switch (code) {
    case EAI_NONAME:
        return "Name does not resolve";
    case EAI_SERVICE:
        return "Unrecognized service";
    case EAI_FAMILY:
        return "Unrecognized address family or invalid length";
    case EAI_MEMORY:
        return "Out of memory";
    case EAI_OVERFLOW:
        return "Overflow";
    }
    return "Unknown error";
}

const char *hstrerror(int code) {
    return code == HOST_NOT_FOUND ? "Host not found" : "Unknown error";
}
