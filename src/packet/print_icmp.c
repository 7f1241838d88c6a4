/* print_icmp.c: ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861). */
#include "packet/print.h"

/* ---- what a message says about another packet, which it brings the beginning of */

struct quoted {
	const u8 *dst;
	u32 protocol, port; /* of the destination */
	bool known, ports;
};

static struct quoted quoted4(struct view v)
{
	struct quoted q = {.known = view_has(&v, 0, 20)};
	u32 head;

	if (!q.known)
		return q;
	head = (*v.p & 15) * 4u;
	q.dst = v.p + 16;
	q.protocol = v.p[9];
	q.ports = view_has(&v, head, 4);
	q.port = q.ports ? view_u16(&v, head + 2) : 0;
	return q;
}

static const char *const unreachables[] = {
	[0] = "net %",
	[1] = "host %",
	[5] = "%^ - source route failed",
	[6] = "net %^ - unknown",
	[7] = "host %^ - unknown",
	[8] = "%^ - source host isolated",
	[9] = "net %^ - admin prohibited",
	[10] = "host %^ - admin prohibited",
	[11] = "net %^ - tos prohibited",
	[12] = "host %^ - tos prohibited",
	[13] = "host %^ - admin prohibited filter",
	[14] = "host %^ - host precedence violation",
	[15] = "host %^ - precedence cutoff",
};

/* "%": the address; "^": unreachable, at the end where there is none. */
static void put_reason(struct line *l, const char *form, const u8 *dst)
{
	bool said = false;

	for (; *form; form++)
		if (*form == '%') {
			put_ip4(l, dst);
		} else if (*form == '^') {
			put(l, " unreachable");
			said = true;
		} else {
			buf_char(l->b, *form);
		}
	put(l, said ? "" : " unreachable");
}

static void put_protocol_port(struct line *l, const struct quoted *q)
{
	put_ip4(l, q->dst);
	if (q->protocol == 6 || q->protocol == 17) {
		put(l, q->protocol == 6 ? " tcp port " : " udp port ");
	} else {
		put_u32(l, " protocol ", q->protocol);
		put(l, " port ");
	}
	put_u32(l, "", q->port);
	put(l, " unreachable");
}

static bool print_unreachable(struct line *l, const struct view *v, u32 code)
{
	const struct quoted q = quoted4(view_from(*v, 8));

	if (!q.known || (code == 3 && !q.ports))
		return false;
	switch (code) {
	case 2:
		put_ip4(l, q.dst);
		put_u32(l, " protocol ", q.protocol);
		put(l, " unreachable");
		return true;
	case 3: put_protocol_port(l, &q); return true;
	case 4:
		put_ip4(l, q.dst);
		put(l, " unreachable - need to frag");
		if (view_u16(v, 6)) {
			put_u32(l, " (mtu ", view_u16(v, 6));
			put(l, ")");
		}
		return true;
	default: break;
	}
	if (code < ARRAY_SIZE(unreachables)) {
		put_reason(l, unreachables[code], q.dst);
	} else {
		put_ip4(l, q.dst);
		put_u32(l, " unreachable - #", code);
	}
	return true;
}

static bool print_redirect(struct line *l, const struct view *v, u32 code)
{
	static const char *const words[] = {"redirect ", "redirect ", "redirect-tos ",
					    "redirect-tos "};
	static const char *const to[] = {" to net ", " to host ", " to net ", " to host "};
	const struct quoted q = quoted4(view_from(*v, 8));

	if (!q.known)
		return false;
	if (code < 4) {
		put(l, words[code]);
		put_ip4(l, q.dst);
		put(l, to[code]);
	} else {
		put_u32(l, "redirect-#", code);
		put(l, " ");
		put_ip4(l, q.dst);
		put(l, " to net ");
	}
	put_ip4(l, v->p + 4);
	return true;
}

static void put_milliseconds(struct line *l, const char *what, u32 t)
{
	buf_printf(l->b, " %s %02u:%02u:%02u.%03u", what, t / 3600000, t / 60000 % 60,
		   t / 1000 % 60, t % 1000);
}

static bool print_time(struct line *l, const struct view *v, bool reply)
{
	if (!view_has(v, 0, 20))
		return false;
	buf_printf(l->b, "time stamp %s id %u seq %u", reply ? "reply" : "query", view_u16(v, 4),
		   view_u16(v, 6));
	if (reply) {
		put(l, ":");
		put_milliseconds(l, "org", view_u32(v, 8));
		buf_char(l->b, ',');
		put_milliseconds(l, "recv", view_u32(v, 12));
		buf_char(l->b, ',');
		put_milliseconds(l, "xmit", view_u32(v, 16));
	}
	return true;
}

