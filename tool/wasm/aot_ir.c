#include "aot_ir.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../base/buf.h"
#include "../base/mem.h"
#include "../base/proc.h"
#include "aot_body.h"
#include "aot_fast.h"

#define LINE_CHUNK 65536             /* a longer line is handled in pieces of it */
#define HEAD_MAX (64u * 1024 * 1024) /* signatures, declarations, attributes and metadata together */
#define PARTS_MAX 4096               /* parts of one module */
#define FUNCTIONS_MAX 1000000        /* functions of one module (the limit of every engine) */

#define DEFINE "define protected dllexport "
#define DEFINE_PRIVATE "define private "

static void closep(FILE **f) {
    if (*f)
        fclose(*f);
}

/* What a line belongs to. */
enum kind {
    LINE_SKIP,    /* comments, triple, the embedded module */
    LINE_SHARED,  /* goes into every part: types, private globals, declarations, attributes, metadata */
    LINE_DEFINE,  /* starts a function */
    LINE_PRIVATE, /* starts a private function, which every part gets a copy of */
    LINE_BODY,    /* inside a function */
    LINE_END,     /* "}" */
    LINE_OWN,     /* the two globals that part 0 defines */
    LINE_ALIAS,   /* a type wrapper that equals an earlier one; in part 0, as all type wrappers */
    LINE_UNKNOWN,
};

/* The reader: one pass over the text, piece by piece. */
struct reader {
    FILE *f;
    const char *path;
    char buf[LINE_CHUNK];
    size_t len;
    bool continued; /* this piece goes on with the line of the one before */
    bool inside;    /* inside a function */
    bool shared;    /* that function is a private one */
    enum kind kind;
};

struct split {
    const struct wl_aot_how *how;
    struct wl_buf shared;   /* text for every part */
    struct wl_buf aliases;  /* text for part 0 */
    struct wl_buf declares; /* one "declare hidden ..." line per function */
    size_t *declare_at;     /* where the i-th begins in it; [n] its end */
    size_t *part_of;        /* the part of the i-th function */
    bool *hot;              /* it belongs to an interpreter */
    size_t n_wrappers;      /* the first of them are type wrappers */
    size_t n_aliases;
    uint64_t *size_of;         /* the bytes of the i-th function's text */
    unsigned long *scratch_of; /* what its lines take from the stack at most */
    size_t n, cap;
};

static void split_release(struct split *s) {
    wl_buf_release(&s->shared);
    wl_buf_release(&s->declares);
    wl_buf_release(&s->aliases);
    free(s->declare_at);
    free(s->part_of);
    free(s->hot);
    free(s->size_of);
    free(s->scratch_of);
}

static int open_reader(struct reader *r, const char *path, struct wl_err *err) {
    r->buf[0] = '\0';
    r->len = 0;
    r->continued = r->inside = r->shared = false;
    r->kind = LINE_SKIP;
    r->path = path;
    r->f = fopen(path, "re");
    return r->f ? 0 : wl_fail_errno(err, errno, "cannot open %s", path);
}

static void close_reader(struct reader *r) {
    closep(&r->f);
}

static enum kind classify(struct reader *r) {
    const char *s = r->buf;

    if (r->inside)
        return strcmp(s, "}\n") == 0 ? LINE_END : LINE_BODY;
    if (wl_starts(s, DEFINE))
        return LINE_DEFINE;
    if (wl_starts(s, DEFINE_PRIVATE))
        return LINE_PRIVATE;
    if (*s == '\n' || *s == ';' || wl_starts(s, "source_filename") || wl_starts(s, "target ") ||
        wl_starts(s, "@wasm.code") || wl_starts(s, "@wasm.size"))
        return LINE_SKIP;
    if (wl_starts(s, "@intrinsics = protected ") || wl_starts(s, "@version = protected "))
        return LINE_OWN;
    if (wl_starts(s, "@t") && strstr(s, " alias "))
        return LINE_ALIAS;
    if (*s == '%' || *s == '!' || wl_starts(s, "declare ") || wl_starts(s, "attributes ") || strstr(s, " = private "))
        return LINE_SHARED;
    return LINE_UNKNOWN;
}

