/*
 * Anonymous memory in whole pages, for allocators that map and unmap: any
 * part of a mapping can be given back, and a mapping can be continued at its
 * end by asking for the address behind it. Files cannot be mapped.
 *
 * Memory comes from memory.grow and is never returned, so pages given back
 * wait in a list, in order of address, each run of them described in its own
 * first bytes. malloc() grows the same memory and copes with the gaps.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)65536)

/*
 * Large mappings start at a multiple of this where that costs nothing, as
 * kernels do for their large pages: who needs aligned blocks gets them at once.
 */
#define LARGE ((size_t)2 * 1024 * 1024)

struct run {
    struct run *next;
    size_t size;
};

static struct run *free_runs;

static size_t align_up(size_t n, size_t to) {
    return (n + to - 1) & ~(to - 1);
}

static size_t memory_end(void) {
    return __builtin_wasm_memory_size(0) * PAGE;
}

/* Makes [start, start + size) a free run and joins it with its neighbours. */
static void give_back(size_t start, size_t size) {
    struct run **at = &free_runs, *run = (struct run *)start, *before = NULL;

    while (*at && (size_t)*at < start) {
        before = *at;
        at = &before->next;
    }
    run->next = *at;
    run->size = size;
    *at = run;
    if (run->next && start + size == (size_t)run->next) {
        run->size += run->next->size;
        run->next = run->next->next;
    }
    if (before && (size_t)before + before->size == start) {
        before->size += run->size;
        before->next = run->next;
    }
}

/* Cuts [start, start + size) out of the run at *at, which contains it. */
static void cut_out(struct run **at, size_t start, size_t size) {
    size_t head = start - (size_t)*at;
    size_t tail = (*at)->size - head - size;

    if (tail) {
        struct run *rest = (struct run *)(start + size);

        rest->next = (*at)->next;
        rest->size = tail;
        (*at)->next = rest;
    }
    if (head) {
        (*at)->size = head;
    } else {
        *at = (*at)->next;
    }
}

/* Takes exactly [start, start + size): out of one run, or behind the end. */
static void *take_at(size_t start, size_t size) {
    struct run **at;

    for (at = &free_runs; *at; at = &(*at)->next) {
        size_t from = (size_t)*at;
        size_t end = from + (*at)->size;

        if (start < from) {
            break;
        }
        if (start >= end) {
            continue;
        }
        if (end - start >= size) {
            cut_out(at, start, size);
            memset((void *)start, 0, size);
            return (void *)start;
        }
        if (end != memory_end() || __builtin_wasm_memory_grow(0, (size - (end - start)) / PAGE) == (size_t)-1) {
            return NULL;
        }
        cut_out(at, start, end - start);
        memset((void *)start, 0, end - start);
        return (void *)start;
    }
    if (start == memory_end() && __builtin_wasm_memory_grow(0, size / PAGE) != (size_t)-1) {
        return (void *)start;
    }
    return NULL;
}

static void *take_anywhere(size_t size) {
    size_t alignment = size >= LARGE ? LARGE : PAGE;
    struct run *run;
    size_t start, end;

    for (run = free_runs; run; run = run->next) {
        end = (size_t)run + run->size;
        start = align_up((size_t)run, alignment);
        /* the last run can go on in memory that is still to come */
        if (start < end && (end - start >= size || end == memory_end())) {
            return take_at(start, size);
        }
    }
    end = memory_end();
    start = align_up(end, alignment);
    if (start != end) {
        if (__builtin_wasm_memory_grow(0, (start - end) / PAGE) == (size_t)-1) {
            return NULL;
        }
        give_back(end, start - end);
    }
    return take_at(start, size);
}

void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset) {
    void *found = NULL;

    (void)prot, (void)fd, (void)offset;
    if (!(flags & MAP_ANONYMOUS)) {
        errno = ENODEV;
        return MAP_FAILED;
    }
    if (size == 0 || size > SIZE_MAX - LARGE) {
        errno = size ? ENOMEM : EINVAL;
        return MAP_FAILED;
    }
    size = align_up(size, PAGE);
    if (addr && (size_t)addr % PAGE == 0) {
        found = take_at((size_t)addr, size);
    }
    if (!found && !(flags & MAP_FIXED)) {
        found = take_anywhere(size);
    }
    if (!found) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return found;
}

int munmap(void *addr, size_t size) {
    if ((size_t)addr % PAGE != 0 || size == 0) {
        errno = EINVAL;
        return -1;
    }
    give_back((size_t)addr, align_up(size, PAGE));
    return 0;
}
