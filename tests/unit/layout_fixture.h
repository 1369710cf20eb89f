/* A fresh image store in a folder of its own, for the tests that need one. */
#ifndef WL_LAYOUT_FIXTURE_H
#define WL_LAYOUT_FIXTURE_H

#include "test.h"

#include "../../registry/layout.h"

struct fixture {
    char *dir, *path; /* the test's folder, and the store below it */
    struct wl_layout l;
};

static inline struct fixture setup(void) {
    struct fixture f = {.dir = test_dir(), .l = WL_LAYOUT_INIT};
    struct wl_err err;

    f.path = wl_path_join(f.dir, "home/oci");
    assert_ok(wl_layout_open(&f.l, f.path, WL_LAYOUT_CREATE, &err));
    return f;
}

static inline void teardown(struct fixture *f) {
    wl_layout_close(&f->l);
    free(f->path);
    test_rmdir(f->dir);
}

#endif
