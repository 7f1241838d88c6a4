/* print_arp.c: ARP and its relatives (RFC 826, RFC 903). */
#include "packet/print.h"

enum arp_op { ARP_REQUEST = 1, ARP_REPLY, RARP_REQUEST, RARP_REPLY };

struct arp {
	const u8 *mac_from, *ip_from, *mac_to, *ip_to;
};

static bool is_zero(const u8 *p, u32 n)
{
	u8 any = 0;

	while (n--)
		any |= *p++;
	return !any;
}

static bool is_broadcast(const u8 *p)
{
	return is_zero(
		(const u8[]){(u8)~p[0], (u8)~p[1], (u8)~p[2], (u8)~p[3], (u8)~p[4], (u8)~p[5]}, 6);
}

static void put_request(struct line *l, const struct arp *a)
{
	put(l, "Request who-has ");
	put_ip4(l, a->ip_to);
	if (!is_zero(a->mac_to, 6) && !is_broadcast(a->mac_to)) {
		put(l, " (");
		put_mac(l, a->mac_to);
		put(l, ")");
	} else if (is_broadcast(a->mac_to)) {
		put(l, " (ff:ff:ff:ff:ff:ff)");
	}
	put(l, " tell ");
	put_ip4(l, a->ip_from);
}

static void put_operation(struct line *l, u32 op, const struct arp *a)
{
	switch (op) {
	case ARP_REQUEST: put_request(l, a); break;
	case ARP_REPLY:
		put(l, "Reply ");
		put_ip4(l, a->ip_from);
		put(l, " is-at ");
		put_mac(l, a->mac_from);
		break;
	case RARP_REQUEST:
		put(l, "Reverse Request who-is ");
		put_mac(l, a->mac_to);
		put(l, " tell ");
		put_mac(l, a->mac_from);
		break;
	case RARP_REPLY:
		put(l, "Reverse Reply ");
		put_mac(l, a->mac_to);
		put(l, " at ");
		put_ip4(l, a->ip_to);
		break;
	default: put_u32(l, "Unknown (", op); put(l, ")");
	}
}

void print_arp(struct line *l, struct view v, const char *name)
{
	struct arp a;

	if (!view_has(&v, 0, 8)) {
		put_short(l, "arp");
		return;
	}
	if (view_u16(&v, 2) != 0x0800 || v.p[4] != 6 || v.p[5] != 4) {
		put(l, name);
		buf_printf(l->b,
			   "Unknown Hardware (%u) (len %u), Unknown Protocol (0x%04x) (len %u), "
			   "length %u",
			   view_u16(&v, 0), v.p[4], view_u16(&v, 2), v.p[5], v.len);
		return;
	}
	if (!view_has(&v, 0, 28)) {
		put_short(l, "arp");
		return;
	}
	put(l, name);
	put(l, l->o->verbose ? "Ethernet (len 6), IPv4 (len 4), " : "");
	a = (struct arp){v.p + 8, v.p + 14, v.p + 18, v.p + 24};
	put_operation(l, view_u16(&v, 6), &a);
	put_u32(l, ", length ", v.len);
}