/* false: it was not captured as far as it is needed */
static bool print_icmp_kind(struct line *l, const struct view *v)
{
	u32 kind = v->p[0], code = v->p[1];

	switch (kind) {
	case 0:
	case 8:
		buf_printf(l->b, "echo %s, id %u, seq %u", kind ? "request" : "reply",
			   view_u16(v, 4), view_u16(v, 6));
		return true;
	case 3: return print_unreachable(l, v, code);
	case 4: put(l, "source quench"); return true;
	case 5: return print_redirect(l, v, code);
	case 10: put(l, "router solicitation"); return true;
	case 11:
		if (code < 2)
			put(l, code ? "ip reassembly time exceeded" : "time exceeded in-transit");
		else
			put_u32(l, "time exceeded-#", code);
		return true;
	case 12:
		if (code)
			put_u32(l, "parameter problem - code ", code);
		else
			put_u32(l, "parameter problem - octet ", v->p[4]);
		return true;
	case 13:
	case 14: return print_time(l, v, kind == 14);
	case 17: put(l, "address mask request"); return true;
	case 18:
		if (!view_has(v, 0, 12))
			return false;
		buf_printf(l->b, "address mask is 0x%08x", view_u32(v, 8));
		return true;
	default: put_u32(l, "type-#", kind); return true;
	}
}

void print_icmp(struct line *l, struct view v, const struct ends *e)
{
	size_t from = l->b->n;

	(void)e;
	put(l, "ICMP ");
	if (!view_has(&v, 0, 8) || !print_icmp_kind(l, &v)) {
		l->b->n = MIN(l->b->n, from); /* nothing of it is said then */
		put_short(l, "icmp");
		return;
	}
	put_u32(l, ", length ", v.len);
}

/* ---- ICMPv6 */

static const struct icmp6_row {
	u32 kind;
	const char *name;
} kinds6[] = {
	{1, "destination unreachable"},
	{2, "packet too big"},
	{3, "time exceeded in-transit"},
	{4, "parameter problem"},
	{128, "echo request"},
	{129, "echo reply"},
	{130, "multicast listener query"},
	{131, "multicast listener report"},
	{132, "multicast listener done"},
	{133, "router solicitation"},
	{134, "router advertisement"},
	{135, "neighbor solicitation"},
	{136, "neighbor advertisement"},
	{137, "redirect"},
	{138, "router renumbering"},
	{139, "node information query"},
	{140, "node information reply"},
	{143, "multicast listener report v2"},
};

/* With the blanks and commas that people know. */
static const char *const unreachables6[] = {
	", unreachable route ",   ",  unreachable prohibited ", ", beyond scope ",
	", unreachable address ", ", unreachable port, ",
};

static bool print_unreachable6(struct line *l, const struct view *v)
{
	u32 code = v->p[1];
	struct view inner = view_from(*v, 8);

	if (code >= ARRAY_SIZE(unreachables6)) {
		put_u32(l, ", unknown unreach code (", code);
		put(l, ")");
		return true;
	}
	put(l, unreachables6[code]);
	if (!view_has(&inner, 0, 40)) {
		l->b->n -= l->b->n > 0; /* the blank */
		return false;
	}
	if (code != 4) {
		put_ip6(l, inner.p + 24);
		if (code == 2) {
			put(l, ", source address ");
			put_ip6(l, inner.p + 8);
		}
		return true;
	}
	if (!view_has(&inner, 40, 4))
		return false;
	put_ip6(l, inner.p + 24);
	if (inner.p[6] == 6 || inner.p[6] == 17)
		put(l, inner.p[6] == 6 ? " tcp port " : " udp port ");
	else
		buf_printf(l->b, " protocol %u port ", inner.p[6]);
	buf_u64(l->b, view_u16(&inner, 42));
	return true;
}

/* What stands behind the name. */
static bool print_icmp6_rest(struct line *l, const struct view *v)
{
	struct view inner;

	switch (*v->p) {
	case 1: return print_unreachable6(l, v);
	case 2: put_u32(l, ", mtu ", view_u32(v, 4)); return true;
	case 3:
		inner = view_from(*v, 8);
		if (!v->p[1] && !view_has(&inner, 0, 40))
			return false;
		if (v->p[1] > 1) {
			put_u32(l, ", unknown code (", v->p[1]);
			put(l, ")");
		} else if (!v->p[1]) {
			put(l, " for ");
			put_ip6(l, inner.p + 24);
		} else {
			put(l, " (reassembly)");
		}
		return true;
	case 128:
	case 129:
		put_u32(l, ", id ", view_u16(v, 4));
		put_u32(l, ", seq ", view_u16(v, 6));
		return true;
	case 135:
	case 136:
		if (!view_has(v, 8, 16))
			return false;
		put(l, *v->p == 135 ? ", who has " : ", tgt is ");
		put_ip6(l, v->p + 8);
		return true;
	case 137:
		if (!view_has(v, 8, 32))
			return false;
		put(l, ", ");
		put_ip6(l, v->p + 24);
		put(l, " to ");
		put_ip6(l, v->p + 8);
		return true;
	case 143: buf_printf(l->b, ", %u group record(s)", view_u16(v, 6)); return true;
	default: return true;
	}
}

void print_icmp6(struct line *l, struct view v, const struct ends *e)
{
	const struct icmp6_row *row = kinds6;

	(void)e;
	if (!v.n) {
		put_short(l, "icmp6");
		return;
	}
	put(l, "ICMP6, ");
	while (row < kinds6 + ARRAY_SIZE(kinds6) && row->kind != *v.p)
		row++;
	if (row < kinds6 + ARRAY_SIZE(kinds6))
		put(l, row->name);
	else
		buf_printf(l->b, "unknown icmp6 type (%u)", *v.p);
	if (!view_has(&v, 0, 8) || !print_icmp6_rest(l, &v)) {
		put_short(l, "icmp6");
		return;
	}
	put_u32(l, ", length ", v.len);
}
