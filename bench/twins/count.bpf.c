/* count.bpf.c: a plain count. */
#include "twin.h"

PERCPU_ARRAY(counts, 1);

SEC("tracepoint/syscalls/sys_enter_getppid")
int plain(struct enter *ctx)
{
	__u32 zero = 0;
	__u64 *n;

	if (!concerned())
		return 0;
	n = bpf_map_lookup_elem(&counts, &zero);
	if (n)
		++*n;
	return 0;
}
