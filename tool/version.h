#ifndef WL_VERSION_H
#define WL_VERSION_H

#define WLPACK_VERSION "0.1.0"

#endif
