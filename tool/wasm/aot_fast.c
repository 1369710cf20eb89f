#include "aot_fast.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/buf.h"
#include "../base/mem.h"
#include "aot_stack.h"
#include "aot_text.h"
#include "aot_thread.h"

#define NONE SIZE_MAX
#define DEFINE "define hidden preserve_nonecc"
#define SUCCESSOR "label %"

struct name {
    const char *p;
    size_t len;
    size_t block; /* of a label */
};

enum reached { NOT, CLEAN, WRITTEN }; /* with nothing written yet; maybe with something written */

struct block {
    struct name label;
    size_t first, end;        /* its lines, without the label's */
    size_t next, n_next;      /* its successors, in body.next */
    size_t call;              /* the line where its first call begins; NONE */
    bool written_before_call; /* something is written before it */
    bool written, goes_on;    /* it writes or calls; it ends in the jump to another body */
    enum reached reached;     /* by the usual ways */
    bool is_cut;              /* at its call */
};

struct body {
    char **lines;
    size_t n_lines;
    struct block *blocks;
    size_t n_blocks;
    struct name *labels, *variables; /* sorted */
    size_t n_labels, n_variables;
    size_t *next;
    size_t n_next;
    size_t *work; /* room for the ways' blocks */
};

static void body_release(struct body *b) {
    free(b->lines);
    free(b->blocks);
    free(b->labels);
    free(b->variables);
    free(b->next);
    free(b->work);
    memset(b, 0, sizeof(*b));
}

static int compare(const void *a, const void *b) {
    const struct name *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int c = memcmp(x->p, y->p, n);

    return c ? c : (x->len > y->len) - (x->len < y->len);
}

