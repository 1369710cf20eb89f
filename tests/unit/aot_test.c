/* Precompiled modules: cutting WasmEdge's IR, the record that binds code to module, and what is refused. */
#include <string.h>

#include "test.h"

#include "../../tool/base/buf.h"
#include "../../tool/base/mem.h"
#include "../../tool/wasm/aot_fast.h"
#include "../../tool/wasm/aot_file.h"
#include "../../tool/wasm/aot_ir.h"

static char *dir;

static int setup(void **state) {
    (void)state;
    dir = test_dir();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    test_rmdir(dir);
    return 0;
}

static char *put(const char *name, const void *p, size_t n) {
    char *path = wl_path_join(dir, name);
    struct wl_err err;

    assert_ok(wl_fs_write(path, p, n, &err));
    return path;
}

static char *get(const char *path) {
    struct wl_buf b = {0};
    struct wl_err err;

    assert_ok(wl_fs_read(path, 1 << 20, &b, &err));
    return wl_buf_steal(&b);
}

/* --- The IR --- */

#define IR_HEAD                                                                                                        \
    "; ModuleID = 'wasm'\nsource_filename = \"wasm\"\ntarget triple = \"x86_64-pc-linux-gnu\"\n\n"                     \
    "%ExecCtx = type { ptr }\n\n@intrinsics = protected dllexport global ptr null\n"                                   \
    "@version = protected dllexport constant i32 1\n@wasm.code = protected dllexport constant [1 x i8] c\"x\"\n"       \
    "@wasm.size = protected dllexport constant i32 1\n"                                                                \
    "@t1 = protected dllexport alias void (ptr, ptr, ptr, ptr), ptr @t0\n\n"                                           \
    "; Function Attrs: cold\ndefine private void @trap(i32 %0) #0 {\nentry:\n  unreachable\n}\n\n"                     \
    "define protected dllexport void @t0(ptr %0, ptr %1, ptr %2, ptr %3) #1 {\nentry:\n  ret void\n}\n\n"
#define IR_F(n) "define protected dllexport i32 @f" n "(ptr %0, i32 %1) #1 {\nentry:\n  ret i32 " n "\n}\n\n"
#define IR_TAIL                                                                                                        \
    "; Function Attrs: x\ndeclare i32 @llvm.ctpop.i32(i32) #2\n\nattributes #0 = { cold uwtable }\n"                   \
    "attributes #1 = { strictfp uwtable \"no-stack-arg-probe\" }\n\n!0 = !{}\n"

static const struct wl_aot_table no_table = {0};
static const struct wl_aot_how plain = {.table = &no_table};

static int split(const char *text, size_t part_bytes, struct wl_aot_ir *ret, struct wl_err *err) {
    WL_AUTOFREE char *path = put("wasm.ll", text, strlen(text));

    return wl_aot_ir_split(path, dir, part_bytes, &plain, ret, err);
}

static void test_split_one(void **state) {
    struct wl_aot_ir ir = {0};
    struct wl_err err;
    char *text;

    (void)state;
    assert_ok(split(IR_HEAD IR_F("0") IR_F("1") IR_TAIL, 0, &ir, &err));
    assert_int_equal(ir.n_parts, 1);
    assert_int_equal(ir.n_functions, 2);
    assert_int_equal(ir.n_types, 2);
    assert_int_equal(ir.version, 1);
    assert_null(ir.bound_to);
    text = get(ir.parts[0].path);
    assert_non_null(strstr(text, "@intrinsics = hidden global ptr null\n"));
    assert_non_null(strstr(text, "@t1 = hidden alias void (ptr, ptr, ptr, ptr), ptr @t0\n"));
    assert_non_null(strstr(text, "define hidden i32 @f1(ptr %0, i32 %1) #1 {\nentry:\n  ret i32 1\n}\n"));
    assert_non_null(strstr(text, "define private void @trap(i32 %0) #0 {\nentry:\n  unreachable\n}\n"));
    /* nothing of the host, of the module's copy, or of unwind tables */
    assert_null(strstr(text, "triple"));
    assert_null(strstr(text, "wasm.code"));
    assert_null(strstr(text, "uwtable"));
    assert_null(strstr(text, "dllexport"));
    assert_null(strstr(text, "declare hidden"));
    free(text);
    wl_aot_ir_release(&ir);
}

static void test_split_many(void **state) {
    struct wl_aot_ir ir = {0};
    struct wl_err err;
    char *text;

    (void)state;
    /* every function a part of its own; type wrappers stay together */
    assert_ok(split(IR_HEAD IR_F("0") "define protected dllexport i32 @f1(ptr %0, i32 %1) #1 {\nentry:\n"
                                      "  %2 = call i32 @f0(ptr %0, i32 %1) #1\n  ret i32 %2\n}\n\n" IR_F("2") IR_TAIL,
                    1, &ir, &err));
    assert_int_equal(ir.n_parts, 4);
    text = get(ir.parts[2].path);
    assert_non_null(strstr(text, "@intrinsics = external hidden global ptr\n"));
    /* what it calls, and nothing else */
    assert_non_null(strstr(text, "declare hidden i32 @f0(ptr %0, i32 %1) #1 \n"));
    assert_null(strstr(text, "declare hidden void @t0("));
    assert_null(strstr(text, "declare hidden i32 @f1("));
    assert_null(strstr(text, "declare hidden i32 @f2("));
    assert_non_null(strstr(text, "define hidden i32 @f1("));
    assert_null(strstr(text, "define hidden i32 @f2("));
    assert_non_null(strstr(text, "define private void @trap("));
    assert_null(strstr(text, "@t1 ="));
    free(text);
    wl_aot_ir_release(&ir);
}

