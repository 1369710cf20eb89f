/* URLs: checking, comparing, resolving. */
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../tool/base/mem.h"
#include "http.h"
#include "http_internal.h"

#define URL_MAX_LEN 16384 /* characters; signed URLs are long */

static void url_freep(CURLU **u) {
    curl_url_cleanup(*u);
}

static void curl_strp(char **s) {
    curl_free(*s);
}

static bool url_text_ok(const char *url) {
    size_t n = 0;

    for (const unsigned char *p = (const unsigned char *)url; *p; p++, n++)
        if (*p <= 0x20 || *p >= 0x7f || *p == '\\' || n >= URL_MAX_LEN)
            return false;
    return n > 0;
}

static CURLU *url_parse(const char *url) {
    size_t scheme = strncasecmp(url, "http://", 7) == 0 ? 7 : strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
    CURLU *u;

    if (scheme == 0 || url[scheme] == '/' || !url_text_ok(url))
        return NULL;
    u = curl_url();
    if (u && curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK) {
        curl_url_cleanup(u);
        return NULL;
    }
    return u;
}

bool wl_url_valid(const char *url) {
    WL_AUTO(url_freep) CURLU *u = url_parse(url);

    return u != NULL;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part) {
    WL_AUTO(curl_strp) char *x = NULL;
    WL_AUTO(curl_strp) char *y = NULL;

    return curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
           curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK && strcasecmp(x, y) == 0;
}

bool wl_url_same_origin(const char *a, const char *b) {
    WL_AUTO(url_freep) CURLU *x = url_parse(a);
    WL_AUTO(url_freep) CURLU *y = url_parse(b);

    return x && y && same_part(x, y, CURLUPART_SCHEME) && same_part(x, y, CURLUPART_HOST) &&
           same_part(x, y, CURLUPART_PORT);
}

char *wl_url_host_port(const char *url) {
    WL_AUTO(url_freep) CURLU *u = url_parse(url);
    WL_AUTO(curl_strp) char *host = NULL;
    WL_AUTO(curl_strp) char *port = NULL;
    char *s;

    if (!u || curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return NULL;
    if (curl_url_get(u, CURLUPART_PORT, &port, 0) != CURLUE_OK)
        port = NULL;
    s = wl_sprintf("%s%s%s", host, port ? ":" : "", port ? port : "");
    for (char *p = s; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return s;
}

/* A Location without any scheme that starts with the host it came from ("registry.example/v2/..."). */
static char *without_scheme(CURLU *base, const char *base_url, const char *location) {
    WL_AUTOFREE char *host = wl_url_host_port(base_url);
    WL_AUTO(curl_strp) char *scheme = NULL;
    size_t n = host ? strlen(host) : 0;

    if (n == 0 || strncasecmp(location, host, n) != 0 || location[n] != '/' || !strpbrk(host, ".:") ||
        curl_url_get(base, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return NULL;
    return wl_sprintf("%s://%s", scheme, location);
}

char *wl_url_resolve(const char *base, const char *location) {
    WL_AUTO(url_freep) CURLU *u = url_parse(base);
    WL_AUTO(curl_strp) char *out = NULL;
    WL_AUTO(curl_strp) char *user = NULL;
    WL_AUTOFREE char *fixed = NULL;

    if (!u || !url_text_ok(location))
        return NULL;
    fixed = without_scheme(u, base, location);
    if (curl_url_set(u, CURLUPART_URL, fixed ? fixed : location, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_URL, &out, 0) != CURLUE_OK || !wl_url_valid(out))
        return NULL;
    if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK) /* nobody else chooses our credentials */
        return NULL;
    return wl_strdup(out);
}

char *wl_url_escape(const char *s) {
    struct wl_buf b = {0};

    for (; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("-._~", *s))
            wl_buf_addc(&b, *s);
        else
            wl_buf_addf(&b, "%%%02X", (unsigned char)*s);
    }
    return wl_buf_steal(&b);
}

char *wl_http_url_shown(const char *url) {
    WL_AUTOFREE char *s = wl_strndup(url, strcspn(url, "?#"));

    return wl_out_clean(s);
}
