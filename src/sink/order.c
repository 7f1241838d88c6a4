/* order.c: sorts by bytes, the least first; see order.h. */
#include "sink/order.h"

#include "sink/value.h"

#include <stdlib.h>

#define DIGITS 256

/* ---- numbers of keys */

static u64 order_bytes(const u8 *p, u32 n, bool text)
{
	u64 v = 0;

	for (u32 i = 0; i < 8; i++) {
		v = v << 8 | (i < n ? p[i] : 0);
		if (text && i < n && !p[i])
			n = 0; /* what stands behind the end does not count */
	}
	return v;
}

u64 order_layout(const struct layout *l, const u8 *data)
{
	const struct field *f = l->n ? l->fields : NULL;

	if (!f)
		return 0;
	switch (f->kind) {
	case FIELD_UINT: return field_load(f, data);
	case FIELD_INT:
	case FIELD_DECIMAL: return order_signed(field_load(f, data));
	case FIELD_STR: return order_bytes(data + f->off, f->size, true);
	case FIELD_BYTES: return order_bytes(data + f->off, f->size, false);
	case FIELD_TUPLE:
	case FIELD_STRUCT: return order_layout(f->sub, data + f->off);
	default: return 0;
	}
}

/* ---- sorting */

static u8 digit(const struct order *o, u32 i)
{
	return (u8)(i < 8 ? o->then >> i * 8 : o->by >> (i - 8) * 8);
}

/* One byte; false: it is the same everywhere, and nothing was moved. */
static bool pass(const struct order *v, struct order *to, u32 n, u32 i)
{
	u32 place[DIGITS] = {0}, sum = 0, count;

	for (u32 k = 0; k < n; k++)
		place[digit(&v[k], i)]++;
	if (place[digit(v, i)] == n)
		return false;
	for (u32 d = 0; d < DIGITS; d++) {
		count = place[d];
		place[d] = sum;
		sum += count;
	}
	for (u32 k = 0; k < n; k++)
		to[place[digit(&v[k], i)]++] = v[k];
	return true;
}

struct tie {
	order_tie *compare;
	void *user;
};

static int by_tie(const void *a, const void *b, void *tie)
{
	const struct order *x = a, *y = b;
	const struct tie *t = tie;

	return t->compare(t->user, x->at, y->at);
}

struct order *order_sort(struct order *v, struct order *spare, u32 n, order_tie *compare,
			 void *user)
{
	struct tie tie = {compare, user};
	struct order *swap;
	u32 end;

	for (u32 i = 0; i < 16 && n > 1; i++) {
		if (!pass(v, spare, n, i))
			continue;
		swap = v;
		v = spare;
		spare = swap;
	}
	for (u32 i = 0; i < n; i = end) {
		for (end = i + 1; end < n && v[end].by == v[i].by && v[end].then == v[i].then;)
			end++;
		if (end - i > 1 && compare)
			qsort_r(v + i, end - i, sizeof(*v), by_tie, &tie);
	}
	return v;
}
