#include "reference.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../tool/base/buf.h"
#include "../tool/base/mem.h"

#define DOCKER_API_HOST "registry-1.docker.io"

static int bad(struct wl_err *err, const char *s, const char *why) {
    return wl_fail(err, WL_USAGE, "\"%.300s\" is no image reference: %s", s, why);
}

static bool is_lower_alnum(char c) {
    return islower((unsigned char)c) || isdigit((unsigned char)c);
}

/* One part of a path: [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* */
static bool path_part_valid(const char *s, size_t n) {
    size_t i = 0;

    if (n == 0 || !is_lower_alnum(s[0]) || !is_lower_alnum(s[n - 1]))
        return false;
    while (i < n) {
        size_t run = 0;

        if (is_lower_alnum(s[i])) {
            i++;
            continue;
        }
        if (!strchr("._-", s[i]))
            return false;
        while (i + run < n && s[i + run] == s[i])
            run++;
        if ((s[i] == '.' && run > 1) || (s[i] == '_' && run > 2) || !is_lower_alnum(s[i + run]))
            return false;
        i += run;
    }
    return true;
}

static const char *path_problem(const char *s, size_t n) {
    if (n == 0)
        return "the name is empty";
    if (n > WL_REF_PATH_MAX)
        return "the name is longer than 255 characters";
    for (size_t i = 0; i < n; i++)
        if (isupper((unsigned char)s[i]))
            return "the name must be lower case";
    for (size_t i = 0; i <= n;) {
        size_t len = 0;

        while (i + len < n && s[i + len] != '/')
            len++;
        if (len == 0)
            return "the name has an empty part";
        if (!path_part_valid(s + i, len))
            return "a name is made of a-z, 0-9 and single separators . _ - inside";
        i += len + 1;
    }
    return NULL;
}

bool wl_reference_tag_valid(const char *s) {
    size_t n = strlen(s);

    if (n == 0 || n > WL_REF_TAG_MAX || s[0] == '.' || s[0] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("_.-", s[i]))
            return false;
    return true;
}

static bool port_valid(const char *s, size_t n) {
    unsigned long v = 0;

    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            return false;
        v = v * 10 + (unsigned long)(s[i] - '0');
    }
    return v >= 1 && v <= 65535;
}

/* A host name, an IPv4 address or an IPv6 address in brackets; with an optional port. */
static const char *host_problem(const char *s, size_t n) {
    size_t host = 0;

    if (n == 0)
        return "the host is empty";
    if (n > WL_REF_HOST_MAX)
        return "the host is longer than 255 characters";
    if (s[0] == '[') {
        host = 1;
        while (host < n && (isxdigit((unsigned char)s[host]) || s[host] == ':' || s[host] == '.'))
            host++;
        if (host < 3 || host >= n || s[host] != ']')
            return "the IPv6 address is malformed";
        host++;
    } else {
        while (host < n && (isalnum((unsigned char)s[host]) || s[host] == '.' || s[host] == '-'))
            host++;
        if (host == 0 || s[0] == '.' || s[0] == '-' || s[host - 1] == '-' || memmem(s, host, "..", 2))
            return "the host is malformed";
    }
    if (host == n)
        return NULL;
    if (s[host] != ':' || !port_valid(s + host + 1, n - host - 1))
        return "behind the host only :PORT may follow, a number from 1 to 65535";
    return NULL;
}

/* Whether the part before the first '/' is a host (docker's rule). */
static bool looks_like_host(const char *s, size_t n) {
    if (memchr(s, '.', n) || memchr(s, ':', n) || (n == 9 && memcmp(s, "localhost", 9) == 0))
        return true;
    for (size_t i = 0; i < n; i++)
        if (isupper((unsigned char)s[i]))
            return true;
    return false;
}

static void lower_copy(char *to, const char *from, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[n] = '\0';
}

static bool is_docker_alias(const char *host) {
    return strcmp(host, "index.docker.io") == 0 || strcmp(host, DOCKER_API_HOST) == 0 ||
           strcmp(host, "registry.hub.docker.com") == 0;
}