/* The next piece; 0 at the end of the text. */
static int next(struct reader *r) {
    bool whole = r->len > 0 && r->buf[r->len - 1] == '\n';

    if (r->kind == LINE_END)
        r->inside = false;
    r->continued = r->len > 0 && !whole;
    if (!fgets(r->buf, sizeof(r->buf), r->f))
        return 0;
    r->len = strlen(r->buf);
    if (!r->continued)
        r->kind = classify(r);
    if (r->kind == LINE_DEFINE || r->kind == LINE_PRIVATE) {
        r->inside = true;
        if (!r->continued)
            r->shared = r->kind == LINE_PRIVATE;
    }
    return 1;
}

/* Reads the number of "@f12(" or "@t3(" in a define line; false when there is none. */
static bool symbol(const char *line, char *ret_letter, unsigned long *ret) {
    const char *at = strchr(line, '@');
    char *end;

    if (!at || (at[1] != 'f' && at[1] != 't') || !isdigit((unsigned char)at[2]))
        return false;
    *ret_letter = at[1];
    *ret = strtoul(at + 2, &end, 10);
    return *end == '(';
}

/* The number of the function that a define line begins; UINT32_MAX for a type wrapper. */
static uint32_t number_of(const char *line) {
    unsigned long index = 0;
    char letter = 't';

    return symbol(line, &letter, &index) && letter == 'f' ? (uint32_t)index : UINT32_MAX;
}

/* The i-th function starts: notes its signature as a declaration. */
static int add_function(struct split *s, const struct reader *r, struct wl_aot_ir *ir, struct wl_err *err) {
    const char *sig = r->buf + strlen(DEFINE);
    const char *end = strrchr(r->buf, '{');
    unsigned long index;
    char letter;

    if (!end || end < sig + 1 || r->continued || !symbol(r->buf, &letter, &index) || !strstr(sig, " %0"))
        return wl_fail(err, WL_FAILED, "%s: a function that cannot be understood: %.80s", r->path, r->buf);
    if (index >= FUNCTIONS_MAX)
        return wl_fail(err, WL_FAILED, "%s: more than %d functions", r->path, FUNCTIONS_MAX);
    if (letter == 'f' && index >= ir->n_functions)
        ir->n_functions = index + 1;
    if (letter == 't' && index >= ir->n_types)
        ir->n_types = index + 1;
    if (letter == 't' && s->n_wrappers++ != s->n)
        return wl_fail(err, WL_FAILED, "%s: a type wrapper behind the functions", r->path);
    if (letter == 'f' && index != s->n - s->n_wrappers)
        return wl_fail(err, WL_FAILED, "%s is cut off: function %zu is missing", r->path, s->n - s->n_wrappers);
    if (s->n + 1 >= s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->declare_at = wl_reallocarray(s->declare_at, s->cap + 1, sizeof(*s->declare_at));
        s->part_of = wl_reallocarray(s->part_of, s->cap, sizeof(*s->part_of));
        s->hot = wl_reallocarray(s->hot, s->cap, sizeof(*s->hot));
        s->size_of = wl_reallocarray(s->size_of, s->cap, sizeof(*s->size_of));
        s->scratch_of = wl_reallocarray(s->scratch_of, s->cap, sizeof(*s->scratch_of));
    }
    s->declare_at[s->n] = s->declares.len;
    s->size_of[s->n] = r->len;
    s->scratch_of[s->n] = 0;
    s->hot[s->n] = letter == 'f' && wl_aot_body_is_hot(s->how, (uint32_t)index);
    s->n++;
    wl_buf_addf(&s->declares, "declare hidden %.*s\n", (int)(end - sig), sig);
    if (letter == 'f' && s->how->pin && s->how->pin->on)
        wl_aot_pin_declare(&s->declares, sig);
    if (s->hot[s->n - 1])
        wl_aot_thread_declare(&s->declares, s->how->thread, (uint32_t)index);
    s->declare_at[s->n] = s->declares.len;
    return 0;
}

/* "@t5 = protected dllexport alias void (ptr, ptr, ptr, ptr), ptr @t2" */
static int add_alias(struct split *s, const struct reader *r, struct wl_aot_ir *ir, struct wl_err *err) {
    unsigned long index = strtoul(r->buf + 2, NULL, 10);
    const char *rest = strstr(r->buf, " alias ");

    if (r->continued || !isdigit((unsigned char)r->buf[2]) || index >= FUNCTIONS_MAX)
        return wl_fail(err, WL_FAILED, "%s: an alias that cannot be understood: %.80s", r->path, r->buf);
    wl_buf_addf(&s->aliases, "@t%lu = hidden%s", index, rest);
    s->n_aliases++;
    if (index >= ir->n_types)
        ir->n_types = index + 1;
    return 0;
}

