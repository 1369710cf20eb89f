/* app.json: an application on top of an interpreter's image. The format for people is in recipes/APPS.md; recipes/app.schema.json and
 * the decoder come from the table in app.c. Nothing in it is compiled; its files lie beside it. */
#ifndef WL_MODEL_APP_H
#define WL_MODEL_APP_H

#include "../base/buf.h"
#include "../base/err.h"
#include "../base/jsonspec.h"
#include "../base/mem.h"
#include "files.h"

#define WL_APP_BYTES (1 << 20) /* longest app.json */
#define WL_APP_SCRATCH "scratch"

/* Strings are NULL, lists and maps zero when absent. */
struct wl_app {
    struct wl_arena arena; /* not in the file, as the next two */
    char *path;            /* of app.json */
    char *dir;             /* its folder */

    const char *schema;  /* "$schema", for editors */
    const char *name;    /* "shop:1.0", the local name */
    const char *base;    /* a recipe, a local image, HOST/PATH:TAG, or "scratch" */
    const char *image;   /* of a recipe: which of its images */
    struct wl_obool aot; /* of a recipe: with native code; absent: when there is some */
    const char *version, *description, *license;
    struct wl_olist files; /* struct wl_files_rule */
    const char *ignore;    /* the ignore file, relative to dir */
    struct wl_list entrypoint, cmd;
    struct wl_smap env;
    const char *workdir;
    const char *user;
    struct wl_list ports; /* "8080" or "8080/tcp" */
    struct wl_smap labels, annotations;
    struct wl_list platforms; /* "wasi/wasm" */
    const char *format;       /* one of wl_app_formats */
    const char *compression;  /* one of wl_codec_names */
    struct wl_oint epoch;
};
extern const char *const wl_app_formats[]; /* "oci", "docker", "wasm-artifact", NULL */

/* Reads path (a folder: its app.json). Strict, as recipes are; WL_RECIPE errors read "file:line:column: $.path: message". */
int wl_app_load(struct wl_app **ret, const char *path, struct wl_err *err);
void wl_app_free(struct wl_app *a);
void wl_app_freep(struct wl_app **a);

/* Decodes text alone (for the fuzz target). */
int wl_app_check_text(const char *name, const char *text, size_t len, struct wl_err *err);

/* recipes/app.schema.json, and the reference in recipes/APPS.md. */
void wl_app_schema(struct wl_buf *out);
void wl_app_reference(struct wl_buf *out);

#endif
