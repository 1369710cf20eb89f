#include "toolbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "recipe.h"

#define SYSTEM_PATH "/usr/bin:/bin" /* make, sh, sed and the like */

static const struct {
    const char *tool, *program;
} links[] = {
    {WL_TOOL_AR, "bin/llvm-ar"},       {WL_TOOL_RANLIB, "bin/llvm-ranlib"},
    {WL_TOOL_NM, "bin/llvm-nm"},       {"wasm32-wasi-strip", "bin/llvm-strip"},
    {"wasm32-wasi-ld", "bin/wasm-ld"},
};

static const struct {
    const char *tool, *program;
} compilers[] = {
    {WL_TOOL_CC, "bin/clang"},
    {"wasm32-wasi-clang++", "bin/clang++"},
};

/* Appends 'text' quoted for sh. */
static void add_quoted(struct wl_buf *b, const char *text) {
    wl_buf_addc(b, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            wl_buf_adds(b, "'\\''");
        else
            wl_buf_addc(b, *text);
    }
    wl_buf_addc(b, '\'');
}

static void add_option(struct wl_buf *b, const char *option, const char *value, const char *tail) {
    WL_AUTOFREE char *word = wl_sprintf("%s%s%s", option, value, tail);

    wl_buf_addc(b, ' ');
    add_quoted(b, word);
}

/* clang would run any wasm-opt that it finds in PATH when it links with -O2: wlpack does that itself, with the kit's. */
static int write_compiler(const struct wl_toolbox *t, const struct wl_kit *sdk, const char *tool, const char *program,
                          const char *srcdir, const char *deps, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_sprintf("%s/%s", t->dir, tool);
    WL_AUTOFREE char *real = wl_kit_path(sdk, program);
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    wl_buf_adds(&b, "#!/bin/sh\nexec ");
    add_quoted(&b, real);
    wl_buf_adds(&b, " --target=" WL_RECIPE_TARGET);
    add_option(&b, "--sysroot=", t->sysroot, "");
    wl_buf_adds(&b, " --start-no-unused-arguments --no-wasm-opt");
    add_option(&b, "-ffile-prefix-map=", srcdir, "=.");
    add_option(&b, "-ffile-prefix-map=", deps, "=/deps");
    add_option(&b, "-ffile-prefix-map=", sdk->root, "=/wasi-sdk");
    wl_buf_adds(&b, " --end-no-unused-arguments \"$@\"\n");
    if (wl_fs_write(path, b.p, b.len, err) < 0)
        return -1;
    if (chmod(path, 0755) < 0)
        return wl_fail_errno(err, errno, "cannot make %s executable", path);
    return 0;
}

static int write_tools(const struct wl_toolbox *t, const struct wl_kit *sdk, const char *srcdir, const char *deps,
                       struct wl_err *err) {
    for (size_t i = 0; i < WL_ARRAY_LEN(compilers); i++)
        if (write_compiler(t, sdk, compilers[i].tool, compilers[i].program, srcdir, deps, err) < 0)
            return -1;
    for (size_t i = 0; i < WL_ARRAY_LEN(links); i++) {
        WL_AUTOFREE char *path = wl_sprintf("%s/%s", t->dir, links[i].tool);
        WL_AUTOFREE char *real = wl_kit_path(sdk, links[i].program);

        if ((unlink(path) < 0 && errno != ENOENT) || symlink(real, path) < 0)
            return wl_fail_errno(err, errno, "cannot create %s", path);
    }
    return 0;
}

void wl_env_set(struct wl_strv *env, const char *pair) {
    size_t n = strcspn(pair, "=") + 1;

    for (size_t i = 0; i < env->n; i++) {
        if (strncmp(env->v[i], pair, n) == 0) {
            free(env->v[i]);
            env->v[i] = wl_strdup(pair);
            return;
        }
    }
    wl_strv_add(env, pair);
}

int wl_toolbox_make(struct wl_toolbox *ret, const struct wl_kit *sdk, const char *dir, const char *srcdir,
                    const char *deps, int64_t epoch, struct wl_err *err) {
    WL_AUTO(wl_toolbox_release) struct wl_toolbox t = {0};
    WL_AUTOFREE char *home = wl_path_join(dir, "home");
    WL_AUTOFREE char *tmp = wl_path_join(dir, "tmp");

    t.dir = wl_path_join(dir, "bin");
    t.sysroot = wl_kit_path(sdk, "share/wasi-sysroot");
    if (wl_fs_mkdirs(t.dir, err) < 0 || wl_fs_mkdirs(home, err) < 0 || wl_fs_mkdirs(tmp, err) < 0 ||
        write_tools(&t, sdk, srcdir, deps, err) < 0)
        return -1;
    wl_strv_addf(&t.env, "PATH=%s:" SYSTEM_PATH, t.dir);
    wl_strv_addf(&t.env, "HOME=%s", home);
    wl_strv_addf(&t.env, "TMPDIR=%s", tmp);
    wl_strv_addf(&t.env, "PKG_CONFIG_LIBDIR=%s/lib/pkgconfig:%s/share/pkgconfig", deps, deps);
    wl_strv_add(&t.env, "LC_ALL=C");
    wl_strv_add(&t.env, "TZ=UTC");
    wl_strv_addf(&t.env, "SOURCE_DATE_EPOCH=%lld", (long long)epoch);
    *ret = t;
    memset(&t, 0, sizeof(t));
    return 0;
}

void wl_toolbox_release(struct wl_toolbox *t) {
    free(t->dir);
    free(t->sysroot);
    wl_strv_release(&t->env);
    memset(t, 0, sizeof(*t));
}
