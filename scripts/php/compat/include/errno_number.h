#ifndef WASI_COMPAT_ERRNO_NUMBER_H
#define WASI_COMPAT_ERRNO_NUMBER_H

/* The number that Linux has for an error of ours, and the other way round; a number without a counterpart stays. */
int errno_number(int error);
int errno_of_number(int number);

#endif
