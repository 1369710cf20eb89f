/* `wlpack completion SHELL`: a completion script made from the verb table. The scripts know verbs and options; names of recipes,
 * local images and kits are asked for at the time (`wlpack completion names WHAT`). */
#include <stdio.h>
#include <string.h>

#include "../../registry/layout_referrers.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/pack.h"
#include "../model/app.h"
#include "../model/recipe.h"
#include "../run/build.h"
#include "cmd.h"
#include "local.h"

#define KIT "kit-" /* in front of a kit's name: its recipe */

/* What the words behind a verb are. */
enum words { WORDS_FILES, WORDS_RECIPES, WORDS_IMAGES, WORDS_BOTH, WORDS_SHELLS, WORDS_KIT, WORDS_WASM, WORDS_VERBS };

static enum words words_of(const char *verb) {
    static const struct {
        const char *verb;
        enum words words;
    } all[] = {
        {"build", WORDS_RECIPES}, {"plan", WORDS_RECIPES},   {"fetch", WORDS_RECIPES},     {"lint", WORDS_RECIPES},
        {"run", WORDS_BOTH},      {"inspect", WORDS_IMAGES}, {"tag", WORDS_IMAGES},        {"rm", WORDS_IMAGES},
        {"push", WORDS_IMAGES},   {"save", WORDS_IMAGES},    {"verify", WORDS_IMAGES},     {"kit", WORDS_KIT},
        {"wasm", WORDS_WASM},     {"help", WORDS_VERBS},     {"completion", WORDS_SHELLS},
    };

    for (size_t i = 0; i < WL_ARRAY_LEN(all); i++)
        if (strcmp(all[i].verb, verb) == 0)
            return all[i].words;
    return WORDS_FILES;
}

/* The values that an option takes, joined by blanks; "recipes" and "files" in capitals stand for those; NULL: nothing is known. */
static const char *values_of(const char *verb, const struct wl_opt *o, struct wl_buf *b) {
    static const char *const places[] = {"output", "volume", "digest-file", "mirror",  "cacert",
                                         "cert",   "key",    "cert-key",    "new-key", "from"};
    const char *const *list = NULL;

    if (strcmp(o->name, "compression") == 0)
        list = wl_codec_names;
    if (strcmp(o->name, "format") == 0 && strcmp(verb, "save") == 0)
        return "oci-archive docker-archive oci";
    if (strcmp(o->name, "format") == 0)
        list = wl_app_formats;
    if (strcmp(o->name, "platform") == 0)
        return "wasi/wasm wasip1/wasm wasi/wasm32 linux/amd64 linux/arm64";
    if (strcmp(o->name, "runtime") == 0)
        return "wasmedge node wasmtime";
    if (strcmp(o->name, "arch") == 0)
        return "x86_64 aarch64 none";
    if (strcmp(o->name, "base") == 0)
        return "RECIPES";
    for (size_t i = 0; i < WL_ARRAY_LEN(places); i++)
        if (strcmp(o->name, places[i]) == 0)
            return "FILES";
    for (int s = 0; strcmp(o->name, "until") == 0 && s < WL_STAGE_COUNT; s++)
        wl_buf_addf(b, "%s%s", s ? " " : "", wl_stage_name((enum wl_stage)s));
    for (size_t i = 0; list && list[i]; i++)
        wl_buf_addf(b, "%s%s", i ? " " : "", list[i]);
    return b->len ? b->p : NULL;
}

static const char *names_command(enum words w) {
    static const char *const commands[] = {
        [WORDS_RECIPES] = "recipes", [WORDS_IMAGES] = "images", [WORDS_BOTH] = "both"};

    return w == WORDS_RECIPES || w == WORDS_IMAGES || w == WORDS_BOTH ? commands[w] : NULL;
}

static const char *fixed_words(enum words w) {
    return w == WORDS_SHELLS ? "bash zsh fish"
           : w == WORDS_KIT  ? "list install which"
           : w == WORDS_WASM ? "lower-eh direct-calls aot verify"
                             : NULL;
}

/* --- bash ----------------------------------------------------------------------------------------------------------- */

static void bash_options(const struct wl_verb *v, struct wl_buf *out) {
    for (const struct wl_opt *o = v->opts; o && o->name; o++) {
        wl_buf_addf(out, " --%s", o->name);
        if (o->letter)
            wl_buf_addf(out, " -%c", o->letter);
    }
    wl_buf_adds(out, " --help");
}

