#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include "../tool/base/digest.h"
#include "../tool/base/fs.h"
#include "../tool/base/json.h"
#include "../tool/base/mem.h"
#include "../tool/base/out.h"
#include "../tool/base/proc.h"
#include "credentials_internal.h"
#include "reference.h"

#define DOCKER_SERVER "https://index.docker.io/v1/" /* docker's own name for docker.io */
#define LOCK_WAIT_MS 30000                          /* for another login to be written; a helper may hang as long */
#define LOCK_STEP_MS 50
#define AUTH_MAX 65536 /* characters of an "auth" value */

void wl_credentials_release(struct wl_credentials *c) {
    free(c->user);
    free(c->password);
    free(c->identity_token);
    free(c->registry_token);
    free(c->from);
    memset(c, 0, sizeof(*c));
}

/* False when the variable is not set. */
static bool add_file(struct wl_strv *files, const char *dir_variable, const char *suffix) {
    const char *dir = getenv(dir_variable);

    if (!dir || !*dir)
        return false;
    wl_strv_addf(files, "%s%s", dir, suffix);
    return true;
}

/* The credential files in their order of precedence. */
static void list_files(struct wl_strv *files) {
    add_file(files, "REGISTRY_AUTH_FILE", "");
    add_file(files, "DOCKER_CONFIG", "/config.json");
    if (!add_file(files, "XDG_RUNTIME_DIR", "/containers/auth.json"))
        wl_strv_addf(files, "/run/containers/%lu/auth.json", (unsigned long)getuid()); /* podman's without it */
    if (!add_file(files, "XDG_CONFIG_HOME", "/containers/auth.json"))
        add_file(files, "HOME", "/.config/containers/auth.json");
    add_file(files, "HOME", "/.docker/config.json");
}

/* What credential helpers file a host under. */
static const char *server_of(const char *host) {
    return strcmp(host, WL_REF_DEFAULT_HOST) == 0 ? DOCKER_SERVER : host;
}

/* Whether a key of "auths" or "credHelpers" means this host and path; the length of what fits, 0 for no. */
static size_t key_fits(const char *key, const char *host, const char *path) {
    static const char *const docker_names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};
    const char *k = strstr(key, "://") ? strstr(key, "://") + 3 : key;
    size_t n = strcspn(k, "/");
    bool same = strlen(host) == n && strncasecmp(k, host, n) == 0;
    size_t len;

    for (size_t i = 0; strcmp(host, WL_REF_DEFAULT_HOST) == 0 && i < WL_ARRAY_LEN(docker_names); i++)
        same = same || (strlen(docker_names[i]) == n && strncasecmp(k, docker_names[i], n) == 0);
    if (!same)
        return 0;
    k += n;
    if (strcmp(k, "") == 0 || strcmp(k, "/") == 0 || strcmp(k, "/v1/") == 0 || strcmp(k, "/v2/") == 0 ||
        strcmp(k, "/v1") == 0 || strcmp(k, "/v2") == 0)
        return 1;
    k++;
    len = strlen(k) - wl_ends(k, "/");
    return strncmp(path, k, len) == 0 && (path[len] == '\0' || path[len] == '/') ? 1 + len : 0;
}

/* Whether a key is that of exactly this: the host, or the host and the namespace. */
static bool key_is(const char *key, const char *host, const char *path) {
    return key_fits(key, host, path) == 1 + strlen(path);
}

static const wl_json *best_key(const wl_json *obj, const char *host, const char *path) {
    const wl_json *best = NULL;
    const wl_json *value;
    const char *key;
    size_t best_len = 0;

    for (void *it = NULL; obj && wl_json_next(obj, &it, &key, &value);) {
        size_t len = key_fits(key, host, path);

        if (len > best_len) {
            best = value;
            best_len = len;
        }
    }
    return best;
}

/* Reads a file; a missing or empty one leaves *ret as it is (NULL). */
static int read_file(const char *path, struct wl_json_doc **ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;

    if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (access(path, R_OK) < 0) /* what wl_fs_read would advise is about other files */
        return wl_fail(err, WL_FAILED, "the logins in %s cannot be read: %s", path, strerror(errno));
    if (wl_fs_read(path, WL_CRED_FILE_MAX, &text, err) < 0)
        return -1;
    if (strspn(wl_buf_str(&text), " \t\r\n") == text.len)
        return 0; /* podman leaves an empty file behind */
    if (wl_json_parse(&doc, path, wl_buf_str(&text), text.len, WL_FAILED, err) < 0)
        return -1;
    if (wl_json_kind(wl_json_root(doc)) != WL_JSON_OBJECT)
        return wl_json_fail(doc, "$", err, "must be an object");
    *ret = WL_STEAL(doc);
    return 0;
}

