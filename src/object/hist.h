/*
 * hist.h: how histograms number their buckets: one place for the programs that count and the
 * sinks that print.
 *
 * hist(n, bits), 0 <= bits <= 5: each power of two is split into 2^bits equal buckets (bits = 0:
 * plain powers of two). The index of n, as the front end computes it in BPF:
 *
 *	n < 0 (signed n only)  0
 *	0 <= n < 2^bits        1 + n
 *	else, l = floor(log2(n)):
 *	                       1 + ((l - bits + 1) << bits) + ((n >> (l - bits)) & (2^bits - 1))
 *
 * With bits = 0: 0 negative, 1 zero, 2 + l for [2^l, 2^(l+1)); 66 buckets.
 *
 * lhist(n, min, max, step): 0 below min; 1 + (n - min) / step, at most the last; the last (number
 * of buckets - 1) from max on. There are (max - min) / step + 2 buckets.
 */
#ifndef OBJECT_HIST_H
#define OBJECT_HIST_H

#include "base/base.h"

#define HIST_BITS_MOST     5
#define LHIST_BUCKETS_MOST 1002 /* 1000 and the two open ones, as the language allows */

static inline u32 hist_buckets(u32 bits)
{
	return 1 + ((65 - bits) << bits);
}

/* The bucket of a value; negative: n is signed and below zero. */
static inline u32 hist_bucket(u64 n, bool negative, u32 bits)
{
	u32 l;

	if (negative)
		return 0;
	if (n < 1ull << bits)
		return 1 + (u32)n;
	l = 63 - (u32)__builtin_clzll(n);
	return 1 + ((l - bits + 1) << bits) + ((u32)(n >> (l - bits)) & ((1u << bits) - 1));
}

/* The first and the last value of a bucket (both belong to it); not for bucket 0. */
static inline void hist_bucket_range(u32 index, u32 bits, u64 *lo, u64 *hi)
{
	u32 at = index - 1, row = at >> bits, shift = row ? row - 1 : 0;

	if (!row) {
		*lo = *hi = at;
		return;
	}
	*lo = ((1ull << bits) | (at & ((1u << bits) - 1))) << shift;
	*hi = *lo + ((1ull << shift) - 1);
}

/* 0: the arguments make no sense, or too many buckets */
static inline u32 lhist_buckets(s64 min, s64 max, s64 step)
{
	u64 n;

	if (step <= 0 || max <= min)
		return 0;
	n = ((u64)max - (u64)min) / (u64)step;
	return n <= LHIST_BUCKETS_MOST - 2 ? (u32)n + 2 : 0;
}

static inline u32 lhist_bucket(s64 n, s64 min, s64 max, s64 step)
{
	if (n < min)
		return 0;
	if (n >= max)
		return lhist_buckets(min, max, step) - 1;
	return 1 + (u32)(((u64)n - (u64)min) / (u64)step);
}

#endif
