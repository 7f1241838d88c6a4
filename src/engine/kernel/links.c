/*
 * links.c: attaches programs.
 *
 * A tracepoint is opened as a perf event for one CPU; the program set on it runs on all CPUs, from
 * that moment on, whether or not the event is enabled. So nothing but the gate (control.h) starts
 * and stops it, and the event is there only to be closed.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int tracepoint_attach(struct kernel_engine *k, const struct attach *a)
{
	const char *probe = k->base.object->progs.v[a->prog].probe;
	u32 id = 0;
	int err = tracefs_tracepoint(k, a, &id), fd;

	if (err)
		return err;
	fd = sys_tracepoint(id);
	if (fd < 0)
		return why_event(k, fd, probe);
	k->events[k->nevents++] = fd;
	err = sys_event_set_prog(fd, k->progs[a->prog]);
	if (err == -E2BIG)
		return diag_fail(k->base.diag, err, "the kernel allows 64 at each; see bpftool prog",
				 "cannot attach %s: too many programs are attached there", probe);
	return err ? why_event(k, err, probe) : 0;
}

int links_open(struct kernel_engine *k)
{
	const struct object *o = k->base.object;

	k->events = calloc(MAX(o->attaches.n, 1u), sizeof(*k->events));
	if (!k->events)
		return -ENOMEM;
	vec_each(a, &o->attaches) {
		int err = 0;

		if (a->kind == ATTACH_TRACEPOINT)
			err = a->cookie ? diag_fail(k->base.diag, -EOPNOTSUPP, NULL,
						    "attach cookies are not supported yet") :
					  tracepoint_attach(k, a);
		if (err)
			return err;
	}
	return 0;
}

void links_close(struct kernel_engine *k)
{
	while (k->nevents)
		close(k->events[--k->nevents]);
	free(k->events);
	k->events = NULL;
}
