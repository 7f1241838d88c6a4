/*
 * fold.c: what an instruction is when one looks at its operands: a table of peephole rules.
 *
 * In:  an instruction whose operands are known. Out: the value it always has, or the same
 *      instruction in a simpler form. The builder asks for each instruction that it makes, the
 *      pass `fold` asks again when other passes have found out more.
 *
 * No rule reassociates: the verifier knows bounds of values that were checked, and would know
 * nothing of a sum that avoids them. The one exception, two constants, needs the inner sum to
 * have no other use. Division by zero, shift counts: RFC 9669, section 4.1.
 */
#include "ir/inside.h"

#define ONES UINT64_MAX

bool ir_eval(enum ir_op op, bool is32, u64 a, u64 b, u64 *out)
{
	u32 count = b & (is32 ? 31 : 63);
	s64 sa = is32 ? (s32)a : (s64)a, sb = is32 ? (s32)b : (s64)b;
	bool least = sa == (is32 ? INT32_MIN : INT64_MIN) && sb == -1;
	u64 r;

	a = is32 ? (u32)a : a;
	b = is32 ? (u32)b : b;
	switch (op) {
	case IR_ADD: r = a + b; break;
	case IR_SUB: r = a - b; break;
	case IR_MUL: r = a * b; break;
	case IR_UDIV: r = b ? a / b : 0; break;
	case IR_UMOD: r = b ? a % b : a; break;
	case IR_SDIV: r = least ? a : sb ? (u64)(sa / sb) : 0; break;
	case IR_SMOD: r = least ? 0 : sb ? (u64)(sa % sb) : a; break;
	case IR_AND: r = a & b; break;
	case IR_OR: r = a | b; break;
	case IR_XOR: r = a ^ b; break;
	case IR_SHL: r = a << count; break;
	case IR_SHR: r = a >> count; break;
	case IR_SAR: r = (u64)(sa >> count); break;
	case IR_NEG: r = -a; break;
	case IR_SEXT8: r = (u64)(s64)(s8)a; break;
	case IR_SEXT16: r = (u64)(s64)(s16)a; break;
	case IR_SEXT32: r = (u64)(s64)(s32)a; break;
	case IR_ZEXT8: r = (u8)a; break;
	case IR_ZEXT16: r = (u16)a; break;
	case IR_ZEXT32: r = (u32)a; break;
	case IR_BSWAP16: r = __builtin_bswap16((u16)a); break;
	case IR_BSWAP32: r = __builtin_bswap32((u32)a); break;
	case IR_BSWAP64: r = __builtin_bswap64(a); break;
	case IR_EQ: r = a == b; break;
	case IR_NE: r = a != b; break;
	case IR_ULT: r = a < b; break;
	case IR_ULE: r = a <= b; break;
	case IR_SLT: r = sa < sb; break;
	case IR_SLE: r = sa <= sb; break;
	default: return false;
	}
	*out = is32 ? (u32)r : r;
	return true;
}

static u32 length(u64 c)
{
	return c ? 64 - (u32)__builtin_clzll(c) : 0;
}

/* Only what the verifier finds out as well: to it, the result of a division is any number, and the
 * mask that a front end puts on the remainder must stay. */
static u32 bits(const struct ir_fn *f, u32 v, u32 depth)
{
	const struct ir_ins *i = &f->ins.v[ir_value(f, v)];
	u32 all = i->type == IRT_I32 ? 32 : 64, n;
	s64 c;

	if (!depth)
		return all;
	switch (i->op) {
	case IR_CONST: return length((u64)i->imm);
	case IR_LOAD: return MIN(all, i->width * 8u);
	case IR_EQ:
	case IR_NE:
	case IR_ULT:
	case IR_ULE:
	case IR_SLT:
	case IR_SLE: return 1;
	case IR_AND: return MIN(bits(f, i->a, depth - 1), MIN(all, bits(f, i->b, depth - 1)));
	case IR_OR:
	case IR_XOR:
		n = MAX(bits(f, i->a, depth - 1), bits(f, i->b, depth - 1));
		return MIN(all, n);
	case IR_SHR:
		n = MIN(all, bits(f, i->a, depth - 1));
		if (ir_is_const(f, ir_value(f, i->b), &c))
			n -= MIN(n, (u64)c & (all - 1));
		return n;
	case IR_ZEXT8: return 8;
	case IR_ZEXT16:
	case IR_BSWAP16: return 16;
	case IR_ZEXT32:
	case IR_BSWAP32: return 32;
	default: return all;
	}
}

