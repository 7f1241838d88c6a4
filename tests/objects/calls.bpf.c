/* calls.bpf.c: static and global subprograms, in several sections, and callbacks. */
/* prog: one */
/* prog: two */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} squares SEC(".maps");
int walked;

static __noinline int leaf(int a)
{
	return a * 3 + walked;
}

__noinline int middle(int a)
{
	return leaf(a) - leaf(a + 1);
}

__noinline int top(int a, int b)
{
	return middle(a) * 2 + leaf(b);
}

static long square(__u32 i, void *ctx)
{
	__u64 v = (__u64)i * i;

	bpf_map_update_elem(&squares, &i, &v, BPF_ANY);
	*(long *)ctx += leaf(i);
	return i == 9;
}

static long add(void *map, const void *key, void *value, void *ctx)
{
	*(long *)ctx += *(__u64 *)value + *(__u32 *)key;
	return 0;
}

SEC("xdp") int one(struct xdp_md *ctx)
{
	long sum = 0;

	walked++;
	bpf_loop(20, square, &sum, 0);
	bpf_for_each_map_elem(&squares, add, &sum, 0);
	return (int)sum + top(4, walked);
}

SEC("xdp") int two(struct xdp_md *ctx)
{
	long sum = 0;

	bpf_loop(3, square, &sum, 0);
	return (int)sum + middle(8);
}
