#ifndef WASI_COMPAT_LOCKS_H
#define WASI_COMPAT_LOCKS_H

/* Gives back what fd holds; for close(). */
void compat_unlock(int fd);

#endif