/* A line longer than the reader's piece passes whole. */
static void test_split_long_line(void **state) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_aot_ir ir = {0};
    struct wl_err err;
    char *text;

    (void)state;
    wl_buf_adds(&b, IR_HEAD "define protected dllexport i32 @f0(ptr %0) #1 {\nentry:\n  %x = phi i32 ");
    for (int i = 0; i < 20000; i++)
        wl_buf_addf(&b, "[ %d, %%b ], ", i);
    wl_buf_adds(&b, "END\n}\n\n" IR_TAIL);
    assert_ok(split(wl_buf_str(&b), 0, &ir, &err));
    text = get(ir.parts[0].path);
    assert_non_null(strstr(text, "[ 19999, %b ], END\n}\n"));
    free(text);
    wl_aot_ir_release(&ir);
}

static void test_split_refused(void **state) {
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "cut off"},
        {IR_HEAD IR_F("0"), "cut off"},
        {IR_HEAD IR_F("0") IR_F("2") IR_TAIL, "cut off"},
        {IR_HEAD "define protected dllexport i32 @f0(ptr %0) #1 {\nentry:\n", "cut off"},
        {IR_HEAD "define protected dllexport i32 @main(ptr %0) #1 {\n}\n" IR_TAIL, "cannot be understood"},
        {IR_HEAD "define dso_local i32 @f0(ptr %0) #1 {\n}\n" IR_TAIL, "does not write"},
        {IR_HEAD "@t9 = protected dllexport alias" IR_TAIL, "does not write"},
        {IR_HEAD IR_F("0") "declare <16 x i8> @llvm.x86.avx2.pshuf.b(<16 x i8>) #2\n" IR_TAIL, "llvm.x86.avx2.pshuf.b"},
        {IR_HEAD IR_F("0") "declare i32 @llvm.x86.xop.vphaddbw(i32) #2\n" IR_TAIL, "another machine"},
    };
    struct wl_aot_ir ir = {0};
    struct wl_err err;

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++)
        assert_fails(split(cases[i].text, 0, &ir, &err), WL_FAILED, cases[i].part);
    assert_fails(wl_aot_ir_split("/nonexistent/x.ll", dir, 0, &plain, &ir, &err), WL_FAILED, "/nonexistent/x.ll");
}

static void test_split_bound(void **state) {
    struct wl_aot_ir ir = {0};
    struct wl_err err;

    (void)state;
    assert_ok(split(IR_HEAD IR_F("0") "declare i32 @llvm.x86.sse41.ptestz(i32) #2\n" IR_TAIL, 0, &ir, &err));
    assert_string_equal(ir.bound_to, "x86_64");
    wl_aot_ir_release(&ir);
}

#define HOST(all, slot, host, n)                                                                                       \
    "  %" all " = load ptr, ptr @intrinsics, align 8, !invariant.group !1\n  %" slot                                   \
    " = getelementptr inbounds [23 x ptr], ptr %" all ", i64 0, i64 " n "\n  %" host " = load ptr, ptr %" slot         \
    ", align 8\n"

/* Indirect calls look into the table that is known, with the first of equal types; other calls stay. */
static void test_split_table(void **state) {
    static const char body[] =
        IR_HEAD
            IR_F("0") "define protected dllexport i32 @f1(ptr %0, i32 %1) #1 {\nentry:\n" HOST("62", "63", "64", "18") "  %65 = tail call ptr %64(i32 0, i32 3, i32 %61) #6\n" HOST(
                "72", "73", "74",
                "18") "  %75 = call ptr %74(i32 0, i32 1, i32 %1) #6\n" HOST("82", "83", "84",
                                                                             "18") "  %85 = call ptr %84(i32 1, i32 1, "
                                                                                   "i32 "
                                                                                   "%1) #6\n" HOST(
                                                                                       "92", "93", "94",
                                                                                       "18") "  %95 = call ptr "
                                                                                             "%94(i32 0, i32 "
                                                                                             "9, i32 %1) "
                                                                                             "#6\n" HOST(
                                                                                                 "102", "103", "104",
                                                                                                 "17") "  %105 = call "
                                                                                                       "ptr %104(i32 "
                                                                                                       "0, i32 1, i32 "
                                                                                                       "%1) #6\n"
                                                                                                       "  br label "
                                                                                                       "%later\n\nlater"
                                                                                                       ":   ; preds = "
                                                                                                       "%entry\n"
                                                                                                       "  %106 = "
                                                                                                       "alloca i8, i64 "
                                                                                                       "16, align 16\n"
                                                                                                       "  %107 = "
                                                                                                       "alloca i8, i64 "
                                                                                                       "32, align 16\n"
                                                                                                       "  %108 = "
                                                                                                       "alloca i8, i64 "
                                                                                                       "5000, align "
                                                                                                       "16\n"
                                                                                                       "  %96 = call "
                                                                                                       "i32 %65(ptr "
                                                                                                       "%0, i32 0, i32 "
                                                                                                       "1, i32 %1) "
                                                                                                       "#6\n}"
                                                                                                       "\n\n" IR_TAIL;
    struct wl_aot_slot slots[] = {{WL_AOT_NO_FUNCTION, 0}, {1, 1}};
    uint32_t first[] = {0, 1, 2, 1};
    struct wl_aot_table table = {slots, 2, first, 4};
    struct wl_aot_how how = {.table = &table};
    WL_AUTOFREE char *path = put("wasm.ll", body, sizeof(body) - 1);
    struct wl_aot_ir ir = {0};
    struct wl_err err;
    char *text;

    (void)state;
    assert_ok(wl_aot_ir_split(path, dir, 0, &how, &ir, &err));
    assert_int_equal(ir.n_lookups, 2);
    text = get(ir.parts[0].path);
    assert_non_null(strstr(text, "  %65 = tail call ptr @wl.lookup(i32 1, i32 %61) #6\n"));
    assert_non_null(strstr(text, "  %75 = call ptr @wl.lookup(i32 1, i32 %1) #6\n"));
    assert_non_null(strstr(text, "  %85 = call ptr %84(i32 1, i32 1, i32 %1) #6\n"));
    assert_non_null(strstr(text, "  %95 = call ptr %94(i32 0, i32 9, i32 %1) #6\n"));
    assert_non_null(strstr(text, "  %105 = call ptr %104(i32 0, i32 1, i32 %1) #6\n"));
    assert_non_null(strstr(text, "entry:\n  %wl.scratch.0 = alloca i8, i64 32, align 16\n"));
    assert_non_null(strstr(text, "  %106 = getelementptr inbounds i8, ptr %wl.scratch.0, i64 0\n"));
    assert_non_null(strstr(text, "  %107 = getelementptr inbounds i8, ptr %wl.scratch.1, i64 0\n"));
    assert_non_null(strstr(text, "  %108 = alloca i8, i64 5000, align 16\n"));
    assert_non_null(strstr(text, "  %96 = call i32 %65(ptr %0, i32 0, i32 1, i32 %1) #6\n"));
    assert_non_null(strstr(text, "{ i32 -1, i32 0 },\n  { i32, i32 } { i32 1, i32 trunc"));
    free(text);
    wl_aot_ir_release(&ir);
    slots[1].function = 2;
    assert_fails(wl_aot_ir_split(path, dir, 0, &how, &ir, &err), WL_FAILED, "names function 2 of 2");
}

