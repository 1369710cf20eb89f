#ifndef WASI_COMPAT_POLL_H
#define WASI_COMPAT_POLL_H

#include_next <poll.h>

/* no out-of-band data: asking for it asks for nothing */
#ifndef POLLPRI
#define POLLPRI 0
#endif

#endif
