/* maps.bpf.c: kinds of maps, their flags and errors. */
#include "common.h"

#define MAP(name, kind, most, k, v, ...)        \
	struct {                                \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, most);      \
		__type(key, k);                 \
		__type(value, v);               \
		__VA_ARGS__                     \
	} name SEC(".maps")

struct point {
	int x, y;
};
enum colour { RED, GREEN = 5, BLUE = -1 };
struct thing {
	char name[12];
	enum colour colour;
	struct point at[2];
	unsigned kind : 3, age : 7;
	signed left : 4;
	union {
		long whole;
		int half[2];
	};
	_Bool yes;
};

MAP(hash, HASH, 4, __u32, struct thing, );
MAP(array, ARRAY, 8, __u32, struct point, );
MAP(percpu_hash, PERCPU_HASH, 8, __u64, __u32, );
MAP(percpu_array, PERCPU_ARRAY, 4, __u32, struct point, );
MAP(lru, LRU_HASH, 16, __u16, __u8, );
MAP(sparse, HASH, 8, struct point, __s16, __uint(map_flags, BPF_F_NO_PREALLOC););

long got[18];

SEC("socket") int use(struct __sk_buff *skb)
{
	struct thing t = {.name = "thing", .colour = GREEN, .kind = 5, .age = 100, .left = -3, .yes = 1};
	struct point p = {3, -4};
	__u32 k = 1;
	__u64 big = 1ull << 40;
	__u16 small = 7;
	__s16 s = -300;
	__u8 byte = 9;

	t.at[1].x = -7;
	t.whole = -1;
	got[0] = bpf_map_update_elem(&hash, &k, &t, BPF_NOEXIST);
	got[1] = bpf_map_update_elem(&hash, &k, &t, BPF_NOEXIST);
	k = 2;
	got[2] = bpf_map_update_elem(&hash, &k, &t, BPF_EXIST);
	got[3] = bpf_map_update_elem(&hash, &k, &t, BPF_ANY);
	k = 3;
	t.colour = BLUE;
	got[4] = bpf_map_update_elem(&hash, &k, &t, BPF_ANY);
	k = 4;
	t.colour = 17;
	got[5] = bpf_map_update_elem(&hash, &k, &t, BPF_ANY);
	k = 5;
	got[6] = bpf_map_update_elem(&hash, &k, &t, BPF_ANY);
	k = 4;
	got[7] = bpf_map_delete_elem(&hash, &k);
	got[8] = bpf_map_delete_elem(&hash, &k);
	k = 8;
	got[9] = bpf_map_update_elem(&array, &k, &p, BPF_ANY);
	k = 7;
	got[10] = bpf_map_update_elem(&array, &k, &p, BPF_NOEXIST);
	got[11] = bpf_map_update_elem(&array, &k, &p, BPF_ANY);
	got[12] = bpf_map_delete_elem(&array, &k);
	got[13] = bpf_map_update_elem(&percpu_hash, &big, &k, BPF_ANY);
	k = 3;
	got[14] = bpf_map_update_elem(&percpu_array, &k, &p, BPF_ANY);
	got[15] = bpf_map_update_elem(&lru, &small, &byte, BPF_ANY);
	got[16] = bpf_map_update_elem(&sparse, &p, &s, BPF_ANY);
	return byte;
}
