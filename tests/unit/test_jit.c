/*
 * test_jit.c: does compiled code what the interpreter does? Each operation, with registers that
 * meet on the machine, with values at the edges, in each way to compile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/jit.h"

#ifdef __x86_64__

#define R10_SLOT(i) ((s16)(-8 - 8 * (s32)(i)))

/* ---- the ways to run one program */

enum way { INTERPRETED, CHECKED, TRUSTED, BLINDED, OLD_CPU, WAYS };
static const char *const way_names[WAYS] = {"interpreted", "checked", "trusted", "blinded",
					    "for an old CPU"};
struct machine {
	struct vm *vm;
	struct vm_run *run;
};

/* Registers r0 to r9 and memory, before and after. */
struct state {
	u64 regs[10];
	u64 data[4];
	u64 flag;
};

static void open_machine(struct machine *m, enum way way, const struct insn *code, u32 n,
			 struct state *memory)
{
	struct vm_opts opts = {.trusted = way == TRUSTED || way == OLD_CPU,
			       .interpret = way == INTERPRETED,
			       .blind = way == BLINDED,
			       .budget = 1000000};

	assert_int_equal(vm_open_code(&m->vm, code, n, &opts, NULL), 0);
	if (way == OLD_CPU) {
		jit_free(&m->vm->progs[0]);
		assert_int_equal(jit_compile_for(&m->vm->progs[0], (struct jit_cpu){0}, NULL), 0);
	}
	assert_int_equal(!m->vm->progs[0].entry, way == INTERPRETED);
	assert_int_equal(vm_run_open(&m->run, m->vm, NULL, NULL, 3), 0);
	vm_lend(m->run, (struct vm_region){.start = (u64)(uintptr_t)memory,
					   .size = sizeof(*memory),
					   .kind = VM_MEMORY,
					   .writable = true});
}

static void close_machine(struct machine *m)
{
	vm_run_close(m->run);
	vm_close(m->vm);
}

/* ---- programs around one operation */

#define CODE_MOST 96
struct code_text {
	struct insn v[CODE_MOST];
	u32 n;
};

static void add(struct code_text *c, u32 code, u32 dst, u32 src, s32 off, s32 imm)
{
	assert_true(c->n < CODE_MOST);
	c->v[c->n++] = (struct insn){(u8)code, dst & 15, src & 15, (s16)off, imm};
}

/* The state is r1's: r0 to r9 are loaded from it, the operation runs, and those of `keep` are
 * written to the stack. What is behind the operation is skipped by a jump that is taken. */
