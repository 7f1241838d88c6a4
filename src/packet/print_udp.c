/* print_udp.c: UDP (RFC 768), and what its ports say is inside. */
#include "packet/print.h"

/* RFC 5905 */
static void print_ntp(struct line *l, struct view v)
{
	static const char *const modes[] = {
		"Reserved", "symmetric active", "symmetric passive", "Client",
		"Server",   "Broadcast",        "Control Message",   "Reserved"};

	if (!view_has(&v, 0, 1)) {
		put_short(l, "ntp");
		return;
	}
	buf_printf(l->b, "NTPv%u, %s, length %u", *v.p >> 3 & 7, modes[*v.p & 7], v.len);
}

/* RFC 7348: a frame of Ethernet inside. */
static void print_vxlan(struct line *l, struct view v)
{
	struct packet_printer *o = l->o;
	u32 type;

	if (!view_has(&v, 0, 8 + 14)) {
		put_short(l, "vxlan");
		return;
	}
	buf_printf(l->b, "VXLAN, flags [%s] (0x%02x), vni %u\n", *v.p & 8 ? "I" : ".", *v.p,
		   view_u32(&v, 4) >> 8);
	v = view_from(v, 8);
	type = view_u16(&v, 12);
	if (o->link_header) {
		put_mac(l, v.p + 6);
		put(l, " > ");
		put_mac(l, v.p);
		buf_printf(l->b, ", ethertype 0x%04x, length %u: ", type, v.len);
	}
	print_ethertype(l, type, view_from(v, 14), !o->link_header);
}

static void print_domain(struct line *l, struct view v)
{
	print_dns(l, v, false);
}

static void print_mdns(struct line *l, struct view v)
{
	print_dns(l, v, true);
}

static const struct udp_row {
	u32 port;
	void (*print)(struct line *, struct view);
} ports[] = {
	{53, print_domain}, {5353, print_mdns}, {67, print_dhcp},
	{68, print_dhcp},   {123, print_ntp},   {4789, print_vxlan},
};

void print_udp(struct line *l, struct view v, const struct ends *e)
{
	u32 sport, dport, len;

	if (!view_has(&v, 0, 4)) {
		put_short(l, "udp");
		return;
	}
	sport = view_u16(&v, 0);
	dport = view_u16(&v, 2);
	put_ends(l, e, sport, dport);
	if (!view_has(&v, 0, 8)) {
		put_short(l, "udp");
		return;
	}
	len = view_u16(&v, 4);
	if (len && len < 8) {
		put_u32(l, "truncated-udplength ", len);
		return;
	}
	if (len)
		v = view_cut(v, len);
	len = len ? len : v.len;
	v = view_from(v, 8);
	if (l->o->quiet) {
		put_u32(l, "UDP, length ", len - 8);
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(ports) && v.n; i++)
		if (ports[i].port == sport || ports[i].port == dport) {
			ports[i].print(l, v);
			return;
		}
	put_u32(l, "UDP, length ", len - 8);
	if (sport == 443 || dport == 443)
		print_quic(l, v);
}
