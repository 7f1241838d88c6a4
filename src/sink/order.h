/*
 * order.h: brings what is shown in its order.
 *
 * In:  a number for each thing, and a second one for those whose first is the same. Out: the things
 * from the smallest to the largest. Numbers are sorted by their bytes, so the work grows with how
 * many things there are; what has both numbers the same, and that alone, is compared.
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

/* Two of both numbers the same, by their `at`; <0, 0, >0. */
typedef int order_tie(void *user, u32 a, u32 b);
/* order_tie: NULL: none is needed. spare: room for n. Returns where they stand: v or spare. */
struct order *order_sort(struct order *v, struct order *spare, u32 n, order_tie *, void *user);

#endif
