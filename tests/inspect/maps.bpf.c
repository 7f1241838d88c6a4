/* maps.bpf.c: maps with types of all kinds, and programs for several places; see run. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum colour { RED, GREEN = 5, BLUE = -1 };
struct inner {
	__s16 low;
	__u8 bytes[3];
};
struct key {
	__u32 pid;
	char comm[16];
};
struct value {
	__u64 count;
	__s32 delta;
	enum colour colour;
	_Bool seen;
	char name[8];
	struct inner inner[2];
	__u32 flag : 1, level : 5;
	union {
		__u32 word;
		__u16 half;
	};
	void *pointer;
};
struct lpm {
	__u32 prefixlen;
	__u8 data[4];
};

#define MAP(name, kind, entries, K, V)                  \
	struct {                                        \
		__uint(type, BPF_MAP_TYPE_##kind);      \
		__uint(max_entries, entries);           \
		__type(key, K);                         \
		__type(value, V);                       \
	} name SEC(".maps")

MAP(typed, HASH, 8, struct key, struct value);
MAP(plain, HASH, 4, __u32, __s64);
MAP(numbers, ARRAY, 4, __u32, __u16);
MAP(each_cpu, PERCPU_ARRAY, 2, __u32, __u64);
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm);
	__type(value, __u32);
} routes SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 3);
	__type(value, __u32);
} line SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jumps SEC(".maps");
struct inside {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inside);
} outer SEC(".maps");

int counter = 7;
char greeting[8] = "hello";

#define USE(m) bpf_map_lookup_elem(&m, &zero)

SEC("xdp")
int insp_xdp(struct xdp_md *ctx)
{
	struct key k = {};
	struct lpm l = {};
	__u32 zero = 0;

	(void)ctx;
	bpf_map_lookup_elem(&typed, &k);
	bpf_map_lookup_elem(&routes, &l);
	USE(plain);
	USE(numbers);
	USE(each_cpu);
	USE(outer);
	bpf_map_push_elem(&line, &zero, 0);
	bpf_ringbuf_output(&ring, &zero, sizeof(zero), 0);
	bpf_tail_call(ctx, &jumps, 1);
	counter++;
	return greeting[0] ? XDP_PASS : XDP_DROP;
}

SEC("tc")
int insp_tc(struct __sk_buff *skb)
{
	(void)skb;
	return 0;
}

SEC("cgroup_skb/ingress")
int insp_cgroup(struct __sk_buff *skb)
{
	(void)skb;
	return 1;
}

SEC("raw_tp/task_rename")
int insp_raw(void *ctx)
{
	(void)ctx;
	return 0;
}

char _license[] SEC("license") = "GPL";
