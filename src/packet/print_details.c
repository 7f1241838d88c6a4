/*
 * print_details.c: what -v tells of the headers of IPv4 (RFC 791) and IPv6.
 *
 * In:  headers that are there as a whole. Out: what stands in brackets behind "IP" and "IP6".
 */
#include "packet/print.h"

static const struct {
	u32 number;
	const char *name;
} protocols[] = {
	{0, "Options"},
	{1, "ICMP"},
	{2, "IGMP"},
	{4, "IPIP"},
	{6, "TCP"},
	{8, "EGP"},
	{9, "IGRP"},
	{17, "UDP"},
	{33, "DCCP"},
	{41, "IPv6"},
	{43, "Routing"},
	{44, "Fragment"},
	{46, "RSVP"},
	{47, "GRE"},
	{50, "ESP"},
	{51, "AH"},
	{55, "Mobile IP"},
	{58, "ICMPv6"},
	{62, "Mobile IP (old)"},
	{88, "EIGRP"},
	{89, "OSPF"},
	{103, "PIM"},
	{108, "Compressed IP"},
	{112, "VRRP"},
	{113, "PGM"},
	{132, "SCTP"},
	{135, "Mobility"},
	{143, "Ethernet"},
};

static const char *protocol_name(u32 number)
{
	for (u32 i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocols[i].number == number)
			return protocols[i].name;
	return "unknown";
}

/* ---- options; o: one of them, n bytes */

/* Addresses, with a mark in front of the one that comes next. */
static void put_route(struct line *l, const u8 *o, u32 n)
{
	if (n < 3)
		return;
	if ((n + 1) & 3)
		buf_printf(l->b, " [bad length %u]", n);
	for (u32 i = 3; i < n; i += 4) {
		u8 address[4] = {0};

		memcpy(address, o + i, MIN(4u, n - i));
		put(l, o[2] == i + 1 && i > 3 ? "," : "");
		put(l, " ");
		put_ip4(l, address);
	}
}

static void put_alert(struct line *l, const u8 *o, u32 n)
{
	if (n < 4)
		buf_printf(l->b, " [bad length %u]", n);
	else if (o[2] || o[3])
		put_u32(l, " value ", view_u16(&(struct view){o, n, n}, 2));
}

static void put_times(struct line *l, const u8 *o, u32 n)
{
	const u32 kind = n > 3 ? o[3] & 15 : 0, step = kind ? 8 : 4;

	if (n < 4) {
		buf_printf(l->b, "[bad length %u]", n);
		return;
	}
	put(l, " TS{");
	put(l, kind == 0   ? "TSONLY"
	       : kind == 1 ? "TS+ADDR"
	       : kind == 3 ? "PRESPEC"
			   : "[bad ts type]");
	for (u32 i = 4; i + step <= n; i += step) {
		const struct view v = {o, n, n};

		put(l, o[2] == i + 1 ? " ^ " : " ");
		put_u32(l, "", view_u32(&v, i + step - 4));
		put(l, "@");
		if (kind)
			put_ip4(l, o + i);
	}
	put(l, "}");
}

static const struct {
	u32 kind;
	const char *name;
	void (*put)(struct line *, const u8 *, u32 n);
} options[] = {
	{7, "RR", put_route},         {131, "LSRR", put_route}, {137, "SSRR", put_route},
	{68, "timestamp", put_times}, {148, "RA", put_alert},   {130, "security", NULL},
	{82, "traceroute", NULL},
};

static void put_option(struct line *l, const u8 *o, u32 n)
{
	for (u32 i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].kind == *o) {
			put(l, options[i].name);
			if (options[i].put)
				options[i].put(l, o, n);
			return;
		}
	put_u32(l, "unknown ", *o);
}

static void put_options(struct line *l, const u8 *o, u32 n)
{
	const char *between = "";

	put(l, ", options (");
	for (u32 len; n; o += len, n -= len) {
		put(l, between);
		between = ",";
		len = 1;
		if (!*o) {
			put(l, "EOL");
			break;
		}
		if (*o == 1) {
			put(l, "NOP");
			continue;
		}
		len = n > 1 ? o[1] : 0;
		if (len < 2 || len > n) {
			put_short(l, "ip");
			break;
		}
		put_option(l, o, len);
	}
	put(l, ")");
}

/* ---- headers */

void put_ip4_details(struct line *l, const struct view *v, u32 head)
{
	static const char *const congestion[] = {"", ",ECT(1)", ",ECT(0)", ",CE"};
	static const char *const flags[] = {"+", "DF", "rsvd"};
	const char *between = "";
	u32 bits = view_u16(v, 6), sum;

	buf_printf(l->b, "(tos 0x%x%s", v->p[1], congestion[v->p[1] & 3]);
	if (v->p[8])
		put_u32(l, ", ttl ", v->p[8]);
	buf_printf(l->b, ", id %u, offset %u, flags [", view_u16(v, 4), (bits & 0x1fff) * 8);
	for (u32 i = 0; i < 3; i++)
		if (bits >> (13 + i) & 1) {
			put(l, between);
			put(l, flags[i]);
			between = ", ";
		}
	buf_printf(l->b, "%s], proto %s (%u), length %u", bits >> 13 ? "" : "none",
		   protocol_name(v->p[9]), v->p[9], view_u16(v, 2));
	if (head > 20 && view_has(v, 0, head))
		put_options(l, v->p + 20, head - 20);
	sum = !l->o->unchecked && view_has(v, 0, head) ? checksum(v->p, head) : 0;
	if (sum)
		buf_printf(l->b, ", bad cksum %x (->%x)!", view_u16(v, 10),
			   checksum_wanted(view_u16(v, 10), sum));
	put(l, ")\n    ");
}

/* Of the headers in front of it: kind, length, value. */
void put_ip6_options(struct line *l, const struct view *v, u32 n)
{
	for (u32 at = 2, len; at < n && view_has(v, at, 1); at += len) {
		len = 1;
		if (!v->p[at]) {
			put(l, "(pad1)");
			continue;
		}
		if (!view_has(v, at, 2) || at + 2 + v->p[at + 1] > n)
			break;
		len = 2 + v->p[at + 1];
		if (!view_has(v, at, len))
			break;
		if (v->p[at] == 1)
			put(l, "(padn)");
		else if (v->p[at] == 5 && len == 4)
			buf_printf(l->b, "(rtalert: 0x%04x) ", view_u16(v, at + 2));
		else if (v->p[at] == 0xc2 && len == 6)
			buf_printf(l->b, "(jumbo: %u) ", view_u32(v, at + 2));
		else
			buf_printf(l->b, "(opt_type 0x%02x: len=%u)", v->p[at], len - 2);
	}
	put(l, " ");
}

void put_ip6_details(struct line *l, const struct view *v)
{
	u32 first = view_u32(v, 0);

	put(l, "(");
	if (first >> 20 & 0xff)
		buf_printf(l->b, "class 0x%02x, ", first >> 20 & 0xff);
	if (first & 0xfffff)
		buf_printf(l->b, "flowlabel 0x%05x, ", first & 0xfffff);
	buf_printf(l->b, "hlim %u, next-header %s (%u) payload length: %u) ", v->p[7],
		   protocol_name(v->p[6]), v->p[6], view_u16(v, 4));
}
