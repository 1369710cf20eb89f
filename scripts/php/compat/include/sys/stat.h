#ifndef WASI_COMPAT_SYS_STAT_H
#define WASI_COMPAT_SYS_STAT_H

#include_next <sys/stat.h>

mode_t umask(mode_t mask);
int mkfifo(const char *path, mode_t mode);
int mknod(const char *path, mode_t mode, dev_t device);

#endif
