#include "aot_map.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/fs.h"
#include "../base/mem.h"
#include "aot_code.h"
#include "aot_file.h"
#include "insn.h"
#include "module.h"

#define RANGES_MAX 16
#define KIND_TEXT 1
#define KIND_BSS 3
#define SYMBOLS_MAX 4000000u
#define HEADERS (RANGES_MAX + 4)

struct range {
    uint8_t kind;
    uint64_t address, size;
    struct wl_blob bytes;
    uint64_t offset; /* in the file */
};

/* The payload of a `wasmedge` section. */
struct code {
    uint8_t arch;
    uint64_t version, intrinsics;
    uint64_t *types, *functions;
    size_t n_types, n_functions;
    struct range ranges[RANGES_MAX];
    size_t n_ranges;
};

static void code_release(struct code *c) {
    free(c->types);
    free(c->functions);
}

/* --- Reading the section --- */

struct reader {
    struct wl_wasm_cursor c;
    bool bad;
};

static uint64_t number(struct reader *r) {
    uint64_t v = 0;
    struct wl_err ignored;

    r->bad = r->bad || wl_wasm_u64(&r->c, &v, &ignored) < 0;
    return v;
}

static uint8_t byte(struct reader *r) {
    uint8_t v = 0;
    struct wl_err ignored;

    r->bad = r->bad || wl_wasm_u8(&r->c, &v, &ignored) < 0;
    return v;
}

static uint64_t *addresses(struct reader *r, size_t *ret_n) {
    uint64_t n = number(r);
    uint64_t *v;

    if (n > SYMBOLS_MAX)
        r->bad = true;
    *ret_n = r->bad ? 0 : (size_t)n;
    v = wl_calloc(*ret_n + 1, sizeof(*v));
    for (size_t i = 0; i < *ret_n && !r->bad; i++)
        v[i] = number(r);
    return v;
}

static void read_range(struct reader *r, struct range *ret) {
    ret->kind = byte(r);
    ret->address = number(r);
    ret->size = number(r);
    ret->bytes.len = (size_t)number(r);
    ret->bytes.p = r->c.p + r->c.pos;
    if (r->bad || ret->bytes.len > r->c.end - r->c.pos || ret->kind < KIND_TEXT || ret->kind > KIND_BSS ||
        ret->bytes.len > ret->size || ret->address > UINT32_MAX || ret->size > UINT32_MAX) {
        r->bad = true;
        return;
    }
    r->c.pos += ret->bytes.len;
}

/* Sorted by address, as the dynamic linker wants them. */
static void add_range(struct code *c, const struct range *new) {
    size_t at = c->n_ranges++;

    for (; at > 0 && c->ranges[at - 1].address > new->address; at--)
        c->ranges[at] = c->ranges[at - 1];
    c->ranges[at] = *new;
}

static bool read_code(struct wl_blob payload, struct code *ret) {
    struct reader r = {.c = {payload.p, 0, payload.len}};
    uint64_t n;

    number(&r); /* the version of the form */
    byte(&r);   /* the system */
    ret->arch = byte(&r);
    ret->version = number(&r);
    ret->intrinsics = number(&r);
    ret->types = addresses(&r, &ret->n_types);
    ret->functions = addresses(&r, &ret->n_functions);
    n = number(&r);
    for (uint64_t i = 0; i < n && !r.bad; i++) {
        struct range range = {0};

        read_range(&r, &range);
        if (ret->n_ranges == RANGES_MAX)
            r.bad = true;
        else
            add_range(ret, &range);
    }
    return !r.bad && ret->n_ranges > 0;
}

/* --- The shared object --- */

struct object {
    uint64_t page; /* of the architecture, the largest there is */
    uint64_t tail; /* address of what is only read: module, symbols; file offsets are the same */
    uint64_t symbols, names, hash, written; /* addresses in it; written: of the dynamic section, which is written to */
    struct wl_buf symbol_bytes, name_bytes, hash_bytes;
    uint32_t n_symbols;
    Elf64_Phdr headers[HEADERS];
    size_t n_headers;
};

static void object_release(struct object *o) {
    wl_buf_release(&o->symbol_bytes);
    wl_buf_release(&o->name_bytes);
    wl_buf_release(&o->hash_bytes);
}

static uint64_t round_up(uint64_t v, uint64_t to) {
    return (v + to - 1) / to * to;
}