static char *str_or_null(const wl_json *obj, const char *key) {
    const char *s = wl_json_get_str(obj, key);

    return s && *s ? wl_strdup(s) : NULL;
}

/* "auth" is the base64 of user:password; docker has been seen to pad it with NULs. */
static int decode_auth(const char *auth, const char *file, struct wl_credentials *c, struct wl_err *err) {
    size_t n = strlen(auth);
    WL_AUTOFREE char *plain = NULL;
    char *colon;

    if (n > AUTH_MAX)
        return wl_fail(err, WL_FAILED, "%s: an \"auth\" of %zu characters: refused", file, n);
    plain = wl_calloc(n + 1, 1);
    if (wl_base64_decode(auth, (uint8_t *)plain, &n) < 0)
        return wl_fail(err, WL_FAILED, "%s: an \"auth\" is no base64", file);
    plain[n] = '\0';
    colon = strchr(plain, ':');
    if (!colon)
        return wl_fail(err, WL_FAILED, "%s: an \"auth\" is not user:password", file);
    *colon = '\0';
    free(c->user);
    free(c->password);
    c->user = wl_strdup(plain);
    c->password = wl_strdup(colon + 1);
    return 0;
}

static int from_entry(const wl_json *entry, const char *file, struct wl_credentials *ret, struct wl_err *err) {
    struct wl_credentials c = {0};
    const char *auth = wl_json_get_str(entry, "auth");

    if (wl_json_kind(entry) != WL_JSON_OBJECT || (wl_json_get(entry, "auth") && !auth))
        return wl_fail(err, WL_FAILED, "%s: a login in it is no object with a text as \"auth\"", file);
    c.user = str_or_null(entry, "username");
    c.password = str_or_null(entry, "password");
    c.identity_token = str_or_null(entry, "identitytoken");
    c.registry_token = str_or_null(entry, "registrytoken");
    if (auth && *auth && decode_auth(auth, file, &c, err) < 0) {
        wl_credentials_release(&c);
        return -1;
    }
    if (!c.identity_token && !c.registry_token && !(c.user && c.password)) { /* "{}": a helper has it */
        wl_credentials_release(&c);
        return 0;
    }
    c.from = wl_strdup(file);
    *ret = c;
    return 0;
}

/* What a document of docker's or podman's form says; file names it. */
static int find_in_doc(const struct wl_json_doc *doc, const char *file, const char *host, const char *path,
                       struct wl_credentials *ret, struct wl_err *err) {
    const wl_json *root = wl_json_root(doc);
    const char *helper;
    const char *store;
    const wl_json *entry;

    helper = wl_json_str(best_key(wl_json_get(root, "credHelpers"), host, ""));
    if (helper && *helper)
        return wl_cred_helper_get(helper, server_of(host), ret, err) < 0 ? wl_err_context(err, "%s", file) : 0;
    store = helper ? "" : wl_json_get_str(root, "credsStore"); /* "": this host's is in the file */
    if (store && *store && wl_cred_helper_exists(store)) {
        if (wl_cred_helper_get(store, server_of(host), ret, err) < 0)
            return wl_err_context(err, "%s", file);
        if (ret->from)
            return 0;
    }
    entry = best_key(wl_json_get(root, "auths"), host, path);
    return entry ? from_entry(entry, file, ret, err) : 0;
}

static int find_in_file(const char *file, const char *host, const char *path, struct wl_credentials *ret,
                        struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;

    if (read_file(file, &doc, err) < 0)
        return -1;
    return doc ? find_in_doc(doc, file, host, path, ret, err) : 0;
}

/* ~/.dockercfg; NULL without a home. A new string. */
static char *legacy_file(void) {
    const char *home = getenv("HOME");

    return home && *home ? wl_path_join(home, ".dockercfg") : NULL;
}

static int find_in_legacy(const char *host, struct wl_credentials *ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTOFREE char *file = legacy_file();
    const wl_json *entry;

    if (!file || read_file(file, &doc, err) < 0)
        return file ? -1 : 0;
    entry = doc ? best_key(wl_json_root(doc), host, "") : NULL;
    return entry ? from_entry(entry, file, ret, err) : 0;
}

