/* reader.h: what the files that read capture files share. */
#ifndef PACKET_READER_H
#define PACKET_READER_H

#include "packet/bytes.h"

#define BLOCK_MOST (16u << 20)

struct reader_iface {
	u32 link, snaplen;
	u64 units; /* of time in a second */
	s64 shift; /* seconds */
};

struct packet_reader {
	struct bytes from;
	struct diag *diag;
	const char *name;
	bool swapped, ng;
	u32 head, fraction; /* pcap: bytes in front of each packet, ns in a unit of time */
	struct reader_iface *ifaces;
	u32 nifaces;
	struct packet_process **processes; /* those of this section from `known` on */
	u32 nprocesses, known;
	u32 window; /* count.c: bytes that are counted in one go */
};

static inline u32 reader_u32(const struct packet_reader *r, const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return r->swapped ? __builtin_bswap32(v) : v;
}

static inline u16 reader_u16(const struct packet_reader *r, const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return r->swapped ? __builtin_bswap16(v) : v;
}

/* A length that no card has, but the file says that it was wanted, is fine up to a limit. */
static inline bool reader_too_long(const struct packet_reader *r, u32 captured)
{
	return captured > PACKET_BYTES_MOST &&
	       (captured > r->ifaces->snaplen || captured > BLOCK_MOST);
}

/* guess.c: where from `from` on a packet may begin; known: one that does. NULL: nowhere near. */
const u8 *reader_guess(const struct packet_reader *, const u8 *known, const u8 *from,
		       const u8 *end);

#endif
