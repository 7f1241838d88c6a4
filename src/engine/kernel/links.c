/*
 * links.c: attaches programs: one row a kind of place, and what their functions share.
 *
 * In: the object's attach rows, loaded programs. Out: descriptors, which keep the programs
 * attached as long as they are open.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

typedef int link_fn(struct kernel_engine *, const struct attach *);

static link_fn *const link_fns[ATTACH_KINDS] = {
	[ATTACH_TRACEPOINT] = link_tracepoint,
	[ATTACH_RAW_TRACEPOINT] = link_raw_tracepoint,
	[ATTACH_KPROBE] = link_kprobe,
	[ATTACH_KRETPROBE] = link_kprobe,
	[ATTACH_UPROBE] = link_uprobe,
	[ATTACH_URETPROBE] = link_uprobe,
	[ATTACH_USDT] = link_uprobe,
	[ATTACH_PROFILE] = link_clock,
	[ATTACH_SOFTWARE] = link_clock,
	[ATTACH_TRACING] = link_tracing,
	[ATTACH_FENTRY] = link_tracing,
	[ATTACH_FEXIT] = link_tracing,
	[ATTACH_HARDWARE] = link_clock,
	[ATTACH_ITER] = link_iter,
	[ATTACH_WATCHPOINT] = link_watch,
	[ATTACH_XDP] = link_xdp,
	[ATTACH_TC] = link_tc,
	[ATTACH_CGROUP_SKB] = link_cgroup,
	[ATTACH_SOCKET] = link_socket,
	[ATTACH_CGROUP] = link_cgroup_of,
	[ATTACH_ROUTE] = link_route,
	[ATTACH_NETNS] = link_netns,
	[ATTACH_NETFILTER] = link_netfilter,
	[ATTACH_SOCKMAP] = link_sockmap,
	[ATTACH_REUSEPORT] = link_reuseport,
};

int link_keep(struct kernel_engine *k, int fd)
{
	if (k->nevents == k->events_cap) {
		u32 cap = MAX(k->events_cap * 2, 16u);
		int *events = realloc(k->events, cap * sizeof(*events));

		if (!events) {
			close(fd);
			return -ENOMEM;
		}
		k->events = events;
		k->events_cap = cap;
	}
	k->events[k->nevents++] = fd;
	return 0;
}

int link_event(struct kernel_engine *k, int event, const struct attach *a)
{
	int link;

	if (!a->cookie)
		return sys_event_set_prog(event, k->progs[a->prog]);
	link = sys_link_event(k->progs[a->prog], event, a->cookie);
	return link < 0 ? link : link_keep(k, link);
}

int link_on_cpus(struct kernel_engine *k, struct sys_event *e, const struct attach *a)
{
	struct cpus online;
	u32 top;

	cpus_read(&online, "online", &top);
	for (u32 cpu = 0; cpu < top && cpu < CPUS_MOST; cpu++) {
		int fd, err;

		if (!cpu_in(&online, cpu))
			continue;
		e->cpu = (int)cpu;
		fd = sys_event_open(e);
		if (fd == -ENODEV) /* went away meanwhile */
			continue;
		err = fd < 0 ? fd : link_keep(k, fd);
		if (!err)
			err = link_event(k, fd, a);
		if (err)
			return err;
	}
	return 0;
}

/* Many attach points are many descriptors. */
static void raise_limit(u32 n)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || n + 256 < r.rlim_cur || r.rlim_cur == r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

int links_open(struct kernel_engine *k)
{
	const struct object *o = k->base.object;
	int err = 0;

	devices_listen(k);
	raise_limit(o->attaches.n);
	for (u32 i = 0; i < o->progs.n && !err; i++) {
		if (k->progs[i] < 0 || !(k->multi[i] || link_many(k, i)))
			continue;
		err = k->multi[i] ? link_multi(k, i) : link_singly(k, i);
		k->linked[i] = true;
	}
	vec_each (a, &o->attaches)
		if (!err && link_fns[a->kind] && !k->linked[a->prog] && k->progs[a->prog] >= 0)
			err = link_fns[a->kind](k, a);
	return err;
}

void links_close(struct kernel_engine *k)
{
	while (k->nevents)
		close(k->events[--k->nevents]);
	free(k->events);
	k->events = NULL;
	k->events_cap = 0;
	iters_close(k);
	watches_close(k);
	hooks_close(k);
	if (k->devices >= 0)
		close(k->devices);
	k->devices = -1;
}
