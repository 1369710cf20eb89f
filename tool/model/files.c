#include "files.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"
#include "recipe_impl.h"

#define DEPTH 100
#define LEFT_OUT 1000 /* names that are remembered for the note */

/* --- The table ------------------------------------------------------------------------------------------------------ */

static bool is_from(const char *s) {
    return strlen(s) <= WL_FILES_PATTERN && (strcmp(s, ".") == 0 || wl_format_relpath.check(s));
}

/* "/" or "/a/b", with or without a slash at the end. */
static bool is_to(const char *s) {
    size_t n = strlen(s);
    WL_AUTOFREE char *copy = wl_strdup(s);

    if (n > 1 && copy[n - 1] == '/')
        copy[n - 1] = '\0';
    return wl_recipe_is_abspath(copy);
}

static bool is_pattern(const char *s) {
    return *s && *s != '/' && strlen(s) <= WL_FILES_PATTERN && wl_format_text.check(s);
}

#define PART "(?!\\.{1,2}(/|$))[^/\\\\\\x00-\\x1f\\x7f]+"

static const struct wl_spec_format format_from = {"^(?=.{1,1024}$)(\\.|" PART "(/" PART ")*)$", is_from,
                                                  "\".\" or a relative path without \".\", \"..\" or empty parts"};
static const struct wl_spec_format format_to = {"^/(" PART "(/" PART ")*/?)?$", is_to,
                                                "an absolute path without \".\", \"..\" or empty parts"};
static const struct wl_spec_format format_pattern = {"^(?=.{1,1024}$)[^/\\x00-\\x1f\\x7f][^\\x00-\\x1f\\x7f]*$",
                                                     is_pattern, "a pattern of file names without a slash in front"};

#define AT(member) offsetof(struct wl_files_rule, member)

static const struct wl_spec_field fields[] = {
    {.name = "from",
     .type = WL_SPEC_STR,
     .offset = AT(from),
     .doc = "A file, a folder or a pattern of files (* ? [a-z] **); \".\" is the whole folder.",
     .required = true,
     .format = &format_from},
    {.name = "to",
     .type = WL_SPEC_STR,
     .offset = AT(to),
     .doc = "Its place in the image, an absolute path: a folder's contents go there; a file too when it ends in a "
            "slash, else it "
            "is the file's name.",
     .required = true,
     .format = &format_to},
    {.name = "include",
     .type = WL_SPEC_STRV,
     .offset = AT(include),
     .doc = "Of a folder only what fits one of these patterns. One without a slash fits at any depth.",
     .min = 1,
     .format = &format_pattern},
    {.name = "exclude",
     .type = WL_SPEC_STRV,
     .offset = AT(exclude),
     .doc = "And nothing that fits one of these.",
     .format = &format_pattern},
    {0},
};
const struct wl_spec wl_files_rule_spec = {.title = "files", .size = sizeof(struct wl_files_rule), .fields = fields};

/* --- What stays out unless it is asked for -------------------------------------------------------------------------- */

static const char *const builtin[] = {
    /* version control */
    "**/.git",
    "**/.hg",
    "**/.svn",
    "**/.bzr",
    "**/CVS",
    /* secrets by their usual names */
    "**/.env",
    "**/.env.*",
    "**/.netrc",
    "**/_netrc",
    "**/.npmrc",
    "**/.yarnrc",
    "**/.pypirc",
    "**/.htpasswd",
    "**/.pgpass",
    "**/.my.cnf",
    "**/.git-credentials",
    "**/.composer/auth.json",
    "**/auth.json",
    "**/.docker",
    "**/.dockercfg",
    "**/.aws",
    "**/.azure",
    "**/.kube",
    "**/.ssh",
    "**/.gnupg",
    "**/id_rsa*",
    "**/id_dsa*",
    "**/id_ecdsa*",
    "**/id_ed25519*",
    "**/*.key",
    "**/key.pem",
    "**/*-key.pem",
    "**/privkey*.pem",
    "**/*.p12",
    "**/*.pfx",
    "**/*.jks",
    "**/*.keystore",
    /* ours */
    "**/" WL_FILES_IGNORE,
    "**/" WL_FILES_IGNORE_DOCKER,
};

/* Ours: nobody has to be told. */
static bool is_quiet(const char *pattern) {
    return !wl_starts(pattern, "**/") || strcmp(pattern + 3, WL_FILES_IGNORE) == 0 ||
           strcmp(pattern + 3, WL_FILES_IGNORE_DOCKER) == 0;
}

/* --- Collecting ----------------------------------------------------------------------------------------------------- */

