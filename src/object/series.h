/*
 * series.h: values of quantile() and tseries(): one place for the programs that count and the sinks
 * that print.
 *
 * quantile(n): the buckets of hist(n, QUANTILE_BITS), then { value, is_set } of the largest n, the same
 * of the smallest. A bucket is 1/32 of a power of two, so its middle is at most 1/64 away from
 * what is in there: 1.6 %.
 *
 * tseries(n, ns, count, of): `count` slots of three words, { interval, value, more }. An interval has
 * the number time / ns, by CLOCK_REALTIME as it was when tracing began, and is kept in the slot of
 * that number modulo count; `more` is 0 in a slot that was never used. By what is kept:
 *
 *	last           the value seen last, the time when it was
 *	avg            the sum, how many there were
 *	max, min, sum  what they say, how many there were
 */
#ifndef OBJECT_SERIES_H
#define OBJECT_SERIES_H

#include "object/hist.h"

#define QUANTILE_BITS	 5
#define QUANTILE_BUCKETS (1 + ((65 - QUANTILE_BITS) << QUANTILE_BITS))
enum { QUANTILE_MAX = QUANTILE_BUCKETS, QUANTILE_MIN = QUANTILE_MAX + 2,
       QUANTILE_WORDS = QUANTILE_MIN + 2 };

enum series_of { SERIES_LAST, SERIES_AVG, SERIES_MAX, SERIES_MIN, SERIES_SUM, SERIES_KINDS };
#define SERIES_SLOTS_MOST 1000 /* 24 bytes each: a CPU's value has at most 32 KiB */
enum { SLOT_INTERVAL, SLOT_VALUE, SLOT_MORE, SLOT_WORDS };

/* agg_arg of a map: ns, count, of. 0: they make no sense. */
static inline u32 series_words(const s64 *arg)
{
	return arg[0] > 0 && arg[1] > 0 && arg[1] <= SERIES_SLOTS_MOST && arg[2] >= 0 &&
			       arg[2] < SERIES_KINDS
		       ? (u32)arg[1] * SLOT_WORDS
		       : 0;
}

#endif