static void around(struct code_text *c, const struct insn *in, u32 slots, u32 keep)
{
	c->n = 0;
	for (u32 i = 0; i <= 10; i++) {
		u32 reg = (i + 2) % 11; /* r1 at last */

		if (reg < 10)
			add(c, BPF_LDX | BPF_MEM | BPF_DW, reg, 1, (s32)(reg * 8), 0);
	}
	add(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, R10_SLOT(10), 1);
	memcpy(&c->v[c->n], in, slots * sizeof(*in));
	c->n += slots;
	add(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, R10_SLOT(10), 2);
	for (u32 i = 0; i < 10; i++)
		if (keep >> i & 1)
			add(c, BPF_STX | BPF_MEM | BPF_DW, 10, i, R10_SLOT(i), 0);
	add(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 7);
	add(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void run_one(struct machine *m, const struct state *before, struct state *memory,
		    struct state *after, u32 keep)
{
	u64 *top = (u64 *)(void *)(m->run->stack + VM_FRAMES * VM_FRAME_BYTES), result = 0;

	*memory = *before;
	memset(top - 16, 0x5a, 16 * 8);
	assert_int_equal(vm_call(m->run, 0, (u64)(uintptr_t)memory, 0, &result), 0);
	assert_int_equal(result, 7);
	*after = *memory;
	for (u32 i = 0; i < 10; i++)
		after->regs[i] = keep >> i & 1 ? top[-1 - (s32)i] : 0;
	after->flag = top[-11];
}

static void complain(enum way way, const struct insn *in, const struct state *before,
		     const struct state *want, const struct state *got)
{
	struct buf text = {0};

	isa_dis(&text, in, in + 1, 0);
	fail_msg("%s, %s: %s\n"
		 "  before r%u 0x%llx r%u 0x%llx r0 0x%llx\n"
		 "  want   r%u 0x%llx r%u 0x%llx r0 0x%llx r3 %llx r4 %llx data %llx flag %llu\n"
		 "  got    r%u 0x%llx r%u 0x%llx r0 0x%llx r3 %llx r4 %llx data %llx flag %llu",
		 buf_str(&text), way_names[way], isa_op(in)->name, in->dst,
		 (unsigned long long)before->regs[in->dst % 10], in->src,
		 (unsigned long long)before->regs[in->src % 10],
		 (unsigned long long)before->regs[0], in->dst,
		 (unsigned long long)want->regs[in->dst % 10], in->src,
		 (unsigned long long)want->regs[in->src % 10], (unsigned long long)want->regs[0],
		 (unsigned long long)want->regs[3], (unsigned long long)want->regs[4],
		 (unsigned long long)want->data[1], (unsigned long long)want->flag, in->dst,
		 (unsigned long long)got->regs[in->dst % 10], in->src,
		 (unsigned long long)got->regs[in->src % 10], (unsigned long long)got->regs[0],
		 (unsigned long long)got->regs[3], (unsigned long long)got->regs[4],
		 (unsigned long long)got->data[1], (unsigned long long)got->flag);
}

static void differs(enum way way, const struct code_text *c, const struct state *want,
		    const struct state *got)
{
	struct buf text = {0};

	for (u32 i = 0; i < c->n; i++) {
		buf_printf(&text, "%u: ", i);
		isa_dis(&text, &c->v[i], &c->v[i] + 1, i);
		buf_char(&text, '\n');
	}
	for (u32 i = 0; i < 10; i++)
		buf_printf(&text, "r%u: want %llx got %llx\n", i, (unsigned long long)want->regs[i],
			   (unsigned long long)got->regs[i]);
	for (u32 i = 0; i < 4; i++)
		buf_printf(&text, "data %u: want %llx got %llx\n", i,
			   (unsigned long long)want->data[i], (unsigned long long)got->data[i]);
	fail_msg("%s:\n%s", way_names[way], buf_str(&text));
}

/* ---- values */

static const u64 edges[] = {
	0,
	1,
	2,
	3,
	7,
	10,
	31,
	32,
	33,
	63,
	64,
	0x7f,
	0x80,
	0xff,
	0xffff,
	0x7fffffff,
	0x80000000u,
	0xffffffffu,
	0x100000000ull,
	1u << 16,
	0x123456789abcdefull,
	INT64_MAX,
	1ull << 63,
	UINT64_MAX,
	0xfffffffeull,
	0xffffffff80000000ull,
	0x8000000080000000ull,
};
#define EDGES ARRAY_SIZE(edges)

static void fill(struct state *s, u32 seed)
{
	*s = (struct state){0};
	for (u32 i = 0; i < 10; i++)
		s->regs[i] = 0x1111111111111111ull * (i + 1) + seed;
	for (u32 i = 0; i < 4; i++)
		s->data[i] = 0x8182838485868788ull * (i + 1) ^ seed * 0x9e3779b97f4a7c15ull;
}

enum { BASE_NONE, BASE_DST, BASE_SRC };

static u32 base_of(const struct isa_op *op)
{
	switch (op->form) {
	case FORM_LDX:
	case FORM_LOAD_ACQ: return BASE_SRC;
	case FORM_ST:
	case FORM_STX:
	case FORM_ATOMIC:
	case FORM_FETCH:
	case FORM_CMPXCHG:
	case FORM_STORE_REL: return BASE_DST;
	default: return BASE_NONE;
	}
}

/* One operation in all ways, with values of the edges in its registers. */
static void try_insn(const struct insn *in, u32 slots, u32 keep)
{
	const struct isa_op *op = isa_op(in);
	u32 base = base_of(op);
	static struct state memory;
	struct machine m[WAYS];
	struct code_text code;

	around(&code, in, slots, keep);
	for (u32 w = 0; w < WAYS; w++)
		open_machine(&m[w], w, code.v, code.n, &memory);
	for (u32 i = 0; i < EDGES; i++) {
		u32 steps = op->form == FORM_ALU_X || op->form == FORM_JMP_X ? 4 : 1;

		for (u32 k = 0; k < steps; k++) {
			struct state before, want, got;

			fill(&before, i);
			if (in->src < 10)
				before.regs[in->src] = edges[(i * 7 + k * 5 + in->dst) % EDGES];
			if (in->dst < 10)
				before.regs[in->dst] = edges[i];
			if (op->form == FORM_CMPXCHG && i & 1)
				before.regs[0] = before.data[1];
			if (op->form == FORM_CMPXCHG && i & 2)
				before.regs[0] = (u32)before.data[1];
			if (base && (base == BASE_DST ? in->dst : in->src) < 10)
				before.regs[base == BASE_DST ? in->dst : in->src] =
					(u64)(uintptr_t)memory.data;
			run_one(&m[0], &before, &memory, &want, keep);
			for (u32 w = 1; w < WAYS; w++) {
				run_one(&m[w], &before, &memory, &got, keep);
				if (memcmp(&want, &got, sizeof(want)))
					complain(w, in, &before, &want, &got);
			}
		}
	}
	for (u32 w = 0; w < WAYS; w++)
		close_machine(&m[w]);
}

/* Needed afterwards: all registers, or only those that the operation writes. */
static void try_both(const struct insn *in, u32 slots)
{
	try_insn(in, slots, 0x3ff);
	try_insn(in, slots, (1u << in->dst | 1u << in->src | 1) & 0x3ff);
}

static const u8 regs[] = {0, 1, 3, 4, 5, 6, 7, 9};

static bool of_form(const struct isa_op *op, const u8 *forms)
{
	while (*forms && *forms != op->form)
		forms++;
	return *forms;
}

static struct insn insn_of(const struct isa_op *op)
{
	return (struct insn){.code = op->code,
			     .src = op->src == ISA_ANY ? 0 : (u8)op->src & 15,
			     .off = op->off == ISA_ANY ? 0 : op->off,
			     .imm = op->imm == ISA_ANY ? 0 : op->imm};
}

static void operations_between_registers(void **state)
{
	static const u8 forms[] = {FORM_ALU_X, FORM_MOVSX, FORM_JMP_X, 0};

	(void)state;
	for (u32 id = 1; id < ISA_OPS; id++) {
		const struct isa_op *op = &isa_ops[id];

		for (u32 i = 0; of_form(op, forms) && i < ARRAY_SIZE(regs) * ARRAY_SIZE(regs);
		     i++) {
			struct insn in = insn_of(op);

			in.dst = regs[i % ARRAY_SIZE(regs)];
			in.src = regs[i / ARRAY_SIZE(regs)];
			if (op->form == FORM_JMP_X)
				in.off = 1;
			if (i % 5 == id % 5 || in.dst == in.src || in.dst < 5)
				try_insn(&in, 1, i % 2 ? 0x3ff : 1u << in.dst);
		}
	}
}

static void operations_with_constants(void **state)
{
	static const u8 forms[] = {FORM_ALU_K, FORM_JMP_K, FORM_NEG, FORM_END, 0};

	(void)state;
	for (u32 id = 1; id < ISA_OPS; id++) {
		const struct isa_op *op = &isa_ops[id];

		for (u32 i = 0; of_form(op, forms) && i < EDGES; i++) {
			struct insn in = insn_of(op);

			in.dst = regs[(i + id) % ARRAY_SIZE(regs)];
			if (op->imm == ISA_ANY)
				in.imm = (s32)edges[i];
			if (op->form == FORM_JMP_K)
				in.off = 1;
			try_both(&in, 1);
		}
	}
}

/* Each divisor of some width, and those where a reciprocal needs one bit more. */
static void divisions_by_constants(void **state)
{
	static const u32 ids[] = {ISA_div64_k, ISA_mod64_k, ISA_div32_k, ISA_mod32_k, ISA_sdiv32_k};
	static const s32 by[] = {3,    5,    6,    7,    9,     10,    11,      12,    13,
				 14,   25,   28,   100,  125,   127,   625,     641,   1000,
				 1461, 3600, 4093, 9973, 65535, 65537, 1000000, 86400, 0x7fffffff};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(ids); i++)
		for (u32 k = 0; k < ARRAY_SIZE(by); k++) {
			struct insn in = insn_of(&isa_ops[ids[i]]);

			in.imm = by[k];
			in.dst = regs[(k + i) % ARRAY_SIZE(regs)];
			try_both(&in, 1);
		}
}

static void memory_operations(void **state)
{
	static const u8 forms[] = {FORM_LDX,      FORM_ST,        FORM_STX,
				   FORM_ATOMIC,   FORM_FETCH,     FORM_CMPXCHG,
				   FORM_LOAD_ACQ, FORM_STORE_REL, 0};

	(void)state;
	for (u32 id = 1; id < ISA_OPS; id++) {
		const struct isa_op *op = &isa_ops[id];

		for (u32 i = 0; of_form(op, forms) && i < ARRAY_SIZE(regs) * ARRAY_SIZE(regs);
		     i++) {
			struct insn in = insn_of(op);

			in.dst = regs[i % ARRAY_SIZE(regs)];
			if (op->src == ISA_ANY)
				in.src = regs[i / ARRAY_SIZE(regs)];
			else if (i >= ARRAY_SIZE(regs))
				break;
			in.off = 8;
			if (op->form == FORM_ST)
				in.imm = (s32)edges[i % EDGES];
			if (op->form == FORM_CMPXCHG && !in.dst)
				continue; /* r0 cannot be both */
			try_insn(&in, 1, 0x3ff & ~(base_of(op) == BASE_DST ? 1u << in.dst : 0));
		}
	}
}

/* ---- sequences that are compiled as one, in all orders and with jumps between them */

#define DATA_REG 9 /* points to the data; nobody writes it */

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

static u32 pick(u64 *state, u32 n)
{
	return (u32)(next_random(state) % n);
}

static void add_alu(struct code_text *c, u64 *random)
{
	static const u8 ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR,  BPF_AND, BPF_XOR,
				 BPF_MOV, BPF_LSH, BPF_RSH, BPF_DIV, BPF_MOD, BPF_ARSH};
	static const s32 imms[] = {0, 1, 8, 31, 255, 65535, -1, 0x12345678};
	u32 wide = pick(random, 2) ? BPF_ALU64 : BPF_ALU, op = ops[pick(random, ARRAY_SIZE(ops))];

	if (pick(random, 2))
		add(c, wide | op | BPF_X, pick(random, 8), pick(random, 8), 0, 0);
	else
		add(c, wide | op | BPF_K, pick(random, 8), 0, 0,
		    imms[pick(random, ARRAY_SIZE(imms))]);
	if (pick(random, 3)) /* the same target again: moves and extensions are fused */
		c->v[c->n - 1].dst = c->v[c->n - 2].dst < 8 ? c->v[c->n - 2].dst : 0;
}

