#include "insn.h"

#include <stdio.h>
#include <string.h>

#include "../base/buf.h"

/* The longest vectors inside an instruction. */
#define MAX_BR_TABLE 1000000
#define MAX_CATCHES 100000
#define MAX_SELECT 1000

bool wl_wasm_is_valtype(uint8_t b) {
    return (b >= WL_WASM_V128 && b <= WL_WASM_I32) || b == WL_WASM_FUNCREF || b == WL_WASM_EXTERNREF ||
           b == WL_WASM_EXNREF;
}

const char *wl_wasm_valtype_name(uint8_t b) {
    switch (b) {
    case WL_WASM_I32:
        return "i32";
    case WL_WASM_I64:
        return "i64";
    case WL_WASM_F32:
        return "f32";
    case WL_WASM_F64:
        return "f64";
    case WL_WASM_V128:
        return "v128";
    case WL_WASM_FUNCREF:
        return "funcref";
    case WL_WASM_EXTERNREF:
        return "externref";
    case WL_WASM_EXNREF:
        return "exnref";
    default:
        return "?";
    }
}

const char *wl_wasm_feature_name(unsigned bit) {
    static const char *const names[WL_WASM_N_FEATURES] = {
        "sign-ext",           "nontrapping-fptoint",
        "multivalue",         "bulk-memory",
        "reference-types",    "simd128",
        "relaxed-simd",       "tail-call",
        "extended-const",     "multimemory",
        "memory64",           "atomics",
        "exception-handling", "legacy-exception-handling",
        "wide-arithmetic",    "mutable-globals",
    };

    return bit < WL_WASM_N_FEATURES ? names[bit] : "?";
}

void wl_wasm_set_bad(size_t at, struct wl_err *err, const char *fmt, ...) {
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    wl_fail(err, WL_FAILED, "not a WebAssembly module: %s at offset 0x%zx", text, at);
}

int wl_wasm_u8(struct wl_wasm_cursor *c, uint8_t *ret, struct wl_err *err) {
    if (c->pos >= c->end)
        return wl_wasm_bad(c->pos, err, "unexpected end");
    *ret = c->p[c->pos++];
    return 0;
}

int wl_wasm_skip(struct wl_wasm_cursor *c, size_t n, struct wl_err *err) {
    if (n > c->end - c->pos)
        return wl_wasm_bad(c->pos, err, "unexpected end");
    c->pos += n;
    return 0;
}

static int uleb(struct wl_wasm_cursor *c, int bits, uint64_t *ret, struct wl_err *err) {
    uint64_t v = 0;
    size_t at = c->pos;

    for (int shift = 0;; shift += 7) {
        uint8_t b;

        if (wl_wasm_u8(c, &b, err) < 0)
            return -1;
        if (shift + 7 > bits && (b & 0x7f) >> (bits - shift))
            return wl_wasm_bad(at, err, "number too large");
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            break;
        if (shift + 7 >= bits)
            return wl_wasm_bad(at, err, "number too long");
    }
    *ret = v;
    return 0;
}

int wl_wasm_u32(struct wl_wasm_cursor *c, uint32_t *ret, struct wl_err *err) {
    uint64_t v;

    if (c->pos < c->end && c->p[c->pos] < 0x80) {
        *ret = c->p[c->pos++];
        return 0;
    }
    if (uleb(c, 32, &v, err) < 0)
        return -1;
    *ret = (uint32_t)v;
    return 0;
}

int wl_wasm_u64(struct wl_wasm_cursor *c, uint64_t *ret, struct wl_err *err) {
    return uleb(c, 64, ret, err);
}

int wl_wasm_sleb(struct wl_wasm_cursor *c, int bits, int64_t *ret, struct wl_err *err) {
    uint64_t v = 0;
    size_t at = c->pos;
    int shift = 0;
    uint8_t b;

    do {
        if (shift >= bits)
            return wl_wasm_bad(at, err, "number too long");
        if (wl_wasm_u8(c, &b, err) < 0)
            return -1;
        if (shift + 7 > bits) {
            /* Only the sign may stand in the bits that the type does not have. */
            int rest = (b & 0x7f) >> (bits - shift - 1);

            if (rest != 0 && rest != 0x7f >> (bits - shift - 1))
                return wl_wasm_bad(at, err, "number too large");
        }
        v |= (uint64_t)(b & 0x7f) << shift;
        shift += 7;
    } while (b & 0x80);
    if (shift < 64 && (b & 0x40))
        v |= ~(uint64_t)0 << shift;
    *ret = (int64_t)v;
    return 0;
}

