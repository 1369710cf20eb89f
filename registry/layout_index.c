#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "../tool/base/mem.h"
#include "../tool/base/proc.h"
#include "layout.h"
#include "layout_internal.h"
#include "oci.h"
#include "reference.h"

#define DIGEST_PREFIX_MIN 8 /* hex digits that name a manifest */
#define NEAR_MAX 5          /* names that a "there is no ..." suggests */

/* --- Entries and descriptors ---------------------------------------------------------------------------------------- */

void wl_layout_entry_release(struct wl_layout_entry *e) {
    free(e->name);
    free(e->media_type);
    free(e->os);
    free(e->architecture);
    free(e->variant);
    free(e->artifact_type);
    wl_strv_release(&e->annotations);
    *e = (struct wl_layout_entry){0};
}

void wl_layout_entries_release(struct wl_layout_entries *e) {
    for (size_t i = 0; i < e->n; i++)
        wl_layout_entry_release(&e->v[i]);
    free(e->v);
    *e = (struct wl_layout_entries){0};
}

static char *dup_or_null(const char *s) {
    return s ? wl_strdup(s) : NULL;
}

struct wl_layout_entry wl_layout_entry_copy(const struct wl_layout_entry *e) {
    struct wl_layout_entry n = {
        .name = dup_or_null(e->name),
        .media_type = wl_strdup(e->media_type),
        .digest = e->digest,
        .size = e->size,
        .os = dup_or_null(e->os),
        .architecture = dup_or_null(e->architecture),
        .variant = dup_or_null(e->variant),
        .artifact_type = dup_or_null(e->artifact_type),
    };

    for (size_t i = 0; i < e->annotations.n; i++)
        wl_strv_add(&n.annotations, e->annotations.v[i]);
    return n;
}

static void from_descriptor(const struct wl_oci_descriptor *d, struct wl_layout_entry *ret) {
    struct wl_layout_entry e = {
        .name = dup_or_null(wl_oci_pairs_get(&d->annotations, WL_LAYOUT_REF_NAME)),
        .media_type = wl_strdup(d->media_type),
        .digest = d->digest,
        .size = d->size,
        .os = dup_or_null(d->platform.os),
        .architecture = dup_or_null(d->platform.architecture),
        .variant = dup_or_null(d->platform.variant),
        .artifact_type = dup_or_null(d->artifact_type),
    };

    for (size_t i = 0; i < d->annotations.n; i++) {
        if (strcmp(d->annotations.v[i].key, WL_LAYOUT_REF_NAME) == 0)
            continue;
        wl_strv_add(&e.annotations, d->annotations.v[i].key);
        wl_strv_add(&e.annotations, d->annotations.v[i].value);
    }
    *ret = e;
}

struct wl_oci_descriptor wl_layout_entry_descriptor(const struct wl_layout_entry *e) {
    return (struct wl_oci_descriptor){
        .media_type = e->media_type,
        .digest = e->digest,
        .size = e->size,
        .artifact_type = e->artifact_type,
        .platform = {.os = e->os, .architecture = e->architecture, .variant = e->variant},
    };
}

static struct wl_oci_descriptor to_descriptor(const struct wl_layout_entry *e, struct wl_arena *a) {
    struct wl_oci_descriptor d = wl_layout_entry_descriptor(e);

    if (e->name)
        wl_oci_pairs_set(&d.annotations, a, WL_LAYOUT_REF_NAME, e->name);
    for (size_t i = 0; i + 1 < e->annotations.n; i += 2)
        wl_oci_pairs_set(&d.annotations, a, e->annotations.v[i], e->annotations.v[i + 1]);
    return d;
}

static int compare(const void *pa, const void *pb) {
    const struct wl_layout_entry *a = pa;
    const struct wl_layout_entry *b = pb;
    int rc;

    if (!a->name != !b->name)
        return a->name ? -1 : 1;
    rc = a->name ? strcmp(a->name, b->name) : 0;
    return rc != 0 ? rc : memcmp(a->digest.b, b->digest.b, sizeof(a->digest.b));
}

static void sort(struct wl_layout_entries *e) {
    if (e->n > 1)
        qsort(e->v, e->n, sizeof(*e->v), compare);
}

/* --- Reading and writing index.json --------------------------------------------------------------------------------- */

int wl_layout_list(const struct wl_layout *l, struct wl_layout_entries *ret, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(l->dir, "index.json");
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    struct wl_oci_index index = {0};
    struct wl_blob blob;

    if (wl_fs_read(path, WL_LAYOUT_INDEX_MAX, &text, err) < 0)
        return -1;
    blob = wl_buf_blob(&text);
    if (wl_oci_index_parse(path, blob, WL_MT_INDEX, WL_OCI_LOCAL, &arena, &index, err) < 0)
        return -1;
    ret->v = wl_calloc(index.manifests.n, sizeof(*ret->v));
    for (size_t i = 0; i < index.manifests.n; i++)
        from_descriptor(&index.manifests.v[i], &ret->v[ret->n++]);
    sort(ret);
    return 0;
}