/* A function of lines, as it is written, in all parts; how may be NULL for the plain way. */
static char *written(const char *lines, const struct wl_aot_how *how) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    WL_AUTOFREE char *path = NULL;
    struct wl_aot_ir ir = {0};
    struct wl_err err;
    char *text;

    wl_buf_adds(&b, IR_HEAD "define protected dllexport i32 @f0(ptr noalias readonly %0, i32 %1) #1 {\nentry:\n");
    wl_buf_adds(&b, lines);
    wl_buf_adds(&b, "}\n\n" IR_F("1") IR_TAIL);
    path = put("wasm.ll", b.p, b.len);
    assert_ok(wl_aot_ir_split(path, dir, 0, how ? how : &plain, &ir, &err));
    wl_buf_clear(&b);
    for (size_t i = 0; i < ir.n_parts; i++) {
        text = get(ir.parts[i].path);
        wl_buf_adds(&b, text);
        free(text);
    }
    wl_aot_ir_release(&ir);
    return wl_buf_steal(&b);
}

#define CONTEXT(n, field)                                                                                              \
    "  %" n "1 = extractvalue %ExecCtx %2, " field "\n  %" n "2 = getelementptr inbounds ptr, ptr %" n "1, i64 " field \
    "\n  %" n "3 = load ptr, ptr %" n "2, align 8, !invariant.group !1\n"

/* Accesses to the memory, the places of globals, moves: written so that LLVM understands more. */
static void test_lines(void **state) {
    static const char lines[] =
        CONTEXT("1", "0") "  %14 = load volatile i32, ptr %13, align 1\n"
                          "  store volatile i8 %9, ptr %13, align 1\n" CONTEXT(
                              "2", "1") "  %24 = load i32, ptr %23, align 4\n"
                                        "  store i32 7, ptr %23, align 4\n"
                                        "  store i32 7, ptr %3, align 4\n"
                                        "  %30 = load ptr, ptr @intrinsics, align 8, !invariant.group !1\n"
                                        "  %31 = getelementptr inbounds [23 x ptr], ptr %30, i64 0, i64 3\n"
                                        "  %32 = load ptr, ptr %31, align 8\n"
                                        "  call void %32(i32 0, i32 0, i32 %14, i32 %24, i32 64) #6\n"
                                        "  tail call void %32(i32 0, i32 0, i32 %14, i32 %24, i32 65) #6\n"
                                        "  %33 = getelementptr inbounds [23 x ptr], ptr %30, i64 0, i64 4\n"
                                        "  %34 = load ptr, ptr %33, align 8\n"
                                        "  call void %34(i32 0, i32 %14, i8 0, i32 %24) #6\n"
                                        "  %35 = getelementptr inbounds [23 x ptr], ptr %30, i64 0, i64 5\n"
                                        "  %36 = load ptr, ptr %35, align 8\n"
                                        "  call void %36(i32 0, i32 0, i32 %14, i32 %24, i32 3) #6\n"
                                        "  ret i32 0\n";
    const struct wl_aot_how loads = {.table = &no_table, .loads = true};
    char *text;

    (void)state;
    text = written(lines, NULL);
    assert_non_null(strstr(text, "  %14 = load volatile i32, ptr %13, align 1, !tbaa !903\n"));
    assert_non_null(strstr(text, "  %wl.part.21 = getelementptr inbounds i8, ptr %0, i64 8\n"
                                 "  %21 = load ptr, ptr %wl.part.21, align 8, !invariant.load !905\n"));
    assert_non_null(strstr(text, "  %13 = load ptr, ptr %12, align 8, !invariant.load !905\n"));
    assert_non_null(strstr(text, "  %24 = load i32, ptr %23, align 4, !tbaa !904\n"));
    assert_non_null(strstr(text, "  store i32 7, ptr %23, align 4, !tbaa !904\n"));
    assert_non_null(strstr(text, "  store i32 7, ptr %3, align 4\n"));
    assert_non_null(strstr(text, "  call void @wl.copy.here(ptr %0, ptr %32, i32 %14, i32 %24, i32 64) #6\n"));
    assert_non_null(strstr(text, "  tail call void @wl.copy(ptr %0, ptr %32, i32 %14, i32 %24, i32 65) #6\n"));
    assert_non_null(strstr(text, "  call void @wl.fill(ptr %0, ptr %34, i32 %14, i8 0, i32 %24) #6\n"));
    assert_non_null(strstr(text, "  call void %36(i32 0, i32 0, i32 %14, i32 %24, i32 3) #6\n"));
    free(text);
    text = written(lines, &loads);
    assert_non_null(strstr(text, "  %14 = load i32, ptr %13, align 1, !tbaa !903\n"));
    assert_non_null(strstr(text, "  store i8 %9, ptr %13, align 1, !tbaa !903\n"));
    assert_null(strstr(text, "load volatile i32"));
    assert_null(strstr(text, "store volatile i8"));
    free(text);
}