/* --- Immediates ----------------------------------------------------------------------------------------------- */

enum imm {
    BAD = 0,
    NONE,
    BLOCK,
    TRYT,   /* try_table */
    IDX,    /* one index */
    IDX2,   /* two indices */
    BRTAB,  /* br_table */
    TYPES,  /* select t* */
    MEMARG, /* alignment and offset */
    MEMIDX, /* memory.size, memory.grow, memory.fill */
    MEMIDX2,
    DATAMEM, /* memory.init */
    I32,
    I64,
    F32,
    F64,
    V128,
    LANE, /* one byte */
    MEMLANE,
    HEAP, /* ref.null's type */
    ZERO, /* a zero byte */
};

/* One-byte opcodes 0x00 to 0x44; 0x45 to 0xc4 have no immediates. */
static const uint8_t low[0x45] = {
    [0x00] = NONE,
    [0x01] = NONE,
    [0x02] = BLOCK,
    [0x03] = BLOCK,
    [0x04] = BLOCK,
    [0x05] = NONE,
    [0x06] = BLOCK,
    [0x07] = IDX,
    [0x08] = IDX,
    [0x09] = IDX,
    [0x0a] = NONE,
    [0x0b] = NONE,
    [0x0c] = IDX,
    [0x0d] = IDX,
    [0x0e] = BRTAB,
    [0x0f] = NONE,
    [0x10] = IDX,
    [0x11] = IDX2,
    [0x12] = IDX,
    [0x13] = IDX2,
    [0x18] = IDX,
    [0x19] = NONE,
    [0x1a] = NONE,
    [0x1b] = NONE,
    [0x1c] = TYPES,
    [0x1f] = TRYT,
    [0x20 ... 0x26] = IDX,
    [0x28 ... 0x3e] = MEMARG,
    [0x3f ... 0x40] = MEMIDX,
    [0x41] = I32,
    [0x42] = I64,
    [0x43] = F32,
    [0x44] = F64,
};

static unsigned low_features(uint8_t op) {
    if (op >= 0xc0 && op <= 0xc4)
        return WL_WASM_F_SIGN_EXT;
    switch (op) {
    case WL_OP_TRY:
    case WL_OP_CATCH:
    case WL_OP_RETHROW:
    case WL_OP_DELEGATE:
    case WL_OP_CATCH_ALL:
        return WL_WASM_F_LEGACY_EXCEPTIONS;
    case WL_OP_THROW:
    case WL_OP_THROW_REF:
    case WL_OP_TRY_TABLE:
        return WL_WASM_F_EXCEPTIONS;
    case WL_OP_RETURN_CALL:
    case WL_OP_RETURN_CALL_INDIRECT:
        return WL_WASM_F_TAIL_CALL;
    case WL_OP_SELECT_T:
    case WL_OP_TABLE_GET:
    case WL_OP_TABLE_SET:
    case WL_OP_REF_NULL:
    case WL_OP_REF_IS_NULL:
    case WL_OP_REF_FUNC:
        return WL_WASM_F_REFERENCE_TYPES;
    default:
        return 0;
    }
}

static enum imm imm_fc(uint32_t n, unsigned *features) {
    static const uint8_t table[] = {
        [0 ... 7] = NONE, [8] = DATAMEM, [9] = IDX,  [10] = MEMIDX2, [11] = MEMIDX, [12] = IDX2,        [13] = IDX,
        [14] = IDX2,      [15] = IDX,    [16] = IDX, [17] = IDX,     [18] = BAD,    [19 ... 22] = NONE,
    };

    if (n >= sizeof(table))
        return BAD;
    *features = n < 8    ? WL_WASM_F_SAT_FLOAT
                : n < 15 ? WL_WASM_F_BULK_MEMORY
                : n < 18 ? WL_WASM_F_REFERENCE_TYPES
                         : WL_WASM_F_WIDE_ARITHMETIC;
    return (enum imm)table[n];
}

static enum imm imm_fd(uint32_t n, unsigned *features) {
    *features = n >= 0x100 ? WL_WASM_F_RELAXED_SIMD : WL_WASM_F_SIMD;
    if (n <= 11 || n == 92 || n == 93)
        return MEMARG;
    if (n == 12 || n == 13)
        return V128;
    if (n >= 21 && n <= 34)
        return LANE;
    if (n >= 84 && n <= 91)
        return MEMLANE;
    if (n <= 0xff || (n >= 0x100 && n <= 0x113))
        return NONE;
    return BAD;
}

