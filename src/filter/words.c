/*
 * words.c: tests in words: which field of which header, compared with what.
 *
 * In:  a value and a set. Out: "source port is 80 or 443", "ip source is in 10.0.0.0/8".
 */
#include "filter/inside.h"

enum show { SHOW_NUMBER, SHOW_HEX, SHOW_IP4, SHOW_TYPE, SHOW_PROTOCOL };

static const struct field {
	u8 base;
	u16 type; /* of the packet; 0: any */
	u16 off;
	u8 size, show;
	const char *name;
} fields[] = {
	{BASE_TYPE, 0, 0, 2, SHOW_TYPE, "type"},
	{BASE_HEADER, 0, 0, 4, SHOW_HEX, "ether destination, first 4 bytes"},
	{BASE_HEADER, 0, 2, 4, SHOW_HEX, "ether destination, last 4 bytes"},
	{BASE_HEADER, 0, 0, 2, SHOW_HEX, "ether destination, first 2 bytes"},
	{BASE_HEADER, 0, 0, 1, SHOW_HEX, "ether destination, first byte"},
	{BASE_HEADER, 0, 8, 4, SHOW_HEX, "ether source, last 4 bytes"},
	{BASE_HEADER, 0, 6, 2, SHOW_HEX, "ether source, first 2 bytes"},
	{BASE_LLC, 0, 0, 2, SHOW_HEX, "LLC's SAPs"},
	{BASE_LLC, 0, 0, 1, SHOW_HEX, "LLC's DSAP"},
	{BASE_LLC, 0, 2, 1, SHOW_HEX, "LLC's control field"},
	{BASE_NET, 0x800, 0, 1, SHOW_HEX, "ip version and header length"},
	{BASE_NET, 0x800, 2, 2, SHOW_NUMBER, "ip total length"},
	{BASE_NET, 0x800, 6, 2, SHOW_HEX, "ip flags and fragment offset"},
	{BASE_NET, 0x800, 8, 1, SHOW_NUMBER, "ip time to live"},
	{BASE_NET, 0x800, 9, 1, SHOW_PROTOCOL, "ip protocol"},
	{BASE_NET, 0x800, 12, 4, SHOW_IP4, "ip source"},
	{BASE_NET, 0x800, 16, 4, SHOW_IP4, "ip destination"},
	{BASE_NET, 0x86dd, 6, 1, SHOW_PROTOCOL, "ip6 next header"},
	{BASE_NET, 0x86dd, 7, 1, SHOW_NUMBER, "ip6 hop limit"},
	{BASE_NET, 0x86dd, 8, 4, SHOW_HEX, "ip6 source, bytes 0 to 3"},
	{BASE_NET, 0x86dd, 12, 4, SHOW_HEX, "ip6 source, bytes 4 to 7"},
	{BASE_NET, 0x86dd, 16, 4, SHOW_HEX, "ip6 source, bytes 8 to 11"},
	{BASE_NET, 0x86dd, 20, 4, SHOW_HEX, "ip6 source, bytes 12 to 15"},
	{BASE_NET, 0x86dd, 24, 4, SHOW_HEX, "ip6 destination, bytes 0 to 3"},
	{BASE_NET, 0x86dd, 28, 4, SHOW_HEX, "ip6 destination, bytes 4 to 7"},
	{BASE_NET, 0x86dd, 32, 4, SHOW_HEX, "ip6 destination, bytes 8 to 11"},
	{BASE_NET, 0x86dd, 36, 4, SHOW_HEX, "ip6 destination, bytes 12 to 15"},
	{BASE_NET, 0x86dd, 40, 1, SHOW_PROTOCOL, "ip6 next header behind the fragment's"},
	{BASE_NET, 0x806, 14, 4, SHOW_IP4, "arp sender"},
	{BASE_NET, 0x806, 24, 4, SHOW_IP4, "arp target"},
	{BASE_TRANSPORT4, 0, 0, 2, SHOW_NUMBER, "source port"},
	{BASE_TRANSPORT4, 0, 2, 2, SHOW_NUMBER, "destination port"},
	{BASE_TRANSPORT4, 0, 13, 1, SHOW_HEX, "tcp flags"},
	{BASE_TRANSPORT4, 0, 0, 1, SHOW_NUMBER, "icmp type"},
	{BASE_TRANSPORT4, 0, 1, 1, SHOW_NUMBER, "icmp code"},
	{BASE_TRANSPORT6, 0, 0, 2, SHOW_NUMBER, "source port"},
	{BASE_TRANSPORT6, 0, 2, 2, SHOW_NUMBER, "destination port"},
	{BASE_TRANSPORT6, 0, 0, 1, SHOW_NUMBER, "icmp6 type"},
	{BASE_NET, 0, 14, 4, SHOW_IP4, "arp sender"}, /* rarp looks the same */
	{BASE_NET, 0, 24, 4, SHOW_IP4, "arp target"},
	{BASE_LABEL, 0, 2, 1, SHOW_HEX, "last byte of the label, and its end of stack"},
};

