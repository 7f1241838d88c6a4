/*
 * emit_set.c: branches that ask whether A is in a set.
 *
 * In:  the set of a node. Out: one branch after the other where there are few spans, else a tree of
 *      comparisons whose leaves are such rows.
 */
#include "filter/emit.h"

#include <stdlib.h>

/* Spans without a tree, which takes more instructions, if fewer of them run; it begins with more
 * than a leaf where those count. */
#define ROW_MOST 64
#define LEAF     8

struct ask {
	struct emitter *e;
	u32 most, t, f;
};

/* One aligned block of numbers, as a net is. */
static bool is_block(struct set s, u32 most)
{
	u32 wide;

	if (s.n != 1 || !s.v[0].lo || s.v[0].hi == most)
		return false;
	wide = s.v[0].hi - s.v[0].lo;
	return wide > 1 && !(wide & (wide + 1)) && !(s.v[0].lo & wide);
}

/* Does a target ask the same value again? Then A should stay. */
static bool asks_again(const struct graph *g, const struct node *n)
{
	return (n->t >= GRAPH_FIRST && g->nodes.v[n->t].value == n->value) ||
	       (n->f >= GRAPH_FIRST && g->nodes.v[n->f].value == n->value);
}

/* One span: to t if A is in it, to `below` if it is under it, else to `above`. */
static void ask_span(const struct ask *a, const struct span *s, u32 below, u32 above)
{
	struct emitter *e = a->e;

	if (s->lo == s->hi) {
		emit_branch(e, BPF_JEQ, s->lo, a->t, above);
	} else if (!s->lo) {
		emit_branch(e, BPF_JGT, s->hi, above, a->t);
	} else if (s->hi == s->lo + 1) {
		u32 second = emit_local(e);

		emit_branch(e, BPF_JEQ, s->down ? s->hi : s->lo, a->t, second);
		emit_here(e, second);
		emit_branch(e, BPF_JEQ, s->down ? s->lo : s->hi, a->t, above);
	} else if (s->hi == a->most) {
		if (s->rank & 1)
			emit_branch(e, BPF_JGT, s->lo - 1, a->t, below);
		else
			emit_branch(e, BPF_JGE, s->lo, a->t, below);
	} else {
		u32 inside = emit_local(e);

		emit_branch(e, BPF_JGE, s->lo, inside, below);
		emit_here(e, inside);
		emit_branch(e, BPF_JGT, s->hi, above, a->t);
	}
}

static int by_rank(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* All spans in a row; single numbers as they were named. */
static void ask_row(const struct ask *a, const struct span *v, u32 n)
{
	struct span *row = arena_array(a->e->arena, struct span, n);
	bool ones = true;

	memcpy(row, v, sizeof(*v) * n);
	for (u32 i = 0; i < n; i++)
		ones &= v[i].lo == v[i].hi;
	if (ones)
		qsort(row, n, sizeof(*row), by_rank);
	for (u32 i = 0; i < n; i++) {
		u32 next = i + 1 < n ? emit_local(a->e) : a->f;

		ask_span(a, &row[i], ones ? next : a->f, next);
		if (i + 1 < n)
			emit_here(a->e, next);
	}
}

static void ask_tree(const struct ask *a, const struct span *v, u32 n)
{
	u32 half = n / 2, low, high;

	if (n <= LEAF) {
		ask_row(a, v, n);
		return;
	}
	low = emit_local(a->e);
	high = emit_local(a->e);
	emit_branch(a->e, BPF_JGE, v[half].lo, high, low);
	emit_here(a->e, low);
	ask_tree(a, v, half);
	emit_here(a->e, high);
	ask_tree(a, v + half, n - half);
}

static void two_values(struct emitter *e, const struct node *n, u32 t, u32 f)
{
	const struct value *v = &e->values->v.v[n->value];
	u16 op = v->op == VAL_EQ ? BPF_JEQ : v->op == VAL_GT ? BPF_JGT : BPF_JGE;
	bool yes = set_has(n->set, 1);

	emit_two(e, v->a, v->b, v->op == VAL_EQ);
	emit_branch(e, op | BPF_X, 0, yes ? t : f, yes ? f : t);
}

void emit_set(struct emitter *e, const struct node *n, u32 t, u32 f)
{
	const struct value *v = &e->values->v.v[n->value];
	struct ask a = {e, v->most, t, f};

	if (v->op >= VAL_EQ) {
		two_values(e, n, t, f);
		return;
	}
	if (v->op == VAL_AND && e->values->v.v[v->b].op == VAL_CONST && n->set.n == 1 &&
	    n->set.v[0].lo == 1 && n->set.v[0].hi == v->most) {
		emit_value(e, v->a);
		emit_branch(e, BPF_JSET, e->values->v.v[v->b].k, t, f);
		return;
	}
	/* ranges of ports are often asked again, and their second comparison is then there already */
	if ((e->swift || v->most != 0xffff) && is_block(n->set, v->most) && !asks_again(e->g, n)) {
		u32 mask = v->most & ~(n->set.v[0].hi - n->set.v[0].lo);

		emit_value(e, val_alu(e->values, VAL_AND, n->value, val_const(e->values, mask)));
		emit_branch(e, BPF_JEQ, n->set.v[0].lo, t, f);
		return;
	}
	emit_value(e, n->value);
	if (n->set.n > (e->swift ? LEAF : ROW_MOST))
		ask_tree(&a, n->set.v, n->set.n);
	else
		ask_row(&a, n->set.v, n->set.n);
}
