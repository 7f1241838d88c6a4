/* buckets.c: the rows of a histogram: which are shown, from where to where; see sink.h. */
#include "object/hist.h"
#include "sink/sink.h"

u32 map_buckets(const struct object_map *m)
{
	if (m->agg == AGG_LHIST)
		return lhist_buckets(m->agg_arg[0], m->agg_arg[1], m->agg_arg[2]);
	if (m->agg_arg[0] < 0 || m->agg_arg[0] > HIST_BITS_MOST)
		return 0;
	return hist_buckets((u32)m->agg_arg[0]);
}

u64 map_total(const struct object_map *m, const struct map_entry *e)
{
	u64 total = 0;

	for (u32 i = 0, n = map_buckets(m); i < n; i++)
		total += map_entry_u64(e, i);
	return total;
}

struct buckets buckets_shown(const struct object_map *m, const struct map_entry *e)
{
	struct buckets b = {0};

	for (u32 i = 0, n = map_buckets(m); i < n; i++) {
		u64 count = map_entry_u64(e, i);

		if (!count)
			continue;
		if (!b.n)
			b.first = i;
		b.n = i - b.first + 1;
		b.most = MAX(b.most, count);
	}
	return b;
}

struct bucket bucket_get(const struct object_map *m, const struct map_entry *e, u32 i)
{
	struct bucket b = {.count = map_entry_u64(e, i), .no_lo = !i};
	s64 min = m->agg_arg[0], max = m->agg_arg[1], step = m->agg_arg[2];
	u64 lo, hi;

	if (m->agg == AGG_LHIST) {
		b.no_hi = i == map_buckets(m) - 1;
		b.lo = b.no_hi ? max : (s64)((u64)min + (u64)step * (i - 1));
		b.hi = i ? (s64)((u64)b.lo + (u64)step - 1) : min - 1;
	} else if (!i) {
		b.hi = -1;
	} else {
		hist_bucket_range(i, (u32)m->agg_arg[0], &lo, &hi);
		b.lo = (s64)lo;
		b.hi = (s64)hi;
	}
	return b;
}