static void bash_values(const struct wl_verb *v, struct wl_buf *out) {
    for (const struct wl_opt *o = v->opts; o && o->name; o++) {
        WL_AUTO(wl_buf_release) struct wl_buf b = {0};
        const char *values = o->arg ? values_of(v->name, o, &b) : NULL;

        if (!o->arg)
            continue;
        wl_buf_addf(out, "    %s:--%s", v->name, o->name);
        if (o->letter)
            wl_buf_addf(out, " | %s:-%c", v->name, o->letter);
        if (!values)
            wl_buf_adds(out, ") return ;;\n");
        else if (strcmp(values, "FILES") == 0)
            wl_buf_adds(out, ") compopt -o default; return ;;\n");
        else if (strcmp(values, "RECIPES") == 0)
            wl_buf_adds(out, ") _wlpack_words \"$(wlpack completion names both 2>/dev/null)\"; return ;;\n");
        else
            wl_buf_addf(out, ") _wlpack_words \"%s\"; return ;;\n", values);
    }
}

static void bash_verb(const struct wl_verb *v, struct wl_buf *out) {
    enum words w = words_of(v->name);

    wl_buf_addf(out, "    %s)\n        options=\"", v->name);
    bash_options(v, out);
    wl_buf_adds(out, "\"\n");
    if (names_command(w))
        wl_buf_addf(out, "        words=\"$(wlpack completion names %s 2>/dev/null)\"\n", names_command(w));
    else if (fixed_words(w))
        wl_buf_addf(out, "        [[ -n $what ]] || words=\"%s\"\n", fixed_words(w));
    if (w == WORDS_KIT)
        wl_buf_adds(out, "        [[ $what == install || $what == which && $before == which ]] &&\n"
                         "            words=\"$(wlpack completion names kits 2>/dev/null)\"\n");
    wl_buf_adds(out, "        ;;\n");
}

static void bash(struct wl_buf *out) {
    wl_buf_adds(
        out, "# bash completion for wlpack, made by `wlpack completion bash`\n"
             "# shellcheck shell=bash\n"
             "# Names hold colons, at which readline cuts words: what stands before the last one is cut off the "
             "answers. It cuts at\n"
             "# the = of --option=value as well; where it does not, the answers begin with the option.\n"
             "_wlpack_words() {\n"
             "    local cur=$wlpack_cur i\n"
             "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
             "    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
             "        for i in \"${!COMPREPLY[@]}\"; do COMPREPLY[i]=${COMPREPLY[i]#\"${cur%\"${cur##*:}\"}\"}; done\n"
             "    elif [[ -n $wlpack_option && $COMP_WORDBREAKS != *=* ]]; then\n"
             "        for i in \"${!COMPREPLY[@]}\"; do COMPREPLY[i]=$wlpack_option=${COMPREPLY[i]}; done\n"
             "    fi\n"
             "}\n"
             "_wlpack() {\n"
             "    local line=${COMP_LINE:0:COMP_POINT} verb='' what='' options='' words='' before wlpack_cur "
             "wlpack_option=''\n"
             "    local -a parts\n"
             "    read -r -a parts <<<\"$line\"\n"
             "    [[ $line == *[[:space:]] ]] && parts+=('')\n"
             "    local n=${#parts[@]} i\n"
             "    wlpack_cur=${parts[n-1]}\n"
             "    before=${parts[n-2]}\n"
             "    COMPREPLY=()\n"
             "    for ((i = 1; i < n - 1; i++)); do\n"
             "        [[ ${parts[i]} == -- ]] && { compopt -o default; return; }\n"
             "        [[ -n $verb && -z $what && ${parts[i]} != -* ]] && what=${parts[i]}\n"
             "        [[ -z $verb && ${parts[i]} != -* ]] && verb=${parts[i]}\n"
             "    done\n"
             "    if [[ $wlpack_cur == --*=* ]]; then\n"
             "        wlpack_option=${wlpack_cur%%=*}\n"
             "        wlpack_cur=${wlpack_cur#*=}\n"
             "        before=$wlpack_option\n"
             "    fi\n"
             "    if [[ -z $verb || $verb == help ]]; then\n"
             "        _wlpack_words \"");
    for (size_t i = 0; wl_verbs[i]; i++)
        wl_buf_addf(out, "%s ", wl_verbs[i]->name);
    wl_buf_adds(out, "help -q -v -vv --help --version\"\n        return\n    fi\n    case $verb:$before in\n");
    for (size_t i = 0; wl_verbs[i]; i++)
        bash_values(wl_verbs[i], out);
    wl_buf_adds(out, "    esac\n    [[ -z $wlpack_option ]] || return\n    case $verb in\n");
    for (size_t i = 0; wl_verbs[i]; i++)
        bash_verb(wl_verbs[i], out);
    wl_buf_adds(out, "    *) return ;;\n    esac\n"
                     "    if [[ $wlpack_cur == -* ]]; then\n"
                     "        _wlpack_words \"$options\"\n"
                     "        return\n"
                     "    fi\n"
                     "    compopt -o default\n"
                     "    [[ -z $words ]] || _wlpack_words \"$words\"\n"
                     "}\n"
                     "complete -F _wlpack wlpack\n");
}

