/*
 * filtergen.h: random filters, and packets that fit them, for filterfuzz.c.
 *
 * In:  a seed. Out: expressions of the grammar of pcap-filter(7); frames whose addresses, ports and
 *      lengths are drawn from the same few, so that many filters match, some cut off, some garbled.
 */
#ifndef FUZZ_FILTERGEN_H
#define FUZZ_FILTERGEN_H

#include "base/base.h"
#include "base/buf.h"

#include <stdio.h>

#define FRAME_MOST 256

static u64 gen_state = 1;

static u32 rnd(u32 n)
{
	gen_state ^= gen_state << 13, gen_state ^= gen_state >> 7, gen_state ^= gen_state << 17;
	return (u32)(gen_state >> 20) % n;
}

#define PICK(list) ((list)[rnd(ARRAY_SIZE(list))])

static const char *const gen_hosts[] = {"10.0.0.1", "10.0.0.2",    "10.1.2.3", "192.168.1.1",
					"8.8.8.8",  "224.0.0.251", "10.0.0.3", "1.2.3.4"};
static const char *const gen_hosts6[] = {"2001:db8::1", "2001:db8::2", "fe80::1", "ff02::1",
					 "2001:db8:1::5"};
static const char *const gen_nets[] = {
	"10.0.0.0/8", "10.0.0.0/30", "192.168.0.0/16", "10.1.0.0 mask 255.255.0.0",
	"10.1",       "10",          "0.0.0.0/0",      "10.0.0.2/31"};
static const char *const gen_nets6[] = {"2001:db8::/32", "fe80::/10", "2001:db8:1::/48", "::/0"};
static const char *const gen_macs[] = {"00:11:22:33:44:55", "0:11:22:33:44:56", "ff:ff:ff:ff:ff:ff",
				       "0011.2233.4457"};
static const u16 gen_ports[] = {22, 53, 80, 443, 8080, 1024, 6000, 65535};
static const char *const gen_dirs[] = {"", "src ", "dst ", "src or dst ", "src and dst "};
static const char *const gen_protos[] = {
	"ip",   "ip6",    "arp",     "rarp", "tcp",  "udp",  "sctp", "icmp", "icmp6",
	"igmp", "pim",    "ah",      "esp",  "vrrp", "stp",  "ipx",  "iso",  "atalk",
	"aarp", "decnet", "netbeui", "lat",  "clnp", "isis", "l1",   "csnp"};
static const char *const gen_transports[] = {"", "tcp ", "udp ", "sctp "};
static const char *const gen_loads[] = {"ip", "ip6", "tcp", "udp", "icmp", "icmp6", "ether", "arp"};
static const char *const gen_relations[] = {"=", "!=", ">", "<", ">=", "<="};
static const char *const gen_signs[] = {"+", "-", "*", "&", "|", "&", "+"};
static const u32 gen_numbers[] = {0,      1,      2,          4,          6,   17,  40,
				  0x45,   64,     80,         255,        256, 443, 0x800,
				  0x86dd, 0xffff, 0x0a000001, 0x7fffffff, 60};

static void gen_host(struct buf *b, const char *qual)
{
	if (rnd(4))
		buf_printf(b, "%s%s%s", PICK(gen_dirs), qual, PICK(gen_hosts));
	else
		buf_printf(b, "%s%s%s", PICK(gen_dirs), qual, PICK(gen_hosts6));
}

/* Loads of one protocol alone, from the left operand on: libpcap asks only for the left one's. */
static void gen_arith(struct buf *b, u32 depth, const char *proto)
{
	u32 size = 1u << rnd(3);

	switch (rnd(depth ? 7 : 4)) {
	case 0: buf_printf(b, "%u", PICK(gen_numbers)); return;
	case 1: buf_puts(b, "len"); return;
	case 2:
	case 3:
		buf_printf(b, size > 1 || rnd(2) ? "%s[%u:%u]" : "%s[%u]", proto, rnd(44), size);
		return;
	case 4: /* computed offset, small */
		buf_printf(b, "%s[(", proto);
		gen_arith(b, depth - 1, proto);
		buf_printf(b, ") & %u:%u]", (1u << (2 + rnd(4))) - 1, size);
		return;
	default: break;
	}
	buf_printf(b, "(%s[%u:%u]", proto, rnd(44), size);
	if (rnd(6)) {
		buf_printf(b, " %s ", PICK(gen_signs));
		gen_arith(b, depth - 1, proto);
	} else {
		static const char *const with[] = {"<< 2",   ">> 3",   "/ 3",
						   "& 0xf0", "& 0x0f", "& 2"};

		buf_printf(b, " %s", PICK(with));
	}
	buf_char(b, ')');
}

