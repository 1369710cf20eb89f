#ifndef WASI_COMPAT_STDLIB_H
#define WASI_COMPAT_STDLIB_H

#include_next <stdlib.h>

int mkstemp(char *name_template);
char *mkdtemp(char *name_template);
int system(const char *command);

#endif
