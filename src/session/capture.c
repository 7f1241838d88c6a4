/*
 * capture.c: the call of waggle.h that takes packets from a file or a device and shows, counts or
 * keeps them.
 *
 * In:  a capture file, or what comes. Out: lines, a number, or another file.
 */
#include "session/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define LINES_ENOUGH (1 << 16)
#define CLASSIC_MOST 4096 /* BPF_MAXINSNS: instructions that the kernel takes */

static struct packet_live_opts live_opts(const struct capturing *c)
{
	return (struct packet_live_opts){.device = c->how->device,
					 .promiscuous = c->how->promiscuous,
					 .ring_kib = c->how->buffer_kib};
}

static int open_device(struct capturing *c)
{
	const struct packet_live_opts o = live_opts(c);

	return packet_live_open(&c->live, &o, &c->diag);
}

static void show_lines(struct capturing *c)
{
	if (c->lines.n && c->opts.out)
		c->opts.out(c->opts.user, buf_str(&c->lines), c->lines.n);
	c->lines.n = 0;
}

/* A pcap has one kind of link. */
static int keep(struct capturing *c, const struct packet *p)
{
	int err = c->how->matched ? capture_file_turn(c, p->time) : 0;

	if (err)
		return err;
	if (!c->bytes)
		capture_file_begin(c, p->link);
	else if (p->link != c->writer.link && c->writer.format == PACKET_PCAP)
		return diag_fail(
			&c->diag, -EINVAL, "--pcapng keeps them",
			"%s has packets of several kinds of links: a pcap cannot keep them",
			c->how->read);
	c->bytes += p->captured + 16;
	packet_write(&c->writer, p);
	return c->how->each_packet ? packet_flush(&c->writer) : 0;
}

/* Is it of the processes that are wanted? */
static bool is_wanted(const struct waggle_capture *how, const struct packet_process *p)
{
	return p && (!how->pid || p->pid == (u32)how->pid) &&
	       (!how->comm || !strcmp(how->comm, p->name));
}

int capture_take(struct capturing *c, struct packet *p)
{
	struct waggle_capture *how = c->how;
	int err = 0;

	if ((how->pid || how->comm) && !is_wanted(how, p->from) && !is_wanted(how, p->to))
		return 0;
	if (p->from || p->to)
		how->owned++;
	else
		how->strays++;
	if (how->snaplen)
		p->captured = MIN(p->captured, how->snaplen);
	if (c->writes)
		err = keep(c, p);
	if ((!c->writes || how->lines) && !how->count_only)
		packet_print(&c->lines, &c->printer, p);
	if (c->lines.n >= LINES_ENOUGH || how->each_line)
		show_lines(c);
	how->matched++;
	return err;
}

/* Interfaces of a file may be of several kinds: the filter is made for the one that is at hand. */
static int filter_for(struct capturing *c, u32 link)
{
	const struct packet_filter_opts o = {.netmask = c->how->netmask,
					     .way = c->live ? FILTER_WAY_TOLD
							    : FILTER_WAY_UNKNOWN};

	if (!c->how->filter || !*c->how->filter || (c->filter && c->filter_link == link))
		return 0;
	packet_filter_close(c->filter);
	c->filter_link = link;
	return packet_filter_open(&c->filter, c->how->filter, link, &o, &c->diag);
}

/* A mistake in the expression is told before the first packet comes. */
static int open_filter(struct capturing *c)
{
	int link = c->live ? (int)packet_live_link(c->live) : packet_reader_link(c->reader, NULL);

	return filter_for(c, link < 0 ? LINK_ETHERNET : (u32)link);
}

static int handle(struct capturing *c, struct packet *p)
{
	int err = filter_for(c, p->link);

	c->how->seen++;
	if (err || (c->filter && !packet_filter_takes(c->filter, p)))
		return err;
	if (c->live)
		packet_live_whole(c->live, p);
	return c->owners ? hold_packet(c, p) : capture_take(c, p);
}

/* As many packets as can be counted in one go, where nothing but numbers is wanted, or passed over. */
static void count(struct capturing *c, bool counts)
{
	const struct packet_test test = {
		.one = c->filter ? packet_filter_direct(c->filter) : NULL,
		.many = c->filter && counts ? packet_filter_lanes(c->filter) : NULL,
	};
	int link = c->filter ? (int)c->filter_link : packet_reader_link(c->reader, NULL);
	struct packet_counts n = {0};

	if (link < 0 || (c->filter && !test.one && !test.many))
		return;
	if (counts)
		packet_count(c->reader, (u32)link, &test, &n);
	else if (c->filter)
		packet_pass(c->reader, (u32)link, &test, &n.seen);
	c->how->seen += n.seen;
	c->how->matched += n.taken;
}

static bool only_counts(const struct capturing *c)
{
	const struct waggle_capture *how = c->how;

	return how->count_only && !c->writes && !how->most && !how->pid && !how->comm;
}

