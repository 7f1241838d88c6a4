/* stack.bpf.c: count by kernel stack. */
#include "twin.h"

PERCPU_HASH(counts, __s64);
struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 127 * sizeof(__u64));
} stacks SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int by_stack(struct enter *ctx)
{
	__s64 id;

	if (!concerned())
		return 0;
	id = bpf_get_stackid(ctx, &stacks, 0);
	count_in(&counts, &id);
	return 0;
}