static u32 gen_link = 1;

static bool gen_wireless(void)
{
	return gen_link == 105 || gen_link == 127 || gen_link == 119 || gen_link == 163;
}

static void gen_relation(struct buf *b)
{
	gen_arith(b, 2, PICK(gen_loads));
	buf_printf(b, " %s ", PICK(gen_relations));
	if (rnd(3))
		buf_printf(b, "%u", PICK(gen_numbers));
	else
		gen_arith(b, 1, PICK(gen_loads));
}

static void gen_flags(struct buf *b)
{
	static const char *const flags[] = {
		"tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn",
		"tcp[tcpflags] & tcp-rst != 0",
		"tcp[tcpflags] = tcp-syn",
		"icmp[icmptype] = icmp-echo",
		"icmp6[icmp6type] = icmp6-echo",
		"ip[0] & 0xf != 5",
		"ip[6:2] & 0x1fff = 0",
		"ether[0] & 1 = 0 and ip[16] >= 224",
		"tcp and ((ip[2:2] - ((ip[0]&0xf)<<2)) - 20) != 0",
		"tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
		"ip6[6] = 44",
		"ip[8] < 5",
		"udp[4:2] > 100",
	};

	buf_puts(b, PICK(flags));
}

static void gen_port(struct buf *b)
{
	u32 a = PICK(gen_ports), c = PICK(gen_ports);

	if (rnd(4))
		buf_printf(b, "%s%sport %u", PICK(gen_transports), PICK(gen_dirs), a);
	else
		buf_printf(b, "%s%sportrange %u-%u", PICK(gen_transports), PICK(gen_dirs), a, c);
	if (!rnd(4))
		buf_printf(b, rnd(2) ? " or %u" : " or %u or 22", PICK(gen_ports));
}

/* What only some links have. */
static bool gen_special(struct buf *b)
{
	static const char *const wireless[] = {"type data",
					       "type mgt",
					       "type ctl",
					       "subtype beacon",
					       "type data subtype qos-data",
					       "subtype rts",
					       "dir tods",
					       "dir fromds",
					       "dir dstods",
					       "dir nods",
					       "multicast"};
	static const char *const dirs[] = {"src",   "dst",   "addr1", "addr2",
					   "addr3", "addr4", "host"};
	static const char *const pf[] = {
		"on eth0", "on em1", "reason match", "reason short", "action pass", "action block",
		"rnr 5",   "srnr 6", "rset foo",     "inbound",      "outbound"};

	if (gen_link == 117) {
		buf_puts(b, PICK(pf));
		return true;
	}
	if (!gen_wireless())
		return false;
	if (rnd(2))
		buf_puts(b, PICK(wireless));
	else
		buf_printf(b, "wlan %s %s", PICK(dirs), PICK(gen_macs));
	return true;
}

static bool gen_tags; /* those whose meaning depends on where they stand, too */

static void gen_tag(struct buf *b)
{
	static const char *const tags[] = {"vlan",     "vlan 5", "vlan 7",   "mpls",
					   "mpls 100", "pppoes", "pppoes 3", "pppoed"};

	buf_puts(b, PICK(tags));
}

static void gen_chain(struct buf *b)
{
	static const char *const of[] = {"ip6 ", "ip6 ", "ip ", ""};
	static const u8 protocols[] = {6, 17, 44, 51, 132};

	buf_printf(b, "%sprotochain %u", PICK(of), PICK(protocols));
}

