/*
 * edges.c: where values are when a block begins.
 *
 * The first edge into a block that is met decides where its live values and parameters are; all
 * other edges move them there. A value that is to be in memory must have been stored on every
 * way; one that is in a register counts as stored only if its store dominates the block.
 */
#include "codegen/inside.h"

static void mark_live_out(struct cg *c, u32 block)
{
	for (u32 k = 0; k < 2; k++) {
		u32 to = c->f->blocks.v[block].succ[k].to;

		if (to)
			vec_each (v, &c->blocks[to].live_in)
				c->values[*v].live_out = block;
	}
}

/* The context comes in r1. If it lives over a call it goes at once where it will have to be, so
 * that r1 is free for arguments, and it does so in one place. */
static void enter_with_context(struct cg *c)
{
	u32 reg = cg_crosses_call(c, c->ctx, 0) ? 6 : 1;

	c->line = c->mops.v[0].line;
	if (reg != 1)
		cg_emit(c, op_reg(BPF_ALU64 | BPF_MOV | BPF_X, reg, 1));
	c->in_reg[reg] = c->ctx;
	c->values[c->ctx].reg = (s8)reg;
}

void cg_enter(struct cg *c, u32 block)
{
	for (u32 r = 0; r < REGS; r++) {
		if (c->in_reg[r])
			c->values[c->in_reg[r]].reg = -1;
		c->in_reg[r] = 0;
	}
	if (block == 1 && c->ctx && c->values[c->ctx].needed)
		enter_with_context(c);
	vec_each (p, &c->blocks[block].entry) {
		c->values[p->value].reg = p->reg;
		c->values[p->value].mem = p->mem;
		if (p->reg >= 0)
			c->in_reg[p->reg] = p->value;
	}
	mark_live_out(c, block);
}

/* Behind a branch nothing moves: the target has no other way in. */
void cg_leave_by_branch(struct cg *c, u32 block)
{
	for (u32 k = 0; k < 2; k++) {
		struct cg_block *to = &c->blocks[c->f->blocks.v[block].succ[k].to];

		vec_each (v, &to->live_in) {
			struct vinfo *i = &c->values[*v];

			vec_push(c->arena, &to->entry, (struct place){*v, i->reg, i->mem});
		}
		/* constants and addresses that are used there again stay in their registers */
		for (u32 r = 0; r < REGS; r++) {
			u32 v = c->in_reg[r];

			if (v && c->values[v].remake && cg_next_use(c, v, to->first - 1) < to->end)
				vec_push(c->arena, &to->entry, (struct place){v, (s8)r, false});
		}
		to->entered = true;
	}
}

struct plan { /* of the entry of a block */
	struct cg *c;
	struct cg_block *to;
	u32 block, taken; /* registers */
	bool loop, calls; /* it heads a loop; one with calls */
};

static void settle(struct plan *p, u32 v, s32 reg, bool mem)
{
	vec_push(p->c->arena, &p->to->entry, (struct place){v, (s8)reg, mem});
	if (reg >= 0)
		p->taken |= 1u << reg;
}

static bool stored_before(struct plan *p, u32 v)
{
	struct vinfo *i = &p->c->values[v];

	if (!i->mem || !i->stored)
		return false;
	ir_dominators(p->c->f); /* few ask */
	return ir_dominates(p->c->f, i->stored, p->block);
}

/* In a loop with calls, what lives over them is in r6-r9 from the start, or in memory: else each
 * round would move it there and back. */
static bool must_move(struct plan *p, u32 v)
{
	struct vinfo *i = &p->c->values[v];

	return p->calls && i->reg >= 0 && i->reg < 6 && cg_crosses_call(p->c, v, p->to->first);
}

/* Only some ways into the block have stored it: cheaper for the others to have it in a register. */
static bool should_load(struct plan *p, u32 v)
{
	return p->c->values[v].reg < 0 && !p->loop && !stored_before(p, v) &&
	       p->c->values[v].use < p->c->values[v].uses_end;
}

static void plan_live_in(struct plan *p)
{
	struct cg *c = p->c;
	u32 reg;

	vec_each (v, &p->to->live_in)
		if (!must_move(p, *v) && !should_load(p, *v))
			settle(p, *v, c->values[*v].reg,
			       c->values[*v].reg < 0 || stored_before(p, *v));
	vec_each (v, &p->to->live_in) {
		if (!should_load(p, *v))
			continue;
		/* likely it still is where it was on the others */
		reg = c->values[*v].was;
		if (p->taken >> reg & 1)
			reg = cg_pick(c, *v, ALL_REGS & ~p->taken, p->to->first - 1);
		if (__builtin_popcount(p->taken) < REGS_USED - 2)
			settle(p, *v, (s32)reg, false);
		else
			settle(p, *v, -1, true);
	}
	vec_each (v, &p->to->live_in) {
		u32 room = CALLEE & ~p->taken;

		if (!must_move(p, *v))
			continue;
		if (room)
			settle(p, *v, __builtin_ctz(room), stored_before(p, *v));
		else
			settle(p, *v, -1, true);
	}
}

