/* ring.bpf.c: records of a ring buffer: submitted, discarded, and too large. */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");
struct record {
	__u32 n;
	char text[20];
};

SEC("socket") int use(struct __sk_buff *skb)
{
	int sent = 0;

	for (unsigned i = 0; i < 200; i++) {
		struct record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

		if (!r)
			break;
		r->n = i;
		__builtin_memcpy(r->text, "hello", 6);
		if (i % 3)
			bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
		else
			bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		sent++;
	}
	return sent << 16 | (int)bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
}
