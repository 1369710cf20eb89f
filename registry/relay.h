/* A blob of one registry as the body of an upload to another: a thread downloads it into a bounded buffer, the upload reads from
 * there. Memory is constant whatever the blob's size. */
#ifndef WL_REGISTRY_RELAY_H
#define WL_REGISTRY_RELAY_H

#include "client.h"

#define WL_RELAY_BUFFER (1024 * 1024) /* bytes between the two */

struct wl_relay;

/* Nothing is downloaded before the first read. The client and the descriptor must live longer. */
struct wl_relay *wl_relay_new(struct wl_client *from, const struct wl_oci_descriptor *d);
/* Ends the download if it runs. */
void wl_relay_free(struct wl_relay *r);
void wl_relay_freep(struct wl_relay **r);

/* The body. The last byte is handed out only when all of them have the descriptor's digest. Seeking back starts the download
 * anew, which a lost upload session does. */
struct wl_http_source wl_relay_source(struct wl_relay *r);

/* Whether the download is what failed: the source's registry, or wrong bytes from it. */
bool wl_relay_source_failed(const struct wl_relay *r);

#endif
