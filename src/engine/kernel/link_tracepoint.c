/*
 * link_tracepoint.c: tracepoints, as perf events and raw.
 *
 * A tracepoint is opened as a perf event for one CPU; the program set on it runs on all CPUs, from
 * that moment on, whether or not the event is enabled. So nothing but the gate (control.h) starts
 * and stops it, and the event is there only to be closed.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>

int link_tracepoint(struct kernel_engine *k, const struct attach *a)
{
	const char *probe = k->base.object->progs.v[a->prog].probe;
	u32 id = 0;
	int err = tracefs_tracepoint(k, a, &id), fd;

	if (err)
		return err;
	fd = sys_tracepoint(id);
	if (fd < 0)
		return why_event(k, fd, probe);
	err = link_keep(k, fd);
	if (err)
		return err;
	err = link_event(k, fd, a);
	if (err == -E2BIG)
		return diag_fail(k->base.diag, err,
				 "the kernel allows 64 at each; see bpftool prog",
				 "cannot attach %s: too many programs are attached there", probe);
	return err ? why_event(k, err, probe) : 0;
}

int link_raw_tracepoint(struct kernel_engine *k, const struct attach *a)
{
	int fd = sys_raw_tracepoint(a->pattern, k->progs[a->prog]);

	if (fd == -ENOENT)
		return diag_fail(k->base.diag, fd, "`waggle -l` shows what there is",
				 "this kernel has no tracepoint %s", a->pattern);
	if (fd < 0)
		return why_event(k, fd, k->base.object->progs.v[a->prog].probe);
	return link_keep(k, fd);
}

int link_tracing(struct kernel_engine *k, const struct attach *a)
{
	int fd = sys_raw_tracepoint(NULL, k->progs[a->prog]);

	return fd < 0 ? why_event(k, fd, k->base.object->progs.v[a->prog].section)
		      : link_keep(k, fd);
}
