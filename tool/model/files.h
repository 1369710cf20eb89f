/* Files that go into an image: rules ("this folder there, but for those") applied to a folder of the user's. The rules stand in
 * app.json and in a recipe's images; the same table decodes both.
 *
 * Patterns: * and ? stop at a slash, ** does not, [a-z] and [^a-z] are classes, \ takes the next character as it is. A pattern that
 * fits a folder fits everything below it. In an ignore file they are those of .dockerignore: relative to the top of the folder, the
 * last one that fits decides, "!" in front takes back in. In include and exclude a pattern without a slash fits at any depth, one
 * with a slash is relative to the rule's own folder. */
#ifndef WL_MODEL_FILES_H
#define WL_MODEL_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/err.h"
#include "../base/jsonspec.h"

#define WL_FILES_ENTRIES 500000u           /* most entries that the rules may pick, and visit */
#define WL_FILES_BYTES ((uint64_t)8 << 30) /* most bytes of all files together */
#define WL_FILES_IGNORE ".wlpackignore"    /* looked for first */
#define WL_FILES_IGNORE_DOCKER ".dockerignore"
#define WL_FILES_IGNORE_BYTES (256u << 10) /* largest ignore file */
#define WL_FILES_PATTERN 1024              /* longest pattern */

/* One rule, as decoded. */
struct wl_files_rule {
    const char *from; /* a file, a folder or a pattern, relative to the top; "." is the top itself */
    const char *to;   /* absolute: the folder's place, or the file's (ending in a slash: the folder it goes into) */
    struct wl_list include; /* of a folder only these; absent: all */
    struct wl_list exclude; /* and not these */
};
extern const struct wl_spec wl_files_rule_spec;

enum wl_files_kind { WL_FILES_FILE, WL_FILES_DIR, WL_FILES_LINK };

struct wl_files_entry {
    char *name;   /* in the image, absolute */
    char *path;   /* where it lies */
    char *target; /* LINK */
    enum wl_files_kind kind;
    bool exec;
    uint64_t size; /* FILE */
    size_t rule;
};

/* A zeroed struct is empty. */
struct wl_files {
    struct wl_files_entry *v; /* sorted by name, each name once: of two rules the later one counts */
    size_t n, cap;
    uint64_t bytes; /* of all files */
    struct wl_strv
        left_out; /* what the built-in list kept out (below): the topmost folders and files, relative to the top */
};
void wl_files_release(struct wl_files *f);

/* Applies the rules (struct wl_files_rule) to the folder `top`. ignore: an ignore file, NULL for the one that is there (see above;
 * none: none). Kept out unless an ignore file takes it back ("!.env") or a rule's `from` names exactly it: version control's folders and
 * what most often holds secrets (.env, private keys, .netrc, credentials of npm, composer, docker, cloud clients), the ignore files,
 * and `own` (NULL: none), the name at the top of the file that holds the rules.
 *
 * Links stay links; one that is absolute or leads out of the rule's folder is refused, and so are devices, FIFOs and sockets, a `from`
 * that leads out of top, a pattern that fits nothing. Errors (WL_RECIPE for these, WL_FAILED for what cannot be read) name rule and file. */
int wl_files_collect(const char *top, const struct wl_olist *rules, const char *ignore, const char *own,
                     struct wl_files *ret, struct wl_err *err);

/* Whether a pattern fits a path or a folder above it. */
bool wl_files_match(const char *pattern, const char *path);

/* An ignore file's text, decided for one path: -1 nothing fits, else whether it is ignored (1) or taken back in (0). */
struct wl_ignore {
    struct wl_strv patterns; /* cleaned; "!" kept in front */
    size_t n_builtin;        /* the first of them are built in */
};
int wl_ignore_parse(struct wl_ignore *g, const char *name, const char *text, struct wl_err *err);
int wl_ignore_match(const struct wl_ignore *g, const char *path, size_t *ret_which);
void wl_ignore_release(struct wl_ignore *g);

#endif
