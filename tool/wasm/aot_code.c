#include "aot_code.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "../base/buf.h"
#include "../base/mem.h"

#define ELF_SECTIONS_MAX 4096           /* sections of the shared object */
#define SYMTAB_MAX (256u * 1024 * 1024) /* bytes of its symbol table, and of its names */
#define CODE_MAX (1024u * 1024 * 1024)  /* bytes of one loaded section */
#define OS_LINUX 1

enum range_kind { RANGE_TEXT = 1, RANGE_DATA = 2, RANGE_BSS = 3 };

static const struct {
    const char *name;
    uint8_t number;
    uint16_t machine;
} archs[] = {
    {"x86_64", 1, EM_X86_64},
    {"aarch64", 2, EM_AARCH64},
    {"riscv64", 3, EM_RISCV},
};

uint8_t wl_aot_arch_number(const char *arch) {
    for (size_t i = 0; i < WL_ARRAY_LEN(archs); i++)
        if (strcmp(archs[i].name, arch) == 0)
            return archs[i].number;
    return 0;
}

const char *wl_aot_arch_name(uint8_t number) {
    for (size_t i = 0; i < WL_ARRAY_LEN(archs); i++)
        if (archs[i].number == number)
            return archs[i].name;
    return NULL;
}

/* The tables of the file, read into memory. */
struct elf {
    int fd;
    const char *path;
    Elf64_Ehdr head;
    Elf64_Shdr *sections;
    Elf64_Sym *symbols;
    size_t n_symbols;
    char *names; /* of the symbols; NUL behind the end */
    size_t names_len;
    char *section_names;
    size_t section_names_len;
};

static void elf_release(struct elf *e) {
    free(e->sections);
    free(e->symbols);
    free(e->names);
    free(e->section_names);
}

