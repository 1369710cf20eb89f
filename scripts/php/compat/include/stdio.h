#ifndef WASI_COMPAT_STDIO_H
#define WASI_COMPAT_STDIO_H

#include_next <stdio.h>

/* empty in wasi-libc, which has no functions that would use it */
#undef P_tmpdir
#define P_tmpdir "/tmp"

FILE *popen(const char *command, const char *mode);
int pclose(FILE *stream);
FILE *tmpfile(void);

#endif
