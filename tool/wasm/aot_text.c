#include "aot_text.h"

#include <stdlib.h>
#include <string.h>

#include "../base/buf.h"
#include "aot_stack.h"

/* The runtime's functions that are known here, by their places (WasmEdge 0.11 to 0.14). */
#define INTRINSIC_COPY 3
#define INTRINSIC_FILL 4

#define INLINE_MAX 64 /* bytes that are moved in place */

void wl_aot_text_start(struct wl_aot_text *t, bool loads, bool has_memory) {
    *t = (struct wl_aot_text){.loads = loads, .has_memory = has_memory};
}

bool wl_aot_text_name(const char *at, char ret[WL_AOT_NAME]) {
    size_t n = *at == '%' ? 1 + strspn(at + 1, "0123456789") : 0;

    if (n < 2 || n >= WL_AOT_NAME)
        return false;
    memcpy(ret, at, n);
    ret[n] = '\0';
    return true;
}

/* Does the line read or write through this pointer ("ptr %12,")? */
static bool through(const char *line, const char *name) {
    const char *at = line;
    size_t n = strlen(name);

    if (n == 0)
        return false;
    while ((at = strstr(at, "ptr %")) != NULL) {
        at += 4;
        if (strncmp(at, name, n) == 0 && at[n] == ',')
            return true;
    }
    return false;
}

/* "  %31 = load volatile i32, ptr %30, align 1", "  store volatile i32 %19, ptr %24, align 1" */
static bool write_access(const struct wl_aot_text *t, FILE *out, const char *line, const char *end) {
    static const char word[] = " volatile";
    const char *at = strstr(line, "load volatile ");

    if (!at && !wl_starts(line, "  store volatile "))
        return false;
    at = strstr(line, word);
    if (t->loads)
        fprintf(out, "%.*s%.*s, " WL_AOT_MEMORY "\n", (int)(at - line), line, (int)(end - at - (long)strlen(word)),
                at + strlen(word));
    else
        fprintf(out, "%.*s, " WL_AOT_MEMORY "\n", (int)(end - line), line);
    return true;
}

/* "  %5 = extractvalue %ExecCtx %2, 0": the memories or the globals, loaded on their own. */
static bool write_field(struct wl_aot_text *t, FILE *out, const char *line, const char *name) {
    const char *at = strstr(line, " = extractvalue %ExecCtx %");
    char *behind;
    unsigned long field;

    at = at ? strrchr(at, ',') : NULL;
    if (!at)
        return false;
    field = strtoul(at + 1, &behind, 10);
    if (*behind != '\n' || field > 1)
        return false;
    t->field = field;
    memcpy(t->context, name, WL_AOT_NAME);
    fprintf(out,
            "  %%wl.part.%s = getelementptr inbounds i8, ptr %%0, i64 %lu\n"
            "  %s = load ptr, ptr %%wl.part.%s, align 8, " WL_AOT_SAME "\n",
            name + 1, field * 8, name, name + 1);
    return true;
}

/* "  %7 = load ptr, ptr %6, align 8, !invariant.group !1" */
static bool write_invariant(struct wl_aot_text *t, FILE *out, const char *line, const char *name) {
    const char *at = strstr(line, "!invariant.group !");
    bool memory, entry = through(line, t->entry);

    if (!at || !strstr(line, " = load ptr, ptr "))
        return false;
    memory = entry && t->field == 0;
    if (entry && t->field == 1) {
        memcpy(t->global, name, WL_AOT_NAME);
        t->which = t->number;
    }
    if (memory && t->has_memory)
        fprintf(out, "  %s = getelementptr inbounds i8, ptr %%wl.memory, i64 0\n", name);
    else
        fprintf(out, "%.*s" WL_AOT_SAME "\n", (int)(at - line), line);
    return true;
}

/* "  %22 = load i32, ptr %21, align 4", where %21 is the place of a global */
static bool write_global(const struct wl_aot_text *t, FILE *out, const char *line, const char *end) {
    if (!through(line, t->global) || (!strstr(line, " = load ") && !wl_starts(line, "  store ")))
        return false;
    if (t->has_stack && t->which == t->stack)
        fprintf(out, "%.*sptr " WL_AOT_STACK_PLACE ", align 4\n", (int)(strstr(line, "ptr %") - line), line);
    else
        fprintf(out, "%.*s, " WL_AOT_GLOBAL "\n", (int)(end - line), line);
    return true;
}