static void gen_primitive(struct buf *b)
{
	static const char *const quals[] = {"host ", "ip host ", "arp host ", "src ", "rarp host "};
	static const char *const plain[] = {
		"ether broadcast", "ether multicast", "ip multicast", "ip6 multicast",
		"less 60",         "greater 80",      "llc",          "llc u",
		"llc i",           "llc s",           "llc ui",       "ip broadcast",
		"broadcast",       "decnet host 1.2", "decnet src 1.2", "decnet dst 2.1"};
	const char *dir;

	if (!rnd(4) && gen_special(b))
		return;
	switch (rnd(16)) {
	case 0:
	case 1: gen_host(b, "host "); return;
	case 2: buf_printf(b, "%s%s", PICK(quals), PICK(gen_hosts)); return;
	case 3: buf_printf(b, "%snet %s", PICK(gen_dirs), PICK(gen_nets)); return;
	case 4: buf_printf(b, "%snet %s", PICK(gen_dirs), PICK(gen_nets6)); return;
	case 5:
	case 6:
	case 7: gen_port(b); return;
	case 8:
		dir = PICK(gen_dirs);
		buf_printf(b, "ether %s%s%s", dir, *dir ? "" : "host ", PICK(gen_macs));
		return;
	case 9:
		buf_printf(b, "%sproto %u", rnd(2) ? "ip " : rnd(2) ? "ip6 " : "", rnd(3) ? 6 : 17);
		return;
	case 10: buf_printf(b, "ether proto %u", rnd(2) ? 0x800 : rnd(2) ? 0x88cc : 0x42); return;
	case 11: gen_flags(b); return;
	case 12: gen_relation(b); return;
	case 13: buf_puts(b, PICK(plain)); return;
	case 14:
		if (!rnd(3)) {
			gen_chain(b);
			return;
		}
		__attribute__((fallthrough));
	default: buf_puts(b, PICK(gen_protos)); return;
	}
}

static void gen_filter(struct buf *b, u32 depth)
{
	bool paren = depth < 3 && rnd(2);
	u32 n = 1 + rnd(3);

	if (!depth || !rnd(4)) {
		if (!rnd(5))
			buf_puts(b, "not ");
		if (gen_tags && !rnd(5))
			gen_tag(b);
		else
			gen_primitive(b);
		return;
	}
	if (paren)
		buf_puts(b, rnd(4) ? "(" : "not (");
	for (u32 i = 0; i < n; i++) {
		gen_filter(b, depth - 1);
		if (i + 1 < n)
			buf_puts(b, rnd(2) ? " and " : " or ");
	}
	if (paren)
		buf_puts(b, ")");
}

/* What is inside of a tunnel; where it is elsewhere than in front, libpcap asks at a place that it
 * has not computed. */
__attribute__((unused)) static void gen_tunnel(struct buf *b)
{
	static const char *const tunnels[] = {"geneve", "geneve 5", "geneve 7"};
	static const char *const inner[] = {
		"ether broadcast", "ether[0] & 1 = 0", "llc", "ether src 00:11:22:33:44:55", "vlan",
		"vlan 5"};

	buf_printf(b, "%s", PICK(tunnels));
	if (!rnd(4))
		return;
	buf_puts(b, " and (");
	if (rnd(3))
		gen_filter(b, rnd(3));
	else
		buf_puts(b, PICK(inner));
	buf_puts(b, ")");
}

/* Long lists, as people make them by scripts. */
__attribute__((unused)) static void gen_list(struct buf *b)
{
	u32 n = 3 + rnd(60), kind = rnd(5);
	static const char *const what[] = {"host", "src host", "tcp port", "dst port", "net"};

	for (u32 i = 0; i < n; i++) {
		buf_printf(b, "%s%s ", i ? " or " : "", what[kind]);
		if (kind == 2 || kind == 3)
			buf_printf(b, "%u", rnd(4) ? rnd(65536) : PICK(gen_ports));
		else if (kind == 4)
			buf_printf(b, "10.%u.0.0/16", rnd(200));
		else
			buf_printf(b, "10.0.%u.%u", rnd(4), rnd(256));
	}
}

/* ---- packets */

struct frame {
	u8 bytes[FRAME_MOST];
	u32 n;
};

static void put(struct frame *f, u32 size, u32 value)
{
	for (u32 i = size; i-- > 0 && f->n < FRAME_MOST;)
		f->bytes[f->n++] = i < 4 ? (u8)(value >> 8 * i) : 0;
}

