/*
 * capture.c: the call of waggle.h that takes packets from a file or a device and shows, counts or
 * keeps them.
 *
 * In:  a capture file, or what comes. Out: lines, a number, or another file.
 */
#include "session/filter.h"
#include "session/opts.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define LINES_ENOUGH (1 << 16)
#define CLASSIC_MOST 4096 /* BPF_MAXINSNS: instructions that the kernel takes */

struct capture {
	struct waggle_capture *how;
	struct waggle_opts opts;
	struct diag diag;
	struct packet_reader *reader;
	struct packet_live *live; /* one of both */
	struct packet_printer printer;
	struct packet_writer writer;
	struct buf lines;
	bool writes;
	struct packet_filter *filter; /* of the kind of link that came last */
	u32 filter_link;
};

static int open_file(struct capture *c)
{
	const char *path = c->how->read;
	int fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);

	if (fd < 0)
		return diag_fail(&c->diag, -errno, NULL, "cannot read %s: %s", path,
				 strerror(errno));
	return packet_reader_open(&c->reader, fd, path, &c->diag);
}

static struct packet_live_opts live_opts(const struct capture *c)
{
	return (struct packet_live_opts){.device = c->how->device,
					 .promiscuous = c->how->promiscuous};
}

static int open_device(struct capture *c)
{
	const struct packet_live_opts o = live_opts(c);

	return packet_live_open(&c->live, &o, &c->diag);
}

static int open_output(struct capture *c)
{
	const char *path = c->how->write;

	if (!path)
		return 0;
	c->writes = true;
	c->writer.nano = c->how->nano;
	c->writer.format = c->how->pcapng ? PACKET_PCAPNG : PACKET_PCAP;
	c->writer.fd = strcmp(path, "-") != 0
			       ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
			       : dup(STDOUT_FILENO);
	if (c->writer.fd < 0)
		return diag_fail(&c->diag, -errno, NULL, "cannot write %s: %s", path,
				 strerror(errno));
	return 0;
}

static void show_lines(struct capture *c)
{
	if (c->lines.n && c->opts.out)
		c->opts.out(c->opts.user, buf_str(&c->lines), c->lines.n);
	c->lines.n = 0;
}

/* A file has one kind of link. */
static int keep(struct capture *c, const struct packet *p)
{
	u32 snaplen = 0;

	if (!c->how->matched) {
		if (c->reader)
			packet_reader_link(c->reader, &snaplen);
		packet_writer_begin(&c->writer, p->link, snaplen ? snaplen : PACKET_BYTES_MOST);
	} else if (p->link != c->writer.link) {
		return diag_fail(
			&c->diag, -EINVAL, "write the interfaces one by one",
			"%s has packets of several kinds of links: one file cannot keep them",
			c->how->read);
	}
	packet_write(&c->writer, p);
	return 0;
}

static int take(struct capture *c, struct packet *p)
{
	int err = 0;

	if (c->how->snaplen)
		p->captured = MIN(p->captured, c->how->snaplen);
	if (c->writes)
		err = keep(c, p);
	else if (!c->how->count_only)
		packet_print(&c->lines, &c->printer, p);
	if (c->lines.n >= LINES_ENOUGH)
		show_lines(c);
	c->how->matched++;
	return err;
}

/* Interfaces of a file may be of several kinds: the filter is made for the one that is at hand. */
static int filter_for(struct capture *c, u32 link)
{
	if (!c->how->filter || !*c->how->filter || (c->filter && c->filter_link == link))
		return 0;
	packet_filter_close(c->filter);
	c->filter_link = link;
	return packet_filter_open(&c->filter, c->how->filter, link, c->how->netmask, &c->diag);
}

/* A mistake in the expression is told before the first packet comes. */
static int open_filter(struct capture *c)
{
	int link = c->live ? (int)packet_live_link(c->live) : packet_reader_link(c->reader, NULL);

	return filter_for(c, link < 0 ? LINK_ETHERNET : (u32)link);
}

static int handle(struct capture *c, struct packet *p)
{
	int err = filter_for(c, p->link);

	c->how->seen++;
	if (!err && (!c->filter || packet_filter_takes(c->filter, p)))
		err = take(c, p);
	return err;
}

