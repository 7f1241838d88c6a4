/* cursor.h: reads DWARF's numbers from a section, byte by byte, and trusts nothing. */
#ifndef ELF_CURSOR_H
#define ELF_CURSOR_H

#include "elf/dwarf.h"

/* A place in a section; behind its end everything is 0, and `bad`. */
struct cursor {
	const struct dwarf_section *s;
	u64 at;
	bool bad;
};

static inline u64 cursor_get(struct cursor *c, u32 bytes)
{
	u64 v = 0;

	if (c->bad || c->at > c->s->n || bytes > c->s->n - c->at) {
		c->bad = true;
		return 0;
	}
	for (u32 i = 0; i < bytes && i < 8; i++)
		v |= (u64)c->s->p[c->at + i] << 8 * i;
	c->at += bytes;
	return v;
}

static inline void cursor_skip(struct cursor *c, u64 bytes)
{
	if (c->bad || c->at > c->s->n || bytes > c->s->n - c->at)
		c->bad = true;
	else
		c->at += bytes;
}

/* The bits of a LEB128 number, and how many they are; *last: its last byte. */
static inline u64 cursor_leb(struct cursor *c, u32 *bits, u64 *last)
{
	u64 v = 0;

	*bits = 0;
	do {
		*last = cursor_get(c, 1);
		if (*bits < 64)
			v |= (*last & 0x7f) << *bits;
		*bits += 7;
	} while (*last & 0x80 && *bits < 80);
	return v;
}

static inline u64 cursor_uleb(struct cursor *c)
{
	u64 last;
	u32 bits;

	return cursor_leb(c, &bits, &last);
}

static inline s64 cursor_sleb(struct cursor *c)
{
	u64 last, v;
	u32 bits;

	v = cursor_leb(c, &bits, &last);
	if (bits < 64 && last & 0x40)
		v |= ~0ull << bits;
	return (s64)v;
}

#endif
