/*
 * memory.c: pages that a fork() shares, and the lock that works in them.
 */
#include "base/clock.h"
#include "vm/lock.h"
#include "vm/vm.h"

/* Behind isa.h: it has a MAP_STACK of its own. */
#include <sched.h>
#include <sys/mman.h>

#define LOCK_PATIENCE 1000000000ull /* ns that a holder may take */

void *vm_memory(size_t size, bool low)
{
	int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | (low ? MAP_32BIT : 0);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void vm_memory_free(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}

void lock_wait(u32 *word)
{
	u32 seen = 0, spins = 0;
	u64 since = 0;

	for (;;) {
		u32 was = __atomic_load_n(word, __ATOMIC_RELAXED);

		if (!(was & 1)) {
			if (__atomic_compare_exchange_n(word, &was, was + 1, false,
							__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
				return;
			continue;
		}
		if (was != seen) {
			seen = was;
			since = 0;
		}
		__builtin_ia32_pause();
		if (++spins % LOCK_SPINS)
			continue;
		sched_yield();
		if (!since)
			since = clock_now(CLOCK_MONOTONIC);
		else if (clock_now(CLOCK_MONOTONIC) - since > LOCK_PATIENCE &&
			 __atomic_compare_exchange_n(word, &was, was + 2, false, __ATOMIC_ACQUIRE,
						     __ATOMIC_RELAXED))
			return;
	}
}

u64 lock_take_timed(u32 *word)
{
	u64 since = clock_now(CLOCK_MONOTONIC);

	lock_take(word);
	return clock_now(CLOCK_MONOTONIC) - since;
}
