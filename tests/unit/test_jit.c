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

#define CODE_MOST 64
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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(operations_between_registers),
	cmocka_unit_test(operations_with_constants),
	cmocka_unit_test(divisions_by_constants),
	cmocka_unit_test(memory_operations),
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
