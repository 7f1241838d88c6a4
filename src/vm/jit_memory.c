/*
 * jit_memory.c: loads, stores, atomic operations, and the checks of all of them.
 *
 * In:  an instruction. Out: machine code for it.
 *
 * A program that nobody has verified may touch only what is in the regions of its run. So before an
 * access the code looks whether the address is in the region where this instruction found its
 * memory last time: run->fast, at the place that the hint of the instruction says; two threads may
 * write to the hint at once, since each compares with the limits of its own run. If it is not
 * there, C looks through all regions, and notes the place. Accesses to the own frame, by r10 and a
 * constant, need no check.
 */
#include "vm/jit.h"

static const u8 bytes_of[4] = {
	[BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1, [BPF_DW >> 3] = 8};

u32 jit_size(const struct insn *in)
{
	return bytes_of[in->code >> 3 & 3];
}

static void check(struct jit *j, struct x_mem m, u32 size, bool write)
{
	u32 limits = write ? offsetof(struct vm_fast, writes) : offsetof(struct vm_fast, reads);
	u32 limit = limits + 4 * (u32)__builtin_ctz(size);

	x_load(&j->e, 4, SCRATCH1, X_DATA((s32)(j->at * sizeof(u32))));
	x_alu_load(&j->e, true, X_ADD, SCRATCH1, RUN_FIELD(fast));
	x_lea(&j->e, true, SCRATCH0, m);
	x_alu_load(&j->e, true, X_SUB, SCRATCH0, X_AT(SCRATCH1, offsetof(struct vm_fast, start)));
	x_load(&j->e, 4, SCRATCH1, X_AT(SCRATCH1, (s32)limit));
	x_alu(&j->e, true, X_CMP, SCRATCH0, SCRATCH1);
	jit_leave_if(j, X_AE, LEAVE_ACCESS);
}

struct x_mem jit_access(struct jit *j, u32 base, s32 off, u32 size, bool write)
{
	struct x_mem m = X_AT(REG(base), off);
	bool in_frame = base == 10 && off >= -VM_FRAME_BYTES && off + (s32)size <= 0;

	if (j->checked && !in_frame)
		check(j, m, size, write);
	return m;
}

void jit_ldx(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);
	struct x_mem m = jit_access(j, in->src, in->off, size, false);

	if (*op->text == 's')
		x_load_signed(&j->e, size, REG(in->dst), m);
	else
		x_load(&j->e, size, REG(in->dst), m);
}

void jit_st(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);
	struct x_mem m = jit_access(j, in->dst, in->off, size, true);

	(void)op;
	if (j->blind) {
		jit_constant(j, SCRATCH2, (u64)(s64)in->imm);
		x_store(&j->e, size, m, SCRATCH2);
	} else {
		x_store_imm(&j->e, size, m, in->imm);
	}
}

void jit_stx(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);

	(void)op;
	x_store(&j->e, size, jit_access(j, in->dst, in->off, size, true), REG(in->src));
}

/* ---- atomics: their address must be aligned, which only the checked mode has to look at */

static struct x_mem atomic_access(struct jit *j, u32 base, s32 off, u32 size, bool write)
{
	struct x_mem m = jit_access(j, base, off, size, write);

	if (j->checked && size > 1) {
		x_lea(&j->e, true, SCRATCH0, m);
		x_test_imm(&j->e, false, SCRATCH0, (s32)size - 1);
		jit_leave_if(j, X_NE, LEAVE_ALIGN);
	}
	return m;
}

static enum x_alu atomic_alu(const struct insn *in)
{
	switch (in->imm & 0xf0) {
	case BPF_ADD: return X_ADD;
	case BPF_OR: return X_OR;
	case BPF_AND: return X_AND;
	default: return X_XOR;
	}
}

/* With ordering: on this processor every load and store has it. */
static void ordered(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);

	if (op->form == FORM_LOAD_ACQ)
		x_load(&j->e, size, REG(in->dst), atomic_access(j, in->src, in->off, size, false));
	else
		x_store(&j->e, size, atomic_access(j, in->dst, in->off, size, true), REG(in->src));
}

void jit_atomic(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);

	if (op->form != FORM_ATOMIC) {
		ordered(j, op, in);
		return;
	}
	x_atomic(&j->e, (u32)atomic_alu(in) << 3 | 0x01, size,
		 atomic_access(j, in->dst, in->off, size, true), REG(in->src));
}

/* There is no instruction that fetches and ands: read, compute, exchange if nobody was faster. */
static void fetch_loop(struct jit *j, const struct insn *in, struct x_mem m, u32 size)
{
	u32 again = emit_label(&j->e), operand = REG(in->src);
	bool wide = size == 8;

	x_lea(&j->e, true, SCRATCH1, m);
	x_mov(&j->e, true, SCRATCH2, RAX);
	if (operand == RAX)
		operand = SCRATCH2;
	m = X_AT(SCRATCH1, 0);
	x_load(&j->e, size, RAX, m);
	emit_place(&j->e, again);
	x_mov(&j->e, wide, SCRATCH0, RAX);
	x_alu(&j->e, wide, atomic_alu(in), SCRATCH0, operand);
	x_atomic(&j->e, X_OP_CMPXCHG, size, m, SCRATCH0);
	x_jump(&j->e, X_NE, again);
	if (operand != SCRATCH2) {
		x_mov(&j->e, wide, operand, RAX);
		x_mov(&j->e, true, RAX, SCRATCH2);
	}
}

void jit_fetch(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);
	struct x_mem m = atomic_access(j, in->dst, in->off, size, true);

	(void)op;
	if (in->imm == BPF_XCHG)
		x_mem(&j->e, (size == 8 ? X_W : 0) | X_OP_XCHG, REG(in->src), m); /* locks itself */
	else if (in->imm == (BPF_ADD | BPF_FETCH))
		x_atomic(&j->e, X_OP_XADD, size, m, REG(in->src));
	else
		fetch_loop(j, in, m, size);
}

void jit_cmpxchg(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);

	(void)op;
	x_atomic(&j->e, X_OP_CMPXCHG, size, atomic_access(j, in->dst, in->off, size, true),
		 REG(in->src));
	if (size == 4) /* eax is written only where it was not equal */
		x_mov(&j->e, false, RAX, RAX);
}