/* The name that begins at p. */
static struct name name_at(const char *p) {
    return (struct name){p, strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._$-"), NONE};
}

static const struct name *find(const struct name *in, size_t n, struct name what) {
    return n ? bsearch(&what, in, n, sizeof(*in), compare) : NULL;
}

/* --- Reading --- */

/* The lines of text, each ended by a NUL; false for too many. */
static bool split(struct body *b, char *text, const char *end) {
    b->lines = wl_calloc(WL_AOT_FAST_LINES + 1, sizeof(*b->lines));
    for (char *at = text; at < end; b->n_lines++) {
        char *nl = memchr(at, '\n', (size_t)(end - at));

        if (b->n_lines == WL_AOT_FAST_LINES || !nl)
            return false;
        *nl = '\0';
        b->lines[b->n_lines] = at;
        at = nl + 1;
    }
    return b->n_lines > 2 && strcmp(b->lines[b->n_lines - 1], "}") == 0;
}

static bool is_label(const char *line) {
    struct name n = name_at(line);

    return n.len > 0 && line[n.len] == ':';
}

/* Blocks, and the variables of the first: those that "%x = alloca" makes. */
static bool find_blocks(struct body *b) {
    b->blocks = wl_calloc(b->n_lines, sizeof(*b->blocks));
    b->labels = wl_calloc(b->n_lines, sizeof(*b->labels));
    b->variables = wl_calloc(b->n_lines, sizeof(*b->variables));
    b->work = wl_calloc(2 * b->n_lines, sizeof(*b->work));
    for (size_t i = 1; i + 1 < b->n_lines; i++) {
        const char *line = b->lines[i];
        struct block *k = &b->blocks[b->n_blocks];

        if (is_label(line)) {
            *k = (struct block){.label = name_at(line), .first = i + 1, .end = i + 1, .call = NONE};
            b->labels[b->n_labels] = k->label;
            b->labels[b->n_labels++].block = b->n_blocks++;
            continue;
        }
        if (b->n_blocks == 0)
            return false;
        k[-1].end = i + 1;
        if (b->n_blocks == 1 && wl_starts(line, "  %") && strstr(line, " = alloca "))
            b->variables[b->n_variables++] = name_at(line + 3);
    }
    qsort(b->labels, b->n_labels, sizeof(*b->labels), compare);
    qsort(b->variables, b->n_variables, sizeof(*b->variables), compare);
    return b->n_blocks > 0;
}

static bool is_call(const char *line) {
    const char *call = strstr(line, "call ");
    const char *name = call ? strpbrk(call, "@%(") : NULL;

    return name && !wl_starts(name, "@llvm.") && !strstr(line, "musttail ");
}

/* Does the line write to anything but a variable? *begins: to the place of the stack pointer, which is done for a call. */
static bool writes(const struct body *b, const char *line, bool *begins) {
    static const char to[] = ", ptr ", stack[] = "%wl.spg";
    const char *at = strstr(line, to);
    struct name place;

    *begins = false;
    if (strstr(line, "atomicrmw ") || strstr(line, "cmpxchg ") || strstr(line, "@llvm.mem"))
        return true;
    if (!wl_starts(line, "  store "))
        return false;
    if (!at || at[strlen(to)] != '%')
        return true;
    place = name_at(at + strlen(to) + 1);
    *begins = place.len == strlen(stack) - 1 && memcmp(place.p, stack + 1, place.len) == 0;
    return !find(b->variables, b->n_variables, place);
}

static bool look_at_block(struct body *b, struct block *k) {
    k->next = b->n_next;
    for (size_t i = k->first; i < k->end; i++) {
        const char *line = b->lines[i];
        bool begins, w = writes(b, line, &begins);

        if ((begins || is_call(line)) && k->call == NONE) {
            k->call = i;
            k->written_before_call = k->written;
        }
        k->written = k->written || w || k->call != NONE;
        k->goes_on = k->goes_on || strstr(line, " musttail call ");
        for (const char *at = strstr(line, SUCCESSOR); at; at = strstr(at + 1, SUCCESSOR)) {
            const struct name *label = find(b->labels, b->n_labels, name_at(at + strlen(SUCCESSOR)));

            if (!label)
                return false;
            b->next = wl_reallocarray(b->next, b->n_next + 1, sizeof(*b->next));
            b->next[b->n_next++] = label->block;
            k->n_next++;
        }
    }
    return true;
}

static bool read_body(struct body *b, char *text, const char *end) {
    if (!split(b, text, end) || !find_blocks(b))
        return false;
    for (size_t i = 0; i < b->n_blocks; i++)
        if (!look_at_block(b, &b->blocks[i]))
            return false;
    return true;
}

/* --- The usual ways --- */

/* Is there a way to the next body without a call? */
static bool has_way(const struct body *b) {
    WL_AUTOFREE bool *seen = wl_calloc(b->n_blocks, sizeof(*seen));
    size_t n = 0;

    b->work[n++] = 0;
    seen[0] = true;
    while (n > 0) {
        const struct block *k = &b->blocks[b->work[--n]];

        if (k->call != NONE)
            continue;
        if (k->goes_on)
            return true;
        for (size_t i = 0; i < k->n_next; i++) {
            size_t next = b->next[k->next + i];

            if (!seen[next])
                b->work[n++] = next;
            seen[next] = true;
        }
    }
    return false;
}

/* Which blocks are reached, and which end at their call. A block is looked at again when it turns out that something may be written before
 * it, so at most twice. */
static void walk(struct body *b) {
    size_t n = 0;

    b->blocks[0].reached = CLEAN;
    b->work[n++] = 0;
    while (n > 0) {
        struct block *k = &b->blocks[b->work[--n]];
        enum reached then = k->written ? WRITTEN : k->reached;

        k->is_cut = k->call != NONE && k->reached == CLEAN && !k->written_before_call;
        for (size_t i = 0; i < k->n_next && !k->is_cut; i++) {
            size_t next = b->next[k->next + i];

            if (b->blocks[next].reached >= then)
                continue;
            b->blocks[next].reached = then;
            b->work[n++] = next;
        }
    }
}

/* --- Writing --- */

/* "  %40 = phi double [ %155, %a ], [ %223, %b ]" without the blocks that no longer lead here. */
static void write_phi(FILE *out, const struct body *b, const char *line) {
    const char *open = strchr(line, '['), *close;
    bool any = false;

    fprintf(out, "%.*s", (int)((open ? open : line + strlen(line)) - line), line);
    for (; open && (close = strstr(open, " ]")) != NULL; open = strchr(close, '[')) {
        const char *at = close;
        const struct name *label;

        while (at > open && *at != '%')
            at--;
        label = find(b->labels, b->n_labels, name_at(at + 1));
        if (!label || b->blocks[label->block].reached == NOT || b->blocks[label->block].is_cut)
            continue;
        fprintf(out, "%s%.*s", any ? ", " : "", (int)(close + 2 - open), open);
        any = true;
    }
    fprintf(out, "\n");
}

/* A line of the usual ways: they go on in those of others. */
static void write_line(FILE *out, const struct body *b, const char *line) {
    static const char other[] = " musttail call preserve_nonecc { i32, i32 } @w";
    const char *at = strstr(line, other);

    if (at)
        fprintf(out, "%.*sh%s\n", (int)(at + strlen(other) - 1 - line), line, at + strlen(other));
    else if (strstr(line, " = phi "))
        write_phi(out, b, line);
    else
        fprintf(out, "%s\n", line);
}

/* The head of w<f> as that of h<f>, whose table is one. */
static bool write_head(FILE *out, const char *line, uint32_t f) {
    static const char name[] = "@w", table[] = "ptr %wl.table";
    const char *at = strstr(line, name), *rest = at ? strchr(at, '(') : NULL, *p = rest ? strstr(rest, table) : NULL;
    const char *open = p ? strrchr(p, '{') : NULL;

    if (!open)
        return false;
    p += strlen("ptr ");
    fprintf(out, "%.*s@h%u%.*sptr nonnull %.*salign 64 {\n", (int)(at - line), line, f,
            (int)(p - strlen("ptr ") - rest), rest, (int)(open - p), p);
    return true;
}

static void write_ways(FILE *out, const struct body *b, uint32_t f) {
    for (size_t i = 0; i < b->n_blocks; i++) {
        const struct block *k = &b->blocks[i];

        if (k->reached == NOT)
            continue;
        fprintf(out, "%.*s:\n", (int)k->label.len, k->label.p);
        for (size_t n = k->first; n < (k->is_cut ? k->call : k->end); n++)
            write_line(out, b, b->lines[n]);
        if (k->is_cut)
            wl_aot_thread_whole(out, f, i);
    }
    fprintf(out, "}\n");
}

void wl_aot_fast_write(FILE *out, char *text, size_t len, uint32_t f) {
    WL_AUTO(body_release) struct body b = {0};
    char *at = text, *begin = NULL;

    fwrite(text, 1, len, out);
    while (at && (at = strstr(at, DEFINE)) != NULL)
        begin = at++;
    if (begin && read_body(&b, begin, text + len) && has_way(&b)) {
        walk(&b);
        if (write_head(out, b.lines[0], f)) {
            write_ways(out, &b, f);
            return;
        }
    }
    wl_aot_thread_same(out, f);
}
