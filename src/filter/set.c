/*
 * set.c: sets of 32-bit numbers as sorted spans.
 *
 * All results are new, in the arena; spans that touch are one.
 */
#include "filter/inside.h"

struct set set_span(struct arena *arena, u32 lo, u32 hi)
{
	struct set s = {arena_array(arena, struct span, 1), lo <= hi};

	s.v[0] = (struct span){lo, hi, 0, false};
	return s;
}

struct set set_one(struct arena *arena, u32 k)
{
	return set_span(arena, k, k);
}

/* Appends a span that begins not before the last one. */
static void append(struct set *s, struct span add)
{
	struct span *last = s->n ? &s->v[s->n - 1] : NULL;

	if (last && (last->hi == UINT32_MAX || add.lo <= last->hi + 1)) {
		last->down = last->lo == last->hi && add.lo == add.hi && add.rank < last->rank;
		last->hi = MAX(last->hi, add.hi);
		last->rank = MIN(last->rank, add.rank);
	} else {
		s->v[s->n++] = add;
	}
}

struct set set_or(struct arena *arena, struct set a, struct set b)
{
	struct set s = {arena_array(arena, struct span, a.n + b.n), 0};
	u32 behind = 0;

	for (u32 i = 0; i < a.n; i++)
		behind = MAX(behind, a.v[i].rank + 1);
	for (u32 i = 0, j = 0; i < a.n || j < b.n;) {
		if (j == b.n || (i < a.n && a.v[i].lo <= b.v[j].lo)) {
			append(&s, a.v[i++]);
		} else {
			struct span add = b.v[j++];

			add.rank += behind;
			append(&s, add);
		}
	}
	return s;
}

struct set set_and(struct arena *arena, struct set a, struct set b)
{
	struct set s = {arena_array(arena, struct span, a.n + b.n), 0};

	for (u32 i = 0, j = 0; i < a.n && j < b.n;) {
		u32 lo = MAX(a.v[i].lo, b.v[j].lo), hi = MIN(a.v[i].hi, b.v[j].hi);

		if (lo <= hi)
			append(&s, (struct span){lo, hi, a.v[i].rank, a.v[i].down});
		if (a.v[i].hi < b.v[j].hi)
			i++;
		else
			j++;
	}
	return s;
}

struct set set_copy(struct arena *arena, struct set a)
{
	struct set s = {arena_array(arena, struct span, a.n), a.n};

	if (a.n)
		memcpy(s.v, a.v, a.n * sizeof(*a.v));
	return s;
}

struct set set_not(struct arena *arena, struct set a, u32 most)
{
	return set_not_in(arena_array(arena, struct span, a.n + 1), a, most);
}

struct set set_not_in(struct span *room, struct set a, u32 most)
{
	struct set s = {room, 0};
	u32 from = 0;

	for (u32 i = 0; i < a.n && a.v[i].lo <= most; i++) {
		if (a.v[i].lo > from)
			s.v[s.n] = (struct span){from, a.v[i].lo - 1, s.n, false}, s.n++;
		if (a.v[i].hi >= most)
			return s;
		from = a.v[i].hi + 1;
	}
	s.v[s.n] = (struct span){from, most, s.n, false};
	s.n++;
	return s;
}

bool set_has(struct set s, u32 k)
{
	u32 lo = 0, hi = s.n;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (s.v[mid].hi < k)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s.n && s.v[lo].lo <= k;
}

bool set_same(struct set a, struct set b)
{
	if (a.n != b.n)
		return false;
	for (u32 i = 0; i < a.n; i++)
		if (a.v[i].lo != b.v[i].lo || a.v[i].hi != b.v[i].hi)
			return false;
	return true;
}

bool set_within(struct set a, struct set b)
{
	for (u32 i = 0, j = 0; i < a.n; i++) {
		while (j < b.n && b.v[j].hi < a.v[i].lo)
			j++;
		if (j == b.n || b.v[j].lo > a.v[i].lo || b.v[j].hi < a.v[i].hi)
			return false;
	}
	return true;
}

bool set_disjoint(struct set a, struct set b)
{
	for (u32 i = 0, j = 0; i < a.n && j < b.n;) {
		if (a.v[i].hi < b.v[j].lo)
			i++;
		else if (b.v[j].hi < a.v[i].lo)
			j++;
		else
			return false;
	}
	return true;
}
