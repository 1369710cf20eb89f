/* Keeping build commands off the network: they run in a network namespace of their own, which has no interface that is up.
 * Needs the right to make namespaces (root, or unprivileged user namespaces). This guards against builds that download; it is
 * no jail against hostile code that runs as root. */
#ifndef WL_BASE_ISOLATE_H
#define WL_BASE_ISOLATE_H

#include <stdbool.h>

/* For a forked child before exec (async-signal-safe): moves it into an empty network namespace. -1 when the host does not
 * allow it; nothing has changed then. */
int wl_net_cut(void);

/* Whether wl_net_cut works here; tried once in a child. Not thread safe the first time. */
bool wl_net_can_cut(void);

#endif
