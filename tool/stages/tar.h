/* Moved to tool/base/tar.h. */
#include "../base/tar.h"
