/*
 * unxz.c: files of xz ("The .xz File Format" 1.2.1) and LZMA2 in them; see unxz.h.
 *
 * A file is blocks, a block is chunks, a chunk is bits of a range coder, whose probabilities are
 * learnt while they are used. The dictionary is what has come out already, so it needs no memory of
 * its own. Past the end of the input there are zeroes, and `broken` stops it soon.
 */
#include "base/unxz.h"

#include <errno.h>
#include <stdlib.h>

#define STATES     12
#define POS_STATES 16           /* 1 << pb */
#define LITERALS   (0x300 << 4) /* << lc + lp, which LZMA2 keeps at 4 */

typedef u16 prob; /* of a 0, in 1/2048 */

struct lengths {
	prob choice, choice2, low[POS_STATES][8], mid[POS_STATES][8], high[256];
};
struct probs {
	prob match[STATES][POS_STATES], rep[STATES], rep0[STATES], rep1[STATES], rep2[STATES];
	prob rep0_long[STATES][POS_STATES];
	prob slot[4][64], special[115], align[16];
	struct lengths len, rep_len;
	prob literal[LITERALS];
};
struct unxz {
	const u8 *p, *end;
	struct buf *out;
	size_t start, dict, most; /* where our output and its dictionary begin */
	u32 range, code, state, rep[4];
	u32 lc, lp, pb;
	bool broken, full;
	struct probs probs;
};

/* ---- the range coder */

static u8 next(struct unxz *z)
{
	if (z->p < z->end)
		return *z->p++;
	z->broken = true;
	return 0;
}

static void normalise(struct unxz *z)
{
	if (z->range < 1u << 24) {
		z->range <<= 8;
		z->code = z->code << 8 | next(z);
	}
}

static u32 bit(struct unxz *z, prob *p)
{
	u32 bound;

	normalise(z);
	bound = (z->range >> 11) * *p;
	if (z->code < bound) {
		z->range = bound;
		*p = (prob)(*p + ((2048 - *p) >> 5));
		return 0;
	}
	z->range -= bound;
	z->code -= bound;
	*p = (prob)(*p - (*p >> 5));
	return 1;
}

static u32 tree(struct unxz *z, prob *p, u32 bits)
{
	u32 m = 1;

	for (u32 i = 0; i < bits; i++)
		m = m << 1 | bit(z, &p[m]);
	return m - (1u << bits);
}

/* The lowest bit first. */
static u32 reverse(struct unxz *z, prob *p, u32 bits)
{
	u32 m = 1, v = 0;

	for (u32 i = 0; i < bits; i++) {
		u32 b = bit(z, &p[m]);

		m = m << 1 | b;
		v |= b << i;
	}
	return v;
}

static u32 direct(struct unxz *z, u32 bits)
{
	u32 v = 0;

	while (bits--) {
		normalise(z);
		z->range >>= 1;
		v <<= 1;
		if (z->code >= z->range) {
			z->code -= z->range;
			v |= 1;
		}
	}
	return v;
}

/* ---- LZMA */

static size_t written(const struct unxz *z)
{
	return z->out->n - z->dict;
}

static void put(struct unxz *z, u8 c)
{
	if (z->out->n - z->start >= z->most)
		z->full = true;
	else
		buf_char(z->out, (char)c);
}

static u8 back(const struct unxz *z, u32 distance)
{
	return (u8)z->out->p[z->out->n - 1 - distance];
}

static void literal(struct unxz *z)
{
	u32 before = written(z) ? back(z, 0) : 0, m = 1;
	u32 at = (u32)(written(z) & ((1u << z->lp) - 1)) << z->lc | before >> (8 - z->lc);
	prob *p = z->probs.literal + 0x300 * (size_t)at;

	if (z->state >= 7) { /* behind a match: the byte that would have gone on is a hint */
		u32 hint = back(z, z->rep[0]);

		while (m < 0x100) {
			u32 h = hint >> 7 & 1, b = bit(z, &p[(1 + h) << 8 | m]);

			hint <<= 1;
			m = m << 1 | b;
			if (h != b)
				break;
		}
	}
	while (m < 0x100)
		m = m << 1 | bit(z, &p[m]);
	put(z, (u8)m);
	z->state = z->state < 4 ? 0 : z->state < 10 ? z->state - 3 : z->state - 6;
}

