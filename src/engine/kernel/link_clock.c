/*
 * link_clock.c: profiles, software and hardware events: a perf event for each CPU that runs.
 *
 * In: a row with its period. Out: events that call the program when they overflow.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>

#define TYPE_HARDWARE 0
#define TYPE_SOFTWARE 1
#define CPU_CLOCK     0 /* PERF_COUNT_SW_CPU_CLOCK: its count is nanoseconds */

int link_clock(struct kernel_engine *k, const struct attach *a)
{
	const char *probe = k->base.object->progs.v[a->prog].probe;
	bool clock = a->kind == ATTACH_PROFILE;
	struct sys_event e = {.type = a->kind == ATTACH_HARDWARE ? TYPE_HARDWARE : TYPE_SOFTWARE,
			      .config = clock ? CPU_CLOCK : a->off,
			      .period = clock ? a->ns : a->count,
			      .pid = -1};
	int err = link_on_cpus(k, &e, a);

	if (a->kind == ATTACH_HARDWARE && (err == -ENOENT || err == -EOPNOTSUPP))
		return diag_fail(k->base.diag, -EOPNOTSUPP, "software:cpu-clock or profile:hz:99 may serve",
				 "this machine has no counter for %s", probe);
	return err ? why_event(k, err, probe) : 0;
}
