#include "digest_tag.h"

#include <string.h>

#include "../tool/base/buf.h"

#define PREFIX "sha256-"

static const char *const suffixes[WL_DIGEST_TAGS] = {".sig", ".att", ".sbom"};

struct wl_digest_tag wl_digest_tag(const struct wl_digest *subject, size_t which) {
    struct wl_digest_tag t;

    memcpy(t.s, wl_digest_str(subject).s, WL_DIGEST_STR);
    memcpy(t.s, PREFIX, strlen(PREFIX));
    memcpy(t.s + WL_DIGEST_STR, suffixes[which], strlen(suffixes[which]) + 1);
    return t;
}

/* The digest behind the prefix; *ret_rest: what follows it. */
static bool parse(const char *tag, struct wl_digest *ret, const char **ret_rest) {
    char hex[WL_DIGEST_HEX + 1];

    if (!wl_starts(tag, PREFIX) || strlen(tag) < strlen(PREFIX) + WL_DIGEST_HEX)
        return false;
    memcpy(hex, tag + strlen(PREFIX), WL_DIGEST_HEX);
    hex[WL_DIGEST_HEX] = '\0';
    *ret_rest = tag + strlen(PREFIX) + WL_DIGEST_HEX;
    return wl_digest_parse_hex(hex, ret);
}

bool wl_digest_tag_parse(const char *tag, struct wl_digest *ret_subject) {
    struct wl_digest d;
    const char *rest;

    if (!parse(tag, &d, &rest))
        return false;
    for (size_t i = 0; i < WL_DIGEST_TAGS; i++)
        if (strcmp(rest, suffixes[i]) == 0) {
            *ret_subject = d;
            return true;
        }
    return false;
}

bool wl_fallback_tag_parse(const char *tag, struct wl_digest *ret_subject) {
    struct wl_digest d;
    const char *rest;

    if (!parse(tag, &d, &rest) || *rest)
        return false;
    *ret_subject = d;
    return true;
}
