#include <string.h>

#include "../base/fs.h"
#include "recipe_impl.h"

/* One file of a chain of "extends". */
struct link {
    const char *id;
    const char *root; /* the recipes folder it was found in */
    struct wl_json_doc *doc;
    struct wl_recipe *decoded;
};

struct load {
    struct wl_arena *arena;
    const struct wl_strv *path;
    struct link chain[WL_RECIPE_CHAIN]; /* the recipe itself first */
    size_t n;
    const char *flavour;
    struct wl_recipe *r;
    struct wl_err *err;
};

static void load_release(struct load *l) {
    for (size_t i = 0; i < l->n; i++)
        wl_json_free(l->chain[i].doc);
}

/* --- Errors of the merged recipe, at the file that holds the key ------------------------------------------------ */

static int fail_at(struct load *l, const char *path, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int fail_at(struct load *l, const char *path, const char *fmt, ...) {
    WL_AUTOFREE char *in_flavour = wl_sprintf("$.flavours.%s%s", l->flavour, path + 1);
    WL_AUTOFREE char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    for (size_t i = 0; i < l->n; i++)
        if (wl_json_lookup(l->chain[i].doc, in_flavour))
            return wl_json_fail(l->chain[i].doc, in_flavour, l->err, "%s", text);
    for (size_t i = 0; i < l->n; i++)
        if (wl_json_lookup(l->chain[i].doc, path))
            return wl_json_fail(l->chain[i].doc, path, l->err, "%s", text);
    return wl_json_fail(l->chain[0].doc, path, l->err, "%s", text);
}

/* --- The chain of files ----------------------------------------------------------------------------------------- */

static int decode_text(struct wl_arena *a, const char *name, const char *text, size_t len, struct wl_json_doc **ret_doc,
                       struct wl_recipe **ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    void *decoded = NULL;

    if (wl_json_parse(&doc, name, text, len, WL_RECIPE, err) < 0)
        return -1;
    if (wl_spec_decode(a, &wl_recipe_spec, doc, wl_json_root(doc), "$", &decoded, err) < 0)
        return -1;
    *ret_doc = WL_STEAL(doc);
    *ret = decoded;
    return 0;
}

static int load_link(struct load *l, const char *id, const char *root) {
    struct link *k = &l->chain[l->n];
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *file = wl_recipe_file(root, id);

    if (wl_fs_read(file, WL_RECIPE_BYTES, &text, l->err) < 0) {
        l->err->code = WL_RECIPE;
        return -1;
    }
    if (decode_text(l->arena, file, wl_buf_str(&text), text.len, &k->doc, &k->decoded, l->err) < 0)
        return -1;
    k->id = wl_arena_strdup(l->arena, id);
    k->root = root;
    l->n++;
    return 0;
}

static int extends_fail(struct load *l, const struct wl_json_doc *doc, const char *next) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};

    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->chain[i].id, next) != 0)
            continue;
        for (; i < l->n; i++)
            wl_buf_addf(&text, "%s -> ", l->chain[i].id);
        return wl_json_fail(doc, "$.extends", l->err, "goes in a circle: %s%s", text.p, next);
    }
    if (l->n == WL_RECIPE_CHAIN)
        return wl_json_fail(doc, "$.extends", l->err, "more than %d recipes in a chain", WL_RECIPE_CHAIN);
    wl_recipe_suggest(l->path, next, &text);
    return wl_json_fail(doc, "$.extends", l->err, "no recipe \"%s\"%s", next, wl_buf_str(&text));
}

static bool in_chain(const struct load *l, const char *id) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->chain[i].id, id) == 0)
            return true;
    return false;
}

static int load_chain(struct load *l, const char *id) {
    const char *root = wl_recipe_find_root(l->path, id);

    if (!root) {
        WL_AUTO(wl_buf_release) struct wl_buf text = {0};

        wl_recipe_suggest(l->path, id, &text);
        return wl_fail(l->err, WL_RECIPE, "no recipe \"%s\"%s (`wlpack recipes` lists them)", id, wl_buf_str(&text));
    }
    if (load_link(l, id, root) < 0)
        return -1;
    for (const char *next; (next = l->chain[l->n - 1].decoded->extends);) {
        root = wl_recipe_find_root(l->path, next);
        if (!root || l->n == WL_RECIPE_CHAIN || in_chain(l, next))
            return extends_fail(l, l->chain[l->n - 1].doc, next);
        if (load_link(l, next, root) < 0)
            return -1;
    }
    return 0;
}

/* --- Merging ---------------------------------------------------------------------------------------------------- */

static void add_name(struct wl_arena *a, struct wl_list *list, size_t room, const char *name) {
    if (!list->v)
        list->v = wl_arena_alloc(a, (room + 1) * sizeof(*list->v));
    list->v[list->n++] = name;
}

