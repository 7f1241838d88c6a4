/*
 * assign.c: registers for values, one pass over the mops.
 *
 * In:  mops with liveness. Out: the body of each block: instructions with registers.
 *
 * A value keeps its register until it dies, has to leave (spill.c), or a call comes: what lives
 * over the call moves to r6-r9 together with the moves of the arguments. A value that will live
 * over a call is put there from the start where possible, an argument into the argument's
 * register. Between blocks see edges.c.
 */
#include "codegen/inside.h"

void cg_emit(struct cg *c, struct insn i)
{
	vec_push(c->arena, &c->blocks[c->block].body, (struct binsn){.i = i, .line = c->line});
}

u32 cg_free_regs(const struct cg *c)
{
	u32 regs = 0;

	for (u32 r = 0; r < REGS; r++)
		if (!c->in_reg[r])
			regs |= 1u << r;
	return regs;
}

u32 cg_pick(struct cg *c, u32 v, u32 allowed, u32 pos)
{
	static const u8 orders[2][REGS] = {{0, 5, 4, 3, 2, 1, 6, 7, 8, 9},
					   {6, 7, 8, 9, 0, 5, 4, 3, 2, 1}};
	bool over = cg_crosses_call(c, v, pos);
	s8 hint = c->values[v].hint;

	if (hint >= 0 && allowed >> hint & 1 && (!over || CALLEE >> hint & 1))
		return (u32)hint;
	for (u32 n = 0; n < REGS; n++)
		if (allowed >> orders[over][n] & 1)
			return orders[over][n];
	return 0;
}

static void occupy(struct cg *c, u32 v, u32 reg)
{
	c->in_reg[reg] = v;
	c->values[v].reg = (s8)reg;
}

static void vacate(struct cg *c, u32 v)
{
	if (c->values[v].reg >= 0)
		c->in_reg[c->values[v].reg] = 0;
	c->values[v].reg = -1;
}

static u32 take(struct cg *c, u32 v, u32 banned)
{
	u32 r;

	cg_make_room(c, banned);
	r = cg_pick(c, v, cg_free_regs(c) & ~banned, c->pos);
	occupy(c, v, r);
	return r;
}

/* A register that holds v; it joins those that must stay as they are. */
static u32 operand(struct cg *c, u32 v, u32 *banned)
{
	u32 r;

	if (v == FRAME)
		return FP;
	if (c->values[v].reg < 0) {
		r = take(c, v, *banned);
		if (c->values[v].remake)
			cg_remake(c, v, r);
		else
			cg_emit(c, op_mem(BPF_LDX | BPF_MEM | BPF_DW, r, FP, cg_slot_of(c, v)));
	}
	*banned |= 1u << c->values[v].reg;
	return (u32)c->values[v].reg;
}

static void release(struct cg *c, u32 v)
{
	if (v && v != FRAME && cg_dies(c, v))
		vacate(c, v);
}

static bool commutes(u8 code)
{
	u8 op = code & 0xf0;

	return op == BPF_ADD || op == BPF_MUL || op == BPF_AND || op == BPF_OR || op == BPF_XOR;
}

static struct insn alu(const struct mop *m, u32 dst, u32 src)
{
	struct insn i = {.code = m->code, .dst = dst & 15, .off = m->off, .imm = m->imm};

	if (m->kind == M_ALU)
		i.src = src & 15;
	return i;
}

static void copy(struct cg *c, u32 dst, u32 src)
{
	cg_emit(c, op_reg(BPF_ALU64 | BPF_MOV | BPF_X, dst, src));
}

/* dst = constant op b: the constant is made in dst. */
static void alu_remade(struct cg *c, const struct mop *m)
{
	u32 banned = 0, b = operand(c, m->b, &banned), d = take(c, m->dst, banned);

	cg_remake(c, m->a, d);
	cg_emit(c, alu(m, d, b));
	release(c, m->b);
}