int wl_layout_change_write(const struct wl_layout *l, struct wl_layout_entries *e, struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(l->dir, "index.json");
    WL_AUTO(wl_arena_release) struct wl_arena arena = {0};
    WL_AUTO(wl_buf_release) struct wl_buf text = {0};
    WL_AUTO(wl_file_cancel) struct wl_file f = WL_FILE_INIT;
    struct wl_oci_index index = {0};

    if (e->n > WL_OCI_ITEMS_MAX) /* nobody could read it again */
        return wl_fail(err, WL_FAILED, "%s: %zu entries; at most %d have room: `wlpack rm` takes names away", path,
                       e->n, WL_OCI_ITEMS_MAX);
    sort(e);
    for (size_t i = 0; i < e->n; i++) {
        struct wl_oci_descriptor d = to_descriptor(&e->v[i], &arena);

        wl_oci_descriptors_add(&index.manifests, &arena, &d);
    }
    wl_oci_index_write(&index, &text);
    if (wl_file_open(&f, path, 0644, true, err) < 0 || wl_file_write(&f, text.p, text.len, err) < 0)
        return -1;
    return wl_file_commit(&f, err);
}

int wl_layout_change_begin(const struct wl_layout *l, struct wl_layout_entries *ret, int *ret_lock,
                           struct wl_err *err) {
    WL_AUTOFREE char *path = wl_path_join(l->dir, ".lock");
    WL_AUTO(wl_closep) int fd = -1;

    if (l->use_fd < 0)
        return wl_fail(err, WL_FAILED, "%s was opened for reading only", l->dir);
    if (wl_fs_lock(path, 0, &fd, err) < 0 || wl_layout_list(l, ret, err) < 0)
        return -1;
    *ret_lock = wl_steal_fd(&fd);
    return 0;
}

/* "php" is "php:latest". */
static bool same_name(const char *a, const char *b) {
    static const char latest[] = ":" WL_REF_DEFAULT_TAG;
    size_t na = strlen(a), nb = strlen(b);
    size_t n = na < nb ? na : nb;

    if (memcmp(a, b, n) != 0 || strchr(wl_path_base(na < nb ? a : b), ':'))
        return na == nb && memcmp(a, b, n) == 0;
    return na == nb || strcmp((na < nb ? b : a) + n, latest) == 0;
}

static bool same_place(const struct wl_layout_entry *a, const struct wl_layout_entry *b) {
    if (a->name && b->name)
        return same_name(a->name, b->name);
    return !a->name && !b->name && wl_digest_equal(&a->digest, &b->digest);
}

/* Puts a copy of the entry where its name or, without one, its digest is, or behind all others. */
static void place(struct wl_layout_entries *all, const struct wl_layout_entry *entry) {
    size_t i = 0;

    while (i < all->n && !same_place(&all->v[i], entry))
        i++;
    if (i == all->n) {
        all->v = wl_reallocarray(all->v, all->n + 1, sizeof(*all->v));
        all->n++;
    } else {
        wl_layout_entry_release(&all->v[i]);
    }
    all->v[i] = wl_layout_entry_copy(entry);
}

