#ifndef WASI_COMPAT_LINKS_H
#define WASI_COMPAT_LINKS_H

#include <sys/stat.h>

/* What this process wrote as the target of the link that st is of; NULL: what the host says is right. */
const char *compat_kept_link(const struct stat *st);

/* rename() for a symbolic link. */
int compat_rename_link(const char *from, const char *to);

#endif
