/*
 * numbers.c: a filter that asks whether a word of its data is one of many numbers.
 *
 * In:  numbers. Out: instructions, by the way of every filter: a set, a test, a row or a tree of
 * comparisons.
 */
#include "filter/inside.h"

int filter_numbers(struct filter *f, struct arena *arena, u32 off, const u32 *numbers, u32 n,
		   struct diag *d)
{
	struct set all = {0};

	*f = (struct filter){.arena = arena, .snaplen = 1, .values = values_new(arena)};
	for (u32 i = 0; i < n; i++)
		all = set_or(arena, all, set_one(arena, numbers[i]));
	f->tree = n ? tree_test(f->values, val_load(f->values, 4, 0, off), all)
		    : tree_const(f->values, false);
	f->plain = f->best = graph_build(f->values, f->tree);
	return graph_emit(f->best, f->snaplen, f, d);
}
