/*
 * packets.c: skboutput(): the capture files of a script.
 *
 * In:  records of ACTION_PCAP: a length, bytes; the action's text is the file's name.
 * Out: files that tcpdump and Wireshark read: packets that begin with their IP header, times in ns.
 *
 * A file is made when its first packet comes. What cannot be written is said once.
 */
#include "packet/packet.h"
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct capture {
	const char *path; /* of the object */
	struct capture *next;
	struct packet_writer file; /* .err: was said */
};

static void failed(struct waggle_session *s, const struct capture *c)
{
	diag_warn(&s->diag, (struct loc){0}, NULL, "skboutput(\"%s\"): %s", c->path,
		  strerror(-c->file.err));
}

static void create(struct waggle_session *s, struct capture *c, u32 most)
{
	int fd = open(c->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	c->file = (struct packet_writer){.fd = fd, .nano = true, .err = fd < 0 ? -errno : 0};
	packet_writer_begin(&c->file, LINK_RAW, most);
	if (packet_flush(&c->file))
		failed(s, c);
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
	create(s, c, schema->layout.fields[1].size - 8);
	return c;
}

void session_packet(struct waggle_session *s, const struct schema *schema, u64 ns,
		    const u8 *payload, u32 size)
{
	const struct layout *l = &schema->layout;
	struct capture *c;
	struct packet p;
	u64 length, have;

	if (l->n != 2 || l->fields[0].size != 8 || l->fields[1].kind != FIELD_BUF ||
	    size < l->fields[1].off + 8u)
		return;
	memcpy(&length, payload + l->fields[0].off, 8);
	memcpy(&have, payload + l->fields[1].off, 8);
	have = MIN(have, size - l->fields[1].off - 8u);
	c = capture_of(s, schema);
	if (!c || c->file.err)
		return;
	p = (struct packet){.time = ns + (u64)s->sink.show.wall_ns[TIME_MONOTONIC],
			    .data = payload + l->fields[1].off + 8,
			    .captured = (u32)have,
			    .len = (s64)length < (s64)have ? (u32)have
							   : (u32)MIN(length, (u64)UINT32_MAX)};
	packet_write(&c->file, &p);
	if (packet_flush(&c->file)) /* whoever reads the file sees it at once */
		failed(s, c);
}

void session_packets_close(struct waggle_session *s)
{
	for (struct capture *c = s->captures, *next; c; c = next) {
		next = c->next;
		if (c->file.fd >= 0)
			close(c->file.fd);
		packet_writer_free(&c->file);
		free(c);
	}
	s->captures = NULL;
}
