/*
 * maps.c: what was read from a map becomes its contents as people see them.
 *
 * In:  keys and values as the engine read them, one value for each CPU.
 * Out: entries with one value each, in the order in which they are printed.
 */
#include "sink/order.h"
#include "sink/series.h"
#include "sink/sink.h"
#include "sink/value.h"

#include <errno.h>
#include <stdlib.h>

u64 map_average(const struct object_map *m, const struct map_entry *e)
{
	u64 total = map_entry_u64(e, 0), count = map_entry_u64(e, 1);

	if (!count)
		return 0;
	if (m->value_signed && (s64)count > 0)
		return (u64)((s64)total / (s64)count);
	return total / count;
}

u64 map_divide(const struct map_contents *c, u64 v)
{
	bool sign = c->map->value_signed;

	if (c->map->agg == AGG_NONE)
		sign = c->map->value.n && c->map->value.fields[0].kind == FIELD_INT;
	if (c->div <= 1)
		return v;
	return sign ? (u64)((s64)v / (s64)c->div) : v / c->div;
}

/* ---- merging */

/* How many u64s an aggregation merges; 0: the value is not an aggregation, or makes no sense. */
static u32 agg_words(const struct object_map *m)
{
	switch (m->agg) {
	case AGG_COUNT:
	case AGG_SUM: return 1;
	case AGG_MIN:
	case AGG_MAX:
	case AGG_AVG:
	case AGG_STATS: return 2;
	case AGG_HIST:
	case AGG_LHIST: return map_buckets(m);
	case AGG_QUANTILE: return QUANTILE_WORDS;
	case AGG_TSERIES: return series_words(m->agg_arg);
	default: return 0;
	}
}

static void merge_extreme(const struct object_map *m, u64 *to, const u64 *from, bool smallest)
{
	bool less = m->value_signed ? (s64)from[0] < (s64)to[0] : from[0] < to[0];

	if (from[1] && (!to[1] || (from[0] != to[0] && less == smallest))) {
		to[0] = from[0];
		to[1] = 1;
	}
}

static void merge(const struct object_map *m, u64 *to, const u64 *from, u32 words)
{
	switch (m->agg) {
	case AGG_MIN:
	case AGG_MAX: merge_extreme(m, to, from, m->agg == AGG_MIN); return;
	case AGG_TSERIES: series_merge(m, to, from); return;
	case AGG_QUANTILE:
		merge_extreme(m, to + QUANTILE_MAX, from + QUANTILE_MAX, false);
		merge_extreme(m, to + QUANTILE_MIN, from + QUANTILE_MIN, true);
		words = QUANTILE_BUCKETS;
		break;
	default: break;
	}
	for (u32 i = 0; i < words; i++)
		to[i] += from[i];
}

/* One value of all CPUs'. Values of the engine need not be aligned. */
static const u8 *merge_cpus(struct arena *a, const struct object_map *m, const u8 *values, u32 cpus,
			    size_t stride)
{
	u32 words = agg_words(m);
	u64 *to, *from;

	if (cpus == 1 || !words)
		return values;
	to = arena_array(a, u64, words);
	from = arena_array(a, u64, words);
	for (u32 cpu = 0; cpu < cpus; cpu++) {
		memcpy(from, values + cpu * stride, words * sizeof(u64));
		merge(m, to, from, words);
	}
	return (u8 *)to;
}

/* The value of the first CPU that set it, for values that cannot be merged; NULL: none. */
static const u8 *scalar_set(const struct object_map *m, const u8 *values, u32 cpus, size_t stride)
{
	u64 set;

	for (u32 cpu = 0; cpu < cpus; cpu++) {
		memcpy(&set, values + cpu * stride + m->value_size - sizeof(set), sizeof(set));
		if (set)
			return agg_words(m) ? values : values + cpu * stride;
	}
	return NULL;
}

u32 map_value_size(const struct object_map *m)
{
	u32 words = agg_words(m);

	return words ? words * 8 : m->scalar ? m->value_size - 8 : m->value_size;
}

