/* order.c: sorts by bytes, the least first; see order.h. */
#include "sink/order.h"

#include "sink/value.h"

#include <stdlib.h>

#define DIGITS 256
#define FEW    64 /* that are sorted without counting bytes */
#define FEWEST 3  /* that are compared */

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

static u64 order_field(const struct field *f, const u8 *data)
{
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

u64 order_layout(const struct layout *l, const u8 *data)
{
	return l->n ? order_field(l->fields, data) : 0;
}

bool order_word(const struct layout *l, const u8 *data, struct order_place *at, u64 *out)
{
	for (; at->field < l->n; at->field++, at->word = 0) {
		const struct field *f = &l->fields[at->field];
		bool stack = f->kind == FIELD_KSTACK || f->kind == FIELD_USTACK;
		u32 words = stack ? f->size / 8 : field_is_int(f);

		if (!words)
			return false;
		if (at->word >= words)
			continue;
		if (stack)
			memcpy(out, data + f->off + (size_t)at->word * 8, sizeof(*out));
		else
			*out = order_field(f, data);
		return true;
	}
	return false;
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

/* By so many bytes, the last one first; returns where they stand. */
static struct order *passes(struct order *v, struct order *spare, u32 n, u32 bytes)
{
	struct order *swap;

	for (u32 i = 0; i < bytes && n > 1; i++) {
		if (!pass(v, spare, n, i))
			continue;
		swap = v;
		v = spare;
		spare = swap;
	}
	return v;
}

static int by_tie(const void *a, const void *b, void *user)
{
	const struct order *x = a, *y = b;
	const struct order_ties *t = user;

	return t->compare(t->user, x->at, y->at);
}

/* By `then`. Few are quicker put in one by one. */
static void by_then(struct order *v, struct order *spare, u32 n)
{
	struct order *sorted, one;

	if (n > FEW) {
		sorted = passes(v, spare, n, 8);
		if (sorted != v)
			memcpy(v, sorted, n * sizeof(*v));
		return;
	}
	for (u32 i = 1, k; i < n; i++) {
		one = v[i];
		for (k = i; k && v[k - 1].then > one.then; k--)
			v[k] = v[k - 1];
		v[k] = one;
	}
}

/* The next number in which they differ, in `then` of each; false: there is none. */
static bool next_word(struct order *v, u32 n, const struct order_ties *t, struct order_place *place)
{
	bool same = true;

	for (; same; place->word++) {
		for (u32 k = 0; k < n; k++) {
			if (!t->word(t->user, v[k].at, place, &v[k].then))
				return false;
			same &= v[k].then == v->then;
		}
	}
	return true;
}

static void sort_ties(struct order *v, struct order *spare, u32 n, const struct order_ties *t,
		      struct order_place place);

/* Those that are the same so far, each group by itself. */
static void sort_groups(struct order *v, struct order *spare, u32 n, const struct order_ties *t,
			struct order_place place)
{
	u32 end;

	for (u32 i = 0; i < n; i = end) {
		for (end = i + 1; end < n && v[end].by == v[i].by && v[end].then == v[i].then;)
			end++;
		if (end - i > 1)
			sort_ties(v + i, spare, end - i, t, place);
	}
}

/* Number by number from there on; what has no more of them is compared. */
static void sort_ties(struct order *v, struct order *spare, u32 n, const struct order_ties *t,
		      struct order_place place)
{
	if (!t->word || n <= FEWEST || !next_word(v, n, t, &place)) {
		qsort_r(v, n, sizeof(*v), by_tie, (void *)t);
		return;
	}
	by_then(v, spare, n);
	sort_groups(v, spare, n, t, place);
}

struct order *order_sort(struct order *v, struct order *spare, u32 n, const struct order_ties *t)
{
	struct order *sorted = passes(v, spare, n, 16);

	if (t)
		sort_groups(sorted, sorted == v ? spare : v, n, t, (struct order_place){0});
	return sorted;
}
