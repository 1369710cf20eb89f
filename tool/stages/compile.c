#include "compile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "../base/proc.h"

#define TAIL_BYTES (64 * 1024) /* end of a log that is looked at */
#define LINE_MAX_SHOWN 300     /* characters shown of a line */
#define ERR_TEXT_MAX 1800      /* what is shown must fit into struct wl_err */
#define SCAN_BYTES (8 << 20)   /* how far into a log the first error is looked for */

/* What the first error of a compiler, a linker, make or a configure script looks like. */
static const char *const marks[] = {": error:",
                                    ": fatal error:",
                                    "wasm-ld: error",
                                    "error: ",
                                    "configure: error",
                                    "undefined symbol",
                                    "No such file or directory",
                                    "command not found",
                                    ": not found",
                                    "No rule to make target"};

static bool looks_like_error(const char *line, size_t n) {
    for (size_t i = 0; i < WL_ARRAY_LEN(marks); i++)
        if (memmem(line, n, marks[i], strlen(marks[i])))
            return true;
    return false;
}

static void add_line(struct wl_buf *b, const char *line, size_t n) {
    wl_buf_addf(b, "\n    %.*s%s", (int)(n > LINE_MAX_SHOWN ? LINE_MAX_SHOWN : n), line,
                n > LINE_MAX_SHOWN ? "..." : "");
}

/* Reads at most max bytes from the place `from` of a file. */
static void read_part(int fd, off_t from, size_t max, struct wl_buf *ret) {
    ssize_t n;

    wl_buf_reserve(ret, max);
    while (ret->len < max && (n = pread(fd, ret->p + ret->len, max - ret->len, from + (off_t)ret->len)) > 0)
        ret->len += (size_t)n;
    ret->p[ret->len] = '\0';
}

/* The first line that looks like an error; its offset, -1 when there is none. */
static off_t first_error(int fd, off_t size, struct wl_buf *ret_line) {
    char chunk[32768];
    WL_AUTO(wl_buf_release) struct wl_buf line = {.max = 4096};
    off_t line_start = 0, at = 0;

    while (at < size && at < SCAN_BYTES) {
        ssize_t n = pread(fd, chunk, sizeof(chunk), at);

        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++) {
            if (chunk[i] != '\n') {
                wl_buf_addc(&line, chunk[i]);
                continue;
            }
            if (line.len && looks_like_error(line.p, line.len)) {
                wl_buf_add(ret_line, line.p, line.len);
                return line_start;
            }
            wl_buf_clear(&line);
            line_start = at + i + 1;
        }
        at += n;
    }
    return -1;
}

/* Where the last n lines of text start. */
static size_t tail_start(const char *text, size_t len, int n) {
    size_t i = len;

    while (i > 0 && text[i - 1] == '\n')
        i--;
    while (i > 0) {
        if (text[i - 1] == '\n' && --n == 0)
            break;
        i--;
    }
    return i;
}

static void add_tail(struct wl_buf *ret, const char *text, size_t len) {
    size_t i = tail_start(text, len, WL_LOG_TAIL);
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    const char *start;

    while (i < len) {
        const char *nl = memchr(text + i, '\n', len - i);
        size_t n = nl ? (size_t)(nl - text) - i : len - i;

        add_line(&out, text + i, n);
        i += n + 1;
    }
    /* when the lines are long the last ones count */
    start = wl_buf_str(&out);
    while (strlen(start) + ret->len > ERR_TEXT_MAX && (start = strchr(start + 1, '\n')))
        ;
    if (start)
        wl_buf_adds(ret, start);
}

void wl_log_tail(const char *log, struct wl_buf *ret) {
    WL_AUTO(wl_closep) int fd = open(log, O_RDONLY | O_CLOEXEC);
    WL_AUTO(wl_buf_release) struct wl_buf text = {0}, line = {0};
    struct stat st;
    off_t from, error;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
        return;
    from = st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0;
    read_part(fd, from, TAIL_BYTES, &text);
    error = first_error(fd, st.st_size, &line);
    if (error >= 0 && error < from + (off_t)tail_start(wl_buf_str(&text), text.len, WL_LOG_TAIL)) {
        wl_buf_adds(ret, "\n  first error:");
        add_line(ret, line.p, line.len);
    }
    wl_buf_adds(ret, "\n  end of the log:");
    add_tail(ret, wl_buf_str(&text), text.len);
}

