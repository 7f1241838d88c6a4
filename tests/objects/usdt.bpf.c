/* usdt.bpf.c: libbpf's words for USDT probes: see usdt.c. run: no. gcc: no */
#define __TARGET_ARCH_x86
#include <linux/ptrace.h>
#include <stdbool.h>

#include "common.h"

#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

struct seen {
	long args[4], count, cookie;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, int); /* how many arguments */
	__type(value, struct seen);
} places SEC(".maps");

SEC("usdt/./objusdt:objusdt:mixed") int mixed(struct pt_regs *ctx)
{
	int n = bpf_usdt_arg_cnt(ctx);
	struct seen first = {}, *seen = bpf_map_lookup_elem(&places, &n);

	if (!seen) {
		bpf_map_update_elem(&places, &n, &first, BPF_ANY);
		seen = bpf_map_lookup_elem(&places, &n);
	}
	if (!seen)
		return 0;
	seen->count++;
	seen->cookie += bpf_usdt_cookie(ctx);
	for (int i = 0; i < 4; i++)
		bpf_usdt_arg(ctx, i, &seen->args[i]);
	return 0;
}