struct collect {
    struct wl_files *out;
    const char *top; /* as given */
    char *real_top;  /* without links */
    char *real_from; /* of the rule */
    struct wl_ignore ignore;
    bool takes_back; /* an ignore file holds a "!": folders that are ignored are looked into */
    const struct wl_files_rule *rule;
    const char *only; /* the pattern part of `from`, or NULL */
    size_t index;     /* of the rule */
    size_t visited, taken;
};

static void collect_release(struct collect *c) {
    free(c->real_top);
    free(c->real_from);
    wl_ignore_release(&c->ignore);
}

void wl_files_release(struct wl_files *f) {
    for (size_t i = 0; i < f->n; i++) {
        free(f->v[i].name);
        free(f->v[i].path);
        free(f->v[i].target);
    }
    free(f->v);
    wl_strv_release(&f->left_out);
    *f = (struct wl_files){0};
}

static int bad(const struct collect *c, struct wl_err *err, const char *path, const char *why) {
    return wl_fail(err, WL_RECIPE, "files[%zu]: %s %s", c->index, path, why);
}

static struct wl_files_entry *add(struct collect *c, enum wl_files_kind kind, const char *name, const char *path) {
    struct wl_files *f = c->out;

    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        f->v = wl_reallocarray(f->v, f->cap, sizeof(*f->v));
    }
    f->v[f->n] =
        (struct wl_files_entry){.name = wl_strdup(name), .path = wl_strdup(path), .kind = kind, .rule = c->index};
    c->taken++;
    return &f->v[f->n++];
}

static int add_file(struct collect *c, const char *name, const char *path, const struct stat *st, struct wl_err *err) {
    struct wl_files_entry *e;

    if (st->st_size < 0 || (uint64_t)st->st_size > WL_FILES_BYTES - c->out->bytes)
        return bad(c, err, path, "makes the files larger than 8 GiB together");
    e = add(c, WL_FILES_FILE, name, path);
    e->exec = (st->st_mode & 0111) != 0;
    e->size = (uint64_t)st->st_size;
    c->out->bytes += e->size;
    return 0;
}

static bool is_below(const char *path, const char *top) {
    size_t n = strlen(top);

    return strcmp(top, "/") == 0 || (strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/'));
}

/* Whether a relative target, taken from the folder that holds rel ("a/b/link"), stays below the rule's folder by its spelling. */
static bool stays_below(const char *rel, const char *target) {
    long depth = 0;

    for (const char *p = rel; (p = strchr(p, '/')) != NULL; p++)
        depth++;
    for (const char *p = target; *p;) {
        size_t n = strcspn(p, "/");

        if (n == 2 && p[0] == '.' && p[1] == '.')
            depth--;
        else if (n > 0 && !(n == 1 && *p == '.'))
            depth++;
        if (depth < 0)
            return false;
        p += n + (p[n] == '/');
    }
    return true;
}

static int add_link(struct collect *c, const char *name, const char *path, const char *rel, struct wl_err *err) {
    char target[PATH_MAX];
    WL_AUTOFREE char *real = realpath(path, NULL);
    ssize_t n = readlink(path, target, sizeof(target) - 1);

    if (n <= 0 || n == (ssize_t)sizeof(target) - 1)
        return wl_fail_errno(err, n < 0 ? errno : ENAMETOOLONG, "files[%zu]: cannot read the link %s", c->index, path);
    target[n] = '\0';
    if (target[0] == '/')
        return bad(c, err, path, "is an absolute link: only relative ones mean the same in an image");
    if (!stays_below(rel, target) || (real && !is_below(real, c->real_from)))
        return bad(c, err, path, "is a link that leads out of its folder");
    add(c, WL_FILES_LINK, name, path)->target = wl_strdup(target);
    return 0;
}

/* "tests/" means what "tests" does, "./tests" begins at the rule's folder. */
static bool fits(const char *pattern, const char *rel) {
    bool here = wl_starts(pattern, "./");
    const char *from = pattern + (here ? 2 : 0);
    size_t n = strlen(from);
    WL_AUTOFREE char *own = NULL;

    while (n > 0 && from[n - 1] == '/')
        n--;
    if (here || memchr(from, '/', n)) {
        if (!from[n])
            return wl_files_match(from, rel);
        own = wl_strndup(from, n);
    } else {
        own = wl_sprintf("**/%.*s", (int)n, from);
    }
    return wl_files_match(own, rel);
}

static bool fits_any(const struct wl_list *patterns, const char *rel) {
    for (size_t i = 0; i < patterns->n; i++)
        if (fits(patterns->v[i], rel))
            return true;
    return false;
}

/* Only what the ignore rules say; path is relative to the top. Notes what the built-in list keeps out. */
static bool is_ignored(struct collect *c, const char *path) {
    size_t which = 0;

    if (wl_ignore_match(&c->ignore, path, &which) != 1)
        return false;
    if (which < c->ignore.n_builtin && !is_quiet(c->ignore.patterns.v[which]) && c->out->left_out.n < LEFT_OUT &&
        !wl_strv_has(&c->out->left_out, path))
        wl_strv_add(&c->out->left_out, path);
    return true;
}

static int take(struct collect *c, const char *rel, const char *path, const char *under_top, int depth,
                struct wl_err *err);

static int take_dir(struct collect *c, const char *rel, const char *path, const char *under_top, int depth,
                    struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};

    if (depth > DEPTH)
        return bad(c, err, path, "is nested too deeply");
    if (wl_fs_list(path, &names, err) < 0)
        return wl_err_context(err, "files[%zu]", c->index);
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *sub = *rel ? wl_sprintf("%s/%s", rel, names.v[i]) : wl_strdup(names.v[i]);
        WL_AUTOFREE char *sub_path = wl_path_join(path, names.v[i]);
        WL_AUTOFREE char *sub_top = *under_top ? wl_sprintf("%s/%s", under_top, names.v[i]) : wl_strdup(names.v[i]);

        if (take(c, sub, sub_path, sub_top, depth + 1, err) < 0)
            return -1;
    }
    return 0;
}

