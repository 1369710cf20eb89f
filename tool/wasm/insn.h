/* Reading WebAssembly: numbers and single instructions (WebAssembly core specification 3.0, chapter 5, "Binary
 * Format"), strictly and inside bounds. module.h builds on it.
 *
 * Known instructions: MVP, sign extension, saturating truncation, multi-value, bulk memory, reference types, fixed and
 * relaxed SIMD, tail calls, extended constants, multi-memory, memory64, threads, exception handling in the standard and
 * in the legacy encoding. Garbage collection and typed function references are refused. */
#ifndef WL_WASM_INSN_H
#define WL_WASM_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

/* Value types (5.3.4); one byte each. */
enum wl_wasm_valtype {
    WL_WASM_I32 = 0x7f,
    WL_WASM_I64 = 0x7e,
    WL_WASM_F32 = 0x7d,
    WL_WASM_F64 = 0x7c,
    WL_WASM_V128 = 0x7b,
    WL_WASM_FUNCREF = 0x70,
    WL_WASM_EXTERNREF = 0x6f,
    WL_WASM_EXNREF = 0x69,
};
bool wl_wasm_is_valtype(uint8_t b);
const char *wl_wasm_valtype_name(uint8_t b); /* "i32"; "?" for no type */

/* A place in a module: p is the module's first byte, so that pos is the offset that errors name; end is the end of what may
 * be read (a section, a function body). */
struct wl_wasm_cursor {
    const uint8_t *p;
    size_t pos;
    size_t end;
};

