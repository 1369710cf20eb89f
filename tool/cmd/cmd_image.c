#include <stdlib.h>
#include <string.h>

#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/pack.h"
#include "../model/home.h"
#include "../run/app.h"
#include "cmd.h"
#include "image_base.h"
#include "local.h"
#include "remote.h"

#define PLATFORMS_MAX 16
#define NOTE_MAX 8 /* names in the note about what stayed out */

/* What the command line and app.json say together. */
struct image {
    struct wl_app *app;
    const char *base;
    struct wl_strv names, platforms;
    const char *format, *compression;
    struct wl_files files;
    struct wl_git git;
};

static void image_release(struct image *im) {
    wl_app_freep(&im->app);
    wl_strv_release(&im->names);
    wl_strv_release(&im->platforms);
    wl_files_release(&im->files);
    wl_git_release(&im->git);
}

/* --- The command line ----------------------------------------------------------------------------------------------- */

static int add_name(struct image *im, const char *name, struct wl_err *err) {
    const char *slash = strrchr(name, '/');

    if (wl_layout_name_check(name, err) < 0)
        return -1;
    if (im->names.n == WL_APP_NAMES)
        return wl_fail(err, WL_USAGE, "more than %d names for one image", WL_APP_NAMES);
    wl_strv_addf(&im->names, "%s%s", name, strchr(slash ? slash : name, ':') ? "" : ":latest");
    return 0;
}

static int add_names(struct image *im, const struct wl_args *args, struct wl_err *err) {
    const char *s;

    for (int i = 0; (s = wl_args_nth(args, "tag", i)) != NULL; i++)
        if (add_name(im, s, err) < 0)
            return -1;
    if (im->names.n)
        return 0;
    if (!im->app->name)
        return wl_fail(err, WL_USAGE, "the image has no name: give --tag NAME, or \"name\" in %s", im->app->path);
    if (add_name(im, im->app->name, err) < 0) {
        err->code = WL_RECIPE;
        return wl_err_context(err, "%s: $.name", im->app->path);
    }
    return 0;
}

/* --platform a/b,c/d, repeatable, instead of app.json's. */
static int add_platforms(struct image *im, const struct wl_args *args, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    struct wl_oci_platform ignored;
    const char *s;

    for (int i = 0; (s = wl_args_nth(args, "platform", i)) != NULL; i++)
        wl_args_split(s, &im->platforms);
    for (size_t i = 0; im->platforms.n == 0 && i < im->app->platforms.n; i++)
        wl_strv_add(&im->platforms, im->app->platforms.v[i]);
    if (im->platforms.n > PLATFORMS_MAX)
        return wl_fail(err, WL_USAGE, "more than %d platforms", PLATFORMS_MAX);
    for (size_t i = 0; i < im->platforms.n; i++)
        if (wl_oci_platform_parse(im->platforms.v[i], &arena, &ignored, err) < 0)
            return -1;
    return 0;
}

static int choose(const struct wl_args *args, const char *option, const char *app, const char *const *choices,
                  const char **ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf known = {0};
    const char *s = wl_args_get(args, option);

    *ret = s ? s : app;
    for (size_t i = 0; *ret && choices[i]; i++) {
        if (strcmp(*ret, choices[i]) == 0)
            return 0;
        wl_buf_addf(&known, "%s%s", i ? ", " : "", choices[i]);
    }
    return *ret ? wl_fail(err, WL_USAGE, "--%s: no \"%s\"; there are %s", option, *ret, wl_buf_str(&known)) : 0;
}

static int prepare(struct image *im, const struct wl_args *args, struct wl_err *err) {
    const char *base = wl_args_get(args, "base");
    WL_AUTOFREE char *ignore = NULL;

    if (wl_app_load(&im->app, args->pos[0], err) < 0 || add_names(im, args, err) < 0 ||
        add_platforms(im, args, err) < 0 ||
        choose(args, "format", im->app->format, wl_app_formats, &im->format, err) < 0 ||
        choose(args, "compression", im->app->compression, wl_codec_names, &im->compression, err) < 0)
        return -1;
    im->base = base ? base : im->app->base;
    ignore = im->app->ignore ? wl_path_join(im->app->dir, im->app->ignore) : NULL;
    if (wl_files_collect(im->app->dir, &im->app->files, ignore, wl_path_base(im->app->path), &im->files, err) < 0)
        return wl_err_context(err, "%s", im->app->path);
    if (!wl_args_has(args, "no-git"))
        wl_git_ask(im->app->dir, &im->git);
    return 0;
}