static int pick_flavour(struct load *l, struct wl_recipe *merged, struct wl_recipe **ret) {
    struct wl_recipe *flavour = wl_omap_get(&merged->flavours, l->flavour);
    struct wl_list names = {0};

    add_name(l->arena, &names, merged->flavours.n + 1, WL_RECIPE_FLAVOUR);
    for (size_t i = 0; i < merged->flavours.n; i++)
        if (strcmp(merged->flavours.keys[i], WL_RECIPE_FLAVOUR) != 0)
            add_name(l->arena, &names, 0, merged->flavours.keys[i]);
    if (!flavour && strcmp(l->flavour, WL_RECIPE_FLAVOUR) != 0) {
        WL_AUTO(wl_buf_release) struct wl_buf text = {0};

        for (size_t i = 0; i < names.n; i++)
            wl_buf_addf(&text, "%s%s", i ? ", " : "", names.v[i]);
        return wl_fail(l->err, WL_RECIPE, "recipe %s has no flavour \"%s\"; it has: %s", l->chain[0].id, l->flavour,
                       text.p);
    }
    *ret = wl_spec_merge(l->arena, &wl_recipe_spec, merged, flavour);
    (*ret)->flavours = (struct wl_omap){0};
    (*ret)->flavour_names = names;
    return 0;
}

static int merge_chain(struct load *l, struct wl_recipe **ret) {
    struct wl_recipe *merged = NULL;

    for (size_t i = l->n; i-- > 0;) {
        if (merged && merged->kind && strcmp(merged->kind, "base") == 0)
            merged->kind = NULL; /* what extends a base is none itself */
        merged = wl_spec_merge(l->arena, &wl_recipe_spec, merged, l->chain[i].decoded);
    }
    merged->extends = l->chain[0].decoded->extends;
    return pick_flavour(l, merged, ret);
}

/* --- Variables, defaults and checks ----------------------------------------------------------------------------- */

static int expand_one(void *arg, const struct wl_spec_field *field, const char *path, const char **s,
                      struct wl_err *err) {
    struct load *l = arg;
    WL_AUTOFREE char *unknown = NULL;
    const char *known = NULL;
    const char *value = wl_recipe_expand_static(l->arena, l->r->name, l->r->version, field->tag, *s, &unknown, &known);

    (void)err;
    if (!value && !known)
        return fail_at(l, path, "no } behind ${%.64s", unknown);
    if (!value)
        return fail_at(l, path, "unknown variable ${%.64s}; known here: %s", unknown, known);
    if (field->tag >= WL_VARS_FLAGS && strcmp(l->r->kind, "interpreter") == 0 && strstr(value, "${out}") &&
        !strstr(value, "$${out}"))
        return fail_at(l, path, "${out} is for recipes of kind library");
    *s = value;
    return 0;
}

static void default_file(struct load *l, struct wl_recipe_source *source) {
    const char *url = source && source->urls.n ? source->urls.v[0] : NULL;
    const char *base = url ? strrchr(url, '/') + 1 : NULL;

    if (base && !source->file)
        source->file = wl_arena_strndup(l->arena, base, strcspn(base, "?#"));
}

static void set_defaults(struct load *l) {
    struct wl_recipe *r = l->r;
    static const struct wl_recipe_platform wasi = {"wasi", "wasm"};

    if (!r->kind)
        r->kind = "interpreter";
    r->platform = wl_spec_merge(l->arena, &wl_recipe_platform_spec, &wasi, r->platform);
    default_file(l, r->source);
    for (size_t i = 0; r->kit && i < r->kit->hosts.n; i++)
        default_file(l, r->kit->hosts.v[i]);
    for (size_t i = 0; i < r->images.n; i++) {
        struct wl_recipe_image *image = r->images.v[i];
        struct wl_recipe_artefact *a = image->artefact ? wl_omap_get(&r->artefacts, image->artefact) : NULL;

        if (!image->entrypoint.v && a && a->file)
            add_name(l->arena, &image->entrypoint, 1, wl_arena_sprintf(l->arena, "/%s", a->file));
    }
}

static int check_source(struct load *l, const char *path, const struct wl_recipe_source *source) {
    WL_AUTOFREE char *file = wl_json_path_key(path, "file");

    if (source->file && !wl_recipe_is_filename(source->file))
        return fail_at(l, file, "\"%s\" is not a plain file name", source->file);
    return 0;
}

static int check_artefacts(struct load *l) {
    const struct wl_omap *m = &l->r->artefacts;

    for (size_t i = 0; i < m->n; i++) {
        const struct wl_recipe_artefact *a = m->v[i];
        WL_AUTOFREE char *path = wl_json_path_key("$.artefacts", m->keys[i]);
        WL_AUTOFREE char *file = wl_json_path_key(path, "file");

        for (size_t k = 0; k < i; k++)
            if (strcmp(a->file, ((struct wl_recipe_artefact *)m->v[k])->file) == 0)
                return fail_at(l, file, "artefact %s has this file too", m->keys[k]);
    }
    return 0;
}