static int each_packet(struct capturing *c)
{
	const bool counts = only_counts(c);
	struct packet p;
	int got = 0, err = 0;

	for (;;) {
		count(c, counts);
		if (err || c->writer.err || (got = packet_read(c->reader, &p)) <= 0)
			break;
		err = handle(c, &p);
		if (capture_is_full(c))
			break;
	}
	return got < 0 ? got : err;
}

/* ---- as they come */

static int live_start(struct capturing *c)
{
	struct packet_live_opts o = live_opts(c);

	if (c->filter)
		o.insns = packet_filter_code(c->filter, &o.ninsns);
	if (o.ninsns > CLASSIC_MOST)
		o.ninsns = 0;
	return packet_live_start(c->live, &o, &c->diag);
}

/* Nothing waits longer than until there is nothing else to do. Nonzero: it is the end. */
static int wait_for_packets(struct capturing *c)
{
	struct pollfd p[3] = {{.fd = packet_live_fd(c->live), .events = POLLIN},
			      {.fd = c->how->stop_fd > 0 ? c->how->stop_fd : -1, .events = POLLIN},
			      {.fd = c->owners ? owners_fd(c->owners) : -1, .events = POLLIN}};

	show_lines(c);
	if (c->writes && c->writer.out.n && packet_flush(&c->writer))
		return 1; /* finish() tells */
	if (poll(p, 3, hold_wait_ms(c)) < 0 && errno != EINTR)
		return 1;
	return p[1].revents != 0;
}

static int take_live(struct capturing *c)
{
	struct packet p;
	int err = 0;

	while (!err && !capture_is_full(c) && packet_live_next(c->live, &p))
		if (!c->how->way || p.way & (u32)c->how->way)
			err = handle(c, &p);
	if (!err && c->owners)
		err = hold_release(c, false);
	return err;
}

static int each_live(struct capturing *c)
{
	int err = live_start(c);

	if (!err && c->how->processes)
		err = hold_open(c);
	if (err)
		return err;
	if (!c->opts.quiet)
		diag_note(&c->diag, NULL, "listening on %s", c->how->device);
	do
		err = take_live(c);
	while (!err && !capture_is_full(c) && !wait_for_packets(c));
	if (!err && c->owners && !capture_is_full(c)) {
		err = take_live(c); /* what has come meanwhile */
		err = err ? err : hold_release(c, true);
	}
	packet_live_counts(c->live, &c->how->received, &c->how->dropped);
	return err;
}

static int finish(struct capturing *c, int err)
{
	int written = 0;

	show_lines(c);
	if (c->writes && c->writer.fd >= 0) {
		if (!c->bytes && (c->reader || c->live)) { /* an empty file is one, too */
			int link = c->live ? (int)packet_live_link(c->live)
					   : packet_reader_link(c->reader, NULL);

			capture_file_begin(c, link < 0 ? LINK_ETHERNET : (u32)link);
		}
		written = packet_flush(&c->writer);
		if (written && !err)
			err = diag_fail(&c->diag, written, NULL, "cannot write %s: %s",
					c->how->write, strerror(-written));
		close(c->writer.fd);
	}
	packet_writer_free(&c->writer);
	if (c->lines.failed && !err)
		err = -ENOMEM;
	buf_free(&c->lines);
	packet_printer_close(&c->printer);
	packet_filter_close(c->filter);
	hold_close(c);
	packet_reader_close(c->reader);
	packet_live_close(c->live);
	return err;
}

static struct packet_printer printer_of(const struct waggle_capture *how)
{
	return (struct packet_printer){.time = (enum packet_time)how->time,
				       .nano = how->nano,
				       .utc = how->utc,
				       .link_header = how->link_header,
				       .quiet = how->brief,
				       .absolute = how->absolute,
				       .number = how->number,
				       .verbose = (u8)MIN(MAX(how->verbose, 0), 3),
				       .unchecked = how->unchecked,
				       .processes = how->processes || how->pid || how->comm,
				       .hex = (u8)how->hex,
				       .ascii = how->ascii};
}

int waggle_capture(struct waggle_capture *how, const struct waggle_opts *opts)
{
	struct waggle_capture own = {0};
	struct capturing c = {.how = &own};
	int err = opts_copy(&c.opts, opts);

	if (err)
		return err;
	if (how->sz < offsetof(struct waggle_capture, seen))
		return -EINVAL;
	memcpy(&own, how, MIN(how->sz, sizeof(own)));
	own.seen = own.matched = own.owned = own.strays = 0;
	c.diag = (struct diag){.fn = c.opts.diag, .user = c.opts.user};
	c.printer = printer_of(&own);
	err = own.device ? open_device(&c)
			 : packet_reader_open_file(&c.reader, c.how->read, &c.diag);
	if (!err)
		err = open_filter(&c);
	if (!err)
		err = own.write ? capture_file_open(&c) : 0;
	if (!err)
		err = c.live ? each_live(&c) : each_packet(&c);
	if (err == CAPTURE_ENOUGH)
		err = 0;
	err = finish(&c, err);
	memcpy(how, &own, MIN(how->sz, sizeof(own)));
	return err;
}
