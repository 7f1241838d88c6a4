/*
 * emit_keep.c: which values stay in words of M, to be had again.
 *
 * In:  the graph. Out: for some values the word that holds them once they are computed.
 *
 * Where loads are counted from may take many instructions: the length of a header that the packet
 * tells, a chain of headers. Such a value is kept if a test asks for it and one behind it does so
 * again. Words are given out in turn: a later value takes the place of an earlier one, and who
 * still needs that computes it again.
 */
#include "filter/emit.h"

#define COST_LEAST 4 /* instructions; less is computed again */
#define COST_MOST  1000

struct keeping {
	struct emitter *e;
	u32 *cost;   /* by value; 0: unknown yet */
	u32 *node;   /* by value: the node that was looked at last with it */
	bool *index; /* by value: a load is counted from it */
	bool *below; /* by node, for one value: it or one behind it asks */
};

static u32 cost(struct keeping *k, u32 value)
{
	const struct value *v = &k->e->values->v.v[value];
	u32 n = 1;

	if (k->cost[value])
		return k->cost[value];
	if (v->op == VAL_LOAD && v->a)
		n += cost(k, v->a) + 1;
	if (VALUE_IS_ALU(v->op)) {
		n += cost(k, v->a);
		if (v->op != VAL_NEG && k->e->values->v.v[v->b].op != VAL_CONST)
			n += cost(k, v->b) + 2;
	}
	k->cost[value] = MIN(n, COST_MOST);
	return k->cost[value];
}

static bool has_operands(const struct value *v)
{
	return VALUE_IS_ALU(v->op) || v->op == VAL_EQ || v->op == VAL_GT || v->op == VAL_GE;
}

/* Marks what a test asks for on its way. */
static void mark(struct keeping *k, u32 value, u32 node)
{
	const struct value *v = &k->e->values->v.v[value];

	if (k->node[value] == node)
		return;
	k->node[value] = node;
	if (v->op == VAL_LOAD && v->a) {
		k->index[v->a] = true;
		mark(k, v->a, node);
	}
	if (has_operands(v)) {
		mark(k, v->a, node);
		if (v->op != VAL_NEG)
			mark(k, v->b, node);
	}
}

static bool asks(struct keeping *k, u32 value, u32 of)
{
	const struct value *v = &k->e->values->v.v[of];

	if (of == value)
		return true;
	if (of < value) /* operands have smaller numbers */
		return false;
	if (v->op == VAL_LOAD && v->a)
		return asks(k, value, v->a);
	return has_operands(v) &&
	       (asks(k, value, v->a) || (v->op != VAL_NEG && asks(k, value, v->b)));
}

/* By the number of nodes, targets first. */
static bool asked_again(struct keeping *k, u32 value)
{
	const struct graph *g = k->e->g;

	memset(k->below, 0, g->nodes.n);
	for (u32 i = GRAPH_FIRST; i <= g->root; i++) {
		const struct node *n = &g->nodes.v[i];
		bool behind = k->below[n->t] || k->below[n->f], own = asks(k, value, n->value);

		if (own && behind)
			return true;
		k->below[i] = own || behind;
	}
	return false;
}

void emit_keep(struct emitter *e)
{
	u32 n = e->values->v.n, words = 0, indexes = 0;
	struct keeping k = {.e = e,
			    .cost = arena_array(e->arena, u32, n),
			    .node = arena_array(e->arena, u32, n),
			    .index = arena_array(e->arena, bool, n),
			    .below = arena_array(e->arena, bool, e->g->nodes.n)};

	e->nkeeps = n;
	e->keeps = arena_array(e->arena, u8, n);
	for (u32 i = GRAPH_FIRST; i <= e->g->root; i++)
		mark(&k, e->g->nodes.v[i].value, i);
	for (u32 v = 1; v < n; v++)
		indexes += k.index[v];
	if (indexes == 1) /* X has it all the time */
		return;
	for (u32 v = 1; v < n; v++)
		if (k.index[v] && cost(&k, v) >= COST_LEAST && asked_again(&k, v))
			e->keeps[v] = (u8)(1 + words++ % EMIT_KEPT);
}