bool wl_aot_text_reads(const struct wl_aot_text *t, const char *line, unsigned long global) {
    return t->which == global && strstr(line, " = load i32, ") && through(line, t->global);
}

/* Notes what leads to a call of the runtime, or to the place of a memory or global. */
static void note(struct wl_aot_text *t, const char *line, const char *name) {
    const char *at;

    if (strstr(line, " = getelementptr inbounds ptr, ptr %") && through(line, t->context)) {
        /* the only memory is the first */
        at = strrchr(line, ' ');
        if (t->field == 1 || strcmp(at, " 0\n") == 0)
            memcpy(t->entry, name, WL_AOT_NAME);
        t->number = strtoul(at, NULL, 10);
    } else if (strstr(line, " = getelementptr inbounds [") && strstr(line, " x ptr], ptr %")) {
        at = strrchr(line, ' ');
        t->intrinsic = strtoul(at, NULL, 10);
        memcpy(t->slot, name, WL_AOT_NAME);
    } else if (through(line, t->slot) && strstr(line, " = load ptr, ptr %")) {
        memcpy(t->host, name, WL_AOT_NAME);
    }
}

/* Is the last operand a number up to INLINE_MAX? Then the function is worth its place at the call. */
static bool is_short(const char *call) {
    const char *close = strchr(call, ')');
    const char *at = close;
    char *behind;
    unsigned long n;

    while (at && at > call && at[-1] != ' ')
        at--;
    n = at ? strtoul(at, &behind, 10) : 0;
    return n > 0 && n <= INLINE_MAX && behind == close;
}

/* "  call void %261(i32 0, i32 0, i32 %d, i32 %s, i32 %n) #6" and "  call void %658(i32 0, i32 %d, i8 0, i32 %n) #6" */
static bool write_bulk(const struct wl_aot_text *t, FILE *out, const char *line) {
    static const char word[] = "call void %", copy[] = "(i32 0, i32 0, ", fill[] = "(i32 0, ";
    const char *at = strstr(line, word);
    const char *name = at ? at + strlen(word) - 1 : NULL;
    const char *operands, *function;
    size_t n = strlen(t->host);

    if (!at || at - line > 8 || n == 0 || strncmp(name, t->host, n) != 0)
        return false;
    if (t->intrinsic == INTRINSIC_COPY && wl_starts(name + n, copy)) {
        operands = name + n + strlen(copy);
        function = is_short(operands) ? "copy.here" : "copy";
    } else if (t->intrinsic == INTRINSIC_FILL && wl_starts(name + n, fill)) {
        operands = name + n + strlen(fill);
        function = is_short(operands) ? "fill.here" : "fill";
    } else {
        return false;
    }
    fprintf(out, "%.*scall void @wl.%s(ptr %s, ptr %s, %s", (int)(at - line), line, function,
            t->has_memory ? "swiftself %wl.memory" : "%0", t->host, operands);
    return true;
}

bool wl_aot_text_line(struct wl_aot_text *t, FILE *out, const char *line) {
    char name[WL_AOT_NAME] = "";
    const char *end = strchr(line, '\n');
    bool result;

    if (!end || !wl_starts(line, "  "))
        return false;
    result = wl_aot_text_name(line + 2, name) && wl_starts(line + 2 + strlen(name), " = ");
    if (write_access(t, out, line, end) || write_bulk(t, out, line) || write_global(t, out, line, end))
        return true;
    if (!result)
        return false;
    if (write_field(t, out, line, name) || write_invariant(t, out, line, name))
        return true;
    note(t, line, name);
    return false;
}

/* --- The functions, in pieces --- */

static const char copy_operands[] = "ptr %host, i32 %to, i32 %from, i32 %n)";

