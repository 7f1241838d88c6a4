/*
 * select.c: which instructions a function needs.
 *
 * In:  IR after the passes. Out: cg->mops in the order of the layout; only what something with an
 *      effect depends on, after immediates, offsets and conditions were folded into their users.
 *
 * Constants and addresses make no mop: they are made where they are used (spill.c, moves.c).
 */
#include "codegen/inside.h"

/* Moves for parameters happen on the edge. Where a block has several successors and the target
 * takes arguments or has several predecessors, the edge gets a block of its own. */
void cg_split_edges(struct ir_fn *f)
{
	u32 count = f->blocks.n;

	for (u32 b = 1; b < count; b++) {
		for (u32 k = 0; k < 2; k++) {
			struct ir_edge *e = &f->blocks.v[b].succ[k], moved;
			u32 between;

			if (!e->to || !f->blocks.v[b].succ[1].to ||
			    (f->blocks.v[e->to].preds.n < 2 && !e->args.n))
				continue;
			moved = *e;
			between = ir_block(f);
			f->blocks.v[between].succ[0] = moved;
			f->blocks.v[b].succ[k] = (struct ir_edge){.to = between};
			f->at = between;
			f->line = f->ins.v[f->blocks.v[b].ins.v[f->blocks.v[b].ins.n - 1]].line;
			vec_push(f->arena, &f->ins,
				 (struct ir_ins){.op = IR_JMP, .line = f->line, .block = between});
			vec_push(f->arena, &f->blocks.v[between].ins, f->ins.n - 1);
		}
	}
	f->at = 0;
}

struct marks {
	struct cg *c;
	struct mop *ops; /* by IR value; what makes none has anything */
	vec(u32) work;
};

static void need(struct marks *m, u32 v)
{
	struct vinfo *i = &m->c->values[v];

	if (!v || v == FRAME || i->needed)
		return;
	i->needed = true;
	if (!i->remake)
		m->work.v[m->work.n++] = v;
}

static void need_edge_args(struct marks *m, u32 param)
{
	struct ir_fn *f = m->c->f;
	struct ir_block *b = &f->blocks.v[f->ins.v[param].block];
	u32 at = 0;

	while (b->params.v[at] != param)
		at++;
	vec_each (e, &b->preds)
		need(m, f->blocks.v[*e >> 1].succ[*e & 1].args.v[at]);
}

static void need_operands(struct marks *m, u32 v)
{
	struct cg *c = m->c;
	u32 reads[2];

	if (cg_ins(c, v)->op == IR_PARAM) {
		need_edge_args(m, v);
		return;
	}
	for (u32 n = cg_reads(&m->ops[v], reads); n--;)
		need(m, reads[n]);
	if (cg_ins(c, v)->op == IR_CALL)
		for (u32 n = 0; n < cg_ins(c, v)->b; n++)
			need(m, c->f->args.v[cg_ins(c, v)->a + n]);
}

static void mark(struct marks *m)
{
	struct cg *c = m->c;

	vec_each (b, &c->f->order) {
		const struct ir_block *block = &c->f->blocks.v[*b];

		vec_each (v, &block->ins) {
			u16 op = cg_ins(c, *v)->op;

			if (ir_ops[op].flags & IR_REMAKE || op == IR_CTX)
				continue;
			cg_operation(c, *v, &m->ops[*v]);
			if (ir_ops[op].flags & (IR_WRITES | IR_ENDS))
				m->work.v[m->work.n++] = *v;
		}
	}
	while (m->work.n)
		need_operands(m, m->work.v[--m->work.n]);
}

static void place_block(struct marks *m, u32 block)
{
	struct cg *c = m->c;
	const struct ir_block *ir = &c->f->blocks.v[block];
	struct cg_block *b = &c->blocks[block];

	b->first = c->mops.n;
	vec_each (v, &ir->ins) {
		const struct ir_ins *i = cg_ins(c, *v);
		bool needed = c->values[*v].needed;
		struct mop *op;

		if (c->values[*v].remake || i->op == IR_CTX ||
		    (!needed && !(ir_ops[i->op].flags & (IR_WRITES | IR_ENDS))))
			continue;
		if (i->op == IR_CALL)
			vec_push(c->arena, &c->calls, c->mops.n);
		op = &c->mops.v[c->mops.n++];
		*op = m->ops[*v];
		op->dst = needed ? *v : 0;
		op->line = i->line;
		op->block = block;
	}
	b->end = c->mops.n;
}

void cg_select(struct cg *c)
{
	struct marks m = {.c = c};

	c->nvalues = c->f->ins.n;
	c->values = arena_room(c->arena, sizeof(*c->values) * c->nvalues);
	c->blocks = arena_array(c->arena, struct cg_block, c->f->blocks.n);
	m.ops = arena_room(c->arena, sizeof(*m.ops) * c->nvalues);
	for (u32 v = 0; v < c->nvalues; v++)
		c->values[v] = (struct vinfo){.reg = -1,
					      .hint = -1,
					      .remake = ir_ops[cg_ins(c, v)->op].flags & IR_REMAKE,
					      .def = cg_ins(c, v)->block};
	vec_each (b, &c->f->order) {
		const struct ir_block *block = &c->f->blocks.v[*b];

		vec_each (p, &block->params)
			c->values[*p].def = *b;
	}
	c->values[c->ctx].def = 1;
	m.ops[c->ctx] = (struct mop){0}; /* it is there, and reads nothing */
	vec_room(c->arena, &m.work, c->nvalues * 2); /* once as a root, once as needed */
	vec_room(c->arena, &c->mops, c->nvalues);
	mark(&m);
	vec_each (b, &c->f->order)
		place_block(&m, *b);
}
