#include "aot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"

#define RECORD_MAX (64u * 1024) /* bytes of the record */
#define NAME_MAX_LEN 100000u    /* bytes of a custom section's name that are looked at */
#define CHUNK 65536u
#define WASM_HEAD 8 /* magic and version */
#define SEC_FUNCTION 3

/* --- Reading: sections by offset, never the whole file --- */

struct file {
    int fd;
    const char *path;
    uint64_t size;
};

struct section {
    uint64_t at;      /* of the id byte */
    uint64_t payload; /* behind id and size; of a custom section: behind its name */
    uint64_t end;
    uint8_t id;
    char name[16]; /* of a custom section; longer names are cut and match nothing here */
};

static void file_close(struct file *f) {
    wl_closep(&f->fd);
    f->fd = -1;
}

static int read_at(const struct file *f, uint64_t at, void *p, size_t n, struct wl_err *err) {
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(f->fd, (char *)p + done, n - done, (off_t)(at + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return wl_fail_errno(err, errno, "cannot read %s", f->path);
        if (got == 0)
            return wl_fail(err, WL_FAILED, "%s is cut off", f->path);
        done += (size_t)got;
    }
    return 0;
}

static int file_open(struct file *f, const char *path, struct wl_err *err) {
    static const unsigned char magic[WASM_HEAD] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    unsigned char head[WASM_HEAD];
    struct stat st;

    f->path = path;
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &st) < 0)
        return wl_fail_errno(err, errno, "cannot open %s", path);
    f->size = (uint64_t)st.st_size;
    if (!S_ISREG(st.st_mode) || f->size < WASM_HEAD)
        return wl_fail(err, WL_FAILED, "%s is not a WebAssembly module", path);
    if (read_at(f, 0, head, sizeof(head), err) < 0)
        return -1;
    if (memcmp(head, magic, sizeof(magic)) != 0)
        return wl_fail(err, WL_FAILED, "%s is not a WebAssembly module", path);
    return 0;
}

/* An unsigned LEB128 of 32 bits; *at moves behind it. */
static int read_u32(const struct file *f, uint64_t *at, uint64_t end, uint32_t *ret, struct wl_err *err) {
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        unsigned char b;

        if (*at >= end)
            break;
        if (read_at(f, (*at)++, &b, 1, err) < 0)
            return -1;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            if (v > UINT32_MAX)
                break;
            *ret = (uint32_t)v;
            return 0;
        }
    }
    return wl_fail(err, WL_FAILED, "%s is not a WebAssembly module: a malformed number at offset %llu", f->path,
                   (unsigned long long)*at);
}

/* The section at *at, which moves behind it. */
static int next_section(const struct file *f, uint64_t *at, struct section *ret, struct wl_err *err) {
    struct section s = {.at = *at};
    uint64_t pos = *at + 1;
    uint32_t n;

    if (read_at(f, s.at, &s.id, 1, err) < 0 || read_u32(f, &pos, f->size, &n, err) < 0)
        return -1;
    s.payload = pos;
    s.end = pos + n;
    if (s.end > f->size)
        return wl_fail(err, WL_FAILED, "%s is cut off: a section at offset %llu ends behind the file", f->path,
                       (unsigned long long)s.at);
    if (s.id == 0) {
        if (read_u32(f, &pos, s.end, &n, err) < 0)
            return -1;
        if (n > NAME_MAX_LEN || pos + n > s.end)
            return wl_fail(err, WL_FAILED, "%s: a section name that is too long at offset %llu", f->path,
                           (unsigned long long)s.at);
        if (n < sizeof(s.name) && read_at(f, pos, s.name, n, err) < 0)
            return -1;
        s.payload = pos + n;
    }
    *at = s.end;
    *ret = s;
    return 0;
}

static bool is_custom(const struct section *s, const char *name) {
    return s->id == 0 && strcmp(s->name, name) == 0;
}

/* The bytes [from, end) through a sink. */
static int pour(const struct file *f, uint64_t from, uint64_t end, wl_aot_sink *sink, void *arg, struct wl_err *err) {
    WL_AUTOFREE char *chunk = wl_malloc(CHUNK);

    while (from < end) {
        size_t n = end - from < CHUNK ? (size_t)(end - from) : CHUNK;

        if (read_at(f, from, chunk, n, err) < 0 || sink(arg, chunk, n, err) < 0)
            return -1;
        from += n;
    }
    return 0;
}

