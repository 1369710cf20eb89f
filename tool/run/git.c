#include "git.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../base/mem.h"
#include "../base/proc.h"

#define TIMEOUT_MS 10000
#define ANSWER_MAX (64u << 10)
#define TIME_MAX 253402300799ll /* the end of the year 9999 */

void wl_git_release(struct wl_git *g) {
    free(g->revision);
    free(g->source);
    free(g->problem);
    *g = (struct wl_git){0};
}

/* The answer without its last newline, a new string; NULL when git fails. What it says then is in *ret_why, if that is not NULL. */
static char *ask(const char *dir, const char *const *question, char **ret_why) {
    const char *argv[24] = {"git", "-C",
                            dir,   "--no-optional-locks",
                            "-c",  "core.fsmonitor=false",
                            "-c",  "core.hooksPath=/dev/null",
                            "-c",  "log.showSignature=false"};
    WL_AUTO(wl_buf_release) struct wl_buf out = {.max = ANSWER_MAX}, errout = {.max = ANSWER_MAX};
    struct wl_proc p = {.argv = argv, .out = &out, .errout = &errout, .timeout_ms = TIMEOUT_MS};
    struct wl_err ignored;
    size_t n = 10;
    int status = 0;

    while (*question)
        argv[n++] = *question++;
    if (wl_proc_run(&p, &status, &ignored) < 0 || status != 0) {
        if (ret_why)
            *ret_why = wl_buf_steal(&errout);
        return NULL;
    }
    while (out.len && out.p[out.len - 1] == '\n')
        out.p[--out.len] = '\0';
    return wl_buf_steal(&out);
}

/* "https://user:token@host/x" -> "https://host/x": what a CI leaves in a URL is nobody's business. */
static char *without_user(const char *url) {
    const char *host = strstr(url, "://");
    size_t n = host ? strcspn(host + 3, "/") : 0;
    const char *at = NULL;

    for (size_t i = 0; i < n; i++)
        if (host[3 + i] == '@')
            at = host + 3 + i;
    return at ? wl_sprintf("%.*s%s", (int)(host + 3 - url), url, at + 1) : wl_strdup(url);
}

/* A folder of this machine: it says nothing to anybody else. */
static bool is_local(const char *url) {
    return *url == '/' || *url == '.' || *url == '~' || strncasecmp(url, "file:", 5) == 0;
}

static bool is_commit(const char *s) {
    size_t n = strspn(s, "0123456789abcdef");

    return (n == 40 || n == 64) && s[n] == '\n';
}

void wl_git_ask(const char *dir, struct wl_git *ret) {
    WL_AUTOFREE char *why = NULL;
    WL_AUTOFREE char *commit =
        ask(dir, (const char *const[]){"log", "-1", "--no-color", "--format=%H%n%ct", NULL}, &why);
    WL_AUTOFREE char *origin = NULL;
    WL_AUTOFREE char *changed = NULL;
    long long t;

    *ret = (struct wl_git){0};
    /* the one refusal that is about the owner alone: a container's root with somebody else's checkout */
    if (why && strstr(why, "safe.directory"))
        ret->problem = wl_strndup(why, strcspn(why, "\n"));
    if (!commit || !is_commit(commit))
        return;
    origin = ask(dir, (const char *const[]){"remote", "get-url", "origin", NULL}, NULL);
    changed = ask(dir, (const char *const[]){"status", "--porcelain", "--untracked-files=no", "--", ".", NULL}, NULL);
    t = strtoll(strchr(commit, '\n') + 1, NULL, 10);
    ret->time = t > 0 && t <= TIME_MAX ? t : 0;
    *strchr(commit, '\n') = '\0';
    ret->revision = wl_sprintf("%s%s", commit, changed && *changed ? "-dirty" : "");
    if (origin && *origin && !strchr(origin, '\n') && !is_local(origin))
        ret->source = without_user(origin);
}
