/*
 * lanes_field.c: which bytes of packets are loaded together.
 *
 * In:  values. Out: those that the result needs are marked; each field of them has its place in a
 *      slot, each slot in a window.
 *
 * A row of sixteen bytes from each packet and some shuffles cost less than a gather for each field;
 * so fields are sorted by where they are, and each window takes what fits from its first byte on.
 */
#include "vm/lanes_inside.h"

#define GUARD_STEPS 200
#define TESTS_RARE  2 /* that a packet has passed */

static void mark(struct lanes_code *l)
{
	struct lane_value *v = l->values.v;

	v[l->result].used = true;
	for (u32 i = l->result; i > 0; i--) {
		if (!v[i].used)
			continue;
		v[v[i].a].used = true;
		if (v[i].op != LANE_FIELD)
			v[v[i].b].used = v[v[i].c].used = true;
	}
}

static bool comes_before(const struct lane_value *a, const struct lane_value *b)
{
	if (a->a != b->a)
		return a->a < b->a;
	return a->k != b->k ? a->k < b->k : a->b > b->b;
}

/* The used fields, sorted. */
static u32 sorted(const struct lanes_code *l, u32 *out)
{
	const struct lane_value *v = l->values.v;
	u32 n = 0, at;

	for (u32 i = 1; i < l->values.n; i++) {
		if (!v[i].used || v[i].op != LANE_FIELD)
			continue;
		for (at = n++; at && comes_before(&v[i], &v[out[at - 1]]); at--)
			out[at] = out[at - 1];
		out[at] = i;
	}
	return n;
}

/* Does the field lie in one of the window's slots? */
static bool fits(const struct lane_window *w, const struct lane_value *v)
{
	const u32 at = v->k - w->from;

	return w->index == v->a && v->k >= w->from && at + v->b <= WINDOW_BYTES &&
	       at / 4 == (at + v->b - 1) / 4;
}

static struct lane_window *find_window(struct lanes_code *l, const struct lane_value *v)
{
	struct lane_window *new;

	vec_each (w, &l->windows)
		if (fits(w, v))
			return w;
	new = vec_add(l->arena, &l->windows);
	*new = (struct lane_window){.index = v->a, .from = v->k};
	return new;
}

static u32 find_slot(struct lanes_code *l, struct lane_window *w, u32 word)
{
	for (u32 i = 0; i < w->n; i++)
		if (l->slots.v[w->slots[i]].word == word)
			return w->slots[i];
	vec_push(l->arena, &l->slots, (struct lane_slot){(u32)(w - l->windows.v), word});
	w->slots[w->n++] = l->slots.n - 1;
	return l->slots.n - 1;
}

static void put_field(struct lanes_code *l, u32 i)
{
	const struct lane_value v = l->values.v[i];
	struct lane_window *w = find_window(l, &v);
	const u32 at = v.k - w->from;

	l->places[i].slot = find_slot(l, w, at / 4);
	l->places[i].order = lane_value(l, LANE_ORDER, at % 4, v.b, 0, 0);
}

/* Are lanes of x lanes of `of`? steps: that it may take to find out. */
static bool is_part(const struct lanes_code *l, u32 x, u32 of, u32 *steps)
{
	const struct lane_value *v = &l->values.v[x];

	if (x == of || x < of || !*steps)
		return x == of;
	--*steps;
	switch (v->op) {
	case LANE_AND: return is_part(l, v->a, of, steps) || is_part(l, v->b, of, steps);
	case LANE_WITHOUT: return is_part(l, v->b, of, steps);
	case LANE_OR: return is_part(l, v->a, of, steps) && is_part(l, v->b, of, steps);
	default: return false;
	}
}

/* A jump that is guessed wrong costs more than a window; so only where it is probably not wanted by
 * eight packets of which each is of another kind, or is at a place of its own in each packet, which
 * takes longest. */
static bool is_rare(const struct lanes_code *l, const struct lane_window *w, u32 mask)
{
	const struct lane_value *v = &l->values.v[mask];
	u32 tests = l->values.v[w->index].op == LANE_GROUP ? 0 : TESTS_RARE;

	if (!v->used || v->op == LANE_CONST)
		return false;
	for (; v->op == LANE_AND || v->op == LANE_WITHOUT;
	     v = &l->values.v[v->op == LANE_AND ? v->a : v->b])
		tests += v->op == LANE_AND && l->values.v[v->b].op == LANE_EQ;
	return tests >= TESTS_RARE;
}

/* The mask of the first load, where all others are for lanes of it. */
static void find_guards(struct lanes_code *l)
{
	const struct lane_value *v = l->values.v;

	vec_each (load, &l->loads) {
		const u32 slot = v[load->field].used ? l->places[load->field].slot : UINT32_MAX;
		struct lane_window *w;
		u32 steps = GUARD_STEPS;

		if (slot == UINT32_MAX)
			continue;
		w = &l->windows.v[l->slots.v[slot].window];
		if (!w->loaded)
			w->guard = is_rare(l, w, load->here) ? load->here : 0;
		else if (w->guard && !is_part(l, load->here, w->guard, &steps))
			w->guard = 0;
		w->loaded = true;
	}
	vec_each (w, &l->windows)
		w->loaded = false;
}

void lanes_fields(struct lanes_code *l)
{
	u32 *order = arena_array(l->arena, u32, l->values.n), n;

	mark(l);
	n = sorted(l, order);
	l->places = arena_array(l->arena, struct lane_place, l->values.n);
	for (u32 i = 0; i < n; i++)
		put_field(l, order[i]);
	find_guards(l);
}
