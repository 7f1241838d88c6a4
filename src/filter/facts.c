/*
 * facts.c: what is known at each node from the tests on all ways to it.
 *
 * In:  a graph. Out: the same, where edges pass the tests whose outcome is known.
 */
#include "filter/inside.h"

#define FACTS_MOST 64 /* of a node, and spans of one */

struct fact {
	u32 value;
	struct set set;
};
struct facts {
	u32 n;
	struct fact v[FACTS_MOST]; /* of those that are kept, as many as there are */
};

static void copy(struct facts *to, const struct facts *from)
{
	memcpy(to, from, offsetof(struct facts, v) + from->n * sizeof(*from->v));
}

static const struct fact *fact_of(const struct facts *f, u32 value)
{
	for (u32 i = 0; i < f->n; i++)
		if (f->v[i].value == value)
			return &f->v[i];
	return NULL;
}

static void learn(struct values *vs, struct facts *f, u32 value, struct set set)
{
	for (u32 i = 0; i < f->n; i++)
		if (f->v[i].value == value) {
			struct set both = set_and(vs->arena, f->v[i].set, set);

			if (both.n && both.n <= FACTS_MOST)
				f->v[i].set = both;
			return;
		}
	if (set.n > FACTS_MOST)
		set = set_span(vs->arena, 0, vs->v.v[value].most);
	if (f->n == FACTS_MOST) { /* the oldest goes */
		memmove(f->v, f->v + 1, sizeof(*f->v) * (FACTS_MOST - 1));
		f->n--;
	}
	f->v[f->n++] = (struct fact){value, set};
}

/* What holds on one way and on another. */
static void meet(struct values *vs, struct facts *into, const struct facts *other)
{
	u32 n = 0;

	for (u32 i = 0; i < into->n; i++) {
		const struct fact *o = fact_of(other, into->v[i].value);
		struct set any;

		if (!o)
			continue;
		any = set_or(vs->arena, into->v[i].set, o->set);
		if (any.n > FACTS_MOST)
			any = set_span(vs->arena, 0, vs->v.v[o->value].most);
		into->v[n++] = (struct fact){o->value, any};
	}
	into->n = n;
}

/* The numbers that a value can be, as far as is known; false: nothing is. */
static bool known(struct values *vs, const struct facts *f, u32 value, struct set *out)
{
	const struct value *v = &vs->v.v[value];
	const struct fact *own = fact_of(f, value), *of;
	u32 found;

	if (own) {
		*out = own->set;
		return true;
	}
	if (!VALUE_IS_ALU(v->op) || v->op == VAL_NEG || vs->v.v[v->b].op != VAL_CONST)
		return false;
	of = fact_of(f, v->a);
	if (!of || of->set.n != 1 || of->set.v[0].lo != of->set.v[0].hi)
		return false;
	found = val_alu(vs, (enum value_op)v->op, val_const(vs, of->set.v[0].lo), v->b);
	if (vs->v.v[found].op != VAL_CONST)
		return false;
	*out = set_one(vs->arena, vs->v.v[found].k);
	return true;
}

/* Where one gets to from here without a test whose outcome is open. */
static u32 follow(struct graph *g, const struct facts *f, u32 to)
{
	struct set is;

	while (to >= GRAPH_FIRST) {
		const struct node *n = &g->nodes.v[to];

		if (!known(g->values, f, n->value, &is))
			break;
		if (set_within(is, n->set))
			to = n->t;
		else if (set_disjoint(is, n->set))
			to = n->f;
		else
			break;
	}
	return to;
}

static void arrive(struct graph *g, struct facts **at, u32 to, const struct facts *with)
{
	if (to < GRAPH_FIRST)
		return;
	if (at[to]) {
		meet(g->values, at[to], with);
		return;
	}
	at[to] = arena_alloc(g->arena, offsetof(struct facts, v) + with->n * sizeof(*with->v));
	copy(at[to], with);
}

bool graph_thread(struct graph *g)
{
	struct facts **at = arena_array(g->arena, struct facts *, g->nodes.n), none = {0}, with;
	bool changed = false;
	u32 to;

	if (g->root < GRAPH_FIRST)
		return false;
	at[g->root] = &none;
	for (u32 i = g->root; i >= GRAPH_FIRST; i--) {
		struct node *n = &g->nodes.v[i];
		u32 most = g->values->v.v[n->value].most;

		for (u32 way = 0; at[i] && way < 2; way++) {
			u32 *edge = way ? &n->f : &n->t;

			copy(&with, at[i]);
			learn(g->values, &with, n->value,
			      way ? set_not(g->arena, n->set, most) : n->set);
			to = follow(g, &with, *edge);
			changed |= to != *edge;
			*edge = to;
			arrive(g, at, to, &with);
		}
	}
	return changed;
}
