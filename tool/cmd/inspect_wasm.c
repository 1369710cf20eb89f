#include "inspect_wasm.h"

#include <inttypes.h>
#include <string.h>

#include "../base/fs.h"
#include "../base/json.h"
#include "../base/mem.h"
#include "../base/out.h"
#include "../wasm/aot_file.h"
#include "../wasm/module.h"

#define WASM_MAX ((size_t)1 << 30) /* bytes of a module */

/* One module being told. Both forms are written to `out` and printed at the end. */
struct tell {
    const char *path;
    bool json;
    struct wl_wasm_module m;
    unsigned features;
    struct wl_aot_info aot;
    struct wl_buf out;
    struct wl_jw w;
};

static void tell_release(struct tell *t) {
    wl_wasm_release(&t->m);
    wl_buf_release(&t->out);
}

static char *text_of(struct wl_blob b) {
    return wl_strndup((const char *)b.p, b.len);
}

static void add_types(struct wl_buf *out, struct wl_blob types) {
    wl_buf_addc(out, '(');
    for (size_t i = 0; i < types.len; i++)
        wl_buf_addf(out, "%s%s", i ? " " : "", wl_wasm_valtype_name(types.p[i]));
    wl_buf_addc(out, ')');
}

/* "(i32 i32) -> (i32)" for functions, "" for the rest; a new string. */
static char *type_of(const struct tell *t, uint8_t kind, uint32_t index) {
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};

    if (kind == WL_KIND_FUNC && index < t->m.n_funcs) {
        const struct wl_wasm_functype *f = wl_wasm_func_type(&t->m, index);

        add_types(&out, f->params);
        wl_buf_adds(&out, " -> ");
        add_types(&out, f->results);
    }
    return wl_buf_steal(&out);
}

static void tell_features(struct tell *t) {
    if (t->json) {
        wl_jw_key(&t->w, "features");
        wl_jw_begin(&t->w, '[');
    }
    for (unsigned i = 0; i < WL_WASM_N_FEATURES; i++) {
        if (!(t->features & 1u << i))
            continue;
        if (t->json)
            wl_jw_str(&t->w, wl_wasm_feature_name(i));
        else
            wl_buf_addf(&t->out, "feature\t%s\n", wl_wasm_feature_name(i));
    }
    if (t->json)
        wl_jw_end(&t->w, ']');
}

static void tell_sections(struct tell *t) {
    if (t->json) {
        wl_jw_key(&t->w, "sections");
        wl_jw_begin(&t->w, '[');
    }
    for (uint32_t i = 0; i < t->m.n_sections; i++) {
        const struct wl_wasm_section *s = &t->m.sections[i];
        WL_AUTOFREE char *custom = s->id == WL_SEC_CUSTOM ? text_of(s->name) : NULL;
        WL_AUTOFREE char *name = custom ? wl_sprintf("custom %s", custom) : wl_strdup(wl_wasm_section_name(s->id));

        if (!t->json) {
            wl_buf_addf(&t->out, "section\t%s\t%zu\n", name, s->payload.len);
            continue;
        }
        wl_jw_begin(&t->w, '{');
        wl_jw_kstr(&t->w, "name", name);
        wl_jw_kint(&t->w, "size", (int64_t)s->payload.len);
        wl_jw_end(&t->w, '}');
    }
    if (t->json)
        wl_jw_end(&t->w, ']');
}

static void tell_link(struct tell *t, const char *what, const char *module, const char *name, uint8_t kind,
                      uint32_t index) {
    WL_AUTOFREE char *type = type_of(t, kind, index);

    if (!t->json) {
        wl_buf_addf(&t->out, "%s\t%s\t%s%s%s\t%s\n", what, wl_wasm_kind_name(kind), module ? module : "",
                    module ? "." : "", name, type);
        return;
    }
    wl_jw_begin(&t->w, '{');
    if (module)
        wl_jw_kstr(&t->w, "module", module);
    wl_jw_kstr(&t->w, "name", name);
    wl_jw_kstr(&t->w, "kind", wl_wasm_kind_name(kind));
    if (*type)
        wl_jw_kstr(&t->w, "type", type);
    wl_jw_end(&t->w, '}');
}

static void tell_links(struct tell *t) {
    if (t->json) {
        wl_jw_key(&t->w, "imports");
        wl_jw_begin(&t->w, '[');
    }
    for (uint32_t i = 0; i < t->m.n_imports; i++) {
        WL_AUTOFREE char *module = text_of(t->m.imports[i].module);
        WL_AUTOFREE char *name = text_of(t->m.imports[i].name);

        tell_link(t, "import", module, name, t->m.imports[i].kind, t->m.imports[i].index);
    }
    if (t->json) {
        wl_jw_end(&t->w, ']');
        wl_jw_key(&t->w, "exports");
        wl_jw_begin(&t->w, '[');
    }
    for (uint32_t i = 0; i < t->m.n_exports; i++) {
        WL_AUTOFREE char *name = text_of(t->m.exports[i].name);

        tell_link(t, "export", NULL, name, t->m.exports[i].kind, t->m.exports[i].index);
    }
    if (t->json)
        wl_jw_end(&t->w, ']');
}

