/*
 * dce.c: drops what nobody uses.
 *
 * In:  any function. Out: the same without values that no effect, branch or result depends on;
 *      parameters of blocks that only feed themselves go too.
 */
#include "ir/inside.h"

struct marks {
	struct ir_fn *f;
	u8 *used;
	vec(u32) work;
};

static void mark(struct marks *m, u32 v)
{
	if (m->used[v])
		return;
	m->used[v] = 1;
	vec_push(m->f->arena, &m->work, v);
}

static void mark_operands(struct marks *m, u32 v)
{
	struct ir_fn *f = m->f;
	struct ir_ins *i = &f->ins.v[v];
	u32 *ops;

	for (u32 n = ir_operands(f, i, &ops); n--; ops++)
		mark(m, *ops);
	if (i->op == IR_PARAM) {
		struct ir_block *b = &f->blocks.v[i->block];
		u32 at = 0;

		while (b->params.v[at] != v)
			at++;
		vec_each (e, &b->preds)
			mark(m, ir_edge_of(f, *e)->args.v[at]);
	}
}

static void sweep(struct marks *m, struct ir_block *b)
{
	struct ir_fn *f = m->f;
	u32 n = 0;

	for (u32 k = 0; k < b->ins.n; k++)
		if (m->used[b->ins.v[k]])
			b->ins.v[n++] = b->ins.v[k];
	b->ins.n = n;
	for (u32 k = b->params.n; k--;)
		if (!m->used[b->params.v[k]])
			ir_drop_param(f, b->params.v[k]);
}

void ir_pass_dce(struct ir_fn *f, u32 kernel)
{
	struct marks m = {.f = f};

	(void)kernel;
	ir_analyse(f);
	m.used = arena_array(f->arena, u8, f->ins.n);
	vec_each (b, &f->order)
		vec_each (v, &f->blocks.v[*b].ins)
			if (ir_ops[f->ins.v[*v].op].flags & (IR_WRITES | IR_ENDS))
				mark(&m, *v);
	while (m.work.n)
		mark_operands(&m, m.work.v[--m.work.n]);
	vec_each (b, &f->order)
		sweep(&m, &f->blocks.v[*b]);
}