/* x86 intrinsics: those of the x86-64-v2 set are what this stage compiles for; any other came from the processor
 * of this machine. */
static int look_at_declare(const char *line, struct wl_aot_ir *ir, struct wl_err *err) {
    static const char *const fine[] = {"sse.", "sse2.", "sse3.", "ssse3.", "sse41.", "sse42."};
    const char *at = strstr(line, "@llvm.x86.");
    const char *name = at ? at + strlen("@llvm.x86.") : NULL;

    if (strstr(line, "@llvm.aarch64."))
        ir->bound_to = "aarch64";
    if (!name)
        return 0;
    ir->bound_to = "x86_64";
    for (size_t i = 0; i < WL_ARRAY_LEN(fine); i++)
        if (wl_starts(name, fine[i]))
            return 0;
    return wl_fail(err, WL_FAILED,
                   "wasmedge used %.*s, which only processors like this machine's have; precompile on another machine",
                   (int)strcspn(at + 1, "("), at + 1);
}

/* First pass, one piece. */
static int scan_piece(struct split *s, struct reader *r, struct wl_aot_ir *ir, struct wl_err *err) {
    const char *version;
    unsigned long scratch;

    switch (r->kind) {
    case LINE_DEFINE:
        return add_function(s, r, ir, err);
    case LINE_BODY:
    case LINE_END:
    case LINE_PRIVATE:
        if (r->shared) {
            wl_buf_add(&s->shared, r->buf, r->len);
            return 0;
        }
        s->size_of[s->n - 1] += r->len;
        scratch = wl_aot_body_scratch(r->buf);
        if (scratch > s->scratch_of[s->n - 1])
            s->scratch_of[s->n - 1] = scratch;
        return 0;
    case LINE_SHARED:
        wl_buf_add(&s->shared, r->buf, r->len);
        return r->continued ? 0 : look_at_declare(r->buf, ir, err);
    case LINE_OWN:
        version = wl_starts(r->buf, "@version") ? strstr(r->buf, " i32 ") : NULL;
        if (version)
            ir->version = (uint32_t)strtoul(version + 5, NULL, 10);
        return 0;
    case LINE_ALIAS:
        return add_alias(s, r, ir, err);
    case LINE_UNKNOWN:
        return wl_fail(err, WL_FAILED, "%s: a line that WasmEdge 0.14 does not write: %.80s", r->path, r->buf);
    case LINE_SKIP:
        break;
    }
    return 0;
}

static int scan(const char *path, struct split *s, struct wl_aot_ir *ir, struct wl_err *err) {
    WL_AUTO(close_reader) struct reader r;
    size_t seen = 0;

    if (open_reader(&r, path, err) < 0)
        return -1;
    s->shared.max = s->declares.max = s->aliases.max = HEAD_MAX;
    while (next(&r)) {
        if (wl_interrupted())
            return wl_fail(err, WL_FAILED, "interrupted");
        if (scan_piece(s, &r, ir, err) < 0)
            return -1;
    }
    if (ferror(r.f))
        return wl_fail_errno(err, errno, "cannot read %s", path);
    if (s->shared.overflow || s->declares.overflow || s->aliases.overflow)
        return wl_fail(err, WL_FAILED, "%s: more than %u MB of declarations", path, HEAD_MAX >> 20);
    seen = ir->n_functions + ir->n_types;
    if (r.inside || s->n == 0 || seen != s->n + s->n_aliases || ir->version == 0 ||
        !strstr(wl_buf_str(&s->shared), "\nattributes "))
        return wl_fail(err, WL_FAILED, "%s is cut off or is not what WasmEdge 0.14 writes", path);
    return 0;
}

/* Gives the hot functions, or the others, their parts from `part` on: in the order of the text, a new one when the old one is full.
 * Returns the number behind the last part. */
static size_t assign_some(struct split *s, size_t part_bytes, bool hot, size_t part) {
    uint64_t used = 0;
    bool any = false;

    for (size_t i = 0; i < s->n; i++) {
        if (s->hot[i] != hot)
            continue;
        if (i >= s->n_wrappers && used > 0 && used + s->size_of[i] > part_bytes) {
            part++;
            used = 0;
        }
        s->part_of[i] = part;
        used += s->size_of[i];
        any = true;
    }
    return any || !hot ? part + 1 : part;
}

