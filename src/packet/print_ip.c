/* print_ip.c: IPv4 (RFC 791) and IPv6 (RFC 8200), and what is inside of them. */
#include "packet/print.h"

enum protocol {
	P_HOPS = 0,
	P_ICMP = 1,
	P_IGMP = 2,
	P_IPIP = 4,
	P_TCP = 6,
	P_UDP = 17,
	P_IPV6 = 41,
	P_ROUTE = 43,
	P_FRAGMENT = 44,
	P_GRE = 47,
	P_ESP = 50,
	P_AH = 51,
	P_ICMP6 = 58,
	P_NOTHING = 59,
	P_OPTIONS = 60,
	P_EIGRP = 88,
	P_OSPF = 89,
	P_PIM = 103,
	P_IPCOMP = 108,
	P_VRRP = 112,
	P_SCTP = 132,
};

static void print_ipip(struct line *l, struct view v, const struct ends *e)
{
	(void)e;
	print_ethertype(l, 0x0800, v, !l->o->link_header);
}

static void print_6in4(struct line *l, struct view v, const struct ends *e)
{
	(void)e;
	print_ethertype(l, 0x86dd, v, !l->o->link_header);
}

/* RFC 4303 */
void print_esp(struct line *l, struct view v, const struct ends *e)
{
	(void)e;
	if (!view_has(&v, 0, 8)) {
		put_short(l, "esp");
		return;
	}
	buf_printf(l->b, "ESP(spi=0x%08x,seq=0x%x), length %u", view_u32(&v, 0), view_u32(&v, 4),
		   v.len);
}

static const struct protocol_row {
	u32 number;
	void (*print)(struct line *, struct view, const struct ends *);
} protocols[] = {
	{P_TCP, print_tcp},     {P_UDP, print_udp},       {P_ICMP, print_icmp},
	{P_ICMP6, print_icmp6}, {P_IGMP, print_igmp},     {P_IPIP, print_ipip},
	{P_IPV6, print_6in4},   {P_GRE, print_gre},       {P_ESP, print_esp},
	{P_OSPF, print_ospf},   {P_VRRP, print_vrrp},     {P_SCTP, print_sctp},
	{P_PIM, print_pim},     {P_IPCOMP, print_ipcomp}, {P_EIGRP, print_eigrp},
};

/* RFC 4302: what it protects follows. */
static void print_ah(struct line *l, struct view v, const struct ends *e)
{
	struct ends inside = *e;
	u32 n;

	if (!view_has(&v, 0, 12)) {
		put_short(l, "ah");
		return;
	}
	n = (v.p[1] + 2) * 4u;
	put(l, "AH(");
	if (l->o->verbose)
		buf_printf(l->b, "length=%u(%u-bytes),", v.p[1], n);
	buf_printf(l->b, "spi=0x%08x,seq=0x%x,icv=0x", view_u32(&v, 4), view_u32(&v, 8));
	for (u32 i = 12; i + 4 <= n && view_has(&v, i, 4); i += 4)
		buf_printf(l->b, "%08x", view_u32(&v, i));
	put(l, "): ");
	inside.bare = true;
	print_ip_protocol(l, *v.p, view_from(v, n), &inside);
}

void print_ip_protocol(struct line *l, u32 protocol, struct view v, const struct ends *e)
{
	if (protocol == P_AH) {
		print_ah(l, v, e);
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocols[i].number == protocol) {
			protocols[i].print(l, v, e);
			return;
		}
	put_u32(l, " ip-proto-", protocol);
	put_u32(l, " ", v.len);
}

/* Who prints ports prints addresses, too. */
static bool has_ends(u32 protocol)
{
	return protocol == P_TCP || protocol == P_UDP || protocol == P_SCTP;
}

static void put_hosts(struct line *l, const struct ends *e)
{
	put_addr(l, e, false);
	put(l, " > ");
	put_addr(l, e, true);
	put(l, ": ");
}

