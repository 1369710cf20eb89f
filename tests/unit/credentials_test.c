/* registry/credentials: the files and helpers of docker and podman. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#include "../../registry/credentials.h"
#include "../../registry/http.h"
#include "../../tool/base/out.h"

/* A home of its own, with its bin folder in PATH for helpers. */
struct place {
    char *dir;
    char *path;
};

static const char *const variables[] = {"REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"};

static int setup(void **state) {
    struct place *p = wl_calloc(1, sizeof(*p));
    WL_AUTOFREE char *path = NULL;

    signal(SIGPIPE, SIG_IGN); /* as main does: some helpers do not read what they are given */
    p->dir = test_dir();
    p->path = wl_strdup(getenv("PATH"));
    path = wl_sprintf("%s/bin:%s", p->dir, p->path);
    setenv("PATH", path, 1);
    setenv("HOME", p->dir, 1);
    for (size_t i = 0; i < WL_ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    *state = p;
    return 0;
}

static int teardown(void **state) {
    struct place *p = *state;

    setenv("PATH", p->path, 1);
    free(p->path);
    test_rmdir(p->dir);
    free(p);
    return 0;
}

static char *put(struct place *p, const char *name, const char *text) {
    char *path = wl_path_join(p->dir, name);
    struct wl_err err;

    assert_ok(wl_fs_mkdirs_parent(path, &err));
    assert_ok(wl_fs_write(path, text, strlen(text), &err));
    return path;
}

static void put_helper(struct place *p, const char *name, const char *script) {
    WL_AUTOFREE char *file = wl_sprintf("bin/docker-credential-%s", name);
    WL_AUTOFREE char *path = put(p, file, script);

    assert_int_equal(chmod(path, 0755), 0);
}

static char *get(struct place *p, const char *name) {
    WL_AUTOFREE char *path = wl_path_join(p->dir, name);
    struct wl_buf b = {0};
    struct wl_err err;

    assert_ok(wl_fs_read(path, 1 << 20, &b, &err));
    return wl_buf_steal(&b);
}

/* "user:password", "token:T" or "none" */
static char *who(const char *host, const char *path) {
    struct wl_credentials c;
    struct wl_err err;
    char *s;

    assert_ok(wl_credentials_find(host, path, &c, &err));
    s = c.identity_token ? wl_sprintf("token:%s", c.identity_token)
        : c.from         ? wl_sprintf("%s:%s", c.user, c.password)
                         : wl_strdup("none");
    wl_credentials_release(&c);
    return s;
}

#define assert_who(host, path, want)                                                                                   \
    do {                                                                                                               \
        WL_AUTOFREE char *got_ = who(host, path);                                                                      \
        assert_string_equal(got_, want);                                                                               \
    } while (0)

static void keys(void **state) {
    struct place *p = *state;
    /* u1:p1 ... u6:p6 */
    WL_AUTOFREE char *f =
        put(p, ".docker/config.json",
            "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTE6cDE=\"},"
            "\"ghcr.io\":{\"auth\":\"dTI6cDI=\"},\"ghcr.io/team\":{\"auth\":\"dTM6cDM=\"},"
            "\"https://quay.io/v2/\":{\"auth\":\"dTQ6cDQ=\"},"
            "\"localhost:5000\":{\"username\":\"u5\",\"password\":\"p:5\"},"
            "\"empty.io\":{},\"tok.io\":{\"auth\":\"dTY6cDY=\",\"identitytoken\":\"secret-token\"}}}");

    assert_who("docker.io", "library/php", "u1:p1");
    assert_who("ghcr.io", "other/x", "u2:p2");
    assert_who("ghcr.io", "team", "u3:p3");
    assert_who("ghcr.io", "team/x", "u3:p3");
    assert_who("ghcr.io", "teammate/x", "u2:p2");
    assert_who("quay.io", "a", "u4:p4");
    assert_who("localhost:5000", "a", "u5:p:5");
    assert_who("localhost:5001", "a", "none");
    assert_who("empty.io", "a", "none");
    assert_who("tok.io", "a", "token:secret-token");
    assert_who("io", "a", "none");
}

static void precedence(void **state) {
    struct place *p = *state;
    static const char *const names[] = {
        ".docker/config.json", ".config/containers/auth.json", "run/containers/auth.json", "docker/config.json",
        "auth.json",           "conf/containers/auth.json"};
    WL_AUTOFREE char *conf = wl_path_join(p->dir, "conf");
    WL_AUTOFREE char *run = wl_path_join(p->dir, "run");
    WL_AUTOFREE char *docker = wl_path_join(p->dir, "docker");
    WL_AUTOFREE char *auth = wl_path_join(p->dir, "auth.json");

    for (size_t i = 0; i < WL_ARRAY_LEN(names); i++) {
        WL_AUTOFREE char *text = wl_sprintf("{\"auths\":{\"h\":{\"username\":\"u%zu\",\"password\":\"p\"}}}", i);
        WL_AUTOFREE char *f = put(p, names[i], text);
    }
    assert_who("h", "", "u1:p");
    setenv("XDG_CONFIG_HOME", conf, 1);
    assert_who("h", "", "u5:p");
    setenv("XDG_RUNTIME_DIR", run, 1);
    assert_who("h", "", "u2:p");
    setenv("DOCKER_CONFIG", docker, 1);
    assert_who("h", "", "u3:p");
    setenv("REGISTRY_AUTH_FILE", auth, 1);
    assert_who("h", "", "u4:p");
}

static void helpers(void **state) {
    struct place *p = *state;
    WL_AUTOFREE char *f =
        put(p, ".docker/config.json",
            "{\"credsStore\":\"all\",\"credHelpers\":{\"one.io\":\"one\",\"tok.io\":\"tok\",\"two.io\":\"\"},"
            "\"auths\":{\"file.io\":{\"auth\":\"dTE6cDE=\"},\"one.io\":{\"auth\":\"dTE6cDE=\"},\"two.io\":{\"auth\":"
            "\"dTE6cDE=\"}}}");

    put_helper(p, "one",
               "#!/bin/sh\nread s\necho "
               "\"{\\\"ServerURL\\\":\\\"$s\\\",\\\"Username\\\":\\\"one-$s\\\",\\\"Secret\\\":\\\"sec\\\"}\"\n");
    put_helper(p, "tok", "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"refresh\"}'\n");
    put_helper(p, "all",
               "#!/bin/sh\nread s\n[ \"$s\" = https://index.docker.io/v1/ ] && { echo "
               "'{\"Username\":\"hub\",\"Secret\":\"s\"}'; exit; }\n"
               "echo 'credentials not found in native keychain'; exit 1\n");
    assert_who("one.io", "a", "one-one.io:sec");
    assert_who("tok.io", "a", "token:refresh");
    assert_who("docker.io", "a", "hub:s");
    assert_who("file.io", "a", "u1:p1");
    assert_who("two.io", "a", "u1:p1"); /* "": not in the helper of the others */
    assert_who("none.io", "a", "none");
}

static void bad_helpers(void **state) {
    struct place *p = *state;
    WL_AUTOFREE char *f =
        put(p, ".docker/config.json",
            "{\"credHelpers\":{\"a\":\"../../evil\",\"b\":\"fails\",\"c\":\"floods\",\"d\":\"garbage\","
            "\"e\":\"missing\",\"f\":\"x;touch y\"}}");
    struct wl_credentials c;
    struct wl_err err;

    put_helper(p, "fails", "#!/bin/sh\necho locked >&2; exit 3\n");
    put_helper(p, "floods", "#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' x\n");
    put_helper(p, "garbage", "#!/bin/sh\necho '{\"Username\":1}'\n");
    assert_fails(wl_credentials_find("a", "", &c, &err), WL_FAILED, "is no name of a credential helper");
    assert_fails(wl_credentials_find("b", "", &c, &err), WL_FAILED, "exit code 3: locked");
    assert_fails(wl_credentials_find("c", "", &c, &err), WL_FAILED, "more than 65536 bytes");
    assert_fails(wl_credentials_find("d", "", &c, &err), WL_FAILED, "Username or Secret is missing");
    assert_fails(wl_credentials_find("e", "", &c, &err), WL_FAILED, "docker-credential-missing");
    put_helper(p, "floods", "#!/bin/sh\nyes\n"); /* for ever */
    assert_fails(wl_credentials_find("c", "", &c, &err), WL_FAILED, "more than 65536 bytes");
    put_helper(p, "floods", "#!/bin/sh\nyes >&2\n");
    assert_fails(wl_credentials_find("c", "", &c, &err), WL_FAILED, "more than 65536 bytes");
    assert_fails(wl_credentials_find("f", "", &c, &err), WL_FAILED, "is no name of a credential helper");
}

/* It leaves something running that holds its output open, for longer than a helper may take, and is done all the same. */
static void helper_with_a_child(void **state) {
    struct place *p = *state;
    WL_AUTOFREE char *f = put(p, ".docker/config.json", "{\"credsStore\":\"leaves\"}");

    put_helper(p, "leaves", "#!/bin/sh\nsleep 45 &\necho '{\"Username\":\"u\",\"Secret\":\"s\"}'\n");
    assert_who("h", "", "u:s");
}

/* One that does not end is ended, with what it has started. */
static void hanging_helper(void **state) {
    struct place *p = *state;
    WL_AUTOFREE char *f = put(p, ".docker/config.json", "{\"credHelpers\":{\"h\":\"hangs\"}}");
    struct wl_credentials c;
    struct wl_err err;
    time_t start = time(NULL);

    put_helper(p, "hangs", "#!/bin/sh\nsleep 1000 & sleep 1000\n");
    wl_http_configure(&(struct wl_http_settings){.timeout_s = 1});
    assert_fails(wl_credentials_find("h", "", &c, &err), WL_FAILED, "docker-credential-hangs did not end within");
    wl_http_configure(&(struct wl_http_settings){0});
    assert_true(time(NULL) - start < WL_CRED_HELPER_MS / 1000);
}

static void bad_files(void **state) {
    struct place *p = *state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{", ".docker/config.json:1:"},
        {"[]", "must be an object"},
        {"{\"auths\":{\"h\":{\"auth\":\"!!\"}}}", "no base64"},
        {"{\"auths\":{\"h\":{\"auth\":\"dTE=\"}}}", "not user:password"},
        {"{\"auths\":{\"h\":{\"auth\":1}}}", ".docker/config.json: a login in it is no object"},
        {"{\"auths\":{\"h\":\"dTE6cDE=\"}}", ".docker/config.json: a login in it is no object"},
    };
    struct wl_credentials c;
    struct wl_err err;

    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        WL_AUTOFREE char *f = put(p, ".docker/config.json", cases[i].text);

        assert_fails(wl_credentials_find("h", "", &c, &err), WL_FAILED, cases[i].why);
    }
    free(put(p, ".docker/config.json", "\n"));
    assert_who("h", "", "none");
}