/* Exactly n bytes from offset at. */
static int read_at(int fd, const char *path, uint64_t at, void *p, size_t n, struct wl_err *err) {
    size_t done = 0;

    while (done < n) {
        ssize_t got = pread(fd, (char *)p + done, n - done, (off_t)(at + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return wl_fail_errno(err, errno, "cannot read %s", path);
        if (got == 0)
            return wl_fail(err, WL_FAILED, "%s is cut off", path);
        done += (size_t)got;
    }
    return 0;
}

/* A section's bytes, with a NUL behind them. */
static int read_section(const struct elf *e, const Elf64_Shdr *s, void **ret, struct wl_err *err) {
    WL_AUTOFREE char *p = NULL;

    if (s->sh_size > SYMTAB_MAX)
        return wl_fail(err, WL_FAILED, "%s: a table of more than %u MB", e->path, SYMTAB_MAX >> 20);
    p = wl_malloc(s->sh_size + 1);
    p[s->sh_size] = '\0';
    if (read_at(e->fd, e->path, s->sh_offset, p, s->sh_size, err) < 0)
        return -1;
    *ret = WL_STEAL(p);
    return 0;
}

static const char *section_name(const struct elf *e, const Elf64_Shdr *s) {
    return s->sh_name < e->section_names_len ? e->section_names + s->sh_name : "";
}

static int read_symbols(struct elf *e, struct wl_err *err) {
    for (size_t i = 0; i < e->head.e_shnum; i++) {
        const Elf64_Shdr *s = &e->sections[i];

        if (s->sh_type != SHT_SYMTAB || s->sh_link >= e->head.e_shnum)
            continue;
        e->n_symbols = s->sh_size / sizeof(Elf64_Sym);
        e->names_len = e->sections[s->sh_link].sh_size;
        if (read_section(e, s, (void **)&e->symbols, err) < 0)
            return -1;
        return read_section(e, &e->sections[s->sh_link], (void **)&e->names, err);
    }
    return wl_fail(err, WL_FAILED, "%s has no symbol table", e->path);
}

static int read_elf(struct elf *e, const char *arch, struct wl_err *err) {
    uint16_t machine = 0;
    Elf64_Shdr *names;

    for (size_t i = 0; i < WL_ARRAY_LEN(archs); i++)
        if (strcmp(archs[i].name, arch) == 0)
            machine = archs[i].machine;
    if (read_at(e->fd, e->path, 0, &e->head, sizeof(e->head), err) < 0)
        return -1;
    if (memcmp(e->head.e_ident, ELFMAG, SELFMAG) != 0 || e->head.e_ident[EI_CLASS] != ELFCLASS64 ||
        e->head.e_ident[EI_DATA] != ELFDATA2LSB || e->head.e_shentsize != sizeof(Elf64_Shdr) || e->head.e_shnum == 0 ||
        e->head.e_shnum > ELF_SECTIONS_MAX || e->head.e_shstrndx >= e->head.e_shnum)
        return wl_fail(err, WL_FAILED, "%s is not a 64-bit shared object", e->path);
    if (e->head.e_machine != machine)
        return wl_fail(err, WL_FAILED, "%s is not code for %s", e->path, arch);
    e->sections = wl_calloc(e->head.e_shnum, sizeof(*e->sections));
    if (read_at(e->fd, e->path, e->head.e_shoff, e->sections, e->head.e_shnum * sizeof(*e->sections), err) < 0)
        return -1;
    names = &e->sections[e->head.e_shstrndx];
    e->section_names_len = names->sh_size;
    if (read_section(e, names, (void **)&e->section_names, err) < 0)
        return -1;
    return read_symbols(e, err);
}

/* The sections that are loaded, as WasmEdge's own compiler chooses them, less the unwind tables: registering those
 * costs time at every start and nothing walks them. */
static int choose_ranges(struct wl_aot_code *c, const struct elf *e, struct wl_err *err) {
    c->ranges = wl_calloc(e->head.e_shnum, sizeof(*c->ranges));
    for (size_t i = 0; i < e->head.e_shnum; i++) {
        const Elf64_Shdr *s = &e->sections[i];
        const char *name = section_name(e, s);
        struct wl_aot_range r = {.address = s->sh_addr, .size = s->sh_size, .offset = s->sh_offset};

        if (!(s->sh_flags & SHF_ALLOC) || s->sh_size == 0)
            continue;
        if (s->sh_type == SHT_RELA || s->sh_type == SHT_REL || s->sh_type == SHT_RELR)
            return wl_fail(err, WL_FAILED, "%s needs relocations (%s), which WasmEdge does not apply", e->path, name);
        if (wl_starts(name, ".eh_frame") || strcmp(name, ".relro_padding") == 0)
            continue;
        if (s->sh_type == SHT_NOBITS)
            r.kind = RANGE_BSS;
        else if (s->sh_type == SHT_PROGBITS)
            r.kind = s->sh_flags & SHF_EXECINSTR ? RANGE_TEXT : RANGE_DATA;
        else
            continue;
        if (s->sh_size > CODE_MAX || s->sh_addr > CODE_MAX)
            return wl_fail(err, WL_FAILED, "%s: more than %u MB in section %s", e->path, CODE_MAX >> 20, name);
        c->ranges[c->n_ranges++] = r;
    }
    return 0;
}

/* "f12" -> 12; false for other names. */
static bool numbered(const char *name, char letter, size_t *ret) {
    size_t v = 0;

    if (name[0] != letter || !name[1])
        return false;
    for (const char *p = name + 1; *p; p++) {
        if (*p < '0' || *p > '9' || p - name > 9)
            return false;
        v = v * 10 + (size_t)(*p - '0');
    }
    *ret = v;
    return true;
}

static int place_symbols(struct wl_aot_code *c, const struct elf *e, struct wl_err *err) {
    bool have_intrinsics = false;
    size_t types = 0, functions = 0, at;

    c->types = wl_calloc(c->n_types + 1, sizeof(*c->types));
    c->functions = wl_calloc(c->n_functions + 1, sizeof(*c->functions));
    for (size_t i = 0; i < e->n_symbols; i++) {
        const Elf64_Sym *s = &e->symbols[i];
        const char *name = s->st_name < e->names_len ? e->names + s->st_name : "";

        if (!*name || ELF64_ST_TYPE(s->st_info) == STT_FILE || ELF64_ST_TYPE(s->st_info) == STT_SECTION)
            continue;
        if (s->st_shndx == SHN_UNDEF)
            return wl_fail(err, WL_FAILED, "%s calls %s, which WasmEdge does not offer", e->path, name);
        if (strcmp(name, "intrinsics") == 0) {
            c->intrinsics = s->st_value;
            have_intrinsics = true;
        } else if (strcmp(name, "version") == 0) {
            c->version_address = s->st_value;
        } else if (numbered(name, 't', &at) && at < c->n_types && !c->types[at]) {
            c->types[at] = s->st_value;
            types++;
        } else if (numbered(name, 'f', &at) && at < c->n_functions && !c->functions[at]) {
            c->functions[at] = s->st_value;
            functions++;
        }
    }
    if (!have_intrinsics || types != c->n_types || functions != c->n_functions)
        return wl_fail(err, WL_FAILED, "%s is incomplete: %zu of %zu type wrappers, %zu of %zu functions", e->path,
                       types, c->n_types, functions, c->n_functions);
    return 0;
}

int wl_aot_code_open(struct wl_aot_code *ret, const char *path, const char *arch, uint32_t version,
                     struct wl_aot_counts counts, struct wl_err *err) {
    WL_AUTO(wl_aot_code_release)
    struct wl_aot_code c = {.fd = -1,
                            .version = version,
                            .n_types = counts.n_types,
                            .n_functions = counts.n_functions,
                            .n_imported = counts.n_imported};
    WL_AUTO(elf_release) struct elf e = {.path = path};

    c.arch = wl_aot_arch_number(arch);
    c.fd = e.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (c.fd < 0)
        return wl_fail_errno(err, errno, "cannot open %s", path);
    if (read_elf(&e, arch, err) < 0 || choose_ranges(&c, &e, err) < 0 || place_symbols(&c, &e, err) < 0)
        return -1;
    *ret = c;
    memset(&c, 0, sizeof(c));
    c.fd = -1;
    return 0;
}

void wl_aot_code_release(struct wl_aot_code *c) {
    wl_closep(&c->fd);
    c->fd = -1;
    free(c->types);
    free(c->functions);
    free(c->ranges);
    c->types = c->functions = NULL;
    c->ranges = NULL;
}

static void add_leb(struct wl_buf *b, uint64_t v) {
    do {
        wl_buf_addc(b, (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0)));
        v >>= 7;
    } while (v);
}

static int emit_range(const struct wl_aot_code *c, const struct wl_aot_range *r, wl_aot_sink *sink, void *arg,
                      struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf head = {0};
    WL_AUTOFREE char *chunk = wl_calloc(1, 65536);

    wl_buf_addc(&head, (char)r->kind);
    add_leb(&head, r->address);
    add_leb(&head, r->size);
    add_leb(&head, r->size);
    if (sink(arg, head.p, head.len, err) < 0)
        return -1;
    for (uint64_t done = 0; done < r->size;) {
        size_t n = r->size - done < 65536 ? (size_t)(r->size - done) : 65536;

        if (r->kind != RANGE_BSS && read_at(c->fd, "the linked code", r->offset + done, chunk, n, err) < 0)
            return -1;
        if (sink(arg, chunk, n, err) < 0)
            return -1;
        done += n;
    }
    return 0;
}

int wl_aot_code_emit(const struct wl_aot_code *c, wl_aot_sink *sink, void *arg, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    add_leb(&b, c->version);
    wl_buf_addc(&b, OS_LINUX);
    wl_buf_addc(&b, (char)c->arch);
    add_leb(&b, c->version_address);
    add_leb(&b, c->intrinsics);
    add_leb(&b, c->n_types);
    for (size_t i = 0; i < c->n_types; i++)
        add_leb(&b, c->types[i]);
    add_leb(&b, c->n_functions - c->n_imported);
    for (size_t i = c->n_imported; i < c->n_functions; i++)
        add_leb(&b, c->functions[i]);
    add_leb(&b, c->n_ranges);
    if (sink(arg, b.p, b.len, err) < 0)
        return -1;
    for (size_t i = 0; i < c->n_ranges; i++)
        if (emit_range(c, &c->ranges[i], sink, arg, err) < 0)
            return -1;
    return 0;
}