static void put_text_mac(struct frame *f)
{
	static const u32 last[] = {0x33445500 | 0x55, 0x33440056, 0x33440057};

	if (!rnd(8)) {
		put(f, 2, 0xffff);
		put(f, 4, 0xffffffff);
		return;
	}
	put(f, 2, rnd(9) ? 0x0011 : 0x0111);
	put(f, 1, 0x22);
	put(f, 1, 0x33);
	put(f, 1, 0x44);
	put(f, 1, last[rnd(3)] & 0xff);
}

static void put_ip4_address(struct frame *f)
{
	static const u32 list[] = {0x0a000001, 0x0a000002, 0x0a010203, 0xc0a80101,
				   0x08080808, 0xe00000fb, 0x0a000003, 0x01020304};

	put(f, 4, rnd(5) ? PICK(list) : 0x0a000000 | rnd(1024));
}

static void put_ip6_address(struct frame *f)
{
	static const u32 list[][4] = {{0x20010db8, 0, 0, 1},
				      {0x20010db8, 0, 0, 2},
				      {0xfe800000, 0, 0, 1},
				      {0xff020000, 0, 0, 1},
				      {0x20010db8, 0x10000, 0, 5}};
	const u32 *a = list[rnd(ARRAY_SIZE(list))];

	for (u32 i = 0; i < 4; i++)
		put(f, 4, a[i]);
}

static void put_transport(struct frame *f, u32 proto)
{
	put(f, 2, rnd(6) ? PICK(gen_ports) : rnd(65536));
	put(f, 2, rnd(6) ? PICK(gen_ports) : rnd(65536));
	put(f, 4, rnd(2) ? rnd(1u << 31) : 8 << 24);
	put(f, 4, 0);
	put(f, 1, 0x50);
	put(f, 1, proto == 6 ? rnd(2) ? 2 : rnd(64) : rnd(256));
	put(f, 2, 0xffff);
	put(f, 4, 0);
	put(f, 4, rnd(2) ? 0x47455420 : 0);
}

static u32 any_protocol(void)
{
	static const u8 list[] = {6, 6, 6, 17, 17, 132, 1, 58, 2, 103, 51, 50, 112};

	return rnd(20) ? PICK(list) : rnd(256);
}

static void put_typed(struct frame *f, u32 depth);
static void put_ip(struct frame *f, bool v6);

/* UDP to the port of Geneve, and what is in it. */
static void put_geneve(struct frame *f)
{
	u32 options = rnd(3);

	put(f, 2, rnd(65536));
	put(f, 2, rnd(8) ? 6081 : 4789);
	put(f, 4, 100u << 16);
	put(f, 1, rnd(12) ? options : 0x40 | options);
	put(f, 1, 0);
	if (rnd(2)) {
		put(f, 2, 0x6558);
		put(f, 4, (rnd(2) ? 5u : 7u) << 8);
		put(f, options * 4, 0);
		put_text_mac(f);
		put_text_mac(f);
		put_typed(f, 0);
	} else {
		bool v6 = rnd(2);

		put(f, 2, v6 ? 0x86dd : 0x800);
		put(f, 4, (rnd(2) ? 5u : 7u) << 8);
		put(f, options * 4, 0);
		put_ip(f, v6);
	}
}

static void put_payload(struct frame *f, u32 proto)
{
	if (proto == 17 && f->n < 90 && !rnd(3))
		put_geneve(f);
	else
		put_transport(f, proto);
}

/* The kinds of a chain of headers, the last one a protocol; then the headers. */
static void put_chain(struct frame *f, const u8 *kinds, u32 n)
{
	for (u32 i = 0; i + 1 < n; i++) {
		u32 more = kinds[i] == 44 ? 0 : rnd(2);

		put(f, 1, kinds[i + 1]);
		put(f, 1, kinds[i] == 51 ? 1 + more : more);
		put(f, kinds[i] == 51 ? 10 + 4 * more : 6 + 8 * more, 0);
	}
}

/* An authentication header comes last: behind one libpcap forgets where it was. */
static u32 gen_chain_kinds(u8 *kinds, bool v6, u32 proto)
{
	static const u8 before[] = {0, 43, 44, 60};
	u32 n = rnd(3) ? 0 : 1 + rnd(3);

	for (u32 i = 0; i < n; i++)
		kinds[i] = v6 && (rnd(4) || i + 1 < n) ? PICK(before) : 51;
	n = proto == 51 ? 0 : v6 ? n : MIN(n, 1);
	kinds[n] = (u8)proto;
	return n + 1;
}

