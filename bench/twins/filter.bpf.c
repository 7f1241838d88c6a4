/* filter.bpf.c: a predicate on the pid that is not met. */
#include "twin.h"

PERCPU_ARRAY(counts, 1);

SEC("tracepoint/syscalls/sys_enter_getppid")
int filter(struct enter *ctx)
{
	__u32 zero = 0;
	__u64 *n;

	if (bpf_get_current_pid_tgid() >> 32 != 1)
		return 0;
	n = bpf_map_lookup_elem(&counts, &zero);
	if (n)
		++*n;
	return 0;
}