static const char *env(const char *name) {
    const char *s = getenv(name);

    return s && *s ? s : NULL;
}

/* $WLPACK_REGISTRY_USER and $WLPACK_REGISTRY_PASSWORD, for $WLPACK_REGISTRY_HOST and for nobody else. */
static int find_in_variables(const char *host, struct wl_credentials *ret, struct wl_err *err) {
    const char *user = env("WLPACK_REGISTRY_USER");
    const char *password = env("WLPACK_REGISTRY_PASSWORD");
    const char *given = env("WLPACK_REGISTRY_HOST");
    char for_host[WL_REF_HOST_MAX + 1];

    if (!user && !password)
        return 0;
    if (!user || !password || !given)
        return wl_fail(err, WL_USAGE,
                       "of WLPACK_REGISTRY_HOST, WLPACK_REGISTRY_USER and WLPACK_REGISTRY_PASSWORD only some are set");
    if (wl_reference_parse_host(given, for_host, err) < 0)
        return wl_err_context(err, "WLPACK_REGISTRY_HOST");
    if (strcmp(host, for_host) != 0)
        return 0;
    ret->user = wl_strdup(user);
    ret->password = wl_strdup(password);
    ret->from = wl_strdup("WLPACK_REGISTRY_PASSWORD");
    return 0;
}

/* $DOCKER_AUTH_CONFIG: the text of a config.json, as CI systems hand it out. */
static int find_in_environment(const char *host, const char *path, struct wl_credentials *ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    const char *text = env("DOCKER_AUTH_CONFIG");

    if (find_in_variables(host, ret, err) < 0)
        return -1;
    if (ret->from || !text)
        return 0;
    if (strlen(text) > WL_CRED_FILE_MAX)
        return wl_fail(err, WL_FAILED, "DOCKER_AUTH_CONFIG is larger than %d bytes", WL_CRED_FILE_MAX);
    if (wl_json_parse(&doc, "DOCKER_AUTH_CONFIG", text, strlen(text), WL_FAILED, err) < 0)
        return -1;
    if (wl_json_kind(wl_json_root(doc)) != WL_JSON_OBJECT)
        return wl_json_fail(doc, "$", err, "must be an object");
    return find_in_doc(doc, "DOCKER_AUTH_CONFIG", host, path, ret, err);
}

static void keep_secret(const struct wl_credentials *c) {
    if (c->password)
        wl_out_secret(c->password);
    if (c->identity_token)
        wl_out_secret(c->identity_token);
    if (c->registry_token)
        wl_out_secret(c->registry_token);
}

int wl_credentials_find(const char *host, const char *path, struct wl_credentials *ret, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv files = {0};
    struct wl_credentials c = {0};

    if (find_in_environment(host, path, &c, err) < 0)
        return -1;
    list_files(&files);
    for (size_t i = 0; i < files.n && !c.from; i++)
        if (find_in_file(files.v[i], host, path, &c, err) < 0)
            return -1;
    if (!c.from && find_in_legacy(host, &c, err) < 0)
        return -1;
    keep_secret(&c);
    *ret = c;
    return 0;
}

/* --- Login and logout -------------------------------------------------------------------------------------- */

static void write_value(struct wl_jw *w, const wl_json *v) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    const wl_json *member;
    const char *key;

    if (wl_json_kind(v) != WL_JSON_OBJECT) {
        wl_json_print(v, false, &text);
        wl_jw_raw(w, wl_buf_str(&text));
        return;
    }
    wl_jw_begin(w, '{');
    for (void *it = NULL; wl_json_next(v, &it, &key, &member);) {
        wl_jw_key(w, key);
        write_value(w, member);
    }
    wl_jw_end(w, '}');
}

/* Writes the object of logins without those of this host and path and, with auth, with a new one. A helper's login is noted by an
 * empty entry, as docker does. */
static void write_logins(struct wl_jw *w, const wl_json *logins, const char *host, const char *path, const char *auth) {
    const wl_json *value;
    const char *key;

    wl_jw_begin(w, '{');
    for (void *it = NULL; logins && wl_json_next(logins, &it, &key, &value);) {
        if (key_is(key, host, path))
            continue;
        wl_jw_key(w, key);
        write_value(w, value);
    }
    if (auth) {
        WL_AUTOFREE char *name = *path ? wl_sprintf("%s/%s", host, path) : wl_strdup(server_of(host));

        wl_jw_key(w, name);
        wl_jw_begin(w, '{');
        if (*auth)
            wl_jw_kstr(w, "auth", auth);
        wl_jw_end(w, '}');
    }
    wl_jw_end(w, '}');
}

