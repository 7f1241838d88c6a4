/*
 * emit.c: a decision graph as classic BPF.
 *
 * In:  the graph. Out: instructions, first with open targets, then (emit_jump.c) with distances.
 *
 * Nodes stand in an order in which each comes behind all that lead to it, and directly behind a
 * node comes its target for `yes`, as in the listings of tcpdump. What A and X hold when a node
 * begins is known from all ways to it; a way that brings more enters behind the loads that it does
 * not need.
 */
#include "filter/emit.h"

#include <errno.h>

void emit_step(struct emitter *e, u16 code, u32 k)
{
	e->stores |= code == BPF_ST;
	vec_push(e->arena, &e->steps, (struct step){.code = code, .k = k, .before = e->now});
}

void emit_branch(struct emitter *e, u16 op, u32 k, u32 t, u32 f)
{
	vec_push(e->arena, &e->steps,
		 (struct step){.code = (u16)(BPF_JMP | op),
			       .k = k,
			       .t = t,
			       .f = f,
			       .before = e->now,
			       .branch = true});
}

u32 emit_local(struct emitter *e)
{
	vec_push(e->arena, &e->local, 0);
	return EMIT_LOCAL | (e->local.n - 1);
}

void emit_here(struct emitter *e, u32 local)
{
	e->local.v[local & ~EMIT_LOCAL] = e->steps.n;
}

/* ---- order */

struct order {
	const struct graph *g;
	u32 *nodes; /* the last one first */
	u32 n;
	bool *seen;
};

/* Depth first, `no` before `yes`, without recursion: graphs are as deep as they are long. */
static void put_in_order(struct order *o)
{
	u32 *stack = arena_array(o->g->arena, u32, o->g->nodes.n * 2 + 2), top = 0;

	stack[top++] = o->g->root << 1;
	while (top) {
		u32 at = stack[--top], node = at >> 1;

		if (at & 1) {
			o->nodes[o->n++] = node;
			continue;
		}
		if (o->seen[node])
			continue;
		o->seen[node] = true;
		stack[top++] = node << 1 | 1;
		if (node >= GRAPH_FIRST) {
			u32 t = o->g->nodes.v[node].t, f = o->g->nodes.v[node].f;

			if (!o->seen[t])
				stack[top++] = t << 1;
			if (!o->seen[f])
				stack[top++] = f << 1;
		}
	}
}

/* ---- ways into nodes */

struct ways {
	u32 *first, *edges; /* edges to node i are edges[first[i]] to edges[first[i + 1]] */
};

static void find_ways(struct ways *w, const struct order *o)
{
	u32 n = o->g->nodes.n, *fill = arena_array(o->g->arena, u32, n + 1);

	w->first = arena_array(o->g->arena, u32, n + 1);
	w->edges = arena_array(o->g->arena, u32, n * 2 + 1);
	for (u32 i = GRAPH_FIRST; i < n; i++)
		if (o->seen[i]) {
			w->first[o->g->nodes.v[i].t + 1]++;
			w->first[o->g->nodes.v[i].f + 1]++;
		}
	for (u32 i = 0; i < n; i++)
		w->first[i + 1] += w->first[i];
	memcpy(fill, w->first, sizeof(u32) * (n + 1));
	for (u32 i = GRAPH_FIRST; i < n; i++)
		if (o->seen[i]) {
			w->edges[fill[o->g->nodes.v[i].t]++] = i << 1;
			w->edges[fill[o->g->nodes.v[i].f]++] = i << 1 | 1;
		}
}

/* What all ways to a node bring. */
static struct state brought(const struct emitter *e, const struct ways *w, u32 node)
{
	struct state s = {0};

	for (u32 i = w->first[node]; i < w->first[node + 1]; i++) {
		const struct state *from = &e->out[w->edges[i] >> 1];

		if (i == w->first[node])
			s = *from;
		s.a = s.a == from->a ? s.a : 0;
		s.x = s.x == from->x ? s.x : 0;
		for (u32 k = 0; k < EMIT_KEPT; k++)
			s.kept[k] = s.kept[k] == from->kept[k] ? s.kept[k] : 0;
	}
	return s;
}

static bool brings(const struct state *has, const struct state *needs)
{
	bool all = !needs->saved && (!needs->a || needs->a == has->a) &&
		   (!needs->x || needs->x == has->x);

	for (u32 k = 0; k < EMIT_KEPT; k++)
		all &= !needs->kept[k] || needs->kept[k] == has->kept[k];
	return all;
}

/* Each way enters as late as it may. */
static void enter(struct emitter *e, const struct ways *w, u32 node, u32 from, u32 to)
{
	for (u32 i = w->first[node]; i < w->first[node + 1]; i++) {
		const struct state *has = &e->out[w->edges[i] >> 1];
		u32 at = to;

		while (at > from && !brings(has, &e->steps.v[at].before))
			at--;
		e->edge_at[w->edges[i]] = at;
	}
}

static void put_node(struct emitter *e, const struct ways *w, u32 node, u32 snaplen)
{
	u32 from = e->steps.n, first_branch;

	if (node < GRAPH_FIRST) {
		e->now = (struct state){0};
		emit_step(e, CBPF_RET | BPF_K, node == GRAPH_YES ? snaplen : 0);
		enter(e, w, node, from, from);
		return;
	}
	e->now = brought(e, w, node);
	emit_set(e, &e->g->nodes.v[node], node << 1, node << 1 | 1);
	e->out[node] = e->now;
	for (first_branch = from; !e->steps.v[first_branch].branch; first_branch++)
		;
	enter(e, w, node, from, first_branch);
}

static int emit(struct emitter *e, u32 snaplen, struct filter *out, struct diag *d)
{
	u32 n = e->g->nodes.n;
	struct order o = {.g = e->g,
			  .nodes = arena_array(e->arena, u32, n),
			  .seen = arena_array(e->arena, bool, n)};
	struct ways ways;

	e->edge_at = arena_array(e->arena, u32, n * 2);
	e->out = arena_array(e->arena, struct state, n);
	emit_keep(e);
	put_in_order(&o);
	find_ways(&ways, &o);
	for (u32 i = o.n; i-- > 0 && !e->deep;)
		put_node(e, &ways, o.nodes[i], snaplen);
	if (e->deep)
		return diag_fail(d, -E2BIG, "a machine of classic BPF has 16 words of memory",
				 "the arithmetic of this filter is nested too deep");
	return emit_finish(e, out, d);
}

int graph_emit(const struct graph *g, u32 snaplen, struct filter *out, struct diag *d)
{
	struct emitter e = {.g = g, .values = g->values, .arena = g->arena, .swift = out->swift};

	return emit(&e, snaplen, out, d);
}
