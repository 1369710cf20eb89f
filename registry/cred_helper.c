#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../tool/base/json.h"
#include "../tool/base/mem.h"
#include "../tool/base/out.h"
#include "../tool/base/proc.h"
#include "credentials_internal.h"
#include "http_internal.h"

#define NAME_MAX_LEN 64      /* characters of a helper's name */
#define MESSAGE_MAX 200      /* characters shown of a helper's complaint */
#define TOKEN_USER "<token>" /* the user name of an identity token */

static int program_of(const char *name, char **ret, struct wl_err *err) {
    size_t n = strlen(name);
    bool ok = n > 0 && n <= NAME_MAX_LEN && isalnum((unsigned char)name[0]);

    for (size_t i = 0; ok && i < n; i++)
        ok = isalnum((unsigned char)name[i]) || strchr("._-", name[i]);
    if (!ok)
        return wl_fail(err, WL_FAILED, "\"%.100s\" is no name of a credential helper: refused", name);
    *ret = wl_sprintf("docker-credential-%s", name);
    return 0;
}

bool wl_cred_helper_exists(const char *name) {
    WL_AUTOFREE char *program = NULL;
    WL_AUTOFREE char *path = NULL;
    struct wl_err ignored;

    if (program_of(name, &program, &ignored) < 0)
        return true; /* so that using it says what is wrong */
    path = wl_proc_which(program);
    return path != NULL;
}

/* Whether the helper says that there is nothing (its protocol has only the text). */
static bool says_not_found(const struct wl_buf *out) {
    return strcasestr(wl_buf_str(out), "not found") || strcasestr(wl_buf_str(out), "no credentials");
}

/* Milliseconds that a helper gets: WL_CRED_HELPER_MS, but never beyond --timeout. */
static unsigned patience(void) {
    long long left = wl_http_time_left();

    return left >= WL_CRED_HELPER_MS ? WL_CRED_HELPER_MS : left > 1 ? (unsigned)left : 1;
}

/* Runs one action. *ret_found is false when the helper says that there is nothing. */
static int run(const char *name, const char *action, const char *input, struct wl_buf *out, bool *ret_found,
               struct wl_err *err) {
    WL_AUTOFREE char *program = NULL;
    WL_AUTO(wl_buf_release) struct wl_buf errout = {.max = WL_CRED_HELPER_MAX};
    struct wl_proc p = {0};
    int status;

    if (program_of(name, &program, err) < 0)
        return -1;
    out->max = WL_CRED_HELPER_MAX;
    p.argv = (const char *const[]){program, action, NULL};
    p.input = (struct wl_blob){(const uint8_t *)input, strlen(input)};
    p.out = out;
    p.errout = &errout;
    p.timeout_ms = patience();
    p.flags = WL_PROC_ANSWER;
    if (wl_proc_run(&p, &status, err) < 0)
        return wl_err_context(err, "credential helper");
    if (out->overflow) /* it had ended by itself before that was seen */
        return wl_fail(err, WL_FAILED, "%s %s: more than %d bytes of output", program, action, WL_CRED_HELPER_MAX);
    *ret_found = status == 0;
    if (status != 0 && !says_not_found(out) && !says_not_found(&errout)) {
        const char *text = errout.len ? wl_buf_str(&errout) : wl_buf_str(out);

        return wl_fail(err, WL_FAILED, "%s %s: exit code %d: %.*s", program, action, status, MESSAGE_MAX, text);
    }
    return 0;
}

int wl_cred_helper_get(const char *name, const char *server, struct wl_credentials *ret, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTOFREE char *label = wl_sprintf("answer of docker-credential-%s", name);
    const char *user;
    const char *secret;
    bool found;

    if (run(name, "get", server, &out, &found, err) < 0)
        return -1;
    if (!found)
        return 0;
    if (wl_json_parse(&doc, label, wl_buf_str(&out), out.len, WL_FAILED, err) < 0)
        return -1;
    user = wl_json_get_str(wl_json_root(doc), "Username");
    secret = wl_json_get_str(wl_json_root(doc), "Secret");
    if (!user || !secret)
        return wl_json_fail(doc, "$", err, "Username or Secret is missing");
    if (strcmp(user, TOKEN_USER) == 0) {
        ret->identity_token = wl_strdup(secret);
    } else {
        ret->user = wl_strdup(user);
        ret->password = wl_strdup(secret);
    }
    ret->from = wl_sprintf("docker-credential-%s", name);
    return 0;
}

int wl_cred_helper_store(const char *name, const char *server, const char *user, const char *password,
                         struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf in = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct wl_jw w = {.out = &in};
    bool ok;

    wl_jw_begin(&w, '{');
    wl_jw_kstr(&w, "ServerURL", server);
    wl_jw_kstr(&w, "Username", user);
    wl_jw_kstr(&w, "Secret", password);
    wl_jw_end(&w, '}');
    if (run(name, "store", wl_buf_str(&in), &out, &ok, err) < 0)
        return -1;
    if (!ok)
        return wl_fail(err, WL_FAILED, "docker-credential-%s store failed: %.*s", name, MESSAGE_MAX, wl_buf_str(&out));
    return 0;
}

int wl_cred_helper_erase(const char *name, const char *server, bool *ret_had, struct wl_err *err) {
    struct wl_credentials had = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    bool ok;

    if (wl_cred_helper_get(name, server, &had, err) < 0)
        return -1;
    *ret_had = had.from != NULL;
    wl_credentials_release(&had);
    return *ret_had ? run(name, "erase", server, &out, &ok, err) : 0;
}