struct tally {
    struct wl_sha256 hash;
    uint64_t size;
};

static int tally_sink(void *arg, const void *p, size_t n, struct wl_err *err) {
    struct tally *t = arg;

    (void)err;
    wl_sha256_update(&t->hash, p, n);
    t->size += n;
    return 0;
}

static int digest_range(const struct file *f, uint64_t from, uint64_t end, struct wl_digest *ret, struct wl_err *err) {
    struct tally t = {0};

    wl_sha256_init(&t.hash);
    if (pour(f, from, end, tally_sink, &t, err) < 0) {
        wl_sha256_release(&t.hash);
        return -1;
    }
    *ret = wl_sha256_final(&t.hash);
    return 0;
}

/* --- The record --- */

static void record_print(const struct wl_aot_info *info, struct wl_buf *out) {
    struct wl_jw w = {.out = out};

    wl_jw_begin(&w, '{');
    wl_jw_kint(&w, "version", 1);
    wl_jw_kstr(&w, "module", wl_digest_str(&info->module).s);
    wl_jw_kstr(&w, "compiler", info->compiler);
    wl_jw_kstr(&w, "wasmedge", info->wasmedge);
    wl_jw_key(&w, "code");
    wl_jw_begin(&w, '[');
    for (size_t i = 0; i < info->n_codes; i++) {
        const struct wl_aot_entry *e = &info->codes[i];

        wl_jw_begin(&w, '{');
        wl_jw_kstr(&w, "arch", e->arch);
        wl_jw_kstr(&w, "cpu", e->cpu);
        wl_jw_kstr(&w, "optimize", e->optimize);
        wl_jw_kstr(&w, "digest", wl_digest_str(&e->digest).s);
        wl_jw_kint(&w, "size", (int64_t)e->size);
        wl_jw_end(&w, '}');
    }
    wl_jw_end(&w, ']');
    wl_jw_end(&w, '}');
}

/* Copies a member that is a string shorter than room. */
static bool take_str(const wl_json *object, const char *key, char *ret, size_t room) {
    const char *s = wl_json_get_str(object, key);

    if (!s || strlen(s) >= room)
        return false;
    memcpy(ret, s, strlen(s) + 1);
    return true;
}

static bool take_digest(const wl_json *object, const char *key, struct wl_digest *ret) {
    const char *s = wl_json_get_str(object, key);

    return s && wl_digest_parse(s, ret);
}

static bool record_parse(const wl_json *root, struct wl_aot_info *ret) {
    const wl_json *code = wl_json_get(root, "code");
    int64_t v;

    if (!wl_json_get_int(root, "version", &v) || v != 1 || !take_digest(root, "module", &ret->module) ||
        !take_str(root, "compiler", ret->compiler, sizeof(ret->compiler)) ||
        !take_str(root, "wasmedge", ret->wasmedge, sizeof(ret->wasmedge)) || wl_json_len(code) == 0 ||
        wl_json_len(code) > WL_AOT_CODES_MAX)
        return false;
    for (size_t i = 0; i < wl_json_len(code); i++) {
        const wl_json *item = wl_json_at(code, i);
        struct wl_aot_entry *e = &ret->codes[i];

        if (!take_str(item, "arch", e->arch, sizeof(e->arch)) || !take_str(item, "cpu", e->cpu, sizeof(e->cpu)) ||
            !take_str(item, "optimize", e->optimize, sizeof(e->optimize)) || !take_digest(item, "digest", &e->digest) ||
            !wl_json_get_int(item, "size", &v) || v < 0)
            return false;
        e->size = (uint64_t)v;
    }
    ret->n_codes = wl_json_len(code);
    return true;
}

