/* A guest that is an interpreter like the ones that aot_thread.h looks for: opcodes are functions that return 0 to go on, a loop runs
 * them. With THROWS some leave by longjmp. Prints what its programs compute; the first argument chooses one that traps. Also moves and fills memory by every
 * length, which precompiled code does in place up to 64 bytes. */
#ifdef THROWS
#include <setjmp.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct machine;
typedef int (*op_fn)(struct machine *);

struct op {
    op_fn fn;
    int a;
};

struct machine {
    const struct op *ip;
    long long acc;
    int count, depth;
    struct machine *next;
    double d;
};

static struct machine *current;

#define OP(name, does)                                                                                                 \
    static int name(struct machine *m) {                                                                               \
        const struct op *op = m->ip;                                                                                   \
        does;                                                                                                          \
        m->ip = op + 1;                                                                                                \
        return 0;                                                                                                      \
    }
OP(op_add, m->acc += op->a)
OP(op_sub, m->acc -= op->a)
OP(op_mul, m->acc *= op->a)
OP(op_xor, m->acc ^= op->a)
OP(op_shl, m->acc <<= op->a & 31)
OP(op_shr, m->acc >>= op->a & 31)
OP(op_neg, m->acc = -m->acc)
OP(op_mod, m->acc %= op->a)
OP(op_div, m->acc /= op->a)
OP(op_dadd, m->d += op->a * 0.25)
OP(op_dmul, m->d *= 1.0 + op->a / 64.0)
OP(op_int, m->acc += (long long)m->d)
OP(op_print, printf("%lld %.3f\n", m->acc, m->d))
OP(op_count, m->count += op->a)

static int op_loop(struct machine *m) {
    m->ip = --m->count > 0 ? m->ip - m->ip->a : m->ip + 1;
    return 0;
}
static int op_stop(struct machine *m) {
    (void)m;
    return -1;
}
/* Starts another machine: the loop has to take the new state. */
static int op_enter(struct machine *m) {
    struct machine *n = calloc(1, sizeof(*n));

    n->next = m;
    n->depth = m->depth + 1;
    n->acc = m->acc + 1;
    n->ip = m->ip + m->ip->a;
    m->ip++;
    current = n;
    return 1;
}
static int op_leave(struct machine *m) {
    current = m->next;
    current->acc += m->acc % 1000;
    current->d += m->d;
    free(m);
    return 2;
}
/* Calls another opcode by itself: that one must come back. */
static op_fn volatile inner[] = {op_add, op_mul, op_xor, op_neg};
static int op_call(struct machine *m) {
    const struct op *at = m->ip;
    int r = inner[at->a & 3](m);

    m->ip = at + 1;
    m->acc += r + 3;
    return 0;
}
/* A function of the same type that does not read its operand as a machine. */
static int op_number(struct machine *m) {
    return m ? (int)((unsigned)m >> 31) : 7;
}
static op_fn volatile number = op_number;
static int op_ask(struct machine *m) {
    m->acc += number((struct machine *)0) + number((struct machine *)0xfffffff0u);
    m->ip++;
    return 0;
}
static int op_other(struct machine *m, int x) {
    m->acc += x;
    return 0;
}

/* Opcodes that end in another function of their type: one that is no opcode, one that is, and one that goes on with another state. */
__attribute__((noinline)) static int tail_helper(struct machine *m) {
    m->acc ^= m->ip->a * 3;
    m->ip++;
    return 0;
}
__attribute__((noinline)) static int tail_chain(struct machine *m) {
    m->count ^= 1;
    if (m->acc & 2)
        return tail_helper(m);
    m->acc += 5;
    return op_neg(m);
}
static int op_tail(struct machine *m) {
    if (m->ip->a & 1)
        return tail_helper(m);
    m->d += 0.5;
    if (m->depth > 0 && m->ip->a % 8 == 6)
        return op_leave(m);
    return tail_chain(m);
}
/* Opcodes that keep something in the memory's stack, and sometimes call what does so as well. */
static long long *kept;
__attribute__((noinline)) static long long outside(long long *p, int n) {
    volatile long long mine[8];

    for (int i = 0; i < 8; i++)
        mine[i] = n + i;
    kept = p;
    *p += mine[n & 7];
    return n > 3 ? outside(p, n / 2) + *kept : mine[7];
}
static int op_local(struct machine *m) {
    long long value[2] = {m->ip->a, m->acc & 15};

    if (m->acc & 4)
        m->acc += outside(&value[m->acc & 1], m->ip->a) ^ value[1];
    m->acc += value[0];
    m->ip++;
    return 0;
}
static int op_local_tail(struct machine *m) {
    long long value = m->acc;

    if (m->ip->a % 3 == 0) {
        outside(&value, m->ip->a & 31);
        m->acc = value;
    }
    return tail_helper(m);
}

