/*
 * cleanup.c: joins blocks that always follow each other.
 *
 * In:  any function. Out: the same; where a block jumps to one that nobody else jumps to, the two
 *      are one, so that what lives in registers needs no state between them. Returns of the same
 *      constant become one, which the main way falls into.
 */
#include "ir/inside.h"

static void join(struct ir_fn *f, u32 to, u32 from)
{
	struct ir_block *a = &f->blocks.v[to], *b = &f->blocks.v[from];

	for (u32 n = 0; n < a->succ[0].args.n; n++) /* one for each parameter */
		ir_forward(f, b->params.v[n], ir_value(f, a->succ[0].args.v[n]));
	b->params.n = 0;
	a->ins.n--;
	vec_each (v, &b->ins) {
		f->ins.v[*v].block = to;
		vec_push(f->arena, &a->ins, *v);
	}
	b->ins.n = 0;
	ir_reshape(f);
	memcpy(a->succ, b->succ, sizeof(a->succ));
	memset(b->succ, 0, sizeof(b->succ));
	/* those behind must know their new predecessor while this pass goes on */
	for (u32 k = 0; k < 2; k++) {
		if (!a->succ[k].to)
			continue;
		vec_each (e, &f->blocks.v[a->succ[k].to].preds)
			if (*e == EDGE(from, k))
				*e = EDGE(to, k);
	}
}

/* All returns of the same constant become jumps to one block. It stands in no order yet, but knows
 * who leads to it, which is all that joining asks. */
static void share_returns(struct ir_fn *f)
{
	u32 shared = 0, count = f->order.n;
	s64 first = 0, c;

	for (u32 n = 0; n < count; n++) {
		struct ir_block *b = &f->blocks.v[f->order.v[n]];
		struct ir_ins *end = &f->ins.v[b->ins.v[b->ins.n - 1]];

		if (end->op != IR_RET || !ir_is_const(f, end->a, &c) || (shared && c != first))
			continue;
		if (!shared) {
			shared = ir_block(f);
			first = c;
			f->at = shared;
			f->line = end->line;
			ir_ret(f, ir_const(f, c));
			b = &f->blocks.v[f->order.v[n]];
			end = &f->ins.v[b->ins.v[b->ins.n - 1]];
		}
		end->op = IR_JMP;
		end->a = 0;
		b->succ[0] = (struct ir_edge){.to = shared};
		vec_push(f->arena, &f->blocks.v[shared].preds, EDGE(f->order.v[n], 0));
	}
}

void ir_pass_cleanup(struct ir_fn *f, u32 kernel)
{
	(void)kernel;
	ir_analyse(f);
	share_returns(f);
	vec_each (n, &f->order) {
		struct ir_block *b = &f->blocks.v[*n];

		while (b->ins.n && b->succ[0].to && !b->succ[1].to && b->succ[0].to != *n &&
		       f->blocks.v[b->succ[0].to].preds.n == 1)
			join(f, *n, b->succ[0].to);
	}
}