static void add_extension(struct code_text *c, u64 *random)
{
	static const u8 counts[] = {32, 48, 56, 16, 24, 8};
	u32 wide = pick(random, 3) ? BPF_ALU64 : BPF_ALU, dst = pick(random, 8);
	s32 n = counts[pick(random, ARRAY_SIZE(counts))];

	if (wide == BPF_ALU)
		n &= 31;
	if (pick(random, 2))
		add(c, wide | BPF_MOV | BPF_X, dst, pick(random, 8), 0, 0);
	add(c, wide | BPF_LSH | BPF_K, dst, 0, 0, n);
	add(c, wide | (pick(random, 2) ? BPF_RSH : BPF_ARSH) | BPF_K, dst, 0, 0, n);
}

/* c = n - n / d * d */
static void add_modulo(struct code_text *c, u64 *random)
{
	u32 wide = pick(random, 2) ? BPF_ALU64 : BPF_ALU;
	u32 q = pick(random, 8), n = pick(random, 8), d = pick(random, 8), m = pick(random, 8);

	add(c, wide | BPF_MOV | BPF_X, q, n, 0, 0);
	add(c, wide | BPF_DIV | BPF_X, q, d, 0, 0);
	add(c, wide | BPF_MUL | BPF_X, q, d, 0, 0);
	add(c, wide | BPF_MOV | BPF_X, m, n, 0, 0);
	add(c, wide | BPF_SUB | BPF_X, m, q, 0, 0);
}

