/*
 * explain.c: a filter for people: its decision graph in words, trees and graphs as drawings.
 *
 * In:  a compiled filter. Out: text, or the language of graphviz.
 */
#include "filter/inside.h"

/* By node: the ether type that is known there, because every way to it has asked for it. */
static u32 *types_of(const struct graph *g)
{
	u32 *types = arena_array(g->arena, u32, g->nodes.n);
	bool *seen = arena_array(g->arena, bool, g->nodes.n);

	seen[g->root] = true;
	for (u32 i = g->root; i >= GRAPH_FIRST; i--) {
		const struct node *n = &g->nodes.v[i];
		const struct value *v = &g->values->v.v[n->value];
		bool one = n->set.n == 1 && n->set.v[0].lo == n->set.v[0].hi;

		for (u32 way = 0; seen[i] && way < 2; way++) {
			u32 to = way ? n->f : n->t, type = types[i];

			if (v->base == BASE_TYPE + 1)
				type = !way && one ? n->set.v[0].lo : 0;
			types[to] = !seen[to] || types[to] == type ? type : 0;
			seen[to] = true;
		}
	}
	return types;
}

/* Numbers from 1 in the order of reading; the nodes of a graph that was copied are all in use. */
static void put_target(struct buf *out, const struct graph *g, u32 to)
{
	if (to < GRAPH_FIRST)
		buf_puts(out, to == GRAPH_YES ? "take the packet" : "drop the packet");
	else
		buf_printf(out, "go to %u", g->root - to + 1);
}

void filter_explain(struct buf *out, const struct filter *f)
{
	const struct graph *g = graph_copy(f->best);
	const u32 *types = types_of(g);

	if (g->root < GRAPH_FIRST) {
		buf_printf(out, "%s\n", g->root ? "All packets are taken." : "No packet is taken.");
		return;
	}
	for (u32 i = g->root; i >= GRAPH_FIRST; i--) {
		const struct node *n = &g->nodes.v[i];

		buf_printf(out, "%3u  ", g->root - i + 1);
		test_print(out, g->values, n, types[i]);
		buf_puts(out, "?\n       yes: ");
		put_target(out, g, n->t);
		buf_puts(out, "\n       no:  ");
		put_target(out, g, n->f);
		buf_char(out, '\n');
	}
	buf_printf(out, "%u tests, %u instructions of classic BPF\n", g->root - GRAPH_FIRST + 1,
		   f->insns.n);
}

/* ---- drawings */

static void put_label(struct buf *out, const struct values *vs, const struct node *n, u32 type)
{
	struct buf text = {0};

	test_print(&text, vs, n, type);
	buf_puts(out, "label=\"");
	for (const char *p = buf_str(&text); *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_char(out, '\\');
		buf_char(out, *p);
	}
	buf_char(out, '"');
	buf_free(&text);
}

static u32 draw_tree(struct buf *out, const struct values *vs, const struct tree *t, u32 *n,
		     u32 *tests)
{
	static const char *const names[] = {"no", "yes", "", "and", "or", "not"};
	u32 own = (*n)++, kid;

	buf_printf(out, "\tn%u [", own);
	if (t->kind == TREE_TEST) {
		(*tests)++;
		put_label(out, vs, &(struct node){t->value, t->set, 0, 0}, 0);
		buf_puts(out, ", shape=box];\n");
		return own;
	}
	buf_printf(out, "label=\"%s\"];\n", names[t->kind]);
	vec_each (k, &t->kids) {
		kid = draw_tree(out, vs, *k, n, tests);
		buf_printf(out, "\tn%u -> n%u;\n", own, kid);
	}
	return own;
}

static void draw_graph(struct buf *out, const struct graph *from)
{
	const struct graph *g = graph_copy(from);
	const u32 *types = types_of(g);

	buf_puts(out,
		 "\tn1 [label=\"yes\", shape=ellipse];\n\tn0 [label=\"no\", shape=ellipse];\n");
	for (u32 i = g->root; i >= GRAPH_FIRST; i--) {
		const struct node *n = &g->nodes.v[i];

		buf_printf(out, "\tn%u [", i);
		put_label(out, g->values, n, types[i]);
		buf_printf(out, ", shape=box];\n\tn%u -> n%u [label=\"yes\"];\n", i, n->t);
		buf_printf(out, "\tn%u -> n%u [label=\"no\", style=dashed];\n", i, n->f);
	}
	buf_printf(out, "\tlabel=\"%u tests\";\n",
		   g->root < GRAPH_FIRST ? 0 : g->root - GRAPH_FIRST + 1);
}

void filter_dot(struct buf *out, const struct filter *f, const char *which)
{
	u32 n = 0, tests = 0;

	buf_printf(out, "digraph filter {\n\tnode [fontname=\"sans-serif\"];\n");
	if (!strcmp(which, "tree")) {
		draw_tree(out, f->values, f->tree, &n, &tests);
		buf_printf(out, "\tlabel=\"%u tests\";\n", tests);
	} else {
		draw_graph(out, !strcmp(which, "graph") ? f->plain : f->best);
	}
	buf_puts(out, "}\n");
}