u32 ir_bits(const struct ir_fn *f, u32 v)
{
	return bits(f, v, 4);
}

/* ---- rules */

struct at { /* where a rule looks */
	struct ir_fn *f;
	struct ir_ins *i;
	u32 **uses;
	bool is32; /* operands are seen as 32 bits */
	u64 c;     /* right operand, if constant, as wide as it is seen */
};

/* Does nobody else look at it? They are counted when a rule asks for the first time. */
static bool is_alone(struct at *x, u32 v)
{
	if (x->uses && !*x->uses)
		*x->uses = ir_count_uses(x->f);
	return x->uses && (*x->uses)[v] == 1;
}

/* The left operand, as wide as the instruction is. */
static u32 left(struct at *x)
{
	if (!x->is32 || ir_bits(x->f, x->i->a) <= 32)
		return x->i->a;
	x->i->op = IR_ZEXT32;
	x->i->b = 0;
	return 0;
}

static u32 value(struct at *x, u64 c)
{
	return ir_const(x->f, (s64)c);
}

static u32 zero(struct at *x)
{
	return value(x, 0);
}

static u32 one(struct at *x)
{
	return value(x, 1);
}

static u32 right(struct at *x)
{
	return value(x, x->c);
}

/* Rewrites into `op` with a constant on the right. */
static u32 with(struct at *x, enum ir_op op, u64 c)
{
	u32 b = value(x, c);

	x->i->op = op;
	x->i->b = b;
	return 0;
}

static u32 sub_const(struct at *x)
{
	return with(x, IR_ADD, x->is32 ? (u32)-x->c : -x->c);
}

static bool power_of_2(u64 c)
{
	return c && !(c & (c - 1));
}

static u32 mul_const(struct at *x)
{
	return power_of_2(x->c) ? with(x, IR_SHL, length(x->c) - 1) : 0;
}

static u32 udiv_const(struct at *x)
{
	return power_of_2(x->c) ? with(x, IR_SHR, length(x->c) - 1) : 0;
}

static u32 umod_const(struct at *x)
{
	return power_of_2(x->c) ? with(x, IR_AND, x->c - 1) : 0;
}

/* A mask that takes away nothing is dropped; one that keeps the low half is an extension. */
static u32 and_const(struct at *x)
{
	u32 n = ir_bits(x->f, x->i->a);

	n = x->is32 ? MIN(n, 32) : n;
	if (!(~x->c & (n == 64 ? ONES : (1ull << n) - 1)))
		return left(x);
	if (!x->is32 && x->c == UINT32_MAX) {
		x->i->op = IR_ZEXT32;
		x->i->type = IRT_I32;
	} else if (!x->is32 && x->c > INT32_MAX && x->c < UINT32_MAX) {
		x->i->type = IRT_I32; /* so that the mask is an immediate */
	}
	return 0;
}

static u32 shift_const(struct at *x)
{
	u64 n = x->c & (x->is32 ? 31 : 63);

	return n == x->c ? 0 : with(x, x->i->op, n);
}

/* (a op c1) op c2 with nobody else who looks at a op c1 */
static u32 join_const(struct at *x)
{
	struct ir_ins *in = &x->f->ins.v[x->i->a];
	u64 r;
	s64 c;

	if (in->op != x->i->op || in->type != x->i->type ||
	    !ir_is_const(x->f, ir_value(x->f, in->b), &c) || !is_alone(x, x->i->a))
		return 0;
	if (!ir_eval(x->i->op, x->is32, (u64)c, x->c, &r))
		return 0;
	x->i->a = ir_value(x->f, in->a);
	return with(x, x->i->op, r);
}

