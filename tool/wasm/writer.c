#include <string.h>

#include "module.h"

void wl_wasm_put_u32(struct wl_buf *out, uint32_t v) {
    do {
        uint8_t b = v & 0x7f;

        v >>= 7;
        wl_buf_addc(out, (char)(v ? b | 0x80 : b));
    } while (v);
}

void wl_wasm_put_s64(struct wl_buf *out, int64_t v) {
    for (;;) {
        uint8_t b = v & 0x7f;

        v = v >= 0 ? v >> 7 : ~(~v >> 7);
        if ((v == 0 && !(b & 0x40)) || (v == -1 && (b & 0x40))) {
            wl_buf_addc(out, (char)b);
            return;
        }
        wl_buf_addc(out, (char)(b | 0x80));
    }
}

void wl_wasm_put_name(struct wl_buf *out, const char *s) {
    wl_wasm_put_u32(out, (uint32_t)strlen(s));
    wl_buf_adds(out, s);
}

void wl_wasm_put_section(struct wl_buf *out, uint8_t id, struct wl_blob payload) {
    wl_buf_addc(out, (char)id);
    wl_wasm_put_u32(out, (uint32_t)payload.len);
    wl_buf_add(out, payload.p, payload.len);
}

void wl_wasm_put_custom(struct wl_buf *out, const char *name, struct wl_blob payload) {
    WL_AUTO(wl_buf_release) struct wl_buf head = {0};

    wl_wasm_put_name(&head, name);
    wl_buf_addc(out, WL_SEC_CUSTOM);
    wl_wasm_put_u32(out, (uint32_t)(head.len + payload.len));
    wl_buf_add(out, head.p, head.len);
    wl_buf_add(out, payload.p, payload.len);
}

void wl_wasm_put_same(struct wl_buf *out, const struct wl_wasm_module *m, const struct wl_wasm_section *s) {
    wl_buf_add(out, m->bytes.p + s->at, (size_t)(s->payload.p + s->payload.len - (m->bytes.p + s->at)));
}

bool wl_blob_equal(struct wl_blob a, struct wl_blob b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool wl_blob_is(struct wl_blob b, const char *s) {
    return wl_blob_equal(b, (struct wl_blob){(const uint8_t *)s, strlen(s)});
}