static enum imm imm_fe(uint32_t n, unsigned *features) {
    *features = WL_WASM_F_ATOMICS;
    if (n <= 2 || (n >= 0x10 && n <= 0x4e))
        return MEMARG;
    return n == 3 ? ZERO : BAD;
}

static enum imm imm_of(const struct wl_wasm_insn *in, unsigned *features) {
    uint32_t sub = in->op & 0xffff;

    switch (in->op >> 16) {
    case 0xfc:
        return imm_fc(sub, features);
    case 0xfd:
        return imm_fd(sub, features);
    case 0xfe:
        return imm_fe(sub, features);
    default:
        break;
    }
    *features = low_features((uint8_t)in->op);
    if (in->op < sizeof(low))
        return (enum imm)low[in->op];
    if (in->op <= 0xc4 || in->op == WL_OP_REF_IS_NULL)
        return NONE;
    return in->op == WL_OP_REF_NULL ? HEAP : in->op == WL_OP_REF_FUNC ? IDX : BAD;
}

static int read_block_type(struct wl_wasm_cursor *c, struct wl_wasm_insn *in, struct wl_err *err) {
    size_t at = c->pos;

    if (wl_wasm_sleb(c, 33, &in->type, err) < 0)
        return -1;
    if (in->type < 0 && in->type != -64 && !(in->type > -64 && wl_wasm_is_valtype((uint8_t)(in->type & 0x7f))))
        return wl_wasm_bad(at, err, "unknown block type");
    if (in->type >= 0)
        in->features |= WL_WASM_F_MULTIVALUE;
    return 0;
}

static int read_vec_start(struct wl_wasm_cursor *c, struct wl_wasm_insn *in, uint32_t max, struct wl_err *err) {
    size_t at = c->pos;

    if (wl_wasm_u32(c, &in->vec_n, err) < 0)
        return -1;
    in->vec = c->pos;
    if (in->vec_n > max || in->vec_n > c->end - c->pos)
        return wl_wasm_bad(at, err, "vector too long");
    return 0;
}

int wl_wasm_catch_next(struct wl_wasm_cursor *c, struct wl_wasm_catch *ret, struct wl_err *err) {
    struct wl_wasm_catch k = {0};
    size_t at = c->pos;

    if (wl_wasm_u8(c, &k.kind, err) < 0)
        return -1;
    if (k.kind > WL_CATCH_ALL_REF)
        return wl_wasm_bad(at, err, "unknown catch clause %u", k.kind);
    if (k.kind <= WL_CATCH_REF && wl_wasm_u32(c, &k.tag, err) < 0)
        return -1;
    if (wl_wasm_u32(c, &k.label, err) < 0)
        return -1;
    *ret = k;
    return 0;
}

static int read_try_table(struct wl_wasm_cursor *c, struct wl_wasm_insn *in, struct wl_err *err) {
    struct wl_wasm_catch k;

    if (read_block_type(c, in, err) < 0 || read_vec_start(c, in, MAX_CATCHES, err) < 0)
        return -1;
    for (uint32_t i = 0; i < in->vec_n; i++)
        if (wl_wasm_catch_next(c, &k, err) < 0)
            return -1;
    return 0;
}

static int read_labels(struct wl_wasm_cursor *c, struct wl_wasm_insn *in, struct wl_err *err) {
    uint32_t l;

    if (read_vec_start(c, in, MAX_BR_TABLE, err) < 0)
        return -1;
    for (uint64_t i = 0; i <= in->vec_n; i++)
        if (wl_wasm_u32(c, &l, err) < 0)
            return -1;
    return 0;
}

static int read_types(struct wl_wasm_cursor *c, struct wl_wasm_insn *in, struct wl_err *err) {
    if (read_vec_start(c, in, MAX_SELECT, err) < 0)
        return -1;
    for (uint32_t i = 0; i < in->vec_n; i++)
        if (!wl_wasm_is_valtype(c->p[c->pos++]))
            return wl_wasm_bad(c->pos - 1, err, "unknown value type");
    return 0;
}

static int read_memidx(struct wl_wasm_cursor *c, struct wl_wasm_insn *in, uint32_t *ret, struct wl_err *err) {
    if (wl_wasm_u32(c, ret, err) < 0)
        return -1;
    if (*ret)
        in->features |= WL_WASM_F_MULTIMEMORY;
    return 0;
}