/* Addresses take constants in. */
static u32 add_const(struct at *x)
{
	struct ir_ins *p = &x->f->ins.v[x->i->a];

	if (p->op == IR_SLOT || p->op == IR_DATA) {
		s64 off = (s64)p->aux + (s64)x->c;

		if (off < 0 || off > INT32_MAX)
			return 0;
		*x->i = (struct ir_ins){.op = p->op,
					.type = p->type,
					.imm = p->imm,
					.aux = (u32)off,
					.line = x->i->line};
		return 0;
	}
	if (ir_is_ptr(p->type) && p->op == IR_ADD) {
		s64 c;

		if (!ir_is_const(x->f, ir_value(x->f, p->b), &c))
			return 0;
		x->i->a = ir_value(x->f, p->a);
		return with(x, IR_ADD, x->c + (u64)c);
	}
	return join_const(x);
}

static u32 neg(struct at *x)
{
	struct ir_ins *in = &x->f->ins.v[x->i->a];

	return in->op == IR_NEG && in->type == x->i->type && !x->is32 ? ir_value(x->f, in->a) : 0;
}

/* Extensions of what is narrow enough; the masks of 8 and 16 bits are cheaper than shifts. */
static u32 extend(struct at *x)
{
	static const u8 width[] = {8, 16, 32, 8, 16, 32};
	u32 k = x->i->op - IR_SEXT8, w = width[k], n = ir_bits(x->f, x->i->a);

	if (n < w || (k >= 3 && n == w))
		return x->i->a;
	if (x->i->op == IR_SEXT32 && x->is32)
		x->i->op = IR_ZEXT32;
	if (x->i->op == IR_ZEXT8 || x->i->op == IR_ZEXT16) {
		x->i->type = IRT_I64;
		return with(x, IR_AND, w == 8 ? 0xff : 0xffff);
	}
	if (x->i->op == IR_ZEXT32)
		x->i->type = IRT_I32;
	return 0;
}

static bool is_bool(struct at *x, u32 v)
{
	return ir_bits(x->f, v) <= 1;
}

/* a compare with 0 or 1 of what is 0 or 1: itself or its opposite */
static u32 compare_bool(struct at *x)
{
	static const u16 opposite[] = {IR_NE, IR_EQ, IR_ULE, IR_ULT, IR_SLE, IR_SLT};
	struct ir_ins *in = &x->f->ins.v[x->i->a];
	bool swap;

	if (ir_is_ptr(in->type) && x->c == 0 &&
	    (in->op == IR_SLOT || in->op == IR_DATA || in->op == IR_MAP || in->op == IR_CTX))
		return value(x, x->i->op == IR_NE);
	if (x->c > 1 || !is_bool(x, x->i->a))
		return 0;
	if ((x->i->op == IR_NE) == (x->c == 0))
		return x->i->a;
	if (!(ir_ops[in->op].flags & IR_COMPARE))
		return x->c ? with(x, x->i->op == IR_EQ ? IR_NE : IR_EQ, 0) : 0;
	swap = in->op != IR_EQ && in->op != IR_NE;
	x->i->op = opposite[in->op - IR_EQ];
	x->i->width = in->width;
	x->i->a = ir_value(x->f, swap ? in->b : in->a);
	x->i->b = ir_value(x->f, swap ? in->a : in->b);
	return 0;
}

/* The bytes of a value are turned round: what they were, and in *c the constant turned, too. */
static u32 unturned(struct at *x, u32 v, u64 *c)
{
	const struct ir_ins *in = &x->f->ins.v[v];
	u32 from = ir_value(x->f, in->a);

	if (in->op == IR_BSWAP16 && *c <= UINT16_MAX && ir_bits(x->f, from) <= 16)
		*c = __builtin_bswap16((u16)*c);
	else if (in->op == IR_BSWAP32 && *c <= UINT32_MAX && ir_bits(x->f, from) <= 32)
		*c = __builtin_bswap32((u32)*c);
	else
		return 0;
	return from;
}

/* A number in the order of the net is compared as it is, and so is a mask of it with 0: another
 * mask, since the first one may stand where the constant is not known yet. */
static u32 compare_turned(struct at *x)
{
	const struct ir_ins and = x->f->ins.v[x->i->a];
	u64 c = x->c;
	u32 from = unturned(x, x->i->a, &c);
	s64 mask;

	if (from) {
		x->i->a = from;
		return with(x, x->i->op, c);
	}
	if (x->c || and.op != IR_AND ||
	    !ir_is_const(x->f, ir_value(x->f, and.b), &mask))
		return 0;
	c = (u64)mask;
	from = unturned(x, ir_value(x->f, and.a), &c);
	if (from && is_alone(x, x->i->a)) {
		u32 turned = value(x, c);

		x->i->a = ir_bin(x->f, IR_AND, and.type, from, turned);
	}
	return 0;
}

