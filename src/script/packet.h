/*
 * packet.h: values of packets in scripts: ip.src, tcp.dport, pcap("udp port 53"), verdicts.
 *
 * packet.c has the table and checks; lower_walk.c reads the headers.
 */
#ifndef SCRIPT_PACKET_H
#define SCRIPT_PACKET_H

#include "script/tables.h"

#include "filter/bpf.h"

enum packet_header {
	HEADER_PACKET, /* known without any header */
	HEADER_ETH,
	HEADER_TYPE, /* what is behind the tags */
	HEADER_VLAN,
	HEADER_ARP,
	HEADER_IP,
	HEADER_IP6,
	HEADER_CARRIED, /* which protocol IP carries, IPv6's headers in between passed by */
	HEADER_PORTS,
	HEADER_TCP,
	HEADER_UDP,
	HEADER_ICMP,
	HEADER_ICMP6,
	HEADERS
};
enum packet_shown { PACKET_NUMBER, PACKET_INET, PACKET_INET6, PACKET_MAC };
struct packet_row {
	u8 header, off, bytes, shift, bits, shown;
};
#define PACKET_ROWS 64 /* at most: a set of them is a word */
extern const struct packet_row packet_rows[];
extern const u32 packet_row_count;

/* Which row a value is. */
u32 packet_row_of(const struct node *);
/* Where the programs of a point see packets. */
enum filter_hook_id packet_hook(const struct point *);

struct filter;
/* What pcap() is given, for that point. Errors are of the filter's own text. */
int packet_compile(struct script *, const struct point *, const struct node *text, struct filter *,
		   struct diag *);

#define PACKET_KINDS \
	(1ull << ATTACH_XDP | 1ull << ATTACH_TC | 1ull << ATTACH_CGROUP_SKB | 1ull << ATTACH_SOCKET)
static inline bool point_is_packet(const struct point *p)
{
	return PACKET_KINDS >> p->row->attach & 1;
}

#endif
