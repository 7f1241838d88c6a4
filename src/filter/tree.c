/*
 * tree.c: tests joined by and, or, not, in the order in which the expression names them.
 *
 * A tree is used once: joining takes its parts over.
 */
#include "filter/inside.h"

static struct tree *new_tree(struct values *vs, enum tree_kind kind)
{
	struct tree *t = arena_new(vs->arena, struct tree);

	t->kind = (u8)kind;
	return t;
}

struct tree *tree_const(struct values *vs, bool yes)
{
	return new_tree(vs, yes ? TREE_YES : TREE_NO);
}

/* Ones from the top of the value's width down to somewhere, then zeroes. */
static bool is_prefix(const struct value *of, u32 mask)
{
	u32 rest = of->most & ~mask;

	return of->op == VAL_LOAD && (mask & of->most) && !(rest & (rest + 1));
}

/* Numbers of the value below its mask -> numbers of the value. */
static struct set widen(struct values *vs, struct set s, u32 mask, u32 most)
{
	struct set out = {0};
	u32 rest = most & ~mask;

	for (u32 i = 0; i < s.n; i++) {
		u32 lo = (s.v[i].lo + rest) & ~rest, hi = s.v[i].hi & ~rest;

		if (lo <= hi &&
		    lo >= s.v[i].lo) /* else none of its numbers is one below the mask */
			out = set_or(vs->arena, out, set_span(vs->arena, lo, hi | rest));
	}
	return out;
}

/* Numbers that a value with this mask can have: only 0 and the mask when it is one bit. */
static struct set possible(struct values *vs, u32 value)
{
	const struct value *v = &vs->v.v[value];
	struct set all = set_span(vs->arena, 0, v->most);
	u32 mask;

	if (v->op != VAL_AND || vs->v.v[v->b].op != VAL_CONST)
		return all;
	mask = vs->v.v[v->b].k;
	if (mask & (mask - 1))
		return all;
	return set_or(vs->arena, set_one(vs->arena, 0), set_one(vs->arena, mask));
}

struct tree *tree_test(struct values *vs, u32 value, struct set set)
{
	const struct value *v = &vs->v.v[value];
	struct set can = possible(vs, value);
	struct tree *t;

	if (v->op == VAL_CONST)
		return tree_const(vs, set_has(set, v->k));
	set = set_and(vs->arena, set, can);
	if (!set.n || set_within(can, set))
		return tree_const(vs, set.n);
	if (v->op == VAL_AND && !set_has(set, 0) && can.n == 2) /* one bit: not 0 */
		set = set_not(vs->arena, set_one(vs->arena, 0), v->most);
	if (v->op == VAL_AND && vs->v.v[v->b].op == VAL_CONST &&
	    is_prefix(&vs->v.v[v->a], vs->v.v[v->b].k) &&
	    !(set.n == 1 && ((set.v[0].lo == 0 && set.v[0].hi == 0) || set.v[0].lo == 1)))
		return tree_test(vs, v->a, widen(vs, set, vs->v.v[v->b].k, vs->v.v[v->a].most));
	t = new_tree(vs, TREE_TEST);
	t->value = value;
	t->set = set;
	return t;
}

static struct tree *join(struct values *vs, enum tree_kind kind, struct tree *a, struct tree *b)
{
	struct tree *t = a;

	if (!a || !b)
		return NULL;
	if (a->kind != kind) {
		t = new_tree(vs, kind);
		vec_push(vs->arena, &t->kids, a);
	}
	if (b->kind == kind)
		vec_each (kid, &b->kids)
			vec_push(vs->arena, &t->kids, *kid);
	else
		vec_push(vs->arena, &t->kids, b);
	return t;
}

struct tree *tree_and(struct values *vs, struct tree *a, struct tree *b)
{
	return join(vs, TREE_AND, a, b);
}

struct tree *tree_or(struct values *vs, struct tree *a, struct tree *b)
{
	return join(vs, TREE_OR, a, b);
}

struct tree *tree_not(struct values *vs, struct tree *a)
{
	struct tree *t;

	if (!a)
		return NULL;
	if (a->kind == TREE_NOT)
		return a->kids.v[0];
	t = new_tree(vs, TREE_NOT);
	vec_push(vs->arena, &t->kids, a);
	return t;
}

/* ---- what it means for a packet */

static int eval(const struct values *vs, const struct tree *t, const struct cbpf_packet *p)
{
	bool is_or = t->kind == TREE_OR;
	u32 number;
	int verdict;

	switch (t->kind) {
	case TREE_NO: return FILTER_NO;
	case TREE_YES: return FILTER_YES;
	case TREE_TEST:
		if (val_eval(vs, t->value, p, &number))
			return FILTER_SHORT;
		return set_has(t->set, number) ? FILTER_YES : FILTER_NO;
	case TREE_NOT:
		verdict = eval(vs, t->kids.v[0], p);
		return verdict == FILTER_SHORT ? verdict : !verdict;
	default: break;
	}
	vec_each (kid, &t->kids) {
		verdict = eval(vs, *kid, p);
		if (verdict != (is_or ? FILTER_NO : FILTER_YES))
			return verdict;
	}
	return is_or ? FILTER_NO : FILTER_YES;
}

enum filter_verdict filter_eval(const struct filter *f, const struct cbpf_packet *p)
{
	return (enum filter_verdict)eval(f->values, f->tree, p);
}
