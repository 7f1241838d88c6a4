/*
 * put.h: numbers and strings written to memory: the inner loops of the sinks.
 *
 * Each function writes at p, where the caller has reserved enough room, and returns the end of
 * what it wrote. Nothing is NUL-terminated.
 */
#ifndef SINK_PUT_H
#define SINK_PUT_H

#include "base/base.h"

#define PUT_U64_MOST 20 /* bytes of the longest decimal number, with its sign */

extern const char put_pairs[201]; /* "000102...99" */

static inline u32 put_digits(u64 v)
{
	static const u64 powers[20] = {0,
				       10ull,
				       100ull,
				       1000ull,
				       10000ull,
				       100000ull,
				       1000000ull,
				       10000000ull,
				       100000000ull,
				       1000000000ull,
				       10000000000ull,
				       100000000000ull,
				       1000000000000ull,
				       10000000000000ull,
				       100000000000000ull,
				       1000000000000000ull,
				       10000000000000000ull,
				       100000000000000000ull,
				       1000000000000000000ull,
				       10000000000000000000ull};
	u32 t = (64 - (u32)__builtin_clzll(v | 1)) * 1233 >> 12; /* log10(2) = 1233 / 4096 */

	return t + (v >= powers[t]);
}

static inline char *put_u64(char *p, u64 v)
{
	u32 n = put_digits(v), i = n;

	while (v >= 100) {
		i -= 2;
		memcpy(p + i, put_pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10)
		memcpy(p, put_pairs + v * 2, 2);
	else
		p[0] = (char)('0' + v);
	return p + n;
}

static inline char *put_s64(char *p, s64 v)
{
	if (v >= 0)
		return put_u64(p, (u64)v);
	*p++ = '-';
	return put_u64(p, -(u64)v);
}

static inline char *put_fill(char *p, char c, size_t n)
{
	memset(p, c, n);
	return p + n;
}

static inline char *put_copy(char *p, const void *s, size_t n)
{
	memcpy(p, s, n);
	return p + n;
}

/* Bytes of a word that are zero, or below n (1..128), or above 127: each has its high bit set in
 * the result. Bytes after the first hit may be reported wrongly, the first never. */
#define PUT_ONES        0x0101010101010101ull
#define PUT_HIGHS       0x8080808080808080ull
#define put_zeros(w)    (((w)-PUT_ONES) & ~(w)&PUT_HIGHS)
#define put_below(w, n) (((w)-PUT_ONES * (n)) & ~(w)&PUT_HIGHS)
#define put_equal(w, c) put_zeros((w) ^ (PUT_ONES * (c)))

/* Bytes up to the first NUL, at most n. Writes up to n bytes, all within [p, p + n). */
static inline char *put_str(char *p, const u8 *s, size_t n)
{
	u64 w;

	for (; n >= 8; n -= 8, s += 8, p += 8) {
		memcpy(&w, s, 8);
		memcpy(p, &w, 8);
		w = put_zeros(w);
		if (w)
			return p + (__builtin_ctzll(w) >> 3);
	}
	for (; n && *s; n--)
		*p++ = (char)*s++;
	return p;
}

/* A cell of a table: as put_str(), but control characters, which could break lines or talk to the
 * terminal, become '?'. *columns: how many columns it takes (UTF-8 sequences count once). */
char *put_cell(char *p, const u8 *s, size_t n, u32 *columns);

/* As the language's %r (style 0: what is not printable as \xNN), %rx (1: all as \xNN) and %rh (2:
 * "61 62"). At most 4 bytes for each. */
char *put_raw(char *p, const u8 *s, size_t n, int style);

/* The inside of a JSON string: escaped, and what is not UTF-8 replaced by U+FFFD. At most
 * 6 bytes for each. Stops at NUL if `text`. */
char *put_json(char *p, const u8 *s, size_t n, bool text);

#endif
