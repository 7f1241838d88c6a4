/*
 * gvn.c: computes equal scalars once.
 *
 * In:  any function. Out: the same; a pure instruction that was computed before, in a block that
 *      dominates, is that value.
 *
 * What the verifier knows about x * 4 depends on what it knew about x at that place. So, between
 * blocks, a value is reused only if nothing it is made of is ever compared: else a check of x may
 * lie between the two, and only the second x * 4 would have its bounds. Pointer plus scalar is
 * never reused: it has to stay behind the check of the scalar.
 */
#include "ir/inside.h"

struct entry {
	u32 value, next; /* next: entry + 1 of the same bucket */
};
struct gvn {
	struct ir_fn *f;
	u8 *compared;
	u32 *buckets, mask;
	vec(struct entry) entries;
};

static u32 hash(const struct ir_ins *i)
{
	u64 h = i->op | (u64)i->type << 16 | (u64)i->width << 24;
	u8 args = ir_ops[i->op].args;

	h = (h ^ (args > 0 ? i->a : 0)) * 0x9e3779b97f4a7c15ull;
	h = (h ^ (args > 1 ? i->b : 0)) * 0x9e3779b97f4a7c15ull;
	h = (h ^ (u64)i->imm ^ (u64)i->aux << 32) * 0x9e3779b97f4a7c15ull;
	return (u32)(h >> 32);
}

static bool same(const struct ir_ins *x, const struct ir_ins *y)
{
	u8 args = ir_ops[x->op].args;

	return x->op == y->op && x->type == y->type && x->width == y->width && x->imm == y->imm &&
	       x->aux == y->aux && (args < 1 || x->a == y->a) && (args < 2 || x->b == y->b);
}

/* May an instruction in another block be used instead? */
static bool may_share(struct gvn *g, const struct ir_ins *i)
{
	u8 args = ir_ops[i->op].args;

	if (!args || ir_ops[i->op].flags & IR_COMPARE)
		return true;
	return !g->compared[i->a] && (args < 2 || !g->compared[i->b]);
}

static bool candidate(struct gvn *g, const struct ir_ins *i)
{
	s64 c;

	if (!(ir_ops[i->op].flags & IR_PURE))
		return false;
	return !ir_is_ptr(i->type) || !ir_ops[i->op].args || ir_is_const(g->f, i->b, &c);
}

static u32 find(struct gvn *g, const struct ir_ins *i, u32 block, u32 first)
{
	u32 tries = 0;

	for (u32 n = first; n && tries < 16; tries++) {
		struct entry *e = &g->entries.v[n - 1];
		const struct ir_ins *old = &g->f->ins.v[e->value];

		if (same(i, old) && (old->block == block ||
				     (may_share(g, i) && ir_dominates(g->f, old->block, block))))
			return e->value;
		n = e->next;
	}
	return 0;
}

/* Constants are compared with, and know all about themselves. */
static void compared(struct gvn *g, u32 v)
{
	g->compared[v] = !(ir_ops[g->f->ins.v[v].op].flags & IR_REMAKE);
}

static void visit(struct gvn *g, u32 block)
{
	struct ir_fn *f = g->f;
	struct ir_block *b = &f->blocks.v[block];
	u32 kept = 0, *ops;

	for (u32 k = 0; k < b->ins.n; k++) {
		u32 v = b->ins.v[k], old = 0, *bucket;
		struct ir_ins *i = &f->ins.v[v];

		for (u32 n = ir_operands(f, i, &ops); n--; ops++)
			*ops = ir_value(f, *ops);
		if (candidate(g, i)) {
			bucket = &g->buckets[hash(i) & g->mask];
			old = find(g, i, block, *bucket);
			if (old) {
				ir_forward(f, v, old);
				continue;
			}
			vec_push(f->arena, &g->entries, (struct entry){v, *bucket});
			*bucket = g->entries.n;
		}
		b->ins.v[kept++] = v;
	}
	b->ins.n = kept;
}

void ir_pass_gvn(struct ir_fn *f, u32 kernel)
{
	struct gvn g = {.f = f, .mask = 63};

	(void)kernel;
	ir_dominators(f);
	g.compared = arena_array(f->arena, u8, f->ins.n);
	vec_each (b, &f->order) {
		const struct ir_block *block = &f->blocks.v[*b];

		vec_each (v, &block->ins) {
			const struct ir_ins *i = &f->ins.v[*v];

			if (!(ir_ops[i->op].flags & IR_COMPARE))
				continue;
			compared(&g, i->a);
			compared(&g, i->b);
		}
	}
	while (g.mask < f->ins.n)
		g.mask = g.mask * 2 + 1;
	g.buckets = arena_array(f->arena, u32, g.mask + 1);
	vec_each (b, &f->order)
		visit(&g, *b);
	ir_resolved(f);
}