const u8 *map_value(struct arena *a, const struct object_map *m, const u8 *values, u32 cpus)
{
	size_t stride = ALIGN_UP((size_t)m->value_size, 8);

	if (m->scalar)
		values = scalar_set(m, values, cpus, stride);
	return values ? merge_cpus(a, m, values, cpus, stride) : NULL;
}

/* ---- order */

static bool sorts_signed(const struct object_map *m)
{
	if (m->agg == AGG_NONE)
		return m->value.n == 1 && m->value.fields[0].kind == FIELD_INT;
	return m->value_signed && m->agg != AGG_COUNT && m->agg < AGG_HIST;
}

static u64 sort_value(const struct object_map *m, const struct map_entry *e)
{
	switch (m->agg) {
	case AGG_NONE:
		if (m->value.n == 1 && field_is_int(&m->value.fields[0]))
			return field_load(&m->value.fields[0], e->value);
		return 0;
	case AGG_AVG:
	case AGG_STATS: return map_average(m, e);
	case AGG_HIST:
	case AGG_LHIST: return map_total(m, e);
	case AGG_QUANTILE: return quantile_count(e);
	case AGG_TSERIES: return 0;
	default: return map_entry_u64(e, 0);
	}
}

u64 map_number(struct arena *a, const struct object_map *m, const u8 *values, u32 cpus)
{
	struct map_entry e = {.value = map_value(a, m, values, cpus)};

	return e.value ? sort_value(m, &e) : 0;
}

static int by_key(void *contents, u32 a, u32 b)
{
	const struct map_contents *c = contents;

	return layout_compare(&c->map->key, c->entries[a].key, c->entries[b].key);
}

static bool word_of_key(void *contents, u32 at, struct order_place *place, u64 *out)
{
	const struct map_contents *c = contents;

	return order_word(&c->map->key, c->entries[at].key, place, out);
}

/* The largest `top` ones, the largest last. */
static void sort_entries(struct map_contents *c, struct arena *a)
{
	struct order *v = arena_array(a, struct order, (size_t)c->n * 2);
	const struct order_ties ties = {by_key, word_of_key, c};
	bool sign = sorts_signed(c->map);
	struct map_entry *sorted;
	u32 from = 0;

	for (u32 i = 0; i < c->n; i++) {
		u64 by = sort_value(c->map, &c->entries[i]);

		v[i] = (struct order){sign ? order_signed(by) : by,
				      order_layout(&c->map->key, c->entries[i].key), i};
	}
	v = order_sort(v, v + c->n, c->n, &ties);
	if (c->top && c->n > c->top && c->map->agg != AGG_STATS)
		from = c->n - c->top;
	sorted = arena_array(a, struct map_entry, c->n - from);
	for (u32 i = from; i < c->n; i++)
		sorted[i - from] = c->entries[v[i].at];
	c->entries = sorted;
	c->n -= from;
}

/* ---- all together */

int map_check(const struct object_map *m, u32 n, u32 cpus)
{
	u32 words = agg_words(m);
	u32 size = m->scalar && m->agg == AGG_NONE ? m->value_size - 8 : m->value_size;

	if (!cpus && n)
		return -EINVAL;
	if (m->scalar && m->value_size < 8)
		return -EINVAL;
	if (!m->scalar && layout_check(&m->key, m->key_size))
		return -EINVAL;
	if (m->agg == AGG_NONE)
		return layout_check(&m->value, size);
	return words && words <= m->value_size / 8 ? 0 : -EINVAL;
}

int map_contents_make(struct map_contents *c, struct arena *a, const struct object_map *m,
		      const u8 *keys, const u8 *values, u32 n, u32 cpus, u32 top, u32 div,
		      bool unordered)
{
	size_t stride = ALIGN_UP((size_t)m->value_size, 8);

	*c = (struct map_contents){.map = m, .top = top, .div = div};
	if (map_check(m, n, cpus))
		return -EINVAL;
	c->entries = arena_array(a, struct map_entry, n);
	for (u32 i = 0; i < n; i++) {
		const u8 *v = map_value(a, m, values + i * stride * cpus, cpus);

		if (v)
			c->entries[c->n++] =
				(struct map_entry){keys + (size_t)i * m->key_size, v};
	}
	if ((c->n > 1 || top) && !m->scalar && !unordered)
		sort_entries(c, a);
	return 0;
}
