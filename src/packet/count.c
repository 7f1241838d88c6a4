/*
 * count.c: packets of a mapped file that nobody wants to see, only to count.
 *
 * In:  a reader that stands in front of a packet. Out: how many there are and how many a test
 * takes, up to one that is not as most are; that one is left to packet_read().
 */
#include "packet/ng.h"
#include "packet/reader.h"

#include "isa/cbpf.h"

#define PREFETCH 4096 /* bytes ahead: where a packet begins is known only from the one before */
#define LINES    3    /* of the cache, that a filter reads */

struct counting {
	const struct packet_reader *r;
	const u8 *end;
	u64 (*test)(u64 packet);
	struct packet_counts *out;
	struct cbpf_packet packet __attribute__((aligned(32)));
};

static inline void count_one(struct counting *c, const u8 *data, u32 captured, u32 len)
{
	struct cbpf_packet *p = &c->packet;

	for (u32 line = 0; line < LINES; line++)
		__builtin_prefetch(data + PREFETCH + line * 64);
	p->data = (u64)(uintptr_t)data;
	p->captured = captured;
	p->len = len;
	p->room = (u32)MIN((size_t)(c->end - data) - captured, (size_t)PREFETCH);
	c->out->taken += !c->test || (u32)c->test((u64)(uintptr_t)p);
	c->out->seen++;
}

static const u8 *count_pcap(struct counting *c, const u8 *at, const u8 *stop)
{
	const struct packet_reader *r = c->r;
	const u32 head = r->head;

	while (at < stop && (size_t)(c->end - at) >= head) {
		u32 captured = reader_u32(r, at + 8);

		if (captured > (size_t)(c->end - at) - head || reader_too_long(r, captured))
			break;
		count_one(c, at + head, captured, reader_u32(r, at + 12));
		at += head + captured;
	}
	return at;
}

/* Blocks of packets from interfaces of one kind. */
static const u8 *count_ng(struct counting *c, const u8 *at, const u8 *stop, u32 link)
{
	const struct packet_reader *r = c->r;

	while (at < stop && c->end - at >= 32) {
		u32 n = reader_u32(r, at + 4), iface = reader_u32(r, at + 8);
		u32 captured = reader_u32(r, at + 20);

		if (reader_u32(r, at) != NG_PACKET || n < 32 || n % 4 || n > BLOCK_MOST ||
		    n > (size_t)(c->end - at) || captured > n - 32 || iface >= r->nifaces ||
		    r->ifaces[iface].link != link)
			break;
		count_one(c, at + 28, captured, reader_u32(r, at + 24));
		at += n;
	}
	return at;
}

void packet_count(struct packet_reader *r, u32 link, u64 (*test)(u64 packet),
		  struct packet_counts *out)
{
	const u8 *map = r->from.map, *at, *stop;
	struct counting c = {
		.r = r, .end = map + (map ? r->from.size : 0), .test = test, .out = out};

	if (!map || (!r->ng && r->ifaces->link != link))
		return;
	at = stop = map + r->from.at;
	while (at >= stop && stop < c.end) {
		stop = bytes_ahead(&r->from, (size_t)(at - map));
		at = r->ng ? count_ng(&c, at, stop, link) : count_pcap(&c, at, stop);
	}
	r->from.at = (size_t)(at - map);
}
