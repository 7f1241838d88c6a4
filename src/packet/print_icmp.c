/* print_icmp.c: ICMP (RFC 792). */
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
	if (!view_has(v, 0, reply ? 20 : 8))
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

static void put_wrong(struct line *l, const struct view *v)
{
	u32 rest = checksum(v->p, v->len);

	if (rest)
		buf_printf(l->b, " (wrong icmp cksum %x (->%x)!)", view_u16(v, 2),
			   checksum_wanted(view_u16(v, 2), rest));
}

/* Errors bring the beginning of the packet that they are about. */
static bool is_error(u32 kind)
{
	return (kind >= 3 && kind <= 5) || kind == 11 || kind == 12;
}

static void print_quoted(struct line *l, struct view v)
{
	if (l->depth++ > LINE_DEPTH_MOST)
		;
	else if (v.n)
		print_ip4(l, v, !l->o->link_header);
	else
		put_short(l, "icmp");
	l->depth--;
}

/* Of many kinds the first two bytes say all. */
static u32 bytes_needed(const struct view *v)
{
	if (!v->n)
		return 2;
	switch (*v->p) {
	case 0:
	case 3:
	case 5:
	case 8:
	case 13:
	case 14: return 8;
	case 11: return view_has(v, 1, 1) && v->p[1] ? 8 : 2;
	case 12: return view_has(v, 1, 1) && v->p[1] ? 2 : 5;
	default: return 2;
	}
}

void print_icmp(struct line *l, struct view v, const struct ends *e)
{
	size_t from = l->b->n;

	put(l, "ICMP ");
	if (!view_has(&v, 0, bytes_needed(&v)) || !print_icmp_kind(l, &v)) {
		l->b->n = MIN(l->b->n, from); /* nothing of it is said then */
		put_short(l, "icmp");
		return;
	}
	put_u32(l, ", length ", v.len);
	if (!e->part && checks(l, &v, v.len))
		put_wrong(l, &v);
	if (l->o->verbose && is_error(*v.p)) {
		put(l, "\n\t");
		print_quoted(l, view_from(v, 8));
	}
}
