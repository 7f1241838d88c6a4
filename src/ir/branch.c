/*
 * branch.c: branches whose way is known become jumps.
 *
 * In:  any function. Out: the same without branches on constants, nor on what a branch above has
 *      decided: behind `if (x)` a second `if (x)` on the way taken is known, which drops the null
 *      checks that front ends put before every use of a pointer.
 */
#include "ir/inside.h"

static void drop_edge(struct ir_block *b, u32 keep)
{
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

void ir_pass_branch(struct ir_fn *f, u32 kernel)
{
	ir_analyse(f);
	vec_each(n, &f->order) {
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
		drop_edge(b, !way);
	}
	ir_pass_params(f, kernel);
}
