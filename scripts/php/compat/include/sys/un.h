#ifndef WASI_COMPAT_SYS_UN_H
#define WASI_COMPAT_SYS_UN_H

/* instead of the C library's own, whose struct has no room for a path */
#define __wasilibc___struct_sockaddr_un_h

#include <sys/socket.h>

struct sockaddr_un {
    sa_family_t sun_family;
    char sun_path[108];
};

#endif
