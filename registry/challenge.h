/* WWW-Authenticate challenges (RFC 9110, section 11.6.1): several in one header line or in several lines, commas and
 * escapes inside quoted strings. Pure. */
#ifndef WL_REGISTRY_CHALLENGE_H
#define WL_REGISTRY_CHALLENGE_H

#include <stddef.h>

#include "../tool/base/buf.h"

#define WL_CHALLENGES_MAX 16       /* challenges kept of one response */
#define WL_CHALLENGE_PARAMS_MAX 32 /* parameters kept of one challenge */
#define WL_CHALLENGE_LEN_MAX 16384 /* characters of one header line */

struct wl_challenge {
    char *scheme;          /* as written: compare without case */
    struct wl_strv params; /* name, value, name, value ...; names in lower case, values without quotes */
};
struct wl_challenges {
    struct wl_challenge v[WL_CHALLENGES_MAX];
    size_t n;
};

/* Adds the challenges of one header value. Returns -1 at the first thing that is no challenge; what came before it is kept. */
int wl_challenges_parse(struct wl_challenges *c, const char *header);
void wl_challenges_release(struct wl_challenges *c);
/* The first challenge of a scheme, or NULL. */
const struct wl_challenge *wl_challenges_find(const struct wl_challenges *c, const char *scheme);
/* The value of a parameter, or NULL. */
const char *wl_challenge_param(const struct wl_challenge *c, const char *name);

#endif
