/* The documents of an OCI image (image-spec 1.1): descriptor, platform, manifest, index, image configuration, to and
 * from JSON. Pure: no files, no network.
 *
 * Reading is strict where the specification is (digests are sha256 only, sizes are whole numbers >= 0, a document holds
 * either `layers` or `manifests`, its mediaType agrees with what it was announced as, duplicate keys are errors) and
 * tolerant where it must be (unknown members and unknown media types are kept out of the way). Docker's schema 2 types
 * are read like their OCI twins; schema 1 is refused.
 *
 * Everything parsed lives in the caller's arena and is freed with it. Writing appends compact JSON in a fixed order with
 * annotations and labels sorted by key: the same values always give the same bytes. */
#ifndef WL_REGISTRY_OCI_H
#define WL_REGISTRY_OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../tool/base/buf.h"
#include "../tool/base/digest.h"
#include "../tool/base/err.h"
#include "../tool/base/mem.h"

#define WL_OCI_DOC_MAX (4 * 1024 * 1024)    /* bytes of a manifest, an index or a configuration */
#define WL_OCI_BLOB_MAX ((uint64_t)1 << 40) /* bytes of a blob: more is taken for nonsense */
#define WL_OCI_ITEMS_MAX 4096               /* layers, manifests, diff_ids, history entries, annotations each */

/* Names in a layer (image-spec 1.1, layer.md, "Whiteouts"): the file called what stands behind the prefix is gone; all that the folder held is. */
#define WL_OCI_WHITEOUT ".wh."
#define WL_OCI_OPAQUE ".wh..wh..opq"

#define WL_MT_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define WL_MT_INDEX "application/vnd.oci.image.index.v1+json"
#define WL_MT_CONFIG "application/vnd.oci.image.config.v1+json"
#define WL_MT_LAYER "application/vnd.oci.image.layer.v1.tar"
#define WL_MT_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define WL_MT_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define WL_MT_EMPTY "application/vnd.oci.empty.v1+json"
#define WL_MT_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define WL_MT_DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define WL_MT_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define WL_MT_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

/* The annotation that names an image in a layout's index.json. */
#define WL_ANNOTATION_REF_NAME "org.opencontainers.image.ref.name"

/* Annotations or labels. */
struct wl_oci_pair {
    const char *key;
    const char *value;
};
struct wl_oci_pairs {
    struct wl_oci_pair *v;
    size_t n;
};

/* Sets key to value (replacing an earlier value); both strings are copied into the arena. */
void wl_oci_pairs_set(struct wl_oci_pairs *p, struct wl_arena *a, const char *key, const char *value);
void wl_oci_pairs_unset(struct wl_oci_pairs *p, const char *key);
/* The value, or NULL. */
const char *wl_oci_pairs_get(const struct wl_oci_pairs *p, const char *key);

/* A list of strings in the arena. */
struct wl_oci_strings {
    const char **v;
    size_t n;
};
void wl_oci_strings_add(struct wl_oci_strings *s, struct wl_arena *a, const char *str);

/* image-index.md, "platform". os NULL: no platform given. Unset members are NULL. */
struct wl_oci_platform {
    const char *os;
    const char *architecture;
    const char *variant;
    const char *os_version;
    struct wl_oci_strings os_features;
};

/* "os/architecture[/variant]" to a platform and back. Parse: names of [a-z0-9._-], else a usage error. */
int wl_oci_platform_parse(const char *s, struct wl_arena *a, struct wl_oci_platform *ret, struct wl_err *err);
char *wl_oci_platform_str(const struct wl_oci_platform *p); /* a new string; "unknown" when os is NULL */
/* Same os, architecture and variant (an absent variant equals only an absent one). */
bool wl_oci_platform_equal(const struct wl_oci_platform *a, const struct wl_oci_platform *b);

/* descriptor.md. `urls` and `data` of the specification are never read. */
struct wl_oci_descriptor {
    const char *media_type;
    struct wl_digest digest;
    uint64_t size;
    const char *artifact_type; /* or NULL */
    struct wl_oci_platform platform;
    struct wl_oci_pairs annotations;
};
struct wl_oci_descriptors {
    struct wl_oci_descriptor *v;
    size_t n;
};
/* Appends a copy of *d (its strings are not copied: they must live as long as the list). Returns the new element, valid
 * until the next addition. */
