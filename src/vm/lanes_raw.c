/*
 * lanes_raw.c: tests of bytes as they lie in memory.
 *
 * In:  values, each field with its place. Out: where a field is only asked whether some bits of it
 *      are those of a number, the slot is asked, by a mask and a number with their bytes in the
 * order of the packet; and where several fields of one slot must all be so, it is asked once.
 */
#include "vm/lanes_inside.h"

#define CHAIN_MOST 8 /* tests that are looked back over */

struct raw {
	struct lanes_code *l;
	u32 *uses; /* by value */
};

static void count_uses(struct raw *r)
{
	const struct lanes_code *l = r->l;

	r->uses[l->result]++;
	r->uses[l->unknown]++;
	for (u32 i = 1; i < l->values.n; i++) {
		const struct lane_value *v = &l->values.v[i];

		if (!v->used)
			continue;
		r->uses[v->a]++;
		if (v->op == LANE_FIELD)
			continue;
		r->uses[v->b]++;
		r->uses[v->c]++;
	}
}

/* A number that is a field's, as its bytes lie in the slot. */
static u32 as_in_memory(const struct lane_value *order, u32 number)
{
	return __builtin_bswap32(number) >> (32 - order->b * 8) << order->a * 8;
}

static void put_test(struct lanes_code *l, u32 i, u32 slot, u32 mask, u32 number)
{
	const u32 a = mask == UINT32_MAX ? 0 : lane_const(l, mask), b = lane_const(l, number);

	l->values.v[i] =
		(struct lane_value){.op = LANE_TEST, .a = a, .b = b, .k = slot, .used = true};
}

static u32 get_test(const struct lanes_code *l, const struct lane_value *v, u32 *number)
{
	u32 mask = UINT32_MAX;

	if (v->a)
		lane_is_const(l, v->a, &mask);
	lane_is_const(l, v->b, number);
	return mask;
}

/* Is it asked of a field of one slot, which nobody wants for something else? */
static void make_test(struct raw *r, u32 i)
{
	struct lanes_code *l = r->l;
	const struct lane_value is = l->values.v[i];
	const struct lane_value *of = &l->values.v[is.a], *order;
	u32 field = is.a, mask = UINT32_MAX, number, all;
	bool alone = r->uses[is.a] == 1;
	const struct lane_place *p;

	if (is.op != LANE_EQ || !lane_is_const(l, is.b, &number))
		return;
	if (of->op == LANE_AND && lane_is_const(l, of->b, &mask)) {
		field = of->a;
		alone &= r->uses[field] == 1;
	}
	p = &l->places[field];
	if (l->values.v[field].op != LANE_FIELD || p->part[1].slot != NO_SLOT)
		return;
	order = &l->values.v[p->part[0].order];
	all = UINT32_MAX >> (32 - order->b * 8);
	mask = as_in_memory(order, mask & all);
	if (number > all || as_in_memory(order, number) & ~mask || !(alone || mask == UINT32_MAX))
		return;
	put_test(l, i, p->part[0].slot, mask, as_in_memory(order, number));
}

/* If b asks the same slot: asks both at b. */
static bool add_test(struct raw *r, u32 a, u32 b)
{
	struct lanes_code *l = r->l;
	const struct lane_value x = l->values.v[a], y = l->values.v[b];
	u32 mask[2], number[2] = {0};

	if (x.op != LANE_TEST || y.op != LANE_TEST || x.k != y.k || r->uses[a] > 1)
		return false;
	mask[0] = get_test(l, &x, &number[0]);
	mask[1] = get_test(l, &y, &number[1]);
	if ((number[0] ^ number[1]) & mask[0] & mask[1])
		return false;
	put_test(l, b, x.k, mask[0] | mask[1], number[0] | number[1]);
	return true;
}

/* Of a & b & c, whoever asks the slot that c asks is asked by it. */
static void join_tests(struct raw *r, u32 i)
{
	struct lane_value *v = r->l->values.v;
	u32 at = i, test = v[i].b, before;

	if (v[i].op != LANE_AND || v[test].op != LANE_TEST || r->uses[test] > 1)
		return;
	for (u32 n = 0; n < CHAIN_MOST; n++) {
		before = v[at].a;
		if (at == i && add_test(r, before, test)) {
			v = r->l->values.v;
			v[i] = v[test];
			return;
		}
		if (v[before].op != LANE_AND || r->uses[before] > 1)
			return;
		if (add_test(r, v[before].b, test)) {
			v = r->l->values.v;
			v[at].a = v[before].a;
		} else {
			at = before;
		}
	}
}

void lanes_raw(struct lanes_code *l)
{
	const u32 n = l->values.n;
	struct raw r = {.l = l, .uses = arena_array(l->arena, u32, n)};

	count_uses(&r);
	for (u32 i = 1; i < n; i++)
		if (l->values.v[i].used)
			make_test(&r, i);
	for (u32 i = 1; i < n; i++)
		if (l->values.v[i].used)
			join_tests(&r, i);
}
