/*
 * analyse.c: what the shape of a function is: order of blocks, predecessors, dominators, loops.
 *
 * In:  a function in any state between passes. Out: fn->order (reverse postorder), and of each
 *      block preds and number; blocks that cannot be reached are emptied, operands that were
 *      forwarded are replaced. For those who ask: idom, dom_in, dom_out; loop_end.
 *
 * Dominators: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm". All walks are on
 * explicit stacks: a script may have more blocks than the stack has room for.
 */
#include "ir/inside.h"

/* Postorder by depth-first search. The second successor is visited first, so that in reverse
 * postorder what is taken when the condition is true follows its branch: the body of a loop
 * stands before what comes after the loop. */
static void order(struct ir_fn *f)
{
	u32 *stack = arena_array(f->arena, u32, f->blocks.n + 1), n = 0;
	u8 *next = arena_array(f->arena, u8, f->blocks.n);

	f->order.n = 0;
	stack[n++] = 1;
	next[1] = 1;
	while (n) {
		u32 b = stack[n - 1];

		if (next[b] <= 2) {
			u32 to = f->blocks.v[b].succ[2 - next[b]++].to;

			if (to && !next[to]) {
				next[to] = 1;
				stack[n++] = to;
			}
			continue;
		}
		vec_push(f->arena, &f->order, b);
		n--;
	}
	for (u32 i = 0, j = f->order.n - 1; i < j; i++, j--) {
		u32 swap = f->order.v[i];

		f->order.v[i] = f->order.v[j];
		f->order.v[j] = swap;
	}
}

static void number_blocks(struct ir_fn *f)
{
	for (u32 b = 1; b < f->blocks.n; b++) {
		struct ir_block *block = &f->blocks.v[b];

		block->preds.n = block->number = 0;
	}
	for (u32 n = 0; n < f->order.n; n++)
		f->blocks.v[f->order.v[n]].number = n + 1;
	for (u32 b = 1; b < f->blocks.n; b++) {
		struct ir_block *block = &f->blocks.v[b];

		if (block->number)
			continue;
		vec_each (v, &block->ins)
			f->ins.v[*v].block = 0;
		block->ins.n = block->params.n = 0;
		memset(block->succ, 0, sizeof(block->succ));
	}
	vec_each (b, &f->order) {
		struct ir_block *block = &f->blocks.v[*b];

		for (u32 k = 0; k < 2; k++)
			if (block->succ[k].to)
				vec_push(f->arena, &f->blocks.v[block->succ[k].to].preds,
					 EDGE(*b, k));
	}
}

static void replace_on_edges(struct ir_fn *f)
{
	vec_each (b, &f->order) {
		struct ir_block *block = &f->blocks.v[*b];

		for (u32 k = 0; k < 2; k++)
			vec_each (v, &block->succ[k].args)
				*v = ir_value(f, *v);
	}
}

static void replace_forwarded(struct ir_fn *f)
{
	u32 *ops;

	vec_each (b, &f->order)
		vec_each (v, &f->blocks.v[*b].ins)
			for (u32 n = ir_operands(f, &f->ins.v[*v], &ops); n--; ops++)
				*ops = ir_value(f, *ops);
	replace_on_edges(f);
}

void ir_resolved(struct ir_fn *f)
{
	if (f->forwarded)
		replace_on_edges(f);
	f->forwarded = false;
}

static void dominators(struct ir_fn *f)
{
	struct ir_block *blocks = f->blocks.v;
	bool changed = true;

	vec_each (b, &f->order)
		blocks[*b].idom = 0;
	while (changed) {
		changed = false;
		for (u32 n = 1; n < f->order.n; n++) {
			struct ir_block *block = &blocks[f->order.v[n]];
			u32 idom = 0;

			/* from the last one on: where hundreds of ways meet, each climbs on
			 * from where the one before has come to */
			for (u32 k = block->preds.n; k--;) {
				u32 p = block->preds.v[k] >> 1;

				if (p != 1 && !blocks[p].idom)
					continue;
				idom = idom ? idom : p;
				while (p != idom) {
					if (blocks[p].number > blocks[idom].number)
						p = blocks[p].idom;
					else
						idom = blocks[idom].idom;
				}
			}
			changed |= idom != block->idom;
			block->idom = idom;
		}
	}
}

/* Numbers the dominator tree so that dominance is two compares. Subtree sizes first (children
 * stand behind their dominator in the order), then places from the top down. */
static void dominator_tree(struct ir_fn *f)
{
	struct ir_block *blocks = f->blocks.v;
	u32 *size = arena_array(f->arena, u32, f->blocks.n);
	u32 *next = arena_array(f->arena, u32, f->blocks.n);

	for (u32 n = f->order.n; n--;) {
		size[f->order.v[n]]++;
		size[blocks[f->order.v[n]].idom] += size[f->order.v[n]];
	}
	vec_each (b, &f->order) {
		struct ir_block *block = &blocks[*b];

		block->dom_in = ++next[block->idom];
		next[block->idom] += size[*b] - 1;
		next[*b] = block->dom_in;
		block->dom_out = block->dom_in + size[*b] - 1;
	}
}

void ir_dominators(struct ir_fn *f)
{
	ir_analyse(f);
	if (f->dominated)
		return;
	dominators(f);
	dominator_tree(f);
	f->dominated = true;
}

/* Does any edge lead to where it comes from, or above? */
static bool leads_back(struct ir_fn *f)
{
	bool found = false;

	vec_each (b, &f->order) {
		struct ir_block *block = &f->blocks.v[*b];

		block->loop_end = 0;
		for (u32 k = 0; k < 2; k++)
			if (block->succ[k].to)
				found |= f->blocks.v[block->succ[k].to].number <= block->number;
	}
	return found;
}

/* Natural loops: from each back edge upwards to the header. */
void ir_loops(struct ir_fn *f)
{
	u32 *stack, *seen, n;

	ir_analyse(f);
	if (!leads_back(f))
		return;
	ir_dominators(f);
	stack = arena_array(f->arena, u32, f->blocks.n);
	seen = arena_array(f->arena, u32, f->blocks.n);
	vec_each (h, &f->order) {
		struct ir_block *head = &f->blocks.v[*h];

		n = 0;
		vec_each (e, &head->preds) {
			if (!ir_dominates(f, *h, *e >> 1) || seen[*e >> 1] == *h)
				continue;
			seen[*e >> 1] = *h;
			stack[n++] = *e >> 1;
		}
		head->loop_end = n ? head->number : 0;
		seen[*h] = *h;
		while (n) {
			struct ir_block *b = &f->blocks.v[stack[--n]];

			head->loop_end = MAX(head->loop_end, b->number);
			if (b == head)
				continue;
			vec_each (e, &b->preds) {
				if (seen[*e >> 1] == *h)
					continue;
				seen[*e >> 1] = *h;
				stack[n++] = *e >> 1;
			}
		}
	}
}

void ir_shape(struct ir_fn *f)
{
	if (!f->shaped) {
		order(f);
		number_blocks(f);
		f->dominated = false;
	}
	f->shaped = true;
	f->consts_from = f->ins.n; /* a pass rebuilds blocks: those of before come up again */
}

void ir_analyse(struct ir_fn *f)
{
	ir_shape(f);
	if (f->forwarded)
		replace_forwarded(f);
	f->forwarded = false;
}
