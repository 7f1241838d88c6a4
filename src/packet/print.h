/* print.h: what the files that print packets share. */
#ifndef PACKET_PRINT_H
#define PACKET_PRINT_H

#include "packet/packet.h"

/* A part of a packet: what was captured of it, and how long it was on the wire. */
struct view {
	const u8 *p;
	u32 n, len;
};

struct line {
	struct buf *b;
	struct packet_printer *o;
	u32 depth; /* headers inside of headers */
};
#define LINE_DEPTH_MOST 16

/* Where a TCP or UDP header belongs. */
struct ends {
	const u8 *src, *dst; /* addresses */
	bool six;
	bool bare; /* they were written already */
	u8 hops;   /* that it may still go: ttl, hop limit */
	bool part; /* of a packet: no checksum is over it */
};

static inline bool view_has(const struct view *v, u32 at, u32 n)
{
	return at <= v->n && v->n - at >= n;
}
/* Without looking: view_has() comes first. */
static inline u32 view_u16(const struct view *v, u32 at)
{
	return (u32)v->p[at] << 8 | v->p[at + 1];
}
static inline u32 view_u32(const struct view *v, u32 at)
{
	return view_u16(v, at) << 16 | view_u16(v, at + 2);
}
static inline struct view view_from(struct view v, u32 at)
{
	u32 seen = MIN(at, v.n), gone = MIN(at, v.len);

	return (struct view){v.p + seen, v.n - seen, v.len - gone};
}
/* Not more than len bytes of it. */
static inline struct view view_cut(struct view v, u32 len)
{
	return (struct view){v.p, MIN(v.n, len), MIN(v.len, len)};
}

static inline void put(struct line *l, const char *text)
{
	buf_add(l->b, text, __builtin_strlen(text)); /* known to the compiler of most */
}
static inline void put_u32(struct line *l, const char *before, u32 v)
{
	put(l, before);
	buf_u64(l->b, v);
}
static inline void put_short(struct line *l, const char *what) /* the rest was not captured */
{
	buf_printf(l->b, " [|%s]", what);
}
void put_ip4(struct line *, const u8 *addr);
void put_ip6(struct line *, const u8 *addr);
void put_mac(struct line *, const u8 *addr);
void put_addr(struct line *, const struct ends *, bool dst);
/* "1.2.3.4.80 > 5.6.7.8.1234: " */
void put_ends(struct line *, const struct ends *, u32 sport, u32 dport);
/* Text of a protocol up to the end of the line; others than ASCII as in \ooo. */
void put_text(struct line *, const u8 *p, u32 n);

/* The same, others as ^M and M-a. */
void put_visible(struct line *, const u8 *p, u32 n);

/* Rows of 16 bytes, each begun so ("\n\t"), with characters behind them where text is wanted. */
void put_hex(struct line *, const char *row, struct view, bool text);

/* print.c */
const char *ethertype_name(u32 type);
void print_ethertype(struct line *, u32 type, struct view, bool named);
/* print_ppp.c */
void print_ppp(struct line *, struct view);
void print_pppoe(struct line *, struct view);
/* checksum.c: 0 where what stands there is right */
u32 checksum(const u8 *, u32 n);
/* What TCP and UDP have, over addresses, too. */
u32 checksum_above(const struct ends *, u32 protocol, const u8 *, u32 n);
u32 checksum_wanted(u32 stands, u32 rest); /* what would be right */
/* Is it wanted that sums are checked, and can this one be? */
static inline bool checks(const struct line *l, const struct view *v, u32 n)
{
	return l->o->verbose && view_has(v, 0, n);
}
/* print_details.c */
void put_ip4_details(struct line *, const struct view *, u32 head);
void put_ip6_details(struct line *, const struct view *);
void put_ip6_options(struct line *, const struct view *, u32 n);
/* print_ip.c */
/* named: with "IP " in front */
void print_ip4(struct line *, struct view, bool named);
void print_ip6(struct line *, struct view, bool named);
void print_ip_protocol(struct line *, u32 protocol, struct view, const struct ends *);
/* print_arp.c */
void print_arp(struct line *, struct view, const char *name);
/* print_icmp.c, print_icmp6.c */
void print_icmp(struct line *, struct view, const struct ends *);
void print_icmp6(struct line *, struct view, const struct ends *);
/* print_tcp.c */
void print_tcp(struct line *, struct view, const struct ends *);
void flows_free(struct packet_flows *);
/* print_udp.c */
void print_udp(struct line *, struct view, const struct ends *);
/* print_tunnel.c */
void print_gre(struct line *, struct view, const struct ends *);
void print_vxlan(struct line *, struct view);
void print_geneve(struct line *, struct view);
void print_otv(struct line *, struct view);
/* print_link.c; false: it is not one that is known */
bool print_link_protocol(struct line *, u32 type, struct view);
bool print_llc(struct line *, struct view);
void print_stp(struct line *, struct view);
/* print_cisco.c; false: it is none of Cisco's types that is known */
bool print_cisco(struct line *, u32 type, struct view);
void print_eigrp(struct line *, struct view, const struct ends *);
void print_ldp(struct line *, struct view);
/* print_route.c */
extern const char *const group_changes[7]; /* by their number, from 1 on */
void print_igmp(struct line *, struct view, const struct ends *);
void print_ospf(struct line *, struct view, const struct ends *);
void print_vrrp(struct line *, struct view, const struct ends *);
void print_pim(struct line *, struct view, const struct ends *);
void print_ipcomp(struct line *, struct view, const struct ends *);
void print_esp(struct line *, struct view, const struct ends *);
/* print_apps.c, print_snmp.c: over UDP */
void print_tftp(struct line *, struct view);
void print_syslog(struct line *, struct view);
void print_radius(struct line *, struct view);
void print_rip(struct line *, struct view);
void print_hsrp(struct line *, struct view);
void print_bfd_control(struct line *, struct view);
void print_bfd_echo(struct line *, struct view);
void print_bfd_multihop(struct line *, struct view);
void print_isakmp(struct line *, struct view);
void print_nat_esp(struct line *, struct view);
void print_snmp(struct line *, struct view);
/* print_sctp.c */
void print_sctp(struct line *, struct view, const struct ends *);
/* print_dns.c */
void print_dns(struct line *, struct view, bool multicast);
/* The name at `at`; returns what follows it, 0: it is cut off or broken. */
u32 print_dns_name(struct line *, const struct view *, u32 at);
/* print_ntp.c */
void print_ntp(struct line *, struct view);
/* print_dhcp.c */
void print_dhcp(struct line *, struct view);
/* print_payload.c; false: it is not one */
/* By its ports, or HTTP on others. */
bool print_text_protocol(struct line *, u32 sport, u32 dport, struct view);
void print_sip(struct line *, struct view);
void print_resp(struct line *, struct view);
bool print_ssh(struct line *, struct view);
bool print_tls(struct line *, struct view);
bool print_quic(struct line *, struct view);

#endif
