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
	size_t span;  /* that is mapped: while the file does not shrink, `size` */
	bool mapped, ended;
	volatile bool torn;      /* zeroes stand for what is missing from torn_at on */
	volatile size_t torn_at; /* offset in map */
	bool shrunk;             /* it was torn, and `size` says so */
	/* Of a mapped file: pages are mapped up to `ahead`. */
	size_t ahead;
	size_t claimed, passed; /* atomic: who maps is mapping up to here; who reads is here */
	bool helped, enough;    /* `helper` runs; is to end */
	pthread_t helper;
};

int bytes_open(struct bytes *, int fd, const char *name, struct diag *);
void bytes_close(struct bytes *);
/* What bytes_peek() does when n bytes are not at hand. */
const u8 *bytes_more(struct bytes *, size_t n);
/* true: the file is shorter than it was; `size` says so now. */
bool bytes_tear(struct bytes *);

/* torn.c: from here on what the file no longer has is zeroes, and `torn` is set. false: there are
 * too many files. */
bool torn_watch(struct bytes *);
void torn_forget(const struct bytes *);

/* Of a mapped file: makes the kernel map what comes, in one go; up to where. */
const u8 *bytes_map_ahead(struct bytes *, size_t from);
static inline const u8 *bytes_ahead(struct bytes *s, size_t from)
{
	return from < s->ahead ? s->map + s->ahead : bytes_map_ahead(s, from);
}
static inline bool bytes_settle(struct bytes *s)
{
	return __builtin_expect(s->torn, false) && bytes_tear(s);
}
/* The next n bytes; NULL: there are not so many. They are good until the next call. */
static inline const u8 *bytes_peek(struct bytes *s, size_t n)
{
	if (s->map && s->size - s->at >= n)
		return s->map + s->at;
	return bytes_more(s, n);
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
