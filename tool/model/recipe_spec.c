/* The recipe format, as tables: decoder, merge, variables and recipes/schema.json all come from here. */
#include <string.h>

#include "recipe_impl.h"

#define EPOCH_MAX 253402300799 /* the end of the year 9999 */

static const char *const kinds[] = {"interpreter", "library", "base", "kit", NULL};
static const char *const lowerings[] = {"exceptions", NULL};
static const char *const aot_levels[] = {"0", "1", "2", "3", "s", "z", NULL};

#define AT(type, member) offsetof(struct type, member)

static const struct wl_spec_field source_fields[] = {
    {.name = "urls",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_source, urls),
     .doc = "Where the file is; tried in order, after the mirror.",
     .required = true,
     .min = 1,
     .max = 16,
     .format = &wl_format_url,
     .tag = WL_VARS_STATIC},
    {.name = "file",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_source, file),
     .doc = "Its name in mirrors; default: the last part of the first URL.",
     .format = &wl_format_file,
     .tag = WL_VARS_STATIC},
    {.name = "sha256",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_source, sha256),
     .doc = "Checksum of the file; it decides, wherever the bytes come from.",
     .required = true,
     .format = &wl_format_sha256},
    {.name = "strip",
     .type = WL_SPEC_INT,
     .offset = AT(wl_recipe_source, strip),
     .doc = "Leading folders to drop when unpacking; default 1.",
     .max = 16},
    {0},
};
static const struct wl_spec source_spec = {
    .title = "source", .size = sizeof(struct wl_recipe_source), .fields = source_fields};

static const struct wl_spec_field command_fields[] = {
    {.name = "argv",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_command, argv),
     .doc =
         "Program and arguments; no shell. An item that is just ${cflags} or ${ldflags} becomes one argument per flag.",
     .required = true,
     .min = 1,
     .tag = WL_VARS_BUILD},
    {.name = "env",
     .type = WL_SPEC_STRMAP,
     .offset = AT(wl_recipe_command, env),
     .doc = "Environment, on top of the recipe's.",
     .keys = &wl_format_env,
     .tag = WL_VARS_BUILD},
    {.name = "dir",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_command, dir),
     .doc = "Working folder inside the source tree; default: its top.",
     .format = &wl_format_relpath},
    {.name = "inputs",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_command, inputs),
     .doc = "Files of the scripts folder that the command reads; only they enter its key. Default: all of them but "
            "images' files.",
     .format = &wl_format_relpath},
    {0},
};
const struct wl_spec wl_recipe_command_spec = {
    .title = "command", .size = sizeof(struct wl_recipe_command), .fields = command_fields};

static const struct wl_spec_field check_fields[] = {
    {.name = "argv",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_check, argv),
     .doc = "Arguments for the artefact.",
     .required = true,
     .tag = WL_VARS_STATIC},
    {.name = "stdout",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_check, stdout_lines),
     .doc = "Lines that its output must hold, in this order.",
     .tag = WL_VARS_STATIC},
    {.name = "exact",
     .type = WL_SPEC_BOOL,
     .offset = AT(wl_recipe_check, exact),
     .doc = "The lines are all of its output, empty lines aside."},
    {.name = "status",
     .type = WL_SPEC_INT,
     .offset = AT(wl_recipe_check, status),
     .doc = "Exit code to expect; default 0.",
     .max = 255},
    {0},
};
const struct wl_spec wl_recipe_check_spec = {
    .title = "check", .size = sizeof(struct wl_recipe_check), .fields = check_fields};

static const struct wl_spec_field artefact_fields[] = {
    {.name = "from",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_artefact, from),
     .doc = "File that the compile step leaves in the source tree.",
     .required = true,
     .format = &wl_format_relpath,
     .tag = WL_VARS_STATIC},
    {.name = "file",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_artefact, file),
     .doc = "Its name in the output folder and in images.",
     .required = true,
     .format = &wl_format_wasm},
    {.name = "checks",
     .type = WL_SPEC_OBJLIST,
     .offset = AT(wl_recipe_artefact, checks),
     .doc = "What it must answer before it is packed.",
     .max = 64,
     .spec = &wl_recipe_check_spec},
    {0},
};
static const struct wl_spec artefact_spec = {
    .title = "artefact", .size = sizeof(struct wl_recipe_artefact), .fields = artefact_fields};

