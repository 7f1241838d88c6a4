/*
 * names.c: names of services, protocols, networks, hosts; addresses from text.
 *
 * In:  names; the files of names of the machine, by the caller's callback.
 * Out: numbers. The files are read line by line as they are needed; nothing is asked of a server.
 */
#include "filter/inside.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- addresses */

bool parse_ip4(const char *text, u32 *address, u32 *parts)
{
	u32 n = 0, value = 0;
	char *end;

	for (;;) {
		unsigned long part;

		if (!isdigit((unsigned char)*text))
			return false;
		part = strtoul(text, &end, 10);
		if (part > 255 || end - text > 3)
			return false;
		value = value << 8 | (u32)part;
		n++;
		if (!*end)
			break;
		if (*end != '.' || n == 4)
			return false;
		text = end + 1;
	}
	*address = value;
	*parts = n;
	return true;
}

/* One group of up to four digits; moves on. */
static bool group(const char **p, u32 *value)
{
	u32 n = 0;

	*value = 0;
	while (isxdigit((unsigned char)**p) && n++ < 4) {
		char c = **p;

		*value = *value << 4 | (u32)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
		(*p)++;
	}
	return n && !isxdigit((unsigned char)**p);
}

bool parse_ip6(const char *p, u8 out[16])
{
	u8 bytes[16] = {0};
	u32 n = 0, value, parts, gap = 17;

	if (p[0] == ':' && p[1] != ':')
		return false;
	p += *p == ':';
	while (*p) {
		if (*p == ':') {
			if (gap != 17)
				return false;
			gap = n;
			p++;
			continue;
		}
		if (n <= 12 && strchr(p, '.') && !strchr(p, ':') && parse_ip4(p, &value, &parts) &&
		    parts == 4) {
			for (int i = 24; i >= 0; i -= 8)
				bytes[n++] = (u8)(value >> i);
			break;
		}
		if (n == 16 || !group(&p, &value))
			return false;
		bytes[n++] = (u8)(value >> 8);
		bytes[n++] = (u8)value;
		if (*p && (*p != ':' || !p[1]))
			return false;
		p += *p == ':';
	}
	if (gap == 17 ? n != 16 : n == 16)
		return false;
	memset(out, 0, 16);
	gap = MIN(gap, n);
	memcpy(out, bytes, gap);
	memcpy(out + 16 - (n - gap), bytes + gap, n - gap);
	return true;
}

/* 6 groups with : - or . between, 3 of four digits with ., 12 digits */
bool parse_mac(const char *p, u8 out[6])
{
	char digits[13];
	const char *from = p;
	u32 n = 0, value;
	char sep;

	if (strlen(p) == 12 && strspn(p, "0123456789abcdefABCDEF") == 12 &&
	    strspn(p, "0123456789") < 12)
		memcpy(digits, p, 13);
	else if (strlen(p) == 14 && p[4] == '.' && p[9] == '.')
		snprintf(digits, sizeof(digits), "%.4s%.4s%.4s", p, p + 5, p + 10);
	else
		goto groups;
	for (p = digits; n < 6; n++, p += 2) {
		char two[3] = {p[0], p[1], 0};
		const char *at = two;

		if (!group(&at, &value) || *at)
			return false;
		out[n] = (u8)value;
	}
	return true;
groups:
	for (sep = 0; n < 6; n++) {
		p = from;
		if (!group(&p, &value) || value > 255 || p - from > 2)
			return false;
		out[n] = (u8)value;
		if (n == 5)
			break;
		if ((*p != ':' && *p != '-' && *p != '.') || (sep && *p != sep))
			return false;
		sep = *p;
		from = p + 1;
	}
	return !*p;
}

/* ---- files: words of a line, comments cut off */

struct line {
	char *word[36];
	u32 n;
};

static bool next_line(struct names *names, const char **p, const char *end, struct line *out)
{
	const char *nl = memchr(*p, '\n', (size_t)(end - *p));
	char *text, *save = NULL;

	out->n = 0;
	if (*p >= end)
		return false;
	nl = nl ? nl : end;
	text = arena_strndup(names->arena, *p, (size_t)(nl - *p));
	text[strcspn(text, "#")] = 0;
	for (char *w = strtok_r(text, " \t\r", &save); w && out->n < ARRAY_SIZE(out->word);
	     w = strtok_r(NULL, " \t\r", &save))
		out->word[out->n++] = w;
	*p = nl < end ? nl + 1 : end;
	return true;
}

/* Calls `found` for each line that has the name in the place `from` or behind; stops at true. */
static int look_up(struct names *names, const char *path, const char *name, u32 from,
		   bool (*found)(const struct line *, void *), void *out)
{
	const char *text, *p;
	struct line line;
	size_t size = 0;
	int err = -ENOENT;

	text = names->opts->names ? names->opts->names(names->opts->user, path, &size) : NULL;
	for (p = text; p && next_line(names, &p, text + size, &line);)
		for (u32 i = 0; i < line.n; i++) {
			if ((i == 1 && from == 0) || i < from ||
			    strcasecmp(line.word[i], name) != 0)
				continue;
			err = 0;
			if (found(&line, out))
				return 0;
			break;
		}
	return err;
}

