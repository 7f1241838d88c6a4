/* kernel.bpf.c: the eight programs for the kernel: the memory is an XDP program's packet. */
#define CALLS_SECTION "vm/calls"
#include "algorithms.h"

struct xdp_md {
	u32 data, data_end;
};

#define KERNEL(n)                                                                            \
	__attribute__((section("vm/" #n), used)) u32 kernel_##n(struct xdp_md *x)            \
	{                                                                                    \
		const u8 *m = (const u8 *)(u64)x->data, *end = (const u8 *)(u64)x->data_end; \
                                                                                             \
		if (m + MEMORY_BYTES > end)                                                  \
			return 0;                                                            \
		return (u32)run_##n(m);                                                      \
	}
ALGORITHMS(KERNEL)

/* What a run costs that does nothing. */
__attribute__((section("vm/empty"), used)) u32 kernel_empty(struct xdp_md *x)
{
	return x->data != 0;
}
CALLED