/* Nothing but numbers is wanted. */
static void count(struct capture *c)
{
	u64 (*test)(u64) = c->filter ? packet_filter_direct(c->filter) : NULL;
	struct packet_counts n = {0};

	if (!c->how->count_only || c->writes || c->how->most || (c->filter && !test))
		return;
	packet_count(c->reader, test, &n);
	c->how->seen += n.seen;
	c->how->matched += n.taken;
}

static int each_packet(struct capture *c)
{
	struct packet p;
	int got = 0, err = 0;

	count(c);
	while (!err && !c->writer.err && (got = packet_read(c->reader, &p)) > 0) {
		err = handle(c, &p);
		if (c->how->most && c->how->matched == c->how->most)
			break;
	}
	return got < 0 ? got : err;
}

/* ---- as they come */

/* The kernel sees neither the header of a cooked packet nor a tag that was taken off: then only we
 * choose. */
static int live_start(struct capture *c)
{
	struct packet_live_opts o = live_opts(c);

	if (c->filter && packet_live_link(c->live) != LINK_SLL2 && !strstr(c->how->filter, "vlan"))
		o.insns = packet_filter_code(c->filter, &o.ninsns);
	if (o.ninsns > CLASSIC_MOST)
		o.ninsns = 0;
	return packet_live_start(c->live, &o, &c->diag);
}

/* Nothing waits longer than until there is nothing else to do. Nonzero: it is the end. */
static int wait_for_packets(struct capture *c)
{
	struct pollfd p[2] = {{.fd = packet_live_fd(c->live), .events = POLLIN},
			      {.fd = c->how->stop_fd > 0 ? c->how->stop_fd : -1, .events = POLLIN}};

	show_lines(c);
	if (c->writes && c->writer.out.n && packet_flush(&c->writer))
		return 1; /* finish() tells */
	if (poll(p, 2, -1) < 0 && errno != EINTR)
		return 1;
	return p[1].revents != 0;
}

static int each_live(struct capture *c)
{
	struct packet p;
	int err = live_start(c);

	if (err)
		return err;
	if (!c->opts.quiet)
		diag_note(&c->diag, NULL, "listening on %s", c->how->device);
	do {
		while (!err && packet_live_next(c->live, &p)) {
			err = handle(c, &p);
			if (c->how->most && c->how->matched == c->how->most)
				goto out;
		}
	} while (!err && !wait_for_packets(c));
out:
	packet_live_counts(c->live, &c->how->received, &c->how->dropped);
	return err;
}

static int finish(struct capture *c, int err)
{
	int written = 0;

	show_lines(c);
	if (c->writes && c->writer.fd >= 0) {
		if (!c->how->matched && (c->reader || c->live)) { /* an empty file is one, too */
			u32 snaplen = 0;
			int link = c->live ? (int)packet_live_link(c->live)
					   : packet_reader_link(c->reader, &snaplen);

			packet_writer_begin(&c->writer, link < 0 ? LINK_ETHERNET : (u32)link,
					    snaplen ? snaplen : PACKET_BYTES_MOST);
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
				       .hex = (u8)how->hex,
				       .ascii = how->ascii};
}

int waggle_capture(struct waggle_capture *how, const struct waggle_opts *opts)
{
	struct waggle_capture own = {0};
	struct capture c = {.how = &own};
	int err = opts_copy(&c.opts, opts);

	if (err)
		return err;
	if (how->sz < offsetof(struct waggle_capture, seen))
		return -EINVAL;
	memcpy(&own, how, MIN(how->sz, sizeof(own)));
	own.seen = own.matched = 0;
	c.diag = (struct diag){.fn = c.opts.diag, .user = c.opts.user};
	c.printer = printer_of(&own);
	err = own.device ? open_device(&c) : open_file(&c);
	if (!err)
		err = open_filter(&c);
	if (!err)
		err = open_output(&c);
	if (!err)
		err = c.live ? each_live(&c) : each_packet(&c);
	err = finish(&c, err);
	memcpy(how, &own, MIN(how->sz, sizeof(own)));
	return err;
}