/* Sends the settled value whose use is furthest to memory. */
static void make_place(struct plan *p)
{
	struct place *worst = NULL;
	u32 furthest = 0;

	vec_each (x, &p->to->entry) {
		u32 next = x->reg < 0 ? 0 : cg_next_use(p->c, x->value, p->to->first - 1);

		if (x->reg < 0 || (worst && next <= furthest))
			continue;
		worst = x;
		furthest = next;
	}
	if (!worst)
		return;
	p->taken &= ~(1u << worst->reg);
	worst->reg = -1;
	worst->mem = true;
}

static void plan_param(struct plan *p, u32 param, u32 arg)
{
	struct cg *c = p->c;
	struct vinfo *a = &c->values[arg];
	bool over = cg_crosses_call(c, param, p->to->first - 1);
	u32 reg;

	if (__builtin_popcount(p->taken) >= REGS_USED)
		make_place(p);
	if (!a->remake && a->reg >= 0 && !(p->taken >> a->reg & 1) &&
	    (!over || CALLEE >> a->reg & 1 || !(CALLEE & ~p->taken)))
		reg = (u32)a->reg;
	else
		reg = cg_pick(c, param, ALL_REGS & ~p->taken, p->to->first - 1);
	settle(p, param, (s32)reg, false);
}

/* The arguments of the other ways would like to be made where the parameter is. */
static void hint_args(struct cg *c, u32 block)
{
	struct ir_block *b = &c->f->blocks.v[block];

	vec_each (e, &b->preds) {
		struct ir_edge *edge = &c->f->blocks.v[*e >> 1].succ[*e & 1];

		vec_each (x, &c->blocks[block].entry) {
			u32 n = 0;

			if (cg_ins(c, x->value)->op != IR_PARAM || c->values[x->value].def != block)
				continue;
			while (b->params.v[n] != x->value)
				n++;
			c->values[edge->args.v[n]].hint = x->reg;
		}
	}
}

static void decide(struct cg *c, u32 from, u32 block)
{
	struct ir_block *b = &c->f->blocks.v[block];
	struct plan p = {.c = c, .to = &c->blocks[block], .block = block};

	if (b->loop_end) {
		u32 last = c->f->order.v[b->loop_end - 1];

		p.loop = true;
		p.calls = cg_next_call(c, p.to->first - 1) < c->blocks[last].end;
	}
	plan_live_in(&p);
	for (u32 n = 0; n < b->params.n; n++)
		if (c->values[b->params.v[n]].needed)
			plan_param(&p, b->params.v[n], c->f->blocks.v[from].succ[0].args.v[n]);
	p.to->entered = true;
	hint_args(c, block);
}

static void move_live_in(struct cg *c, const struct place *x, struct moves *moves)
{
	struct vinfo *i = &c->values[x->value];
	s32 from = i->reg >= 0 ? i->reg : MEM(cg_slot_of(c, x->value));

	if (x->mem && !i->mem)
		vec_push(c->arena, &moves->all,
			 (struct move){MEM(cg_slot_of(c, x->value)), from, 0});
	if (x->reg >= 0)
		vec_push(c->arena, &moves->all, (struct move){x->reg, from, 0});
	/* from here on it counts as stored for those that this edge dominates */
	if (x->mem && !i->mem)
		i->stored = c->block;
}

static void move_param(struct cg *c, const struct place *x, u32 arg, struct moves *moves)
{
	struct vinfo *i = &c->values[arg];
	struct move m = {.to = x->reg >= 0 ? x->reg : MEM(cg_slot_of(c, x->value))};

	if (i->remake)
		m.remake = arg;
	else
		m.from = i->reg >= 0 ? i->reg : MEM(cg_slot_of(c, arg));
	vec_push(c->arena, &moves->all, m);
}

void cg_leave_by_jump(struct cg *c, u32 block)
{
	struct ir_edge *edge = &c->f->blocks.v[block].succ[0];
	struct ir_block *b = &c->f->blocks.v[edge->to];
	struct cg_block *to = &c->blocks[edge->to];
	struct moves moves = {0};

	if (!to->entered)
		decide(c, block, edge->to);
	vec_each (x, &to->entry) {
		u32 n = 0;

		if (cg_ins(c, x->value)->op != IR_PARAM || c->values[x->value].def != edge->to) {
			move_live_in(c, x, &moves);
			continue;
		}
		while (b->params.v[n] != x->value)
			n++;
		move_param(c, x, edge->args.v[n], &moves);
	}
	cg_moves(c, &moves);
}