/* Replaces a file of logins. A link is followed. */
static int put_file(const char *file, struct wl_buf *text, struct wl_err *err) {
    WL_AUTO(wl_file_cancel) struct wl_file f = WL_FILE_INIT;
    WL_AUTOFREE char *real = realpath(file, NULL);

    wl_buf_addc(text, '\n');
    if (wl_file_open(&f, real ? real : file, 0600, true, err) < 0 || wl_file_write(&f, text->p, text->len, err) < 0)
        return -1;
    return wl_file_commit(&f, err);
}

/* Rewrites the file with the entry of this host and path replaced (auth NULL: removed). doc may be NULL. */
static int rewrite_file(const char *file, const struct wl_json_doc *doc, const char *host, const char *path,
                        const char *auth, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    const wl_json *root = doc ? wl_json_root(doc) : NULL;
    struct wl_jw w = {.out = &text, .indent = 4};
    const wl_json *value;
    const char *key;

    wl_jw_begin(&w, '{');
    wl_jw_key(&w, "auths");
    write_logins(&w, root ? wl_json_get(root, "auths") : NULL, host, path, auth);
    for (void *it = NULL; root && wl_json_next(root, &it, &key, &value);) {
        if (strcmp(key, "auths") == 0)
            continue;
        wl_jw_key(&w, key);
        write_value(&w, value);
    }
    wl_jw_end(&w, '}');
    return put_file(file, &text, err);
}

/* Two logins at the same time would each write what they have read before the other wrote. The folder is locked: the file itself is
 * replaced, and a file beside it would stay. Returns a descriptor that keeps the lock until it is closed; -1 when there is none to be had,
 * which is no reason not to log in. */
static int lock_folder(const char *file) {
    WL_AUTOFREE char *real = realpath(file, NULL);
    WL_AUTOFREE char *folder = wl_strdup(real ? real : file);
    char *slash = strrchr(folder, '/');
    int fd;

    if (slash)
        slash[slash == folder] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned waited = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP_MS) {
        if (errno != EWOULDBLOCK || waited >= LOCK_WAIT_MS || wl_interrupted())
            break;
        poll(NULL, 0, LOCK_STEP_MS);
    }
    return fd;
}

static int file_to_write(char **ret, struct wl_err *err) {
    const char *podman = getenv("REGISTRY_AUTH_FILE");
    const char *docker = getenv("DOCKER_CONFIG");
    const char *home = getenv("HOME");

    if (podman && *podman)
        *ret = wl_strdup(podman);
    else if (docker && *docker)
        *ret = wl_path_join(docker, "config.json");
    else if (home && *home)
        *ret = wl_path_join(home, ".docker/config.json");
    else
        return wl_fail(err, WL_FAILED,
                       "nowhere to keep the login: none of REGISTRY_AUTH_FILE, DOCKER_CONFIG, HOME is set");
    return 0;
}

static char *encode_auth(const char *user, const char *password) {
    WL_AUTOFREE char *plain = wl_sprintf("%s:%s", user, password);

    return wl_base64_encode(plain, strlen(plain));
}

/* The helper that keeps the logins of a host, or NULL: the file does. */
static const char *helper_for(const struct wl_json_doc *doc, const char *host) {
    const wl_json *root = doc ? wl_json_root(doc) : NULL;
    const char *helper = root ? wl_json_str(best_key(wl_json_get(root, "credHelpers"), host, "")) : NULL;

    if (root && !helper)
        helper = wl_json_get_str(root, "credsStore");
    return helper && *helper ? helper : NULL;
}

static int namespace_refused(const char *file, const char *helper, const char *host, const char *path,
                             struct wl_err *err) {
    return wl_fail(
        err, WL_USAGE,
        "%s: logins of %s are kept by docker-credential-%s, which knows whole registries only: log in to %s, "
        "or name another file for %s/%s by REGISTRY_AUTH_FILE",
        file, host, helper, host, host, path);
}

int wl_credentials_may_store(const char *host, const char *path, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTOFREE char *file = NULL;
    const char *helper;

    if (file_to_write(&file, err) < 0 || read_file(file, &doc, err) < 0)
        return -1;
    helper = helper_for(doc, host);
    return helper && *path ? namespace_refused(file, helper, host, path, err) : 0;
}