static const char copy_ask[] = "  %n64 = zext i32 %n to i64\n"
                               "  %to64 = zext i32 %to to i64\n"
                               "  %from64 = zext i32 %from to i64\n"
                               "  %less = add i32 %n, -1\n"
                               "  %small = icmp ult i32 %less, 64\n"
                               "  br i1 %small, label %here, label %large\n"
                               "large:\n"
                               "  %some = icmp ult i32 %less, 1024\n"
                               "  %gap = sub i64 %to64, %from64\n"
                               "  %apart = icmp uge i64 %gap, %n64\n"
                               "  %loops = and i1 %some, %apart\n"
                               "  br i1 %loops, label %begin, label %ask\n"
                               "ask:\n"
                               "  tail call void %host(i32 0, i32 0, i32 %to, i32 %from, i32 %n) strictfp\n"
                               "  ret void\n";

/* The last 32 bytes are read first and written last; the last byte of the target is read before anything is written. */
static const char copy_loop[] = "begin:\n"
                                "  %ls = getelementptr i8, ptr %memory, i64 %from64\n"
                                "  %ld = getelementptr i8, ptr %memory, i64 %to64\n"
                                "  %ln = add i64 %n64, -32\n"
                                "  %ln1 = add i64 %n64, -1\n"
                                "  %ls1 = getelementptr i8, ptr %ls, i64 %ln\n"
                                "  %ls2 = getelementptr i8, ptr %ls1, i64 16\n"
                                "  %ld1 = getelementptr i8, ptr %ld, i64 %ln\n"
                                "  %ld2 = getelementptr i8, ptr %ld1, i64 16\n"
                                "  %ld3 = getelementptr i8, ptr %ld, i64 %ln1\n"
                                "  %t1 = load <16 x i8>, ptr %ls1, align 1\n"
                                "  %t2 = load <16 x i8>, ptr %ls2, align 1\n"
                                "  %t3 = load volatile i8, ptr %ld3, align 1\n"
                                "  br label %loop\n"
                                "loop:\n"
                                "  %i = phi i64 [ 0, %begin ], [ %next, %loop ]\n"
                                "  %is = getelementptr i8, ptr %ls, i64 %i\n"
                                "  %is2 = getelementptr i8, ptr %is, i64 16\n"
                                "  %id = getelementptr i8, ptr %ld, i64 %i\n"
                                "  %id2 = getelementptr i8, ptr %id, i64 16\n"
                                "  %m1 = load <16 x i8>, ptr %is, align 1\n"
                                "  %m2 = load <16 x i8>, ptr %is2, align 1\n"
                                "  store <16 x i8> %m1, ptr %id, align 1\n"
                                "  store <16 x i8> %m2, ptr %id2, align 1\n"
                                "  %next = add i64 %i, 32\n"
                                "  %more = icmp ult i64 %next, %ln\n"
                                "  br i1 %more, label %loop, label %end\n"
                                "end:\n"
                                "  store <16 x i8> %t1, ptr %ld1, align 1\n"
                                "  store <16 x i8> %t2, ptr %ld2, align 1\n"
                                "  ret void\n"
                                "here:\n";

static const char copy_values[] = "  %s = getelementptr i8, ptr %memory, i64 %from64\n"
                                  "  %se = getelementptr i8, ptr %s, i64 %n64\n"
                                  "  %s16 = getelementptr i8, ptr %s, i64 16\n"
                                  "  %sm32 = getelementptr i8, ptr %se, i64 -32\n"
                                  "  %sm16 = getelementptr i8, ptr %se, i64 -16\n"
                                  "  %sm8 = getelementptr i8, ptr %se, i64 -8\n"
                                  "  %sm4 = getelementptr i8, ptr %se, i64 -4\n"
                                  "  %sm1 = getelementptr i8, ptr %se, i64 -1\n"
                                  "  %sh = getelementptr i8, ptr %s, i64 %half\n";

