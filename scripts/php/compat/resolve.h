#ifndef WASI_COMPAT_RESOLVE_H
#define WASI_COMPAT_RESOLVE_H

/* An address of a host: four bytes for AF_INET, 16 for AF_INET6, in the order of the network. */
struct compat_address {
    int family;
    unsigned char bytes[16];
};

/*
 * Asks the system for the addresses of a host, at most max of them. family is
 * AF_INET, AF_INET6 or AF_UNSPEC for both. Returns how many: 0 when the name is
 * not known, and on a system that cannot be asked.
 */
int compat_resolve(const char *name, int family, struct compat_address *ret, int max);

#endif