/* A function of an interpreter: its returns go on, its memory comes in a register; the loop enters. */
static void test_threaded(void **state) {
    static const char lines[] = CONTEXT("1", "0") "  ret i32 0\nother:\n  ret i32 -1\nlast:\n  ret i32 %7\n";
    static const char loop[] = "  %24 = load i32, ptr %3, align 4\n  %41 = call ptr %40(i32 0, i32 0, i32 %37) #6\n  "
                               "%45 = call i32 %41(ptr %0, i32 %24) #6\n";
    struct wl_aot_slot slots[] = {{0, 0}, {WL_AOT_NO_FUNCTION, 0}};
    uint32_t first[] = {0};
    enum wl_aot_kind kinds[] = {WL_BODY_EARLY, WL_BODY_NONE};
    struct wl_aot_table table = {slots, 2, first, 1};
    struct wl_aot_thread thread = {.found = true,
                                   .loop = 1,
                                   .state = 4,
                                   .next = 8,
                                   .has_flag = true,
                                   .flag = 3,
                                   .n = 2,
                                   .body = kinds,
                                   .n_functions = 2,
                                   .n_bodies = 1};
    bool outside[] = {true, false};
    struct wl_aot_pin pin = {.on = true, .outside = outside, .n_functions = 2};
    const struct wl_aot_how how = {.table = &table, .pin = &pin, .thread = &thread};
    char *text = written(lines, &how);

    (void)state;
    assert_non_null(strstr(text, "define hidden i32 @f0(ptr noalias readonly %0, i32 %1) #1 {\n"));
    assert_non_null(
        strstr(text, "define hidden i32 @g0(ptr noalias readonly %0, ptr swiftself %memory, i32 %1) #1 {\n"));
    assert_non_null(strstr(text, "  %pair = call preserve_nonecc { i32, i32 } @w0("));
    assert_non_null(strstr(text, "define hidden preserve_nonecc { i32, i32 } @w0("));
    assert_non_null(strstr(text, "define hidden preserve_nonecc { i32, i32 } @h0("));
    assert_non_null(strstr(text, "  %13 = getelementptr inbounds i8, ptr %wl.memory, i64 0\n"));
    assert_non_null(strstr(text, "  %wl.z.0 = icmp eq i32 0, 0\n"));
    assert_non_null(strstr(text, "wl.zero.0:\n  %wl.m.0 = icmp ne ptr %wl.table, null\n"));
    assert_non_null(strstr(text, "  %wl.z.1 = icmp eq i32 -1, 0\n"));
    assert_non_null(strstr(text, "  %wl.z.2 = icmp eq i32 %7, 0\n"));
    assert_non_null(strstr(text, "other:\n  %wl.d.1 = load i1, ptr %wl.called"));
    assert_null(strstr(text, "wl.more.2:"));
    assert_non_null(strstr(text, "@wl.offsets = hidden constant [2 x i32] ["));
    assert_non_null(strstr(text, "@wl.bodies = hidden global [2 x ptr] zeroinitializer"));
    free(text);
    kinds[0] = WL_BODY_NONE;
    thread.loop = 0;
    text = written(loop, &how);
    assert_non_null(
        strstr(text, "  %45 = call i32 @wl.enter(ptr %0, ptr %wl.memory, i32 %24, ptr %41, i32 %37, ptr %3) #6\n"));
    free(text);
}