static void add_swapped_load(struct code_text *c, u64 *random)
{
	u32 a = pick(random, 8), b = pick(random, 8), order = pick(random, 3);
	s32 at = (s32)pick(random, 16);

	if (order == 2) {
		add(c, BPF_LDX | BPF_MEM | BPF_H, a, DATA_REG, at, 0);
		add(c, BPF_ALU | BPF_END | BPF_X, a, 0, 0, 16);
		return;
	}
	if (order)
		add(c, BPF_LDX | BPF_MEM | BPF_B, b, DATA_REG, at + 1, 0);
	add(c, BPF_LDX | BPF_MEM | BPF_B, a, DATA_REG, at, 0);
	add(c, (pick(random, 2) ? BPF_ALU : BPF_ALU64) | BPF_LSH | BPF_K, a, 0, 0, 8);
	if (!order)
		add(c, BPF_LDX | BPF_MEM | BPF_B, b, DATA_REG, at + 1, 0);
	add(c, (pick(random, 2) ? BPF_ALU : BPF_ALU64) | BPF_OR | BPF_X, a, b, 0, 0);
}

/* An address, made as compilers make them, and an access. */
static void add_access(struct code_text *c, u64 *random)
{
	static const u8 sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};
	static const u8 alus[] = {BPF_ADD, BPF_SUB, BPF_OR, BPF_AND, BPF_XOR, BPF_MUL};
	u32 index = pick(random, 8), t = pick(random, 8), y = pick(random, 8);
	u32 size = sizes[pick(random, 4)], alu = alus[pick(random, 6)];
	s32 off = (s32)pick(random, 4);

	if (index == t)
		t = (t + 1) % 8;
	add(c, BPF_ALU64 | BPF_AND | BPF_K, index, 0, 0, 1);
	if (pick(random, 2))
		add(c, BPF_ALU64 | BPF_LSH | BPF_K, index, 0, 0, (s32)pick(random, 4));
	add(c, BPF_ALU64 | BPF_MOV | BPF_X, t, DATA_REG, 0, 0);
	if (pick(random, 2))
		add(c, BPF_ALU64 | BPF_ADD | BPF_K, t, 0, 0, (s32)pick(random, 8));
	if (pick(random, 2))
		add(c, BPF_ALU64 | BPF_ADD | BPF_X, t, index, 0, 0);
	switch (pick(random, 4)) {
	case 0: add(c, BPF_LDX | BPF_MEM | size, y, t, off, 0); break;
	case 1: add(c, BPF_STX | BPF_MEM | size, t, y, off, 0); break;
	case 2: add(c, BPF_ST | BPF_MEM | size, t, 0, off, 0x11223344); break;
	default:
		if (y == t)
			y = index;
		add(c, BPF_LDX | BPF_MEM | size, y, t, off, 0);
		if (pick(random, 2))
			add(c, (pick(random, 2) ? BPF_ALU : BPF_ALU64) | alu | BPF_K, y, 0, 0, 300);
		else
			add(c, (pick(random, 2) ? BPF_ALU : BPF_ALU64) | alu | BPF_X, y,
			    pick(random, 8), 0, 0);
		if (alu != BPF_MUL && y != t)
			add(c, BPF_STX | BPF_MEM | size, t, y, off, 0);
	}
	/* addresses differ from run to run, their registers must not be seen */
	add(c, BPF_ALU64 | BPF_MOV | BPF_K, t, 0, 0, 5);
}