static void put_ip(struct frame *f, bool v6)
{
	u32 proto = any_protocol(), options = rnd(5) ? 5 : 5 + rnd(4), n;
	u8 kinds[8];

	n = gen_chain_kinds(kinds, v6, proto);
	if (v6) {
		put(f, 4, 0x60000000);
		put(f, 2, rnd(200));
		put(f, 1, kinds[0]);
		put(f, 1, 64);
		put_ip6_address(f);
		put_ip6_address(f);
		put_chain(f, kinds, n);
		put_payload(f, proto);
		return;
	}
	put(f, 1, 0x40 | options);
	put(f, 1, 0);
	put(f, 2, 20 + rnd(100));
	put(f, 2, 1);
	put(f, 2, rnd(5) ? 0x4000 : rnd(0x4000));
	put(f, 1, rnd(3) ? 64 : rnd(8));
	put(f, 1, kinds[0]);
	put(f, 2, 0);
	put_ip4_address(f);
	put_ip4_address(f);
	for (u32 i = 5; i < options; i++)
		put(f, 4, 0x01010101);
	put_chain(f, kinds, n);
	put_payload(f, proto);
}

static void put_arp(struct frame *f)
{
	put(f, 4, 0x00010800);
	put(f, 4, 0x06040001);
	put_text_mac(f);
	put_ip4_address(f);
	put_text_mac(f);
	put_ip4_address(f);
}

/* A length, LLC and what follows it. */
static void put_llc(struct frame *f)
{
	static const u16 saps[] = {0x4242, 0xe0e0, 0xfefe, 0xf0f0, 0xaaaa, 0xffff, 0x0606};
	u16 saps_of = PICK(saps);

	put(f, 2, 20 + rnd(80));
	put(f, 2, saps_of);
	put(f, 1, rnd(3) ? 3 : rnd(256));
	if (saps_of == 0xaaaa) {
		put(f, 3, rnd(2) ? 0x080007 : 0);
		put(f, 2, rnd(2) ? 0x809b : rnd(2) ? 0x80f3 : 0x8137);
	} else {
		put(f, 1, 0x81 + rnd(3));
		put(f, 4, 0);
		put(f, 1, 15 + rnd(14));
	}
	put(f, 4, 0);
	put(f, 4, 0);
}

/* Its routing header, short or long, maybe behind a byte of padding. */
static void put_decnet(struct frame *f)
{
	static const u16 nodes[] = {0x0204, 0x0108, 0x0f28};
	bool wide = rnd(2);

	put(f, 2, 0x1000);
	if (rnd(2))
		put(f, 1, 0x81);
	put(f, 1, (wide ? 6 : 2) | rnd(2) << 3);
	put(f, wide ? 6 : 0, 0);
	put(f, 2, PICK(nodes));
	put(f, wide ? 6 : 0, 0);
	put(f, 2, PICK(nodes));
	put(f, 2, 0);
}

/* What a type of Ethernet names; may be a tag and what is behind it. */
static void put_typed(struct frame *f, u32 depth)
{
	static const u16 others[] = {0x88cc, 0x8137, 0x809b, 0x80f3, 0x6003, 0x6004, 0x8863};

	switch (depth ? rnd(gen_tags ? 20 : 13) : rnd(10)) {
	case 8:
	case 9: put(f, 2, rnd(2) ? 0x806 : 0x8035), put_arp(f); return;
	case 10: put_llc(f); return;
	case 11:
		if (!rnd(4)) {
			put(f, 2, 0x6003), put_decnet(f);
			return;
		}
		put(f, 2, PICK(others)), put(f, 4, 0);
		return;
	case 5:
	case 6:
	case 7: put(f, 2, 0x86dd), put_ip(f, true); return;
	case 12:
	case 13:
	case 14:
	case 15:
		put(f, 2, rnd(4) ? 0x8100 : rnd(2) ? 0x88a8 : 0x9100);
		put(f, 2, (rnd(2) ? 0x2000 : 0) | (rnd(2) ? 5 : 7));
		put_typed(f, depth - 1);
		return;
	case 16:
	case 17:
		put(f, 2, 0x8847);
		if (rnd(2))
			put(f, 4, 100 << 12 | 64);
		put(f, 4, (rnd(2) ? 100 : 200) << 12 | 1 << 8 | 64);
		put_ip(f, rnd(2));
		return;
	case 18:
	case 19:
		put(f, 2, rnd(4) ? 0x8864 : 0x8863);
		put(f, 2, 0x1100);
		put(f, 4, (rnd(2) ? 3u : 4u) << 16 | 40);
		put(f, 2, rnd(2) ? 0x21 : 0x57);
		put_ip(f, rnd(2));
		return;
	default: put(f, 2, 0x800), put_ip(f, false); return;
	}
}

