/* user.bpf.c: the eight programs as functions of memory: r1 is its address. */
#define CALLS_SECTION "vm/calls"
#include "algorithms.h"

#define USER(n)                                                                      \
	__attribute__((section("vm/" #n), used)) u64 user_##n(const u8 *m, u64 size) \
	{                                                                            \
		const u8 *end = m + size;                                            \
                                                                                     \
		(void)end;                                                           \
		return (u32)run_##n(m);                                              \
	}
ALGORITHMS(USER)
CALLED