/* Splits the host off; *s moves behind it. */
static int parse_host(const char *whole, const char **s, struct wl_reference *r, struct wl_err *err) {
    const char *slash = strchr(*s, '/');
    size_t n = slash ? (size_t)(slash - *s) : 0;
    const char *problem;

    memcpy(r->host, WL_REF_DEFAULT_HOST, sizeof(WL_REF_DEFAULT_HOST));
    if (!slash || !looks_like_host(*s, n))
        return 0;
    if (!memchr(*s, '.', n) && !memchr(*s, ':', n)) { /* upper case only: more likely a name than a host */
        if (!(n == 9 && memcmp(*s, "localhost", 9) == 0))
            return bad(err, whole, "the name must be lower case");
    }
    problem = host_problem(*s, n);
    if (problem)
        return bad(err, whole, problem);
    lower_copy(r->host, *s, n);
    if (is_docker_alias(r->host))
        memcpy(r->host, WL_REF_DEFAULT_HOST, sizeof(WL_REF_DEFAULT_HOST));
    r->explicit_host = true;
    *s = slash + 1;
    return 0;
}

static int parse_path(const char *whole, const char *s, size_t n, struct wl_reference *r, struct wl_err *err) {
    bool official = strcmp(r->host, WL_REF_DEFAULT_HOST) == 0 && !memchr(s, '/', n);
    const char *problem = path_problem(s, n);
    size_t prefix = official ? strlen("library/") : 0;

    if (problem)
        return bad(err, whole, problem);
    if (n + prefix > WL_REF_PATH_MAX)
        return bad(err, whole, "the name is longer than 255 characters");
    memcpy(r->path, "library/", prefix);
    memcpy(r->path + prefix, s, n);
    r->path[prefix + n] = '\0';
    return 0;
}

/* USER:PASSWORD@HOST/..., with a scheme or without. */
static bool has_user(const char *s) {
    const char *host = strstr(s, "://") ? strstr(s, "://") + 3 : s;
    size_t n = strcspn(host, "/");

    const char *at = memchr(host, '@', n);

    return host[n] && at && !wl_starts(at, "@sha256:");
}

int wl_reference_parse(const char *s, struct wl_reference *ret, struct wl_err *err) {
    struct wl_reference r = {0};
    const char *p = s;
    const char *at;
    const char *colon;
    size_t n;

    if (!*s)
        return bad(err, s, "it is empty");
    if (has_user(s)) /* which is not shown: a password is in it */
        return wl_fail(err, WL_USAGE, "an image reference holds no user and no password; see `wlpack login --help`");
    if (strstr(s, "://"))
        return bad(err, s, "leave the scheme out (HOST/NAME:TAG)");
    at = strchr(s, '@');
    if (at && !wl_digest_parse(at + 1, &r.digest))
        return bad(err, s, "behind @ a digest must follow: sha256: and 64 lower-case hex digits");
    r.has_digest = at != NULL;
    if (parse_host(s, &p, &r, err) < 0)
        return -1;
    n = at ? (size_t)(at - p) : strlen(p);
    colon = memchr(p, ':', n);
    if (colon) {
        size_t len = n - (size_t)(colon + 1 - p);

        if (len > WL_REF_TAG_MAX)
            return bad(err, s, "the tag is longer than 128 characters");
        memcpy(r.tag, colon + 1, len);
        if (!wl_reference_tag_valid(r.tag))
            return bad(err, s, "a tag is made of letters, digits, . _ - and starts with a letter, digit or _");
        n = (size_t)(colon - p);
    }
    if (parse_path(s, p, n, &r, err) < 0)
        return -1;
    *ret = r;
    return 0;
}

char *wl_reference_str(const struct wl_reference *r) {
    return wl_sprintf("%s/%s%s%s%s%s", r->host, r->path, r->tag[0] ? ":" : "", r->tag, r->has_digest ? "@" : "",
                      r->has_digest ? wl_digest_str(&r->digest).s : "");
}

const char *wl_reference_tag(const struct wl_reference *r) {
    if (r->tag[0] || r->has_digest)
        return r->tag;
    return WL_REF_DEFAULT_TAG;
}