int wl_layout_tag_all(const struct wl_layout *l, const struct wl_layout_entry *entries, size_t n, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    WL_AUTO(wl_closep) int lock = -1;

    for (size_t i = 0; i < n; i++) {
        const struct wl_layout_entry *e = &entries[i];

        if (e->name && wl_layout_name_check(e->name, err) < 0)
            return -1;
        if (!wl_layout_blob_has(l, &e->digest, (int64_t)e->size))
            return wl_fail(err, WL_FAILED, "%s: its manifest %s is not in %s", e->name ? e->name : "a nameless image",
                           wl_digest_str(&e->digest).s, l->dir);
    }
    if (n == 0)
        return 0;
    if (wl_layout_change_begin(l, &all, &lock, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        place(&all, &entries[i]);
    return wl_layout_change_write(l, &all, err);
}

int wl_layout_tag(const struct wl_layout *l, const struct wl_layout_entry *entry, struct wl_err *err) {
    return wl_layout_tag_all(l, entry, 1, err);
}

/* --- Finding -------------------------------------------------------------------------------------------------------- */

/* Number of leading hex digits that ref ("sha256:abcd...") shares with the digest if all of ref's do; else 0. */
static size_t digest_match(const char *ref, const struct wl_digest *d) {
    size_t n = strlen(ref);

    return n <= WL_DIGEST_STR && strncmp(ref, wl_digest_str(d).s, n) == 0 ? n : 0;
}

static int bad_digest(const char *ref, struct wl_err *err) {
    const char *hex = ref + strlen("sha256:");
    size_t n = strlen(hex);

    if (n < DIGEST_PREFIX_MIN || n > WL_DIGEST_HEX || strspn(hex, "0123456789abcdef") != n)
        return wl_fail(err, WL_USAGE, "\"%s\" is no digest: sha256: and %d to %d lower-case hex digits", ref,
                       DIGEST_PREFIX_MIN, WL_DIGEST_HEX);
    return 0;
}

static bool is_digest(const char *ref) {
    return wl_starts(ref, "sha256:");
}

/* How far two names agree from the start. */
static size_t common(const char *a, const char *b) {
    size_t n = 0;

    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

static int not_found(const struct wl_layout *l, const struct wl_layout_entries *all, const char *ref,
                     struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf near = {0};
    size_t best = 0;
    size_t shown = 0;

    for (size_t i = 0; i < all->n; i++)
        if (all->v[i].name && common(ref, all->v[i].name) > best)
            best = common(ref, all->v[i].name);
    for (size_t i = 0; i < all->n && best > 1 && shown < NEAR_MAX; i++)
        if (all->v[i].name && common(ref, all->v[i].name) == best)
            wl_buf_addf(&near, "%s%s", shown++ ? ", " : "", all->v[i].name);
    if (shown > 0)
        return wl_fail(err, WL_FAILED, "there is no image \"%s\" in %s; near it: %s", ref, l->dir, near.p);
    return wl_fail(err, WL_FAILED, "there is no image \"%s\" in %s; `wlpack images` lists what is there", ref, l->dir);
}

/* The index of the entry, or SIZE_MAX. */
static size_t by_name(const struct wl_layout_entries *all, const char *name) {
    for (size_t i = 0; i < all->n; i++)
        if (all->v[i].name && strcmp(all->v[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static int by_digest(const struct wl_layout_entries *all, const char *ref, size_t *ret, struct wl_err *err) {
    size_t found = SIZE_MAX;

    if (bad_digest(ref, err) < 0)
        return -1;
    for (size_t i = 0; i < all->n; i++) {
        if (digest_match(ref, &all->v[i].digest) == 0)
            continue;
        if (found != SIZE_MAX && !wl_digest_equal(&all->v[found].digest, &all->v[i].digest))
            return wl_fail(err, WL_USAGE, "\"%s\" fits more than one image; give more digits", ref);
        if (found == SIZE_MAX)
            found = i;
    }
    *ret = found;
    return 0;
}

/* How well a name fits a reference that is written another way: its tag left out, docker.io/library/ in front or not. 0: not at all. */
static int name_fits(const char *name, const struct wl_reference *want) {
    struct wl_reference r;
    struct wl_err ignored;

    if (!name || wl_reference_parse(name, &r, &ignored) < 0 || strcmp(r.host, want->host) != 0 ||
        strcmp(r.path, want->path) != 0)
        return 0;
    if (!want->has_digest && strcmp(wl_reference_tag(&r), wl_reference_tag(want)) != 0)
        return 0;
    return 1 + (r.explicit_host == want->explicit_host) + 2 * (strcmp(r.tag, want->tag) == 0);
}

/* How well an entry fits NAME[:TAG]@DIGEST: the digest decides, the name says which of several. With own, it must bear the name or none. */
static int pinned_fits(const struct wl_layout_entry *e, const struct wl_reference *want, bool own) {
    int fit = name_fits(e->name, want);
    bool same = fit > 0 && (!want->tag[0] || fit > 2);

    if (!wl_digest_equal(&e->digest, &want->digest) || (own && e->name && !same))
        return 0;
    return e->name ? 1 + 2 * fit : 2;
}

/* The index of the entry that a reference means, or SIZE_MAX. */
static int locate(const struct wl_layout_entries *all, const char *ref, bool own, size_t *ret, struct wl_err *err) {
    struct wl_reference want;
    int best = 0;

    if (is_digest(ref))
        return by_digest(all, ref, ret, err);
    *ret = by_name(all, ref);
    if (*ret != SIZE_MAX)
        return 0;
    if (strlen(ref) > WL_LAYOUT_NAME_MAX + WL_DIGEST_STR)
        return wl_layout_name_check(ref, err);
    if (wl_reference_parse(ref, &want, err) < 0)
        return -1;
    for (size_t i = 0; i < all->n; i++) {
        int fit = want.has_digest ? pinned_fits(&all->v[i], &want, own) : name_fits(all->v[i].name, &want);

        if (fit > best) {
            best = fit;
            *ret = i;
        }
    }
    return 0;
}

/* A copy of the entry that ref means. */
static int pick(const struct wl_layout *l, const struct wl_layout_entries *all, const char *ref, bool own,
                struct wl_layout_entry *ret, struct wl_err *err) {
    size_t at = SIZE_MAX;

    if (locate(all, ref, own, &at, err) < 0)
        return -1;
    if (at == SIZE_MAX)
        return not_found(l, all, ref, err);
    *ret = wl_layout_entry_copy(&all->v[at]);
    return 0;
}

int wl_layout_find_in(const struct wl_layout *l, const struct wl_layout_entries *all, const char *ref,
                      struct wl_layout_entry *ret, struct wl_err *err) {
    return pick(l, all, ref, false, ret, err);
}

static int find(const struct wl_layout *l, const char *ref, bool own, struct wl_layout_entry *ret, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};

    if (wl_layout_list(l, &all, err) < 0)
        return -1;
    return pick(l, &all, ref, own, ret, err);
}

int wl_layout_find(const struct wl_layout *l, const char *ref, struct wl_layout_entry *ret, struct wl_err *err) {
    return find(l, ref, false, ret, err);
}

int wl_layout_find_own(const struct wl_layout *l, const char *ref, struct wl_layout_entry *ret, struct wl_err *err) {
    return find(l, ref, true, ret, err);
}

int wl_layout_manifest(const struct wl_layout *l, const char *ref, struct wl_layout_entry *ret,
                       struct wl_buf *ret_manifest, struct wl_err *err) {
    WL_AUTO(wl_layout_entry_release) struct wl_layout_entry e = {0};

    if (wl_layout_find(l, ref, &e, err) < 0)
        return -1;
    if (wl_blob_load(l, &e.digest, (int64_t)e.size, ret_manifest, err) < 0)
        return wl_err_context(err, "%s", ref);
    *ret = e;
    e = (struct wl_layout_entry){0};
    return 0;
}

/* Takes what ref means out of the list: *ret is a copy of the entry found. */
static int take_out(const struct wl_layout *l, struct wl_layout_entries *all, const char *ref,
                    struct wl_layout_entry *ret, struct wl_err *err) {
    size_t at = SIZE_MAX;
    size_t kept = 0;

    if (locate(all, ref, true, &at, err) < 0)
        return -1;
    if (at == SIZE_MAX)
        return not_found(l, all, ref, err);
    *ret = wl_layout_entry_copy(&all->v[at]);
    for (size_t i = 0; i < all->n; i++) {
        if (is_digest(ref) ? wl_digest_equal(&all->v[i].digest, &ret->digest) : i == at)
            wl_layout_entry_release(&all->v[i]);
        else
            all->v[kept++] = all->v[i];
    }
    all->n = kept;
    return 0;
}

int wl_layout_untag_all(const struct wl_layout *l, const char *const *refs, size_t n, bool dry,
                        struct wl_layout_entries *ret_gone, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries all = {0};
    WL_AUTO(wl_closep) int lock = -1;
    struct wl_err write_err;
    int rc = 0;

    if ((dry ? wl_layout_list(l, &all, err) : wl_layout_change_begin(l, &all, &lock, err)) < 0)
        return -1;
    ret_gone->v = wl_calloc(n ? n : 1, sizeof(*ret_gone->v));
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (wl_interrupted())
            rc = wl_fail(err, WL_FAILED, "interrupted; %zu of %zu names were taken away", i, n);
        else if ((rc = take_out(l, &all, refs[i], &ret_gone->v[i], err)) == 0)
            ret_gone->n++;
    }
    if (dry || ret_gone->n == 0 || wl_layout_change_write(l, &all, &write_err) == 0)
        return rc;
    *err = write_err;
    return -1;
}

int wl_layout_untag(const struct wl_layout *l, const char *ref, struct wl_err *err) {
    WL_AUTO(wl_layout_entries_release) struct wl_layout_entries gone = {0};

    return wl_layout_untag_all(l, &ref, 1, false, &gone, err);
}

/* --- Names ---------------------------------------------------------------------------------------------------------- */

int wl_layout_name_check(const char *name, struct wl_err *err) {
    struct wl_reference r;

    if (strlen(name) > WL_LAYOUT_NAME_MAX)
        return wl_fail(err, WL_USAGE, "an image name has at most %d characters, this one %zu", WL_LAYOUT_NAME_MAX,
                       strlen(name));
    if (wl_reference_parse(name, &r, err) < 0)
        return -1;
    if (r.has_digest)
        return wl_fail(err, WL_USAGE, "\"%s\": a local name has no digest", name);
    return 0;
}
