/* print_udp.c: UDP (RFC 768), and what its ports say is inside. */
#include "packet/print.h"

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
	{53, print_domain},         {5353, print_mdns},        {67, print_dhcp},
	{68, print_dhcp},           {123, print_ntp},          {4789, print_vxlan},
	{6081, print_geneve},       {8472, print_otv},         {161, print_snmp},
	{162, print_snmp},          {514, print_syslog},       {69, print_tftp},
	{500, print_isakmp},        {4500, print_nat_esp},     {5060, print_sip},
	{1812, print_radius},       {1813, print_radius},      {1645, print_radius},
	{1646, print_radius},       {3799, print_radius},      {520, print_rip},
	{1985, print_hsrp},         {3784, print_bfd_control}, {3785, print_bfd_echo},
	{4784, print_bfd_multihop}, {646, print_ldp},
};

static void put_checksum(struct line *l, const struct view *v, u32 len, const struct ends *e)
{
	u32 stands = view_u16(v, 6), rest;

	if (e->part || l->o->quiet || l->o->unchecked || !checks(l, v, len) ||
	    (!e->six && l->o->verbose < 2))
		return;
	if (!stands && !e->six) {
		put(l, "[no cksum] ");
		return;
	}
	rest = checksum_above(e, 17, v->p, len);
	if (rest)
		buf_printf(l->b, "[bad udp cksum 0x%04x -> 0x%04x!] ", stands,
			   checksum_wanted(stands, rest));
	else
		put(l, "[udp sum ok] ");
}

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
	if (len < 8 && (len || v.len < 65536)) { /* longer ones have no room for it */
		put_u32(l, "truncated-udplength ", len);
		return;
	}
	if (len)
		v = view_cut(v, len);
	len = len ? len : v.len;
	put_checksum(l, &v, len, e);
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