/* A function that goes on in another one, keeps the stack pointer in a register, and knows where the flag is clear. */
static void test_threaded_ways(void **state) {
    static const char lines[] = "  %2 = alloca i32, align 4\n  store i32 %1, ptr %2, align 4\n" CONTEXT(
        "1", "1") "  %14 = load i32, ptr %13, align 4\n  %15 = sub i32 %14, 16\n  store i32 %15, ptr %13, align 4\n"
                  "  %20 = load i32, ptr %2, align 4\n"
                  "  %21 = tail call i32 @f1(ptr %0, i32 %20) #6\n"
                  "  %31 = extractvalue %ExecCtx %2, 1\n  %32 = getelementptr inbounds ptr, ptr %31, i64 3\n"
                  "  %33 = load ptr, ptr %32, align 8, !invariant.group !1\n"
                  "  %34 = load i32, ptr %33, align 4\n  %35 = icmp ne i32 %34, 0\n"
                  "  br i1 %35, label %out, label %on\n"
                  "on:                                   ; preds = %entry\n"
                  "  %40 = load i32, ptr %2, align 4\n"
                  "  %41 = call i32 @f1(ptr %0, i32 %40) #6\n  ret i32 %41\n"
                  "out:                                  ; preds = %entry\n"
                  "  %50 = call i32 @f1(ptr %0, i32 %15) #6\n  ret i32 %50\n"
                  "other:                                ; preds = %on, %out\n"
                  "  %60 = call i32 @f2(ptr %0, i32 %15) #6\n  ret i32 %60\n";
    struct wl_aot_slot slots[] = {{0, 0}, {WL_AOT_NO_FUNCTION, 0}};
    uint32_t first[] = {0};
    enum wl_aot_kind kinds[] = {WL_BODY_PLAIN, WL_BODY_EARLY};
    bool some[] = {true, false}, outside[] = {true, false};
    struct wl_aot_table table = {slots, 2, first, 1};
    struct wl_aot_thread thread = {.found = true,
                                   .loop = 7,
                                   .has_flag = true,
                                   .flag = 3,
                                   .n = 2,
                                   .body = kinds,
                                   .n_functions = 2,
                                   .n_bodies = 2,
                                   .tail = {.has = some},
                                   .stack = {.found = true, .global = 1, .moves = some}};
    struct wl_aot_pin pin = {.on = true, .outside = outside, .n_functions = 2};
    const struct wl_aot_how how = {.table = &table, .pin = &pin, .thread = &thread};
    char *text = written(lines, &how), *at;

    (void)state;
    /* a call with the state whose result is used is a call, and one with another state too */
    assert_non_null(strstr(text, "  %21 = tail call i32 @g1(ptr %0, ptr swiftself %wl.memory, i32 %20) cold #6\n"));
    assert_non_null(strstr(text, "  %50 = call i32 @g1("));
    assert_null(strstr(text, "%41 = "));
    at = strstr(text, "  %wl.to.0 = load i32, ptr %wl.there");
    assert_non_null(at);
    assert_non_null(strstr(at, "  %wl.t.0 = musttail call preserve_nonecc { i32, i32 } @w1(ptr noalias readonly %0, "));
    assert_null(strstr(text, "@wl.t.1"));
    /* its global is in the variable, but around calls; the other one is not */
    assert_non_null(strstr(text, "  %wl.spc = getelementptr inbounds ptr, ptr %wl.spb, i64 1\n"));
    assert_non_null(strstr(text, "  %14 = load i32, ptr %wl.sp, align 4\n"));
    assert_non_null(strstr(text, "  store i32 %15, ptr %wl.sp, align 4\n"));
    assert_non_null(strstr(text, "  %34 = load i32, ptr %33, align 4"));
    at = strstr(text, "  store i32 %wl.sp.0, ptr %wl.spg");
    assert_non_null(at);
    at = strstr(at, "%21 = tail call");
    assert_non_null(at);
    assert_non_null(strstr(at, "  store i32 %wl.spv, ptr %wl.spg"));
    /* the flag */
    assert_non_null(strstr(text, "; preds = %entry\n  store i1 false, ptr %wl.called, align 1\n  %40 = "));
    assert_null(strstr(text, "; preds = %entry\n  store i1 false, ptr %wl.called, align 1\n  %50 = "));
    assert_null(strstr(text, "; preds = %on, %out\n  store i1 false"));
    free(text);
    /* what cannot set it leaves it clear */
    thread.sets = some;
    some[0] = false;
    thread.tail.has = thread.stack.moves = outside;
    text = written("  %16 = call i32 @f0(ptr %0, i32 %14) #6\n  ret i32 0\n", &how);
    assert_null(strstr(text, "  store i1 true, ptr %wl.called"));
    free(text);
    some[0] = true;
    text = written("  %16 = call i32 @f0(ptr %0, i32 %14) #6\n  ret i32 0\n", &how);
    assert_non_null(strstr(text, "  store i1 true, ptr %wl.called"));
    free(text);
}

#define WHOLE                                                                                                          \
    "define hidden preserve_nonecc { i32, i32 } @w7(ptr noalias readonly %0, ptr %wl.memory, i64 %wl.wide, ptr "       \
    "%wl.table, i64 %wl.op) #1 {\n"                                                                                    \
    "entry:\n  %3 = alloca i32, align 4\n  store i32 %1, ptr %3, align 4\n"
#define ON "  %v = musttail call preserve_nonecc { i32, i32 } %wl.b(ptr %0)\n  ret { i32, i32 } %v\n"

/* What comes of a body, w7, behind it. Freed by the next call. */
static const char *ways(const char *lines) {
    static char *out;
    char *text = wl_sprintf("define i32 @g7() {\n}\n%s%s}\n", WHOLE, lines);
    size_t before = strlen(text), n;
    FILE *f;

    free(out);
    out = NULL;
    f = open_memstream(&out, &n);
    assert_non_null(f);
    wl_aot_fast_write(f, text, before, 7);
    assert_int_equal(fclose(f), 0);
    free(text);
    assert_true(wl_starts(out, "define i32 @g7() {\n}\n" WHOLE) && n > before);
    return out + before;
}

