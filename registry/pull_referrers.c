#include <stdlib.h>
#include <string.h>

#include "../tool/base/mem.h"
#include "digest_tag.h"
#include "layout_referrers.h"
#include "layout_walk.h"
#include "pull.h"
#include "referrers.h"

struct job {
    struct wl_client *c;
    struct wl_layout *layout;
    const struct wl_progress *progress;
    struct wl_digest *subjects; /* each once: those that were looked at, and those that will be */
    unsigned *depths;
    size_t n_subjects;
    size_t n; /* pulled */
};

static void job_release(struct job *j) {
    free(j->subjects);
    free(j->depths);
}

static void add_subject(struct job *j, const struct wl_digest *d, unsigned depth) {
    for (size_t i = 0; i < j->n_subjects; i++)
        if (wl_digest_equal(&j->subjects[i], d))
            return;
    j->subjects = wl_reallocarray(j->subjects, j->n_subjects + 1, sizeof(*j->subjects));
    j->depths = wl_reallocarray(j->depths, j->n_subjects + 1, sizeof(*j->depths));
    j->subjects[j->n_subjects] = *d;
    j->depths[j->n_subjects++] = depth;
}

static int on_item(void *arg, const struct wl_layout_item *item, struct wl_err *err) {
    (void)err;
    if (item->role == WL_ROLE_MANIFEST || item->role == WL_ROLE_INDEX)
        add_subject(arg, &item->d->digest, 1);
    return 0;
}

/* Pulls one thing and lists it: under its digest tag, or nameless with its artifactType. */
static int take(struct job *j, const char *reference, const char *name, const char *artifact_type, unsigned depth,
                struct wl_err *err) {
    WL_AUTO(wl_pull_result_release) struct wl_pull_result r = {0};
    struct wl_layout_entry e;

    if (j->n == WL_PULL_REFERRERS_MAX)
        return wl_fail(err, WL_NET, "%s: more than %d referrers", wl_client_host(j->c), WL_PULL_REFERRERS_MAX);
    if (wl_pull(j->c, j->layout, reference, NULL, 0, j->progress, &r, err) < 0)
        return -1;
    e = (struct wl_layout_entry){.name = (char *)name,
                                 .media_type = (char *)r.root.media_type,
                                 .digest = r.root.digest,
                                 .size = r.root.size,
                                 .artifact_type = (char *)artifact_type};
    if (wl_layout_tag(j->layout, &e, err) < 0)
        return -1;
    j->n++;
    if (depth < WL_PULL_REFERRERS_DEPTH)
        add_subject(j, &r.root.digest, depth + 1);
    return 0;
}

static int take_referrers(struct job *j, const struct wl_digest *subject, unsigned depth, struct wl_err *err) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_descriptors list = {0};

    if (wl_referrers_list(j->c, subject, NULL, &a, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const struct wl_oci_descriptor *d = &list.v[i];

        if (wl_oci_kind(d->media_type) == WL_OCI_OTHER)
            continue;
        if (take(j, wl_digest_str(&d->digest).s, NULL, d->artifact_type, depth, err) < 0)
            return wl_err_context(err, "referrer %s", wl_digest_str(&d->digest).s);
    }
    return 0;
}

static int take_digest_tags(struct job *j, const struct wl_digest *subject, unsigned depth, struct wl_err *err) {
    for (size_t i = 0; i < WL_DIGEST_TAGS; i++) {
        struct wl_digest_tag tag = wl_digest_tag(subject, i);
        struct wl_digest digest;
        bool found;

        if (wl_client_manifest_head(j->c, tag.s, &found, &digest, err) < 0)
            return -1;
        if (found && take(j, wl_digest_str(&digest).s, tag.s, NULL, depth, err) < 0)
            return wl_err_context(err, "%s", tag.s);
    }
    return 0;
}

int wl_pull_referrers(struct wl_client *c, struct wl_layout *layout, const struct wl_oci_descriptor *root,
                      const struct wl_progress *progress, size_t *ret_n, struct wl_err *err) {
    WL_AUTO(job_release) struct job j = {.c = c, .layout = layout, .progress = progress};
    struct wl_layout_entry e = {.media_type = (char *)root->media_type, .digest = root->digest, .size = root->size};

    if (wl_layout_walk(layout, &e, on_item, &j, err) < 0)
        return -1;
    for (size_t i = 0; i < j.n_subjects; i++) { /* it grows on the way */
        struct wl_digest subject = j.subjects[i];

        if (take_referrers(&j, &subject, j.depths[i], err) < 0 || take_digest_tags(&j, &subject, j.depths[i], err) < 0)
            return -1;
    }
    *ret_n = j.n;
    return 0;
}
