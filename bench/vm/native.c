/* native.c: the eight programs by the C compiler of this machine. */
#include "algorithms.h"
#include "vm_bench.h"

static u64 node;

/* What a helper is to a program: a function that it cannot see into. */
__attribute__((noipa)) u64 native_numa_node(void)
{
	return *(volatile u64 *)&node;
}

#define NATIVE(n)                                                           \
	static __attribute__((noipa)) u64 native_##n(const u8 *m, u64 size) \
	{                                                                   \
		const u8 *end = m + size;                                   \
                                                                            \
		(void)end;                                                  \
		return (u32)run_##n(m);                                     \
	}
ALGORITHMS(NATIVE)
CALLED

const struct native natives[] = {
#define ROW(n) {#n, native_##n},
	ALGORITHMS(ROW)};
const unsigned nnatives = sizeof(natives) / sizeof(*natives);
