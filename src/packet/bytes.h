/* bytes.h: the bytes of a capture file, one after the other, wherever they come from. */
#ifndef PACKET_BYTES_H
#define PACKET_BYTES_H

#include "packet/packet.h"

#include <pthread.h>

struct bytes {
	int fd;
	const u8 *map;   /* the whole file, if it can be mapped, or unpacked into `text` */
	size_t size, at; /* of map */
	struct buf
		text; /* unpacked; of a pipe: what was read and is not used up yet, from `at` on */
	u64 gone;     /* bytes of a pipe in front of text */
	bool mapped, ended, helped;
	bool enough;      /* tells `helper` to end */
	pthread_t helper; /* while `helped`: maps what comes */
};

int bytes_open(struct bytes *, int fd, const char *name, struct diag *);
void bytes_close(struct bytes *);
const u8 *bytes_read(struct bytes *, size_t n); /* of a pipe: for bytes_peek() */

/* Of a mapped file: makes the kernel map what comes, in one go; up to where. */
const u8 *bytes_ahead(struct bytes *, size_t from);

/* The next n bytes; NULL: there are not so many. They are good until the next call. */
static inline const u8 *bytes_peek(struct bytes *s, size_t n)
{
	if (!s->map)
		return bytes_read(s, n);
	return s->size - s->at >= n ? s->map + s->at : NULL;
}
/* The same, and they count as used. */
static inline const u8 *bytes_take(struct bytes *s, size_t n)
{
	const u8 *p = bytes_peek(s, n);

	s->at += p ? n : 0;
	return p;
}
static inline bool bytes_at_end(struct bytes *s)
{
	return !bytes_peek(s, 1);
}
/* How many may be read from here on: all that are there. */
static inline u32 bytes_room(const struct bytes *s)
{
	size_t n = (s->map ? s->size : s->text.n) - s->at;

	return (u32)MIN(n, (size_t)UINT16_MAX);
}
static inline u64 bytes_offset(const struct bytes *s) /* bytes used so far */
{
	return s->gone + s->at;
}

#endif