static const struct wl_spec_field image_fields[] = {
    {.name = "artefact",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_image, artefact),
     .doc = "Which artefact is in it.",
     .required = true,
     .format = &wl_format_id},
    {.name = "tag",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_image, tag),
     .doc = "Its tag; the repository is the recipe's name.",
     .required = true,
     .format = &wl_format_tag,
     .tag = WL_VARS_STATIC},
    {.name = "entrypoint",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_image, entrypoint),
     .doc = "Program (an absolute path: the artefact is put there) and fixed arguments; default: \"/\" and the "
            "artefact's file.",
     .min = 1,
     .tag = WL_VARS_STATIC},
    {.name = "cmd",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_image, cmd),
     .doc = "Default arguments.",
     .tag = WL_VARS_STATIC},
    {.name = "workdir",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_image, workdir),
     .doc = "Working folder of the container.",
     .format = &wl_format_abspath},
    {.name = "env",
     .type = WL_SPEC_STRMAP,
     .offset = AT(wl_recipe_image, env),
     .doc = "Environment of the container.",
     .keys = &wl_format_env,
     .tag = WL_VARS_STATIC},
    {.name = "labels",
     .type = WL_SPEC_STRMAP,
     .offset = AT(wl_recipe_image, labels),
     .doc = "Labels, and annotations of the same names.",
     .keys = &wl_format_label,
     .tag = WL_VARS_STATIC},
    {.name = "ports",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_image, ports),
     .doc = "Ports that it serves on.",
     .max = 64,
     .format = &wl_format_port},
    {.name = "files",
     .type = WL_SPEC_OBJLIST,
     .offset = AT(wl_recipe_image, files),
     .doc = "Further files, a layer of their own; `from` is in the scripts folder.",
     .max = 64,
     .spec = &wl_files_rule_spec},
    {.name = "aot",
     .type = WL_SPEC_BOOL,
     .offset = AT(wl_recipe_image, aot),
     .doc = "Whether \"TAG-aot\" with precompiled code is made too; default true."},
    {0},
};
const struct wl_spec wl_recipe_image_spec = {
    .title = "image", .size = sizeof(struct wl_recipe_image), .fields = image_fields};

static const struct wl_spec_field optimize_fields[] = {
    {.name = "flags",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_optimize, flags),
     .doc = "Switches of wasm-opt.",
     .required = true,
     .format = &wl_format_switch},
    {0},
};
static const struct wl_spec optimize_spec = {
    .title = "optimize", .size = sizeof(struct wl_recipe_optimize), .fields = optimize_fields};

static const struct wl_spec_field aot_fields[] = {
    {.name = "optimize",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_aot, optimize),
     .doc = "Level of the ahead-of-time compiler.",
     .required = true,
     .choices = aot_levels},
    {.name = "flags",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_aot, flags),
     .doc = "Further switches of the ahead-of-time compiler.",
     .format = &wl_format_switch},
    {.name = "interpreter",
     .type = WL_SPEC_BOOL,
     .offset = AT(wl_recipe_aot, interpreter),
     .doc =
         "The module is an interpreter in C. Its functions jump one to the next without going back to their loop, and "
         "an access to the memory whose value nobody uses need not trap: faster code; default false."},
    {.name = "direct-calls",
     .type = WL_SPEC_BOOL,
     .offset = AT(wl_recipe_aot, direct_calls),
     .doc = "First make calls through the function table direct, in the precompiled module alone: faster code; default "
            "false."},
    {0},
};
static const struct wl_spec aot_spec = {.title = "aot", .size = sizeof(struct wl_recipe_aot), .fields = aot_fields};

static const struct wl_spec_field platform_fields[] = {
    {.name = "os",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_platform, os),
     .doc = "Operating system in the image's config; default wasi.",
     .format = &wl_format_word},
    {.name = "architecture",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_platform, architecture),
     .doc = "Architecture in the image's config; default wasm.",
     .format = &wl_format_word},
    {0},
};
const struct wl_spec wl_recipe_platform_spec = {
    .title = "platform", .size = sizeof(struct wl_recipe_platform), .fields = platform_fields};