int wl_credentials_store(const char *host, const char *path, const char *user, const char *password, char **ret_where,
                         struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTOFREE char *file = NULL;
    WL_AUTOFREE char *auth = encode_auth(user, password);
    WL_AUTO(wl_closep) int lock = -1;
    const char *helper;

    wl_out_secret(password);
    wl_out_secret(auth);
    if (file_to_write(&file, err) < 0 || wl_fs_mkdirs_parent(file, err) < 0)
        return -1;
    lock = lock_folder(file);
    if (read_file(file, &doc, err) < 0)
        return -1;
    helper = helper_for(doc, host);
    if (helper && *path)
        return namespace_refused(file, helper, host, path, err);
    if (helper) {
        if (wl_cred_helper_store(helper, server_of(host), user, password, err) < 0 ||
            rewrite_file(file, doc, host, path, "", err) < 0)
            return wl_err_context(err, "%s", file);
        *ret_where = wl_sprintf("docker-credential-%s", helper);
        return 0;
    }
    if (rewrite_file(file, doc, host, path, auth, err) < 0)
        return -1;
    *ret_where = WL_STEAL(file);
    return 0;
}

static void add_where(struct wl_buf *where, const char *name) {
    if (strstr(wl_buf_str(where), name))
        return;
    wl_buf_addf(where, "%s%s", where->len ? ", " : "", name);
}

static bool has_entry(const wl_json *logins, const char *host, const char *path) {
    const wl_json *value;
    const char *key;

    for (void *it = NULL; logins && wl_json_next(logins, &it, &key, &value);)
        if (key_is(key, host, path))
            return true;
    return false;
}

/* Tells the helpers that a file names to forget a host. */
static int erase_in_helpers(const char *file, const wl_json *root, const char *host, struct wl_buf *where,
                            struct wl_err *err) {
    const char *const helpers[] = {wl_json_str(best_key(wl_json_get(root, "credHelpers"), host, "")),
                                   wl_json_get_str(root, "credsStore")};

    for (size_t i = 0; i < WL_ARRAY_LEN(helpers); i++) {
        bool had = false;

        if (!helpers[i] || !*helpers[i] || !wl_cred_helper_exists(helpers[i]))
            continue;
        if (wl_cred_helper_erase(helpers[i], server_of(host), &had, err) < 0)
            return wl_err_context(err, "%s", file);
        if (had)
            add_where(where, helpers[i]);
    }
    return 0;
}

static int erase_in_file(const char *file, const char *host, const char *path, struct wl_buf *where,
                         struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_closep) int lock = lock_folder(file);
    const wl_json *root;

    if (read_file(file, &doc, err) < 0)
        return -1;
    if (!doc)
        return 0;
    root = wl_json_root(doc);
    if (!*path && erase_in_helpers(file, root, host, where, err) < 0)
        return -1;
    if (has_entry(wl_json_get(root, "auths"), host, path)) {
        if (rewrite_file(file, doc, host, path, NULL, err) < 0)
            return -1;
        add_where(where, file);
    }
    return 0;
}

static int erase_in_legacy(const char *host, struct wl_buf *where, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTOFREE char *file = legacy_file();
    WL_AUTO(wl_closep) int lock = file ? lock_folder(file) : -1;
    struct wl_jw w = {.out = &text, .indent = 4};

    if (!file || read_file(file, &doc, err) < 0)
        return file ? -1 : 0;
    if (!doc || !has_entry(wl_json_root(doc), host, ""))
        return 0;
    write_logins(&w, wl_json_root(doc), host, "", NULL);
    if (put_file(file, &text, err) < 0)
        return -1;
    add_where(where, file);
    return 0;
}

int wl_credentials_erase(const char *host, const char *path, char **ret_where, struct wl_err *err) {
    WL_AUTO(wl_strv_release) struct wl_strv files = {0};
    WL_AUTO(wl_buf_release) struct wl_buf where = {0};

    list_files(&files);
    for (size_t i = 0; i < files.n; i++)
        if (erase_in_file(files.v[i], host, path, &where, err) < 0)
            return -1;
    if (!*path && erase_in_legacy(host, &where, err) < 0)
        return -1;
    *ret_where = where.len ? wl_buf_steal(&where) : NULL;
    return 0;
}
