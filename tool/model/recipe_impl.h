/* What the files of the recipe module share; nobody else includes this. */
#ifndef WL_MODEL_RECIPE_IMPL_H
#define WL_MODEL_RECIPE_IMPL_H

#include "recipe.h"

/* The table of the file format, and of what a flavour may set (both decode into struct wl_recipe). */
extern const struct wl_spec wl_recipe_spec;
extern const struct wl_spec wl_recipe_flavour_spec;
extern const struct wl_spec wl_recipe_command_spec;
extern const struct wl_spec wl_recipe_check_spec;
extern const struct wl_spec wl_recipe_image_spec;
extern const struct wl_spec wl_recipe_platform_spec;

/* Tags of fields: which variables their strings may use. */
enum wl_recipe_vars_tag {
    WL_VARS_NONE,   /* none; "${" is text */
    WL_VARS_STATIC, /* ${name} ${version}, filled in by the load */
    WL_VARS_FLAGS,  /* these and the run-time ones but ${cflags} and ${ldflags} */
    WL_VARS_BUILD,  /* all */
};

/* Fills in ${name} and ${version} and checks the names of the other variables; in WL_VARS_STATIC fields also turns
 * "$${" into "${". NULL when a name is unknown: *ret_unknown is then the name and *ret_known the list of those that
 * may stand here. A recipe without name or version (a base) keeps the variable. The result is in the arena. */
const char *wl_recipe_expand_static(struct wl_arena *a, const char *name, const char *version,
                                    enum wl_recipe_vars_tag tag, const char *s, char **ret_unknown,
                                    const char **ret_known);

/* "ROOT/ID/recipe.json", a new string. */
char *wl_recipe_file(const char *root, const char *id);
/* The folder of the path that holds recipe id, or NULL. */
const char *wl_recipe_find_root(const struct wl_strv *path, const char *id);
/* Appends "; did you mean ...?" to out: the nearest name, and names that begin with id. Nothing when there is none. */
void wl_recipe_suggest(const struct wl_strv *path, const char *id, struct wl_buf *out);

/* Formats. */
extern const struct wl_spec_format wl_format_id;
extern const struct wl_spec_format wl_format_version;
extern const struct wl_spec_format wl_format_tag;
extern const struct wl_spec_format wl_format_file;
extern const struct wl_spec_format wl_format_wasm;
extern const struct wl_spec_format wl_format_sha256;
extern const struct wl_spec_format wl_format_url;
extern const struct wl_spec_format wl_format_relpath;
extern const struct wl_spec_format wl_format_abspath;
extern const struct wl_spec_format wl_format_text;
extern const struct wl_spec_format wl_format_license;
extern const struct wl_spec_format wl_format_env;
extern const struct wl_spec_format wl_format_label;
extern const struct wl_spec_format wl_format_switch;
extern const struct wl_spec_format wl_format_host;
extern const struct wl_spec_format wl_format_word;
extern const struct wl_spec_format wl_format_port;

/* Formats that are checked again after variables were filled in. */
bool wl_recipe_is_id(const char *s);
bool wl_recipe_is_tag(const char *s);
bool wl_recipe_is_filename(const char *s);
bool wl_recipe_is_abspath(const char *s);

#endif
