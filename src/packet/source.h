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
	bool mapped, ended;
};

int source_open(struct source *, int fd, const char *name, struct diag *);
void source_close(struct source *);
/* The next n bytes, which count as read; NULL: there are not so many. They are good until the next
 * call. */
const u8 *source_take(struct source *, size_t n);
const u8 *source_peek(struct source *, size_t n); /* the same, and they do not count */
bool source_at_end(struct source *);

#endif
