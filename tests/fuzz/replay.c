/* The main of a fuzz target where libFuzzer is not linked in: replays files and folders of files, each as it is and with a
 * fixed set of small damages (cut short, bytes flipped), and ends with a line that says how many inputs there were.
 * A crash or a sanitizer's finding ends it at once, with the file's name on stderr. */
#include <stdint.h>
#include <stdio.h>

#include "../../tool/base/fs.h"
#include "../../tool/base/mem.h"

#define INPUT_MAX ((size_t)8 << 20)
#define CUTS 64
#define FLIPS 256
#define DAMAGED_MAX 65536 /* larger inputs are replayed as they are only */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long n_files, n_inputs;

/* A copy of exact size, so that AddressSanitizer sees a read behind its end. */
static void once(const char *data, size_t size) {
    uint8_t *exact = wl_memdup(data, size ? size : 1);

    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    n_inputs++;
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void damaged(char *data, size_t size) {
    uint32_t state = (uint32_t)size;

    for (size_t i = 0; i < CUTS && size; i++)
        once(data, size * i / CUTS);
    for (size_t i = 0; i < FLIPS && size; i++) {
        size_t at = next_random(&state) % size;
        char was = data[at];

        data[at] = (char)(i % 2 ? was ^ (1 << next_random(&state) % 8) : (int)next_random(&state));
        once(data, size);
        data[at] = was;
    }
}

static int replay_file(const char *path) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_err err;

    if (wl_fs_read(path, INPUT_MAX, &b, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    fprintf(stderr, "%s\n", path);
    n_files++;
    wl_buf_reserve(&b, 1);
    once(b.p, b.len);
    if (b.len <= DAMAGED_MAX)
        damaged(b.p, b.len);
    return 0;
}

static int replay(const char *path) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_err err;
    int r = 0;

    if (!wl_fs_is_dir(path))
        return replay_file(path);
    if (wl_fs_list(path, &names, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    for (size_t i = 0; i < names.n && r == 0; i++) {
        WL_AUTOFREE char *file = wl_path_join(path, names.v[i]);

        r = replay(file);
    }
    return r;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (replay(argv[i]) < 0)
            return 1;
    printf("%lu files, %lu inputs\n", n_files, n_inputs);
    return n_files ? 0 : 1;
}
