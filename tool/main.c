#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/out.h"
#include "base/proc.h"
#include "cmd/cmd.h"

/* In the order of `wlpack --help`. */
const struct wl_verb *const wl_verbs[] = {
    // clang-format off
    &wl_verb_build,
    &wl_verb_run,
    &wl_verb_image,
    &wl_verb_images,
    &wl_verb_inspect,
    &wl_verb_tag,
    &wl_verb_rm,
    &wl_verb_push,
    &wl_verb_pull, &wl_verb_copy,
    &wl_verb_save,
    &wl_verb_load,
    &wl_verb_sign,
    &wl_verb_verify,
    &wl_verb_login,
    &wl_verb_logout,
    &wl_verb_recipes,
    &wl_verb_lint,
    &wl_verb_new,
    &wl_verb_plan,
    &wl_verb_fetch,
    &wl_verb_kit,
    &wl_verb_gc,
    &wl_verb_completion,
    &wl_verb_doctor,
    &wl_verb_version,
    &wl_verb_wasm,
    NULL,
    // clang-format on
};

static const struct wl_verb *find_verb(const char *name) {
    for (size_t i = 0; wl_verbs[i]; i++)
        if (strcmp(wl_verbs[i]->name, name) == 0)
            return wl_verbs[i];
    return NULL;
}

static void print_help(void) {
    printf("usage: wlpack [-q] [-v] [-vv] VERB [OPTIONS] [ARGUMENTS]\n\n"
           "Builds interpreters for WebAssembly from recipes, and packs and pushes them as OCI images.\n\n"
           "Verbs:\n");
    for (size_t i = 0; wl_verbs[i]; i++)
        printf("  %-10s %s\n", wl_verbs[i]->name, wl_verbs[i]->summary);
    printf("\nOptions before or behind the verb:\n"
           "  -q         errors and warnings only\n"
           "  -v, -vv    say more\n\n"
           "`wlpack VERB --help` explains a verb. Exit codes: 0 ok, 1 failed, 2 usage, 3 bad recipe,\n"
           "4 network or authorisation.\n");
}

static void print_verb_help(const struct wl_verb *verb) {
    printf("usage: wlpack %s\n\n%s\n", verb->usage, verb->help ? verb->help : verb->summary);
    if (verb->opts && verb->opts[0].name)
        printf("\nOptions:\n");
    for (const struct wl_opt *o = verb->opts; o && o->name; o++) {
        WL_AUTOFREE char *left = NULL;

        if (o->letter)
            left = wl_sprintf("-%c, --%s%s%s", o->letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        else
            left = wl_sprintf("    --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        printf("  %-26s %s\n", left, o->help);
    }
}

/* -vv, -vvv: there is no more to say than with two. */
static bool is_debug(const char *arg) {
    return strncmp(arg, "-vv", 3) == 0 && arg[1 + strspn(arg + 1, "v")] == '\0';
}

/* Takes -q, -v, -vv, --help out of argv (up to "--"); returns the new argc. */
static int take_globals(int argc, char **argv, enum wl_level *level, bool *help) {
    int n = 0;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (i < argc)
                argv[n++] = argv[i++];
            break;
        }
        if (strcmp(argv[i], "-q") == 0 || strcmp(argv[i], "--quiet") == 0)
            *level = WL_QUIET;
        else if (strcmp(argv[i], "--verbose") == 0)
            *level = WL_VERBOSE;
        else if (is_debug(argv[i]))
            *level = WL_DEBUG;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            *help = true;
        else
            argv[n++] = argv[i];
    }
    argv[n] = NULL;
    return n;
}

/* `-v` says more, but `wlpack run -v HOST:GUEST` is a volume: behind a verb with a -v of its own it is left alone. */
static int take_verbose(int argc, char **argv, const struct wl_verb *verb, enum wl_level *level) {
    int n = 0;

    for (const struct wl_opt *o = verb ? verb->opts : NULL; o && o->name; o++)
        if (o->letter == 'v')
            return argc;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (i < argc)
                argv[n++] = argv[i++];
            break;
        }
        if (strcmp(argv[i], "-v") == 0)
            *level = *level < WL_VERBOSE ? WL_VERBOSE : *level;
        else
            argv[n++] = argv[i];
    }
    argv[n] = NULL;
    return n;
}

static int run_verb(const struct wl_verb *verb, int argc, char **argv, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_args_release) struct wl_args args = {0};

    if (wl_args_parse(&args, verb, argc, argv, err) < 0)
        return -1;
    if (verb->run(&args, ret_status, err) < 0)
        return -1;
    return wl_out_flush(err);
}

/* A command ended by a signal says so to its parent by dying of it. */
static void die_by_signal(int sig) {
    signal(sig, SIG_DFL);
    raise(sig);
}

int main(int argc, char **argv) {
    enum wl_level level = WL_NORMAL;
    bool help = false;
    const struct wl_verb *verb = NULL;
    struct wl_err err;
    int status = 0;

    argc = take_globals(argc - 1, argv + 1, &level, &help);
    argv++;
    while (argc > 0 && strcmp(argv[0], "-v") == 0) {
        level = level < WL_VERBOSE ? WL_VERBOSE : level;
        argv++;
        argc--;
    }
    if (argc > 0 && (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "-V") == 0))
        argv[0] = (char *)"version";
    if (argc > 0 && strcmp(argv[0], "help") == 0) {
        help = true;
        argv++;
        argc--;
    }
    if (argc > 0)
        verb = find_verb(argv[0]);
    wl_signals_init();
    if (verb)
        argc = take_verbose(argc, argv, verb, &level);
    wl_out_init(level);
    if (argc == 0 || (help && !verb && argc == 0)) {
        print_help();
        return help ? WL_OK : WL_USAGE;
    }
    if (!verb) {
        wl_fail(&err, WL_USAGE, "no verb \"%s\"; `wlpack --help` lists them", argv[0]);
        wl_error(&err);
        return WL_USAGE;
    }
    if (help) {
        print_verb_help(verb);
        return WL_OK;
    }
    if (run_verb(verb, argc - 1, argv + 1, &status, &err) < 0) {
        wl_error(&err);
        fflush(stdout);
        if (wl_interrupted())
            die_by_signal(wl_signal_number());
        return err.code;
    }
    return status;
}