static const char copy_stores[] = "n1:\n"
                                  "  %b1 = load i8, ptr %s, align 1\n"
                                  "  %b2 = load i8, ptr %sh, align 1\n"
                                  "  %b3 = load i8, ptr %sm1, align 1\n"
                                  "  store i8 %b3, ptr %dm1, align 1\n"
                                  "  store i8 %b2, ptr %dh, align 1\n"
                                  "  store i8 %b1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "n4:\n"
                                  "  %w1 = load i32, ptr %s, align 1\n"
                                  "  %w2 = load i32, ptr %sm4, align 1\n"
                                  "  store i32 %w2, ptr %dm4, align 1\n"
                                  "  store i32 %w1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "n8:\n"
                                  "  %l1 = load i64, ptr %s, align 1\n"
                                  "  %l2 = load i64, ptr %sm8, align 1\n"
                                  "  store i64 %l2, ptr %dm8, align 1\n"
                                  "  store i64 %l1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "n16:\n"
                                  "  %v1 = load <16 x i8>, ptr %s, align 1\n"
                                  "  %v4 = load <16 x i8>, ptr %sm16, align 1\n"
                                  "  %is33 = icmp ugt i32 %n, 32\n"
                                  "  br i1 %is33, label %n33, label %n32\n"
                                  "n32:\n"
                                  "  store <16 x i8> %v4, ptr %dm16, align 1\n"
                                  "  store <16 x i8> %v1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "n33:\n"
                                  "  %v2 = load <16 x i8>, ptr %s16, align 1\n"
                                  "  %v3 = load <16 x i8>, ptr %sm32, align 1\n"
                                  "  store <16 x i8> %v4, ptr %dm16, align 1\n"
                                  "  store <16 x i8> %v3, ptr %dm32, align 1\n"
                                  "  store <16 x i8> %v2, ptr %d16, align 1\n"
                                  "  store <16 x i8> %v1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "}\n";

static const char fill_operands[] = "ptr %host, i32 %to, i8 %b1, i32 %n)";

static const char fill_ask[] = "  %n64 = zext i32 %n to i64\n"
                               "  %to64 = zext i32 %to to i64\n"
                               "  %b64 = zext i8 %b1 to i64\n"
                               "  %l1 = mul i64 %b64, 72340172838076673\n"
                               "  %w1 = trunc i64 %l1 to i32\n"
                               "  %pair = insertelement <2 x i64> poison, i64 %l1, i32 0\n"
                               "  %v1 = shufflevector <2 x i64> %pair, <2 x i64> poison, <2 x i32> zeroinitializer\n"
                               "  %less = add i32 %n, -1\n"
                               "  %small = icmp ult i32 %less, 64\n"
                               "  br i1 %small, label %here, label %large\n"
                               "large:\n"
                               "  %some = icmp ult i32 %less, 1024\n"
                               "  br i1 %some, label %begin, label %ask\n"
                               "ask:\n"
                               "  tail call void %host(i32 0, i32 %to, i8 %b1, i32 %n) strictfp\n"
                               "  ret void\n";

static const char fill_loop[] = "begin:\n"
                                "  %ld = getelementptr i8, ptr %memory, i64 %to64\n"
                                "  %ln = add i64 %n64, -32\n"
                                "  %ld1 = getelementptr i8, ptr %ld, i64 %ln\n"
                                "  %ld2 = getelementptr i8, ptr %ld1, i64 16\n"
                                "  store volatile <2 x i64> %v1, ptr %ld2, align 1\n"
                                "  store <2 x i64> %v1, ptr %ld1, align 1\n"
                                "  br label %loop\n"
                                "loop:\n"
                                "  %i = phi i64 [ 0, %begin ], [ %next, %loop ]\n"
                                "  %id = getelementptr i8, ptr %ld, i64 %i\n"
                                "  %id2 = getelementptr i8, ptr %id, i64 16\n"
                                "  store <2 x i64> %v1, ptr %id, align 1\n"
                                "  store <2 x i64> %v1, ptr %id2, align 1\n"
                                "  %next = add i64 %i, 32\n"
                                "  %more = icmp ult i64 %next, %ln\n"
                                "  br i1 %more, label %loop, label %end\n"
                                "end:\n"
                                "  ret void\n"
                                "here:\n";

static const char fill_stores[] = "n1:\n"
                                  "  store i8 %b1, ptr %dm1, align 1\n"
                                  "  store i8 %b1, ptr %dh, align 1\n"
                                  "  store i8 %b1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "n4:\n"
                                  "  store i32 %w1, ptr %dm4, align 1\n"
                                  "  store i32 %w1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "n8:\n"
                                  "  store i64 %l1, ptr %dm8, align 1\n"
                                  "  store i64 %l1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "n16:\n"
                                  "  store <2 x i64> %v1, ptr %dm16, align 1\n"
                                  "  %is33 = icmp ugt i32 %n, 32\n"
                                  "  br i1 %is33, label %n33, label %n32\n"
                                  "n32:\n"
                                  "  store <2 x i64> %v1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "n33:\n"
                                  "  store <2 x i64> %v1, ptr %dm32, align 1\n"
                                  "  store <2 x i64> %v1, ptr %d16, align 1\n"
                                  "  store <2 x i64> %v1, ptr %d, align 1\n"
                                  "  ret void\n"
                                  "}\n";

