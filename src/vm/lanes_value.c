/*
 * lanes_value.c: values of eight lanes.
 *
 * In:  an operation and what it is of. Out: its number. The same is computed once; what is known
 *      is not computed; of each value it is known how large it can be.
 */
#include "vm/lanes_inside.h"

#define ALL UINT32_MAX

static u32 compute(enum lane_op op, u32 a, u32 b)
{
	switch (op) {
	case LANE_ADD: return a + b;
	case LANE_SUB: return a - b;
	case LANE_MUL: return a * b;
	case LANE_AND: return a & b;
	case LANE_WITHOUT: return ~a & b;
	case LANE_OR: return a | b;
	case LANE_XOR: return a ^ b;
	case LANE_SHLX: return b < 32 ? a << b : 0;
	case LANE_SHRX: return b < 32 ? a >> b : 0;
	case LANE_MIN: return MIN(a, b);
	case LANE_MAX: return MAX(a, b);
	case LANE_EQ: return a == b ? ALL : 0;
	default: return (s32)a > (s32)b ? ALL : 0;
	}
}

/* Is x one of those that `any` is made of, the last of them perhaps left out? As lists grow. */
static bool implies(const struct lanes_code *l, u32 x, u32 any)
{
	while (x != any && l->values.v[any].op == LANE_OR)
		any = l->values.v[any].b == x ? x : l->values.v[any].a;
	return x == any;
}

/* here & x, or what of `here` is left without x, & y: here & (x | y). So tests in a row that lead
 * to one place are two instructions each. 0: it is not so. */
static u32 any_of(struct lanes_code *l, u32 a, u32 b)
{
	const struct lane_value some = l->values.v[a], others = l->values.v[b];
	u32 left = others.a, y = others.b;

	if (some.op == LANE_OR) {
		left = any_of(l, some.b, b);
		return left ? lane_bin(l, LANE_OR, some.a, left) : 0;
	}
	if (some.op != LANE_AND || others.op != LANE_AND)
		return 0;
	while (left != some.a) {
		const struct lane_value v = l->values.v[left];

		if (v.op == LANE_AND)
			y = lane_bin(l, LANE_AND, v.b, y);
		else if (v.op != LANE_WITHOUT || !implies(l, v.a, some.b))
			return 0;
		left = v.op == LANE_AND ? v.a : v.b;
	}
	return lane_bin(l, LANE_AND, some.a, lane_bin(l, LANE_OR, some.b, y));
}

static u32 without_both(struct lanes_code *l, u32 a, struct lane_value b)
{
	return lane_bin(l, LANE_WITHOUT, lane_bin(l, LANE_OR, b.a, a), b.b);
}

/* Is one value asked whether it is this number and that? No lane is in both. */
static bool are_apart(const struct lanes_code *l, u32 a, u32 b)
{
	const struct lane_value *x = &l->values.v[a], *y = &l->values.v[b];
	u32 k;

	return x->op == LANE_EQ && y->op == LANE_EQ && x->a == y->a && x->b != y->b &&
	       lane_is_const(l, x->b, &k) && lane_is_const(l, y->b, &k);
}

/* Of `here`, what b leaves out anyway need not be left out. */
static u32 without_apart(const struct lanes_code *l, u32 here, u32 b)
{
	const struct lane_value *v = &l->values.v[here];
	u32 any;

	if (v->op != LANE_WITHOUT)
		return here;
	for (any = v->a; l->values.v[any].op == LANE_OR; any = l->values.v[any].a)
		if (!are_apart(l, l->values.v[any].b, b))
			return here;
	return are_apart(l, any, b) ? v->b : here;
}

