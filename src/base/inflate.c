/*
 * inflate.c: DEFLATE, read bit by bit; see inflate.h.
 *
 * Codes are decoded by counting how many there are of each length (canonical Huffman codes are in
 * order): slow beside tables, and small. The few hundred kilobytes that we read take milliseconds.
 */
#include "base/inflate.h"

#include <errno.h>

#define BITS_MOST 15
#define LITERALS  288
#define DISTANCES 32

struct code {
	u16 count[BITS_MOST + 1]; /* codes of each length */
	u16 symbol[LITERALS];     /* in the order of the codes */
};
struct inflate {
	const u8 *p, *end;
	u32 bits, nbits;
	struct buf *out;
	size_t start, most;
	struct code literals, distances;
	bool broken; /* the input ended, or cannot be */
};

static u32 take(struct inflate *z, u32 n)
{
	u32 v;

	while (z->nbits < n) {
		if (z->p == z->end) {
			z->broken = true;
			return 0;
		}
		z->bits |= (u32)*z->p++ << z->nbits;
		z->nbits += 8;
	}
	v = z->bits & ((1u << n) - 1);
	z->bits >>= n;
	z->nbits -= n;
	return v;
}

/* False: more codes than there can be. */
static bool make_code(struct code *c, const u8 *lengths, u32 n)
{
	u16 at[BITS_MOST + 1];
	s32 left = 1;

	memset(c->count, 0, sizeof(c->count));
	for (u32 i = 0; i < n; i++)
		c->count[lengths[i]]++;
	c->count[0] = 0;
	at[1] = 0;
	for (u32 len = 1; len <= BITS_MOST; len++) {
		left = left * 2 - c->count[len];
		if (left < 0)
			return false;
		if (len < BITS_MOST)
			at[len + 1] = (u16)(at[len] + c->count[len]);
	}
	for (u32 i = 0; i < n; i++)
		if (lengths[i])
			c->symbol[at[lengths[i]]++] = (u16)i;
	return true;
}

static u32 decode(struct inflate *z, const struct code *c)
{
	s32 code = 0, first = 0, index = 0;

	for (u32 len = 1; len <= BITS_MOST && !z->broken; len++) {
		code |= (s32)take(z, 1);
		if (code - first < c->count[len])
			return c->symbol[index + code - first];
		index += c->count[len];
		first = (first + c->count[len]) * 2;
		code *= 2;
	}
	z->broken = true;
	return 0;
}

static void put(struct inflate *z, u8 byte)
{
	buf_char(z->out, (char)byte);
	if (z->out->failed || z->out->n - z->start > z->most)
		z->broken = true;
}