/* Offsets in the file, congruent to the addresses. False: two parts with different rights share a page. */
static bool place(struct code *c, struct object *o) {
    uint64_t offset = o->page, end = 0;

    for (size_t i = 0; i < c->n_ranges; i++) {
        struct range *r = &c->ranges[i];

        if (i > 0 && r->address / o->page * o->page < round_up(end, o->page))
            return false;
        r->offset = offset + r->address % o->page;
        offset = round_up(r->offset + r->bytes.len, o->page);
        end = r->address + r->size;
    }
    /* from here on an address is an offset in the file, too */
    o->tail = round_up(end > offset ? end : offset, o->page);
    return true;
}

static void add_symbol(struct object *o, uint64_t address, const char *name) {
    Elf64_Sym s = {.st_name = (Elf64_Word)o->name_bytes.len,
                   .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
                   .st_shndx = 1, /* defined; there is no table of sections */
                   .st_value = address};

    wl_buf_add(&o->symbol_bytes, &s, sizeof(s));
    wl_buf_add(&o->name_bytes, name, strlen(name) + 1);
    o->n_symbols++;
}

static void add_symbols(struct object *o, const struct code *c, uint32_t n_imported, uint64_t module, uint64_t size) {
    static const Elf64_Sym none = {0};
    char name[24];

    wl_buf_add(&o->symbol_bytes, &none, sizeof(none));
    wl_buf_addc(&o->name_bytes, '\0');
    o->n_symbols = 1;
    add_symbol(o, c->version, "version");
    add_symbol(o, c->intrinsics, "intrinsics");
    add_symbol(o, module, "wasm.code");
    add_symbol(o, size, "wasm.size");
    for (size_t i = 0; i < c->n_types; i++) {
        snprintf(name, sizeof(name), "t%zu", i);
        add_symbol(o, c->types[i], name);
    }
    for (size_t i = 0; i < c->n_functions; i++) {
        snprintf(name, sizeof(name), "f%zu", i + n_imported);
        add_symbol(o, c->functions[i], name);
    }
}

/* System V ABI, "Hash Table". */
static uint32_t hash_of(const char *name) {
    uint32_t h = 0;

    for (; *name; name++) {
        uint32_t high;

        h = (h << 4) + (uint8_t)*name;
        high = h & 0xf0000000;
        h = (h ^ (high >> 24)) & ~high;
    }
    return h;
}

static void add_hash(struct object *o) {
    uint32_t n = o->n_symbols, n_words = 2 + 2 * n;
    WL_AUTOFREE uint32_t *words = wl_calloc(n_words, sizeof(*words));
    uint32_t *buckets = words + 2, *chains = words + 2 + n;
    const Elf64_Sym *symbols = (const Elf64_Sym *)o->symbol_bytes.p;

    words[0] = words[1] = n;
    for (uint32_t i = 1; i < n; i++) {
        uint32_t *bucket = &buckets[hash_of(o->name_bytes.p + symbols[i].st_name) % n];

        chains[i] = *bucket;
        *bucket = i;
    }
    wl_buf_add(&o->hash_bytes, words, n_words * sizeof(*words));
}

static void add_header(struct object *o, uint32_t type, uint32_t flags, uint64_t offset, uint64_t address,
                       uint64_t in_file, uint64_t in_memory) {
    o->headers[o->n_headers++] = (Elf64_Phdr){.p_type = type,
                                              .p_flags = flags,
                                              .p_offset = offset,
                                              .p_vaddr = address,
                                              .p_paddr = address,
                                              .p_filesz = in_file,
                                              .p_memsz = in_memory,
                                              .p_align = type == PT_LOAD ? o->page : sizeof(uint64_t)};
}

#define N_DYNAMIC 6

static void add_headers(struct object *o, const struct code *c) {
    uint64_t size = N_DYNAMIC * sizeof(Elf64_Dyn);

    for (size_t i = 0; i < c->n_ranges; i++) {
        const struct range *r = &c->ranges[i];

        add_header(o, PT_LOAD, PF_R | (r->kind == KIND_TEXT ? PF_X : PF_W), r->offset, r->address, r->bytes.len,
                   r->size);
    }
    add_header(o, PT_LOAD, PF_R, o->tail, o->tail, o->hash + o->hash_bytes.len - o->tail,
               o->hash + o->hash_bytes.len - o->tail);
    add_header(o, PT_LOAD, PF_R | PF_W, o->written, o->written, size, size);
    add_header(o, PT_DYNAMIC, PF_R | PF_W, o->written, o->written, size, size);
    add_header(o, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0);
}

/* Bytes at an offset of the file, zeros before them. */
static int put(struct wl_file *f, uint64_t *at, uint64_t offset, const void *p, size_t n, struct wl_err *err) {
    static const char zeros[4096];

    while (*at < offset) {
        size_t some = offset - *at < sizeof(zeros) ? (size_t)(offset - *at) : sizeof(zeros);

        if (wl_file_write(f, zeros, some, err) < 0)
            return -1;
        *at += some;
    }
    *at += n;
    return wl_file_write(f, p, n, err);
}

