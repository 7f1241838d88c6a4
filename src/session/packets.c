/*
 * packets.c: skboutput(): the capture files of a script.
 *
 * In:  records of ACTION_PCAP: a length, bytes; the action's text is the file's name.
 * Out: files that tcpdump and Wireshark read: packets that begin with their IP header, times in ns.
 *
 * A file is made when its first packet comes. What cannot be written is said once.
 */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PCAP_NS  0xa1b23c4du
#define LINK_RAW 101 /* IPv4 or IPv6 */

struct capture {
	const char *path; /* of the object */
	struct capture *next;
	int fd; /* or -errno, which was said */
};

static int put(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

static int create(const char *path, u32 most)
{
	struct {
		u32 magic;
		u16 major, minor;
		u32 zone, accuracy, most, link;
	} head = {PCAP_NS, 2, 4, 0, 0, most, LINK_RAW};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err = fd < 0 ? -errno : put(fd, &head, sizeof(head));

	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

static void failed(struct waggle_session *s, struct capture *c, int err)
{
	diag_warn(&s->diag, (struct loc){0}, NULL, "skboutput(\"%s\"): %s", c->path,
		  strerror(-err));
	if (c->fd >= 0)
		close(c->fd);
	c->fd = err;
}

static struct capture *capture_of(struct waggle_session *s, const struct schema *schema)
{
	struct capture *c = s->captures;

	while (c && strcmp(c->path, schema->action.text) != 0)
		c = c->next;
	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	*c = (struct capture){.path = schema->action.text, .next = s->captures};
	s->captures = c;
	c->fd = create(c->path, schema->layout.fields[1].size - 8);
	if (c->fd < 0)
		failed(s, c, c->fd);
	return c;
}

void session_packet(struct waggle_session *s, const struct schema *schema, u64 ns,
		    const u8 *payload, u32 size)
{
	const struct layout *l = &schema->layout;
	struct capture *c;
	u64 length, have;
	struct {
		u32 s, ns, have, length;
	} head;
	int err;

	if (l->n != 2 || l->fields[0].size != 8 || l->fields[1].kind != FIELD_BUF ||
	    size < l->fields[1].off + 8u)
		return;
	memcpy(&length, payload + l->fields[0].off, 8);
	memcpy(&have, payload + l->fields[1].off, 8);
	have = MIN(have, size - l->fields[1].off - 8u);
	c = capture_of(s, schema);
	if (!c || c->fd < 0)
		return;
	ns += (u64)s->sink.show.wall_ns[TIME_MONOTONIC];
	head.s = (u32)(ns / 1000000000u);
	head.ns = (u32)(ns % 1000000000u);
	head.have = (u32)have;
	head.length = (s64)length < (s64)have ? head.have : (u32)MIN(length, (u64)UINT32_MAX);
	err = put(c->fd, &head, sizeof(head));
	if (!err)
		err = put(c->fd, payload + l->fields[1].off + 8, have);
	if (err)
		failed(s, c, err);
}

void session_packets_close(struct waggle_session *s)
{
	for (struct capture *c = s->captures, *next; c; c = next) {
		next = c->next;
		if (c->fd >= 0)
			close(c->fd);
		free(c);
	}
	s->captures = NULL;
}
