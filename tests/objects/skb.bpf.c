/*
 * skb.bpf.c: fields of struct __sk_buff, direct access and loads of the packet, of several kinds.
 *
 * gcc: no, it has no builtin for such loads
 * prog: filter
 * prog: cls
 * prog: cgroup
 * input: 0102030405060708090a0b0c0800450000280001000040067cc97f0000017f0000011f9000500000000000000000500220000000000000000000
 */
#include "common.h"

unsigned long long load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long off) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long off) asm("llvm.bpf.load.word");

unsigned len, protocol, type, word;
char head[4];

SEC("socket") int filter(struct __sk_buff *skb)
{
	len = skb->len;
	protocol = skb->protocol;
	type = skb->pkt_type;
	word = load_word(skb, 12);
	if (load_byte(skb, 9) != 6)
		return 0;
	return load_half(skb, 20 + 2);
}

SEC("tc") int cls(struct __sk_buff *skb)
{
	unsigned char *p = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	len = skb->len;
	protocol = skb->protocol;
	skb->mark = 77;
	skb->cb[2] = 5;
	if (p + 18 > end)
		return 2;
	__builtin_memcpy(head, p, 4);
	p[14] ^= 0xff;
	return skb->cb[2] + (skb->mark == 77 ? 0 : 1);
}

SEC("cgroup_skb/egress") int cgroup(struct __sk_buff *skb)
{
	len = skb->len;
	return bpf_skb_load_bytes(skb, 0, head, sizeof(head)) == 0 && head[0] == 0x45;
}
