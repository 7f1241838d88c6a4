/*
 * link_watch.c: watchpoints, as breakpoints of perf events.
 *
 * In: a row with an address, mode and length; or, while programs run, an address that one of them
 * saw. Out: with a process an event for each of its threads, which those that come later inherit;
 * else one for each CPU, at an address of the kernel. The processor has 4 at a time.
 */
#include "engine/kernel/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TYPE_BREAKPOINT 5

static struct sys_event event_of(const struct attach *a, u64 addr)
{
	return (struct sys_event){.type = TYPE_BREAKPOINT,
				  .config1 = addr,
				  .config2 = WATCH_BYTES(a->count),
				  .watch = WATCH_MODE(a->count),
				  .period = 1,
				  .pid = -1,
				  .cpu = -1};
}

static int refused(struct kernel_engine *k, const struct attach *a, u64 addr, int err)
{
	const char *probe = k->base.object->progs.v[a->prog].probe;
	struct diag *d = k->base.diag;

	switch (err) {
	case -ENOSPC:
		return diag_fail(d, err, "unwatch(addr) gives one back",
				 "cannot watch 0x%llx for %s: all debug registers of the processor "
				 "are taken",
				 (unsigned long long)addr, probe);
	case -EINVAL:
		return diag_fail(d, err,
				 "an address must be a multiple of the length; without -p and "
				 "-c it is one of the kernel",
				 "the kernel does not let 0x%llx be watched for %s",
				 (unsigned long long)addr, probe);
	case -ENOENT:
	case -EOPNOTSUPP:
		return diag_fail(d, err, NULL, "this machine has no hardware breakpoints for %s",
				 probe);
	default: return why_event(k, err, probe);
	}
}

/* Calls fn for each thread of a process. */
static int each_thread(u32 pid, int (*fn)(void *, u32 tid), void *user)
{
	char path[64];
	struct dirent *e;
	int err = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	d = opendir(path);
	if (!d)
		return fn(user, pid);
	while (!err && (e = readdir(d)))
		if (e->d_name[0] != '.')
			err = fn(user, (u32)strtoul(e->d_name, NULL, 10));
	closedir(d);
	return err;
}

struct placing {
	struct kernel_engine *k;
	const struct attach *attach;
	u64 addr;
	u32 pid;
	bool asked; /* by a program: it can be taken away again */
};

static int keep(struct placing *p, int event)
{
	struct kernel_engine *k = p->k;
	struct watch *more;

	if (!p->asked)
		return link_keep(k, event);
	more = realloc(k->watches, (k->nwatches + 1) * sizeof(*more));
	if (!more) {
		close(event);
		return -ENOMEM;
	}
	k->watches = more;
	more[k->nwatches++] = (struct watch){p->addr, p->attach->prog, p->pid, event};
	return 0;
}

static int place(void *user, u32 tid)
{
	struct placing *p = user;
	struct sys_event e = event_of(p->attach, p->addr);
	int fd, err;

	e.pid = (int)tid;
	e.inherit = true;
	e.on_exec = !p->asked && !p->k->opts.pid; /* until then the command is a copy of ours */
	fd = sys_event_open(&e);
	if (fd == -ESRCH) /* has ended */
		return 0;
	if (fd < 0)
		return fd;
	err = sys_event_set_prog(fd, p->k->progs[p->attach->prog]);
	if (err) {
		close(fd);
		return err;
	}
	return keep(p, fd);
}

int link_watch(struct kernel_engine *k, const struct attach *a)
{
	struct placing p = {.k = k, .attach = a, .addr = a->off};
	struct sys_event e = event_of(a, a->off);
	int err;

	if (!a->off)
		return 0; /* a program will say where */
	p.pid = k->opts.pid ? k->opts.pid : k->opts.cpid;
	err = p.pid ? each_thread(p.pid, place, &p) : link_on_cpus(k, &e, a);
	return err ? refused(k, a, a->off, err) : 0;
}

static const struct attach *row_of(const struct kernel_engine *k, u32 prog)
{
	vec_each (a, &k->base.object->attaches)
		if (a->prog == prog && a->kind == ATTACH_WATCHPOINT)
			return a;
	return NULL;
}

int kernel_watch(struct engine *e, u32 prog, u64 addr, u32 pid)
{
	struct kernel_engine *k = (struct kernel_engine *)e;
	struct placing p = {
		.k = k, .attach = row_of(k, prog), .addr = addr, .pid = pid, .asked = true};
	int err;

	if (!p.attach)
		return -ENOENT;
	for (u32 i = 0; i < k->nwatches; i++)
		if (k->watches[i].addr == addr && k->watches[i].prog == prog &&
		    k->watches[i].pid == pid)
			return 0; /* it is watched */
	err = each_thread(pid, place, &p);
	if (err && err != k->watch_failed) /* tracing goes on; each reason is told once */
		diag_warn(e->diag, (struct loc){0},
			  err == -ENOSPC ? "unwatch(addr) gives one back" : NULL,
			  "0x%llx is not watched: %s", (unsigned long long)addr,
			  err == -ENOSPC ? "all debug registers of the processor are taken"
					 : strerror(-err));
	k->watch_failed = err ? err : k->watch_failed;
	return err;
}

void kernel_unwatch(struct engine *e, u64 addr)
{
	struct kernel_engine *k = (struct kernel_engine *)e;
	u32 n = 0;

	for (u32 i = 0; i < k->nwatches; i++)
		if (k->watches[i].addr == addr)
			close(k->watches[i].event);
		else
			k->watches[n++] = k->watches[i];
	k->nwatches = n;
}

void watches_close(struct kernel_engine *k)
{
	for (u32 i = 0; i < k->nwatches; i++)
		close(k->watches[i].event);
	free(k->watches);
	k->watches = NULL;
	k->nwatches = 0;
}
