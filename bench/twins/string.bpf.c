/* string.bpf.c: a predicate on the name of the thread. */
#include "twin.h"

PERCPU_ARRAY(counts, 1);

SEC("tracepoint/syscalls/sys_enter_getppid")
int by_string(struct enter *ctx)
{
	char comm[COMM];
	__u32 zero = 0;
	__u64 *n;

	if (!concerned())
		return 0;
	bpf_get_current_comm(comm, sizeof(comm));
	if (comm[0] != 'w' || comm[1] != 'o' || comm[2] != 'r' || comm[3] != 'k' || comm[4])
		return 0;
	n = bpf_map_lookup_elem(&counts, &zero);
	if (n)
		++*n;
	return 0;
}
