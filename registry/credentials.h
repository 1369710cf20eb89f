/* Who we are to a registry: the credential files and helpers of docker and podman.
 *
 * Read, in this order, until one has an entry: $WLPACK_REGISTRY_USER and $WLPACK_REGISTRY_PASSWORD (for $WLPACK_REGISTRY_HOST
 * alone), $DOCKER_AUTH_CONFIG (the text of a config.json), $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json,
 * $XDG_RUNTIME_DIR/containers/auth.json (without the variable /run/containers/UID/auth.json), $XDG_CONFIG_HOME/containers/auth.json (without it
 * ~/.config/containers/auth.json), ~/.docker/config.json, ~/.dockercfg. In a file: its
 * credHelpers for the host, its credsStore, then its auths, where the longest key that fits wins ("host/team/app", "host/team",
 * "host"; with or without https:// and /v1/, /v2/). ~/.dockercfg is what docker wrote before 1.7: the object that is "auths" elsewhere, with
 * keys of hosts alone. docker 23 has given it up; podman, skopeo and go-containerregistry's Kubernetes keychains read it last, and so do
 * we, but never write a login there. Secrets are registered with wl_out_secret. */
#ifndef WL_REGISTRY_CREDENTIALS_H
#define WL_REGISTRY_CREDENTIALS_H

#include <stdbool.h>

#include "../tool/base/err.h"

#define WL_CRED_FILE_MAX (1024 * 1024) /* bytes of a credential file */
#define WL_CRED_HELPER_MAX (64 * 1024) /* bytes of a helper's answer */
#define WL_CRED_HELPER_MS 30000        /* milliseconds a helper may take, --timeout may say less */

/* Strings are owned; NULL where absent. A zeroed struct is no credentials. */
struct wl_credentials {
    char *user;
    char *password;
    char *identity_token; /* an OAuth2 refresh token */
    char *registry_token; /* a bearer token to be sent as it is */
    char *from;           /* the file or the helper, for messages */
};
void wl_credentials_release(struct wl_credentials *c);

/* Looks up a host ("docker.io", "localhost:5000") and a repository path (may be ""). Nothing found: *ret is zeroed and from is
 * NULL. A file or helper that is there and broken is a failure that names it. */
int wl_credentials_find(const char *host, const char *path, struct wl_credentials *ret, struct wl_err *err);

/* Stores a login: through the file's credHelpers or credsStore, else into the file (everything else in it is kept; mode
 * 0600, by rename). The file: $REGISTRY_AUTH_FILE, else $DOCKER_CONFIG/config.json, else ~/.docker/config.json. *ret_where: the
 * file or helper, a new string. path: a namespace that it is for alone, "" for the whole registry. Helpers know whole registries only: where the
 * file leads to one, a namespace is refused, as podman does, rather than written in plain text beside it. */
int wl_credentials_store(const char *host, const char *path, const char *user, const char *password, char **ret_where,
                         struct wl_err *err);
/* Fails where store would refuse the namespace, before anything is asked of anybody. */
int wl_credentials_may_store(const char *host, const char *path, struct wl_err *err);

/* Removes a login from wherever find would see it (every file and helper): that of exactly this namespace, or with "" that of the whole
 * registry. *ret_where: where it was removed from, comma-separated; NULL when there was none. */
int wl_credentials_erase(const char *host, const char *path, char **ret_where, struct wl_err *err);

#endif
