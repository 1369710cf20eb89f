/*
 * What a process is started with: the working folder and the locales there are.
 * Link with --wrap=setlocale.
 */
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *__real_setlocale(int category, const char *name);

/* The C library writes the first line at once wherever it goes; a pipe and a file are filled by the block elsewhere. */
__attribute__((constructor)) static void buffer_output(void) {
    if (!isatty(STDOUT_FILENO)) {
        setvbuf(stdout, NULL, _IOFBF, 0);
    }
}

/* WASI has no working folder to inherit, a host may name one as shells do. */
__attribute__((constructor)) static void enter_working_folder(void) {
    const char *folder = getenv("PWD");

    if (folder && folder[0] == '/' && folder[1]) {
        (void)chdir(folder);
    }
}

static bool is_there(const char *name, size_t length) {
    static const char *const names[] = {"", "C", "POSIX", "C.UTF-8", "C.utf8"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* The C library takes every name and stays with C; a program wants to know that there is no such locale. */
char *__wrap_setlocale(int category, const char *name) {
    /* LC_ALL has several names, parted by ; */
    for (const char *part = name; part; part = strchr(part, ';')) {
        part += *part == ';';
        if (!is_there(part, strcspn(part, ";"))) {
            return NULL;
        }
    }
    return __real_setlocale(category, name);
}