#ifdef THROWS
static jmp_buf escape;
static int n_throws;
/* Every third time; *p lies in the frame of an opcode. */
__attribute__((noinline)) static int throws(long long *p) {
    if (++n_throws % 3 == 0) {
        *p += 1000;
        longjmp(escape, 1);
    }
    return (int)(outside(p, 9) & 1);
}
/* The call that throws comes first, in the middle, last. */
static int op_throw(struct machine *m) {
    long long value = m->ip->a;
    int odd = throws(&value);

    m->acc += value + odd;
    m->ip++;
    return 0;
}
static int op_throw_last(struct machine *m) {
    long long value = m->ip->a;

    m->acc += 3;
    m->ip++;
    kept = &value;
    throws(kept);
    return 0;
}
static int op_throw_tail(struct machine *m) {
    long long value = m->acc;

    if (m->acc & 1)
        throws(&value);
    m->acc = value;
    return tail_chain(m);
}
#else
#define op_throw op_local
#define op_throw_last op_tail
#define op_throw_tail op_local_tail
#endif
static int (*volatile wrong)(struct machine *, int) = op_other;

/* Some go on with another state only when nothing is pending. */
static volatile unsigned char pending;
static int n_pending, n_runs;

static int op_pend(struct machine *m) {
    pending = (unsigned char)m->ip->a;
    m->ip++;
    return 0;
}

__attribute__((noinline)) static void run(struct machine *m) {
    int r;

again:
    while (1) {
        if ((r = m->ip->fn(m)) != 0) {
            if (r > 0) {
                m = current;
                if (pending) {
                    pending = 0;
                    n_pending++;
                    goto again;
                }
            } else {
                break;
            }
        }
    }
    n_runs++;
}

/* The same until it ends: who throws goes on behind the opcode, with the state that is current. */
static void run_all(struct machine *m) {
#ifdef THROWS
    struct machine *volatile at = m;

    if (setjmp(escape)) {
        at = current;
        at->acc += 77;
        at->ip++;
    }
    run(at);
#else
    run(m);
#endif
}

static const struct op program[] = {
    {op_count, 20000}, {op_add, 7},   {op_mul, 3},   {op_xor, 0x5a5a}, {op_mod, 1000003}, {op_dadd, 3}, {op_dmul, 1},
    {op_shl, 2},       {op_call, 1},  {op_call, 2},  {op_call, 3},     {op_shr, 1},       {op_ask, 0},  {op_enter, 7},
    {op_pend, 1},      {op_enter, 5}, {op_loop, 15}, {op_int, 0},      {op_print, 0},     {op_stop, 0}, {op_sub, 9},
    {op_dadd, 1},      {op_neg, 0},   {op_leave, 0}, {op_print, 0},
};

/* Programs at random, each made from its number: up to 40 opcodes and a part that is entered, all of which end; one in four has an opcode that
 * traps, or an operand that makes one do it. */
static unsigned long long chance;

static unsigned pick(unsigned n) {
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(chance >> 33) % n;
}

static void make(struct op *p, unsigned seed) {
    static const op_fn plain[] = {op_add,        op_sub,   op_mul,        op_xor,       op_shl,  op_shr,
                                  op_neg,        op_mod,   op_div,        op_dadd,      op_dmul, op_int,
                                  op_call,       op_ask,   op_pend,       op_print,     op_tail, op_local,
                                  op_local_tail, op_throw, op_throw_last, op_throw_tail};
    static const op_fn none[] = {(op_fn)0, (op_fn)0x7ffffff0, (op_fn)5000};
    unsigned n = 4 + pick(37), i;

    chance += seed * 2654435761u;
    p[0] = (struct op){op_count, 1 + (int)pick(300)};
    for (i = 1; i < n; i++) {
        p[i] = (struct op){plain[pick(22)], 1 + (int)pick(1000)};
        if (p[i].fn == op_pend)
            p[i].a &= 1;
        if (p[i].fn == op_call)
            p[i].a = 1 + (int)pick(3);
        if (i > 2 && pick(6) == 0)
            p[i] = (struct op){op_loop, (int)pick(i - 1)};
        if (pick(7) == 0)
            p[i] = (struct op){op_enter, (int)(n + 2 - i)};
    }
    p[n++] = (struct op){op_print, 0};
    p[n++] = (struct op){op_stop, 0};
    for (i = 1 + pick(6); i > 0; i--)
        p[n++] = (struct op){plain[pick(12)], 1 + (int)pick(90)};
    p[n++] = (struct op){op_leave, 0};
    if (pick(4) > 0)
        return;
    i = 1 + pick(n - 2);
    if (pick(2))
        p[i] = (struct op){pick(2) ? op_div : op_mod, 0};
    else
        p[i] = (struct op){pick(4) ? none[pick(3)] : (op_fn)(void (*)(void))wrong, 0};
}

