/* inner.bpf.c: maps in maps, from the start and by index. */
#include "common.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} left SEC(".maps"), right SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} array SEC(".maps") = {.values = {[0] = &left, [3] = &right}};
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 8);
		__type(key, __u64);
		__type(value, __u32);
	});
} hash SEC(".maps");

static __always_inline int put(__u32 where, __u32 key, __u64 value)
{
	void *map = bpf_map_lookup_elem(&array, &where);
	__u64 *v = map ? bpf_map_lookup_elem(map, &key) : 0;

	if (!map)
		return 1;
	if (!v)
		return 2;
	*v += value;
	return 4;
}

SEC("socket") int use(struct __sk_buff *skb)
{
	__u64 key = 5;
	__u32 none = 2, *v = 0;
	void *map = bpf_map_lookup_elem(&hash, &none);

	if (map)
		v = bpf_map_lookup_elem(map, &key);
	if (v)
		return *v;
	return put(0, 1, 11) | put(1, 0, 12) << 3 | put(3, 0, 13) << 6 | put(3, 2, 14) << 9;
}
