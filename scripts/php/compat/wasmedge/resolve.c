/* Names of hosts, asked of WasmEdge, which asks the host's resolver. Tried with WasmEdge 0.14.1. */
#include "../resolve.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define HOST_STREAM 2
#define ANSWERS_MAX 16
#define DATA_SIZE 26 /* bytes: what the host wants to find in an answer, and fills for AF_INET6 */

/* What the host writes its answers to: a list of as many as the caller can take. Members as WasmEdge numbers them. */
struct host_sockaddr {
    uint8_t family;
    uint32_t len;
    uint8_t *data; /* the port, and for AF_INET6 the flow, then the address */
};
struct host_addrinfo {
    uint16_t flags;
    uint8_t family, type;
    uint32_t protocol;
    uint32_t addr_len;
    struct host_sockaddr *addr;
    char *name;
    uint32_t name_len;
    struct host_addrinfo *next;
};

__attribute__((import_module("wasi_snapshot_preview1"), import_name("sock_getaddrinfo"))) int host_getaddrinfo(
    const char *node, uint32_t node_len, const char *service, uint32_t service_len, const struct host_addrinfo *hints,
    struct host_addrinfo **ret, uint32_t max, uint32_t *ret_n);

static bool read_address(const struct host_addrinfo *answer, struct compat_address *ret) {
    const struct host_sockaddr *addr = answer->addr;

    memset(ret, 0, sizeof(*ret));
    ret->family = addr->family;
    if (addr->family == AF_INET) {
        memcpy(ret->bytes, addr->data + 2, 4);
        return true;
    }
    if (addr->family == AF_INET6) {
        memcpy(ret->bytes, addr->data + 6, 16);
        return true;
    }
    return false;
}

int compat_resolve(const char *name, int family, struct compat_address *ret, int max) {
    struct host_addrinfo answers[ANSWERS_MAX] = {0}, *first = answers;
    struct host_addrinfo hints = {.family = (uint8_t)family, .type = HOST_STREAM};
    struct host_sockaddr addrs[ANSWERS_MAX] = {0};
    uint8_t data[ANSWERS_MAX][DATA_SIZE] = {0};
    char names[ANSWERS_MAX][256];
    uint32_t n = 0;
    int found = 0;

    if (!*name) {
        return 0;
    }
    for (int i = 0; i < ANSWERS_MAX; i++) {
        addrs[i].len = DATA_SIZE;
        addrs[i].data = data[i];
        answers[i].addr = &addrs[i];
        answers[i].name = names[i];
        answers[i].name_len = sizeof(names[i]);
        answers[i].next = i + 1 < ANSWERS_MAX ? &answers[i + 1] : NULL;
    }
    if (host_getaddrinfo(name, (uint32_t)strlen(name), "0", 1, &hints, &first, ANSWERS_MAX, &n) != 0) {
        return 0;
    }
    for (uint32_t i = 0; i < n && i < ANSWERS_MAX && found < max; i++) {
        found += read_address(&answers[i], &ret[found]);
    }
    return found;
}
