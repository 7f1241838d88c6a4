/*
 * twin.h: what the programs by hand share: the pid filter, counting in per-CPU maps, log2.
 *
 * They do what the scripts of bench/scripts.c do, as one would write it for libbpf: per-CPU values
 * without atomics, lookup before update.
 */
#ifndef TWIN_H
#define TWIN_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define COMM 16

/* The only variable of .rodata: the loader sets it. */
const volatile __u32 target;

/* As in the formats of tracefs. */
struct enter {
	__u64 common;
	__s64 nr;
	__u64 args[6];
};
struct leave {
	__u64 common;
	__s64 nr;
	__s64 ret;
};

static __always_inline int concerned(void)
{
	return bpf_get_current_pid_tgid() >> 32 == target;
}

static __always_inline void count_in(void *map, const void *key)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(map, key);

	if (n)
		++*n;
	else
		bpf_map_update_elem(map, key, &one, BPF_NOEXIST);
}

static __always_inline __u32 log2_of(__u64 v)
{
	__u32 r, shift;

	r = (v > 0xFFFFFFFF) << 5;
	v >>= r;
	shift = (v > 0xFFFF) << 4;
	v >>= shift;
	r |= shift;
	shift = (v > 0xFF) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xF) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	r |= shift;
	return r | (v >> 1);
}

/* Buckets as of hist(): negative, 0, 1, [2, 4), ... */
static __always_inline void hist_in(void *map, __s64 v)
{
	__u32 bucket = v < 0 ? 0 : v == 0 ? 1 : log2_of((__u64)v) + 2;
	__u64 *n = bpf_map_lookup_elem(map, &bucket);

	if (n)
		++*n;
}

#define PERCPU_HASH(name, key_type)                     \
	struct {                                        \
		__uint(type, BPF_MAP_TYPE_PERCPU_HASH); \
		__uint(max_entries, 4096);              \
		__type(key, key_type);                  \
		__type(value, __u64);                   \
	} name SEC(".maps")

#define PERCPU_ARRAY(name, entries)                      \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, entries);            \
		__type(key, __u32);                      \
		__type(value, __u64);                    \
	} name SEC(".maps")

char LICENSE[] SEC("license") = "GPL";

#endif