struct wl_oci_descriptor *wl_oci_descriptors_add(struct wl_oci_descriptors *l, struct wl_arena *a,
                                                 const struct wl_oci_descriptor *d);

/* manifest.md */
struct wl_oci_manifest {
    const char *media_type;    /* written always; NULL writes WL_MT_MANIFEST */
    const char *artifact_type; /* or NULL */
    struct wl_oci_descriptor config;
    struct wl_oci_descriptors layers;
    bool has_subject;
    struct wl_oci_descriptor subject;
    struct wl_oci_pairs annotations;
};

/* image-index.md; also the index.json of a layout. */
struct wl_oci_index {
    const char *media_type; /* written always; NULL writes WL_MT_INDEX */
    const char *artifact_type;
    struct wl_oci_descriptors manifests;
    bool has_subject;
    struct wl_oci_descriptor subject;
    struct wl_oci_pairs annotations;
};

/* config.md, "history" */
struct wl_oci_history {
    const char *created;
    const char *created_by;
    const char *author;
    const char *comment;
    bool empty_layer;
};

/* config.md. Strings are NULL when absent. */
struct wl_oci_config {
    const char *created; /* RFC 3339 */
    const char *author;
    struct wl_oci_platform platform;
    const char *user;
    const char *working_dir;
    const char *stop_signal;
    struct wl_oci_strings exposed_ports;
    struct wl_oci_strings volumes;
    struct wl_oci_strings env; /* "NAME=value", in order */
    struct wl_oci_strings entrypoint;
    struct wl_oci_strings cmd;
    struct wl_oci_pairs labels;
    struct wl_digest *diff_ids; /* of the uncompressed layers, as many as the manifest has layers */
    size_t n_diff_ids;
    struct wl_oci_history *history;
    size_t n_history;
};
void wl_oci_config_add_diff_id(struct wl_oci_config *c, struct wl_arena *a, const struct wl_digest *d);
/* Appends a copy of *h (its strings are not copied). */
void wl_oci_config_add_history(struct wl_oci_config *c, struct wl_arena *a, const struct wl_oci_history *h);

/* Reading. `name` is what errors call the document ("manifest of php:7.4"); errors have code WL_NET when `remote`, else
 * WL_FAILED. `media_type` is what the document was announced as (a Content-Type or a descriptor's mediaType; NULL when
 * nobody said); parameters behind ';' do not count. A document without mediaType is accepted where the announcement or its
 * members leave no doubt. Texts above WL_OCI_DOC_MAX are refused. */
enum wl_oci_origin { WL_OCI_LOCAL, WL_OCI_REMOTE };
int wl_oci_manifest_parse(const char *name, struct wl_blob text, const char *media_type, enum wl_oci_origin from,
                          struct wl_arena *a, struct wl_oci_manifest *ret, struct wl_err *err);
int wl_oci_index_parse(const char *name, struct wl_blob text, const char *media_type, enum wl_oci_origin from,
                       struct wl_arena *a, struct wl_oci_index *ret, struct wl_err *err);
int wl_oci_config_parse(const char *name, struct wl_blob text, enum wl_oci_origin from, struct wl_arena *a,
                        struct wl_oci_config *ret, struct wl_err *err);

/* What a media type names. */
enum wl_oci_kind { WL_OCI_OTHER, WL_OCI_MANIFEST, WL_OCI_INDEX };
enum wl_oci_kind wl_oci_kind(const char *media_type);
/* What a document is by its own mediaType or, without one, by its members. Fails as the parsers do. */
int wl_oci_kind_of_text(const char *name, struct wl_blob text, enum wl_oci_origin from, enum wl_oci_kind *ret,
                        struct wl_err *err);

/* Writing: appends compact JSON without a trailing newline. */
void wl_oci_descriptor_write(const struct wl_oci_descriptor *d, struct wl_buf *out);
void wl_oci_manifest_write(const struct wl_oci_manifest *m, struct wl_buf *out);
void wl_oci_index_write(const struct wl_oci_index *x, struct wl_buf *out);
void wl_oci_config_write(const struct wl_oci_config *c, struct wl_buf *out);

/* A descriptor of these bytes. */
struct wl_oci_descriptor wl_oci_descriptor_of(const char *media_type, struct wl_blob bytes);

#endif