/* The usual ways of a body: a jump to the whole one in the place of a call that nothing was written before. */
static void test_fast(void **state) {
    static const char jump[] =
        " = musttail call preserve_nonecc { i32, i32 } @w7(ptr noalias readonly %0, ptr %wl.memory, ";
    static const char same[] = "@h7 = hidden alias { i32, i32 } (ptr, ptr, i64, ptr, i64), ptr @w7\n";
    const char *text, *at;

    (void)state;
    text = ways("  br i1 %4, label %slow, label %usual\n\n"
                "slow:                                      ; preds = %entry\n"
                "  %5 = call i32 @g9(ptr %0) cold #6\n  br label %join\n"
                "usual:\n  %6 = tail call double @llvm.experimental.constrained.fmul.f64(double %8, double %9)\n"
                "  br label %join\n"
                "join:\n  %10 = phi i32 [ %5, %slow ], [ 3, %usual ]\n  store i32 %10, ptr %11, align 1\n"
                "  switch i32 %10, label %end [\n    i32 0, label %late\n    i32 1, label %tail\n  ]\n"
                "late:\n  call void @g8(ptr %0) cold #6\n  br label %end\n"
                "tail:\n  %t = musttail call preserve_nonecc { i32, i32 } @w4(ptr %0)\n  ret { i32, i32 } %t\n"
                "end:\n  %12 = phi i32 [ 1, %late ], [ 2, %join ]\n" ON);
    assert_true(wl_starts(text, "define hidden preserve_nonecc { i32, i32 } @h7(ptr noalias readonly %0, "));
    assert_non_null(strstr(text, "ptr nonnull %wl.table, i64 %wl.op) #1 align 64 {\nentry:\n"));
    at = strstr(text, "slow:\n  %wl.w.");
    assert_non_null(at);
    assert_non_null(strstr(at, jump));
    assert_null(strstr(text, "@g9"));
    assert_non_null(strstr(text, "  %10 = phi i32 [ 3, %usual ]\n"));
    assert_non_null(strstr(text, "late:\n  call void @g8(ptr %0) cold #6\n")); /* something was written */
    assert_non_null(strstr(text, "  %12 = phi i32 [ 1, %late ], [ 2, %join ]\n"));
    assert_non_null(strstr(text, "musttail call preserve_nonecc { i32, i32 } @h4(ptr %0)\n"));
    assert_null(strstr(text, same));
    /* blocks behind such a call are not there; a loop that writes is no way back to one that did not */
    text = ways("  br i1 %4, label %slow, label %turn\n"
                "slow:\n  %5 = load i32, ptr %wl.sp, align 4\n  store i32 %5, ptr %wl.spg, align 4\n"
                "  call void @g9(ptr %0)\n  br label %behind\n"
                "behind:\n  br label %end\n"
                "turn:\n  br i1 %6, label %again, label %end\n"
                "again:\n  call void @g8(ptr %0)\n  br label %write\n"
                "write:\n  store i32 1, ptr %11, align 1\n  br label %turn\n"
                "end:\n  br i1 %8, label %rare, label %most\n"
                "most:\n  store i32 1, ptr %11, align 1\n  br label %rare\n"
                "rare:\n  br i1 %9, label %call, label %out\n"
                "call:\n  call void @g6(ptr %0)\n  br label %out\n"
                "out:\n" ON);
    assert_non_null(strstr(text, "slow:\n  %5 = load i32, ptr %wl.sp, align 4\n  %wl.w."));
    assert_null(strstr(text, "@g9"));
    assert_null(strstr(text, "behind:"));
    assert_non_null(strstr(text, "again:\n  %wl.w."));
    assert_null(strstr(text, "@g8"));
    assert_null(strstr(text, "write:"));
    assert_non_null(strstr(text, "call:\n  call void @g6(ptr %0)\n")); /* on one of the ways something was written */
    /* every way calls; a copy, atomic and unknown places are writes, and the first is a call */
    assert_string_equal(ways("  call void @wl.copy(ptr %0)\n" ON), same);
    text = ways("  %7 = atomicrmw add ptr %3, i32 1 seq_cst\n  br i1 %4, label %slow, label %end\n"
                "slow:\n  call void @g9(ptr %0)\n  br label %end\nend:\n" ON);
    assert_non_null(strstr(text, "slow:\n  call void @g9("));
    /* what is not understood */
    assert_string_equal(ways("  br label %nowhere\n" ON), same);
    assert_string_equal(ways("  ret { i32, i32 } %3\n"), same);
    assert_string_equal(ways(ON "}\n}"), same);
}

/* The start of the memory goes along with every call inside of the module; others get in through f<n>. */
static void test_pinned(void **state) {
    static const char lines[] = CONTEXT("1", "0") "  %16 = call i32 @f1(ptr %0, i32 %14) #6\n"
                                                  "  %17 = tail call i32 %16(ptr %0) #6\n"
                                                  "  call void %18(i32 0, i32 0, i32 %14)\n"
                                                  "  call void @llvm.assume(i1 true)\n  ret i32 %17\n";
    bool outside[] = {true, false};
    struct wl_aot_pin pin = {.on = true, .outside = outside, .n_functions = 2};
    const struct wl_aot_how how = {.table = &no_table, .pin = &pin};
    char *text = written(lines, &how);

    (void)state;
    assert_non_null(strstr(text, "define hidden i32 @f0(ptr noalias readonly %0, i32 %1) #1 {\n"));
    assert_non_null(
        strstr(text, "  %result = call i32 @g0(ptr %0, ptr swiftself %memory, i32 %1) noinline strictfp\n"));
    assert_non_null(
        strstr(text, "define hidden i32 @g0(ptr noalias readonly %0, ptr swiftself %wl.memory, i32 %1) #1"));
    assert_non_null(strstr(text, "  %13 = getelementptr inbounds i8, ptr %wl.memory, i64 0\n"));
    assert_non_null(strstr(text, "  %16 = call i32 @g1(ptr %0, ptr swiftself %wl.memory, i32 %14) #6\n"));
    assert_non_null(strstr(text, "  %17 = tail call i32 %16(ptr %0, ptr swiftself %wl.memory) #6\n"));
    assert_non_null(strstr(text, "  call void %18(i32 0, i32 0, i32 %14)\n  call void @llvm.assume(i1 true)\n"));
    assert_non_null(strstr(text, "@f1 = hidden alias void (), ptr @wl.never\n"));
    free(text);
    pin.on = false;
    text = written(lines, &how);
    assert_non_null(strstr(text, "  %16 = call i32 @f1(ptr %0, i32 %14) #6\n"));
    assert_null(strstr(text, "@g0"));
    free(text);
}

/* --- The table --- */