static const struct wl_spec_field kit_fields[] = {
    {.name = "env",
     .type = WL_SPEC_STR,
     .offset = AT(wl_recipe_kit, env),
     .doc = "Environment variable that names another folder.",
     .required = true,
     .format = &wl_format_env},
    {.name = "programs",
     .type = WL_SPEC_STRV,
     .offset = AT(wl_recipe_kit, programs),
     .doc = "Files that the kit must hold; the first is its main program.",
     .required = true,
     .min = 1,
     .format = &wl_format_relpath},
    {.name = "hosts",
     .type = WL_SPEC_OBJMAP,
     .offset = AT(wl_recipe_kit, hosts),
     .doc = "Its download for each host.",
     .required = true,
     .keys = &wl_format_host,
     .spec = &source_spec},
    {0},
};
static const struct wl_spec kit_spec = {.title = "kit", .size = sizeof(struct wl_recipe_kit), .fields = kit_fields};

#define R(member) AT(wl_recipe, member)

/* The fields from here on, up to "summary", are the recipe's alone; a flavour may set the others. */
#define RECIPE_ONLY 10

static const struct wl_spec_field recipe_fields[] = {
    {.name = "extends",
     .type = WL_SPEC_STR,
     .offset = R(extends),
     .doc = "The recipe that this one refines: objects merge, everything else replaces.",
     .format = &wl_format_id},
    {.name = "kind",
     .type = WL_SPEC_STR,
     .offset = R(kind),
     .doc =
         "What it is; default interpreter. A library installs into ${out}, for the recipes whose deps name it. A base "
         "is only there to be extended, and that is not inherited.",
     .choices = kinds},
    {.name = "name",
     .type = WL_SPEC_STR,
     .offset = R(name),
     .doc = "The project's name, and the repository of its images.",
     .format = &wl_format_id},
    {.name = "version",
     .type = WL_SPEC_STR,
     .offset = R(version),
     .doc = "Its version; ${version}.",
     .format = &wl_format_version},
    {.name = "homepage",
     .type = WL_SPEC_STR,
     .offset = R(homepage),
     .doc = "The project's site.",
     .format = &wl_format_url},
    {.name = "license",
     .type = WL_SPEC_STR,
     .offset = R(license),
     .doc = "SPDX licence expression.",
     .format = &wl_format_license},
    {.name = "source",
     .type = WL_SPEC_OBJ,
     .offset = R(source),
     .doc = "The release that is built.",
     .spec = &source_spec},
    {.name = "epoch",
     .type = WL_SPEC_INT,
     .offset = R(epoch),
     .doc = "Time of the release in seconds since 1970, for everything that needs a time; SOURCE_DATE_EPOCH wins.",
     .max = EPOCH_MAX},
    {.name = "flavours",
     .type = WL_SPEC_OBJMAP,
     .offset = R(flavours),
     .doc = "Differences by flavour; wasi is the default.",
     .max = 16,
     .keys = &wl_format_id,
     .spec = &wl_recipe_flavour_spec},
    {.name = "kit",
     .type = WL_SPEC_OBJ,
     .offset = R(kit),
     .doc = "For kind kit: where the toolchain comes from.",
     .spec = &kit_spec},
    {.name = "summary",
     .type = WL_SPEC_STR,
     .offset = R(summary),
     .doc = "One line for lists and for the image's description.",
     .format = &wl_format_text},
    {.name = "patches",
     .type = WL_SPEC_STR,
     .offset = R(patches),
     .doc = "Folder under patches/ with the patch series. Default: the recipe's id or that of one it extends.",
     .format = &wl_format_id},
    {.name = "scripts",
     .type = WL_SPEC_STR,
     .offset = R(scripts),
     .doc = "Folder under scripts/ (${scripts}). Default: the recipe's id or that of one it extends.",
     .format = &wl_format_id},
    {.name = "deps",
     .type = WL_SPEC_STRV,
     .offset = R(deps),
     .doc = "The library recipes that configure and compile need; ${deps} holds what they, and those that they need, "
            "install.",
     .max = WL_RECIPE_DEPS,
     .format = &wl_format_id},
    {.name = "env",
     .type = WL_SPEC_STRMAP,
     .offset = R(env),
     .doc = "Environment of configure and compile.",
     .keys = &wl_format_env,
     .tag = WL_VARS_BUILD},
    {.name = "cflags",
     .type = WL_SPEC_STRV,
     .offset = R(cflags),
     .doc = "Compiler flags; ${cflags} is these, joined by blanks.",
     .tag = WL_VARS_FLAGS},
    {.name = "ldflags",
     .type = WL_SPEC_STRV,
     .offset = R(ldflags),
     .doc = "Linker flags; ${ldflags} is these, joined by blanks.",
     .tag = WL_VARS_FLAGS},
    {.name = "configure",
     .type = WL_SPEC_OBJ,
     .offset = R(configure),
     .doc = "Prepares the tree; left out: there is nothing to configure.",
     .spec = &wl_recipe_command_spec},
    {.name = "compile",
     .type = WL_SPEC_OBJLIST,
     .offset = R(compile),
     .doc = "Commands that compile, in order.",
     .min = 1,
     .max = 64,
     .spec = &wl_recipe_command_spec},
    {.name = "artefacts",
     .type = WL_SPEC_OBJMAP,
     .offset = R(artefacts),
     .doc = "The modules that come out, by name; of a library: its test programs.",
     .max = 64,
     .keys = &wl_format_id,
     .spec = &artefact_spec},
    {.name = "lower",
     .type = WL_SPEC_STRV,
     .offset = R(lower),
     .doc = "Rewrites of the modules for runtimes that lack a feature.",
     .choices = lowerings},
    {.name = "optimize",
     .type = WL_SPEC_OBJ,
     .offset = R(optimize),
     .doc = "The wasm-opt step; left out: none.",
     .spec = &optimize_spec},
    {.name = "aot",
     .type = WL_SPEC_OBJ,
     .offset = R(aot),
     .doc = "The ahead-of-time step; left out: none, and no -aot images.",
     .spec = &aot_spec},
    {.name = "images",
     .type = WL_SPEC_OBJMAP,
     .offset = R(images),
     .doc = "The images that are made, by name.",
     .max = 64,
     .keys = &wl_format_id,
     .spec = &wl_recipe_image_spec},
    {.name = "platform",
     .type = WL_SPEC_OBJ,
     .offset = R(platform),
     .doc = "The images' platform.",
     .spec = &wl_recipe_platform_spec},
    {0},
};