const char *wl_reference_api_host(const struct wl_reference *r) {
    return strcmp(r->host, WL_REF_DEFAULT_HOST) == 0 ? DOCKER_API_HOST : r->host;
}

int wl_reference_parse_host(const char *s, char *ret, struct wl_err *err) {
    size_t n = strlen(s);
    const char *problem;

    if (strcmp(s, "https://index.docker.io/v1/") == 0) {
        memcpy(ret, WL_REF_DEFAULT_HOST, sizeof(WL_REF_DEFAULT_HOST));
        return 0;
    }
    if (strchr(s, '@'))
        return wl_fail(err, WL_USAGE, "a registry host holds no user and no password: give HOST[:PORT]");
    if (wl_starts(s, "https://")) { /* docker takes it, and so do scripts written for it */
        s += strlen("https://");
        n = strlen(s) - (wl_ends(s, "/") && *s != '/');
    }
    if (strstr(s, "://"))
        return wl_fail(err, WL_USAGE, "\"%.300s\": give HOST[:PORT] without a scheme", s);
    if (memchr(s, '/', n))
        return wl_fail(err, WL_USAGE, "\"%.300s\": give HOST[:PORT] alone, without a path", s);
    problem = host_problem(s, n);
    if (problem)
        return wl_fail(err, WL_USAGE, "\"%.300s\" is no registry host: %s", s, problem);
    lower_copy(ret, s, n);
    if (is_docker_alias(ret))
        memcpy(ret, WL_REF_DEFAULT_HOST, sizeof(WL_REF_DEFAULT_HOST));
    return 0;
}

int wl_reference_parse_login(const char *s, char *ret_host, char *ret_path, struct wl_err *err) {
    const char *host = wl_starts(s, "https://") ? s + strlen("https://") : s;
    size_t n = strcspn(host, "/");
    const char *path = host + n + 1;
    WL_AUTOFREE char *alone = NULL;
    const char *problem;
    size_t len;

    if (strchr(s, '@') || strstr(host, "://") || strcmp(s, "https://index.docker.io/v1/") == 0 || host[n] == '\0' ||
        host[n + 1] == '\0' || n == 0) {
        if (wl_reference_parse_host(s, ret_host, err) < 0)
            return -1;
        *ret_path = '\0';
        return 0;
    }
    if (!looks_like_host(host, n))
        return wl_fail(err, WL_USAGE, "\"%.300s\": \"%.*s\" is no registry host: give HOST[:PORT][/NAMESPACE]", s,
                       (int)n, host);
    len = strlen(path) - wl_ends(path, "/");
    problem = path_problem(path, len);
    if (problem)
        return wl_fail(err, WL_USAGE, "\"%.300s\" is no namespace of a registry: %s", s, problem);
    if (len == 2 && path[0] == 'v' && (path[1] == '1' || path[1] == '2')) /* in a file of logins it means the host */
        return wl_fail(err, WL_USAGE, "\"%.300s\": %.2s is the registry's API and no namespace: give HOST[:PORT]", s,
                       path);
    alone = wl_strndup(host, n);
    if (wl_reference_parse_host(alone, ret_host, err) < 0)
        return -1;
    memcpy(ret_path, path, len);
    ret_path[len] = '\0';
    return 0;
}

bool wl_host_is_loopback(const char *s) {
    size_t n = s[0] == '[' ? strcspn(s, "]") + 1 : strcspn(s, ":");
    char host[WL_REF_HOST_MAX + 1];
    unsigned parts = 0;

    if (n > strlen(s) || n > WL_REF_HOST_MAX)
        return false;
    lower_copy(host, s, n);
    if (strcmp(host, "localhost") == 0 || wl_ends(host, ".localhost") || strcmp(host, "[::1]") == 0)
        return true;
    if (!wl_starts(host, "127."))
        return false;
    for (const char *p = host; *p; parts++) { /* four numbers: 127.example.com is a name */
        size_t len = strspn(p, "0123456789");

        if (len == 0 || len > 3 || (p[len] && p[len] != '.') || (p[len] == '.' && !p[len + 1]))
            return false;
        p += len + (p[len] == '.');
    }
    return parts == 4;
}
