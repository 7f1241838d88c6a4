/*
 * vars.c: mutable variables become SSA values while the code is being made.
 *
 * The algorithm is that of Braun et al., "Simple and Efficient Construction of Static Single
 * Assignment Form" (CC 2013), with block parameters for phis and a work list for the recursion:
 * a variable that nobody sets in 10,000 blocks must not cost 10,000 stack frames.
 *
 * The definition of a variable in a block is in a hash table of (block, variable). A read that
 * finds none there asks the only predecessor, or makes a parameter whose arguments are read at
 * the ends of all predecessors: at once when the block is sealed, else by ir_seal().
 */
#include "ir/inside.h"

struct def {
	u32 block, var; /* var counts from 1; 0: free */
	u32 value;
};
struct ssa {
	vec(u8) types;
	struct def *defs;
	u32 ndefs, mask;
	vec(u32) work; /* parameters that lack their arguments */
};

static struct ssa *state(struct ir_fn *f)
{
	if (!f->vars)
		f->vars = arena_new(f->arena, struct ssa);
	return f->vars;
}

static struct def *def_find(struct ssa *s, u32 block, u32 var)
{
	u32 h = (block * 0x9e3779b1u) ^ (var * 0x85ebca6bu);

	for (h ^= h >> 15;; h++) {
		struct def *d = &s->defs[h & s->mask];

		if (!d->var || (d->block == block && d->var == var))
			return d;
	}
}

static u32 def_get(struct ir_fn *f, u32 block, u32 var)
{
	struct ssa *s = state(f);

	return s->defs ? ir_value(f, def_find(s, block, var)->value) : 0;
}

static void def_put(struct ir_fn *f, u32 block, u32 var, u32 value)
{
	struct ssa *s = state(f);
	struct def *old = s->defs, *d;
	u32 n = s->defs ? s->mask + 1 : 0;

	if (s->ndefs * 2 >= n) {
		s->mask = n ? n * 2 - 1 : 63;
		s->defs = arena_array(f->arena, struct def, s->mask + 1);
		for (u32 i = 0; i < n; i++)
			if (old[i].var)
				*def_find(s, old[i].block, old[i].var) = old[i];
	}
	d = def_find(s, block, var);
	s->ndefs += !d->var;
	*d = (struct def){block, var, value};
}

static u32 param_add(struct ir_fn *f, u32 block, u32 var)
{
	struct ir_ins i = {.op = IR_PARAM,
			   .type = f->vars->types.v[var - 1],
			   .block = block,
			   .aux = var,
			   .line = f->line};
	struct ir_block *b = &f->blocks.v[block];
	u32 v = f->ins.n;

	vec_push(f->arena, &f->ins, i);
	vec_push(f->arena, &b->params, v);
	vec_each (e, &b->preds)
		vec_push(f->arena, &ir_edge_of(f, *e)->args, 0);
	def_put(f, block, var, v);
	return v;
}

/* The value at the end of a block. Leaves new parameters without arguments on the work list. */
static u32 read_var(struct ir_fn *f, u32 block, u32 var)
{
	u32 top = block, value;
	struct ir_block *b;

	for (;;) {
		b = &f->blocks.v[top];
		value = def_get(f, top, var);
		if (value || !b->sealed || b->preds.n != 1)
			break;
		top = b->preds.v[0] >> 1;
	}
	if (!value && b->sealed && !b->preds.n) {
		value = ir_const_top(f, top, 0);
		def_put(f, top, var, value);
	} else if (!value) {
		value = param_add(f, top, var);
		if (b->sealed)
			vec_push(f->arena, &f->vars->work, value);
	}
	/* remember it on the way, so that the next reader has a short way */
	for (; block != top; block = f->blocks.v[block].preds.v[0] >> 1)
		def_put(f, block, var, value);
	return value;
}

static u32 param_index(const struct ir_block *b, u32 param)
{
	u32 i = 0;

	while (i < b->params.n && b->params.v[i] != param)
		i++;
	return i;
}

void ir_drop_param(struct ir_fn *f, u32 param)
{
	struct ir_block *b = &f->blocks.v[f->ins.v[param].block];
	u32 at = param_index(b, param);

	if (at == b->params.n)
		return;
	memmove(b->params.v + at, b->params.v + at + 1, (b->params.n - at - 1) * sizeof(u32));
	b->params.n--;
	vec_each (e, &b->preds) {
		struct ir_edge *edge = ir_edge_of(f, *e);

		memmove(edge->args.v + at, edge->args.v + at + 1,
			(edge->args.n - at - 1) * sizeof(u32));
		edge->args.n--;
	}
}

void ir_forward(struct ir_fn *f, u32 v, u32 to)
{
	f->ins.v[v].op = IR_NONE;
	f->ins.v[v].a = to;
	f->forwarded = true;
}

u32 ir_param_value(struct ir_fn *f, u32 param)
{
	u32 block = f->ins.v[param].block, same = 0;
	struct ir_block *b = &f->blocks.v[block];
	u32 at = param_index(b, param);
	s64 x = 0, y;

	vec_each (e, &b->preds) {
		u32 v = ir_value(f, ir_edge_of(f, *e)->args.v[at]);

		if (v == param || v == same)
			continue;
		if (same && !(ir_is_const(f, v, &x) && ir_is_const(f, same, &y) && x == y))
			return 0;
		same = v;
	}
	/* equal constants of several blocks: none of them need dominate this one */
	if (!same || ir_is_const(f, same, &x))
		same = ir_const_top(f, block, same ? x : 0);
	return same;
}

/* Gives the parameters on the work list their arguments, then drops those that need not be. */
static void fill_params(struct ir_fn *f)
{
	struct ssa *s = f->vars;

	for (u32 n = 0; n < s->work.n; n++) {
		u32 p = s->work.v[n], block = f->ins.v[p].block;
		u32 at = param_index(&f->blocks.v[block], p);

		for (u32 i = 0; i < f->blocks.v[block].preds.n; i++) {
			u32 e = f->blocks.v[block].preds.v[i];
			u32 v = read_var(f, e >> 1, f->ins.v[p].aux);

			ir_edge_of(f, e)->args.v[at] = v;
		}
	}
	/* what was asked for last lies deepest */
	while (s->work.n) {
		u32 p = s->work.v[--s->work.n], v = ir_param_value(f, p);

		if (v) {
			ir_drop_param(f, p);
			ir_forward(f, p, v);
		}
	}
}

u32 ir_var(struct ir_fn *f, enum ir_type type)
{
	struct ssa *s = state(f);

	vec_push(f->arena, &s->types, (u8)type);
	return s->types.n;
}

void ir_set(struct ir_fn *f, u32 var, u32 value)
{
	if (!f->at)
		return;
	if (f->vars->types.v[var - 1] == IRT_I32)
		value = ir_un(f, IR_ZEXT32, IRT_I32, value);
	def_put(f, f->at, var, ir_value(f, value));
}

u32 ir_get(struct ir_fn *f, u32 var)
{
	u32 v;

	if (!f->at)
		return ir_const(f, 0);
	v = read_var(f, f->at, var);
	fill_params(f);
	return ir_value(f, v);
}

void ir_seal(struct ir_fn *f, u32 block)
{
	struct ir_block *b = &f->blocks.v[block];

	if (b->sealed)
		return;
	b->sealed = true;
	if (!b->params.n)
		return;
	vec_each (p, &b->params)
		vec_push(f->arena, &f->vars->work, *p);
	fill_params(f);
}