#define W_HEAD "\0asm\1\0\0\0"
/* the types ()->(), (i32)->() and ()->() again; one imported function; functions 1 to 3 of types 0, 1, 2 */
#define W_TYPES "\1\x0b\3\x60\0\0\x60\1\x7f\0\x60\0\0"
#define W_IMPORT "\2\7\1\1m\1f\0\0"
#define W_FUNCS "\3\4\3\0\1\2"
#define W_TABLE "\4\4\1\x70\0\6"
#define W_EXPORT "\7\5\1\1t\1\0"
#define W_ELEM "\x09\x0a\1\0\x41\1\x0b\4\3\2\0\1"
#define W_ELEM_BEYOND "\x09\7\1\0\x41\6\x0b\1\3"
#define W_CODE(x) "\x0a\x0c\3\2\0\x0b\2\0\x0b\4\0" x "\x0b"

static int table_of(const char *p, size_t n, struct wl_aot_table *ret, struct wl_err *err) {
    return wl_aot_table_read((struct wl_blob){(const uint8_t *)p, n}, ret, err);
}

static void pin_of(const char *p, size_t n, bool on, const char *outside) {
    struct wl_aot_pin pin = {0};
    struct wl_err err;

    assert_ok(wl_aot_pin_read((struct wl_blob){(const uint8_t *)p, n}, &pin, &err));
    assert_int_equal(pin.on, on);
    for (uint32_t i = 0; i < pin.n_functions; i++)
        assert_int_equal(pin.outside[i], outside[i] == 'x');
    wl_aot_pin_release(&pin);
}

/* Who can be called from outside: what is exported, starts, is in a table or named. */
static void test_pin(void **state) {
    static const char memory[] = W_HEAD "\1\4\1\x60\0\0"
                                        "\3\6\5\0\0\0\0\0" W_TABLE "\5\3\1\0\1"
                                        "\7\5\1\1t\0\0"
                                        "\x08\1\1"
                                        "\x09\7\1\0\x41\1\x0b\1\2"
                                        "\x0a\x13\5\2\0\x0b\2\0\x0b\2\0\x0b\2\0\x0b\5\0\xd2\3\x1a\x0b";
    static const char tail[] = W_HEAD "\1\4\1\x60\0\0"
                                      "\3\2\1\0"
                                      "\5\3\1\0\1"
                                      "\x0a\6\1\4\0\x12\0\x0b";
    static const char none[] = W_HEAD W_TYPES W_IMPORT W_FUNCS W_TABLE W_ELEM W_CODE("\1\1");

    (void)state;
    pin_of(memory, sizeof(memory) - 1, true, "xxxx ");
    pin_of(tail, sizeof(tail) - 1, false, " ");
    pin_of(none, sizeof(none) - 1, false, "xxxx");
}

static void test_table(void **state) {
    static const char known[] = W_HEAD W_TYPES W_IMPORT W_FUNCS W_TABLE W_ELEM W_CODE("\1\1");
    static const char exported[] = W_HEAD W_TYPES W_IMPORT W_FUNCS W_TABLE W_EXPORT W_ELEM W_CODE("\1\1");
    static const char beyond[] = W_HEAD W_TYPES W_IMPORT W_FUNCS W_TABLE W_ELEM_BEYOND W_CODE("\1\1");
    static const char written[] = W_HEAD W_TYPES W_IMPORT W_FUNCS W_TABLE W_ELEM "\x0a\x10\3\2\0\x0b\2\0\x0b\x08\0"
                                                                                 "\x41\0\xd0\x70\x26\0\x0b";
    struct wl_aot_table t = {0};
    struct wl_err err;

    (void)state;
    assert_ok(table_of(known, sizeof(known) - 1, &t, &err));
    assert_int_equal(t.n, 6);
    assert_int_equal(t.slots[0].function, WL_AOT_NO_FUNCTION);
    assert_int_equal(t.slots[1].function, 3);
    assert_int_equal(t.slots[1].type, 0); /* 2 is the same type */
    assert_int_equal(t.slots[2].function, 2);
    assert_int_equal(t.slots[2].type, 1);
    assert_int_equal(t.slots[3].function, WL_AOT_NO_FUNCTION); /* imported */
    assert_int_equal(t.slots[4].function, 1);
    assert_int_equal(t.slots[5].function, WL_AOT_NO_FUNCTION);
    assert_int_equal(t.first_type[2], 0);
    wl_aot_table_release(&t);
    assert_ok(table_of(exported, sizeof(exported) - 1, &t, &err));
    assert_int_equal(t.n, 0);
    assert_ok(table_of(beyond, sizeof(beyond) - 1, &t, &err));
    assert_int_equal(t.n, 0);
    assert_ok(table_of(written, sizeof(written) - 1, &t, &err));
    assert_int_equal(t.n, 0);
    assert_fails(table_of("nothing", 7, &t, &err), WL_FAILED, "not a WebAssembly module");
}

/* --- The file --- */

/* magic, a type section, a function section with one function, a code section */
static const char module[] = "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\x0b";
static const char module2[] = "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\x0b\0\4\3xyz";
/* version 1, Linux, x86_64, some code; and the same for aarch64 */
static const char code[] = "\0\x10\x08wasmedge\1\1\1code";
static const char code_arm[] = "\0\x10\x08wasmedge\1\1\2code";

#define BYTES(s) (s), sizeof(s) - 1

static char *universal(const char *name, const char *head, size_t n, const char *tail, size_t m) {
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};

    wl_buf_add(&b, head, n);
    wl_buf_add(&b, tail, m);
    return put(name, b.p, b.len);
}

static void set(char *to, size_t room, const char *text) {
    snprintf(to, room, "%s", text);
}