/* --- zsh and fish --------------------------------------------------------------------------------------------------- */

/* Text inside of single quotes; brackets and colons mean something to zsh's _arguments. */
static void quoted(struct wl_buf *out, const char *s, bool zsh) {
    for (; *s; s++) {
        if (*s == '\'')
            wl_buf_adds(out, zsh ? "'\\''" : "\\'");
        else if (zsh && strchr("[]:", *s))
            wl_buf_addf(out, "\\%c", *s);
        else if (!zsh && *s == '\\')
            wl_buf_adds(out, "\\\\");
        else
            wl_buf_addc(out, *s);
    }
}

static void zsh_option(const struct wl_verb *v, const struct wl_opt *o, struct wl_buf *out) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    const char *values = o->arg ? values_of(v->name, o, &b) : NULL;

    for (int form = 0; form < (o->letter ? 2 : 1); form++) {
        if (form)
            wl_buf_addf(out, " \\\n            '*-%c[", o->letter);
        else
            wl_buf_addf(out, " \\\n            '*--%s%s[", o->name, o->arg ? "=" : "");
        quoted(out, o->help, true);
        wl_buf_addc(out, ']');
        if (o->arg) {
            wl_buf_addc(out, ':');
            quoted(out, o->arg, true);
            wl_buf_addc(out, ':');
            if (values && strcmp(values, "FILES") == 0)
                wl_buf_adds(out, "_files");
            else if (values && strcmp(values, "RECIPES") == 0)
                wl_buf_adds(out, " _wlpack_names both");
            else if (values)
                wl_buf_addf(out, "(%s)", values);
        }
        wl_buf_addc(out, '\'');
    }
}

static void zsh_verb(const struct wl_verb *v, struct wl_buf *out) {
    enum words w = words_of(v->name);

    wl_buf_addf(out, "        %s)\n            _arguments '--help[explain the verb]'", v->name);
    for (const struct wl_opt *o = v->opts; o && o->name; o++)
        zsh_option(v, o, out);
    if (names_command(w))
        wl_buf_addf(out, " \\\n            '*:name: _wlpack_names %s'", names_command(w));
    else if (w == WORDS_KIT)
        wl_buf_addf(out, " \\\n            '1:what:(%s)' '*:name: _wlpack_names kits'", fixed_words(w));
    else if (fixed_words(w))
        wl_buf_addf(out, " \\\n            '1:what:(%s)' '*:file:_files'", fixed_words(w));
    else
        wl_buf_adds(out, " \\\n            '*:file:_files'");
    wl_buf_adds(out, "\n            ;;\n");
}

static void zsh(struct wl_buf *out) {
    wl_buf_adds(out, "#compdef wlpack\n# zsh completion for wlpack, made by `wlpack completion zsh`\n"
                     "_wlpack_names() {\n"
                     "    local -a names\n"
                     "    names=(${(f)\"$(wlpack completion names $1 2>/dev/null)\"})\n"
                     "    compadd -a names\n"
                     "    _files\n"
                     "}\n"
                     "_wlpack() {\n"
                     "    local state line\n"
                     "    _arguments -C '-q[errors and warnings only]' '-v[say more]' '-vv[say more]' '1:verb:->verb' "
                     "'*::argument:->rest'\n"
                     "    case $state in\n"
                     "    verb)\n"
                     "        local -a verbs\n"
                     "        verbs=(\n");
    for (size_t i = 0; wl_verbs[i]; i++) {
        wl_buf_addf(out, "            '%s:", wl_verbs[i]->name);
        quoted(out, wl_verbs[i]->summary, true);
        wl_buf_adds(out, "'\n");
    }
    wl_buf_adds(out, "        )\n        _describe verb verbs\n        ;;\n    rest)\n        case $line[1] in\n");
    for (size_t i = 0; wl_verbs[i]; i++)
        zsh_verb(wl_verbs[i], out);
    wl_buf_adds(out, "        esac\n        ;;\n    esac\n}\n_wlpack \"$@\"\n");
}