/* One entry below the rule's folder. */
static int take(struct collect *c, const char *rel, const char *path, const char *under_top, int depth,
                struct wl_err *err) {
    const char *to = c->rule->to;
    WL_AUTOFREE char *name = wl_sprintf("%s%s%s", to, wl_ends(to, "/") ? "" : "/", rel);
    bool ignored, wanted;
    struct stat st;

    if (++c->visited > WL_FILES_ENTRIES)
        return bad(c, err, path, "is one entry too many: there are more than 500,000");
    if (wl_interrupted())
        return wl_fail(err, WL_FAILED, "interrupted while listing files");
    if (lstat(path, &st) < 0)
        return wl_fail_errno(err, errno, "files[%zu]: cannot stat %s", c->index, path);
    ignored = is_ignored(c, under_top);
    if (fits_any(&c->rule->exclude, rel) || (ignored && !(S_ISDIR(st.st_mode) && c->takes_back)))
        return 0;
    wanted = !ignored && (!c->only || wl_files_match(c->only, rel)) &&
             (!c->rule->include.v || fits_any(&c->rule->include, rel));
    if (S_ISDIR(st.st_mode)) {
        if (wanted)
            add(c, WL_FILES_DIR, name, path);
        return take_dir(c, rel, path, under_top, depth, err);
    }
    if (!wanted)
        return 0;
    if (S_ISREG(st.st_mode))
        return add_file(c, name, path, &st, err);
    if (S_ISLNK(st.st_mode))
        return add_link(c, name, path, rel, err);
    return bad(c, err, path, "is neither a file, a folder nor a link");
}

/* --- Rules ---------------------------------------------------------------------------------------------------------- */

/* Splits a from with a pattern in its last parts into the folder and the pattern; without a pattern *ret_only is NULL. A new string. */
static char *split_from(const char *from, const char **ret_only) {
    size_t base = 0;

    *ret_only = NULL;
    for (size_t i = 0; from[i]; i++) {
        if (from[i] == '/')
            base = i;
        if (strchr("*?[", from[i])) {
            *ret_only = from + base + (from[base] == '/');
            return base ? wl_strndup(from, base) : wl_strdup(".");
        }
    }
    return wl_strdup(from);
}

static int one_file(struct collect *c, const char *base, const char *path, const struct stat *st, struct wl_err *err) {
    const char *to = c->rule->to;
    WL_AUTOFREE char *name = wl_sprintf("%s%s", to, wl_ends(to, "/") ? wl_path_base(base) : "");

    if (c->rule->include.v || c->rule->exclude.n)
        return bad(c, err, path, "is a file: include and exclude are for folders");
    return add_file(c, name, path, st, err);
}

static int apply(struct collect *c, const char *top, struct wl_err *err) {
    WL_AUTOFREE char *base = split_from(c->rule->from, &c->only);
    WL_AUTOFREE char *path = strcmp(base, ".") == 0 ? wl_strdup(top) : wl_path_join(top, base);
    size_t before = c->taken;
    struct stat st;

    free(c->real_from);
    c->real_from = realpath(path, NULL);
    if (!c->real_from)
        return wl_fail(err, WL_RECIPE, "files[%zu]: there is no %s", c->index, path);
    if (!is_below(c->real_from, c->real_top))
        return bad(c, err, path, "is a link that leads out of the folder");
    if (stat(c->real_from, &st) < 0)
        return wl_fail_errno(err, errno, "files[%zu]: cannot stat %s", c->index, path);
    if (S_ISDIR(st.st_mode)) {
        const char *under_top = c->real_from + strlen(c->real_top);

        under_top += strspn(under_top, "/");
        if (!c->only && !c->rule->include.v)
            add(c, WL_FILES_DIR, c->rule->to, path);
        if (take_dir(c, "", path, under_top, 0, err) < 0)
            return -1;
        if ((c->only || c->rule->include.v) && c->taken == before)
            return bad(c, err, c->rule->from, "gives no file: nothing fits the pattern, or all of it is ignored");
        return 0;
    }
    if (!S_ISREG(st.st_mode))
        return bad(c, err, path, "is neither a file nor a folder");
    if (c->only)
        return bad(c, err, path, "is not a folder");
    return one_file(c, base, c->real_from, &st, err);
}

