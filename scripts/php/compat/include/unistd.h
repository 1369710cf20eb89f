#ifndef WASI_COMPAT_UNISTD_H
#define WASI_COMPAT_UNISTD_H

#include_next <unistd.h>

int dup(int fd);
int dup2(int from, int to);

int pipe(int fds[2]);
int chown(const char *path, uid_t uid, gid_t gid);
int lchown(const char *path, uid_t uid, gid_t gid);
int fchown(int fd, uid_t uid, gid_t gid);

pid_t fork(void);
int execve(const char *path, char *const argv[], char *const envp[]);
int execvp(const char *file, char *const argv[]);
int execl(const char *path, const char *arg0, ...);
int execle(const char *path, const char *arg0, ...);
pid_t getppid(void);
pid_t getpgrp(void);
pid_t getpgid(pid_t pid);
pid_t getsid(pid_t pid);
pid_t setsid(void);
int setpgid(pid_t pid, pid_t group);
unsigned alarm(unsigned seconds);

uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int setuid(uid_t uid);
int seteuid(uid_t uid);
int setgid(gid_t gid);
int setegid(gid_t gid);
int getgroups(int count, gid_t list[]);
char *getlogin(void);
char *ttyname(int fd);
int ttyname_r(int fd, char *name, size_t size);

int gethostname(char *name, size_t size);
int getdtablesize(void);

#endif
