/*
 * jit_divide.c: division and modulo.
 *
 * In:  registers, or a register and a constant. Out: machine code.
 *
 * The processor divides rdx:rax, so whatever BPF keeps there is set aside in scratch registers, if
 * it is needed afterwards. It traps where RFC 9669 has results: division by zero gives 0, modulo by
 * zero the dividend; the smallest number divided by -1 is itself. Both are looked for beforehand.
 *
 * By a constant: a multiplication with its reciprocal, rounded up, of as many bits more as make the
 * result exact (Granlund and Montgomery 1994, Warren's Hacker's Delight, chapter 10).
 */
#include "vm/jit.h"

/* ---- by a register */

static void by_zero(struct jit *j, struct jit_division d, u32 dst, u32 from)
{
	if (!d.modulo)
		x_mov_imm(&j->e, dst, 0);
	else if (!d.wide || dst != from)
		x_mov(&j->e, d.wide, dst, from);
}

static void by_minus_one(struct jit *j, struct jit_division d, u32 dst, u32 from)
{
	if (d.modulo) {
		x_mov_imm(&j->e, dst, 0);
		return;
	}
	if (dst != from)
		x_mov(&j->e, d.wide, dst, from);
	x_unary(&j->e, d.wide, X_NEG, dst);
}

/* What would trap is done in cold pieces, which go on at `end`. */
static void divide_cases(struct jit *j, struct jit_cold c, u32 src)
{
	bool wide = c.division.wide;

	x_test(&j->e, wide, src, src);
	jit_cold(j, X_E, c);
	if (!c.division.is_signed)
		return;
	c.minus_one = true;
	x_alu_imm(&j->e, wide, X_CMP, src, -1);
	jit_cold(j, X_E, c);
}

void jit_divide_cold(struct jit *j, const struct jit_cold *c)
{
	(c->minus_one ? by_minus_one : by_zero)(j, c->division, c->dst, c->from);
}

static bool set_aside(struct jit *j, u32 bpf, u32 dst, u32 to)
{
	u32 reg = REG(bpf);

	if (reg == dst || !jit_needed(j, j->at, bpf))
		return false;
	x_mov(&j->e, true, to, reg);
	return true;
}

static void extend_dividend(struct jit *j, struct jit_division d)
{
	if (!d.is_signed) {
		x_alu(&j->e, false, X_XOR, RDX, RDX);
		return;
	}
	x_mov(&j->e, d.wide, RDX, RAX);
	x_shift(&j->e, d.wide, X_SAR, RDX, d.wide ? 63 : 31);
}

void jit_divide(struct jit *j, struct jit_division d, u32 dst, u32 from, u32 src)
{
	u32 end = emit_label(&j->e), result = d.modulo ? RDX : RAX;
	bool rax, rdx, moves = src == RAX || src == RDX;

	if (!d.plain)
		divide_cases(j,
			     (struct jit_cold){.back = end,
					       .kind = COLD_DIVIDE,
					       .division = d,
					       .dst = (u8)dst,
					       .from = (u8)from},
			     src);
	if (moves) {
		jit_budget_put(j);
		x_mov(&j->e, true, SCRATCH2, src);
		src = SCRATCH2;
	}
	rax = set_aside(j, 0, dst, SCRATCH0);
	rdx = set_aside(j, 3, dst, SCRATCH1);
	if (from != RAX)
		x_mov(&j->e, d.wide, RAX, from);
	extend_dividend(j, d);
	x_unary(&j->e, d.wide, d.is_signed ? X_IDIV : X_DIV, src);
	if (dst != result)
		x_mov(&j->e, d.wide, dst, result);
	if (rax)
		x_mov(&j->e, true, RAX, SCRATCH0);
	if (rdx)
		x_mov(&j->e, true, RDX, SCRATCH1);
	if (moves)
		jit_budget_get(j);
	emit_place(&j->e, end);
}

/* ---- by a constant */

