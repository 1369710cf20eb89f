/* What git says about a folder, for annotations. */
#ifndef WL_RUN_GIT_H
#define WL_RUN_GIT_H

#include <stdbool.h>
#include <stdint.h>

/* NULL or 0 when git does not say. */
struct wl_git {
    char *revision; /* the commit, with "-dirty" when tracked files below the folder differ from it */
    char *
        source; /* the URL of the remote "origin", without user and password; not when it is a folder of this machine */
    char *problem; /* why git does not answer although there is a repository: it belongs to somebody else */
    int64_t time;  /* of the commit; seconds since 1970 */
};

/* Asks git; a folder outside of a repository, or no git, leaves everything empty. Nothing of the repository's configuration is
 * run (no hooks, no file system monitor); ten seconds at most for each question. */
void wl_git_ask(const char *dir, struct wl_git *ret);
void wl_git_release(struct wl_git *g);

#endif
