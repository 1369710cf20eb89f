// LD_PRELOAD: makes the folder $OWN_ROOT the root of a program that was loaded from outside of it (scripts/fidelity native), as a
// guest has only what it was given. Needs the right to chroot (unshare --map-root-user); the program ends with 126 where it fails.
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void own_root(void) {
    const char *root = getenv("OWN_ROOT");
    if (!root || chroot(root) != 0 || chdir("/") != 0) {
        _exit(126);
    }
    unsetenv("OWN_ROOT");
    unsetenv("LD_PRELOAD");
}
