/* Which proxy a request goes through. libcurl reads the variables itself; what it does not do is done here: HTTP_PROXY in upper case, and in
 * NO_PROXY ports, networks (before 7.86) and "*.example.com". */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../tool/base/mem.h"
#include "../tool/base/out.h"
#include "http_internal.h"
#include "reference.h"

#define ENTRY_MAX 300 /* characters of an entry of NO_PROXY that can mean anything */

static const char *variable(const char *lower, const char *upper) {
    const char *s = getenv(lower);

    if (!s || !*s)
        s = getenv(upper);
    return s && *s ? s : NULL;
}

/* An address in either family; the number of its bits, 0 when it is none. */
static unsigned address(const char *s, uint8_t bytes[16]) {
    if (inet_pton(AF_INET, s, bytes) == 1)
        return 32;
    return inet_pton(AF_INET6, s, bytes) == 1 ? 128 : 0;
}

/* Whether an address (as text) lies in "ADDRESS/BITS". */
static bool in_network(const char *host, const char *network) {
    const char *slash = strchr(network, '/');
    WL_AUTOFREE char *base = wl_strndup(network, (size_t)(slash - network));
    uint8_t a[16];
    uint8_t b[16];
    unsigned size = address(host, a);
    char *end;
    unsigned long bits = strtoul(slash + 1, &end, 10);

    if (size == 0 || address(base, b) != size || end == slash + 1 || *end || bits > size)
        return false;
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    return bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0;
}

/* A name itself or one below it. ".name" and "*.name" mean the same here, as curl has it. */
static bool is_below(const char *host, const char *name) {
    size_t n;
    size_t len = strlen(host);

    if (name[0] == '*' && name[1] == '.')
        name++;
    name += *name == '.';
    n = strlen(name);
    return n > 0 && len >= n && strcasecmp(host + len - n, name) == 0 && (len == n || host[len - n - 1] == '.');
}

/* host: without brackets; port: "443". entry may be changed. */
static bool entry_fits(char *entry, const char *host, const char *port) {
    char *colon = strrchr(entry, ':');
    uint8_t ignored[16];

    if (strcmp(entry, "*") == 0)
        return true;
    if (*entry == '[') { /* [::1], [::1]:5000 */
        char *close = strchr(entry, ']');

        if (!close || (close[1] && strcmp(close + 1 + (close[1] == ':'), port) != 0))
            return false;
        *close = '\0';
        entry++;
    } else if (colon && address(entry, ignored) == 0 && !strchr(entry, '/')) {
        if (strcmp(colon + 1, port) != 0)
            return false;
        *colon = '\0';
    }
    return strchr(entry, '/') ? in_network(host, entry) : is_below(host, entry);
}

bool wl_http_no_proxy(const char *list, const char *host, const char *port) {
    while (*list) {
        size_t n = strcspn(list, ", \t");
        char entry[ENTRY_MAX + 1];

        if (n > 0 && n <= ENTRY_MAX) {
            memcpy(entry, list, n);
            entry[n] = '\0';
            if (entry_fits(entry, host, port))
                return true;
        }
        list += n + (list[n] != '\0');
    }
    return false;
}

static bool goes_direct(const char *url) {
    const char *list = variable("no_proxy", "NO_PROXY");
    WL_AUTOFREE char *host = wl_url_host_port(url);
    char *name = host;
    char *port;

    if (!host)
        return false;
    if (wl_host_is_loopback(host)) /* a proxy could not reach what is meant */
        return true;
    if (!list)
        return false;
    port = strrchr(host, ':');
    if (port && strchr(port, ']'))
        port = NULL; /* a colon of the address */
    if (port)
        *port++ = '\0';
    if (*name == '[') {
        name++;
        name[strcspn(name, "]")] = '\0';
    }
    return wl_http_no_proxy(list, name, port ? port : strncasecmp(url, "https:", 6) == 0 ? "443" : "80");
}

/* libcurl shows a proxy's URL that it cannot read as it is. */
void wl_http_hide_proxies(void) {
    static const char *const names[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                                        "HTTPS_PROXY", "all_proxy",  "ALL_PROXY"};

    for (size_t i = 0; i < WL_ARRAY_LEN(names); i++) {
        const char *s = getenv(names[i]);
        const char *at = s ? strrchr(s, '@') : NULL;
        const char *user = at ? strstr(s, "://") : NULL;
        WL_AUTOFREE char *login = NULL;

        if (!at)
            continue;
        user = user && user < at ? user + 3 : s;
        login = wl_strndup(user, (size_t)(at - user));
        wl_out_secret(login);
        if (strchr(login, ':'))
            wl_out_secret(strchr(login, ':') + 1);
    }
}

void wl_http_set_proxy(void *curl, const char *url) {
    CURL *c = curl;
    const char *lower = getenv("http_proxy"), *upper = getenv("HTTP_PROXY");

    if (goes_direct(url)) {
        curl_easy_setopt(c, CURLOPT_PROXY, "");
        return;
    }
    /* a web server hands the header "Proxy" to its scripts by that name; it also sets REQUEST_METHOD */
    if (strncasecmp(url, "http:", 5) == 0 && upper && *upper && !getenv("REQUEST_METHOD") && !(lower && *lower))
        curl_easy_setopt(c, CURLOPT_PROXY, upper);
}
