/* comm.bpf.c: count by name of the thread. */
#include "twin.h"

struct comm {
	char name[COMM];
};
PERCPU_HASH(counts, struct comm);

SEC("tracepoint/syscalls/sys_enter_getppid")
int by_comm(struct enter *ctx)
{
	struct comm comm;

	if (!concerned())
		return 0;
	bpf_get_current_comm(&comm, sizeof(comm));
	count_in(&counts, &comm);
	return 0;
}
