/* Users and groups: root, whom everything belongs to. */
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>

static char *no_members[] = {NULL};
static struct passwd root_user = {"root", "x", 0, 0, "root", "/", "/sbin/nologin"};
static struct group root_group = {"root", "x", 0, no_members};

struct passwd *getpwnam(const char *name) {
    return strcmp(name, root_user.pw_name) == 0 ? &root_user : NULL;
}

struct passwd *getpwuid(uid_t uid) {
    return uid == 0 ? &root_user : NULL;
}

struct group *getgrnam(const char *name) {
    return strcmp(name, root_group.gr_name) == 0 ? &root_group : NULL;
}

struct group *getgrgid(gid_t gid) {
    return gid == 0 ? &root_group : NULL;
}
