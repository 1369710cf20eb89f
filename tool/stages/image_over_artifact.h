/* The Wasm OCI artifact: one module alone, https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/. */
#ifndef WL_STAGES_IMAGE_OVER_ARTIFACT_H
#define WL_STAGES_IMAGE_OVER_ARTIFACT_H

#include "image_over.h"

/* The portable module of the base (its only file, apart from what o->layer brings) as an artifact: a raw layer, a configuration,
 * a manifest. Fails with WL_USAGE when there are other files or o sets what an artifact cannot hold, naming it. */
int wl_artifact_put(const struct wl_over *o, const struct wl_over_base *base, const struct wl_layout *layout,
                    struct wl_oci_descriptor *ret, struct wl_image_result *ret_result, struct wl_err *err);

#endif