const struct wl_spec wl_recipe_flavour_spec = {
    .title = "flavour", .size = sizeof(struct wl_recipe), .fields = recipe_fields + RECIPE_ONLY, .partial = true};

/* A recipe that extends nothing and is no base must be complete (a library has no need of artefacts). What it inherits, a schema cannot see. */
static const char complete[] =
    "[\n"
    "    {\n"
    "      \"if\": {\n"
    "        \"not\": {\n"
    "          \"anyOf\": [\n"
    "            {\"required\": [\"extends\"]},\n"
    "            {\"required\": [\"kind\"], \"properties\": {\"kind\": {\"enum\": [\"base\", \"kit\"]}}}\n"
    "          ]\n"
    "        }\n"
    "      },\n"
    "      \"then\": {\"required\": [\"name\", \"version\", \"source\", \"compile\"]}\n"
    "    },\n"
    "    {\n"
    "      \"if\": {\n"
    "        \"not\": {\n"
    "          \"anyOf\": [\n"
    "            {\"required\": [\"extends\"]},\n"
    "            {\"required\": [\"kind\"], \"properties\": {\"kind\": {\"enum\": [\"base\", \"kit\", \"library\"]}}}\n"
    "          ]\n"
    "        }\n"
    "      },\n"
    "      \"then\": {\"required\": [\"artefacts\"]}\n"
    "    },\n"
    "    {\n"
    "      \"if\": {\n"
    "        \"not\": {\"required\": [\"extends\"]},\n"
    "        \"required\": [\"kind\"],\n"
    "        \"properties\": {\"kind\": {\"const\": \"kit\"}}\n"
    "      },\n"
    "      \"then\": {\"required\": [\"name\", \"version\", \"kit\"]}\n"
    "    }\n"
    "  ]";

const struct wl_spec wl_recipe_spec = {
    .title = "recipe", .size = sizeof(struct wl_recipe), .fields = recipe_fields, .all_of = complete};

void wl_recipe_schema(struct wl_buf *out) {
    wl_spec_schema(&wl_recipe_spec, NULL, "wlpack recipe", out);
}

void wl_recipe_reference(struct wl_buf *out) {
    wl_spec_reference(&wl_recipe_spec, out);
}

void wl_recipe_print(const struct wl_recipe *r, int indent, struct wl_buf *out) {
    struct wl_jw w = {.out = out, .indent = indent};

    wl_spec_print(&wl_recipe_spec, r, &w);
}