/* Two-address: the result takes the register of an operand that dies, or a copy. */
static void do_alu(struct cg *c, const struct mop *m)
{
	u32 banned = 0, a, b, d;

	if (m->kind == M_ALU && m->a != m->b && c->values[m->a].remake && c->values[m->a].reg < 0) {
		alu_remade(c, m);
		return;
	}
	a = operand(c, m->a, &banned);
	b = m->kind == M_ALU ? operand(c, m->b, &banned) : 0;
	if (cg_dies(c, m->a)) {
		vacate(c, m->a);
		occupy(c, m->dst, a);
		cg_emit(c, alu(m, a, b));
	} else if (m->kind == M_ALU && cg_dies(c, m->b) && commutes(m->code)) {
		vacate(c, m->b);
		occupy(c, m->dst, b);
		cg_emit(c, alu(m, b, a));
		return;
	} else {
		d = take(c, m->dst, banned);
		copy(c, d, a);
		cg_emit(c, alu(m, d, b));
	}
	if (m->kind == M_ALU && m->b != m->a)
		release(c, m->b);
}

static void do_move(struct cg *c, const struct mop *m)
{
	u32 banned = 0, a = operand(c, m->a, &banned);
	struct insn i = op_reg(m->code, 0, a);

	release(c, m->a);
	i.dst = take(c, m->dst, 0) & 15;
	i.off = m->off;
	cg_emit(c, i);
}

static void do_load(struct cg *c, const struct mop *m)
{
	u32 banned = 0, a = operand(c, m->a, &banned);

	release(c, m->a);
	cg_emit(c, op_mem(m->code, take(c, m->dst, 0), a, m->off));
}

static void do_store(struct cg *c, const struct mop *m)
{
	u32 banned = 0, a = operand(c, m->a, &banned);
	u32 b = m->kind == M_STORE ? operand(c, m->b, &banned) : 0;
	struct insn i = op_mem(m->code, a, b, m->off);

	i.imm = m->imm;
	cg_emit(c, i);
	release(c, m->a);
	release(c, m->b);
}

/* The instruction changes the register whose value it stores: that is a copy, then the result. */
static void do_swap(struct cg *c, const struct mop *m)
{
	u32 banned = 0, a = operand(c, m->a, &banned), b = 0, d;
	bool remake = c->values[m->b].remake && c->values[m->b].reg < 0;
	struct insn i;

	if (!remake)
		b = operand(c, m->b, &banned);
	d = take(c, m->dst, banned);
	if (remake)
		cg_remake(c, m->b, d);
	else
		copy(c, d, b);
	i = op_mem(m->code, a, d, m->off);
	i.imm = m->imm;
	cg_emit(c, i);
	if (!m->dst) /* nobody asks what was there */
		c->values[0].reg = -1;
	release(c, m->a);
	release(c, m->b);
}

static struct insn compare(struct cg *c, const struct mop *m, u32 *banned)
{
	u32 a = operand(c, m->a, banned);
	u32 b = m->b ? operand(c, m->b, banned) : 0;
	struct insn i = op_reg(m->code, a, b);

	i.imm = m->imm;
	return i;
}

/* dst = 1; if a cmp b, skip; dst = 0 */
static void do_set(struct cg *c, const struct mop *m)
{
	u32 banned = 0, d;
	struct insn i = compare(c, m, &banned);

	i.off = 1;
	d = take(c, m->dst, banned);
	cg_emit(c, op_imm(BPF_ALU64 | BPF_MOV, d, 1));
	cg_emit(c, i);
	cg_emit(c, op_imm(BPF_ALU64 | BPF_MOV, d, 0));
	release(c, m->a);
	release(c, m->b);
}

