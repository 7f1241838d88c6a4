/*
 * jit_alu.c: arithmetic.
 *
 * In:  an instruction. Out: machine code for it.
 *
 * An immediate is either used as one, or, where constants are blinded, brought into a scratch
 * register first; from there on it is an operation with a register. 32-bit operations clear the
 * upper half of their target on both machines.
 */
#include "vm/jit.h"

static bool is_wide(const struct insn *in)
{
	return (in->code & 7) == BPF_ALU64;
}

/* ---- shifts */

static enum x_shift shift_of(const struct insn *in)
{
	u32 op = in->code & 0xf0;

	return op == BPF_LSH ? X_SHL : op == BPF_RSH ? X_SHR : X_SAR;
}

static void shift_imm(struct jit *j, bool wide, enum x_shift op, u32 dst, u32 n)
{
	n &= wide ? 63 : 31;
	if (!n && !wide)
		x_mov(&j->e, false, dst, dst);
	else if (n == 1 && op == X_SHL)
		x_alu(&j->e, wide, X_ADD, dst, dst);
	else if (n)
		x_shift(&j->e, wide, op, dst, n);
}

/* Without BMI2 only cl counts, the lower byte of r4. */
static void shift_cl(struct jit *j, bool wide, enum x_shift op, u32 dst, u32 count)
{
	u32 work = dst;

	if (count != RCX) {
		x_mov(&j->e, true, SCRATCH1, RCX);
		x_mov(&j->e, false, RCX, count);
	}
	if (dst == RCX) {
		work = count == RCX ? (u32)SCRATCH0 : (u32)SCRATCH1;
		if (count == RCX)
			x_mov(&j->e, true, work, RCX);
	}
	x_shift_cl(&j->e, wide, op, work);
	if (!wide) /* a count of 0 may leave the upper half as it was */
		x_mov(&j->e, false, work, work);
	if (dst == RCX)
		x_mov(&j->e, true, RCX, work);
	else if (count != RCX)
		x_mov(&j->e, true, RCX, SCRATCH1);
}

static void shift_reg(struct jit *j, bool wide, enum x_shift op, u32 dst, u32 count)
{
	if (j->cpu.bmi2)
		x_shiftx(&j->e, wide, op, dst, dst, count);
	else
		shift_cl(j, wide, op, dst, count);
}

/* ---- what an operation is on the machine */

static const struct {
	bool simple;
	enum x_alu op;
} simple_ops[16] = {
	[BPF_ADD >> 4] = {true, X_ADD}, [BPF_SUB >> 4] = {true, X_SUB},
	[BPF_OR >> 4] = {true, X_OR},   [BPF_AND >> 4] = {true, X_AND},
	[BPF_XOR >> 4] = {true, X_XOR},
};

/* 32 bits are enough where both have no more. */
static struct jit_division division_of(const struct jit *j, const struct insn *in, bool narrow_src)
{
	bool narrow = narrow_src && j->narrow & 1u << in->dst && !in->off;

	return (struct jit_division){.wide = is_wide(in) && !narrow,
				     .is_signed = in->off == 1,
				     .modulo = (in->code & 0xf0) == BPF_MOD};
}

static void alu_reg(struct jit *j, const struct insn *in, u32 dst, u32 src)
{
	u32 op = in->code & 0xf0;
	bool wide = is_wide(in), narrow;

	switch (op) {
	case BPF_MOV:
		if (dst != src || (!wide && !(j->narrow & 1u << in->src)))
			x_mov(&j->e, wide, dst, src);
		break;
	case BPF_MUL: x_imul(&j->e, wide, dst, src); break;
	case BPF_DIV:
	case BPF_MOD:
		narrow = src != SCRATCH2 && j->narrow & 1u << in->src;
		jit_divide(j, division_of(j, in, narrow), dst, dst, src);
		break;
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH: shift_reg(j, wide, shift_of(in), dst, src); break;
	default: x_alu(&j->e, wide, simple_ops[op >> 4].op, dst, src);
	}
}

