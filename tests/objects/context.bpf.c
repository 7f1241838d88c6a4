/* context.bpf.c: programs whose context is given: raw tracepoints. */
/* context: 2a00000000000000070000000000000000000000000000000000000000000000 */
#include "common.h"

long seen[2];

SEC("raw_tp/sys_enter") int args(struct bpf_raw_tracepoint_args *ctx)
{
	seen[0] = ctx->args[0];
	seen[1] = ctx->args[1];
	return ctx->args[0] * ctx->args[1];
}
