/*
 * socks.bpf.c: programs of sockets, cgroups and network namespaces, for --at: each says what its
 * kind can say.
 */
#include "../objects/common.h"

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 16);
	__type(key, int);
	__type(value, int);
} socks SEC(".maps");

int next;

/* Each connection that is made goes into the map. */
SEC("sockops") int born(struct bpf_sock_ops *ops)
{
	int key;

	if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
	    ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) {
		key = next++;
		bpf_sock_map_update(ops, &socks, &key, BPF_ANY);
	}
	return 1;
}

SEC("sk_msg") int sent(struct sk_msg_md *msg)
{
	return msg->size > 100 ? SK_DROP : SK_PASS;
}

SEC("sk_skb/stream_verdict") int got(struct __sk_buff *skb)
{
	return SK_PASS;
}

SEC("sk_reuseport") int group(struct sk_reuseport_md *md)
{
	return md->len > 50 ? SK_DROP : SK_PASS;
}

SEC("sk_lookup") int chosen(struct bpf_sk_lookup *ctx)
{
	return ctx->local_port == 9 ? SK_DROP : SK_PASS;
}

SEC("flow_dissector") int headers(struct __sk_buff *skb)
{
	return 0; /* BPF_OK */
}

SEC("cgroup/connect4") int connects(struct bpf_sock_addr *ctx)
{
	return ctx->user_port != __builtin_bswap16(9);
}

SEC("cgroup/sock_create") int sockets(struct bpf_sock *sk)
{
	return sk->type != 3; /* SOCK_RAW */
}

SEC("cgroup/setsockopt") int options(struct bpf_sockopt *ctx)
{
	return ctx->level != 41; /* SOL_IPV6 */
}
