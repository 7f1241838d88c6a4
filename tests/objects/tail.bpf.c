/* tail.bpf.c: tail calls through an array that has its programs from the start. */
/* prog: entry */
#include "common.h"

int first(struct __sk_buff *), second(struct __sk_buff *);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 5);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} steps SEC(".maps") = {.values = {[1] = (void *)&first, [3] = (void *)&second}};

int calls, missed;

SEC("tc") int entry(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &steps, 2); /* empty */
	missed++;
	bpf_tail_call(skb, &steps, 1);
	return -1;
}

SEC("tc") int first(struct __sk_buff *skb)
{
	calls++;
	if (calls < 10)
		bpf_tail_call(skb, &steps, 1);
	bpf_tail_call(skb, &steps, 3);
	return -2;
}

SEC("tc") int second(struct __sk_buff *skb)
{
	calls += 100;
	bpf_tail_call(skb, &steps, 77); /* behind the end */
	return calls;
}
