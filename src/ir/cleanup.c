/*
 * cleanup.c: joins blocks that always follow each other.
 *
 * In:  any function. Out: the same; where a block jumps to one that nobody else jumps to, the two
 *      are one, so that what lives in registers needs no state between them.
 */
#include "ir/inside.h"

static void join(struct ir_fn *f, u32 to, u32 from)
{
	struct ir_block *a = &f->blocks.v[to], *b = &f->blocks.v[from];

	for (u32 n = 0; n < b->params.n; n++)
		ir_forward(f, b->params.v[n], ir_value(f, a->succ[0].args.v[n]));
	b->params.n = 0;
	a->ins.n--;
	vec_each(v, &b->ins) {
		f->ins.v[*v].block = to;
		vec_push(f->arena, &a->ins, *v);
	}
	b->ins.n = 0;
	memcpy(a->succ, b->succ, sizeof(a->succ));
	memset(b->succ, 0, sizeof(b->succ));
	/* those behind must know their new predecessor while this pass goes on */
	for (u32 k = 0; k < 2; k++) {
		if (!a->succ[k].to)
			continue;
		vec_each(e, &f->blocks.v[a->succ[k].to].preds)
			if (*e == EDGE(from, k))
				*e = EDGE(to, k);
	}
}

void ir_pass_cleanup(struct ir_fn *f, u32 kernel)
{
	(void)kernel;
	ir_analyse(f);
	vec_each(n, &f->order) {
		struct ir_block *b = &f->blocks.v[*n];

		while (b->ins.n && b->succ[0].to && !b->succ[1].to && b->succ[0].to != *n &&
		       f->blocks.v[b->succ[0].to].preds.n == 1)
			join(f, *n, b->succ[0].to);
	}
	ir_analyse(f);
}
