/*
 * series.c: what quantile() and tseries() kept, as numbers and as text.
 *
 * In:  the merged value of a map's entry, as object/series.h tells. Out: the quantiles; a picture
 * in which time goes down and values go right.
 */
#include "sink/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- quantiles */

const struct quantile quantiles[QUANTILES] = {
	{"p50", 500}, {"p90", 900}, {"p99", 990}, {"p99.9", 999}};

u64 quantile_count(const struct map_entry *e)
{
	u64 n = 0;

	for (u32 i = 0; i < QUANTILE_BUCKETS; i++)
		n += map_entry_u64(e, i);
	return n;
}

u64 quantile_max(const struct map_entry *e)
{
	return map_entry_u64(e, QUANTILE_MAX);
}

static u64 within(const struct object_map *m, const struct map_entry *e, u64 v)
{
	u64 most = quantile_max(e), least = map_entry_u64(e, QUANTILE_MIN);

	if (m->value_signed)
		return (s64)v > (s64)most ? most : (s64)v < (s64)least ? least : v;
	return v > most ? most : v < least ? least : v;
}

/* The value at the place ceil(count * p) in order: the middle of its bucket, but no less than the
 * smallest and no more than the largest that there were. */
u64 quantile_at(const struct object_map *m, const struct map_entry *e, u32 per_mille)
{
	u64 count = quantile_count(e), lo, hi, rank, seen = 0;
	u32 i = 0;

	rank = count / 1000 * per_mille + (count % 1000 * per_mille + 999) / 1000;
	rank = MAX(rank, (u64)1);
	if (rank >= count) /* the last one is known */
		return quantile_max(e);
	for (; i < QUANTILE_BUCKETS; i++) {
		seen += map_entry_u64(e, i);
		if (seen >= rank)
			break;
	}
	if (!i) /* of what is below zero nobody knows more */
		return map_entry_u64(e, QUANTILE_MIN);
	hist_bucket_range(MIN(i, (u32)QUANTILE_BUCKETS - 1), QUANTILE_BITS, &lo, &hi);
	return within(m, e, lo + (hi - lo) / 2);
}

/* ---- time series */

static const u64 *slot_at(const u64 *words, u32 i)
{
	return words + (size_t)i * SLOT_WORDS;
}

/* Of one interval on two CPUs. */
static void merge_slot(const struct object_map *m, u64 *to, const u64 *from)
{
	bool less = m->value_signed ? (s64)from[SLOT_VALUE] < (s64)to[SLOT_VALUE]
				    : from[SLOT_VALUE] < to[SLOT_VALUE];

	switch (m->agg_arg[2]) {
	case SERIES_LAST:
		if (from[SLOT_MORE] > to[SLOT_MORE])
			memcpy(to, from, SLOT_WORDS * sizeof(*to));
		return;
	case SERIES_MAX:
	case SERIES_MIN:
		if (less == (m->agg_arg[2] == SERIES_MIN))
			to[SLOT_VALUE] = from[SLOT_VALUE];
		break;
	default: to[SLOT_VALUE] += from[SLOT_VALUE];
	}
	to[SLOT_MORE] += from[SLOT_MORE];
}

void series_merge(const struct object_map *m, u64 *to, const u64 *from)
{
	for (u32 i = 0; i < (u32)m->agg_arg[1]; i++, to += SLOT_WORDS, from += SLOT_WORDS) {
		if (!from[SLOT_MORE] || (to[SLOT_MORE] && to[SLOT_INTERVAL] > from[SLOT_INTERVAL]))
			continue;
		if (!to[SLOT_MORE] || to[SLOT_INTERVAL] < from[SLOT_INTERVAL])
			memcpy(to, from, SLOT_WORDS * sizeof(*to));
		else
			merge_slot(m, to, from);
	}
}