static u32 length(struct unxz *z, struct lengths *l, u32 pos)
{
	if (!bit(z, &l->choice))
		return 2 + tree(z, l->low[pos], 3);
	if (!bit(z, &l->choice2))
		return 10 + tree(z, l->mid[pos], 3);
	return 18 + tree(z, l->high, 8);
}

/* kind: 0 to 2 for lengths of 2 to 4, 3 for longer ones */
static u32 distance(struct unxz *z, u32 kind)
{
	u32 slot = tree(z, z->probs.slot[kind], 6), bits, v;

	if (slot < 4)
		return slot;
	bits = (slot >> 1) - 1;
	v = (2 | (slot & 1)) << bits;
	if (slot < 14)
		return v + reverse(z, z->probs.special + v - slot, bits);
	v += direct(z, bits - 4) << 4;
	return v + reverse(z, z->probs.align, 4);
}

/* Which of the last four distances; 0: none, and a byte is written already. */
static u32 repeated(struct unxz *z, u32 pos)
{
	struct probs *p = &z->probs;
	u32 which, chosen, state = z->state;

	if (!bit(z, &p->rep0[state])) {
		if (!bit(z, &p->rep0_long[state][pos])) {
			z->state = state < 7 ? 9 : 11;
			return 1;
		}
		which = 0;
	} else {
		which = !bit(z, &p->rep1[state]) ? 1 : 2 + bit(z, &p->rep2[state]);
	}
	chosen = z->rep[which];
	for (; which; which--)
		z->rep[which] = z->rep[which - 1];
	z->rep[0] = chosen;
	z->state = state < 7 ? 8 : 11;
	return length(z, &p->rep_len, pos);
}

static void match(struct unxz *z, u32 pos, u32 *left)
{
	u32 len;

	if (bit(z, &z->probs.rep[z->state])) {
		len = repeated(z, pos);
	} else {
		memmove(z->rep + 1, z->rep, 3 * sizeof(*z->rep));
		z->state = z->state < 7 ? 7 : 10;
		len = length(z, &z->probs.len, pos);
		z->rep[0] = distance(z, len < 5 ? len - 2 : 3);
	}
	if (z->rep[0] >= written(z) || len > *left) {
		z->broken = true;
		return;
	}
	*left -= len;
	while (len-- && !z->full)
		put(z, back(z, z->rep[0]));
}

static void lzma(struct unxz *z, u32 left)
{
	while (left && !z->broken && !z->full && !z->out->failed) {
		u32 pos = (u32)(written(z) & ((1u << z->pb) - 1));

		if (bit(z, &z->probs.match[z->state][pos])) {
			match(z, pos, &left);
		} else if (z->state >= 7 && z->rep[0] >= written(z)) {
			z->broken = true;
		} else {
			literal(z);
			left--;
		}
	}
	normalise(z);
}

/* ---- chunks of LZMA2 */

static void reset(struct unxz *z)
{
	prob *p = (prob *)&z->probs;

	for (size_t i = 0; i < sizeof(z->probs) / sizeof(*p); i++)
		p[i] = 1024;
	z->state = 0;
	memset(z->rep, 0, sizeof(z->rep));
}

static void properties(struct unxz *z)
{
	u32 v = next(z);

	z->lc = v % 9;
	z->lp = v / 9 % 5;
	z->pb = v / 45;
	z->broken |= z->pb > 4 || z->lc + z->lp > 4;
}

static u32 big16(struct unxz *z)
{
	u32 high = next(z);

	return high << 8 | next(z);
}

static void plain_chunk(struct unxz *z)
{
	u32 n = big16(z) + 1;

	while (n-- && !z->broken && !z->full)
		put(z, next(z));
}