static void store_and_erase(void **state) {
    struct place *p = *state;
    WL_AUTOFREE char *f =
        put(p, ".docker/config.json",
            "{\"auths\":{\"other\":{\"auth\":\"dTE6cDE=\"}},\"proxies\":{\"default\":{\"n\":[1,2]}}}");
    WL_AUTOFREE char *where = NULL;
    WL_AUTOFREE char *where2 = NULL;
    WL_AUTOFREE char *none = NULL;
    WL_AUTOFREE char *text = NULL;
    WL_AUTOFREE char *after = NULL;
    WL_AUTOFREE char *shown = NULL;
    struct stat st;
    struct wl_err err;

    assert_ok(wl_credentials_store("localhost:5000", "", "me", "pass:word", &where, &err));
    assert_string_equal(where, f);
    assert_who("localhost:5000", "x", "me:pass:word");
    assert_who("other", "x", "u1:p1");
    assert_int_equal(stat(f, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    text = get(p, ".docker/config.json");
    assert_non_null(strstr(text, "\"proxies\": {"));
    assert_null(strstr(text, "pass:word"));
    shown = wl_out_clean("it is pass:word");
    assert_string_equal(shown, "it is ***");
    assert_ok(wl_credentials_erase("localhost:5000", "", &where2, &err));
    assert_string_equal(where2, f);
    assert_who("localhost:5000", "x", "none");
    assert_ok(wl_credentials_erase("localhost:5000", "", &none, &err));
    assert_null(none);
    after = get(p, ".docker/config.json");
    assert_null(strstr(after, "localhost"));
    assert_non_null(strstr(after, "other"));
}

/* Logins for a part of a registry stand beside that of the whole; a helper gets none of them, nor does the file then. */
static void namespaces(void **state) {
    struct place *p = *state;
    WL_AUTOFREE char *f =
        put(p, ".docker/config.json", "{\"auths\":{\"https://ghcr.io/team/\":{\"auth\":\"dTE6cDE=\"}}}");
    WL_AUTOFREE char *where = NULL;
    WL_AUTOFREE char *where2 = NULL;
    WL_AUTOFREE char *where3 = NULL;
    WL_AUTOFREE char *gone = NULL;
    WL_AUTOFREE char *none = NULL;
    WL_AUTOFREE char *text = NULL;
    WL_AUTOFREE char *helper = NULL;
    WL_AUTOFREE char *after = NULL;
    WL_AUTOFREE char *refused = NULL;
    struct wl_err err;

    assert_ok(wl_credentials_may_store("ghcr.io", "team", &err));
    assert_ok(wl_credentials_store("ghcr.io", "", "all", "p", &where, &err));
    assert_who("ghcr.io", "team/x", "u1:p1"); /* the other stays */
    assert_ok(wl_credentials_store("ghcr.io", "team", "t", "p", &where2, &err));
    assert_ok(wl_credentials_store("docker.io", "me", "d", "p", &where3, &err));
    text = get(p, ".docker/config.json");
    assert_non_null(strstr(text, "\"ghcr.io/team\": {"));
    assert_non_null(strstr(text, "\"docker.io/me\": {"));
    assert_null(strstr(text, "https://")); /* replaced, though it was written another way */
    assert_who("ghcr.io", "team/x", "t:p");
    assert_who("ghcr.io", "teams/x", "all:p");
    assert_who("docker.io", "me/x", "d:p");
    assert_who("docker.io", "library/x", "none");
    assert_ok(wl_credentials_erase("ghcr.io", "team/x", &none, &err));
    assert_null(none);
    assert_ok(wl_credentials_erase("ghcr.io", "team", &gone, &err));
    assert_string_equal(gone, f);
    assert_who("ghcr.io", "team/x", "all:p");

    helper = put(p, ".docker/config.json", "{\"credsStore\":\"keep\"}");
    put_helper(p, "keep", "#!/bin/sh\n[ \"$1\" = store ] && cat >\"$HOME/kept\"\nexit 0\n");
    assert_fails(wl_credentials_may_store("ghcr.io", "team", &err), WL_USAGE, "REGISTRY_AUTH_FILE");
    assert_ok(wl_credentials_may_store("ghcr.io", "", &err));
    assert_fails(wl_credentials_store("ghcr.io", "team", "t", "secret", &refused, &err), WL_USAGE,
                 "whole registries only");
    after = get(p, ".docker/config.json");
    assert_string_equal(after, "{\"credsStore\":\"keep\"}");
}

/* What docker wrote before 1.7, and Kubernetes' secrets of type dockercfg hold: asked last, hosts only. */
static void dockercfg(void **state) {
    struct place *p = *state;
    WL_AUTOFREE char *f = put(p, ".dockercfg",
                              "{\"https://old.io/v1/\":{\"auth\":\"dTE6cDE=\",\"email\":\"me@x\"},"
                              "\"two.io\":{\"auth\":\"dTI6cDI=\"},\"two.io/team\":{\"auth\":\"dTM6cDM=\"}}");
    WL_AUTOFREE char *newer = NULL;
    WL_AUTOFREE char *where = NULL;
    WL_AUTOFREE char *none = NULL;
    WL_AUTOFREE char *text = NULL;
    WL_AUTOFREE char *broken = NULL;
    struct wl_credentials c;
    struct wl_err err;

    assert_who("old.io", "x", "u1:p1");
    assert_who("two.io", "team/x", "u2:p2");
    assert_who("three.io", "x", "none");
    newer = put(p, ".docker/config.json", "{\"auths\":{\"old.io\":{\"auth\":\"dTQ6cDQ=\"}}}");
    assert_who("old.io", "x", "u4:p4");
    assert_ok(wl_credentials_erase("two.io", "team", &none, &err));
    assert_null(none);
    assert_ok(wl_credentials_erase("two.io", "", &where, &err));
    assert_string_equal(where, f);
    text = get(p, ".dockercfg");
    assert_null(strstr(text, "\"two.io\": {"));
    assert_non_null(strstr(text, "\"email\": \"me@x\""));
    broken = put(p, ".dockercfg", "auth = dTE6cDE=\nemail = me@x\n");
    assert_who("old.io", "x", "u4:p4"); /* not looked at */
    assert_fails(wl_credentials_find("two.io", "x", &c, &err), WL_FAILED, ".dockercfg");
}

/* A login goes to the helper and not into the file; a config that is a link stays one. */
static void store_in_helper(void **state) {
    struct place *p = *state;
    WL_AUTOFREE char *real = put(p, "dotfiles/config.json", "{\"credsStore\":\"keep\"}");
    WL_AUTOFREE char *link_ = wl_path_join(p->dir, ".docker/config.json");
    WL_AUTOFREE char *where = NULL;
    WL_AUTOFREE char *kept = NULL;
    WL_AUTOFREE char *text = NULL;
    struct stat st;
    struct wl_err err;

    put_helper(p, "keep", "#!/bin/sh\n[ \"$1\" = store ] && cat >\"$HOME/kept\"\nexit 0\n");
    assert_ok(wl_fs_mkdirs_parent(link_, &err));
    assert_int_equal(symlink(real, link_), 0);
    assert_ok(wl_credentials_store("docker.io", "", "me", "pa\"ss", &where, &err));
    assert_string_equal(where, "docker-credential-keep");
    kept = get(p, "kept");
    assert_string_equal(kept,
                        "{\"ServerURL\":\"https://index.docker.io/v1/\",\"Username\":\"me\",\"Secret\":\"pa\\\"ss\"}");
    assert_int_equal(lstat(link_, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    text = get(p, "dotfiles/config.json");
    assert_null(strstr(text, "auth\""));
    assert_non_null(strstr(text, "credsStore"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys, setup, teardown),
        cmocka_unit_test_setup_teardown(precedence, setup, teardown),
        cmocka_unit_test_setup_teardown(helpers, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_helpers, setup, teardown),
        cmocka_unit_test_setup_teardown(hanging_helper, setup, teardown),
        cmocka_unit_test_setup_teardown(helper_with_a_child, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_files, setup, teardown),
        cmocka_unit_test_setup_teardown(store_and_erase, setup, teardown),
        cmocka_unit_test_setup_teardown(store_in_helper, setup, teardown),
        cmocka_unit_test_setup_teardown(namespaces, setup, teardown),
        cmocka_unit_test_setup_teardown(dockercfg, setup, teardown),
    };

    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
