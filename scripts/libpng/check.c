/* What libpng must answer; the recipe holds the answers. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "png.h"

#define SIDE 61

static unsigned char file[1 << 16];
static size_t size, at;

static void put(png_structp png, png_bytep data, size_t n) {
    if (n > sizeof(file) - size) {
        png_error(png, "no room");
    }
    memcpy(file + size, data, n);
    size += n;
}

static void get(png_structp png, png_bytep data, size_t n) {
    if (n > size - at) {
        png_error(png, "no more");
    }
    memcpy(data, file + at, n);
    at += n;
}

static void nothing(png_structp png) {
    (void)png;
}

static void quiet(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void say(png_structp png, png_const_charp text) {
    printf("error: %s\n", text);
    longjmp(png_jmpbuf(png), 1);
}

static int write_it(int interlace) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, say, quiet);
    png_infop info = png_create_info_struct(png);
    static unsigned char pixels[SIDE][SIDE * 3];
    png_bytep rows[SIDE];

    for (int y = 0; y < SIDE; y++) {
        rows[y] = pixels[y];
        for (int x = 0; x < SIDE * 3; x++) {
            pixels[y][x] = (unsigned char)(x * y + x);
        }
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return -1;
    }
    size = 0;
    png_set_write_fn(png, NULL, put, nothing);
    png_set_IHDR(png, info, SIDE, SIDE, 8, PNG_COLOR_TYPE_RGB, interlace, 0, 0);
    png_set_rows(png, info, rows);
    png_write_png(png, info, 0, NULL);
    png_destroy_write_struct(&png, &info);
    return 0;
}

static void read_it(void) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, say, quiet);
    png_infop info = png_create_info_struct(png);
    unsigned long sum = 0;

    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        printf("caught\n");
        return;
    }
    at = 0;
    png_set_read_fn(png, NULL, get);
    png_read_png(png, info, PNG_TRANSFORM_BGR, NULL);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE * 3; x++) {
            sum = (sum * 31 + png_get_rows(png, info)[y][x]) & 0xffffffff;
        }
    }
    printf("%dx%d, sum %lu\n", (int)png_get_image_width(png, info), (int)png_get_image_height(png, info), sum);
    png_destroy_read_struct(&png, &info, NULL);
}

int main(void) {
    printf("%s\n", png_get_libpng_ver(NULL));
    if (write_it(PNG_INTERLACE_NONE)) {
        return 1;
    }
    read_it();
    if (write_it(PNG_INTERLACE_ADAM7)) {
        return 1;
    }
    read_it();
    file[size / 2] ^= 1;
    read_it();
    size /= 3;
    read_it();
    return 0;
}
