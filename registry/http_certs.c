#include <stdlib.h>
#include <string.h>

#include "../tool/base/fs.h"
#include "../tool/base/mem.h"
#include "http_internal.h"

#define CA_MAX (8 * 1024 * 1024) /* bytes of certificates for one host */

/* Folders of HOST:PORT folders, in the order in which they are read. */
static const char *const system_folders[] = {"/etc/docker/certs.d", "/etc/containers/certs.d"};

static void read_folder(struct host_certs *c, const char *folder) {
    WL_AUTO(wl_strv_release) struct wl_strv names = {0};
    struct wl_err ignored; /* an unreadable file shows as an untrusted certificate, with the way out */

    if (!wl_fs_is_dir(folder) || wl_fs_list(folder, &names, &ignored) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        WL_AUTOFREE char *path = wl_path_join(folder, names.v[i]);

        if (wl_ends(path, ".crt") && c->ca.len < CA_MAX) {
            if (wl_fs_read(path, CA_MAX - c->ca.len, &c->ca, &ignored) == 0)
                wl_buf_addc(&c->ca, '\n');
        } else if (wl_ends(path, ".cert") && !c->cert) {
            c->cert = wl_strdup(path);
            c->key = wl_sprintf("%.*s.key", (int)(strlen(path) - strlen(".cert")), path);
        }
    }
}

static void read_home(struct host_certs *c) {
    const char *home = getenv("HOME");
    WL_AUTOFREE char *folder = NULL;

    if (!home || !*home)
        return;
    folder = wl_sprintf("%s/.config/containers/certs.d/%s", home, c->host);
    read_folder(c, folder);
}

const struct host_certs *wl_http_certs(struct host_certs **list, const char *host, const char *system_bundle) {
    struct wl_err ignored;
    struct host_certs *c = *list;

    while (c && strcmp(c->host, host) != 0)
        c = c->next;
    if (c)
        return c;
    c = wl_calloc(1, sizeof(*c));
    c->host = wl_strdup(host);
    for (size_t i = 0; i < WL_ARRAY_LEN(system_folders); i++) {
        WL_AUTOFREE char *folder = wl_path_join(system_folders[i], host);

        read_folder(c, folder);
    }
    read_home(c);
    if (c->ca.len && system_bundle)
        wl_fs_read(system_bundle, CA_MAX, &c->ca, &ignored);
    c->next = *list;
    *list = c;
    return c;
}

void wl_http_certs_free(struct host_certs *list) {
    while (list) {
        struct host_certs *c = list;

        list = c->next;
        wl_buf_release(&c->ca);
        free(c->host);
        free(c->cert);
        free(c->key);
        free(c);
    }
}
