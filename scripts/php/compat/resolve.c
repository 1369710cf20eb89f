/* Names of hosts: preview 1 has nobody to ask. The flavour with sockets links wasmedge/resolve.c in front of this. */
#include "resolve.h"

int compat_resolve(const char *name, int family, struct compat_address *ret, int max) {
    (void)name, (void)family, (void)ret, (void)max;
    return 0;
}