static int assign(struct split *s, size_t part_bytes, struct wl_aot_ir *ir, struct wl_err *err) {
    size_t cold = assign_some(s, part_bytes, false, 0);

    ir->n_parts = assign_some(s, part_bytes, true, cold);
    if (ir->n_parts > PARTS_MAX)
        return wl_fail(err, WL_FAILED, "the module needs more than %d parts", PARTS_MAX);
    ir->n_hot = ir->n_parts - cold;
    ir->parts = wl_calloc(ir->n_parts, sizeof(*ir->parts));
    for (size_t i = 0; i < s->n; i++)
        ir->parts[s->part_of[i]].bytes += s->size_of[i];
    for (size_t i = 0; i < s->n; i++)
        ir->bytes += s->size_of[i];
    for (size_t i = cold; i < ir->n_parts; i++)
        ir->parts[i].hot = true;
    return 0;
}

/* The attribute groups ask for unwind tables, which WasmEdge registers but never walks (it leaves a guest by
 * longjmp); without them the functions end in fewer bytes and the code loads faster. */
static void drop_uwtable(struct wl_buf *text) {
    static const char word[] = " uwtable";
    char *at = text->p;

    while (at && (at = strstr(at, word)) != NULL) {
        size_t n = strlen(word);

        memmove(at, at + n, text->len - (size_t)(at - text->p) - n + 1);
        text->len -= n;
    }
}

/* A part that is being written. */
struct output {
    FILE *f; /* NULL: none yet */
    /* The text of the function that is being written, where it gets a second body (aot_fast.h); NULL: it goes to f. */
    FILE *text;
    char *p;
    size_t len;
    size_t part;
    bool *used; /* of every function: it is called here */
    struct wl_aot_body body;
};

static void output_release(struct output *o) {
    closep(&o->f);
    closep(&o->text);
    free(o->p);
    free(o->used);
    wl_aot_body_release(&o->body);
}

static int open_output(struct output *o, const struct split *s, const struct wl_aot_ir *ir, const char *dir,
                       size_t part, struct wl_err *err) {
    const struct wl_aot_table *table = s->how->table;

    o->part = part;
    memset(o->used, 0, s->n * sizeof(*o->used));
    ir->parts[part].path = wl_sprintf("%s/part-%zu.ll", dir, part);
    o->f = fopen(ir->parts[part].path, "we");
    if (!o->f)
        return wl_fail_errno(err, errno, "cannot write %s", ir->parts[part].path);
    wl_aot_body_head(o->f, s->how, part == 0);
    if (part == 0)
        fprintf(o->f, "@intrinsics = hidden global ptr null\n@version = hidden constant i32 %u\n%s", ir->version,
                wl_buf_str(&s->aliases));
    else
        fprintf(o->f, "@intrinsics = external hidden global ptr\n");
    for (size_t i = 0; part == 0 && i < table->n; i++)
        if (table->slots[i].function != WL_AOT_NO_FUNCTION)
            o->used[s->n_wrappers + table->slots[i].function] = true;
    fwrite(s->shared.p, 1, s->shared.len, o->f);
    return 0;
}

/* Notes the functions that a line names ("@f12"). */
static void note_used(struct output *o, const struct split *s, const char *line) {
    for (const char *at = strchr(line, '@'); at; at = strchr(at + 1, '@')) {
        size_t f = at[1] == 'f' && isdigit((unsigned char)at[2]) ? strtoul(at + 2, NULL, 10) : SIZE_MAX;

        if (f < s->n - s->n_wrappers)
            o->used[s->n_wrappers + f] = true;
    }
}

/* Where the function's lines go. */
static FILE *place(const struct output *o) {
    return o->text ? o->text : o->f;
}

/* The next function begins: with its text apart, where it has two bodies. */
static int begin_function(struct output *o, const struct split *s, const char *line, size_t scratch,
                          struct wl_err *err) {
    uint32_t f = number_of(line);

    if (wl_aot_body_is_threaded(s->how, f)) {
        o->text = open_memstream(&o->p, &o->len);
        if (!o->text)
            return wl_fail_errno(err, errno, "no memory for a function's text");
    }
    wl_aot_body_define(&o->body, place(o), f, scratch, line + strlen(DEFINE));
    return 0;
}