/* The tag of an image as it will be, with or without "-aot"; two images must not meet. */
static bool tags_meet(const struct wl_recipe_image *a, const struct wl_recipe_image *b) {
    WL_AUTOFREE char *a_aot = wl_sprintf("%s-aot", a->tag);
    WL_AUTOFREE char *b_aot = wl_sprintf("%s-aot", b->tag);

    return strcmp(a->tag, b->tag) == 0 || strcmp(a_aot, b->tag) == 0 || strcmp(a->tag, b_aot) == 0;
}

static int check_image(struct load *l, size_t i, const char *path) {
    const struct wl_omap *m = &l->r->images;
    const struct wl_recipe_image *image = m->v[i];
    WL_AUTOFREE char *artefact = wl_json_path_key(path, "artefact");
    WL_AUTOFREE char *tag = wl_json_path_key(path, "tag");
    WL_AUTOFREE char *program = wl_sprintf("%s.entrypoint[0]", path);

    if (!wl_omap_get(&l->r->artefacts, image->artefact)) {
        const char *near = l->r->artefacts.keys ? wl_nearest(image->artefact, l->r->artefacts.keys) : NULL;

        return near ? fail_at(l, artefact, "no artefact \"%s\"; did you mean \"%s\"?", image->artefact, near)
                    : fail_at(l, artefact, "no artefact \"%s\"", image->artefact);
    }
    if (!wl_recipe_is_tag(image->tag) || strlen(image->tag) > 128 - strlen("-aot"))
        return fail_at(l, tag, "\"%s\" is no tag (at most 124 characters)", image->tag);
    if (!wl_recipe_is_abspath(image->entrypoint.v[0]))
        return fail_at(l, program, "\"%.128s\" is not an absolute path", image->entrypoint.v[0]);
    for (size_t k = 0; k < i; k++)
        if (tags_meet(image, m->v[k]))
            return fail_at(l, tag, "meets the tag of image %s", m->keys[k]);
    return 0;
}

static int check_required(struct load *l) {
    struct wl_recipe *r = l->r;
    bool kit = strcmp(r->kind, "kit") == 0, library = wl_recipe_is_library(r);
    const struct {
        const char *path;
        bool there;
    } wanted[] = {
        {"$.name", r->name != NULL},
        {"$.version", r->version != NULL},
        {"$.kit", !kit || r->kit},
        {"$.source", kit || r->source},
        {"$.compile", kit || r->compile.v},
        {"$.artefacts", kit || library || r->artefacts.n},
        {"$.kit.hosts", !kit || !r->kit || r->kit->hosts.n},
    };
    WL_AUTOFREE char *missing = NULL;

    for (size_t i = 0; i < WL_ARRAY_LEN(wanted); i++)
        if (!wanted[i].there)
            return fail_at(l, wanted[i].path, "missing (kind %s needs it)", r->kind);
    missing = wl_spec_required(&wl_recipe_spec, r, "$");
    return missing ? fail_at(l, missing, "missing") : 0;
}

/* What a library is for is its tree: its modules are tests, which nobody ships. */
static int check_library(struct load *l) {
    const struct wl_recipe *r = l->r;
    const struct {
        const char *path;
        bool there;
    } unwanted[] = {{"$.optimize", r->optimize}, {"$.aot", r->aot}, {"$.images", r->images.n > 0}};

    for (size_t i = 0; wl_recipe_is_library(r) && i < WL_ARRAY_LEN(unwanted); i++)
        if (unwanted[i].there)
            return fail_at(l, unwanted[i].path, "a library has none");
    for (size_t i = 0; i < r->deps.n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(r->deps.v[i], r->deps.v[k]) == 0)
                return fail_at(l, "$.deps", "%s stands there twice", r->deps.v[i]);
    return 0;
}

static int check_merged(struct load *l) {
    struct wl_recipe *r = l->r;

    if (check_required(l) < 0 || check_library(l) < 0 || check_artefacts(l) < 0)
        return -1;
    if (r->source && check_source(l, "$.source", r->source) < 0)
        return -1;
    for (size_t i = 0; r->kit && i < r->kit->hosts.n; i++) {
        WL_AUTOFREE char *path = wl_json_path_key("$.kit.hosts", r->kit->hosts.keys[i]);

        if (check_source(l, path, r->kit->hosts.v[i]) < 0)
            return -1;
    }
    for (size_t i = 0; i < r->images.n; i++) {
        WL_AUTOFREE char *path = wl_json_path_key("$.images", r->images.keys[i]);

        if (check_image(l, i, path) < 0)
            return -1;
    }
    return 0;
}

