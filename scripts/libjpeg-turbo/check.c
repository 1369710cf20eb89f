/* What libjpeg must answer; the recipe holds the answers. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "jpeglib.h"

#define SIDE 75

struct failing {
    struct jpeg_error_mgr base;
    jmp_buf back;
};

static void fail(j_common_ptr info) {
    char text[JMSG_LENGTH_MAX];

    info->err->format_message(info, text);
    printf("error: %s\n", text);
    longjmp(((struct failing *)info->err)->back, 1);
}

static void quiet(j_common_ptr info) {
    (void)info;
}

static unsigned char *pack(unsigned long *size, int quality, boolean progressive, boolean arithmetic) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr err;
    unsigned char *out = NULL, row[SIDE * 3];
    JSAMPROW rows = row;

    c.err = jpeg_std_error(&err);
    jpeg_create_compress(&c);
    *size = 0;
    jpeg_mem_dest(&c, &out, size);
    c.image_width = c.image_height = SIDE;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, quality, TRUE);
    c.arith_code = arithmetic;
    if (progressive) {
        jpeg_simple_progression(&c);
    }
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            row[3 * x] = (unsigned char)(3 * x);
            row[3 * x + 1] = (unsigned char)(x + y);
            row[3 * x + 2] = (unsigned char)(x * y);
        }
        jpeg_write_scanlines(&c, &rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return out;
}

static void unpack(const unsigned char *in, unsigned long size) {
    struct jpeg_decompress_struct d;
    struct failing err;
    unsigned char row[SIDE * 3];
    JSAMPROW rows = row;
    unsigned long sum = 0;

    d.err = jpeg_std_error(&err.base);
    err.base.error_exit = fail;
    err.base.output_message = quiet;
    if (setjmp(err.back)) {
        jpeg_destroy_decompress(&d);
        printf("caught\n");
        return;
    }
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, in, size);
    jpeg_read_header(&d, TRUE);
    jpeg_start_decompress(&d);
    while (d.output_scanline < d.output_height) {
        jpeg_read_scanlines(&d, &rows, 1);
        for (unsigned i = 0; i < d.output_width * 3; i++) {
            sum = (sum * 31 + row[i]) & 0xffffffff;
        }
    }
    printf("%ux%u, sum %lu, %ld warnings\n", d.output_width, d.output_height, sum, err.base.num_warnings);
    jpeg_finish_decompress(&d);
    jpeg_destroy_decompress(&d);
}

int main(void) {
    unsigned long size;
    unsigned char *data = pack(&size, 90, FALSE, FALSE);

    printf("baseline %lu\n", size);
    unpack(data, size);
    data[0] = 0;
    unpack(data, size);
    free(data);
    data = pack(&size, 40, TRUE, FALSE);
    printf("progressive %lu\n", size);
    unpack(data, size);
    unpack(data, size / 2);
    free(data);
    data = pack(&size, 75, FALSE, TRUE);
    printf("arithmetic %lu\n", size);
    unpack(data, size);
    free(data);
    return 0;
}
