#include "app_entry.h"

#include <stdlib.h>
#include <string.h>

#include "../../registry/layout.h"
#include "../base/mem.h"
#include "../base/tar.h"

enum found { NOT_HERE, HERE, GONE };

/* Whether name is path or a folder above it. */
static bool is_above(const char *name, size_t n, const char *path) {
    return strncmp(name, path, n) == 0 && (path[n] == '/' || path[n] == '\0' || n == 0);
}

/* What an entry says about the program at path (without its slash). */
static enum found judge(const struct wl_tar_entry *e, const char *path) {
    const char *name = e->name;
    const char *base;
    size_t n;

    while (*name == '/' || (name[0] == '.' && name[1] == '/'))
        name++;
    n = strlen(name) - wl_ends(name, "/");
    base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    if (strcmp(base, WL_OCI_OPAQUE) == 0)
        return is_above(name, base == name ? 0 : (size_t)(base - name) - 1, path) ? GONE : NOT_HERE;
    if (wl_starts(base, WL_OCI_WHITEOUT)) {
        WL_AUTOFREE char *hidden = wl_sprintf("%.*s%s", (int)(base - name), name, base + strlen(WL_OCI_WHITEOUT));

        return *hidden && is_above(hidden, strlen(hidden), path) ? GONE : NOT_HERE;
    }
    if (n == 0 || !is_above(name, n, path))
        return NOT_HERE;
    if (e->type == WL_TAR_SYMLINK) /* it may lead there */
        return HERE;
    return path[n] == '\0' && e->type != WL_TAR_DIR ? HERE : NOT_HERE;
}

static enum found look_in(const struct wl_layout *l, const struct wl_oci_descriptor *d, const char *path) {
    WL_AUTO(wl_blob_close) struct wl_blob_reader r = WL_BLOB_READER_INIT;
    WL_AUTO(wl_tar_freep) struct wl_tar_reader *t = NULL;
    const struct wl_tar_source source = {.read = wl_blob_read_source, .arg = &r};
    enum found found = NOT_HERE;
    struct wl_tar_entry e;
    struct wl_err ignored;
    bool end = false;

    if (wl_blob_open(&r, l, &d->digest, (int64_t)d->size, &ignored) < 0 ||
        wl_tar_open(&t, "layer", &source, NULL, &ignored) < 0)
        return HERE;
    while (!end) {
        enum found says;

        if (wl_tar_next(t, &e, &end, &ignored) < 0)
            return HERE;
        says = end ? NOT_HERE : judge(&e, path);
        if (says == HERE)
            return HERE;
        if (says == GONE) /* in the layers below */
            found = GONE;
    }
    return found;
}

static bool has_program(const struct wl_layout *l, const struct wl_over_part *part, const char *path) {
    for (size_t i = part->m.layers.n; i-- > 0;) {
        enum found found = look_in(l, &part->m.layers.v[i], path);

        if (found != NOT_HERE)
            return found == HERE;
    }
    return false;
}

static bool among_files(const struct wl_files *files, const char *program) {
    for (size_t i = 0; i < files->n; i++)
        if (files->v[i].kind != WL_FILES_DIR && strcmp(files->v[i].name, program) == 0)
            return true;
    return false;
}

int wl_app_check_entrypoint(const struct wl_app_spec *s, const struct wl_over_choice *choices, size_t n,
                            const struct wl_layout *layout, struct wl_err *err) {
    const char *said = s->app->entrypoint.n ? s->app->entrypoint.v[0] : NULL;
    WL_AUTOFREE char *program = said ? wl_strndup(said, strcspn(said, "#")) : NULL; /* runwasi's "/app.wasm#function" */

    if (!said || among_files(s->files, program))
        return 0;
    if (s->base->n == 0)
        return wl_fail(err, WL_RECIPE, "the entrypoint %s is not among the files, and over scratch there are no others",
                       said);
    for (size_t i = 0; i < n; i++) {
        WL_AUTOFREE char *platform = NULL;

        if (!choices[i].part || has_program(layout, choices[i].part, program + 1))
            continue;
        platform = wl_oci_platform_str(&choices[i].part->d.platform);
        return wl_fail(err, WL_RECIPE, "the entrypoint %s is neither among the files nor in the base %s (%s)", said,
                       s->base_name ? s->base_name : s->app->base, platform);
    }
    return 0;
}
