/*
 * operation.c: the machine operation of one IR instruction, as if all its operands were in
 * registers but for what fits into the instruction: immediates, offsets, conditions.
 */
#include "codegen/inside.h"

static const u8 alu_codes[IR_OP_COUNT] = {
	[IR_ADD] = BPF_ADD,  [IR_SUB] = BPF_SUB,  [IR_MUL] = BPF_MUL,  [IR_UDIV] = BPF_DIV,
	[IR_SDIV] = BPF_DIV, [IR_UMOD] = BPF_MOD, [IR_SMOD] = BPF_MOD, [IR_AND] = BPF_AND,
	[IR_OR] = BPF_OR,    [IR_XOR] = BPF_XOR,  [IR_SHL] = BPF_LSH,  [IR_SHR] = BPF_RSH,
	[IR_SAR] = BPF_ARSH,
};
/* jumps when a cmp b, and when the operands have changed sides */
static const u8 jump_codes[IR_OP_COUNT][2] = {
	[IR_EQ] = {BPF_JEQ, BPF_JEQ},    [IR_NE] = {BPF_JNE, BPF_JNE},
	[IR_ULT] = {BPF_JLT, BPF_JGT},   [IR_ULE] = {BPF_JLE, BPF_JGE},
	[IR_SLT] = {BPF_JSLT, BPF_JSGT}, [IR_SLE] = {BPF_JSLE, BPF_JSGE},
};

static u8 size_code(u32 width)
{
	return width == 1 ? BPF_B : width == 2 ? BPF_H : width == 4 ? BPF_W : BPF_DW;
}

static bool immediate(struct cg *c, u32 v, bool is32, s32 *imm)
{
	s64 x;

	if (!ir_is_const(c->f, v, &x))
		return false;
	*imm = (s32)x;
	return is32 || x == *imm;
}

static void binary(struct cg *c, const struct ir_ins *i, struct mop *m)
{
	bool is32 = i->type == IRT_I32, divides;

	m->kind = M_ALU;
	m->a = i->a;
	m->b = i->b;
	m->code = (is32 ? BPF_ALU : BPF_ALU64) | alu_codes[i->op];
	m->off = i->op == IR_SDIV || i->op == IR_SMOD;
	divides = i->op == IR_UDIV || i->op == IR_SDIV || i->op == IR_UMOD || i->op == IR_SMOD;
	if (immediate(c, i->b, is32, &m->imm) && (m->imm || !divides)) {
		m->kind = M_ALUI;
		m->b = 0;
		if (i->op == IR_SHL || i->op == IR_SHR || i->op == IR_SAR)
			m->imm &= is32 ? 31 : 63;
	} else {
		m->code |= BPF_X;
		m->imm = 0;
	}
}

static void unary(const struct ir_ins *i, struct mop *m)
{
	u8 cls = i->type == IRT_I32 ? BPF_ALU : BPF_ALU64;

	m->kind = M_ALUI;
	m->a = i->a;
	switch (i->op) {
	case IR_NEG: m->code = cls | BPF_NEG; break;
	case IR_BSWAP16:
		m->code = BPF_ALU | BPF_END | BPF_X;
		m->imm = 16;
		break;
	case IR_BSWAP32:
		m->code = BPF_ALU | BPF_END | BPF_X;
		m->imm = 32;
		break;
	case IR_BSWAP64:
		m->code = BPF_ALU | BPF_END | BPF_X;
		m->imm = 64;
		break;
	case IR_ZEXT8:
		m->code = BPF_ALU64 | BPF_AND;
		m->imm = 0xff;
		break;
	case IR_ZEXT16:
		m->code = BPF_ALU64 | BPF_AND;
		m->imm = 0xffff;
		break;
	case IR_ZEXT32:
		m->kind = M_MOV;
		m->code = BPF_ALU | BPF_MOV | BPF_X;
		break;
	default: /* sign extensions, since 6.6 */
		m->kind = M_MOV;
		m->code = cls | BPF_MOV | BPF_X;
		m->off = i->op == IR_SEXT8 ? 8 : i->op == IR_SEXT16 ? 16 : 32;
	}
}

/* Puts the operands of a compare into m: a register first, then a register or an immediate. */
static u8 compare(struct cg *c, const struct ir_ins *i, struct mop *m, enum mop_kind reg)
{
	bool is32 = i->width == 4;
	bool left = immediate(c, i->a, is32, &m->imm) && !c->values[i->b].remake;
	u32 b = left ? i->a : i->b;

	m->a = left ? i->b : i->a;
	m->kind = immediate(c, b, is32, &m->imm) ? reg + 1 : reg;
	m->b = m->kind == reg ? b : 0;
	m->imm = m->kind == reg ? 0 : m->imm;
	return (is32 ? BPF_JMP32 : BPF_JMP) | jump_codes[i->op][left] |
	       (m->kind == reg ? BPF_X : BPF_K);
}

