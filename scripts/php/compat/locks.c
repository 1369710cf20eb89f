/*
 * flock. Nothing but this process can be asked whether it holds a lock, so locks
 * count between its own descriptors. close() gives them back (compat.c).
 */
#include "locks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

struct lock {
    int fd;
    bool exclusive;
    dev_t dev;
    ino_t ino;
    struct lock *next;
};

static struct lock *locks;

int __real_fstat(int fd, struct stat *st);

void compat_unlock(int fd) {
    for (struct lock **at = &locks; *at;) {
        struct lock *lock = *at;

        if (lock->fd == fd) {
            *at = lock->next;
            free(lock);
        } else {
            at = &lock->next;
        }
    }
}

int flock(int fd, int operation) {
    bool exclusive = (operation & ~LOCK_NB) == LOCK_EX;
    struct lock *lock;
    struct stat st;

    if (!exclusive && (operation & ~LOCK_NB) != LOCK_SH && (operation & ~LOCK_NB) != LOCK_UN) {
        errno = EINVAL;
        return -1;
    }
    if (__real_fstat(fd, &st) < 0) {
        return -1;
    }
    if ((operation & ~LOCK_NB) == LOCK_UN) {
        compat_unlock(fd);
        return 0;
    }
    for (lock = locks; lock; lock = lock->next) {
        if (lock->fd != fd && lock->ino == st.st_ino && lock->dev == st.st_dev && (exclusive || lock->exclusive)) {
            /* nobody else is there who could let go */
            errno = operation & LOCK_NB ? EWOULDBLOCK : EDEADLK;
            return -1;
        }
    }
    compat_unlock(fd);
    lock = calloc(1, sizeof(*lock));
    if (!lock) {
        errno = ENOLCK;
        return -1;
    }
    *lock = (struct lock){fd, exclusive, st.st_dev, st.st_ino, locks};
    locks = lock;
    return 0;
}
