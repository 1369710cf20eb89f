/* The formats of a recipe's strings; each check does what its pattern says. */
#include <ctype.h>
#include <string.h>

#include "recipe_impl.h"

#define ID_MAX 64
#define TAG_MAX 128 /* distribution-spec 1.1, "Pulling manifests" */
#define NAME_MAX_BYTES 255

static bool only(const char *s, const char *more) {
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr(more, *s))
            return false;
    return true;
}

static bool lower(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool wl_recipe_is_id(const char *s) {
    bool sep = true; /* a separator may not stand here */

    if (strlen(s) > ID_MAX)
        return false;
    for (; *s; s++) {
        if (!lower(*s) && (sep || !strchr("._-", *s)))
            return false;
        sep = !lower(*s);
    }
    return !sep;
}

static bool is_version(const char *s) {
    return isalnum((unsigned char)*s) && strlen(s) <= ID_MAX && only(s, "._-");
}

bool wl_recipe_is_tag(const char *s) {
    return (isalnum((unsigned char)*s) || *s == '_') && strlen(s) <= TAG_MAX && only(s, "._-");
}

static bool is_tag_template(const char *s) {
    return *s && strchr(".-", *s) == NULL && strlen(s) <= TAG_MAX && only(s, "._${}-");
}

bool wl_recipe_is_filename(const char *s) {
    return (isalnum((unsigned char)*s) || *s == '_') && strlen(s) <= NAME_MAX_BYTES && only(s, "._+~-");
}

static bool is_filename_template(const char *s) {
    return *s && strchr(".+~-", *s) == NULL && strlen(s) <= NAME_MAX_BYTES && only(s, "._+~${}-");
}

static bool is_wasm_name(const char *s) {
    return wl_recipe_is_filename(s) && wl_ends(s, ".wasm") && strlen(s) > 5;
}

static bool is_sha256(const char *s) {
    struct wl_digest d;

    return wl_digest_parse_hex(s, &d);
}

static bool is_url(const char *s) {
    if (wl_starts(s, "https://"))
        s += 8;
    else if (wl_starts(s, "http://"))
        s += 7;
    else
        return false;
    if (!isalnum((unsigned char)*s) && *s != '[')
        return false;
    for (; *s && *s != '/'; s++)
        if (!isalnum((unsigned char)*s) && !strchr(".:[]-", *s))
            return false;
    for (; *s; s++)
        if (*s < '!' || *s > '~')
            return false;
    return true;
}

static bool path_char(char c) {
    unsigned char u = (unsigned char)c;

    return u >= 0x20 && u != 0x7f && c != '\\' && c != '/';
}

/* Parts between single slashes, none of them "." or "..". */
static bool is_relpath(const char *s) {
    for (;;) {
        size_t n = 0;

        while (path_char(s[n]))
            n++;
        if (n == 0 || (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
            return false;
        if (!s[n])
            return true;
        if (s[n] != '/')
            return false;
        s += n + 1;
    }
}

bool wl_recipe_is_abspath(const char *s) {
    return *s == '/' && (!s[1] || is_relpath(s + 1));
}

static bool is_text(const char *s) {
    if (!*s)
        return false;
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

static bool is_license(const char *s) {
    return isalnum((unsigned char)*s) && only(s, " .+()-");
}

static bool is_env_key(const char *s) {
    return (isalpha((unsigned char)*s) || *s == '_') && only(s, "_");
}

static bool is_label_key(const char *s) {
    return isalnum((unsigned char)*s) && only(s, "._/-");
}

static bool is_switch(const char *s) {
    return *s == '-' && s[1] && only(s, "=@:,._*-");
}

static bool is_host(const char *s) {
    return strcmp(s, "x86_64-linux") == 0 || strcmp(s, "aarch64-linux") == 0;
}

static bool is_word(const char *s) {
    return *s && strlen(s) <= ID_MAX && only(s, "") && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(s);
}

static bool is_port(const char *s) {
    size_t n = strspn(s, "0123456789");

    return n > 0 && n <= 5 && *s != '0' && (!s[n] || strcmp(s + n, "/tcp") == 0 || strcmp(s + n, "/udp") == 0);
}

#define PART "(?!\\.{1,2}(/|$))[^/\\\\\\x00-\\x1f\\x7f]+"
#define RELPATH PART "(/" PART ")*"

const struct wl_spec_format wl_format_id = {"^(?=.{1,64}$)[a-z0-9]+([._-][a-z0-9]+)*$", wl_recipe_is_id,
                                            "a name: lower-case letters and digits with single . _ - between them"};
const struct wl_spec_format wl_format_version = {"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", is_version,
                                                 "a version: letters, digits and . _ -"};
const struct wl_spec_format wl_format_tag = {"^[A-Za-z0-9_${}][A-Za-z0-9._${}-]{0,127}$", is_tag_template,
                                             "a tag: letters, digits and . _ -, at most 128"};
const struct wl_spec_format wl_format_file = {"^[A-Za-z0-9_${}][A-Za-z0-9._+~${}-]{0,254}$", is_filename_template,
                                              "a plain file name"};
const struct wl_spec_format wl_format_wasm = {"^(?=.{6,255}$)[A-Za-z0-9_][A-Za-z0-9._+~-]*\\.wasm$", is_wasm_name,
                                              "a plain file name that ends in .wasm"};
const struct wl_spec_format wl_format_sha256 = {"^[0-9a-f]{64}$", is_sha256, "64 lower-case hex digits"};
const struct wl_spec_format wl_format_url = {"^https?://[A-Za-z0-9\\[][A-Za-z0-9.:\\[\\]-]*(/[!-~]*)?$", is_url,
                                             "an http or https URL without a user name"};
const struct wl_spec_format wl_format_relpath = {"^" RELPATH "$", is_relpath,
                                                 "a relative path without \".\", \"..\" or empty parts"};
const struct wl_spec_format wl_format_abspath = {"^/(" RELPATH ")?$", wl_recipe_is_abspath,
                                                 "an absolute path without \".\", \"..\" or empty parts"};
const struct wl_spec_format wl_format_text = {"^[^\\x00-\\x1f\\x7f]+$", is_text, "one line of text"};
const struct wl_spec_format wl_format_license = {"^[A-Za-z0-9][A-Za-z0-9 .+()-]*$", is_license,
                                                 "an SPDX licence expression"};
const struct wl_spec_format wl_format_env = {"^[A-Za-z_][A-Za-z0-9_]*$", is_env_key,
                                             "a name of an environment variable"};
const struct wl_spec_format wl_format_label = {"^[A-Za-z0-9][A-Za-z0-9._/-]*$", is_label_key, "a label's key"};
const struct wl_spec_format wl_format_switch = {"^-[A-Za-z0-9=@:,._*-]+$", is_switch,
                                                "a switch: a word that starts with -"};
const struct wl_spec_format wl_format_host = {"^(x86_64|aarch64)-linux$", is_host, "x86_64-linux or aarch64-linux"};
const struct wl_spec_format wl_format_word = {"^[a-z0-9]{1,64}$", is_word, "a word of lower-case letters and digits"};
const struct wl_spec_format wl_format_port = {"^[1-9][0-9]{0,4}(/(tcp|udp))?$", is_port,
                                              "a port: 8080, 8080/tcp or 8080/udp"};
