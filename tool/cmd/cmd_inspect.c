#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../base/mem.h"
#include "../base/out.h"
#include "../wasm/module.h"
#include "cmd.h"
#include "inspect_image.h"
#include "local.h"

#define WASM_MAX ((size_t)1 << 30) /* bytes of a module */

static int inspect_layout(const char *dir, bool json, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;

    if (wl_layout_open(&l, dir, 0, err) < 0)
        return -1;
    return wl_local_print_entries(&l, json, err);
}

static int inspect_ref(const char *ref, bool json, struct wl_err *err) {
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};

    if (wl_local_open(&l, 0, NULL, err) < 0 || wl_layout_find(&l, ref, &e, err) < 0)
        return -1;
    return wl_inspect_image(&l, &e, json, err);
}

/* A file that is no module may well be an archive; `load` takes those. */
static int inspect_file(const char *path, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    struct wl_blob blob;

    if (wl_fs_read(path, WASM_MAX, &bytes, err) < 0)
        return -1;
    blob = (struct wl_blob){(const uint8_t *)wl_buf_str(&bytes), bytes.len};
    if (!wl_wasm_is_module(blob))
        return wl_fail(
            err, WL_FAILED,
            "%s is not a WebAssembly module: it does not start with the bytes \\0asm and version 1 (an image "
            "archive? `wlpack load` reads those)",
            path);
    if (wl_wasm_parse(&m, blob, err) < 0)
        return wl_err_context(err, "%s", path);
    for (uint32_t i = 0; i < m.n_imports; i++)
        wl_result("import %s %.*s.%.*s", wl_wasm_kind_name(m.imports[i].kind), (int)m.imports[i].module.len,
                  (const char *)m.imports[i].module.p, (int)m.imports[i].name.len, (const char *)m.imports[i].name.p);
    for (uint32_t i = 0; i < m.n_exports; i++)
        wl_result("export %s %.*s", wl_wasm_kind_name(m.exports[i].kind), (int)m.exports[i].name.len,
                  (const char *)m.exports[i].name.p);
    return 0;
}

/* "./x", "/x", "x.wasm" are paths whatever the store holds; of other names those that the store does not know. */
static bool is_path(const char *s) {
    return s[0] == '/' || s[0] == '.' || wl_ends(s, ".wasm");
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    const char *what = args->pos[0];
    bool json = wl_args_has(args, "json");

    (void)ret_status;
    if (!is_path(what)) {
        if (inspect_ref(what, json, err) == 0)
            return 0;
        if (!wl_fs_exists(what) || err->code == WL_NET)
            return -1;
    }
    if (wl_fs_is_dir(what))
        return inspect_layout(what, json, err);
    return inspect_file(what, err);
}

static const struct wl_opt opts[] = {
    {.name = "json", .help = "everything as one JSON value"},
    {0},
};

const struct wl_verb wl_verb_inspect = {
    .name = "inspect",
    .usage = "inspect [OPTIONS] REF|LAYOUT|FILE.wasm",
    .summary = "show an image, a layout or a module",
    .help = "An image of the local store (a name, or sha256: and 8 digits or more): its manifest, its configuration\n"
            "and the files of its layers; every blob is verified. A folder with an OCI image layout: its entries. A\n"
            ".wasm: imports, exports, features, sections, precompiled code.\n\n"
            "Example: wlpack inspect php:7.4.33-cli",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