static int by_interval(const void *a, const void *b)
{
	u64 x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* Those that are no older than `count` intervals before the newest, in order. */
static u32 slots_in_order(const struct object_map *m, const u8 *value, u64 *out)
{
	u32 n = 0, count = (u32)m->agg_arg[1], first = 0;
	u64 newest;

	for (u32 i = 0; i < count; i++) {
		memcpy(out + (size_t)n * SLOT_WORDS, value + (size_t)i * SLOT_WORDS * 8,
		       SLOT_WORDS * 8);
		n += out[(size_t)n * SLOT_WORDS + SLOT_MORE] != 0;
	}
	if (!n)
		return 0;
	qsort(out, n, SLOT_WORDS * sizeof(*out), by_interval);
	newest = slot_at(out, n - 1)[SLOT_INTERVAL];
	while (newest - slot_at(out, first)[SLOT_INTERVAL] >= count)
		first++;
	memmove(out, slot_at(out, first), (size_t)(n - first) * SLOT_WORDS * sizeof(*out));
	return n - first;
}

static s64 slot_value(const struct map_contents *c, const u64 *slot)
{
	u64 v = slot[SLOT_VALUE];

	if (c->map->agg_arg[2] == SERIES_AVG && slot[SLOT_MORE])
		v = c->map->value_signed ? (u64)((s64)v / (s64)slot[SLOT_MORE])
					 : v / slot[SLOT_MORE];
	return (s64)map_divide(c, v);
}

struct series *series_make(const struct map_contents *c, const struct map_entry *e)
{
	const struct object_map *m = c->map;
	u32 count = (u32)m->agg_arg[1], n;
	struct series *s = calloc(1, sizeof(*s) + count * sizeof(s->rows[0]));
	u64 *slots = malloc((size_t)count * SLOT_WORDS * 8), first, last;

	if (s && slots) {
		n = slots_in_order(m, e->value, slots);
		first = n ? slots[SLOT_INTERVAL] : 1;
		last = n ? slot_at(slots, n - 1)[SLOT_INTERVAL] : 0;
		for (u64 i = first, at = 0; i <= last; i++) {
			struct series_row *r = &s->rows[s->n++];

			r->ns = (s64)(i * (u64)m->agg_arg[0]);
			r->known = slot_at(slots, (u32)at)[SLOT_INTERVAL] == i;
			if (r->known)
				r->value = slot_value(c, slot_at(slots, (u32)at++));
		}
	}
	free(slots);
	return s;
}

/* ---- the picture */

#define WIDTH 52 /* columns between the two edges, which count as values, too */

struct scale {
	s64 least, most;
	bool sign;
};

static int compare(const struct scale *s, s64 a, s64 b)
{
	if (s->sign)
		return a < b ? -1 : a > b;
	return (u64)a < (u64)b ? -1 : (u64)a > (u64)b;
}

static u32 column(const struct scale *s, s64 v)
{
	u64 range = (u64)s->most - (u64)s->least, at = (u64)v - (u64)s->least;

	return range ? (u32)((unsigned __int128)at * WIDTH / range) : 0;
}

static u32 number(const struct scale *s, s64 v, char *out, size_t size)
{
	return (u32)snprintf(out, size, s->sign ? "%lld" : "%llu", (long long)v);
}

/* hh:mm:ss and as many digits as the interval needs. */
static u32 digits_of(s64 interval)
{
	return interval % 1000000 == 0 ? 3 : interval % 1000 == 0 ? 6 : 9;
}

static void put_clock(struct buf *b, s64 ns, u32 digits)
{
	static const s64 units[] = {[3] = 1000000, [6] = 1000, [9] = 1};
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm = {0};

	localtime_r(&seconds, &tm);
	buf_printf(b, "%02d:%02d:%02d.%0*lld", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)digits,
		   (long long)(ns % 1000000000 / units[digits]));
}

static void put_blanks(struct buf *b, u32 n)
{
	while (n--)
		buf_char(b, ' ');
}

static void put_labels(struct buf *b, const struct scale *s, u32 left)
{
	char text[24];
	u32 n = number(s, s->least, text, sizeof(text));

	put_blanks(b, left);
	buf_puts(b, text);
	put_blanks(b, n < WIDTH ? WIDTH - n : 1);
	number(s, s->most, text, sizeof(text));
	buf_puts(b, text);
	buf_char(b, '\n');
}

static void put_edge(struct buf *b, char edge)
{
	buf_char(b, edge);
	for (u32 i = 1; i < WIDTH; i++)
		buf_char(b, '_');
	buf_char(b, edge);
	buf_char(b, '\n');
}

static void put_row(struct buf *b, const struct scale *s, const struct series_row *r)
{
	char line[WIDTH + 2], text[24] = "-";

	memset(line, ' ', sizeof(line));
	line[0] = line[WIDTH] = '|';
	line[WIDTH + 1] = 0;
	if (s->sign && s->least < 0 && s->most > 0)
		line[column(s, 0)] = '.';
	if (r->known) {
		line[column(s, r->value)] = '*';
		number(s, r->value, text, sizeof(text));
	}
	buf_printf(b, "%s %s\n", line, text);
}

void series_text(struct buf *b, const struct map_contents *c, const struct series *all)
{
	static const char *const heads[] = {
		[3] = "hh:mm:ss.ms", [6] = "hh:mm:ss.us", [9] = "hh:mm:ss.ns"};
	u32 digits = digits_of(c->map->agg_arg[0]), left = 10 + digits;
	struct scale s = {.sign = c->map->value_signed};

	s.least = s.most = all->n ? all->rows[0].value : 0; /* the first one is known */
	for (u32 i = 0; i < all->n; i++) {
		if (!all->rows[i].known)
			continue;
		if (compare(&s, all->rows[i].value, s.least) < 0)
			s.least = all->rows[i].value;
		if (compare(&s, all->rows[i].value, s.most) > 0)
			s.most = all->rows[i].value;
	}
	put_labels(b, &s, left);
	buf_printf(b, "%-*s", (int)left, heads[digits]);
	put_edge(b, '|');
	for (u32 i = 0; i < all->n; i++) {
		put_clock(b, all->rows[i].ns, digits);
		buf_char(b, ' ');
		put_row(b, &s, &all->rows[i]);
	}
	put_blanks(b, left);
	put_edge(b, 'v');
	put_labels(b, &s, left);
}