static void put_wireless(struct frame *f, bool padded)
{
	static const u8 kinds[] = {0x08, 0x88, 0x08, 0x88, 0x80, 0xb4, 0xd4, 0xc4, 0x48, 0x40};
	u8 kind = PICK(kinds);

	put(f, 1, kind);
	put(f, 1, rnd(4));
	put(f, 2, 0);
	put_text_mac(f);
	put_text_mac(f);
	put_text_mac(f);
	put(f, 2, 0x1000);
	put(f, kind == 0x88 ? padded ? 4 : 2 : 0, 0);
	put(f, 4, 0xaaaa0300);
	put(f, 2, 0);
	put_typed(f, 0);
}

static void put_pflog(struct frame *f)
{
	u32 family = rnd(2) ? 2 : 10;

	put(f, 1, rnd(4) ? 64 : 61);
	put(f, 1, family);
	put(f, 1, rnd(2));
	put(f, 1, rnd(4));
	put(f, 4, rnd(2) ? 0x65746830 : 0x656d3100);
	put(f, 12, 0);
	put(f, 4, rnd(2) ? 0x666f6f00 : 0);
	put(f, 12, 0);
	put(f, 4, rnd(2) ? 5 : 7);
	put(f, 4, rnd(2) ? 6 : 7);
	put(f, 16, 0);
	put(f, 4, (1 + rnd(2)) << 24);
	put_ip(f, family == 10);
}

static void gen_frame(struct frame *f, u32 link)
{
	f->n = 0;
	switch (link) {
	case 127: {
		u32 present = rnd(4), time = present & 1 ? 8 : 0, flags = rnd(2) ? 0x20 : rnd(256);
		u32 more = time + 4 * rnd(3) + (present & 2 ? 4 : 0);

		put(f, 2, 0);
		put(f, 2, (8 + more) << 8);
		put(f, 4, present << 24);
		put(f, time, 0);
		if (present & 2)
			put(f, 1, flags);
		put(f, more - time - (present & 2 ? 1 : 0), 0);
		put_wireless(f, present & 2 && flags & 0x20);
		break;
	}
	case 119:
	case 163: {
		bool avs = link == 163 || rnd(2);

		put(f, 4, avs ? 0x80211001 : 0x41);
		put(f, 4, avs ? 64 : 144);
		put(f, avs ? 56 : 136, 0);
		put_wireless(f, false);
		break;
	}
	case 105: put_wireless(f, false); break;
	case 117: put_pflog(f); break;
	case 113:
		put(f, 2, rnd(5));
		put(f, 2, 1);
		put(f, 2, 6);
		put_text_mac(f);
		put(f, 2, 0);
		put_typed(f, 0);
		break;
	case 0:
	case 108: {
		u32 family = rnd(2) ? 2 : 10;

		put(f, 4, rnd(8) ? link ? family : __builtin_bswap32(family) : rnd(100));
		put_ip(f, family != 2);
		break;
	}
	case 9:
	case 50:
		put(f, 2, 0xff03);
		put(f, 2, rnd(2) ? 0x21 : 0x57);
		put_ip(f, rnd(2));
		break;
	case 1:
		put_text_mac(f);
		put_text_mac(f);
		put_typed(f, 3);
		break;
	default: put_ip(f, rnd(2)); break;
	}
	if (!rnd(4) && f->n)
		f->bytes[rnd(f->n)] = (u8)rnd(256);
	if (!rnd(4) && f->n)
		f->n = rnd(f->n);
}

#endif
