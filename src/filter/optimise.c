/*
 * optimise.c: the list of what is done to a decision graph.
 *
 * In:  the graph as it was built. Out: another one that decides the same, with fewer tests.
 *
 * thread (facts.c)     edges pass tests whose outcome is known from the way to them
 * merge                tests of one value that follow each other become one test of a set
 * regroup (regroup.c)  tests of one value that stand apart come together
 */
#include "filter/inside.h"

#define ROUNDS_MOST 24

/* Does the node behind one say the same by itself? Then the one is not asked: to the node behind.
 */
static u32 says_it(const struct graph *g, const struct node *n, u32 next, u32 other,
		   struct set to_other)
{
	const struct node *b = &g->nodes.v[next];

	if (next < GRAPH_FIRST || b->value != n->value)
		return 0;
	if ((b->t == other && set_within(to_other, b->set)) ||
	    (b->f == other && set_disjoint(to_other, b->set)))
		return next;
	return 0;
}

static bool drop_needless(struct graph *g)
{
	bool changed = false;

	for (u32 i = GRAPH_FIRST; i <= g->root; i++) {
		struct node *n = &g->nodes.v[i];
		u32 most = g->values->v.v[n->value].most;
		u32 by = says_it(g, n, n->f, n->t, n->set);

		if (!by && g->nodes.v[n->t].value == n->value)
			by = says_it(g, n, n->t, n->f, set_not(g->arena, n->set, most));
		if (by)
			n->t = n->f = by;
		changed |= by != 0;
	}
	return changed;
}

/* Joins a node and the one behind it, which nobody else uses; false: they are not of one kind. */
static bool join(struct graph *g, struct node *n, const u32 *uses)
{
	const struct node *f = &g->nodes.v[n->f], *t = &g->nodes.v[n->t];
	u32 most = g->values->v.v[n->value].most;
	struct arena *a = g->arena;

	if (n->f >= GRAPH_FIRST && f->value == n->value && uses[n->f] == 1) {
		bool turned = f->f == n->t;

		if (turned || f->t == n->t) {
			n->set = set_or(a, n->set, turned ? set_not(a, f->set, most) : f->set);
			n->f = turned ? f->t : f->f;
			return true;
		}
	}
	if (n->t >= GRAPH_FIRST && t->value == n->value && uses[n->t] == 1) {
		bool turned = t->t == n->f;

		if (turned || t->f == n->f) {
			n->set = set_and(a, n->set, turned ? set_not(a, t->set, most) : t->set);
			n->t = turned ? t->f : t->t;
			return true;
		}
	}
	return false;
}

/* changed: since it was copied, which makes equal nodes one. */
static struct graph *merge(struct graph *g, bool changed)
{
	u32 *uses;

	if (changed)
		g = graph_copy(g);
	if (drop_needless(g))
		g = graph_copy(g);
	uses = graph_uses(g);
	changed = false;
	for (u32 i = GRAPH_FIRST; i <= g->root; i++)
		while (join(g, &g->nodes.v[i], uses))
			changed = true;
	return changed ? graph_copy(g) : g;
}

static u32 weight(const struct graph *g)
{
	u32 n = 0;

	for (u32 i = GRAPH_FIRST; i < g->nodes.n; i++)
		n += 1 + g->nodes.v[i].set.n;
	return n;
}

struct graph *graph_optimise(const struct graph *from)
{
	struct graph *g = graph_copy(from);
	u32 before;

	for (u32 round = 0; round < ROUNDS_MOST; round++) {
		bool threaded = graph_thread(g), regrouped;

		g = merge(g, threaded);
		before = weight(g);
		regrouped = graph_regroup(g);
		g = merge(g, regrouped);
		if (!threaded && !regrouped && weight(g) >= before)
			break;
	}
	return g;
}
