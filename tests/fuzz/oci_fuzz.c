/* Manifests, indexes and configurations: what is accepted is written as a text that is read and written as the same
 * bytes. */
#include <stdlib.h>
#include <string.h>

#include "../../registry/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct wl_buf *a, const struct wl_buf *b) {
    if (a->len != b->len || memcmp(a->p, b->p, a->len) != 0)
        abort();
}

static void manifest(struct wl_blob text) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf one = {0};
    WL_AUTO(wl_buf_release) struct wl_buf two = {0};
    struct wl_oci_manifest m;
    struct wl_err err;

    if (wl_oci_manifest_parse("m", text, NULL, WL_OCI_REMOTE, &a, &m, &err) < 0)
        return;
    wl_oci_manifest_write(&m, &one);
    if (wl_oci_manifest_parse("m", wl_buf_blob(&one), NULL, WL_OCI_REMOTE, &a, &m, &err) < 0)
        abort();
    wl_oci_manifest_write(&m, &two);
    same(&one, &two);
}

static void index_(struct wl_blob text) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf one = {0};
    WL_AUTO(wl_buf_release) struct wl_buf two = {0};
    struct wl_oci_index x;
    struct wl_err err;

    if (wl_oci_index_parse("x", text, NULL, WL_OCI_REMOTE, &a, &x, &err) < 0)
        return;
    wl_oci_index_write(&x, &one);
    if (wl_oci_index_parse("x", wl_buf_blob(&one), NULL, WL_OCI_REMOTE, &a, &x, &err) < 0)
        abort();
    wl_oci_index_write(&x, &two);
    same(&one, &two);
}

static void config(struct wl_blob text) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf one = {0};
    WL_AUTO(wl_buf_release) struct wl_buf two = {0};
    struct wl_oci_config c;
    struct wl_err err;

    if (wl_oci_config_parse("c", text, WL_OCI_REMOTE, &a, &c, &err) < 0)
        return;
    wl_oci_config_write(&c, &one);
    if (wl_oci_config_parse("c", wl_buf_blob(&one), WL_OCI_REMOTE, &a, &c, &err) < 0)
        abort();
    wl_oci_config_write(&c, &two);
    same(&one, &two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct wl_blob text = {data, size};

    manifest(text);
    index_(text);
    config(text);
    return 0;
}