/* Sets err to "not a WebAssembly module: TEXT at offset 0x..."; returns -1 (a macro, so that compilers know). */
void wl_wasm_set_bad(size_t at, struct wl_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define wl_wasm_bad(...) (wl_wasm_set_bad(__VA_ARGS__), -1)

/* LEB128 numbers (5.2.2), at most as long as their type allows, unused bits as the specification wants them. */
int wl_wasm_u8(struct wl_wasm_cursor *c, uint8_t *ret, struct wl_err *err);
int wl_wasm_u32(struct wl_wasm_cursor *c, uint32_t *ret, struct wl_err *err);
int wl_wasm_u64(struct wl_wasm_cursor *c, uint64_t *ret, struct wl_err *err);
/* bits: 32, 33 or 64. */
int wl_wasm_sleb(struct wl_wasm_cursor *c, int bits, int64_t *ret, struct wl_err *err);
int wl_wasm_skip(struct wl_wasm_cursor *c, size_t n, struct wl_err *err);

/* Opcodes that code outside insn.c looks at; prefixed ones are prefix << 16 | number. */
enum wl_wasm_op {
    WL_OP_UNREACHABLE = 0x00,
    WL_OP_NOP = 0x01,
    WL_OP_BLOCK = 0x02,
    WL_OP_LOOP = 0x03,
    WL_OP_IF = 0x04,
    WL_OP_ELSE = 0x05,
    WL_OP_TRY = 0x06,   /* legacy */
    WL_OP_CATCH = 0x07, /* legacy */
    WL_OP_THROW = 0x08,
    WL_OP_RETHROW = 0x09, /* legacy */
    WL_OP_THROW_REF = 0x0a,
    WL_OP_END = 0x0b,
    WL_OP_BR = 0x0c,
    WL_OP_BR_IF = 0x0d,
    WL_OP_BR_TABLE = 0x0e,
    WL_OP_RETURN = 0x0f,
    WL_OP_CALL = 0x10,
    WL_OP_CALL_INDIRECT = 0x11,
    WL_OP_RETURN_CALL = 0x12,
    WL_OP_RETURN_CALL_INDIRECT = 0x13,
    WL_OP_DELEGATE = 0x18,  /* legacy */
    WL_OP_CATCH_ALL = 0x19, /* legacy */
    WL_OP_DROP = 0x1a,
    WL_OP_SELECT = 0x1b,
    WL_OP_SELECT_T = 0x1c,
    WL_OP_TRY_TABLE = 0x1f,
    WL_OP_LOCAL_GET = 0x20,
    WL_OP_LOCAL_SET = 0x21,
    WL_OP_LOCAL_TEE = 0x22,
    WL_OP_GLOBAL_GET = 0x23,
    WL_OP_GLOBAL_SET = 0x24,
    WL_OP_TABLE_GET = 0x25,
    WL_OP_TABLE_SET = 0x26,
    WL_OP_I32_CONST = 0x41,
    WL_OP_I64_CONST = 0x42,
    WL_OP_F32_CONST = 0x43,
    WL_OP_F64_CONST = 0x44,
    WL_OP_I32_EQ = 0x46,
    WL_OP_I32_ADD = 0x6a,
    WL_OP_REF_NULL = 0xd0,
    WL_OP_REF_IS_NULL = 0xd1,
    WL_OP_REF_FUNC = 0xd2,
    WL_OP_TABLE_INIT = 0xfc000c,
    WL_OP_TABLE_COPY = 0xfc000e,
    WL_OP_TABLE_GROW = 0xfc000f,
    WL_OP_TABLE_FILL = 0xfc0011,
    WL_OP_V128_CONST = 0xfd000c,
};

/* What a module uses, as bits; the names are those of the tool conventions' "target_features" section. */
enum wl_wasm_feature {
    WL_WASM_F_SIGN_EXT = 1 << 0,
    WL_WASM_F_SAT_FLOAT = 1 << 1,
    WL_WASM_F_MULTIVALUE = 1 << 2,
    WL_WASM_F_BULK_MEMORY = 1 << 3,
    WL_WASM_F_REFERENCE_TYPES = 1 << 4,
    WL_WASM_F_SIMD = 1 << 5,
    WL_WASM_F_RELAXED_SIMD = 1 << 6,
    WL_WASM_F_TAIL_CALL = 1 << 7,
    WL_WASM_F_EXTENDED_CONST = 1 << 8,
    WL_WASM_F_MULTIMEMORY = 1 << 9,
    WL_WASM_F_MEMORY64 = 1 << 10,
    WL_WASM_F_ATOMICS = 1 << 11,
    WL_WASM_F_EXCEPTIONS = 1 << 12,
    WL_WASM_F_LEGACY_EXCEPTIONS = 1 << 13,
    WL_WASM_F_WIDE_ARITHMETIC = 1 << 14,
    WL_WASM_F_MUTABLE_GLOBALS = 1 << 15,
};
#define WL_WASM_N_FEATURES 16
const char *wl_wasm_feature_name(unsigned bit); /* bit: number of the bit, 0 .. WL_WASM_N_FEATURES - 1 */

/* One instruction. Vectors (br_table's labels, try_table's catches, select's types) stay in the module: `vec` is the offset of
 * the first element, vec_n their number. br_table's default label follows the vector. */
struct wl_wasm_insn {
    size_t at;     /* offset of the opcode */
    size_t end;    /* offset behind the last byte */
    uint32_t op;   /* see enum wl_wasm_op */
    uint32_t a;    /* first index: label, function, type, local, global, table, tag, memory, element or data segment */
    uint32_t b;    /* second index: call_indirect's table, table.init's and *.copy's second */
    int64_t type;  /* blocks: the block type (5.4.1): -64 none, other negatives a value type, else a type index */
    int64_t value; /* i32.const, i64.const */
    size_t vec;
    uint32_t vec_n;
    unsigned features; /* what using it asks for */
};

/* Reads one instruction. Indices are not checked against the module. */
int wl_wasm_insn_next(struct wl_wasm_cursor *c, struct wl_wasm_insn *ret, struct wl_err *err);

/* One catch clause of a try_table (5.4.1). */
enum wl_wasm_catch_kind { WL_CATCH = 0, WL_CATCH_REF = 1, WL_CATCH_ALL = 2, WL_CATCH_ALL_REF = 3 };
struct wl_wasm_catch {
    uint8_t kind;
    uint32_t tag; /* kinds 0 and 1 */
    uint32_t label;
};
int wl_wasm_catch_next(struct wl_wasm_cursor *c, struct wl_wasm_catch *ret, struct wl_err *err);

#endif