static unsigned sum(const unsigned char *p, size_t n) {
    unsigned s = 1;

    for (size_t i = 0; i < n; i++)
        s = s * 31 + p[i];
    return s;
}

static volatile size_t length;

static void moves(void) {
    static const int shifts[] = {-1100, -600, -33, -32, -1, 0, 1, 31, 33, 600, 1100};
    static unsigned char block[400], large[3600];
    unsigned all = 0;

    for (int shift = -70; shift <= 70; shift += 7)
        for (length = 0; length < 140; length++) {
            for (size_t i = 0; i < sizeof(block); i++)
                block[i] = (unsigned char)(i * 7 + length);
            memmove(block + 100 + shift, block + 100, length);
            memset(block + 300, (int)length + shift, length % 90);
            all = all * 17 + sum(block, sizeof(block));
        }
    for (size_t k = 0; k < sizeof(shifts) / sizeof(*shifts); k++)
        for (length = 60; length < 1100; length += length < 70 ? 1 : 41) {
            for (size_t i = 0; i < sizeof(large); i++)
                large[i] = (unsigned char)(i * 7 + (i >> 8) + length);
            memmove(large + 1200 + shifts[k], large + 1200, length);
            memset(large + 2400, (int)length, length);
            all = all * 17 + sum(large, sizeof(large));
        }
    memcpy(block, block + 200, 48);
    memset(block + 60, 0, 24);
    printf("%u %u\n", all, sum(block, sizeof(block)));
}

/* The last bytes of the memory and the first behind it: a move that does not fit must not begin. With "far": longer ones. */
static int at_end(const char *what) {
    unsigned char *end = (unsigned char *)(__builtin_wasm_memory_size(0) * 65536);

    length = strstr(what, "far") ? 300 : 40;
    memset(end - 1000, 1, 990);
    memset(end - 10, 3, 10);
    if (strcmp(what, "end-fits") == 0) {
        memmove(end - length, end - 64, length);
        length = 300;
        memmove(end - 600, end - length, length);
        memmove(end - length, end - 800, length);
        memset(end - length, 4, length - 1);
        printf("%u\n", sum(end - 1000, 1000));
        return 0;
    }
    puts("before the trap");
    fflush(stdout);
    if (strncmp(what, "end-from", 8) == 0)
        memmove(end - 640, end - length + 1, length);
    else if (strncmp(what, "end-to", 6) == 0)
        memmove(end - length + 1, end - 640, length);
    else
        memset(end - length + 1, 2, length);
    return 0;
}

int main(int argc, char **argv) {
    struct machine m = {.ip = program};
    struct op bad[] = {{op_add, 1}, {op_div, 0}, {op_stop, 0}};
    static struct op random[64];
    const char *what = argc > 1 ? argv[1] : "";

    current = &m;
    if (strncmp(what, "end-", 4) == 0)
        return at_end(what);
    if (strncmp(what, "seed-", 5) == 0) {
        chance = strtoul(what + 5, NULL, 10);
        setvbuf(stdout, NULL, _IONBF, 0);
        make(random, (unsigned)chance);
        m.ip = random;
        run_all(&m);
        printf("%lld %.3f %d\n", m.acc, m.d, n_pending);
        return 0;
    }
    if (*what) {
        puts("before the trap");
        fflush(stdout);
        m.ip = bad;
        if (strcmp(what, "type") == 0)
            bad[1].fn = (op_fn)(void (*)(void))wrong;
        else if (strcmp(what, "index") == 0)
            bad[1].fn = (op_fn)0x7ffffff0;
        else if (strcmp(what, "empty") == 0)
            bad[1].fn = (op_fn)0;
        else if (strcmp(what, "state") == 0)
            m.ip = (const struct op *)0xfffffff0u;
        run(&m);
        return 0;
    }
    run_all(&m);
    printf("%d\n", n_pending);
    moves();
    return 0;
}
