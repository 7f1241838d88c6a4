/*
 * parse.bpf.c: an XDP program that reads headers, counts in maps and changes the packet.
 *
 * input: 0102030405060708090a0b0c81000064080045000028000140004006b1e87f0000017f0000011f900050000000000000000050022000917c0000
 * input: ffffffffffff0000000000000800450000210001000040117cc97f0000017f00000100350035000d0000abcdefff00
 * input: 33330000000102030405060786dd6000000000083a40fe800000000000000000000000000001ff02000000000000000000000000000180000000
 */
#include "common.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

struct flow {
	__u32 from, to;
	__u16 sport, dport;
	__u8 proto, pad[3];
};
struct seen {
	__u64 packets, bytes;
	char name[8];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct flow);
	__type(value, struct seen);
} flows SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} protocols SEC(".maps");

struct vlan {
	__be16 tci, proto;
};

static __always_inline int ports(struct flow *f, void *at, void *end)
{
	struct udphdr *u = at; /* TCP's ports are there, too */

	if ((void *)(u + 1) > end)
		return 0;
	f->sport = __builtin_bswap16(u->source);
	f->dport = __builtin_bswap16(u->dest);
	return 1;
}

static __noinline int count(struct flow *f, __u64 bytes)
{
	struct seen fresh = {1, bytes, "new"}, *s;
	__u32 proto;
	__u64 *n;

	if (!f)
		return -1;
	proto = f->proto;
	n = bpf_map_lookup_elem(&protocols, &proto);
	if (n)
		*n += 1;
	s = bpf_map_lookup_elem(&flows, f);
	if (!s)
		return bpf_map_update_elem(&flows, f, &fresh, BPF_NOEXIST);
	s->packets++;
	s->bytes += bytes;
	__builtin_memcpy(s->name, "known", 6);
	return 1;
}

static __always_inline void swap(struct ethhdr *eth)
{
	for (int i = 0; i < ETH_ALEN; i++) {
		__u8 c = eth->h_dest[i];

		eth->h_dest[i] = eth->h_source[i];
		eth->h_source[i] = c;
	}
}

SEC("xdp") int parse(struct xdp_md *ctx)
{
	void *at = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = at;
	struct flow f = {};
	__be16 proto;

	if ((void *)(eth + 1) > end)
		return XDP_ABORTED;
	at = eth + 1;
	proto = eth->h_proto;
	if (proto == __builtin_bswap16(ETH_P_8021Q)) {
		struct vlan *v = at;

		if ((void *)(v + 1) > end)
			return XDP_DROP;
		proto = v->proto;
		at = v + 1;
	}
	if (proto == __builtin_bswap16(ETH_P_IP)) {
		struct iphdr *ip = at;

		if ((void *)(ip + 1) > end || ip->ihl != 5)
			return XDP_DROP;
		f.from = ip->saddr;
		f.to = ip->daddr;
		f.proto = ip->protocol;
		at = ip + 1;
	} else if (proto == __builtin_bswap16(ETH_P_IPV6)) {
		struct ipv6hdr *ip = at;

		if ((void *)(ip + 1) > end)
			return XDP_DROP;
		f.proto = ip->nexthdr;
		at = ip + 1;
	} else {
		return XDP_PASS;
	}
	if ((f.proto == IPPROTO_TCP || f.proto == IPPROTO_UDP) && !ports(&f, at, end))
		return XDP_DROP;
	if (count(&f, end - (void *)eth) < 0)
		return XDP_DROP;
	if (f.proto == IPPROTO_UDP)
		return XDP_PASS;
	swap(eth);
	return XDP_TX;
}