static int prepare(const struct wl_command *c, struct wl_strv *argv, struct wl_strv *env, char **ret_dir,
                   struct wl_err *err) {
    struct wl_recipe_vars vars = {.cc = WL_TOOL_CC,
                                  .ar = WL_TOOL_AR,
                                  .ranlib = WL_TOOL_RANLIB,
                                  .nm = WL_TOOL_NM,
                                  .sysroot = c->tools->sysroot,
                                  .srcdir = c->srcdir,
                                  .scripts = c->scripts,
                                  .deps = c->deps,
                                  .out = c->out,
                                  .jobs = c->jobs};
    WL_AUTO(wl_strv_release) struct wl_strv own = {0};

    if (wl_recipe_command_argv(c->recipe, c->command, &vars, argv, err) < 0 ||
        wl_recipe_command_env(c->recipe, c->command, &vars, &own, err) < 0)
        return -1;
    for (size_t i = 0; i < c->tools->env.n; i++)
        wl_strv_add(env, c->tools->env.v[i]);
    for (size_t i = 0; i < own.n; i++)
        wl_env_set(env, own.v[i]);
    *ret_dir = c->command->dir ? wl_path_join(c->srcdir, c->command->dir) : wl_strdup(c->srcdir);
    return 0;
}

/* The program as the child's own PATH finds it, and relative names from its folder. */
static char *find_program(const char *name, const struct wl_strv *env, const char *dir) {
    const char *path = NULL;

    if (strchr(name, '/'))
        return wl_path_join(dir, name);
    for (size_t i = 0; i < env->n; i++)
        if (wl_starts(env->v[i], "PATH="))
            path = env->v[i] + 5;
    while (path && *path) {
        size_t n = strcspn(path, ":");
        WL_AUTOFREE char *full = wl_sprintf("%.*s/%s", (int)n, path, name);

        if (access(full, X_OK) == 0)
            return WL_STEAL(full);
        path += n + (path[n] == ':');
    }
    return NULL;
}

static void log_command(const char *log, const struct wl_strv *argv) {
    WL_AUTO(wl_closep) int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    wl_buf_adds(&b, "+");
    for (size_t i = 0; i < argv->n; i++)
        wl_buf_addf(&b, " %s", argv->v[i]);
    wl_buf_addc(&b, '\n');
    if (fd >= 0)
        (void)wl_write_all(fd, b.p, b.len);
}

int wl_stage_command(struct wl_command *c, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv argv = {0}, env = {0};
    WL_AUTO(wl_buf_release) struct wl_buf tail = {0};
    WL_AUTOFREE char *dir = NULL;
    WL_AUTOFREE char *program = NULL;
    WL_AUTOFREE char *shown = NULL;
    struct wl_proc p = {.log_path = c->log, .flags = WL_PROC_MERGE | WL_PROC_NO_NETWORK | WL_PROC_TIED};
    int status, rc;

    if (prepare(c, &argv, &env, &dir, err) < 0)
        return -1;
    program = find_program(argv.v[0], &env, dir);
    if (!program || access(program, X_OK) < 0)
        return wl_fail(err, WL_FAILED, "%s: no such program (commands see the kit's tools and /usr/bin)", argv.v[0]);
    if (wl_fs_mkdirs_parent(c->log, err) < 0)
        return -1;
    log_command(c->log, &argv);
    shown = wl_strdup(argv.v[0]);
    free(argv.v[0]);
    argv.v[0] = WL_STEAL(program);
    p.argv = (const char *const *)argv.v;
    p.env = (const char *const *)env.v;
    p.cwd = dir;
    rc = wl_proc_run(&p, &status, err);
    c->max_rss_kb = p.max_rss_kb;
    c->cpu_s += p.cpu_s;
    if (rc < 0)
        return -1;
    if (status == 0)
        return 0;
    wl_log_tail(c->log, &tail);
    return wl_fail(err, WL_FAILED, "%s ended with %s %d; the log is %s%s", shown, status > 128 ? "signal" : "exit code",
                   status > 128 ? status - 128 : status, c->log, wl_buf_str(&tail));
}
