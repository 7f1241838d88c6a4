/*
 * order.h: brings what is shown in its order.
 *
 * In:  a number for each thing, and a second one for those whose first is the same. Out: the things
 * from the smallest to the largest. Numbers are sorted by their bytes, so the work grows with how
 * many things there are. What has both numbers the same is sorted by further ones (thousands of
 * stacks begin alike), and compared where there are none.
 */
#ifndef SINK_ORDER_H
#define SINK_ORDER_H

#include "object/object.h"

struct order {
	u64 by, then;
	u32 at; /* whose it is */
};

/* Unsigned order of signed numbers. */
static inline u64 order_signed(u64 v)
{
	return v ^ 1ull << 63;
}
/* A number that goes with the order of layout_compare(): never larger for what is smaller there. */
u64 order_layout(const struct layout *, const u8 *data);

/* One of the numbers by which layout_compare() compares, one after the other; the next one is at
 * word + 1. */
struct order_place {
	u32 field, word;
};
/* The number there. A place behind the words of its field becomes that of the next field, so keys
 * of many fields are gone through once. false: there is none, what is left has to be compared. */
bool order_word(const struct layout *, const u8 *data, struct order_place *, u64 *out);

/* What decides between those of both numbers the same, by their `at`. */
struct order_ties {
	int (*compare)(void *user, u32 a, u32 b); /* <0, 0, >0 */
	/* order_word(); may be NULL */
	bool (*word)(void *user, u32 at, struct order_place *, u64 *out);
	void *user;
};
/* ties NULL: nothing does. spare: room for n. Returns where they stand: v or spare. */
struct order *order_sort(struct order *v, struct order *spare, u32 n,
			 const struct order_ties *ties);

#endif
