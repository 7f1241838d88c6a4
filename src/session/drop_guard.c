/*
 * drop_guard.c: does a firewall cut the SSH session that it was typed in?
 *
 * In:  the session's addresses, as sshd leaves them in SSH_CONNECTION; the rules. Out: the rules
 * are run over packets as that session has: TCP's first one, one with data, an acknowledgement, and
 * ARP, without which no address is found for long. Without such a session, too, it is said when
 * nobody's address can be found any more.
 *
 * sudo and su take the variable away: then it is in the environment of a process above us.
 */
#include "session/drop.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ENVIRON_MOST (1u << 20)
#define ANCESTORS    64

struct session {
	int family;
	u8 from[16], to[16]; /* of a packet that passes the place */
	u32 from_port, to_port;
};

/* ---- who typed it */

static u32 parent_of(u32 pid)
{
	char path[64], text[512], *end;
	FILE *f;
	unsigned parent = 0;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	end = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
	if (!end || sscanf(end, ") %*c %u", &parent) != 1)
		parent = 0;
	fclose(f);
	return parent;
}

/* The variable in the environment that a process began with. */
static const char *of_process(struct arena *a, u32 pid)
{
	static const char name[] = "SSH_CONNECTION=";
	struct buf text = {0};
	const char *found = NULL;
	char path[64], part[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && text.n < ENVIRON_MOST && (n = read(fd, part, sizeof(part))) > 0)
		buf_add(&text, part, (size_t)n);
	if (fd >= 0)
		close(fd);
	buf_char(&text, 0);
	for (size_t i = 0; !text.failed && i < text.n && !found; i += strlen(text.p + i) + 1)
		if (!strncmp(text.p + i, name, sizeof(name) - 1))
			found = arena_strdup(a, text.p + i + sizeof(name) - 1);
	buf_free(&text);
	return found;
}

