#include "edit.h"

#include <string.h>

struct wl_blob wl_wasm_blob(const struct wl_buf *b) {
    return wl_buf_blob(b);
}

void wl_wasm_put_longer(struct wl_buf *out, const struct wl_wasm_section *s, uint8_t id, uint32_t more,
                        const struct wl_buf *tail) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_wasm_cursor c = {s ? s->payload.p : NULL, 0, s ? s->payload.len : 0};
    uint32_t n = 0;
    struct wl_err ignored;

    if (s && wl_wasm_u32(&c, &n, &ignored) < 0)
        return; /* cannot happen: it was parsed before */
    if (n + more == 0)
        return;
    wl_wasm_put_u32(&b, n + more);
    if (s)
        wl_buf_add(&b, c.p + c.pos, c.end - c.pos);
    if (tail->len)
        wl_buf_add(&b, tail->p, tail->len);
    wl_wasm_put_section(out, id, wl_wasm_blob(&b));
}

void wl_wasm_put_name_map(struct wl_buf *out, uint8_t id, struct wl_blob map, uint32_t more,
                          const struct wl_buf *tail) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_wasm_cursor c = {map.p, 0, map.len};
    uint32_t n = 0;
    struct wl_err ignored;

    if (more == 0 || wl_wasm_u32(&c, &n, &ignored) < 0 || n > UINT32_MAX - more) {
        wl_buf_add(&b, map.p, map.len);
    } else {
        wl_wasm_put_u32(&b, n + more);
        wl_buf_add(&b, c.p + c.pos, c.end - c.pos);
        wl_buf_add(&b, tail->p, tail->len);
    }
    wl_buf_addc(out, (char)id);
    wl_wasm_put_u32(out, (uint32_t)b.len);
    wl_buf_add(out, b.p, b.len);
}

static bool blob_starts(struct wl_blob b, const char *s) {
    return b.len >= strlen(s) && memcmp(b.p, s, strlen(s)) == 0;
}

bool wl_wasm_is_offset_section(const struct wl_wasm_section *s) {
    return s->id == WL_SEC_CUSTOM && (blob_starts(s->name, ".debug_") || blob_starts(s->name, "metadata.code.") ||
                                      wl_blob_is(s->name, "sourceMappingURL") ||
                                      wl_blob_is(s->name, "external_debug_info") || wl_blob_is(s->name, "wasmedge"));
}

bool wl_wasm_is_object(const struct wl_wasm_module *m) {
    for (uint32_t i = 0; i < m->n_sections; i++)
        if (m->sections[i].id == WL_SEC_CUSTOM &&
            (wl_blob_is(m->sections[i].name, "linking") || blob_starts(m->sections[i].name, "reloc.")))
            return true;
    return false;
}

static int compare_types(const void *a, const void *b, void *types) {
    const struct wl_wasm_functype *t = types;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    const struct wl_wasm_functype *x = &t[i], *y = &t[k];
    int c = 0;

    if (x->params.len != y->params.len)
        return x->params.len < y->params.len ? -1 : 1;
    if (x->results.len != y->results.len)
        return x->results.len < y->results.len ? -1 : 1;
    if (x->params.len)
        c = memcmp(x->params.p, y->params.p, x->params.len);
    if (c == 0 && x->results.len)
        c = memcmp(x->results.p, y->results.p, x->results.len);
    return c ? c : i < k ? -1 : i > k;
}

void wl_wasm_equal_types(const struct wl_wasm_module *m, uint32_t *ret) {
    WL_AUTOFREE uint32_t *sorted = wl_calloc((size_t)m->n_types + 1, sizeof(*sorted));

    for (uint32_t i = 0; i < m->n_types; i++)
        sorted[i] = i;
    qsort_r(sorted, m->n_types, sizeof(*sorted), compare_types, m->types);
    for (uint32_t i = 0; i < m->n_types; i++) {
        const struct wl_wasm_functype *t = &m->types[sorted[i]];
        const struct wl_wasm_functype *before = i ? &m->types[sorted[i - 1]] : NULL;
        bool same = before && wl_blob_equal(t->params, before->params) && wl_blob_equal(t->results, before->results);

        ret[sorted[i]] = same ? ret[sorted[i - 1]] : sorted[i];
    }
}
