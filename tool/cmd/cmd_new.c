/* `wlpack new`: the files of a new recipe, ready to be filled in. */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/fs.h"
#include "../base/out.h"
#include "../model/recipe.h"
#include "cmd.h"

static const char recipe_text[] =
    "{\n"
    "  \"note\": \"See recipes/README.md. Replace the URL, the checksum (sha256sum FILE) and the commands.\",\n"
    "  \"name\": \"%s\",\n"
    "  \"version\": \"%s\",\n"
    "  \"summary\": \"%s, compiled for WebAssembly\",\n"
    "  \"source\": {\n"
    "    \"urls\": [\"https://example.org/%s-${version}.tar.gz\"],\n"
    "    \"sha256\": \"0000000000000000000000000000000000000000000000000000000000000000\"\n"
    "  },\n"
    "  \"cflags\": [\"-O2\"],\n"
    "  \"compile\": [{\"argv\": [\"${scripts}/compile.sh\"], \"env\": {\"CC\": \"${cc}\", \"CFLAGS\": "
    "\"${cflags}\"}}],\n"
    "  \"artefacts\": {\n"
    "    \"cli\": {\n"
    "      \"from\": \"%s.wasm\",\n"
    "      \"file\": \"%s.wasm\",\n"
    "      \"checks\": [{\"argv\": [\"--version\"]}]\n"
    "    }\n"
    "  },\n"
    "  \"optimize\": {\"flags\": [\"-O2\", \"--strip-debug\"]},\n"
    "  \"aot\": {\"optimize\": \"2\"},\n"
    "  \"images\": {\"cli\": {\"artefact\": \"cli\", \"tag\": \"${version}-cli\"}}\n"
    "}\n";

static const char library_text[] =
    "{\n"
    "  \"note\": \"See recipes/README.md. Replace the URL, the checksum (sha256sum FILE), the commands and the "
    "test.\",\n"
    "  \"kind\": \"library\",\n"
    "  \"name\": \"%s\",\n"
    "  \"version\": \"%s\",\n"
    "  \"summary\": \"%s, a static library\",\n"
    "  \"source\": {\n"
    "    \"urls\": [\"https://example.org/%s-${version}.tar.gz\"],\n"
    "    \"sha256\": \"0000000000000000000000000000000000000000000000000000000000000000\"\n"
    "  },\n"
    "  \"deps\": [],\n"
    "  \"cflags\": [\"-O2\"],\n"
    "  \"configure\": {\n"
    "    \"argv\": [\"./configure\", \"--host=${host}\", \"--prefix=/usr\", \"--disable-shared\"],\n"
    "    \"env\": {\"CC\": \"${cc}\", \"AR\": \"${ar}\", \"RANLIB\": \"${ranlib}\", \"CFLAGS\": \"${cflags}\"},\n"
    "    \"inputs\": []\n"
    "  },\n"
    "  \"compile\": [\n"
    "    {\"argv\": [\"make\", \"-j${jobs}\"], \"inputs\": []},\n"
    "    {\"argv\": [\"make\", \"install\", \"prefix=${out}\"], \"inputs\": []},\n"
    "    {\n"
    "      \"argv\": [\"${cc}\", \"-o\", \"test.wasm\", \"${scripts}/test.c\", \"-I${out}/include\", \"-L${out}/lib\", "
    "\"-l%s\"],\n"
    "      \"inputs\": [\"test.c\"]\n"
    "    }\n"
    "  ],\n"
    "  \"artefacts\": {\n"
    "    \"test\": {\n"
    "      \"from\": \"test.wasm\",\n"
    "      \"file\": \"test.wasm\",\n"
    "      \"checks\": [{\"argv\": [], \"stdout\": [\"ok\"]}]\n"
    "    }\n"
    "  }\n"
    "}\n";

static const char test_text[] = "/* Known answers of %s: what its build must get right before anybody links it. */\n"
                                "#include <stdio.h>\n"
                                "\n"
                                "int main(void) {\n"
                                "    puts(\"no test yet\");\n"
                                "    return 1;\n"
                                "}\n";