static char *precompiled(const char *name) {
    WL_AUTOFREE char *in = put("in.wasm", BYTES(module));
    WL_AUTOFREE char *uni = universal("universal.wasm", BYTES(module), BYTES(code));
    char *out = wl_path_join(dir, name);
    struct wl_aot_info info = {0};
    struct wl_err err;

    set(info.codes[0].arch, sizeof(info.codes[0].arch), "x86_64");
    set(info.codes[0].cpu, sizeof(info.codes[0].cpu), "x86-64-v2");
    set(info.codes[0].optimize, sizeof(info.codes[0].optimize), "2");
    set(info.compiler, sizeof(info.compiler), "sha256:c");
    set(info.wasmedge, sizeof(info.wasmedge), "sha256:w");
    assert_ok(wl_aot_adopt(in, uni, out, &info, &err));
    return out;
}

static void test_portable(void **state) {
    WL_AUTOFREE char *path = put("m.wasm", BYTES(module));
    struct wl_aot_info info;
    struct wl_digest want = wl_digest_of(BYTES(module));
    struct wl_err err;

    (void)state;
    assert_ok(wl_aot_verify(path, &info, &err));
    assert_false(info.is_aot);
    assert_int_equal(info.module_size, sizeof(module) - 1);
    assert_int_equal(info.n_functions, 1);
    assert_true(wl_digest_equal(&info.module, &want));
}

static void test_record(void **state) {
    WL_AUTOFREE char *path = precompiled("aot.wasm");
    WL_AUTOFREE char *again = precompiled("again.wasm");
    WL_AUTO(wl_buf_release) struct wl_buf a = {0}, b = {0};
    struct wl_aot_info info;
    struct wl_err err;

    (void)state;
    assert_ok(wl_aot_verify(path, &info, &err));
    assert_true(info.is_aot);
    assert_int_equal(info.n_codes, 1);
    assert_int_equal(info.module_size, sizeof(module) - 1);
    assert_true(wl_aot_has_arch(&info, "x86_64"));
    assert_false(wl_aot_has_arch(&info, "aarch64"));
    assert_string_equal(info.codes[0].cpu, "x86-64-v2");
    assert_string_equal(info.wasmedge, "sha256:w");
    assert_int_equal(info.codes[0].size, 7);
    assert_ok(wl_fs_read(path, 1 << 20, &a, &err));
    assert_ok(wl_fs_read(again, 1 << 20, &b, &err));
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.p, b.p, a.len);
    /* the module itself comes first, unchanged */
    assert_memory_equal(a.p, module, sizeof(module) - 1);
}

/* Any byte of module, record or code that changes is noticed. */
static void test_tampered(void **state) {
    WL_AUTOFREE char *path = precompiled("aot.wasm");
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_aot_info info;
    struct wl_err err;

    (void)state;
    assert_ok(wl_fs_read(path, 1 << 20, &b, &err));
    for (size_t i = 0; i < b.len; i++) {
        WL_AUTOFREE char *bad = NULL;

        b.p[i] ^= 1;
        bad = put("bad.wasm", b.p, b.len);
        /* the two kits and the cpu are words only; a record or code under another name is just another section */
        if (wl_aot_verify(bad, &info, &err) == 0 && info.is_aot) {
            const char *at = b.p + i;
            const char *record = memmem(b.p, b.len, "\"compiler\"", 10);
            const char *end = memmem(b.p, b.len, "\"digest\"", 8);

            if (at < record || at > end)
                fail_msg("a change of byte %zu of %zu passes", i, b.len);
        }
        b.p[i] ^= 1;
    }
}

static void test_mismatch(void **state) {
    WL_AUTOFREE char *path = precompiled("aot.wasm");
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    WL_AUTOFREE char *other = NULL;
    WL_AUTOFREE char *more = NULL;
    WL_AUTOFREE char *less = NULL;
    WL_AUTOFREE char *foreign = universal("foreign.wasm", BYTES(module), BYTES(code));
    WL_AUTOFREE char *none = put("none.wasm", "<?php", 5);
    struct wl_aot_info info;
    struct wl_err err;

    (void)state;
    assert_ok(wl_fs_read(path, 1 << 20, &b, &err));
    other = universal("other.wasm", BYTES(module2), b.p + sizeof(module) - 1, b.len - sizeof(module) + 1);
    assert_fails(wl_aot_verify(other, &info, &err), WL_FAILED, "made from another module");
    more = universal("more.wasm", b.p, b.len, BYTES(code_arm));
    assert_fails(wl_aot_verify(more, &info, &err), WL_FAILED, "its record does not name");
    less = put("less.wasm", b.p, b.len - (sizeof(code) - 1));
    assert_fails(wl_aot_verify(less, &info, &err), WL_FAILED, "is missing");
    assert_fails(wl_aot_verify(foreign, &info, &err), WL_FAILED, "without the record");
    assert_fails(wl_aot_verify(none, &info, &err), WL_FAILED, "not a WebAssembly module");
    assert_fails(wl_aot_verify("/nonexistent.wasm", &info, &err), WL_FAILED, "/nonexistent.wasm");
    /* cut off anywhere: an error or, at a section's end, another kind of module; never a crash */
    for (size_t n = 0; n < b.len; n++) {
        WL_AUTOFREE char *cut = put("cut.wasm", b.p, n);

        if (wl_aot_verify(cut, &info, &err) == 0)
            assert_false(info.is_aot);
    }
    /* precompiling twice is an error */
    memset(&info, 0, sizeof(info));
    assert_fails(wl_aot_adopt(path, foreign, other, &info, &err), WL_FAILED, "precompiled already");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_split_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_split_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_split_long_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_split_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_split_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_split_table, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threaded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threaded_ways, setup, teardown),
        cmocka_unit_test(test_fast),
        cmocka_unit_test_setup_teardown(test_pinned, setup, teardown),
        cmocka_unit_test(test_pin),
        cmocka_unit_test(test_table),
        cmocka_unit_test_setup_teardown(test_portable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tampered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mismatch, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
