/* Included before every source file: functions that cannot be used safely do not compile. System headers are
 * read first, so that their own declarations stand. */
#ifndef WL_BASE_BANNED_H
#define WL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets system popen tmpnam tempnam mktemp strtok
#pragma GCC poison atoi atol atoll gmtime localtime ctime asctime

#endif