static void packed_chunk(struct unxz *z, u32 control)
{
	u32 size = ((control & 31) << 16) + big16(z) + 1, packed = big16(z) + 1;
	const u8 *end = z->end;

	if (control >= 0xc0)
		properties(z);
	if (control >= 0xa0)
		reset(z);
	if (z->broken || packed > (size_t)(z->end - z->p)) {
		z->broken = true;
		return;
	}
	z->end = z->p + packed;
	z->range = UINT32_MAX;
	z->code = 0;
	z->broken |= next(z) != 0;
	for (u32 i = 0; i < 4; i++)
		z->code = z->code << 8 | next(z);
	lzma(z, size);
	z->broken |= z->p != z->end;
	z->end = end;
}

static void lzma2(struct unxz *z)
{
	bool ready = false;

	while (!z->broken && !z->full && !z->out->failed) {
		u32 control = next(z);

		if (!control)
			return;
		if (control == 1 || control >= 0xe0)
			z->dict = z->out->n;
		if (control >= 0xc0)
			ready = true;
		if (control == 1 || control == 2)
			plain_chunk(z);
		else if (control >= 0x80 && ready)
			packed_chunk(z, control);
		else
			z->broken = true;
	}
}

/* ---- the file */

u32 crc32_of(const void *data, size_t size)
{
	static const u32 nibbles[16] = {0,          0x1db71064, 0x3b6e20c8, 0x26d930ac,
					0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
					0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
					0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	const u8 *p = data;
	u32 crc = UINT32_MAX;

	while (size--) {
		crc ^= *p++;
		crc = crc >> 4 ^ nibbles[crc & 15];
		crc = crc >> 4 ^ nibbles[crc & 15];
	}
	return ~crc;
}

static u32 little32(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

/* The filter must be LZMA2 alone, as `xz` has it unless it is told otherwise. */
static bool block_header(struct unxz *z)
{
	u32 size = ((u32)*z->p + 1) * 4, at = 2;
	const u8 *p = z->p;

	if (size > (size_t)(z->end - z->p) || crc32_of(p, size - 4) != little32(p + size - 4) ||
	    p[1] & 0x3f)
		return false;
	for (u32 sizes = (p[1] >> 6 & 1) + (p[1] >> 7); sizes; sizes--) {
		while (at < size - 4 && p[at] & 0x80)
			at++;
		at++;
	}
	z->p += size;
	return at + 3 <= size - 4 && p[at] == 0x21 && p[at + 1] == 1;
}

static bool checked(struct unxz *z, u32 kind, size_t from)
{
	static const u8 sizes[16] = {0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64};
	const u8 *p = z->p;

	if (sizes[kind] > (size_t)(z->end - z->p))
		return false;
	z->p += sizes[kind];
	return kind != 1 || crc32_of(z->out->p + from, z->out->n - from) == little32(p);
}

static void stream(struct unxz *z)
{
	const u8 *first = z->p;
	u32 kind;

	if (z->end - z->p < 24 || memcmp(z->p, "\3757zXZ\0\0", 7) != 0 || z->p[7] > 15 ||
	    crc32_of(z->p + 6, 2) != little32(z->p + 8)) {
		z->broken = true;
		return;
	}
	kind = z->p[7];
	z->p += 12;
	while (!z->broken && !z->full && z->p < z->end && *z->p) { /* 0: the index, behind all */
		size_t from = z->out->n;

		z->broken = !block_header(z);
		if (!z->broken)
			lzma2(z);
		while (!z->broken && (z->p - first) % 4)
			z->broken = next(z) != 0;
		z->broken = z->broken || z->full || !checked(z, kind, from);
	}
	z->broken |= z->p == z->end;
}

int unxz(struct buf *out, const void *data, size_t size, size_t most)
{
	struct unxz *z = calloc(1, sizeof(*z));
	int err;

	if (!z)
		return -ENOMEM;
	z->p = data;
	z->end = z->p + size;
	z->out = out;
	z->start = z->dict = out->n;
	z->most = most;
	stream(z);
	err = out->failed ? -ENOMEM : z->full ? -E2BIG : z->broken ? -EINVAL : 0;
	free(z);
	return err;
}