/* The largest number that an operand of this compare may be. */
static u64 most_of(struct at *x, u32 v)
{
	u32 n = ir_bits(x->f, v);

	n = x->is32 ? MIN(n, 32) : n;
	return n < 64 ? (1ull << n) - 1 : ONES;
}

/* x < c, x <= c */
static u32 below_const(struct at *x)
{
	u64 most = most_of(x, x->i->a);

	if (x->i->op == IR_ULE)
		return x->c >= most ? one(x) : 0;
	return x->c == 0 ? zero(x) : x->c > most ? one(x) : 0;
}

/* c < x, c <= x */
static u32 above_const(struct at *x)
{
	u64 most, c;
	s64 v;

	if (!ir_is_const(x->f, x->i->a, &v))
		return 0;
	c = x->is32 ? (u32)v : (u64)v;
	most = most_of(x, x->i->b);
	if (x->i->op == IR_ULE)
		return c == 0 ? one(x) : c > most ? zero(x) : 0;
	return c >= most ? zero(x) : 0;
}

enum when { ALWAYS, CONST, IS_0, IS_1, IS_ONES, SAME };

#define RULES_MOST 5

static const struct rule {
	u32 (*apply)(struct at *); /* NULL: there are no more */
	u8 when;		   /* what the right operand is */
} rules[IR_OP_COUNT][RULES_MOST] = {
	[IR_ADD] = {{left, IS_0}, {add_const, CONST}},
	[IR_SUB] = {{left, IS_0}, {sub_const, CONST}, {zero, SAME}},
	[IR_MUL] = {{zero, IS_0}, {left, IS_1}, {mul_const, CONST}},
	[IR_UDIV] = {{zero, IS_0}, {left, IS_1}, {udiv_const, CONST}},
	[IR_SDIV] = {{zero, IS_0}, {left, IS_1}},
	[IR_UMOD] = {{left, IS_0}, {zero, IS_1}, {umod_const, CONST}},
	[IR_SMOD] = {{left, IS_0}, {zero, IS_1}},
	[IR_AND] =
		{{zero, IS_0}, {left, IS_ONES}, {and_const, CONST},
		 {join_const, CONST}, {left, SAME}},
	[IR_OR] = {{left, IS_0}, {right, IS_ONES}, {join_const, CONST}, {left, SAME}},
	[IR_XOR] = {{left, IS_0}, {join_const, CONST}, {zero, SAME}},
	[IR_SHL] = {{shift_const, CONST}, {left, IS_0}},
	[IR_SHR] = {{shift_const, CONST}, {left, IS_0}},
	[IR_SAR] = {{shift_const, CONST}, {left, IS_0}},
	[IR_NEG] = {{neg, ALWAYS}},
	[IR_SEXT8] = {{extend, ALWAYS}},
	[IR_SEXT16] = {{extend, ALWAYS}},
	[IR_SEXT32] = {{extend, ALWAYS}},
	[IR_ZEXT8] = {{extend, ALWAYS}},
	[IR_ZEXT16] = {{extend, ALWAYS}},
	[IR_ZEXT32] = {{extend, ALWAYS}},
	[IR_EQ] = {{one, SAME}, {compare_bool, CONST}, {compare_turned, CONST}},
	[IR_NE] = {{zero, SAME}, {compare_bool, CONST}, {compare_turned, CONST}},
	[IR_ULT] = {{zero, SAME}, {below_const, CONST}, {above_const, ALWAYS}},
	[IR_ULE] = {{one, SAME}, {below_const, CONST}, {above_const, ALWAYS}},
	[IR_SLT] = {{zero, SAME}},
	[IR_SLE] = {{one, SAME}},
};

static bool applies(const struct rule *r, struct at *x, bool is_const)
{
	switch (r->when) {
	case CONST: return is_const;
	case IS_0: return is_const && x->c == 0;
	case IS_1: return is_const && x->c == 1;
	case IS_ONES: return is_const && x->c == (x->is32 ? UINT32_MAX : ONES);
	case SAME: return x->i->a == x->i->b;
	default: return true;
	}
}

