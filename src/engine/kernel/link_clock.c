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
	struct cpus online;
	u32 top;

	cpus_read(&online, "online", &top);
	for (u32 cpu = 0; cpu < top && cpu < CPUS_MOST; cpu++) {
		int fd, err;

		if (!cpu_in(&online, cpu))
			continue;
		e.cpu = (int)cpu;
		fd = sys_event_open(&e);
		if (fd == -ENODEV) /* went away meanwhile */
			continue;
		if (a->kind == ATTACH_HARDWARE && (fd == -ENOENT || fd == -EOPNOTSUPP))
			return diag_fail(k->base.diag, fd,
					 "software:cpu-clock or profile:hz:99 may serve",
					 "this machine has no counter for %s", probe);
		if (fd < 0)
			return why_event(k, fd, probe);
		err = link_keep(k, fd);
		if (!err)
			err = link_event(k, fd, a);
		if (err)
			return why_event(k, err, probe);
	}
	return 0;
}
