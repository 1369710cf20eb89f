#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "../../registry/client.h"
#include "../../registry/credentials.h"
#include "../../registry/reference.h"
#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/proc.h"
#include "cmd.h"
#include "remote.h"

#define LINE_MAX_LEN 65536 /* characters of a user name or password */

/* Reads one line (or all, up to its last newline) from a descriptor. */
static int read_line(int fd, bool whole, char **ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {.max = LINE_MAX_LEN};
    char c;
    ssize_t n;

    while ((n = read(fd, &c, 1)) != 0) {
        if (n < 0 && errno == EINTR && !wl_interrupted())
            continue;
        if (n < 0)
            return wl_fail(err, WL_FAILED, "cannot read: %s", wl_interrupted() ? "interrupted" : strerror(errno));
        if (c == '\n' && !whole)
            break;
        wl_buf_addc(&b, c);
    }
    while (b.len > 0 && (b.p[b.len - 1] == '\n' || b.p[b.len - 1] == '\r'))
        b.p[--b.len] = '\0';
    if (b.overflow || (b.len && strlen(b.p) != b.len))
        return wl_fail(err, WL_USAGE, "what was given is too long or holds a NUL");
    *ret = wl_buf_steal(&b);
    return 0;
}

/* Asks at the terminal. The answer is not shown when it is secret. */
static int ask(const char *question, bool secret, char **ret, struct wl_err *err) {
    WL_AUTO(wl_closep) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios old;
    struct termios quiet;
    int rc;

    if (tty < 0)
        return wl_fail(err, WL_USAGE, "there is no terminal to ask at: give --username and --password-stdin");
    if (tcgetattr(tty, &old) < 0)
        return wl_fail_errno(err, errno, "cannot read the state of the terminal");
    quiet = old;
    if (secret)
        quiet.c_lflag &= ~(tcflag_t)ECHO;
    /* first of all: an answer that comes as soon as the question is there is neither thrown away nor shown */
    tcsetattr(tty, TCSAFLUSH, &quiet);
    wl_write_all(tty, question, strlen(question));
    rc = read_line(tty, false, ret, err);
    tcsetattr(tty, TCSAFLUSH, &old);
    if (secret)
        wl_write_all(tty, "\n", 1);
    return rc;
}

static int get_user(const struct wl_args *args, char **ret, struct wl_err *err) {
    const char *given = wl_args_get(args, "username");

    if (given)
        *ret = wl_strdup(given);
    else if (wl_args_has(args, "password-stdin") || !isatty(0))
        return wl_fail(err, WL_USAGE, "login: --username is missing");
    else if (ask("User: ", false, ret, err) < 0)
        return -1;
    if (!**ret || strchr(*ret, ':'))
        return wl_fail(err, WL_USAGE, "a user name is not empty and holds no colon");
    return 0;
}

static int get_password(const struct wl_args *args, char **ret, struct wl_err *err) {
    if (wl_args_has(args, "password-stdin") || !isatty(0)) {
        if (read_line(0, true, ret, err) < 0)
            return -1;
    } else if (ask("Password: ", true, ret, err) < 0) {
        return -1;
    }
    if (!**ret)
        return wl_fail(err, WL_USAGE, "the password is empty");
    wl_out_secret(*ret);
    return 0;
}

/* {"host": ..., "namespace": ..., "user": ..., "place": ...} */
static void print_json(const struct wl_reference *r, const char *user, const char *place) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    struct wl_jw w = {.out = &text};

    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "host", r->host);
    if (*r->path)
        wl_jw_kstr(&w, "namespace", r->path);
    wl_jw_kstr(&w, "user", user);
    if (place)
        wl_jw_kstr(&w, "place", place);
    wl_jw_end(&w, '}');
    wl_buf_addc(&text, '\n');
    wl_result_raw(text.p, text.len);
}

/* where: NULL when it is not kept. */
static void tell(const struct wl_reference *r, const char *user, const char *where, bool needed) {
    const char *slash = *r->path ? "/" : "";

    if (!needed)
        wl_warn("%s asks for no login%s", r->host, where ? "; it was kept all the same" : "");
    if (where)
        wl_info("logged in to %s%s%s as %s; kept in %s%s", r->host, slash, r->path, user, where,
                strchr(where, '/') ? " (not encrypted)" : "");
    else if (needed)
        wl_info("%s takes the login of %s; it was not kept", r->host, user);
}

static int run(const struct wl_args *args, int *ret_status, struct wl_err *err) {
    WL_AUTO(wl_client_closep) struct wl_client *c = NULL;
    WL_AUTOFREE char *user = NULL;
    WL_AUTOFREE char *password = NULL;
    WL_AUTOFREE char *where = NULL;
    struct wl_reference ref = {0};
    unsigned flags = WL_CLIENT_PING_ONLY | (wl_args_has(args, "plain-http") ? WL_CLIENT_PLAIN_HTTP : 0);
    bool needed, dry = wl_args_has(args, "dry-run");

    (void)ret_status;
    if (wl_reference_parse_login(args->pos[0], ref.host, ref.path, err) < 0 ||
        (*ref.path && wl_credentials_may_store(ref.host, ref.path, err) < 0) || get_user(args, &user, err) < 0 ||
        get_password(args, &password, err) < 0)
        return -1;
    if (wl_remote_network(args, err) < 0 || wl_client_open(&ref, flags, user, password, &c, err) < 0 ||
        wl_client_check_login(c, &needed, err) < 0 ||
        (!dry && wl_credentials_store(ref.host, ref.path, user, password, &where, err) < 0))
        return -1;
    tell(&ref, user, where, needed);
    if (wl_args_has(args, "json"))
        print_json(&ref, user, where);
    return 0;
}

static const struct wl_opt opts[] = {
    {"username", 'u', "NAME", "the user; asked for at a terminal otherwise"},
    {"password-stdin", 0, NULL, "read the password from stdin (as is done when stdin is no terminal)"},
    {"plain-http", 0, NULL, "http instead of https, also to another machine"},
    {"dry-run", 'n', NULL, "only try the login, keep nothing"},
    {"json", 0, NULL, "print a JSON object: host, namespace (if one was given), user, place (where it is kept)"},
    WL_REMOTE_OPTS,
    {0},
};

const struct wl_verb wl_verb_login = {
    .name = "login",
    .usage = "login [OPTIONS] HOST[:PORT][/NAMESPACE]",
    .summary = "log in to a registry",
    .help =
        "Tries the login and keeps it where docker keeps it: in the credential helper that docker's config.json\n"
        "names, else in that file ($REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json or ~/.docker/config.json),\n"
        "readable by its owner only. docker and podman see it, and wlpack sees theirs. https://HOST is taken, too. At "
        "a\n"
        "terminal user and password are asked for; there is no option for the password, since others could read it.\n\n"
        "With a namespace the login is for what lies below it alone (HOST/team, HOST/team/app), before that of the\n"
        "host. The registry is asked whether it takes the login, not what it may do there. podman finds such logins,\n"
        "docker does not; credential helpers know hosts alone, so where one keeps the host's logins it is refused.\n\n"
        "Example: wlpack login --username me registry.example.com < password.txt",
    .opts = opts,
    .min_pos = 1,
    .max_pos = 1,
    .run = run,
};
