/* argument.bpf.c: count by an argument. */
#include "twin.h"

PERCPU_HASH(counts, __u64);

SEC("tracepoint/syscalls/sys_enter_close")
int by_argument(struct enter *ctx)
{
	__u64 fd;

	if (!concerned())
		return 0;
	fd = (__u32)ctx->args[0];
	count_in(&counts, &fd);
	return 0;
}