static const char *look_above(struct arena *a)
{
	u32 pid = (u32)getpid();

	for (u32 i = 0; i < ANCESTORS && pid > 1; i++) {
		const char *found;

		pid = parent_of(pid);
		found = pid ? of_process(a, pid) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

/* "CLIENT PORT SERVER PORT" */
static bool parse(struct session *s, const char *text, bool egress)
{
	char client[64], server[64];
	u8 a[16], b[16];
	u32 client_port, server_port;

	if (sscanf(text, "%63s %u %63s %u", client, &client_port, server, &server_port) != 4)
		return false;
	s->family = strchr(client, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(s->family, client, a) != 1 || inet_pton(s->family, server, b) != 1)
		return false;
	memcpy(s->from, egress ? b : a, 16);
	memcpy(s->to, egress ? a : b, 16);
	s->from_port = egress ? server_port : client_port;
	s->to_port = egress ? client_port : server_port;
	return true;
}

/* ---- what passes */

static void put16(struct buf *b, u32 v)
{
	buf_char(b, (char)(v >> 8));
	buf_char(b, (char)v);
}

static void put_bytes(struct buf *b, const char *bytes, size_t n)
{
	buf_add(b, bytes, n);
}

static void put_ip(struct buf *b, const struct session *s, u32 carried)
{
	if (s->family == AF_INET) {
		put_bytes(b, "\x45\0", 2);
		put16(b, 20 + carried);
		put_bytes(b, "\0\0\x40\0\x40\x06\0\0", 8);
		buf_add(b, (const char *)s->from, 4);
		buf_add(b, (const char *)s->to, 4);
	} else {
		put_bytes(b, "\x60\0\0\0", 4);
		put16(b, carried);
		put_bytes(b, "\x06\x40", 2);
		buf_add(b, (const char *)s->from, 16);
		buf_add(b, (const char *)s->to, 16);
	}
}

static void put_tcp(struct buf *b, const struct session *s, u32 flags, const char *data)
{
	put_ip(b, s, 20 + (u32)strlen(data));
	put16(b, s->from_port);
	put16(b, s->to_port);
	put_bytes(b, "\0\0\0\1\0\0\0\1\x50", 9);
	buf_char(b, (char)flags);
	put_bytes(b, "\xff\xff\0\0\0\0", 6);
	buf_puts(b, data);
}

static void put_ethernet(struct buf *b, u32 type)
{
	put_bytes(b, "\x02\0\0\0\0\2\x02\0\0\0\0\1", 12);
	put16(b, type);
}

static void put_arp(struct buf *b, const struct session *s)
{
	put_ethernet(b, 0x806);
	put_bytes(b, "\0\1\x08\0\x06\4\0\2\x02\0\0\0\0\1", 14);
	buf_add(b, (const char *)s->from, 4);
	put_bytes(b, "\x02\0\0\0\0\2", 6);
	buf_add(b, (const char *)s->to, 4);
}

static int passes(struct drop_rules *r, const struct buf *b, u32 link, const char *ssh,
		  const char *what)
{
	const struct packet p = {
		.data = (const u8 *)b->p, .captured = (u32)b->n, .len = (u32)b->n, .link = link};
	int rule = drop_rules_match(r, &p);

	if (rule < 0 || !drop_rules_drop(r, (u32)rule))
		return MIN(rule, 0);
	return diag_fail(r->diag, -EPERM,
			 "--force does it all the same; --dry-run -r FILE tells what it does",
			 "this would cut the SSH session that it was typed in (%s): %s%s drops %s",
			 ssh, (u32)rule < r->list.n ? r->list.v[rule].text : "--default",
			 (u32)rule < r->list.n ? "" : " drop", what);
}

static int look(struct drop_rules *r, const struct drop_place *place, const char *ssh)
{
	static const struct {
		u32 flags;
		const char *data, *what;
	} segments[] = {{0x02, "", "its SYN"},
			{0x18, "SSH-2.0-OpenSSH\r\n", "its data"},
			{0x10, "", "its acknowledgements"}};
	bool raw = !strcmp(place->link, "RAW");
	struct session s;
	int err = 0;

	ssh = ssh && *ssh ? ssh : look_above(&r->arena);
	if (!ssh || !parse(&s, ssh, place->egress))
		return 0;
	for (u32 i = 0; i <= ARRAY_SIZE(segments) && !err; i++) {
		struct buf b = {0};
		bool arp = i == ARRAY_SIZE(segments);

		if (arp && (raw || s.family != AF_INET))
			break;
		if (arp) {
			put_arp(&b, &s);
		} else {
			if (!raw)
				put_ethernet(&b, s.family == AF_INET ? 0x800 : 0x86dd);
			put_tcp(&b, &s, segments[i].flags, segments[i].data);
		}
		err = b.failed ? -ENOMEM
			       : passes(r, &b, raw ? LINK_RAW : LINK_ETHERNET, ssh,
					arp ? "ARP, without which its address is not found"
					    : segments[i].what);
		buf_free(&b);
	}
	return err;
}

int drop_guard(struct drop_rules *r, const struct drop_place *place, const char *ssh)
{
	if (setjmp(r->escape))
		return diag_fail(r->diag, -ENOMEM, NULL, "out of memory");
	return look(r, place, ssh);
}

/* ---- neighbours */

static void put_solicitation(struct buf *b)
{
	static const u8 to[16] = {0xff, 2, [11] = 1, 0xff, 0, 0, 1},
			of[16] = {0xfe, 0x80, [15] = 1};
	static const u8 from[16] = {0xfe, 0x80, [15] = 2};

	put_ethernet(b, 0x86dd);
	put_bytes(b, "\x60\0\0\0\0\x18\x3a\xff", 8);
	buf_add(b, (const char *)from, 16);
	buf_add(b, (const char *)to, 16);
	put_bytes(b, "\x87\0\0\0\0\0\0\0", 8);
	buf_add(b, (const char *)of, 16);
}

/* 1: the default drops it. -errno */
static int is_left(struct drop_rules *r, struct buf *b)
{
	const struct packet p = {.data = (const u8 *)b->p,
				 .captured = (u32)b->n,
				 .len = (u32)b->n,
				 .link = LINK_ETHERNET};
	int rule = b->failed ? -ENOMEM : drop_rules_match(r, &p);

	buf_free(b);
	return rule < 0 ? rule : (u32)rule == r->list.n;
}

static int look_for_neighbours(struct drop_rules *r)
{
	const struct session nobody = {
		.family = AF_INET, .from = {10, 0, 0, 1}, .to = {10, 0, 0, 2}};
	struct buf arp = {0}, solicitation = {0};
	int four, six;

	put_arp(&arp, &nobody);
	put_solicitation(&solicitation);
	four = is_left(r, &arp);
	six = is_left(r, &solicitation);
	if (four < 0 || six < 0)
		return MIN(four, six);
	if (four || six)
		diag_warn(
			r->diag, (struct loc){0},
			four && six ? "'pass arp or icmp6' lets them through"
			: four      ? "'pass arp' lets it through"
				    : "'pass icmp6' lets it through",
			"--default drop drops %s, without which no address of a neighbour is found",
			four && six ? "ARP and IPv6's neighbour discovery"
			: four      ? "ARP"
				    : "IPv6's neighbour discovery");
	return 0;
}

int drop_guard_neighbours(struct drop_rules *r, const struct drop_place *place)
{
	if (!r->default_drops || !strcmp(place->link, "RAW"))
		return 0;
	if (setjmp(r->escape))
		return diag_fail(r->diag, -ENOMEM, NULL, "out of memory");
	return look_for_neighbours(r);
}