/* A branch takes its condition in: a compare, a test of bits, else a compare with zero. */
static void branch(struct cg *c, u32 cond, struct mop *m)
{
	struct ir_ins *i = cg_ins(c, cond), *and;
	s64 zero;

	if (!(ir_ops[i->op].flags & IR_COMPARE)) {
		m->kind = M_BRI;
		m->code = BPF_JMP | BPF_JNE;
		m->a = cond;
		return;
	}
	m->code = compare(c, i, m, M_BR);
	if ((i->op != IR_EQ && i->op != IR_NE) || !ir_is_const(c->f, i->b, &zero) || zero)
		return;
	and = cg_ins(c, i->a);
	if (and->op != IR_AND || ir_is_ptr(and->type))
		return;
	m->swap = i->op == IR_EQ;
	m->a = and->a;
	if (immediate(c, and->b, and->type == IRT_I32, &m->imm)) {
		m->kind = M_BRI;
		m->code = BPF_JSET;
	} else {
		m->kind = M_BR;
		m->code = BPF_JSET | BPF_X;
		m->b = and->b;
		m->imm = 0; /* the verifier wants it, and immediate() may have left something */
	}
	m->code |= i->width == 4 || and->type == IRT_I32 ? BPF_JMP32 : BPF_JMP;
}

/* r10 plus offset for own stack objects, else a register. */
static void address(struct cg *c, const struct ir_ins *i, struct mop *m)
{
	const struct ir_ins *p = cg_ins(c, i->a);
	s64 off = p->op == IR_SLOT ? c->slot_at[p->imm] + (s64)p->aux + i->imm : i->imm;

	m->off = (s16)off;
	m->a = p->op == IR_SLOT && off == m->off ? FRAME : i->a;
	if (p->op == IR_SLOT && m->a != FRAME)
		m->off = (s16)i->imm;
}

static void memory(struct cg *c, const struct ir_ins *i, struct mop *m)
{
	u8 size = size_code(i->width);

	m->kind = M_STORE;
	m->b = i->b;
	address(c, i, m);
	if (i->op == IR_LOAD || i->op == IR_LOADS) {
		m->kind = M_LOAD;
		m->b = 0;
		m->code = BPF_LDX | size | (i->op == IR_LOADS ? BPF_MEMSX : BPF_MEM);
	} else if (i->op == IR_XCHG) {
		m->kind = M_SWAP;
		m->code = BPF_STX | BPF_ATOMIC | size;
		m->imm = BPF_XCHG;
	} else if (i->op == IR_AADD) {
		m->code = BPF_STX | BPF_ATOMIC | size;
		m->imm = BPF_ADD;
	} else if (cg_ins(c, i->a)->type != IRT_CTX && immediate(c, i->b, i->width < 8, &m->imm)) {
		m->kind = M_STOREI;
		m->b = 0;
		m->code = BPF_ST | BPF_MEM | size;
		if (i->width < 4)
			m->imm = i->width == 1 ? (s8)m->imm : (s16)m->imm;
	} else {
		m->code = BPF_STX | BPF_MEM | size;
		m->imm = 0;
	}
}

void cg_operation(struct cg *c, u32 v, struct mop *m)
{
	const struct ir_ins *i = cg_ins(c, v);

	*m = (struct mop){0};
	switch (i->op) {
	case IR_LOAD:
	case IR_LOADS:
	case IR_STORE:
	case IR_AADD:
	case IR_XCHG: memory(c, i, m); break;
	case IR_EQ:
	case IR_NE:
	case IR_ULT:
	case IR_ULE:
	case IR_SLT:
	case IR_SLE: m->code = compare(c, i, m, M_SET); break;
	case IR_CALL:
		m->kind = M_CALL;
		m->code = BPF_JMP | BPF_CALL;
		m->ins = v;
		m->imm = (s32)i->imm;
		break;
	case IR_JMP: m->kind = M_JMP; break;
	case IR_BR: branch(c, i->a, m); break;
	case IR_RET:
		m->kind = M_EXIT;
		m->a = i->a;
		break;
	case IR_PARAM:
	case IR_NONE: break;
	default:
		if (ir_ops[i->op].args == 2)
			binary(c, i, m);
		else
			unary(i, m);
	}
}