struct service {
	u32 tcp, udp, sctp; /* ports, 0: none */
};

static bool service_line(const struct line *line, void *out)
{
	struct service *s = out;
	char *end;
	unsigned long port = line->n > 1 ? strtoul(line->word[1], &end, 10) : 0;

	if (!port || port > 65535 || *end != '/')
		return false;
	if (!strcmp(end, "/tcp") && !s->tcp)
		s->tcp = (u32)port;
	if (!strcmp(end, "/udp") && !s->udp)
		s->udp = (u32)port;
	if (!strcmp(end, "/sctp") && !s->sctp)
		s->sctp = (u32)port;
	return false;
}

int names_service(struct names *names, const char *name, u16 *port, u32 *protocol)
{
	struct service s = {0};
	int err = look_up(names, "/etc/services", name, 0, service_line, &s);

	if (err || (!s.tcp && !s.udp && !s.sctp))
		return -ENOENT;
	*protocol = s.tcp && s.udp ? 0 : s.tcp ? 6 : s.udp ? 17 : 132;
	*port = (u16)(s.tcp ? s.tcp : s.udp ? s.udp : s.sctp);
	if (s.tcp && s.udp && s.tcp != s.udp)
		*protocol = 6;
	return 0;
}

static bool number_line(const struct line *line, void *out)
{
	char *end;

	if (line->n < 2 || !isdigit((unsigned char)line->word[1][0]))
		return false;
	*(u32 *)out = (u32)strtoul(line->word[1], &end, 10);
	return !*end;
}

int names_protocol(struct names *names, const char *name, u32 *number)
{
	static const struct {
		const char *name;
		u32 number;
	} known[] = {{"icmp", 1},   {"igmp", 2},   {"tcp", 6},   {"udp", 17},   {"ipv6-icmp", 58},
		     {"icmp6", 58}, {"esp", 50},   {"ah", 51},   {"sctp", 132}, {"gre", 47},
		     {"pim", 103},  {"vrrp", 112}, {"ospf", 89}, {"igrp", 9}};

	if (!look_up(names, "/etc/protocols", name, 0, number_line, number))
		return 0;
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcasecmp(known[i].name, name)) {
			*number = known[i].number;
			return 0;
		}
	return -ENOENT;
}

int names_ether_type(const char *name, u32 *number)
{
	static const struct {
		const char *name;
		u32 number;
	} known[] = {
		{"ip", 0x800},     {"ip6", 0x86dd},   {"arp", 0x806},     {"rarp", 0x8035},
		{"atalk", 0x809b}, {"aarp", 0x80f3},  {"decnet", 0x6003}, {"lat", 0x6004},
		{"sca", 0x6007},   {"mopdl", 0x6001}, {"moprc", 0x6002},  {"loopback", 0x9000},
		{"iso", 0xfe},     {"stp", 0x42},     {"ipx", 0xe0},      {"netbeui", 0xf0},
	};

	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name)) {
			*number = known[i].number;
			return 0;
		}
	return -ENOENT;
}

static bool mac_line(const struct line *line, void *out)
{
	return parse_mac(line->word[0], out);
}

int names_ether(struct names *names, const char *name, u8 mac[6])
{
	u8 found[6];

	if (look_up(names, "/etc/ethers", name, 1, mac_line, found))
		return -ENOENT;
	memcpy(mac, found, 6);
	return 0;
}

static bool net_line(const struct line *line, void *out)
{
	u32 parts;

	return line->n > 1 && parse_ip4(line->word[1], out, &parts);
}

int names_network(struct names *names, const char *name, u32 *net)
{
	*net = 0;
	return look_up(names, "/etc/networks", name, 0, net_line, net) || !*net ? -ENOENT : 0;
}

struct found_hosts {
	struct names *names;
	struct host_addresses *out;
};

static bool host_line(const struct line *line, void *user)
{
	struct found_hosts *f = user;
	struct host_address *a;
	u32 address, parts;
	u8 bytes[16] = {0};
	bool v6 = parse_ip6(line->word[0], bytes);

	if (!v6) {
		if (!parse_ip4(line->word[0], &address, &parts) || parts != 4)
			return false;
		for (u32 i = 0; i < 4; i++)
			bytes[i] = (u8)(address >> (24 - 8 * i));
	}
	vec_each (old, &f->out->v)
		if (old->v6 == v6 && !memcmp(old->bytes, bytes, 16))
			return false;
	a = vec_add(f->names->arena, &f->out->v);
	a->v6 = v6;
	memcpy(a->bytes, bytes, 16);
	return false;
}

int names_host(struct names *names, const char *name, struct host_addresses *out)
{
	struct found_hosts f = {names, out};

	return look_up(names, "/etc/hosts", name, 1, host_line, &f) || !out->v.n ? -ENOENT : 0;
}