/* The places of the first and the last bytes. */
static const char load_memory[] = "  %memories = load ptr, ptr %context, align 8, " WL_AOT_SAME "\n"
                                  "  %memory = load ptr, ptr %memories, align 8, " WL_AOT_SAME "\n";
static const char places[] = "  %d = getelementptr i8, ptr %memory, i64 %to64\n"
                             "  %de = getelementptr i8, ptr %d, i64 %n64\n"
                             "  %d16 = getelementptr i8, ptr %d, i64 16\n"
                             "  %dm32 = getelementptr i8, ptr %de, i64 -32\n"
                             "  %dm16 = getelementptr i8, ptr %de, i64 -16\n"
                             "  %dm8 = getelementptr i8, ptr %de, i64 -8\n"
                             "  %dm4 = getelementptr i8, ptr %de, i64 -4\n"
                             "  %dm1 = getelementptr i8, ptr %de, i64 -1\n"
                             "  %half = lshr i64 %n64, 1\n"
                             "  %dh = getelementptr i8, ptr %d, i64 %half\n";

/* Where to go by the number of bytes. */
static const char by_size[] = "  %is16 = icmp ugt i32 %n, 15\n"
                              "  br i1 %is16, label %n16, label %n15\n"
                              "n15:\n"
                              "  %is8 = icmp ugt i32 %n, 7\n"
                              "  br i1 %is8, label %n8, label %n7\n"
                              "n7:\n"
                              "  %is4 = icmp ugt i32 %n, 3\n"
                              "  br i1 %is4, label %n4, label %n1\n";

/* What they are called with first: the start of the memory where it is known, else the context that leads to it. */
static const char *first_parameter(bool has_memory) {
    return has_memory ? "(ptr swiftself %memory, " : "(ptr %context, ";
}

static void write_copy(FILE *out, const char *head, const char *attribute, bool has_memory) {
    fprintf(out, "define %s%s%s %s strictfp {\n%s%s%s%s%s%s%s", head, first_parameter(has_memory), copy_operands,
            attribute, has_memory ? "" : load_memory, copy_ask, copy_loop, places, copy_values, by_size, copy_stores);
}

static void write_fill(FILE *out, const char *head, const char *attribute, bool has_memory) {
    fprintf(out, "define %s%s%s %s strictfp {\n%s%s%s%s%s%s", head, first_parameter(has_memory), fill_operands,
            attribute, has_memory ? "" : load_memory, fill_ask, fill_loop, places, by_size, fill_stores);
}

void wl_aot_text_head(FILE *out, bool first, bool has_memory) {
    const char *parameter = has_memory ? "ptr swiftself" : "ptr";

    write_copy(out, "private void @wl.copy.here", "alwaysinline", has_memory);
    write_fill(out, "private void @wl.fill.here", "alwaysinline", has_memory);
    if (first) {
        write_copy(out, "hidden void @wl.copy", "noinline", has_memory);
        write_fill(out, "hidden void @wl.fill", "noinline", has_memory);
    } else {
        fprintf(out,
                "declare hidden void @wl.copy(%s, ptr, i32, i32, i32)\n"
                "declare hidden void @wl.fill(%s, ptr, i32, i8, i32)\n",
                parameter, parameter);
    }
    fprintf(out, "!900 = !{!\"wl\"}\n"
                 "!901 = !{!\"memory\", !900, i64 0}\n"
                 "!902 = !{!\"global\", !900, i64 0}\n"
                 "!903 = !{!901, !901, i64 0}\n"
                 "!904 = !{!902, !902, i64 0}\n"
                 "!905 = !{}\n"
                 "!906 = !{!\"branch_weights\", i32 1, i32 1000}\n"
                 "!907 = !{!\"branch_weights\", i32 1000, i32 1}\n");
}