static void tell_memories(struct tell *t) {
    if (t->json) {
        wl_jw_key(&t->w, "memories");
        wl_jw_begin(&t->w, '[');
    }
    for (uint32_t i = 0; i < t->m.n_memories; i++) {
        const struct wl_wasm_limits *l = &t->m.memories[i];

        if (!t->json) {
            wl_buf_addf(&t->out, "memory\t%" PRIu64 " pages", l->min);
            if (l->has_max)
                wl_buf_addf(&t->out, ", %" PRIu64 " at most", l->max);
            wl_buf_addc(&t->out, '\n');
            continue;
        }
        wl_jw_begin(&t->w, '{');
        wl_jw_kint(&t->w, "min", (int64_t)l->min);
        if (l->has_max)
            wl_jw_kint(&t->w, "max", (int64_t)l->max);
        wl_jw_end(&t->w, '}');
    }
    if (t->json)
        wl_jw_end(&t->w, ']');
}

static void tell_aot(struct tell *t) {
    if (t->json)
        wl_jw_key(&t->w, "aot");
    if (!t->aot.is_aot) {
        if (t->json)
            wl_jw_raw(&t->w, "null");
        return;
    }
    if (t->json) {
        wl_jw_begin(&t->w, '{');
        wl_jw_kstr(&t->w, "module", wl_digest_str(&t->aot.module).s);
        wl_jw_kstr(&t->w, "wasmedge", t->aot.wasmedge);
        wl_jw_key(&t->w, "code");
        wl_jw_begin(&t->w, '[');
    } else {
        wl_buf_addf(&t->out, "aot of\t%s\n", wl_digest_str(&t->aot.module).s);
    }
    for (size_t i = 0; i < t->aot.n_codes; i++) {
        const struct wl_aot_entry *e = &t->aot.codes[i];

        if (!t->json) {
            wl_buf_addf(&t->out, "aot\t%s\tcpu %s\toptimize %s\t%" PRIu64 "\n", e->arch, e->cpu, e->optimize, e->size);
            continue;
        }
        wl_jw_begin(&t->w, '{');
        wl_jw_kstr(&t->w, "arch", e->arch);
        wl_jw_kstr(&t->w, "cpu", e->cpu);
        wl_jw_kstr(&t->w, "optimize", e->optimize);
        wl_jw_kint(&t->w, "size", (int64_t)e->size);
        wl_jw_end(&t->w, '}');
    }
    if (t->json) {
        wl_jw_end(&t->w, ']');
        wl_jw_end(&t->w, '}');
    }
}

static void tell_file(struct tell *t, struct wl_blob bytes) {
    struct wl_digest d = wl_digest_of(bytes.p, bytes.len);

    if (!t->json) {
        wl_buf_addf(&t->out, "file\t%s\t%zu\t%s\n", t->path, bytes.len, wl_digest_str(&d).s);
        wl_buf_addf(&t->out, "functions\t%u imported\t%u defined\n", t->m.n_imported[WL_KIND_FUNC], t->m.n_codes);
        return;
    }
    wl_jw_begin(&t->w, '{');
    wl_jw_kstr(&t->w, "file", t->path);
    wl_jw_kint(&t->w, "size", (int64_t)bytes.len);
    wl_jw_kstr(&t->w, "digest", wl_digest_str(&d).s);
    wl_jw_kint(&t->w, "functions", t->m.n_codes);
}

static void print(struct tell *t) {
    if (t->json) {
        wl_jw_end(&t->w, '}');
        wl_buf_addc(&t->out, '\n');
        wl_result_raw(t->out.p, t->out.len);
    } else {
        WL_AUTOFREE char *clean = wl_out_clean(wl_buf_str(&t->out));

        wl_result_raw(clean, strlen(clean));
    }
}

int wl_inspect_wasm(const char *path, bool json, struct wl_err *err) {
    WL_AUTO(tell_release) struct tell t = {.path = path, .json = json};
    WL_AUTO(wl_buf_release) struct wl_buf bytes = {0};
    struct wl_blob blob;
    int rc;

    if (wl_fs_read(path, WASM_MAX, &bytes, err) < 0)
        return -1;
    blob = wl_buf_blob(&bytes);
    if (!wl_wasm_is_module(blob))
        return wl_fail(err, WL_FAILED, "%s is not a WebAssembly module: it does not start with \\0asm and version 1",
                       path);
    if (wl_wasm_parse(&t.m, blob, err) < 0 || wl_wasm_features(&t.m, &t.features, err) < 0)
        return wl_err_context(err, "%s", path);
    t.w.out = &t.out;
    tell_file(&t, blob);
    tell_features(&t);
    tell_sections(&t);
    tell_memories(&t);
    rc = wl_aot_verify(path, &t.aot, err);
    if (rc == 0)
        tell_aot(&t);
    tell_links(&t); /* last: it may be long */
    print(&t);
    return rc;
}
