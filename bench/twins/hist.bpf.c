/* hist.bpf.c: a histogram of a return value. */
#include "twin.h"

PERCPU_ARRAY(buckets, 66);

SEC("tracepoint/syscalls/sys_exit_getppid")
int histogram(struct leave *ctx)
{
	if (concerned())
		hist_in(&buckets, ctx->ret);
	return 0;
}