struct reciprocal {
	u64 multiplier; /* without bit `bits`, which is set where `add` says so */
	u32 shift;      /* of the upper half of the product */
	bool add;
};

/* For dividends of so many bits; 2 < d < 2^31 and no power of two. */
static struct reciprocal reciprocal_of(u32 bits, u64 d)
{
	typedef unsigned __int128 u128;
	u32 shift = 64 - (u32)__builtin_clzll(d - 1); /* 2^shift > d */
	u128 one = (u128)1 << bits;
	u128 low = (one << shift) / d, high = ((one << shift) + ((u128)1 << shift)) / d;

	for (; low >> 1 < high >> 1 && shift; shift--) {
		low >>= 1;
		high >>= 1;
	}
	return (struct reciprocal){(u64)(high & (one - 1)), shift, high >= one};
}

/* The upper half of the product of dst and the multiplier, in SCRATCH1. */
static void multiply(struct jit *j, bool wide, u32 dst, u64 multiplier)
{
	bool rdx;

	x_mov_imm(&j->e, SCRATCH1, multiplier);
	if (!wide) {
		x_mov(&j->e, false, SCRATCH0, dst);
		x_imul(&j->e, true, SCRATCH1, SCRATCH0);
		return;
	}
	jit_budget_put(j);
	rdx = set_aside(j, 3, dst, SCRATCH2);
	if (dst != RDX)
		x_mov(&j->e, true, RDX, dst);
	x_mulx(&j->e, true, SCRATCH1, SCRATCH0, SCRATCH1);
	if (rdx)
		x_mov(&j->e, true, RDX, SCRATCH2);
	jit_budget_get(j);
}

static void divide_by_multiplication(struct jit *j, struct jit_division d, u32 dst, u32 by)
{
	struct reciprocal r = reciprocal_of(d.wide ? 64 : 32, by);
	u32 half = d.wide ? 0 : 32;

	multiply(j, d.wide, dst, r.multiplier);
	if (!r.add) {
		if (half + r.shift)
			x_shift(&j->e, true, X_SHR, SCRATCH1, half + r.shift);
	} else { /* (t + (n - t) / 2) >> (shift - 1): the sum t + n would need one bit more */
		if (half)
			x_shift(&j->e, true, X_SHR, SCRATCH1, half);
		x_mov(&j->e, d.wide, SCRATCH0, dst);
		x_alu(&j->e, d.wide, X_SUB, SCRATCH0, SCRATCH1);
		x_shift(&j->e, d.wide, X_SHR, SCRATCH0, 1);
		x_alu(&j->e, d.wide, X_ADD, SCRATCH1, SCRATCH0);
		if (r.shift > 1)
			x_shift(&j->e, d.wide, X_SHR, SCRATCH1, r.shift - 1);
	}
	if (d.modulo) {
		x_imul_imm(&j->e, d.wide, SCRATCH1, SCRATCH1, (s32)by);
		x_alu(&j->e, d.wide, X_SUB, dst, SCRATCH1);
	} else {
		x_mov(&j->e, d.wide, dst, SCRATCH1);
	}
}

static void divide_by_power(struct jit *j, struct jit_division d, u32 dst, u32 by)
{
	if (d.modulo)
		x_alu_imm(&j->e, false, X_AND, dst, (s32)(by - 1));
	else if (by > 1)
		x_shift(&j->e, d.wide, X_SHR, dst, (u32)__builtin_ctz(by));
	else if (!d.wide)
		x_mov(&j->e, false, dst, dst);
}

bool jit_divide_by(struct jit *j, struct jit_division d, u32 dst, s32 by)
{
	if (!by)
		by_zero(j, d, dst, dst);
	else if (by == -1 && d.is_signed)
		by_minus_one(j, d, dst, dst);
	else if (d.is_signed || by < 0 || (d.wide && !j->cpu.bmi2 && (by & (by - 1))))
		return false;
	else if (!(by & (by - 1)))
		divide_by_power(j, d, dst, (u32)by);
	else
		divide_by_multiplication(j, d, dst, (u32)by);
	return true;
}