/* Bytes that came before, by length and distance. */
static void repeat(struct inflate *z, u32 symbol)
{
	static const u16 lengths[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
				      15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
				      67, 83, 99, 115, 131, 163, 195, 227, 258};
	static const u8 more[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
				  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
	u32 length, distance, d;

	symbol -= 257;
	if (symbol >= ARRAY_SIZE(lengths)) {
		z->broken = true;
		return;
	}
	length = lengths[symbol] + take(z, more[symbol]);
	d = decode(z, &z->distances);
	if (d >= 30) {
		z->broken = true;
		return;
	}
	distance = d < 4 ? d + 1 : ((2 + (d & 1)) << (d / 2 - 1)) + take(z, d / 2 - 1) + 1;
	if (distance > z->out->n - z->start)
		z->broken = true;
	while (length-- && !z->broken)
		put(z, (u8)z->out->p[z->out->n - distance]);
}

static void stored(struct inflate *z)
{
	u32 n, check;

	z->bits = z->nbits = 0;
	n = take(z, 16);
	check = take(z, 16);
	if ((n ^ check) != 0xffff)
		z->broken = true;
	while (n-- && !z->broken)
		put(z, (u8)take(z, 8));
}

static void fixed_codes(struct inflate *z)
{
	u8 lengths[LITERALS];

	for (u32 i = 0; i < LITERALS; i++)
		lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	make_code(&z->literals, lengths, LITERALS);
	memset(lengths, 5, 30);
	make_code(&z->distances, lengths, 30);
}

static void own_codes(struct inflate *z)
{
	static const u8 order[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
				   11, 4,  12, 3, 13, 2, 14, 1, 15};
	u32 nliterals = take(z, 5) + 257, ndistances = take(z, 5) + 1, ncodes = take(z, 4) + 4;
	u8 lengths[LITERALS + DISTANCES] = {0};

	if (nliterals > 286 || ndistances > 30)
		z->broken = true;
	for (u32 i = 0; i < ncodes; i++)
		lengths[order[i]] = (u8)take(z, 3);
	if (z->broken || !make_code(&z->literals, lengths, 19)) {
		z->broken = true;
		return;
	}
	memset(lengths, 0, sizeof(lengths));
	for (u32 i = 0; i < nliterals + ndistances && !z->broken;) {
		u32 symbol = decode(z, &z->literals), n = 1, value = symbol;

		if (symbol >= 16) {
			value = symbol == 16 && i ? lengths[i - 1] : 0;
			z->broken |= symbol == 16 && !i;
			n = symbol == 16   ? 3 + take(z, 2)
			    : symbol == 17 ? 3 + take(z, 3)
					   : 11 + take(z, 7);
		}
		z->broken |= i + n > nliterals + ndistances;
		while (n-- && !z->broken)
			lengths[i++] = (u8)value;
	}
	if (!make_code(&z->literals, lengths, nliterals) ||
	    !make_code(&z->distances, lengths + nliterals, ndistances))
		z->broken = true;
}

static void inflate(struct inflate *z)
{
	bool last = false;

	while (!last && !z->broken) {
		u32 kind, symbol = 0;

		last = take(z, 1);
		kind = take(z, 2);
		if (kind == 0) {
			stored(z);
			continue;
		}
		if (kind == 3)
			z->broken = true;
		else if (kind == 1)
			fixed_codes(z);
		else
			own_codes(z);
		while (!z->broken && (symbol = decode(z, &z->literals)) != 256) {
			if (symbol < 256)
				put(z, (u8)symbol);
			else
				repeat(z, symbol);
		}
	}
}

/* The header of gzip: 10 bytes, then what its flags name. */
static bool skip_header(struct inflate *z)
{
	u8 flags;

	if (z->end - z->p < 10 || z->p[0] != 0x1f || z->p[1] != 0x8b || z->p[2] != 8)
		return false;
	flags = z->p[3];
	z->p += 10;
	if (flags & 4) {
		u32 n = take(z, 16);

		if (z->broken || (size_t)(z->end - z->p) < n)
			return false;
		z->p += n;
	}
	for (u32 text = 0; text < 2; text++)
		if (flags & 8 << text) {
			const u8 *nul = memchr(z->p, 0, (size_t)(z->end - z->p));

			if (!nul)
				return false;
			z->p = nul + 1;
		}
	if (flags & 2)
		take(z, 16);
	return !z->broken;
}

static int unpack(struct inflate *z, size_t most)
{
	inflate(z);
	if (z->out->failed)
		return -ENOMEM;
	if (z->out->n - z->start > most)
		return -E2BIG;
	return z->broken ? -EINVAL : 0;
}

int gunzip(struct buf *out, const void *data, size_t size, size_t most)
{
	struct inflate z = {.p = data,
			    .end = (const u8 *)data + size,
			    .out = out,
			    .start = out->n,
			    .most = most};

	return skip_header(&z) ? unpack(&z, most) : -EINVAL;
}

int unzlib(struct buf *out, const void *data, size_t size, size_t most)
{
	const u8 *p = data;
	struct inflate z = {.p = p + 2, .end = p + size, .out = out, .start = out->n, .most = most};

	/* method 8, no dictionary, and the check of both bytes */
	if (size < 2 || (p[0] & 0xf) != 8 || p[1] & 0x20 || (p[0] << 8 | p[1]) % 31)
		return -EINVAL;
	return unpack(&z, most);
}