static int write_object(const struct object *o, const struct code *c, struct wl_blob module, const char *out,
                        struct wl_err *err) {
    WL_AUTO(wl_file_cancel) struct wl_file f = WL_FILE_INIT;
    Elf64_Ehdr head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                       .e_type = ET_DYN,
                       .e_machine = c->arch == wl_aot_arch_number("x86_64") ? EM_X86_64 : EM_AARCH64,
                       .e_version = EV_CURRENT,
                       .e_phoff = sizeof(head),
                       .e_ehsize = sizeof(head),
                       .e_phentsize = sizeof(Elf64_Phdr),
                       .e_phnum = (Elf64_Half)o->n_headers,
                       .e_shentsize = sizeof(Elf64_Shdr)};
    Elf64_Dyn dynamic[N_DYNAMIC] = {
        {DT_HASH, {o->hash}},
        {DT_STRTAB, {o->names}},
        {DT_SYMTAB, {o->symbols}},
        {DT_STRSZ, {o->name_bytes.len}},
        {DT_SYMENT, {sizeof(Elf64_Sym)}},
        {DT_NULL, {0}},
    };
    uint64_t at = 0, size = module.len;

    if (wl_file_open(&f, out, 0755, false, err) < 0 || put(&f, &at, 0, &head, sizeof(head), err) < 0 ||
        put(&f, &at, sizeof(head), o->headers, o->n_headers * sizeof(o->headers[0]), err) < 0)
        return -1;
    for (size_t i = 0; i < c->n_ranges; i++)
        if (put(&f, &at, c->ranges[i].offset, c->ranges[i].bytes.p, c->ranges[i].bytes.len, err) < 0)
            return -1;
    if (put(&f, &at, o->tail, &size, sizeof(size), err) < 0 ||
        put(&f, &at, o->tail + sizeof(size), module.p, module.len, err) < 0 ||
        put(&f, &at, o->symbols, o->symbol_bytes.p, o->symbol_bytes.len, err) < 0 ||
        put(&f, &at, o->names, o->name_bytes.p, o->name_bytes.len, err) < 0 ||
        put(&f, &at, o->hash, o->hash_bytes.p, o->hash_bytes.len, err) < 0 ||
        put(&f, &at, o->written, dynamic, sizeof(dynamic), err) < 0)
        return -1;
    return wl_file_commit(&f, err);
}

static int map_code(const char *path, struct code *c, struct wl_blob module, uint32_t n_imported, const char *out,
                    struct wl_err *err) {
    WL_AUTO(object_release) struct object o = {.page = c->arch == wl_aot_arch_number("x86_64") ? 4096 : 65536};

    if (!place(c, &o))
        return wl_fail(err, WL_FAILED, "%s: its native code cannot be mapped: parts of it share a page", path);
    add_symbols(&o, c, n_imported, o.tail + sizeof(uint64_t), o.tail);
    add_hash(&o);
    o.symbols = round_up(o.tail + sizeof(uint64_t) + module.len, sizeof(uint64_t));
    o.names = o.symbols + o.symbol_bytes.len;
    o.hash = round_up(o.names + o.name_bytes.len, sizeof(uint64_t));
    o.written = round_up(o.hash + o.hash_bytes.len, o.page);
    add_headers(&o, c);
    return write_object(&o, c, module, out, err);
}

int wl_aot_map(const char *path, const char *arch, const char *out, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};
    WL_AUTO(wl_wasm_release) struct wl_wasm_module m = {0};
    const struct wl_wasm_section *record;

    if (wl_fs_read(path, WL_AOT_MAP_MAX, &bytes, err) < 0 || wl_wasm_parse(&m, wl_buf_blob(&bytes), err) < 0)
        return -1;
    record = wl_wasm_custom(&m, WL_AOT_RECORD);
    for (uint32_t i = 0; record && i < m.n_sections; i++) {
        WL_AUTO(code_release) struct code c = {0};
        const struct wl_wasm_section *s = &m.sections[i];

        if (s->id != WL_SEC_CUSTOM || !wl_blob_is(s->name, WL_AOT_SECTION))
            continue;
        if (!read_code(s->payload, &c))
            return wl_fail(err, WL_FAILED, "%s: its native code cannot be read", path);
        if (c.arch == wl_aot_arch_number(arch))
            return map_code(path, &c, (struct wl_blob){m.bytes.p, record->at}, m.n_imported[WL_KIND_FUNC], out, err);
    }
    return wl_fail(err, WL_FAILED, "%s holds no native code for %s", path, arch);
}
