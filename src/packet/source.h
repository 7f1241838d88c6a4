/* source.h: the bytes of a capture file, one after the other, wherever they come from. */
#ifndef PACKET_SOURCE_H
#define PACKET_SOURCE_H

#include "packet/packet.h"

struct source {
	int fd;
	const u8 *map;   /* the whole file, if it can be mapped, or unpacked into `text` */
	size_t size, at; /* of map */
	struct buf
		text; /* unpacked; of a pipe: what was read and is not used up yet, from `at` on */
	u64 gone;     /* bytes of a pipe in front of text */
	bool mapped, ended;
};

int source_open(struct source *, int fd, const char *name, struct diag *);
void source_close(struct source *);
const u8 *source_read(struct source *, size_t n); /* of a pipe: for source_peek() */

/* The next n bytes; NULL: there are not so many. They are good until the next call. */
static inline const u8 *source_peek(struct source *s, size_t n)
{
	if (!s->map)
		return source_read(s, n);
	return s->size - s->at >= n ? s->map + s->at : NULL;
}
/* The same, and they count as used. */
static inline const u8 *source_take(struct source *s, size_t n)
{
	const u8 *p = source_peek(s, n);

	s->at += p ? n : 0;
	return p;
}
static inline bool source_at_end(struct source *s)
{
	return !source_peek(s, 1);
}
static inline u64 source_offset(const struct source *s) /* bytes used so far */
{
	return s->gone + s->at;
}

#endif
