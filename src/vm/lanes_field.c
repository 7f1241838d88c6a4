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

static void mark(struct lanes_code *l)
{
	struct lane_value *v = l->values.v;

	v[l->result].used = v[l->unknown].used = true;
	for (u32 i = l->values.n - 1; i > 0; i--) {
		if (!v[i].used)
			continue;
		v[v[i].a].used = true;
		if (v[i].op != LANE_FIELD)
			v[v[i].b].used = v[v[i].c].used = true;
		if (v[i].op == LANE_TEST)
			v[l->windows.v[l->slots.v[v[i].k].window].index].used = true;
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

static bool fits(const struct lane_window *w, const struct lane_value *v)
{
	return w->index == v->a && v->k >= w->from && v->k - w->from + v->b <= WINDOW_BYTES;
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

/* It may lie in two slots. */
static void put_field(struct lanes_code *l, u32 i)
{
	const struct lane_value v = l->values.v[i];
	struct lane_window *w = find_window(l, &v);
	const u32 at = v.k - w->from, last = (at + v.b - 1) / 4;
	struct lane_place *p = &l->places[i];

	p->part[1].slot = NO_SLOT;
	for (u32 word = at / 4; word <= last; word++) {
		p->part[word - at / 4].slot = find_slot(l, w, word);
		p->part[word - at / 4].order = lane_value(l, LANE_ORDER, at - word * 4, v.b, 0, 0);
	}
}

void lanes_fields(struct lanes_code *l)
{
	u32 *order = arena_array(l->arena, u32, l->values.n), n;

	mark(l);
	n = sorted(l, order);
	l->places = arena_array(l->arena, struct lane_place, l->values.n);
	for (u32 i = 0; i < n; i++)
		put_field(l, order[i]);
	lanes_raw(l);
	vec_each (v, &l->values)
		v->used = false;
	mark(l);
}