/* The function ends. */
static int end_function(struct output *o, struct wl_err *err) {
    FILE *text = WL_STEAL(o->text);
    WL_AUTOFREE char *p = NULL;

    if (!text)
        return 0;
    if (fclose(text) != 0)
        return wl_fail_errno(err, errno, "no memory for a function's text");
    p = WL_STEAL(o->p);
    wl_aot_fast_write(o->f, p, o->len, o->body.function);
    return 0;
}

/* The part ends with the declarations of what it calls and does not hold. */
static int close_output(struct output *o, const struct split *s, const struct wl_aot_ir *ir, struct wl_err *err) {
    FILE *f;
    bool bad;

    if (end_function(o, err) < 0)
        return -1;
    f = WL_STEAL(o->f);
    if (!f)
        return 0;
    for (size_t i = 0; i < s->n; i++)
        if (o->used[i] && s->part_of[i] != o->part)
            fwrite(s->declares.p + s->declare_at[i], 1, s->declare_at[i + 1] - s->declare_at[i], f);
    bad = ferror(f) != 0;
    if (fclose(f) != 0 || bad)
        return wl_fail_errno(err, errno, "cannot write %s", ir->parts[o->part].path);
    return 0;
}

/* Second pass: the functions go to their parts. */
static int write_parts(const char *path, const char *dir, struct split *s, struct wl_aot_ir *ir, struct wl_err *err) {
    WL_AUTO(close_reader) struct reader r;
    WL_AUTO(output_release) struct output cold = {.body = {.how = s->how}};
    WL_AUTO(output_release) struct output hot = {.body = {.how = s->how}};
    struct output *o = &cold;
    size_t at = 0;

    cold.used = wl_calloc(s->n, sizeof(*cold.used));
    hot.used = wl_calloc(s->n, sizeof(*hot.used));
    /* the first part is there even if it holds the tables alone */
    if (open_reader(&r, path, err) < 0 || open_output(&cold, s, ir, dir, 0, err) < 0)
        return -1;
    while (next(&r)) {
        if (r.kind == LINE_DEFINE) {
            if (end_function(o, err) < 0)
                return -1;
            o = s->hot[at] ? &hot : &cold;
            if ((!o->f || s->part_of[at] != o->part) &&
                (close_output(o, s, ir, err) < 0 || open_output(o, s, ir, dir, s->part_of[at], err) < 0))
                return -1;
            if (begin_function(o, s, r.buf, s->scratch_of[at], err) < 0)
                return -1;
            at++;
        } else if (r.shared || (r.kind != LINE_BODY && r.kind != LINE_END)) {
            continue;
        } else if (r.continued || r.len == 0 || r.buf[r.len - 1] != '\n') {
            fwrite(r.buf, 1, r.len, place(o));
        } else {
            note_used(o, s, r.buf);
            wl_aot_body_line(&o->body, place(o), r.buf);
        }
    }
    ir->n_lookups = cold.body.n_lookups + hot.body.n_lookups;
    if (close_output(&cold, s, ir, err) < 0)
        return -1;
    return close_output(&hot, s, ir, err);
}

/* Every function of the table must be there. */
static int check_table(const struct wl_aot_table *t, const struct wl_aot_ir *ir, struct wl_err *err) {
    for (size_t i = 0; i < t->n; i++)
        if (t->slots[i].function != WL_AOT_NO_FUNCTION && t->slots[i].function >= ir->n_functions)
            return wl_fail(err, WL_FAILED, "the table names function %u of %zu", t->slots[i].function, ir->n_functions);
    return 0;
}

int wl_aot_ir_split(const char *path, const char *dir, size_t part_bytes, const struct wl_aot_how *how,
                    struct wl_aot_ir *ret, struct wl_err *err) {
    WL_AUTO(split_release) struct split s = {.how = how};
    WL_AUTO(wl_aot_ir_release) struct wl_aot_ir ir = {0};

    if (scan(path, &s, &ir, err) < 0 || check_table(how->table, &ir, err) < 0 ||
        assign(&s, part_bytes ? part_bytes : WL_AOT_IR_PART, &ir, err) < 0)
        return -1;
    drop_uwtable(&s.shared);
    if (write_parts(path, dir, &s, &ir, err) < 0)
        return -1;
    *ret = ir;
    memset(&ir, 0, sizeof(ir));
    return 0;
}

void wl_aot_ir_release(struct wl_aot_ir *ir) {
    for (size_t i = 0; i < ir->n_parts; i++)
        free(ir->parts[i].path);
    free(ir->parts);
    memset(ir, 0, sizeof(*ir));
}