static int read_memarg(struct wl_wasm_cursor *c, struct wl_wasm_insn *in, struct wl_err *err) {
    size_t at = c->pos;
    uint32_t align;
    uint64_t offset;

    if (wl_wasm_u32(c, &align, err) < 0)
        return -1;
    if (align >= 0x80 || (align & 0x3f) > 16)
        return wl_wasm_bad(at, err, "malformed alignment");
    if ((align & 0x40) && read_memidx(c, in, &in->a, err) < 0)
        return -1;
    return wl_wasm_u64(c, &offset, err);
}

static int read_heap_type(struct wl_wasm_cursor *c, struct wl_wasm_insn *in, struct wl_err *err) {
    size_t at = c->pos;
    uint8_t t;

    if (wl_wasm_u8(c, &t, err) < 0)
        return -1;
    if (t >= 0x72 && t <= 0x74) /* noextern, nofunc, noexn: Binaryen's nulls */
        t = t == 0x74 ? WL_WASM_EXNREF : t == 0x73 ? WL_WASM_FUNCREF : WL_WASM_EXTERNREF;
    if (t != WL_WASM_FUNCREF && t != WL_WASM_EXTERNREF && t != WL_WASM_EXNREF)
        return wl_wasm_bad(at, err, "unknown reference type");
    in->a = t;
    return 0;
}

static int read_zero(struct wl_wasm_cursor *c, struct wl_err *err) {
    uint8_t b;

    if (wl_wasm_u8(c, &b, err) < 0)
        return -1;
    return b == 0 ? 0 : wl_wasm_bad(c->pos - 1, err, "zero byte expected");
}

static int read_imm(struct wl_wasm_cursor *c, enum imm imm, struct wl_wasm_insn *in, struct wl_err *err) {
    switch (imm) {
    case NONE:
        return 0;
    case BLOCK:
        return read_block_type(c, in, err);
    case TRYT:
        return read_try_table(c, in, err);
    case IDX:
        return wl_wasm_u32(c, &in->a, err);
    case IDX2:
        return wl_wasm_u32(c, &in->a, err) < 0 ? -1 : wl_wasm_u32(c, &in->b, err);
    case BRTAB:
        return read_labels(c, in, err);
    case TYPES:
        return read_types(c, in, err);
    case MEMARG:
        return read_memarg(c, in, err);
    case MEMLANE:
        return read_memarg(c, in, err) < 0 ? -1 : wl_wasm_skip(c, 1, err);
    case MEMIDX:
        return read_memidx(c, in, &in->a, err);
    case MEMIDX2:
        return read_memidx(c, in, &in->a, err) < 0 ? -1 : read_memidx(c, in, &in->b, err);
    case DATAMEM:
        return wl_wasm_u32(c, &in->a, err) < 0 ? -1 : read_memidx(c, in, &in->b, err);
    case I32:
        return wl_wasm_sleb(c, 32, &in->value, err);
    case I64:
        return wl_wasm_sleb(c, 64, &in->value, err);
    case F32:
        return wl_wasm_skip(c, 4, err);
    case F64:
        return wl_wasm_skip(c, 8, err);
    case V128:
        return wl_wasm_skip(c, 16, err);
    case LANE:
        return wl_wasm_skip(c, 1, err);
    case HEAP:
        return read_heap_type(c, in, err);
    case ZERO:
        return read_zero(c, err);
    default:
        return wl_wasm_bad(in->at, err, "unknown instruction 0x%x", in->op);
    }
}

int wl_wasm_insn_next(struct wl_wasm_cursor *c, struct wl_wasm_insn *ret, struct wl_err *err) {
    struct wl_wasm_insn in = {.at = c->pos, .type = -64};
    uint8_t op;
    enum imm imm;

    if (wl_wasm_u8(c, &op, err) < 0)
        return -1;
    in.op = op;
    if (op >= 0xfc && op <= 0xfe) {
        uint32_t sub;

        if (wl_wasm_u32(c, &sub, err) < 0)
            return -1;
        if (sub > 0xffff)
            return wl_wasm_bad(in.at, err, "unknown instruction 0x%x 0x%x", op, sub);
        in.op = (uint32_t)op << 16 | sub;
    }
    imm = imm_of(&in, &in.features);
    if (read_imm(c, imm, &in, err) < 0)
        return -1;
    in.end = c->pos;
    *ret = in;
    return 0;
}