static const char script_text[] = "#!/bin/sh\n"
                                  "# Compiles in the source tree; CC and CFLAGS come from the recipe. Leaves %s.wasm.\n"
                                  "set -eu\n"
                                  "# shellcheck disable=SC2086 # lists of words\n"
                                  "$CC $CFLAGS -o %s.wasm ./*.c\n";

static const char series_text[] = "# Patches of %s in the order in which they apply, one file name a line.\n";

/* "lua-5.4" -> "lua", "5.4"; without a number the version is 0. New strings. */
static void split_id(const char *id, char **ret_name, char **ret_version) {
    const char *dash = strrchr(id, '-');

    if (dash && isdigit((unsigned char)dash[1])) {
        *ret_name = wl_strndup(id, (size_t)(dash - id));
        *ret_version = wl_strdup(dash + 1);
    } else {
        *ret_name = wl_strdup(id);
        *ret_version = wl_strdup("0");
    }
}

static int put(const char *path, const char *text, mode_t mode, struct wl_err *err) {
    if (wl_fs_mkdirs_parent(path, err) < 0 || wl_fs_write(path, text, strlen(text), err) < 0)
        return -1;
    if (mode && chmod(path, mode) < 0)
        return wl_fail(err, WL_FAILED, "%s: cannot make it executable", path);
    wl_result("%s", path);
    return 0;
}

/* The text of the recipe and of the one file of its scripts folder; new strings. */
static void fill_in(const char *name, const char *version, bool library, char **ret_recipe, char **ret_script) {
    *ret_recipe = library ? wl_sprintf(library_text, name, version, name, name, name + (wl_starts(name, "lib") ? 3 : 0))
                          : wl_sprintf(recipe_text, name, version, name, name, name, name);
    *ret_script = library ? wl_sprintf(test_text, name) : wl_sprintf(script_text, name, name);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0};
    WL_AUTOFREE char *name = NULL, *version = NULL, *text = NULL, *script = NULL, *series = NULL;
    WL_AUTOFREE char *recipe_file = NULL, *script_file = NULL, *series_file = NULL, *dir = NULL;
    const char *id = args->pos[0], *slash;
    bool library = wl_args_has(args, "library");

    (void)ret_status;
    if (!wl_recipe_id_ok(id))
        return wl_fail(err, WL_USAGE,
                       "\"%s\" is no recipe name: lower-case letters and digits with single . _ - between", id);
    wl_recipe_path(&path);
    slash = strrchr(path.v[0], '/');
    dir = slash ? wl_strndup(path.v[0], (size_t)(slash - path.v[0] + 1)) : wl_strdup("");
    recipe_file = wl_sprintf("%s/%s/recipe.json", path.v[0], id);
    script_file = wl_sprintf("%sscripts/%s/%s", dir, id, library ? "test.c" : "compile.sh");
    series_file = wl_sprintf("%spatches/%s/series", dir, id);
    if (wl_fs_exists(recipe_file))
        return wl_fail(err, WL_FAILED, "%s exists already", recipe_file);
    split_id(id, &name, &version);
    fill_in(name, version, library, &text, &script);
    series = wl_sprintf(series_text, id);
    if (put(recipe_file, text, 0, err) < 0 || put(series_file, series, 0, err) < 0)
        return -1;
    return put(script_file, script, library ? 0 : 0777 & ~022, err);
}

static const struct wl_opt opts[] = {{"library", 0, NULL, "of kind library: for the deps of other recipes"}, {0}};

const struct wl_verb wl_verb_new = {
    .name = "new",
    .usage = "new [--library] NAME",
    .summary = "write the files of a new recipe",
    .help = "Writes recipes/NAME/recipe.json, patches/NAME/series and scripts/NAME/compile.sh, which pass\n"
            "`wlpack lint` and wait for a URL, a checksum and the commands. With --library the script is a\n"
            "test program, scripts/NAME/test.c.\n\n"
            "Example: wlpack new tcl-8.6",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
