#include "app.h"

#include <string.h>

#include "../base/fs.h"
#include "../base/pack.h"
#include "recipe_impl.h"

#define EPOCH_MAX 253402300799 /* the end of the year 9999 */
#define NAME_MAX_BYTES 255

const char *const wl_app_formats[] = {"oci", "docker", "wasm-artifact", NULL};

/* --- Formats -------------------------------------------------------------------------------------------------------- */

/* Characters of references only; the parts are checked by whoever uses them as names. */
static bool is_reference(const char *s) {
    size_t n = strlen(s);

    return n > 0 && n <= 1024 &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@[]+-") == n && *s != '-';
}

/* os/architecture[/variant] */
static bool is_platform(const char *s) {
    size_t parts = 0;

    for (;;) {
        size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-");

        if (n == 0 || n > 64)
            return false;
        parts++;
        if (!s[n])
            return parts == 2 || parts == 3;
        if (s[n] != '/')
            return false;
        s += n + 1;
    }
}

/* numeric ids or names, "1000:1000" */
static bool is_user(const char *s) {
    return *s && strlen(s) <= 64 &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") == strlen(s);
}

#define WORD "[a-z0-9._-]{1,64}"

static const struct wl_spec_format format_reference = {"^(?!-)[A-Za-z0-9._:/@\\[\\]+-]{1,1024}$", is_reference,
                                                       "a name or reference of an image"};
static const struct wl_spec_format format_platform = {"^" WORD "/" WORD "(/" WORD ")?$", is_platform,
                                                      "a platform: os/architecture or os/architecture/variant"};
static const struct wl_spec_format format_user = {"^[A-Za-z0-9._:-]{1,64}$", is_user, "a user: a name or numbers"};

/* --- The table ------------------------------------------------------------------------------------------------------ */

#define AT(member) offsetof(struct wl_app, member)

static const struct wl_spec_field fields[] = {
    {.name = "$schema", .type = WL_SPEC_STR, .offset = AT(schema), .doc = "For editors; not read."},
    {.name = "name",
     .type = WL_SPEC_STR,
     .offset = AT(name),
     .doc = "The image's name in the local store, REPOSITORY[:TAG]; --tag wins.",
     .format = &format_reference},
    {.name = "base",
     .type = WL_SPEC_STR,
     .offset = AT(base),
     .doc = "What it stands on: a recipe (php-7.4.33, built when it is not), an image of the local store "
            "(php:7.4.33-cli), one of a "
            "registry (ghcr.io/you/php:7.4.33-cli, pulled when it is not here), or scratch: nothing.",
     .required = true,
     .format = &format_reference},
    {.name = "image",
     .type = WL_SPEC_STR,
     .offset = AT(image),
     .doc = "When base is a recipe: which of its images; default cli, else its first.",
     .format = &wl_format_id},
    {.name = "aot",
     .type = WL_SPEC_BOOL,
     .offset = AT(aot),
     .doc = "When base is a recipe: whether its native code is in the image; default: when it has some."},
    {.name = "version",
     .type = WL_SPEC_STR,
     .offset = AT(version),
     .doc = "The application's version, an annotation; default: the tag.",
     .format = &wl_format_text},
    {.name = "description",
     .type = WL_SPEC_STR,
     .offset = AT(description),
     .doc = "One line, an annotation.",
     .format = &wl_format_text},
    {.name = "license",
     .type = WL_SPEC_STR,
     .offset = AT(license),
     .doc = "SPDX licence expression of the application, an annotation.",
     .format = &wl_format_license},
    {.name = "files",
     .type = WL_SPEC_OBJLIST,
     .offset = AT(files),
     .doc = "What goes into the image; where two give the same name the later one counts.",
     .max = 256,
     .spec = &wl_files_rule_spec},
    {.name = "ignore",
     .type = WL_SPEC_STR,
     .offset = AT(ignore),
     .doc = "The ignore file; default: .wlpackignore, else .dockerignore, where there is one.",
     .format = &wl_format_relpath},
    {.name = "entrypoint",
     .type = WL_SPEC_STRV,
     .offset = AT(entrypoint),
     .doc = "Program (an absolute path) and fixed arguments; default: the base's. It drops the base's cmd.",
     .min = 1},
    {.name = "cmd", .type = WL_SPEC_STRV, .offset = AT(cmd), .doc = "Default arguments; default: the base's."},
    {.name = "env",
     .type = WL_SPEC_STRMAP,
     .offset = AT(env),
     .doc = "Environment, on top of the base's.",
     .keys = &wl_format_env},
    {.name = "workdir",
     .type = WL_SPEC_STR,
     .offset = AT(workdir),
     .doc = "Working folder; default: the base's.",
     .format = &wl_format_abspath},
    {.name = "user",
     .type = WL_SPEC_STR,
     .offset = AT(user),
     .doc = "User of the container; default: the base's.",
     .format = &format_user},
    {.name = "ports",
     .type = WL_SPEC_STRV,
     .offset = AT(ports),
     .doc = "Ports that it serves on, beside the base's.",
     .max = 64,
     .format = &wl_format_port},
    {.name = "labels",
     .type = WL_SPEC_STRMAP,
     .offset = AT(labels),
     .doc = "Labels of the configuration, on top of the base's.",
     .keys = &wl_format_label},
    {.name = "annotations",
     .type = WL_SPEC_STRMAP,
     .offset = AT(annotations),
     .doc = "Annotations of manifest and index; they win over those that wlpack fills in.",
     .keys = &wl_format_label},
    {.name = "platforms",
     .type = WL_SPEC_STRV,
     .offset = AT(platforms),
     .doc = "Platforms, instead of the base's; see `wlpack image --help`.",
     .min = 1,
     .max = 16,
     .format = &format_platform},
    {.name = "format",
     .type = WL_SPEC_STR,
     .offset = AT(format),
     .doc = "Kind of image; default oci.",
     .choices = wl_app_formats},
    {.name = "compression",
     .type = WL_SPEC_STR,
     .offset = AT(compression),
     .doc = "Compression of the layer; default gzip. The -max ones are smaller and take ten times as long.",
     .choices = wl_codec_names},
    {.name = "epoch",
     .type = WL_SPEC_INT,
     .offset = AT(epoch),
     .doc = "Time of the image and its files in seconds since 1970; default: that of the git commit, else the base's. "
            "SOURCE_DATE_EPOCH wins.",
     .max = EPOCH_MAX},
    {0},
};
static const struct wl_spec app_spec = {.title = "app", .size = sizeof(struct wl_app), .fields = fields};