/* The registers whose values live on after the call; at most four, the others are stored. */
static u32 kept_over_call(struct cg *c)
{
	u32 kept = 0, r;

	for (r = 0; r < REGS; r++) {
		u32 v = c->in_reg[r];

		if (v && c->values[v].remake)
			vacate(c, v);
		else if (v && !cg_dies(c, v))
			kept |= 1u << r;
	}
	while (__builtin_popcount(kept) > 4) {
		r = cg_weakest(c, ~kept);
		cg_evict(c, r);
		kept &= ~(1u << r);
	}
	return kept;
}

static void move_args(struct cg *c, const struct mop *m, struct moves *moves)
{
	const struct ir_ins *call = cg_ins(c, m->ins);

	for (u32 n = 0; n < call->b; n++) {
		u32 v = c->f->args.v[call->a + n];
		struct vinfo *i = &c->values[v];
		struct move *x = vec_add(c->arena, &moves->all);

		x->to = (s32)n + 1;
		if (i->remake)
			x->remake = v;
		else
			x->from = i->reg >= 0 ? i->reg : MEM(cg_slot_of(c, v));
	}
}

static void do_call(struct cg *c, const struct mop *m)
{
	struct moves moves = {0};
	u32 kept = kept_over_call(c), after[REGS] = {0};

	for (u32 r = 6; r < REGS; r++)
		if (kept >> r & 1)
			after[r] = c->in_reg[r];
	moves.busy = kept & CALLEE;
	for (u32 r = 0, to = 6; r < 6; r++) {
		if (!(kept >> r & 1))
			continue;
		while (after[to])
			to++;
		after[to] = c->in_reg[r];
		vec_push(c->arena, &moves.all, (struct move){(s32)to, (s32)r, 0});
	}
	move_args(c, m, &moves);
	cg_moves(c, &moves);
	cg_emit(c, op_imm(m->code, 0, m->imm));
	for (u32 r = 0; r < REGS; r++)
		if (c->in_reg[r])
			vacate(c, c->in_reg[r]);
	for (u32 r = 6; r < REGS; r++)
		if (after[r])
			occupy(c, after[r], r);
	if (m->dst)
		occupy(c, m->dst, 0);
}

static void do_branch(struct cg *c, const struct mop *m)
{
	struct cg_block *b = &c->blocks[c->block];
	u32 banned = 0;

	b->jump = compare(c, m, &banned);
	b->swap = m->swap;
	release(c, m->a);
	release(c, m->b);
	cg_leave_by_branch(c, c->block);
}

static void do_exit(struct cg *c, const struct mop *m)
{
	struct vinfo *i = &c->values[m->a];

	if (i->remake)
		cg_remake(c, m->a, 0);
	else if (i->reg < 0)
		cg_emit(c, op_mem(BPF_LDX | BPF_MEM | BPF_DW, 0, FP, cg_slot_of(c, m->a)));
	else if (i->reg)
		copy(c, 0, (u32)i->reg);
	c->blocks[c->block].exits = true;
}

static void do_mop(struct cg *c, const struct mop *m)
{
	switch (m->kind) {
	case M_ALU:
	case M_ALUI: do_alu(c, m); break;
	case M_MOV: do_move(c, m); break;
	case M_LOAD: do_load(c, m); break;
	case M_STORE:
	case M_STOREI: do_store(c, m); break;
	case M_SWAP: do_swap(c, m); break;
	case M_SET:
	case M_SETI: do_set(c, m); break;
	case M_CALL: do_call(c, m); break;
	case M_JMP: cg_leave_by_jump(c, c->block); break;
	case M_BR:
	case M_BRI: do_branch(c, m); break;
	default: do_exit(c, m); break;
	}
}

void cg_assign(struct cg *c)
{
	vec_each (b, &c->f->order) {
		struct cg_block *block = &c->blocks[*b];

		c->block = *b;
		c->pos = block->first;
		cg_enter(c, *b);
		for (; c->pos < block->end; c->pos++) {
			block->line = c->line = c->mops.v[c->pos].line;
			do_mop(c, &c->mops.v[c->pos]);
		}
	}
}
