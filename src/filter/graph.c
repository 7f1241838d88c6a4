/*
 * graph.c: the decision graph: a test a node, two ways out of each.
 *
 * In:  a tree. Out: nodes; equal nodes are one. A node's number is above those of its targets, so
 *      going down the numbers visits each node behind all that lead to it.
 */
#include "filter/inside.h"

#define SPANS_FEW 4

static u32 hash(const struct node *n)
{
	u32 h = n->value * 0x9e3779b1u ^ n->t * 0x85ebca6bu ^ n->f * 0xc2b2ae35u;

	for (u32 i = 0; i < n->set.n; i++)
		h = (h ^ n->set.v[i].lo ^ n->set.v[i].hi << 7) * 0x27d4eb2fu;
	return h ^ h >> 15;
}

static bool same(const struct node *a, const struct node *b)
{
	return a->value == b->value && a->t == b->t && a->f == b->f && set_same(a->set, b->set);
}

static void rehash(struct graph *g, u32 size)
{
	g->slots = arena_array(g->arena, u32, size);
	g->mask = size - 1;
	for (u32 i = GRAPH_FIRST; i < g->nodes.n; i++) {
		u32 at = hash(&g->nodes.v[i]) & g->mask;

		while (g->slots[at])
			at = (at + 1) & g->mask;
		g->slots[at] = i;
	}
}

struct graph *graph_new(struct values *vs)
{
	struct graph *g = arena_new(vs->arena, struct graph);

	g->values = vs;
	g->arena = vs->arena;
	vec_add(g->arena, &g->nodes);
	vec_add(g->arena, &g->nodes);
	rehash(g, 64);
	return g;
}

/* How many branches a set takes. */
static u32 cost(struct set s, u32 most)
{
	u32 n = 0;

	for (u32 i = 0; i < s.n; i++)
		n += s.v[i].lo == s.v[i].hi || !s.v[i].lo || s.v[i].hi == most ? 1 : 2;
	return n;
}

static bool is_zero(struct set s)
{
	return s.n == 1 && !s.v[0].lo && !s.v[0].hi;
}

/* Is the opposite of a set the better form of it? */
static bool better(const struct graph *g, const struct value *v, struct set s, struct set other)
{
	if (v->op == VAL_AND && g->values->v.v[v->b].op == VAL_CONST && is_zero(s))
		return true; /* jset */
	if (is_zero(other))
		return v->op != VAL_AND || g->values->v.v[v->b].op != VAL_CONST;
	if (s.n == 1 && !s.v[0].lo)
		return s.v[0].hi != 0;
	return cost(other, v->most) < cost(s, v->most) &&
	       !(other.n == 1 && !other.v[0].lo && s.n == 1);
}

/* A test and its opposite are one node: the form is kept that has an instruction, or fewer. */
static void settle(struct graph *g, struct node *n)
{
	const struct value *v = &g->values->v.v[n->value];
	struct span few[SPANS_FEW]; /* most are not kept */
	struct set other = n->set.n < SPANS_FEW ? set_not_in(few, n->set, v->most)
						: set_not(g->arena, n->set, v->most);
	u32 t = n->t;

	if (!better(g, v, n->set, other))
		return;
	if (other.v == few)
		other = set_copy(g->arena, other);
	if (n->set.n == 1 && !n->set.v[0].lo)
		other.v[0].rank = !n->set.v[0].rank; /* <= k becomes > k, < k becomes >= k */
	n->set = other;
	n->t = n->f;
	n->f = t;
}

u32 graph_node(struct graph *g, u32 value, struct set set, u32 t, u32 f)
{
	struct node n = {value, set, t, f};
	u32 at;

	if (t == f)
		return t;
	if (!set.n)
		return f;
	if (set.n == 1 && !set.v[0].lo && set.v[0].hi >= g->values->v.v[value].most)
		return t;
	settle(g, &n);
	for (at = hash(&n) & g->mask; g->slots[at]; at = (at + 1) & g->mask)
		if (same(&g->nodes.v[g->slots[at]], &n))
			return g->slots[at];
	vec_push(g->arena, &g->nodes, n);
	g->slots[at] = g->nodes.n - 1;
	if (g->nodes.n * 2 > g->mask)
		rehash(g, (g->mask + 1) * 2);
	return g->nodes.n - 1;
}

static u32 build(struct graph *g, const struct tree *tree, u32 t, u32 f)
{
	switch (tree->kind) {
	case TREE_NO: return f;
	case TREE_YES: return t;
	case TREE_TEST: return graph_node(g, tree->value, tree->set, t, f);
	case TREE_NOT: return build(g, tree->kids.v[0], f, t);
	default: break;
	}
	for (u32 i = tree->kids.n; i-- > 0;) {
		u32 next = build(g, tree->kids.v[i], t, f);

		if (tree->kind == TREE_AND)
			t = next;
		else
			f = next;
		if (!i)
			return next;
	}
	return f;
}

struct graph *graph_build(struct values *vs, const struct tree *tree)
{
	struct graph *g = graph_new(vs);

	g->root = build(g, tree, GRAPH_YES, GRAPH_NO);
	return g;
}

/* Targets are below their node, so one look from the top finds all that is reached. */
static bool *reached(const struct graph *g)
{
	bool *is = arena_array(g->arena, bool, g->nodes.n);

	is[g->root] = true;
	for (u32 i = g->root; i >= GRAPH_FIRST; i--)
		if (is[i])
			is[g->nodes.v[i].t] = is[g->nodes.v[i].f] = true;
	return is;
}

struct graph *graph_copy(const struct graph *g)
{
	struct graph *to = graph_new(g->values);
	bool *is = reached(g);
	u32 *now = arena_array(g->arena, u32, g->nodes.n);

	now[GRAPH_YES] = GRAPH_YES;
	for (u32 i = GRAPH_FIRST; i <= g->root; i++) {
		const struct node *n = &g->nodes.v[i];

		if (is[i])
			now[i] = graph_node(to, n->value, n->set, now[n->t], now[n->f]);
	}
	to->root = now[g->root];
	return to;
}

u32 *graph_uses(const struct graph *g)
{
	u32 *uses = arena_array(g->arena, u32, g->nodes.n);
	bool *is = reached(g);

	for (u32 i = GRAPH_FIRST; i <= g->root; i++)
		if (is[i]) {
			uses[g->nodes.v[i].t]++;
			uses[g->nodes.v[i].f]++;
		}
	uses[g->root]++;
	return uses;
}
