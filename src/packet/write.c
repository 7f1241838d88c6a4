/*
 * write.c: capture files: pcap as everybody reads it, or pcapng.
 *
 * In:  packets of one kind of link. Out: bytes at a descriptor, in large pieces.
 */
#include "packet/packet.h"

#include "base/io.h"

#include <errno.h>
#include <unistd.h>

#define ENOUGH (1 << 18)

static void put16(struct buf *b, u32 v)
{
	u16 x = (u16)v;

	buf_add(b, &x, sizeof(x));
}

static void put32(struct buf *b, u64 v)
{
	u32 x = (u32)v;

	buf_add(b, &x, sizeof(x));
}

static void pcap_begin(struct packet_writer *w, u32 snaplen)
{
	put32(&w->out, w->nano ? 0xa1b23c4d : 0xa1b2c3d4);
	put16(&w->out, 2);
	put16(&w->out, 4);
	put32(&w->out, 0);
	put32(&w->out, 0);
	put32(&w->out, snaplen);
	put32(&w->out, w->link);
}

/* A section of unknown length, and an interface whose times are in ns. */
static void ng_begin(struct packet_writer *w, u32 snaplen)
{
	const u8 nano[4] = {9};
	struct buf *b = &w->out;

	put32(b, 0x0a0d0d0a);
	put32(b, 28);
	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put32(b, UINT32_MAX);
	put32(b, UINT32_MAX);
	put32(b, 28);
	put32(b, 1); /* interface */
	put32(b, 32);
	put16(b, w->link);
	put16(b, 0);
	put32(b, snaplen);
	put16(b, 9); /* if_tsresol */
	put16(b, 1);
	buf_add(b, nano, 4);
	put32(b, 0);
	put32(b, 32);
}

void packet_writer_begin(struct packet_writer *w, u32 link, u32 snaplen)
{
	w->link = link;
	if (w->format == PACKET_PCAP)
		pcap_begin(w, snaplen);
	else
		ng_begin(w, snaplen);
}

static void ng_write(struct packet_writer *w, const struct packet *p)
{
	u32 n = 32 + ALIGN_UP(p->captured, 4);
	static const u8 zeroes[4];
	struct buf *b = &w->out;

	put32(b, 6);
	put32(b, n);
	put32(b, 0);
	put32(b, p->time >> 32);
	put32(b, p->time);
	put32(b, p->captured);
	put32(b, p->len);
	buf_add(b, p->data, p->captured);
	buf_add(b, zeroes, n - 32 - p->captured);
	put32(b, n);
}

void packet_write(struct packet_writer *w, const struct packet *p)
{
	u64 rest = p->time % 1000000000;

	if (w->format == PACKET_PCAPNG) {
		ng_write(w, p);
	} else {
		put32(&w->out, p->time / 1000000000);
		put32(&w->out, w->nano ? rest : rest / 1000);
		put32(&w->out, p->captured);
		put32(&w->out, p->len);
		buf_add(&w->out, p->data, p->captured);
	}
	if (w->out.n >= ENOUGH)
		packet_flush(w);
}

int packet_flush(struct packet_writer *w)
{
	if (w->out.failed)
		w->err = -ENOMEM;
	if (!w->err)
		w->err = write_all(w->fd, w->out.p, w->out.n);
	w->out.n = 0;
	return w->err;
}