/* Forwards, between two instructions that could be one, or behind them. */
static void add_jump(struct code_text *c, u64 *random)
{
	static const u8 ops[] = {BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JSLT, BPF_JSET, BPF_JSGE};
	u32 dst = pick(random, 8);

	add(c, (pick(random, 2) ? BPF_JMP : BPF_JMP32) | ops[pick(random, ARRAY_SIZE(ops))],
	    c->v[c->n - 1].dst & 7, 0, (s32)pick(random, 2) + 1, (s32)pick(random, 3) - 1);
	add(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, pick(random, 8), 0, 0);
	add(c, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, 3);
}

static void add_sequence(struct code_text *c, u64 *random)
{
	static void (*const kinds[])(struct code_text *, u64 *) = {
		add_alu,          add_alu,    add_extension, add_modulo,
		add_swapped_load, add_access, add_access,    add_jump};

	kinds[pick(random, ARRAY_SIZE(kinds))](c, random);
}

static void sequences(void **state)
{
	static struct state memory;
	u64 random = 88172645463325252ull;

	(void)state;
	for (u32 k = 0; k < 1500; k++) {
		struct code_text body = {0}, code;
		u32 keep = pick(&random, 0x200) & 0xff;
		struct machine m[WAYS];

		add(&body, BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0);
		while (body.n < 18)
			add_sequence(&body, &random);
		add(&body, BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0); /* jumps end here */
		around(&code, body.v, body.n, keep);
		for (u32 w = 0; w < WAYS; w++)
			open_machine(&m[w], w, code.v, code.n, &memory);
		for (u32 i = 0; i < 4; i++) {
			struct state before, want, got;

			fill(&before, i);
			for (u32 r = 0; r < 8; r++)
				before.regs[r] = edges[pick(&random, EDGES)];
			before.regs[DATA_REG] = (u64)(uintptr_t)memory.data;
			run_one(&m[0], &before, &memory, &want, keep);
			for (u32 w = 1; w < WAYS; w++) {
				run_one(&m[w], &before, &memory, &got, keep);
				if (memcmp(&want, &got, sizeof(want)))
					differs(w, &body, &want, &got);
			}
		}
		for (u32 w = 0; w < WAYS; w++)
			close_machine(&m[w]);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(operations_between_registers),
	cmocka_unit_test(operations_with_constants),
	cmocka_unit_test(divisions_by_constants),
	cmocka_unit_test(memory_operations),
	cmocka_unit_test(sequences),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 0;
}

#endif