/* What a rule can change in place. */
static bool changed(const struct ir_ins *was, const struct ir_ins *now)
{
	return was->op != now->op || was->type != now->type || was->width != now->width ||
	       was->a != now->a || was->b != now->b || was->imm != now->imm;
}

u32 ir_simplify(struct ir_fn *f, struct ir_ins *i, u32 **uses)
{
	const struct ir_op_info *op = &ir_ops[i->op];
	struct at x = {.f = f, .i = i, .uses = uses};
	s64 a, b = 0;
	bool ca, cb;
	u64 known;

	if (!(op->flags & IR_PURE) || !op->args)
		return 0;
	x.is32 = op->flags & IR_COMPARE ? i->width == 4 : i->type == IRT_I32;
	ca = ir_is_const(f, i->a, &a);
	cb = op->args == 2 && ir_is_const(f, i->b, &b);
	if (ca && (cb || op->args == 1) && !ir_is_ptr(i->type) &&
	    ir_eval(i->op, x.is32, (u64)a, (u64)b, &known))
		return ir_const(f, (s64)known);
	if (ca && (op->flags & IR_COMMUTES)) {
		u32 swap = i->a;

		i->a = i->b;
		i->b = swap;
		b = a;
		cb = true;
	}
	x.c = x.is32 ? (u32)b : (u64)b;
	for (const struct rule *r = rules[i->op], *end = r + RULES_MOST; r < end && r->apply; r++) {
		struct ir_ins was;
		u32 v;

		if (!applies(r, &x, cb))
			continue;
		was = *i;
		v = r->apply(&x);
		if (v)
			return v;
		if (changed(&was, i))
			return ir_simplify(f, i, uses);
	}
	return 0;
}

/* ---- the pass */

u32 *ir_count_uses(struct ir_fn *f)
{
	u32 *uses = arena_array(f->arena, u32, f->ins.n), *ops;

	vec_each (i, &f->ins)
		if (i->block) /* what was forwarded has no operands */
			for (u32 n = ir_operands(f, i, &ops); n--; ops++)
				uses[ir_value(f, *ops)]++;
	vec_each (b, &f->order) {
		struct ir_block *block = &f->blocks.v[*b];

		for (u32 k = 0; k < 2; k++)
			vec_each (v, &block->succ[k].args)
				uses[ir_value(f, *v)]++;
	}
	return uses;
}

/* Asks an instruction again what it is; the value that it always has, or 0. */
static u32 ask(struct ir_fn *f, u32 block, u32 v, u32 **uses)
{
	struct ir_ins i = f->ins.v[v];
	u32 same;

	f->line = i.line;
	same = ir_simplify(f, &i, uses);
	i.block = block; /* it may be another one now */
	f->ins.v[v] = i;
	return same;
}

/* Builds each block anew from its instructions: a copy of them is read, constants that they want
 * come before them. */
void ir_pass_fold(struct ir_fn *f, u32 kernel)
{
	u32 *uses = NULL, *ops, *old, most = 0;

	(void)kernel;
	ir_shape(f);
	vec_each (b, &f->order)
		most = MAX(most, f->blocks.v[*b].ins.n);
	old = arena_room(f->arena, most * sizeof(*old));
	vec_each (b, &f->order) {
		struct ir_block *block = &f->blocks.v[*b];
		u32 n = block->ins.n;

		memcpy(old, block->ins.v, n * sizeof(*old));
		block->ins.n = 0;
		f->at = *b;
		for (u32 k = 0; k < n; k++) {
			struct ir_ins *i = &f->ins.v[old[k]];
			const struct ir_op_info *op = &ir_ops[i->op];
			u32 same = 0;

			for (u32 left = ir_operands(f, i, &ops); left--; ops++)
				*ops = ir_value(f, *ops);
			if (op->flags & IR_PURE && op->args)
				same = ask(f, *b, old[k], &uses);
			if (same)
				ir_forward(f, old[k], same);
			else
				vec_push(f->arena, &block->ins, old[k]);
		}
	}
	f->at = 0;
	ir_resolved(f);
}
