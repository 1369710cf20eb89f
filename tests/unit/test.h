/* What every unit test includes: cmocka, and helpers that fail with the message of an error. */
#ifndef WL_TEST_H
#define WL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../tool/base/err.h"
#include "../../tool/base/fs.h"
#include "../../tool/base/mem.h"

/* Passes when the call gives 0; shows err.msg otherwise. */
#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        if ((call) != 0)                                                                                               \
            fail_msg("%s: %s", #call, err.msg);                                                                        \
    } while (0)

/* Passes when the call gives -1 with this code and a message that holds `part`. */
#define assert_fails(call, want, part)                                                                                 \
    do {                                                                                                               \
        if ((call) != -1)                                                                                              \
            fail_msg("%s did not fail", #call);                                                                        \
        if (err.code != (want) || !strstr(err.msg, (part)))                                                            \
            fail_msg("%s: code %d (want %d), message \"%s\" (want \"%s\" in it)", #call, (int)err.code, (int)(want),   \
                     err.msg, (part));                                                                                 \
    } while (0)

/* A fresh folder; test_rmdir removes it and frees the string. */
static inline char *test_dir(void) {
    char *dir = wl_strdup("/tmp/wlpack-test-XXXXXX");

    if (!mkdtemp(dir))
        fail_msg("cannot make a temporary folder");
    return dir;
}

static inline void test_rmdir(char *dir) {
    struct wl_err err;

    if (wl_fs_remove(dir, &err) != 0)
        fail_msg("%s", err.msg);
    free(dir);
}

#endif
