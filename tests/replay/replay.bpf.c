/*
 * replay.bpf.c: programs of all kinds that see packets, for captures: each drops some, changes some
 * and counts all.
 */
#include "../objects/common.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

unsigned long long packets, bytes;

static __always_inline int protocol_of(void *at, void *end)
{
	struct iphdr *ip = at;

	return (void *)(ip + 1) > end || ip->version != 4 ? -1 : ip->protocol;
}

SEC("xdp") int door(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	packets++;
	bytes += ctx->data_end - ctx->data;
	if ((void *)(eth + 1) > end)
		return XDP_ABORTED;
	if (eth->h_proto != __builtin_bswap16(ETH_P_IP))
		return XDP_PASS;
	switch (protocol_of(eth + 1, end)) {
	case IPPROTO_UDP: return XDP_DROP;
	case IPPROTO_ICMP: eth->h_dest[0] = 2; return XDP_TX;
	default: return XDP_PASS;
	}
}

/* Four bytes in front: where is the packet afterwards? */
SEC("xdp") int longer(struct xdp_md *ctx)
{
	packets++;
	return bpf_xdp_adjust_head(ctx, -4) ? XDP_ABORTED : XDP_PASS;
}

SEC("tc") int cls(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	packets++;
	bytes += skb->len;
	if ((void *)(eth + 1) > end || eth->h_proto != __builtin_bswap16(ETH_P_IP))
		return TC_ACT_UNSPEC;
	return protocol_of(eth + 1, end) == IPPROTO_UDP ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("socket") int sock(struct __sk_buff *skb)
{
	unsigned char b[12]; /* the type of the frame, and so on up to IP's protocol */

	packets++;
	if (bpf_skb_load_bytes(skb, 12, b, sizeof(b)))
		return 40;
	return b[0] == 8 && b[1] == 0 && b[11] == IPPROTO_UDP ? 0 : 40;
}

SEC("cgroup_skb/egress") int group(struct __sk_buff *skb)
{
	packets++;
	bytes += skb->len;
	return protocol_of((void *)(long)skb->data, (void *)(long)skb->data_end) != IPPROTO_UDP;
}

SEC("lwt_in") int route(struct __sk_buff *skb)
{
	packets++;
	return protocol_of((void *)(long)skb->data, (void *)(long)skb->data_end) == IPPROTO_UDP ? 2 : 0;
}

SEC("tracepoint/syscalls/sys_enter_openat") int elsewhere(void *ctx)
{
	return 0;
}

SEC("cgroup/sock_create") int birth(struct bpf_sock *sk)
{
	packets += 20; /* one socket sends so many */
	return 1;
}
