/*
 * write.c: capture files: pcap as everybody reads it, or pcapng.
 *
 * In:  packets; for pcapng with options, and of several interfaces. Out: bytes at a descriptor, in
 * large pieces.
 */
#include "packet/ng.h"
#include "packet/packet.h"

#include "base/io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- pcapng: blocks, which have their length in front and behind */

static size_t block_begin(struct buf *b, u32 kind)
{
	size_t at = b->n;

	put32(b, kind);
	put32(b, 0);
	return at;
}

static void block_end(struct buf *b, size_t at)
{
	u32 n = (u32)(b->n - at + 4);

	put32(b, n);
	if (!b->failed)
		memcpy(b->p + at + 4, &n, sizeof(n));
}

/* From the beginning of a block on, whose length is a multiple of 4. */
static void put_padded(struct buf *b, const void *p, u32 n)
{
	static const u8 zeroes[4];

	buf_add(b, p, n);
	buf_add(b, zeroes, ALIGN_UP(n, 4) - n);
}

static void put_option(struct buf *b, u32 code, const void *p, u32 n)
{
	put16(b, code);
	put16(b, n);
	put_padded(b, p, n);
}

/* A section of unknown length. */
static void ng_begin(struct packet_writer *w)
{
	struct buf *b = &w->out;
	size_t at = block_begin(b, NG_SECTION);

	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put32(b, UINT32_MAX);
	put32(b, UINT32_MAX);
	block_end(b, at);
}

/* An interface whose times are in ns. */
static void put_interface(struct packet_writer *w, u32 link)
{
	const u8 nano = 9;
	struct buf *b = &w->out;
	size_t at = block_begin(b, NG_INTERFACE);

	put16(b, link);
	put16(b, 0);
	put32(b, w->snaplen);
	put_option(b, NG_TSRESOL, &nano, 1);
	put32(b, 0);
	block_end(b, at);
}

/* Its number in the file that is written; a new one is described. */
static u32 interface_of(struct packet_writer *w, u32 from, u32 link)
{
	u32 i = 0;
	void *more;

	while (i < w->nifaces && (w->ifaces[i].from != from || w->ifaces[i].link != link))
		i++;
	if (i < w->nifaces)
		return i;
	more = realloc(w->ifaces, (w->nifaces + 1) * sizeof(*w->ifaces));
	if (!more) {
		w->err = -ENOMEM;
		return 0;
	}
	w->ifaces = more;
	w->ifaces[w->nifaces].from = from;
	w->ifaces[w->nifaces++].link = link;
	put_interface(w, link);
	return i;
}

void packet_writer_begin(struct packet_writer *w, u32 link, u32 snaplen)
{
	w->link = link;
	w->snaplen = snaplen;
	w->nifaces = w->nprocesses = 0;
	w->written = 0;
	if (w->format == PACKET_PCAP) {
		pcap_begin(w, snaplen);
		return;
	}
	ng_begin(w);
	interface_of(w, 0, link);
}

void packet_option(struct packet_writer *w, u32 code, const void *p, u32 size)
{
	if (w->format == PACKET_PCAPNG)
		put_option(&w->options, code, p, MIN(size, (u32)UINT16_MAX));
}

static void put_process(struct packet_writer *w, const struct packet_process *p)
{
	struct buf *b = &w->out;
	size_t at = block_begin(b, NG_PROCESS);
	char text[32];

	put32(b, p->pid);
	put_option(b, NG_NAME, p->name, (u32)strlen(p->name));
	if (*p->container) {
		snprintf(text, sizeof(text), NG_CONTAINER "%s", p->container);
		put_option(b, NG_COMMENT, text, (u32)strlen(text));
	}
	put32(b, 0);
	block_end(b, at);
}

/* Its number in the file; a new one is described. */
static u32 process_of(struct packet_writer *w, const struct packet_process *p)
{
	u32 i = w->nprocesses;
	void *more;

	while (i && w->processes[i - 1] != p)
		i--;
	if (i)
		return i - 1;
	more = realloc(w->processes, (w->nprocesses + 1) * sizeof(struct packet_process *));
	if (!more) {
		w->err = -ENOMEM;
		return 0;
	}
	w->processes = more;
	w->processes[w->nprocesses++] = p;
	put_process(w, p);
	return w->nprocesses - 1;
}

/* For those who know Darwin's options, and in words for all others. */
static void ng_owners(struct packet_writer *w, const struct packet *p)
{
	const struct packet_process *ends[] = {p->from ? p->from : p->to, p->from ? p->to : NULL};
	const u32 way = p->from ? PACKET_WENT : PACKET_CAME;
	struct buf text = {0};

	packet_put_processes(&text, p);
	packet_option(w, NG_COMMENT, text.p, (u32)text.n);
	packet_option(w, NG_FLAGS, &way, sizeof(way));
	for (u32 i = 0; i < 2 && ends[i]; i++) {
		u32 number = process_of(w, ends[i]);

		packet_option(w, i ? NG_OTHER : NG_OWNER, &number, sizeof(number));
	}
	buf_free(&text);
}

static void ng_write(struct packet_writer *w, const struct packet *p)
{
	u32 iface = interface_of(w, p->iface, p->link);
	struct buf *b = &w->out;
	size_t at;

	if (p->from || p->to)
		ng_owners(w, p);
	at = block_begin(b, NG_PACKET);

	put32(b, iface);
	put32(b, p->time >> 32);
	put32(b, p->time);
	put32(b, p->captured);
	put32(b, p->len);
	put_padded(b, p->data, p->captured);
	if (w->options.n) {
		buf_add(b, w->options.p, w->options.n);
		put32(b, 0);
		w->options.n = 0;
	}
	block_end(b, at);
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
	w->written += w->out.n;
	w->out.n = 0;
	return w->err;
}

void packet_writer_free(struct packet_writer *w)
{
	buf_free(&w->out);
	buf_free(&w->options);
	free(w->ifaces);
	free(w->processes);
	w->ifaces = NULL;
	w->processes = NULL;
	w->nifaces = w->nprocesses = 0;
}