static int read_ignore(struct collect *c, const char *top, const char *ignore, const char *own, struct wl_err *err) {
    static const char *const usual[] = {WL_FILES_IGNORE, WL_FILES_IGNORE_DOCKER};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *path = ignore ? wl_strdup(ignore) : NULL;

    for (size_t i = 0; i < WL_ARRAY_LEN(builtin); i++)
        wl_strv_add(&c->ignore.patterns, builtin[i]);
    if (own)
        wl_strv_add(&c->ignore.patterns, own);
    c->ignore.n_builtin = c->ignore.patterns.n;
    for (size_t i = 0; !ignore && i < WL_ARRAY_LEN(usual); i++) {
        free(path);
        path = wl_path_join(top, usual[i]);
        if (wl_fs_exists(path))
            break;
        free(WL_STEAL(path));
    }
    if (!path)
        return 0;
    if (wl_fs_read(path, WL_FILES_IGNORE_BYTES, &text, err) < 0 ||
        wl_ignore_parse(&c->ignore, path, wl_buf_str(&text), err) < 0)
        return -1;
    for (size_t i = c->ignore.n_builtin; i < c->ignore.patterns.n; i++)
        c->takes_back |= c->ignore.patterns.v[i][0] == '!';
    return 0;
}

static int compare(const void *pa, const void *pb) {
    const struct wl_files_entry *a = pa;
    const struct wl_files_entry *b = pb;
    int rc = strcmp(a->name, b->name);

    return rc ? rc : (a->rule > b->rule) - (a->rule < b->rule);
}

/* Sorts; of the same name the last rule's entry stays, but two folders or a file and a folder both do (the layer decides). */
static void settle(struct wl_files *f) {
    size_t kept = 0;

    for (size_t i = 0; i < f->n; i++) /* "/site/" and "/site" are the same */
        if (strlen(f->v[i].name) > 1 && wl_ends(f->v[i].name, "/"))
            f->v[i].name[strlen(f->v[i].name) - 1] = '\0';
    if (f->n > 1)
        qsort(f->v, f->n, sizeof(*f->v), compare);
    for (size_t i = 0; i < f->n; i++) {
        struct wl_files_entry *last = kept ? &f->v[kept - 1] : NULL;

        if (last && strcmp(last->name, f->v[i].name) == 0 &&
            (last->kind == WL_FILES_DIR) == (f->v[i].kind == WL_FILES_DIR)) {
            f->bytes -= last->size;
            free(last->name);
            free(last->path);
            free(last->target);
            *last = f->v[i];
        } else {
            f->v[kept++] = f->v[i];
        }
    }
    f->n = kept;
}

/* In a layer such a name removes a file of the base (layer.md, "Whiteouts"). */
static int check_whiteouts(const struct wl_files *f, struct wl_err *err) {
    for (size_t i = 0; i < f->n; i++)
        if (strstr(f->v[i].name, "/.wh."))
            return wl_fail(err, WL_RECIPE,
                           "files[%zu]: %s would remove a file from the image: no name in it begins with .wh.",
                           f->v[i].rule, f->v[i].name);
    return 0;
}

int wl_files_collect(const char *top, const struct wl_olist *rules, const char *ignore, const char *own,
                     struct wl_files *ret, struct wl_err *err) {
    WL_AUTO(wl_files_release) struct wl_files out = {0};
    WL_AUTO(collect_release) struct collect c = {.out = &out, .top = top};

    c.real_top = realpath(top, NULL);
    if (!c.real_top)
        return wl_fail_errno(err, errno, "cannot open the folder %s", top);
    if (read_ignore(&c, top, ignore, own, err) < 0)
        return -1;
    for (c.index = 0; c.index < rules->n; c.index++) {
        c.rule = rules->v[c.index];
        if (apply(&c, top, err) < 0)
            return -1;
    }
    settle(&out);
    if (check_whiteouts(&out, err) < 0)
        return -1;
    wl_strv_sort(&out.left_out);
    *ret = out;
    out = (struct wl_files){0};
    return 0;
}