void print_ip4(struct line *l, struct view v, bool named)
{
	struct ends e = {.six = false};
	u32 head, len, fragment;

	put(l, named && v.n ? "IP " : "");
	if (!view_has(&v, 0, 20)) {
		put_short(l, "ip");
		return;
	}
	if (*v.p >> 4 != 4) {
		put_u32(l, "IP", *v.p >> 4);
		put(l, " [wrong version]");
		return;
	}
	head = (*v.p & 15) * 4u;
	len = view_u16(&v, 2);
	if (head < 20) {
		put_u32(l, "bad-hlen ", head);
		return;
	}
	len = len ? len : v.len; /* too long for its field: segments in front of the card */
	if (v.len < len) {
		put_u32(l, "truncated-ip - ", len - v.len);
		put(l, " bytes missing! ");
	} else if (len < head) {
		put_u32(l, "bad-len ", len);
		return;
	}
	v = (struct view){v.p, MIN(v.n, len), len};
	if (l->o->verbose)
		put_ip4_details(l, &v, head);
	e.src = v.p + 12;
	e.dst = v.p + 16;
	fragment = view_u16(&v, 6) & 0x1fff;
	e.part = view_u16(&v, 6) & 0x2000;
	e.hops = v.p[8];
	if (fragment || !has_ends(v.p[9]) || v.n < head + 4)
		put_hosts(l, &e);
	if (fragment) {
		l->b->n--;
		put_u32(l, " ip-proto-", v.p[9]);
		return;
	}
	print_ip_protocol(l, v.p[9], view_from(v, head), &e);
}

/* ---- IPv6 */

static u32 print_fragment(struct line *l, const struct view *v)
{
	u32 off = view_u16(v, 2) & ~7u;

	put(l, "frag (");
	if (l->o->verbose)
		buf_printf(l->b, "0x%08x:", view_u32(v, 4));
	buf_printf(l->b, "%u|%u)", off, v->len - 8);
	if (!off)
		put(l, " ");
	return off;
}

static void print_route(struct line *l, const struct view *v)
{
	buf_printf(l->b, "srcrt (len=%u, type=%u, segleft=%u", v->p[1], v->p[2], v->p[3]);
	if (v->p[2] == 0 || v->p[2] == 2)
		for (u32 i = 0; i < v->p[1] / 2u && view_has(v, 8 + 16 * i, 16); i++) {
			buf_printf(l->b, ", [%u]", i);
			put_ip6(l, v->p + 8 + 16 * i);
		}
	put(l, ") ");
}

/* The header in front of the one that counts, and its length; 0: the line is done. */
static u32 print_extension(struct line *l, u32 kind, const struct view *v)
{
	if (!view_has(v, 0, 8)) {
		put_short(l, kind == P_FRAGMENT ? "frag"
			     : kind == P_ROUTE  ? "srcrt"
			     : kind == P_HOPS   ? "hbhopt"
						: "dstopt");
		return 0;
	}
	switch (kind) {
	case P_HOPS:
	case P_OPTIONS:
		put(l, kind == P_HOPS ? "HBH " : "DSTOPT ");
		if (l->o->verbose)
			put_ip6_options(l, v, (v->p[1] + 1) * 8u);
		break;
	case P_ROUTE: print_route(l, v); break;
	default: return print_fragment(l, v) ? 0 : 8;
	}
	return (v->p[1] + 1) * 8u;
}

static bool is_extension(u32 kind)
{
	return kind == P_HOPS || kind == P_OPTIONS || kind == P_ROUTE || kind == P_FRAGMENT;
}

void print_ip6(struct line *l, struct view v, bool named)
{
	struct ends e = {.six = true};
	u32 kind, n, len;

	if (!view_has(&v, 0, 40)) {
		put_short(l, "ip6");
		return;
	}
	put(l, named ? "IP6 " : "");
	if (*v.p >> 4 != 6) {
		buf_printf(l->b, "version error: %u != 6", *v.p >> 4);
		return;
	}
	e.src = v.p + 8;
	e.dst = v.p + 24;
	kind = v.p[6];
	e.hops = v.p[7];
	len = view_u16(&v, 4);
	if (l->o->verbose)
		put_ip6_details(l, &v);
	v = view_from(v, 40);
	if (len && v.len < len) {
		put_u32(l, "truncated-ip6 - ", len - v.len);
		put(l, " bytes missing!");
	}
	if (len)
		v = (struct view){v.p, MIN(v.n, len), len};
	e.bare = !has_ends(kind) || v.n < 4;
	if (e.bare)
		put_hosts(l, &e);
	for (u32 i = 0; is_extension(kind); i++) {
		u32 next = v.n ? *v.p : P_NOTHING;

		e.part |= kind == P_FRAGMENT;
		n = i < LINE_DEPTH_MOST ? print_extension(l, kind, &v) : 0;
		if (!n)
			return;
		v = view_from(v, n);
		kind = next;
	}
	if (kind == P_NOTHING)
		put(l, "no next header");
	else
		print_ip_protocol(l, kind, v, &e);
}
