/* Image references as people type them: [HOST[:PORT]/]PATH[:TAG][@sha256:HEX]
 * (distribution-spec 1.1, "Pulling manifests", for path and tag; docker's rule for where the host ends: the part before the
 * first '/' is a host when it holds a '.' or a ':' or is "localhost"). */
#ifndef WL_REGISTRY_REFERENCE_H
#define WL_REGISTRY_REFERENCE_H

#include <stdbool.h>

#include "../tool/base/digest.h"
#include "../tool/base/err.h"

#define WL_REF_HOST_MAX 255 /* characters of HOST:PORT */
#define WL_REF_PATH_MAX 255 /* characters of the repository path */
#define WL_REF_TAG_MAX 128
#define WL_REF_DEFAULT_HOST "docker.io"
#define WL_REF_DEFAULT_TAG "latest"

/* A plain value: copy it freely, nothing to release. */
struct wl_reference {
    char host[WL_REF_HOST_MAX + 1]; /* "docker.io" when none was given; "localhost:5000"; "[::1]:5000" */
    char path[WL_REF_PATH_MAX + 1]; /* "library/php" for a bare "php" of docker.io */
    char tag[WL_REF_TAG_MAX + 1];   /* empty when none was given */
    bool has_digest;
    struct wl_digest digest;
    bool explicit_host; /* a host was written */
};

/* Parses strictly: no scheme, no upper case in the path, sha256 digests only. Errors have code WL_USAGE, name the
 * reference and say what is wrong with it. */
int wl_reference_parse(const char *s, struct wl_reference *ret, struct wl_err *err);

/* The full spelling, "host/path:tag@digest", with what is there; a new string. */
char *wl_reference_str(const struct wl_reference *r);

/* The tag, or "latest" when neither a tag nor a digest was given; "" with only a digest. */
const char *wl_reference_tag(const struct wl_reference *r);

/* The host that answers the API: registry-1.docker.io for docker.io (and index.docker.io), else r->host. */
const char *wl_reference_api_host(const struct wl_reference *r);

/* HOST[:PORT] alone, as `wlpack login` takes it, or https://HOST[:PORT][/]; docker's aliases become docker.io, other schemes and a path
 * behind the host are refused except "https://index.docker.io/v1/". ret holds WL_REF_HOST_MAX + 1 characters. */
int wl_reference_parse_host(const char *s, char *ret, struct wl_err *err);
/* What a login is for: as parse_host, or HOST[:PORT]/NAMESPACE, a part of the registry down to a repository (podman's namespaced keys). The host
 * of a namespace must look like one (a dot, a port or localhost): "team/app" has none. ret_path holds WL_REF_PATH_MAX + 1 characters;
 * "" for the whole registry. */
int wl_reference_parse_login(const char *s, char *ret_host, char *ret_path, struct wl_err *err);

/* localhost, *.localhost, 127.0.0.0/8, ::1, with or without a port. */
bool wl_host_is_loopback(const char *host_port);

/* Whether s is a valid tag: [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}. */
bool wl_reference_tag_valid(const char *s);

#endif