static const struct {
	u8 show;
	u32 number;
	const char *name;
} known[] = {
	{SHOW_TYPE, 0x800, "IPv4"},
	{SHOW_TYPE, 0x86dd, "IPv6"},
	{SHOW_TYPE, 0x806, "ARP"},
	{SHOW_TYPE, 0x8035, "RARP"},
	{SHOW_TYPE, 0x8100, "VLAN"},
	{SHOW_TYPE, 0x88a8, "provider VLAN"},
	{SHOW_TYPE, 0x9100, "double VLAN"},
	{SHOW_TYPE, 0x8847, "MPLS"},
	{SHOW_TYPE, 0x8863, "PPPoE discovery"},
	{SHOW_TYPE, 0x8864, "PPPoE session"},
	{SHOW_PROTOCOL, 1, "ICMP"},
	{SHOW_PROTOCOL, 2, "IGMP"},
	{SHOW_PROTOCOL, 6, "TCP"},
	{SHOW_PROTOCOL, 17, "UDP"},
	{SHOW_PROTOCOL, 44, "fragment"},
	{SHOW_PROTOCOL, 50, "ESP"},
	{SHOW_PROTOCOL, 51, "AH"},
	{SHOW_PROTOCOL, 58, "ICMPv6"},
	{SHOW_PROTOCOL, 132, "SCTP"},
};

static const struct field *field_of(const struct value *v, u32 type)
{
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++)
		if (v->base == fields[i].base + 1 && v->off == fields[i].off &&
		    v->size == fields[i].size && (!fields[i].type || fields[i].type == type))
			return &fields[i];
	return NULL;
}

static void put_number(struct buf *out, u32 show, u32 n)
{
	if (show == SHOW_IP4)
		buf_printf(out, "%u.%u.%u.%u", n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255);
	else if (show == SHOW_HEX || show == SHOW_TYPE)
		buf_printf(out, "0x%x", n);
	else
		buf_printf(out, "%u", n);
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].show == show && known[i].number == n)
			buf_printf(out, " (%s)", known[i].name);
}

/* 10.0.0.0/8, 80 to 90, 7 and more */
static void put_span(struct buf *out, u32 show, const struct span *s, u32 most)
{
	u32 wide = s->hi - s->lo;

	if (show == SHOW_IP4 && wide && !(wide & (wide + 1)) && !(s->lo & wide)) {
		put_number(out, show, s->lo);
		buf_printf(out, "/%d", __builtin_clz(wide));
		return;
	}
	put_number(out, show, wide ? s->lo : s->hi);
	if (s->hi == most && wide) {
		buf_puts(out, " or more");
	} else if (wide) {
		buf_puts(out, wide == 1 ? " or " : " to ");
		put_number(out, show, s->hi);
	}
}

void test_print(struct buf *out, const struct values *vs, const struct node *n, u32 type)
{
	const struct value *v = &vs->v.v[n->value], *under = v;
	const struct field *f;
	bool bits = v->op == VAL_AND && vs->v.v[v->b].op == VAL_CONST;
	u32 show = SHOW_NUMBER;

	if (bits)
		under = &vs->v.v[v->a];
	f = field_of(under, type);
	if (f) {
		buf_puts(out, f->name);
		show = f->show;
	} else {
		val_print(out, vs, bits ? v->a : n->value);
	}
	if (bits) {
		bool any = n->set.n == 1 && n->set.v[0].lo == 1 && n->set.v[0].hi == v->most;

		buf_printf(out, any ? " has any of the bits 0x%x" : " & 0x%x is ", vs->v.v[v->b].k);
		if (any)
			return;
		show = SHOW_NUMBER;
	} else {
		if (v->op >= VAL_EQ) {
			buf_puts(out, set_has(n->set, 1) ? "" : " does not hold");
			return;
		}
		buf_puts(out, " is ");
	}
	for (u32 i = 0; i < n->set.n; i++) {
		buf_puts(out, !i ? "" : i + 1 < n->set.n ? ", " : " or ");
		put_span(out, show, &n->set.v[i], v->most);
	}
}