/* --- Telling -------------------------------------------------------------------------------------------------------- */

static void note_left_out(const struct wl_strv *left_out) {
    WL_AUTO(wl_buf_release) struct wl_buf names = {0};
    size_t n = left_out->n < NOTE_MAX ? left_out->n : NOTE_MAX;

    if (left_out->n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        wl_buf_addf(&names, "%s%s", i ? ", " : "", left_out->v[i]);
    if (n < left_out->n)
        wl_buf_addf(&names, " and %zu more", left_out->n - n);
    wl_info("left out, since such files hold secrets or history: %s (a line \"!NAME\" in " WL_FILES_IGNORE
            " takes one in)",
            wl_buf_str(&names));
}

static void json_strings(struct wl_jw *w, const char *key, const struct wl_strv *v) {
    wl_jw_key(w, key);
    wl_jw_begin(w, '[');
    for (size_t i = 0; i < v->n; i++)
        wl_jw_str(w, v->v[i]);
    wl_jw_end(w, ']');
}

static void json_file(struct wl_jw *w, const struct wl_files_entry *e) {
    static const char *const kinds[] = {"file", "dir", "symlink"};

    wl_jw_begin(w, '{');
    wl_jw_kstr(w, "name", e->name);
    wl_jw_kstr(w, "type", kinds[e->kind]);
    wl_jw_kint(w, "mode", e->kind == WL_FILES_LINK ? 0777 : e->kind == WL_FILES_DIR || e->exec ? 0755 : 0644);
    wl_jw_kint(w, "size", (int64_t)e->size);
    wl_jw_kstr(w, e->kind == WL_FILES_LINK ? "link" : "from", e->kind == WL_FILES_LINK ? e->target : e->path);
    wl_jw_end(w, '}');
}

static void finish_json(struct wl_buf *text) {
    wl_buf_addc(text, '\n');
    wl_result_raw(text->p, text->len);
}

static void print_dry_run(const struct image *im, bool json) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text, .indent = 2};

    for (size_t i = 0; !json && i < im->files.n; i++) {
        const struct wl_files_entry *e = &im->files.v[i];

        wl_result("%c%04o %12llu  %s%s%s", "-dl"[e->kind],
                  e->kind == WL_FILES_LINK ? 0777
                  : e->kind || e->exec     ? 0755
                                           : 0644,
                  (unsigned long long)e->size, e->name, e->target ? " -> " : "", e->target ? e->target : "");
    }
    if (!json)
        return;
    wl_jw_begin(&w, '{');
    json_strings(&w, "names", &im->names);
    wl_jw_kstr(&w, "base", im->base);
    wl_jw_kint(&w, "bytes", (int64_t)im->files.bytes);
    json_strings(&w, "leftOut", &im->files.left_out);
    wl_jw_key(&w, "files");
    wl_jw_begin(&w, '[');
    for (size_t i = 0; i < im->files.n; i++)
        json_file(&w, &im->files.v[i]);
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
    finish_json(&text);
}

static int json_image(struct wl_jw *w, const struct wl_layout *l, const struct wl_app_result *r, struct wl_err *err) {
    WL_AUTO(wl_image_info_release) struct wl_image_info info = {0};
    WL_AUTO(wl_layout_entry_release)
    struct wl_layout_entry e = {.media_type = wl_strdup(r->d.media_type), .digest = r->d.digest, .size = r->d.size};

    if (wl_image_info(l, &e, &info, err) < 0)
        return -1;
    wl_jw_kstr(w, "digest", wl_digest_str(&r->d.digest).s);
    wl_jw_kstr(w, "mediaType", r->d.media_type);
    json_strings(w, "platforms", &info.platforms);
    wl_jw_kint(w, "size", (int64_t)r->image.size);
    if (info.created)
        wl_jw_kstr(w, "created", info.created);
    return 0;
}