/* 0: neither of both is the result, nor is it known. */
static u32 simpler(struct lanes_code *l, enum lane_op op, u32 a, u32 b)
{
	u32 ka, kb, left;
	bool has_a = lane_is_const(l, a, &ka), has_b = lane_is_const(l, b, &kb);

	if (has_a && has_b)
		return lane_const(l, compute(op, ka, kb));
	switch (op) {
	case LANE_AND:
		if (a == b || (has_b && kb == ALL))
			return a;
		if (has_a && ka == ALL)
			return b;
		if ((has_a && !ka) || (has_b && !kb))
			return lane_const(l, 0);
		left = without_apart(l, a, b);
		if (left != a)
			return lane_bin(l, LANE_AND, left, b);
		return has_b && !(kb & (kb + 1)) && lane_most(l, a) <= kb ? a : 0;
	case LANE_WITHOUT:
		if (has_a && (!ka || ka == ALL))
			return ka ? lane_const(l, 0) : b;
		if (a == b || (has_b && !kb))
			return lane_const(l, 0);
		return l->values.v[b].op == LANE_WITHOUT ? without_both(l, a, l->values.v[b]) : 0;
	case LANE_OR:
		if (a == b || (has_b && !kb))
			return a;
		if (has_a && !ka)
			return b;
		return any_of(l, a, b);
	case LANE_ADD:
		if (has_a && !ka)
			return b;
		return has_b && !kb ? a : 0;
	case LANE_EQ: return has_b && kb > lane_most(l, a) ? lane_const(l, 0) : 0;
	default: return 0;
	}
}

/* All bits below the highest one. */
static u32 filled(u32 most)
{
	return most ? ALL >> __builtin_clz(most) : 0;
}

static u32 find_most(const struct lanes_code *l, const struct lane_value *v)
{
	const u32 a = lane_most(l, v->a), b = lane_most(l, v->b);
	u64 wide = ALL;

	switch (v->op) {
	case LANE_CONST: return v->k;
	case LANE_GROUP: return v->k == offsetof(struct lanes_group, len) ? ALL : INT32_MAX;
	case LANE_SHL: wide = (u64)a << v->k; break;
	case LANE_SHR: return a >> v->k;
	case LANE_SHRX: return a;
	case LANE_SELECT: return MAX(a, b);
	case LANE_ADD: wide = (u64)a + b; break;
	case LANE_MUL: wide = (u64)a * b; break;
	case LANE_AND: return MIN(a, b);
	case LANE_WITHOUT: return b;
	case LANE_OR:
	case LANE_XOR: return filled(a | b);
	case LANE_MIN: return MIN(a, b);
	case LANE_MAX: return MAX(a, b);
	default: break;
	}
	return (u32)MIN(wide, (u64)ALL);
}

u32 lane_value(struct lanes_code *l, enum lane_op op, u32 a, u32 b, u32 c, u32 k)
{
	struct lane_value v = {.op = (u8)op, .a = a, .b = b, .c = c, .k = k};
	u32 *head = &l->hash[(op * 31 + a * 7 + b * 13 + c * 17 + k * 37) % LANE_HASH];
	u32 known = 0, ka;

	if (!l->values.n)
		vec_push(l->arena, &l->values, (struct lane_value){0});
	if (op > LANE_SELECT)
		known = simpler(l, op, a, b);
	else if (op == LANE_SELECT && a == b)
		known = a;
	else if ((op == LANE_SHL || op == LANE_SHR) && !k)
		known = a;
	else if ((op == LANE_SHL || op == LANE_SHR) && lane_is_const(l, a, &ka))
		known = lane_const(l, op == LANE_SHL ? ka << k : ka >> k);
	if (known)
		return known;
	for (u32 i = *head; i; i = l->values.v[i].next) {
		const struct lane_value *is = &l->values.v[i];

		if (is->op == op && is->a == a && is->b == b && is->c == c && is->k == k)
			return i;
	}
	if (op == LANE_FIELD || op == LANE_ORDER) /* b is not a value */
		v.most = ALL >> (32 - b * 8);
	else
		v.most = find_most(l, &v);
	v.next = *head;
	vec_push(l->arena, &l->values, v);
	*head = l->values.n - 1;
	return *head;
}

u32 lane_const(struct lanes_code *l, u32 k)
{
	return lane_value(l, LANE_CONST, 0, 0, 0, k);
}

u32 lane_bin(struct lanes_code *l, enum lane_op op, u32 a, u32 b)
{
	return lane_value(l, op, a, b, 0, 0);
}

u32 lane_group(struct lanes_code *l, size_t field)
{
	return lane_value(l, LANE_GROUP, 0, 0, 0, (u32)field);
}