static void fish_option(const struct wl_verb *v, const struct wl_opt *o, struct wl_buf *out) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    const char *values = o->arg ? values_of(v->name, o, &b) : NULL;

    wl_buf_addf(out, "complete -c wlpack -n '__fish_seen_subcommand_from %s' -l %s", v->name, o->name);
    if (o->letter)
        wl_buf_addf(out, " -s %c", o->letter);
    if (o->arg && values && strcmp(values, "FILES") == 0)
        wl_buf_adds(out, " -r -F");
    else if (o->arg && values && strcmp(values, "RECIPES") == 0)
        wl_buf_adds(out, " -x -a '(wlpack completion names both 2>/dev/null)'");
    else if (o->arg)
        wl_buf_addf(out, " -x%s%s%s", values ? " -a '" : "", values ? values : "", values ? "'" : "");
    wl_buf_adds(out, " -d '");
    quoted(out, o->help, false);
    wl_buf_adds(out, "'\n");
}

static void fish(struct wl_buf *out) {
    wl_buf_adds(out, "# fish completion for wlpack, made by `wlpack completion fish`\n"
                     "complete -c wlpack -n __fish_use_subcommand -s q -d 'errors and warnings only'\n"
                     "complete -c wlpack -n __fish_use_subcommand -s v -d 'say more'\n");
    for (size_t i = 0; wl_verbs[i]; i++) {
        const struct wl_verb *v = wl_verbs[i];
        enum words w = words_of(v->name);

        wl_buf_addf(out, "complete -c wlpack -f -n __fish_use_subcommand -a %s -d '", v->name);
        quoted(out, v->summary, false);
        wl_buf_adds(out, "'\n");
        for (const struct wl_opt *o = v->opts; o && o->name; o++)
            fish_option(v, o, out);
        if (names_command(w))
            wl_buf_addf(out,
                        "complete -c wlpack -n '__fish_seen_subcommand_from %s' -a '(wlpack completion names %s "
                        "2>/dev/null)'\n",
                        v->name, names_command(w));
        else if (fixed_words(w))
            wl_buf_addf(out, "complete -c wlpack -n '__fish_seen_subcommand_from %s' -a '%s'\n", v->name,
                        fixed_words(w));
        if (w == WORDS_KIT)
            wl_buf_addf(
                out,
                "complete -c wlpack -n '__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from install "
                "which' -a '(wlpack completion names kits 2>/dev/null)'\n",
                v->name);
    }
}

/* --- The verb ------------------------------------------------------------------------------------------------------- */

static int print_names(const char *what, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv path = {0}, recipes = {0};
    WL_AUTO(wl_layout_close) struct wl_layout l = WL_LAYOUT_INIT;
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries images = {0};
    bool there = false, kits = strcmp(what, "kits") == 0;

    if (strcmp(what, "images") != 0) {
        wl_recipe_path(&path);
        if (wl_recipe_list(&path, &recipes, err) < 0)
            return -1;
        for (size_t i = 0; i < recipes.n; i++)
            if (wl_starts(recipes.v[i], KIT) == kits)
                wl_result("%s", recipes.v[i] + (kits ? strlen(KIT) : 0));
    }
    if (kits || strcmp(what, "recipes") == 0)
        return 0;
    if (wl_local_open(&l, 0, &there, err) < 0 || (there && wl_layout_list(&l, &images, err) < 0))
        return -1;
    for (size_t i = 0; i < images.n; i++)
        if (images.v[i].name && !wl_layout_is_attachment(&images.v[i]))
            wl_result("%s", images.v[i].name);
    return 0;
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    static const struct {
        const char *name;
        void (*write)(struct wl_buf *out);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    const char *shell = args->pos[0];

    (void)ret_status;
    if (strcmp(shell, "names") == 0)
        return args->n_pos == 2 ? print_names(args->pos[1], err)
                                : wl_fail(err, WL_USAGE, "completion names: of recipes, kits, images or both?");
    if (args->n_pos > 1)
        return wl_fail(err, WL_USAGE, "one shell at a time");
    for (size_t i = 0; i < WL_ARRAY_LEN(shells); i++)
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].write(&out);
            wl_result_raw(out.p, out.len);
            return 0;
        }
    return wl_fail(err, WL_USAGE, "no completion for \"%s\"; there are bash, zsh and fish", shell);
}

const struct wl_verb wl_verb_completion = {
    .name = "completion",
    .usage = "completion bash|zsh|fish",
    .summary = "print a shell's completion script",
    .help = "`make install` puts the scripts where the shells look. By hand:\n\n"
            "  source <(wlpack completion bash)\n"
            "  wlpack completion zsh >~/.zfunc/_wlpack\n"
            "  wlpack completion fish >~/.config/fish/completions/wlpack.fish",
    .min_pos = 1,
    .max_pos = 2,
    .run = run,
};
