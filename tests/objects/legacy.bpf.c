/* legacy.bpf.c: maps as they were before BTF described them. libbpf 1.0 dropped them: libbpf: no */
#include "common.h"

struct bpf_map_def {
	unsigned type, key_size, value_size, max_entries, map_flags;
};
struct bpf_map_def SEC("maps") counts = {BPF_MAP_TYPE_HASH, 4, 8, 32, 0};
struct bpf_map_def SEC("maps") totals = {BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0};

SEC("socket") int use(struct __sk_buff *skb)
{
	__u32 key = skb->len, two = 2;
	__u64 one = 1, *n = bpf_map_lookup_elem(&totals, &two);

	if (n)
		*n += key;
	bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	return n ? (int)*n : -1;
}
