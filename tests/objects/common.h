/* common.h: what the test objects share: libbpf's words, and a license. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

/* libbpf's headers call helpers through variables, which gcc 12 does not see through. */
#ifndef __clang__
#define HELPER(n, result, name, ...) \
	result name(__VA_ARGS__) __attribute__((kernel_helper(n)))
HELPER(1, void *, gcc_map_lookup_elem, void *, const void *);
HELPER(2, long, gcc_map_update_elem, void *, const void *, const void *, __u64);
HELPER(3, long, gcc_map_delete_elem, void *, const void *);
HELPER(12, long, gcc_tail_call, void *, void *, __u32);
HELPER(26, long, gcc_skb_load_bytes, const void *, __u32, void *, __u32);
HELPER(131, void *, gcc_ringbuf_reserve, void *, __u64, __u64);
HELPER(132, void, gcc_ringbuf_submit, void *, __u64);
HELPER(133, void, gcc_ringbuf_discard, void *, __u64);
HELPER(134, __u64, gcc_ringbuf_query, void *, __u64);
HELPER(164, long, gcc_for_each_map_elem, void *, void *, void *, __u64);
HELPER(181, long, gcc_loop, __u32, void *, void *, __u64);
#define bpf_map_lookup_elem   gcc_map_lookup_elem
#define bpf_map_update_elem   gcc_map_update_elem
#define bpf_map_delete_elem   gcc_map_delete_elem
#define bpf_tail_call	      gcc_tail_call
#define bpf_skb_load_bytes    gcc_skb_load_bytes
#define bpf_ringbuf_reserve   gcc_ringbuf_reserve
#define bpf_ringbuf_submit    gcc_ringbuf_submit
#define bpf_ringbuf_discard   gcc_ringbuf_discard
#define bpf_ringbuf_query     gcc_ringbuf_query
#define bpf_for_each_map_elem gcc_for_each_map_elem
#define bpf_loop	      gcc_loop
#endif

char LICENSE[] SEC("license") = "GPL";
