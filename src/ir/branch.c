/*
 * branch.c: branches whose way is known become jumps.
 *
 * In:  any function. Out: the same without branches on constants, nor on what a branch above has
 *      decided: behind `if (x)` a second `if (x)` on the way taken is known, which drops the null
 *      checks that front ends put before every use of a pointer. Conditions that were made into
 *      values and asked again are asked once.
 */
#include "ir/inside.h"

static void drop_edge(struct ir_fn *f, struct ir_block *b, u32 keep)
{
	ir_reshape(f);
	b->succ[0] = b->succ[keep];
	memset(&b->succ[1], 0, sizeof(b->succ[1]));
}

/* What the branches above `block` say about v: 0 or 1, or -1 when they are silent. A block says
 * something to those it dominates if it is where one way of a branch leads, and nothing else. */
static int decided(struct ir_fn *f, u32 block, u32 v)
{
	for (u32 n = 0; block && n < 32; n++, block = f->blocks.v[block].idom) {
		struct ir_block *b = &f->blocks.v[block];
		u32 from, end;

		if (b->preds.n != 1)
			continue;
		from = b->preds.v[0] >> 1;
		end = f->blocks.v[from].ins.v[f->blocks.v[from].ins.n - 1];
		if (f->ins.v[end].op == IR_BR && ir_value(f, f->ins.v[end].a) == v)
			return !(b->preds.v[0] & 1);
	}
	return -1;
}

/*
 * A block that does nothing but ask about its only parameter, what `a && b` becomes as a value: an
 * edge that hands over a constant goes on to where that constant leads. The parameter may be used
 * again on one way: then only edges that lead the other way can do so.
 */
struct question {
	u32 block, param;
	struct ir_ins *compare; /* NULL: is it not zero? */
	int needed;             /* the edge behind which the parameter is used; -1: none */
};

/* The one edge of the block behind which all other uses of its parameter are; -1: there is none. */
static int used_behind(struct ir_fn *f, const struct question *q)
{
	struct ir_block *b = &f->blocks.v[q->block];
	u32 users[2] = {0, 0}, all = 0, *ops;

	vec_each (n, &f->order) {
		struct ir_block *user = &f->blocks.v[*n];
		u32 count = 0;

		if (*n == q->block)
			continue;
		vec_each (v, &user->ins)
			for (u32 k = ir_operands(f, &f->ins.v[*v], &ops); k--; ops++)
				count += ir_value(f, *ops) == q->param;
		for (u32 e = 0; e < 2; e++)
			vec_each (v, &user->succ[e].args)
				count += ir_value(f, *v) == q->param;
		all += count;
		for (u32 e = 0; e < 2; e++)
			if (f->blocks.v[b->succ[e].to].preds.n == 1 &&
			    ir_dominates(f, b->succ[e].to, *n))
				users[e] += count;
	}
	for (int e = 0; e < 2; e++)
		if (all && users[e] == all && !b->succ[0].args.n && !b->succ[1].args.n)
			return e;
	return -1;
}

static bool only_compares(const struct ir_fn *f, const struct ir_block *b)
{
	for (u32 n = 0; n + 1 < b->ins.n; n++)
		if (f->ins.v[b->ins.v[n]].op != IR_CONST &&
		    !(ir_ops[f->ins.v[b->ins.v[n]].op].flags & IR_COMPARE))
			return false;
	return true;
}

/* counted: uses of values, when the first block that may be one has come */
static bool is_question(struct ir_fn *f, u32 block, u32 **counted, struct question *q)
{
	struct ir_block *b = &f->blocks.v[block];
	struct ir_ins *end = &f->ins.v[b->ins.v[b->ins.n - 1]];
	u32 constant = 0; /* of the compare; any other one would have to move with its users */
	const u32 *uses;

	if (end->op != IR_BR || b->params.n != 1 || !only_compares(f, b))
		return false;
	if (!*counted) {
		ir_dominators(f);
		*counted = ir_count_uses(f);
	}
	uses = *counted;
	*q = (struct question){block, b->params.v[0], NULL, -1};
	for (u32 n = 0; n + 1 < b->ins.n; n++) {
		u32 v = b->ins.v[n];
		struct ir_ins *i = &f->ins.v[v];

		if (i->op == IR_CONST && uses[v] <= 1 && (!uses[v] || !constant)) {
			constant = uses[v] ? v : constant;
			continue;
		}
		if (!(ir_ops[i->op].flags & IR_COMPARE) || q->compare || i->a != q->param ||
		    end->a != v || uses[v] != 1 || f->ins.v[i->b].op != IR_CONST)
			return false;
		q->compare = i;
	}
	if (constant && (!q->compare || q->compare->b != constant))
		return false;
	if (!q->compare && end->a != q->param)
		return false;
	if (uses[q->param] > 1)
		q->needed = used_behind(f, q);
	return uses[q->param] == 1 || q->needed >= 0;
}

/* The constant's answer: 0 or 1, which is the other edge of the question; -1: no constant. */
static int answer(struct ir_fn *f, const struct question *q, u32 arg)
{
	s64 c, with = 0;
	u64 r;

	if (!ir_is_const(f, arg, &c))
		return -1;
	if (!q->compare)
		return c != 0;
	if (!ir_is_const(f, q->compare->b, &with) ||
	    !ir_eval(q->compare->op, q->compare->width == 4, (u64)c, (u64)with, &r))
		return -1;
	return r != 0;
}

static void thread_edges(struct ir_fn *f)
{
	u32 *uses = NULL;

	vec_each (n, &f->order) {
		struct question q;

		if (!is_question(f, *n, &uses, &q))
			continue;
		vec_each (e, &f->blocks.v[*n].preds) {
			struct ir_edge *edge = ir_edge_of(f, *e), *on;
			int way;

			/* edges that this loop has led elsewhere */
			if (edge->to != *n || edge->args.n != 1)
				continue;
			way = answer(f, &q, edge->args.v[0]);
			if (way < 0 || (way ? 0 : 1) == q.needed)
				continue;
			on = &f->blocks.v[*n].succ[!way];
			ir_reshape(f);
			edge->to = on->to;
			edge->args.n = 0;
			vec_each (v, &on->args)
				vec_push(f->arena, &edge->args, *v);
		}
	}
	ir_analyse(f);
}

void ir_pass_branch(struct ir_fn *f, u32 kernel)
{
	ir_dominators(f);
	vec_each (n, &f->order) {
		struct ir_block *b = &f->blocks.v[*n];
		struct ir_ins *end = &f->ins.v[b->ins.v[b->ins.n - 1]];
		s64 c;
		int way;

		if (end->op != IR_BR)
			continue;
		if (ir_is_const(f, end->a, &c))
			way = c != 0;
		else
			way = decided(f, *n, end->a);
		if (way < 0)
			continue;
		end->op = IR_JMP;
		end->a = 0;
		drop_edge(f, b, !way);
	}
	ir_analyse(f);
	thread_edges(f);
	ir_pass_params(f, kernel);
}