/* --- Folders beside recipes ------------------------------------------------------------------------------------- */

/* "patches/NAME" or "scripts/NAME" beside the recipes folder root, when it exists; else NULL. */
static const char *beside(struct load *l, const char *root, const char *what, const char *name) {
    const char *slash = strrchr(root, '/');
    const char *dir = slash ? wl_arena_sprintf(l->arena, "%.*s/%s/%s", (int)(slash - root), root, what, name)
                            : wl_arena_sprintf(l->arena, "%s/%s", what, name);

    return wl_fs_is_dir(dir) ? dir : NULL;
}

/* *name: what the recipe says; NULL gives the id of the nearest recipe in the chain that has such a folder. */
static int find_folder(struct load *l, const char *what, const char *path, const char **name, const char **ret) {
    for (size_t i = 0; i < l->n; i++) {
        const char *dir = beside(l, l->chain[i].root, what, *name ? *name : l->chain[i].id);

        if (!dir)
            continue;
        if (!*name)
            *name = l->chain[i].id;
        *ret = dir;
        return 0;
    }
    return *name ? fail_at(l, path, "no folder %s/%s", what, *name) : 0;
}

/* --- The load --------------------------------------------------------------------------------------------------- */

static int finish(struct load *l, bool folders) {
    bool base;

    set_defaults(l);
    base = strcmp(l->r->kind, "base") == 0;
    if (wl_spec_visit(&wl_recipe_spec, l->r, "$", expand_one, l, l->err) < 0)
        return -1;
    if (!base && check_merged(l) < 0)
        return -1;
    if (!folders)
        return 0;
    if (find_folder(l, "patches", "$.patches", &l->r->patches, &l->r->patches_dir) < 0)
        return -1;
    return find_folder(l, "scripts", "$.scripts", &l->r->scripts, &l->r->scripts_dir);
}

int wl_recipe_load(struct wl_recipe **ret, const struct wl_strv *path, const char *id, const char *flavour,
                   struct wl_err *err) {
    WL_AUTO(wl_recipe_freep) struct wl_recipe *r = wl_calloc(1, sizeof(*r));
    struct wl_arena arena = {0};
    WL_AUTO(load_release)
    struct load l = {.arena = &arena, .path = path, .flavour = flavour ? flavour : WL_RECIPE_FLAVOUR, .err = err};

    if (load_chain(&l, id) < 0 || merge_chain(&l, &l.r) < 0 || finish(&l, true) < 0) {
        wl_arena_release(&arena);
        return -1;
    }
    l.r->id = l.chain[0].id;
    l.r->flavour = wl_arena_strdup(&arena, l.flavour);
    for (size_t i = 0; i < l.n; i++)
        add_name(&arena, &l.r->files, WL_RECIPE_CHAIN,
                 wl_arena_sprintf(&arena, "%s/%s/recipe.json", l.chain[i].root, l.chain[i].id));
    *r = *l.r;
    r->arena = arena;
    *ret = WL_STEAL(r);
    return 0;
}

void wl_recipe_free(struct wl_recipe *r) {
    struct wl_arena arena;

    if (!r)
        return;
    arena = r->arena;
    free(r);
    wl_arena_release(&arena);
}

void wl_recipe_freep(struct wl_recipe **r) {
    wl_recipe_free(*r);
}

bool wl_recipe_is_library(const struct wl_recipe *r) {
    return strcmp(r->kind, "library") == 0;
}

int wl_recipe_buildable(const struct wl_recipe *r, struct wl_err *err) {
    if (strcmp(r->kind, "base") == 0)
        return wl_fail(err, WL_RECIPE, "recipe %s is a base: build one that extends it", r->id);
    if (strcmp(r->kind, "kit") == 0)
        return wl_fail(err, WL_RECIPE, "recipe %s is a kit: `wlpack kit install` gets it", r->id);
    return 0;
}

int wl_recipe_check_text(const char *name, const char *text, size_t len, struct wl_err *err) {
    struct wl_arena arena = {0};
    const struct wl_strv none = {0};
    WL_AUTO(load_release)
    struct load l = {.arena = &arena, .path = &none, .flavour = WL_RECIPE_FLAVOUR, .err = err};
    struct link *k = &l.chain[0];
    int r = -1;

    if (len > WL_RECIPE_BYTES) {
        r = wl_fail(err, WL_RECIPE, "%s: longer than %d bytes", name, WL_RECIPE_BYTES);
    } else if (decode_text(&arena, name, text, len, &k->doc, &k->decoded, err) == 0) {
        k->id = "text";
        k->root = "";
        l.n = 1;
        r = k->decoded->extends ? 0 : merge_chain(&l, &l.r) < 0 ? -1 : finish(&l, false);
    }
    wl_arena_release(&arena);
    return r;
}
