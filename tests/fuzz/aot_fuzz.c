/* Precompiling: any bytes, as a module, are an error or give a table, an interpreter and functions that agree with the module; as the
 * text that WasmEdge writes, an error or parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tool/base/fs.h"
#include "../../tool/base/mem.h"
#include "../../tool/wasm/aot_ir.h"

#define TEXT "define protected dllexport "

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_module(struct wl_blob in) {
    WL_AUTO(wl_aot_table_release) struct wl_aot_table table = {0};
    WL_AUTO(wl_aot_pin_release) struct wl_aot_pin pin = {0};
    WL_AUTO(wl_aot_thread_release) struct wl_aot_thread t = {0};
    struct wl_err err;

    if (wl_aot_table_read(in, &table, &err) < 0 || wl_aot_pin_read(in, &pin, &err) < 0 ||
        wl_aot_thread_find(in, &table, &t, &err) < 0)
        return;
    if (t.found && (t.n_bodies < WL_AOT_THREAD_LEAST || t.loop >= t.n_functions || t.first + t.n > table.n ||
                    t.n_functions != pin.n_functions))
        abort();
    for (size_t i = 0; i < t.tail.n; i++)
        if (t.tail.at[i] >= in.len || ((const uint8_t *)in.p)[t.tail.at[i]] != WL_OP_CALL)
            abort();
    for (size_t i = 0; i < table.n; i++)
        if (table.slots[i].function != WL_AOT_NO_FUNCTION && !pin.outside[table.slots[i].function])
            abort();
}

static char dir[200]; /* below $TMPDIR: in memory (/dev/shm) a run is faster */
static int text_fd;
static char text_path[64];

static void clean_up(void) {
    struct wl_err err;

    wl_fs_remove(dir, &err);
}

static void prepare(void) {
    const char *tmp = getenv("TMPDIR");

    if (dir[0])
        return;
    snprintf(dir, sizeof(dir), "%.150s/wlpack-fuzz-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    text_fd = memfd_create("text", MFD_CLOEXEC);
    snprintf(text_path, sizeof(text_path), "/proc/self/fd/%d", text_fd);
    if (text_fd < 0 || !mkdtemp(dir) || atexit(clean_up) != 0)
        abort();
}

/* The ways in which a module may be written: pinned, its function 0 threaded, with tails and a stack pointer, its function 1 the loop. */
static void check_text(struct wl_blob in) {
    struct wl_aot_slot slots[] = {{0, 0}, {WL_AOT_NO_FUNCTION, 0}};
    uint32_t first[] = {0};
    bool outside[] = {true, false};
    enum wl_aot_kind kinds[] = {WL_BODY_EARLY, WL_BODY_NONE};
    struct wl_aot_table table = {slots, 2, first, 1};
    struct wl_aot_pin pin = {.on = true, .outside = outside, .n_functions = 2};
    bool some[] = {true, false};
    struct wl_aot_thread thread = {.found = true,
                                   .loop = 1,
                                   .state = 4,
                                   .has_flag = true,
                                   .flag = 1,
                                   .sets = some,
                                   .n = 2,
                                   .body = kinds,
                                   .n_functions = 2,
                                   .n_bodies = 1,
                                   .tail = {.has = some},
                                   .stack = {.found = true, .moves = some}};
    const struct wl_aot_how how = {.table = &table, .pin = &pin, .thread = &thread, .loads = true};
    WL_AUTO(wl_aot_ir_release) struct wl_aot_ir ir = {0};
    struct wl_err err;

    prepare();
    if (ftruncate(text_fd, (off_t)in.len) < 0 || pwrite(text_fd, in.p, in.len, 0) != (ssize_t)in.len)
        abort();
    if (wl_aot_ir_split(text_path, dir, 4096, &how, &ir, &err) == 0 && ir.n_parts == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct wl_blob in = {data, size};

    check_module(in);
    if (size > strlen(TEXT) && memmem(data, size, TEXT, strlen(TEXT)))
        check_text(in);
    return 0;
}