static int record_read(const struct file *f, const struct section *s, struct wl_aot_info *ret, struct wl_err *err) {
    WL_AUTO(wl_json_freep) struct wl_json_doc *doc = NULL;
    WL_AUTOFREE char *text = NULL;
    WL_AUTOFREE char *name = wl_sprintf("%s: %s", f->path, WL_AOT_RECORD);

    if (s->end - s->payload > RECORD_MAX)
        return wl_fail(err, WL_FAILED, "%s: longer than %u bytes", name, RECORD_MAX);
    text = wl_calloc(1, (size_t)(s->end - s->payload) + 1);
    if (read_at(f, s->payload, text, (size_t)(s->end - s->payload), err) < 0 ||
        wl_json_parse(&doc, name, text, (size_t)(s->end - s->payload), WL_FAILED, err) < 0)
        return -1;
    if (!record_parse(wl_json_root(doc), ret))
        return wl_fail(err, WL_FAILED, "%s: not a record of version 1", name);
    return 0;
}

/* --- Verifying --- */

/* The i-th `wasmedge` section against the record. The architecture stands behind the version (one byte) and the system. */
static int check_code(const struct file *f, const struct section *s, const struct wl_aot_entry *e, struct wl_err *err) {
    struct wl_digest digest;
    unsigned char head[3] = {0};
    const char *arch;

    if (s->end - s->payload < sizeof(head) || read_at(f, s->payload, head, sizeof(head), err) < 0 ||
        digest_range(f, s->payload, s->end, &digest, err) < 0)
        return -1;
    arch = wl_aot_arch_name(head[2]);
    if (s->end - s->payload != e->size || !wl_digest_equal(&digest, &e->digest) || !arch || strcmp(arch, e->arch) != 0)
        return wl_fail(err, WL_FAILED,
                       "%s: the native code for %s is not the one that its record names; it was changed after "
                       "precompiling, build it again",
                       f->path, e->arch);
    return 0;
}

static int check_record(const struct file *f, const struct section *record, struct wl_aot_info *info,
                        struct wl_err *err) {
    uint64_t at = record->end;
    struct wl_digest module;
    struct section s;
    size_t n = 0;

    if (record_read(f, record, info, err) < 0 || digest_range(f, 0, record->at, &module, err) < 0)
        return -1;
    if (!wl_digest_equal(&module, &info->module))
        return wl_fail(err, WL_FAILED,
                       "%s: its native code was made from another module (%.19s..., this one is %.19s...); "
                       "precompile it again",
                       f->path, wl_digest_str(&info->module).s, wl_digest_str(&module).s);
    info->module_size = record->at;
    while (at < f->size) {
        if (next_section(f, &at, &s, err) < 0)
            return -1;
        if (!is_custom(&s, WL_AOT_SECTION) || n == info->n_codes)
            return wl_fail(err, WL_FAILED, "%s: a section behind the native code that its record does not name",
                           f->path);
        if (check_code(f, &s, &info->codes[n++], err) < 0)
            return -1;
    }
    if (n != info->n_codes)
        return wl_fail(err, WL_FAILED, "%s: native code that its record names is missing", f->path);
    info->is_aot = true;
    return 0;
}

int wl_aot_verify(const char *path, struct wl_aot_info *ret, struct wl_err *err) {
    WL_AUTO(file_close) struct file f = {.fd = -1};
    struct wl_aot_info info = {0};
    uint64_t at = WASM_HEAD;
    struct section s;

    if (file_open(&f, path, err) < 0)
        return -1;
    while (at < f.size) {
        if (next_section(&f, &at, &s, err) < 0)
            return -1;
        if (is_custom(&s, WL_AOT_SECTION))
            return wl_fail(err, WL_FAILED,
                           "%s holds native code without the record of what it was made from; it was not precompiled "
                           "by wlpack",
                           path);
        if (s.id == SEC_FUNCTION && read_u32(&f, &s.payload, s.end, &info.n_functions, err) < 0)
            return -1;
        if (is_custom(&s, WL_AOT_RECORD)) {
            if (check_record(&f, &s, &info, err) < 0)
                return -1;
            *ret = info;
            return 0;
        }
    }
    if (digest_range(&f, 0, f.size, &info.module, err) < 0)
        return -1;
    info.module_size = f.size;
    *ret = info;
    return 0;
}

bool wl_aot_has_arch(const struct wl_aot_info *info, const char *arch) {
    for (size_t i = 0; i < info->n_codes; i++)
        if (strcmp(info->codes[i].arch, arch) == 0)
            return true;
    return false;
}

/* --- Writing --- */

static void add_leb(struct wl_buf *b, uint64_t v) {
    do {
        wl_buf_addc(b, (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0)));
        v >>= 7;
    } while (v);
}