static int print_result(const struct image *im, const struct wl_layout *l, const struct wl_image_base *base,
                        const struct wl_app_result *r, bool json, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text, .indent = 2};

    wl_info("%s: %zu entries, %s, over %s; %s in all", im->names.v[0], im->files.n, wl_size(im->files.bytes).s,
            base->name ? base->name : WL_APP_SCRATCH, wl_size(r->image.size).s);
    for (size_t i = 0; !json && i < im->names.n; i++)
        wl_result("%s\t%s", im->names.v[i], wl_digest_str(&r->d.digest).s);
    if (!json)
        return 0;
    wl_jw_begin(&w, '{');
    json_strings(&w, "names", &im->names);
    if (json_image(&w, l, r, err) < 0)
        return -1;
    if (base->name) {
        wl_jw_key(&w, "base");
        wl_jw_begin(&w, '{');
        wl_jw_kstr(&w, "name", base->name);
        wl_jw_kstr(&w, "digest", wl_digest_str(&base->over.digest).s);
        wl_jw_end(&w, '}');
    }
    if (r->has_layer) {
        wl_jw_key(&w, "layer");
        wl_jw_begin(&w, '{');
        wl_jw_kstr(&w, "digest", wl_digest_str(&r->layer.digest).s);
        wl_jw_kstr(&w, "diffId", wl_digest_str(&r->layer.diff_id).s);
        wl_jw_kint(&w, "size", (int64_t)r->layer.size);
        wl_jw_kint(&w, "entries", (int64_t)im->files.n);
        wl_jw_kint(&w, "bytes", (int64_t)im->files.bytes);
        wl_jw_end(&w, '}');
    }
    json_strings(&w, "leftOut", &im->files.left_out);
    wl_jw_end(&w, '}');
    finish_json(&text);
    return 0;
}

/* --- The verb ------------------------------------------------------------------------------------------------------- */

static int make(struct image *im, const struct wl_args *args, struct wl_err *err) {
    WL_AUTO(wl_home_close) struct wl_home home = WL_HOME_INIT;
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_image_base_release) struct wl_image_base base = {0};
    WL_AUTO(wl_app_result_release) struct wl_app_result r = {0};
    const char *digest_file = wl_args_get(args, "digest-file");
    unsigned flags = (wl_args_has(args, "pull") ? WL_BASE_PULL : 0) |
                     (wl_args_has(args, "offline") ? WL_BASE_OFFLINE : 0) |
                     (wl_args_has(args, "plain-http") ? WL_BASE_PLAIN_HTTP : 0);
    struct wl_app_spec s = {
        .app = im->app,
        .files = &im->files,
        .base = &base.over,
        .git = &im->git,
        .names = (const char *const *)im->names.v,
        .platforms = (const char *const *)im->platforms.v,
        .format = im->format,
        .compression = im->compression,
        .attest = !wl_args_has(args, "no-attestations"),
    };

    if (wl_remote_network(args, err) < 0 || wl_home_open(&home, err) < 0 ||
        wl_local_open(&l, WL_LAYOUT_CREATE, NULL, err) < 0 ||
        wl_image_base_find(&home, &l, im->app, im->base, flags, &base, err) < 0)
        return -1;
    s.base_name = base.name;
    if (wl_app_make(&s, &l, &r, err) < 0)
        return wl_err_context(err, "%s", im->app->path);
    if (digest_file) {
        WL_AUTOFREE char *line = wl_sprintf("%s\n", wl_digest_str(&r.d.digest).s);

        if (wl_fs_write(digest_file, line, strlen(line), err) < 0)
            return -1;
    }
    return print_result(im, &l, &base, &r, wl_args_has(args, "json"), err);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(image_release) struct image im = {0};

    (void)ret_status;
    if (wl_args_has(args, "schema") || wl_args_has(args, "fields")) {
        WL_AUTO(wl_buf_release) struct wl_buf text = {0};

        if (wl_args_has(args, "schema"))
            wl_app_schema(&text);
        else
            wl_app_reference(&text);
        wl_result_raw(text.p, text.len);
        return 0;
    }
    if (args->n_pos == 0)
        return wl_fail(err, WL_USAGE, "image: which app.json? usage: wlpack image [OPTIONS] APP.json");
    if (prepare(&im, args, err) < 0)
        return -1;
    note_left_out(&im.files.left_out);
    if (im.git.problem)
        wl_warn("no revision, source and time of git, which says: %s (git config --global --add safe.directory DIR, or "
                "--no-git)",
                im.git.problem);
    if (wl_args_has(args, "dry-run")) {
        print_dry_run(&im, wl_args_has(args, "json"));
        return 0;
    }
    return make(&im, args, err);
}

