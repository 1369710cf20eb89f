/* Shared by credentials.c (files) and cred_helper.c (helpers) alone. */
#ifndef WL_REGISTRY_CREDENTIALS_INTERNAL_H
#define WL_REGISTRY_CREDENTIALS_INTERNAL_H

#include <stdbool.h>

#include "credentials.h"

/* Docker's protocol of credential helpers: docker-credential-NAME get|store|erase. A name is [A-Za-z0-9._-]+; others are
 * refused. get: nothing stored leaves *ret zeroed. server is what the helper files it under. */
int wl_cred_helper_get(const char *name, const char *server, struct wl_credentials *ret, struct wl_err *err);
int wl_cred_helper_store(const char *name, const char *server, const char *user, const char *password,
                         struct wl_err *err);
int wl_cred_helper_erase(const char *name, const char *server, bool *ret_had, struct wl_err *err);
/* Whether the helper's program can be found. */
bool wl_cred_helper_exists(const char *name);

#endif
