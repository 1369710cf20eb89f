/* WWW-Authenticate header lines. */
#include <stdlib.h>
#include <string.h>

#include "../../registry/challenge.h"
#include "../../tool/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    WL_AUTOFREE char *s = wl_strndup((const char *)data, size);
    WL_AUTO(wl_challenges_release) struct wl_challenges c = {0};
    const struct wl_challenge *bearer;

    wl_challenges_parse(&c, s);
    wl_challenges_parse(&c, s); /* as a second line */
    bearer = wl_challenges_find(&c, "Bearer");
    if (bearer)
        wl_challenge_param(bearer, "realm");
    for (size_t i = 0; i < c.n; i++)
        if (!c.v[i].scheme[0] || c.v[i].params.n % 2 || c.v[i].params.n > WL_CHALLENGE_PARAMS_MAX * 2)
            abort();
    return 0;
}
