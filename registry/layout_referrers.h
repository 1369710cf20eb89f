/* Referrers in a layout: manifests with a `subject` (image-spec 1.1, manifest.md) that say something about an image - an SBOM,
 * provenance. They are nameless entries of index.json with their artifactType; cosign's are entries under their digest tag
 * (digest_tag.h). gc drops those whose subject is gone. */
#ifndef WL_REGISTRY_LAYOUT_REFERRERS_H
#define WL_REGISTRY_LAYOUT_REFERRERS_H

#include "layout.h"
#include "oci.h"

/* What is attached, borrowed for the call. */
struct wl_attachment {
    const char *artifact_type; /* of the manifest */
    const char *media_type;    /* of its one layer */
    struct wl_blob bytes;      /* the layer */
    struct wl_oci_pairs annotations;
};

/* Stores the document and its manifest (empty config, one layer, subject) and lists it in index.json, in place of an earlier one
 * with the same artifactType and subject. The subject must be in the layout; ret may be NULL. */
int wl_layout_attach(const struct wl_layout *l, const struct wl_oci_descriptor *subject, const struct wl_attachment *a,
                     struct wl_digest *ret, struct wl_err *err);

/* The entries whose manifest has this subject; ret must be zeroed. Entries that cannot be read are passed over. */
int wl_layout_referrers(const struct wl_layout *l, const struct wl_digest *subject, struct wl_layout_entries *ret,
                        struct wl_err *err);

#define WL_LAYOUT_DOCUMENT_MAX (32u << 20) /* longest document that is attached */

/* Reads a referrer's manifest and the document in its first layer (at most WL_LAYOUT_DOCUMENT_MAX bytes), both verified;
 * appended to *ret_document. m may be NULL; its strings live in the arena. */
int wl_layout_attached(const struct wl_layout *l, const struct wl_oci_descriptor *d, struct wl_arena *a,
                       struct wl_oci_manifest *m, struct wl_buf *ret_document, struct wl_err *err);

#define WL_LAYOUT_REFERRERS_MAX 4096 /* most that may belong to one image */

/* All that is said about what the entry reaches - its index, its manifests -, and about that in turn (the signature of an SBOM): referrers
 * and digest tags. ret must be zeroed; each comes behind its subject. Entries without an artifactType get that of their manifest. */
int wl_layout_all_referrers(const struct wl_layout *l, const struct wl_layout_entry *entry,
                            struct wl_layout_entries *ret, struct wl_err *err);

/* The same for many images of one layout, whose index is then read once: first what may be a referrer there, then those of each image. */
struct wl_layout_candidates {
    struct wl_layout_entries all;
    struct wl_digest *subject; /* of the entries */
};
int wl_layout_candidates(const struct wl_layout *l, struct wl_layout_candidates *ret, struct wl_err *err);
int wl_layout_referrers_of(const struct wl_layout *l, const struct wl_layout_candidates *c,
                           const struct wl_layout_entry *entry, struct wl_layout_entries *ret, struct wl_err *err);
void wl_layout_candidates_release(struct wl_layout_candidates *c);

/* Whether an entry is no image but says something about one: a referrer with an artifactType or a digest tag. */
bool wl_layout_is_attachment(const struct wl_layout_entry *e);

/* The subject of an entry without a name, or of one under a digest tag; false for everything else and for what cannot be read. */
bool wl_layout_subject(const struct wl_layout *l, const struct wl_layout_entry *e, struct wl_digest *ret);

#endif
