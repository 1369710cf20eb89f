/* What push and copy say about an image that went to a registry. */
#ifndef WL_CMD_PUSH_REPORT_H
#define WL_CMD_PUSH_REPORT_H

#include "../../registry/push.h"
#include "../base/json.h"

struct wl_push_report {
    const char *ref;    /* as the user says it */
    const char *pinned; /* HOST/PATH@DIGEST */
    const char *tag;
    const struct wl_oci_descriptor *root;
    const struct wl_push_result *result;
    bool dry_run;
    double start;                 /* set by begin */
    struct wl_client_stats stats; /* of the client before, set by begin */
};

/* Notes when it began and what the client had done before. */
void wl_push_report_begin(struct wl_push_report *r, struct wl_client *c);
/* The line for people, on stderr. verb: "push" or "copy". */
void wl_push_report_tell(const struct wl_push_report *r, const char *verb, struct wl_client *c);
/* The record: a JSON object to json, or without it a line (with dry_run one for each object) on stdout. */
void wl_push_report_print(const struct wl_push_report *r, struct wl_jw *json);

#endif
