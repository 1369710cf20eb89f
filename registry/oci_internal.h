/* Shared by oci.c (values, writing) and oci_read.c (reading) alone. */
#ifndef WL_REGISTRY_OCI_INTERNAL_H
#define WL_REGISTRY_OCI_INTERNAL_H

#include <stdbool.h>

/* Media types compare without case and without parameters ("; charset=utf-8"). */
bool wl_oci_media_type_equal(const char *a, const char *b);

#endif