static const struct wl_opt opts[] = {
    {"tag", 't', "NAME", "the image's name in the local store (repeatable; default: \"name\" of APP.json)"},
    {"base", 0, "REF", "stand on this instead of \"base\""},
    {"platform", 0, "OS/ARCH", "platform(s) instead of the base's; a,b or repeated: an index"},
    {"format", 0, "FORMAT", "oci (default), docker (manifest v2, schema 2) or wasm-artifact (one module alone)"},
    {"compression", 0, "NAME", "of the layer: gzip (default), gzip-max, zstd or zstd-max"},
    {"pull", 0, NULL, "pull the base even when it is here"},
    {"offline", 0, NULL, "neither pull nor fetch anything"},
    {"plain-http", 0, NULL, "http instead of https, also to another machine"},
    {"no-git", 0, NULL, "do not ask git for revision, source and time"},
    {"no-attestations", 0, NULL, "attach neither SBOM nor provenance"},
    {"digest-file", 0, "FILE", "write the digest to FILE as well"},
    {"dry-run", 'n', NULL, "only list what would go into the layer"},
    {"json", 0, NULL, "print a JSON object"},
    WL_REMOTE_OPTS,
    {"schema", 0, NULL, "print the JSON Schema of APP.json"},
    {"fields", 0, NULL, "print the reference of its keys, as Markdown"},
    {0},
};

const struct wl_verb wl_verb_image = {
    .name = "image",
    .usage = "image [OPTIONS] APP.json",
    .summary = "make an application image: your files over an interpreter's image",
    .help =
        "Makes an image out of APP.json (or the app.json of a folder): the files that it names as one layer over "
        "its base,\n"
        "which is a recipe (built first), an image of the local store, one of a registry (pulled first) or "
        "scratch. Nothing\n"
        "is compiled but a recipe that was not built yet. A base with native code (an index) gives an index. The "
        "same files\n"
        "give the same digest; the time is SOURCE_DATE_EPOCH, else \"epoch\", else the git commit's, else the "
        "base's.\n\n"
        "  {\"base\": \"ghcr.io/you/php:7.4.33-cli\", \"files\": [{\"from\": \".\", \"to\": \"/site\"}], \"cmd\": "
        "[\"/site/index.php\"]}\n\n"
        "Left out without being asked: .git and its like, and files that most often hold secrets (.env, private "
        "keys, ...); a\n"
        "note names them. .wlpackignore (else .dockerignore) leaves out more, and with !NAME takes back in.\n\n"
        "--platform wasi/wasm, wasip1/wasm, wasi/wasm32: the base's images under that name, variants kept. "
        "linux/amd64: the\n"
        "image with native code for amd64, else the portable one, for hosts that take nothing but linux.\n\n"
        "An SBOM (SPDX: the files with their digests, the base) and provenance (SLSA: base, git commit, app.json) are "
        "attached;\n"
        "push sends them along, `wlpack verify` checks them.\n\n"
        "Prints NAME and digest, one a line; with --dry-run one line a file.\n\n"
        "Example: wlpack image -t shop:1.0 app.json",
    .opts = opts,
    .min_pos = 0,
    .max_pos = 1,
    .run = run,
};