void wl_app_schema(struct wl_buf *out) {
    wl_spec_schema(&app_spec, NULL, "wlpack application image", out);
}

void wl_app_reference(struct wl_buf *out) {
    wl_spec_reference(&app_spec, out);
}

/* --- Loading -------------------------------------------------------------------------------------------------------- */

void wl_app_free(struct wl_app *a) {
    struct wl_arena arena;

    if (!a)
        return;
    free(a->path);
    free(a->dir);
    arena = a->arena; /* it holds the struct, too */
    wl_arena_release(&arena);
}

void wl_app_freep(struct wl_app **a) {
    wl_app_free(*a);
    *a = NULL;
}

static int check_ports(const struct wl_app *a, const struct wl_json_doc *doc, struct wl_err *err) {
    for (size_t i = 0; i < a->ports.n; i++) {
        WL_AUTOFREE char *path = wl_json_path_index("$.ports", i);

        if (strtol(a->ports.v[i], NULL, 10) > 65535)
            return wl_json_fail(doc, path, err, "\"%s\" is no port: they end at 65535", a->ports.v[i]);
    }
    return 0;
}

static int check(const struct wl_app *a, const struct wl_json_doc *doc, struct wl_err *err) {
    WL_AUTOFREE char *missing = wl_spec_required(&app_spec, a, "$");

    if (missing)
        return wl_json_fail(doc, missing, err, "missing");
    if (a->entrypoint.n && a->entrypoint.v[0][0] != '/')
        return wl_json_fail(doc, "$.entrypoint[0]", err, "\"%s\" is not an absolute path", a->entrypoint.v[0]);
    if (a->name && strlen(a->name) > NAME_MAX_BYTES)
        return wl_json_fail(doc, "$.name", err, "the name is longer than %d bytes", NAME_MAX_BYTES);
    return check_ports(a, doc, err);
}

static int decode(const char *name, const char *text, size_t len, struct wl_app **ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    struct wl_app *a;
    void *decoded = NULL;

    if (wl_json_parse(&doc, name, text, len, WL_RECIPE, err) < 0 ||
        wl_spec_decode(&arena, &app_spec, doc, wl_json_root(doc), "$", &decoded, err) < 0)
        return -1;
    a = decoded;
    if (check(a, doc, err) < 0)
        return -1;
    a->arena = arena;
    arena = (struct wl_arena){0};
    *ret = a;
    return 0;
}

int wl_app_check_text(const char *name, const char *text, size_t len, struct wl_err *err) {
    WL_AUTO(wl_app_freep) struct wl_app *a = NULL;

    return decode(name, text, len, &a, err);
}

int wl_app_load(struct wl_app **ret, const char *path, struct wl_err *err) {
    WL_AUTOFREE char *file = wl_fs_is_dir(path) ? wl_path_join(path, "app.json") : wl_strdup(path);
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    const char *slash = strrchr(file, '/');
    struct wl_app *a = NULL;

    if (wl_fs_read(file, WL_APP_BYTES, &text, err) < 0 || decode(file, wl_buf_str(&text), text.len, &a, err) < 0)
        return -1;
    a->dir = !slash ? wl_strdup(".") : slash == file ? wl_strdup("/") : wl_strndup(file, (size_t)(slash - file));
    a->path = WL_STEAL(file);
    *ret = a;
    return 0;
}