void jit_alu_x(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	(void)op;
	alu_reg(j, in, REG(in->dst), REG(in->src));
}

/* ---- with immediates */

static void mul_imm(struct jit *j, bool wide, u32 dst, s32 imm)
{
	if (imm > 0 && !(imm & (imm - 1)))
		shift_imm(j, wide, X_SHL, dst, (u32)__builtin_ctz((u32)imm));
	else if ((imm == 3 || imm == 5 || imm == 9) && (dst & 7) != RBP)
		x_lea(&j->e, wide, dst, (struct x_mem){(u8)dst, (u8)dst, (u8)(imm - 1), 0});
	else
		x_imul_imm(&j->e, wide, dst, dst, imm);
}

static void and_imm(struct jit *j, bool wide, u32 dst, s32 imm)
{
	if (imm == 0xff || imm == 0xffff)
		x_zero_extend(&j->e, imm == 0xff ? 1 : 2, dst, dst);
	else
		x_alu_imm(&j->e, wide && imm < 0, X_AND, dst, imm);
}

static void divide_imm(struct jit *j, const struct insn *in, u32 dst)
{
	struct jit_division d = division_of(j, in, in->imm >= 0);

	if (jit_divide_by(j, d, dst, in->imm))
		return;
	jit_budget_put(j);
	x_mov_imm(&j->e, SCRATCH2, d.wide ? (u64)(s64)in->imm : (u32)in->imm);
	d.plain = true; /* jit_divide_by() has done the others */
	jit_divide(j, d, dst, dst, SCRATCH2);
	jit_budget_get(j);
}

static void alu_imm(struct jit *j, const struct insn *in, u32 dst)
{
	u32 op = in->code & 0xf0;
	bool wide = is_wide(in);

	switch (op) {
	case BPF_MOV: x_mov_imm(&j->e, dst, wide ? (u64)(s64)in->imm : (u32)in->imm); break;
	case BPF_MUL: mul_imm(j, wide, dst, in->imm); break;
	case BPF_DIV:
	case BPF_MOD: divide_imm(j, in, dst); break;
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH: shift_imm(j, wide, shift_of(in), dst, (u32)in->imm); break;
	case BPF_AND: and_imm(j, wide, dst, in->imm); break;
	default: x_alu_imm(&j->e, wide, simple_ops[op >> 4].op, dst, in->imm);
	}
}

void jit_alu_k(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u64 value = is_wide(in) ? (u64)(s64)in->imm : (u32)in->imm;

	(void)op;
	if (!j->blind) {
		alu_imm(j, in, REG(in->dst));
	} else if ((in->code & 0xf0) == BPF_MOV) {
		jit_constant(j, REG(in->dst), value);
	} else {
		jit_budget_put(j);
		jit_constant(j, SCRATCH2, value);
		alu_reg(j, in, REG(in->dst), SCRATCH2);
		jit_budget_get(j);
	}
}

void jit_ld_imm64(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u64 value = (u64)(u32)in[1].imm << 32 | (u32)in->imm;

	(void)op;
	if (in->src == BPF_PSEUDO_FUNC)
		value = VM_CALLBACK(j->at + 1 + (u32)in->imm);
	jit_constant(j, REG(in->dst), value);
}

/* ---- with one operand */

void jit_movsx(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	(void)op;
	x_sign_extend(&j->e, (u32)in->off / 8, is_wide(in), REG(in->dst), REG(in->src));
}

void jit_neg(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	(void)op;
	x_unary(&j->e, is_wide(in), X_NEG, REG(in->dst));
}

void jit_end(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 dst = REG(in->dst);
	bool swap = *op->text == 'b'; /* bswap16, be16; le16 */

	if (in->imm == 16) {
		if (swap)
			x_rol16(&j->e, dst);
		x_zero_extend(&j->e, 2, dst, dst);
	} else if (swap) {
		x_bswap(&j->e, in->imm == 64, dst);
	} else if (in->imm == 32) {
		x_mov(&j->e, false, dst, dst);
	}
}