static int file_sink(void *arg, const void *p, size_t n, struct wl_err *err) {
    return wl_file_write(arg, p, n, err);
}

/* The head of a custom section whose payload has n bytes. */
static int write_head(struct wl_file *out, const char *name, uint64_t n, struct wl_err *err) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    if (n > UINT32_MAX - 64)
        return wl_fail(err, WL_FAILED, "%s: the section %s is larger than 4 GB", out->path, name);
    wl_buf_addc(&b, 0);
    add_leb(&b, n + 1 + strlen(name));
    add_leb(&b, strlen(name));
    wl_buf_adds(&b, name);
    return wl_file_write(out, b.p, b.len, err);
}

/* Where the bytes of a code section come from: linked code, or a range of another file. */
struct source {
    const struct wl_aot_code *code;
    const struct file *file;
    uint64_t from, end;
};

static int source_pour(const struct source *s, wl_aot_sink *sink, void *arg, struct wl_err *err) {
    if (s->code)
        return wl_aot_code_emit(s->code, sink, arg, err);
    return pour(s->file, s->from, s->end, sink, arg, err);
}

static int write_all(const char *in, const char *out, struct wl_aot_info *info, const struct source *sources,
                     struct wl_err *err) {
    WL_AUTO(wl_file_cancel) struct wl_file f = WL_FILE_INIT;
    WL_AUTO(file_close) struct file module = {.fd = -1};
    WL_AUTO(wl_buf_release) struct wl_buf record = {0};
    struct wl_aot_info before;

    if (wl_aot_verify(in, &before, err) < 0)
        return -1;
    if (before.is_aot)
        return wl_fail(err, WL_FAILED, "%s is precompiled already", in);
    info->module = before.module;
    info->module_size = before.module_size;
    info->is_aot = true;
    for (size_t i = 0; i < info->n_codes; i++) {
        struct tally t = {0};

        wl_sha256_init(&t.hash);
        if (source_pour(&sources[i], tally_sink, &t, err) < 0) {
            wl_sha256_release(&t.hash);
            return -1;
        }
        info->codes[i].digest = wl_sha256_final(&t.hash);
        info->codes[i].size = t.size;
    }
    record_print(info, &record);
    if (file_open(&module, in, err) < 0 || wl_fs_mkdirs_parent(out, err) < 0 ||
        wl_file_open(&f, out, 0755, false, err) < 0 || pour(&module, 0, module.size, file_sink, &f, err) < 0 ||
        write_head(&f, WL_AOT_RECORD, record.len, err) < 0 || wl_file_write(&f, record.p, record.len, err) < 0)
        return -1;
    for (size_t i = 0; i < info->n_codes; i++)
        if (write_head(&f, WL_AOT_SECTION, info->codes[i].size, err) < 0 ||
            source_pour(&sources[i], file_sink, &f, err) < 0)
            return -1;
    return wl_file_commit(&f, err);
}

int wl_aot_write(const char *in, const char *out, struct wl_aot_info *info, const struct wl_aot_code *codes,
                 struct wl_err *err) {
    struct source sources[WL_AOT_CODES_MAX] = {{0}};

    if (info->n_codes > WL_AOT_CODES_MAX)
        return wl_fail(err, WL_FAILED, "more than %d architectures in one file", WL_AOT_CODES_MAX);
    for (size_t i = 0; i < info->n_codes; i++)
        sources[i].code = &codes[i];
    return write_all(in, out, info, sources, err);
}

int wl_aot_adopt(const char *in, const char *universal, const char *out, struct wl_aot_info *info, struct wl_err *err) {
    WL_AUTO(file_close) struct file f = {.fd = -1};
    struct source source = {.file = &f};
    uint64_t at = WASM_HEAD;
    struct section s;

    if (file_open(&f, universal, err) < 0)
        return -1;
    while (at < f.size) {
        if (next_section(&f, &at, &s, err) < 0)
            return -1;
        if (!is_custom(&s, WL_AOT_SECTION))
            continue;
        source.from = s.payload;
        source.end = s.end;
    }
    if (source.end == 0)
        return wl_fail(err, WL_FAILED, "%s holds no native code", universal);
    info->n_codes = 1;
    return write_all(in, out, info, &source, err);
}
