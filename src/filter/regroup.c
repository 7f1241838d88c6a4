/*
 * regroup.c: brings tests of one value together.
 *
 * In:  a graph. Out: the same, where in a chain of tests that all go to one target when they hold,
 * a test of a value has joined the first test of that value:
 *
 *      src = a → T, dst = a → T, src = b → T, dst = b → T      src in {a, b} → T
 *                                                              dst in {a, b} → T
 *
 * A packet that ends before a test rejects the filter there. Where a later test decides in its
 * place now, such a packet is taken if it would be whatever that test said: as libpcap's optimiser
 * has it.
 */
#include "filter/inside.h"

struct chain {
	struct graph *g;
	u32 *uses;
	u32 target;
	vec(u32) open; /* nodes that a later test may join */
};

/* Where a node goes if not to the target. */
static u32 rest(const struct chain *c, u32 node)
{
	const struct node *n = &c->g->nodes.v[node];

	return n->t != c->target ? n->t : n->f;
}

/* The numbers with which it goes to the target. */
static struct set hits_of(const struct chain *c, u32 node)
{
	const struct node *n = &c->g->nodes.v[node];

	return n->t == c->target ? n->set
				 : set_not(c->g->arena, n->set, c->g->values->v.v[n->value].most);
}

static bool links(const struct chain *c, u32 node)
{
	const struct node *n = &c->g->nodes.v[node];

	return node >= GRAPH_FIRST && (n->t == c->target || n->f == c->target);
}

static bool follow(struct chain *c, u32 at)
{
	struct graph *g = c->g;
	bool changed = false;
	u32 next = rest(c, at);

	c->open.n = 0;
	vec_push(g->arena, &c->open, at);
	while (links(c, next) && c->uses[next] == 1) {
		struct node *n = &g->nodes.v[next];
		u32 behind = rest(c, next), joins = 0;

		vec_each (o, &c->open)
			if (g->nodes.v[*o].value == n->value)
				joins = *o;
		if (joins) {
			struct node *o = &g->nodes.v[joins];
			u32 other = rest(c, joins), *edge;

			o->set = set_or(g->arena, hits_of(c, joins), hits_of(c, next));
			o->t = c->target;
			o->f = other;
			/* the test goes out of the chain */
			edge = g->nodes.v[at].t == next ? &g->nodes.v[at].t : &g->nodes.v[at].f;
			*edge = behind;
			c->uses[next] = 0;
			changed = true;
		} else {
			vec_push(g->arena, &c->open, next);
			at = next;
		}
		next = behind;
	}
	return changed;
}

/* ---- the front of a chain */

/* By node: the value that all ways to it have just asked for, 0: there are several. */
static u32 *leads(const struct graph *g, const u32 *uses)
{
	u32 *lead = arena_array(g->arena, u32, g->nodes.n);
	bool *seen = arena_array(g->arena, bool, g->nodes.n);

	for (u32 i = g->root; i >= GRAPH_FIRST; i--)
		for (u32 way = 0; uses[i] && way < 2; way++) {
			u32 to = way ? g->nodes.v[i].f : g->nodes.v[i].t;

			lead[to] = !seen[to] || lead[to] == g->nodes.v[i].value
					   ? g->nodes.v[i].value
					   : 0;
			seen[to] = true;
		}
	return lead;
}

static void write_link(const struct chain *c, u32 node, u32 value, struct set hits, u32 next)
{
	struct node *n = &c->g->nodes.v[node];

	*n = (struct node){value, hits, c->target, next};
}

/* A test of the value that is in the register still goes first. */
static bool to_front(struct chain *c, u32 head, u32 lead)
{
	struct graph *g = c->g;
	u32 at = head, next, value = g->nodes.v[head].value, other;
	struct set hits, moved, more;

	if (!lead || value == lead)
		return false;
	for (next = rest(c, at); links(c, next) && c->uses[next] == 1; next = rest(c, at)) {
		at = next;
		if (g->nodes.v[at].value == lead)
			break;
	}
	if (g->nodes.v[at].value != lead)
		return false;
	moved = hits_of(c, at);
	/* the tests in front of it go down by one */
	hits = hits_of(c, head);
	next = rest(c, head);
	write_link(c, head, lead, moved, next);
	for (u32 down = next;; down = next) {
		other = g->nodes.v[down].value;
		more = hits_of(c, down);
		next = rest(c, down);
		write_link(c, down, value, hits, next);
		if (down == at)
			return true;
		value = other;
		hits = more;
	}
}

bool graph_regroup(struct graph *g)
{
	struct chain c = {.g = g, .uses = graph_uses(g)};
	u32 *lead = leads(g, c.uses);
	bool changed = false;

	/* Each chain from its first node: who is the tail of one is passed. */
	for (u32 i = g->root; i >= GRAPH_FIRST; i--) {
		const struct node *n = &g->nodes.v[i];

		if (!c.uses[i])
			continue;
		c.target = n->t;
		changed |= follow(&c, i);
		c.target = n->f;
		changed |= n->t != n->f && follow(&c, i);
	}
	if (changed)
		return true;
	for (u32 i = g->root; i >= GRAPH_FIRST; i--) {
		u32 t = g->nodes.v[i].t, f = g->nodes.v[i].f;

		if (!c.uses[i])
			continue;
		c.target = t;
		changed |= to_front(&c, i, lead[i]);
		c.target = f;
		changed |= !changed && to_front(&c, i, lead[i]);
	}
	return changed;
}
