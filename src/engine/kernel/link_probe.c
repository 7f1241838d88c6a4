/*
 * link_probe.c: kprobes and uprobes, each as a perf event of its PMU.
 *
 * In: a function of the kernel with an offset, or a place in a file. The kernel says in sysfs how
 * such events are written: the PMU's number, the bit for returns, the bits for the place of a
 * semaphore, which the kernel raises while the event is open.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The first number in a file: "6\n", "config:0", "config:32-63"; -errno. */
static int read_number(const char *pmu, const char *file)
{
	char path[128], text[64] = "", *p;
	int fd, err = 0;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/%s", pmu, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		err = -errno;
	close(fd);
	p = strchr(text, ':');
	return err ? err : atoi(p ? p + 1 : text);
}

static const struct pmu *pmu_of(struct pmu *p, const char *name)
{
	if (!p->read) {
		p->read = true;
		p->type = read_number(name, "type");
		p->retprobe = read_number(name, "format/retprobe");
		p->semaphore = read_number(name, "format/ref_ctr_offset");
	}
	return p;
}

static u64 name_at(const char *s)
{
	return (u64)(uintptr_t)s;
}

static int open_and_set(struct kernel_engine *k, const struct sys_event *e, const struct attach *a)
{
	int fd = sys_event_open(e), err;

	if (fd < 0)
		return fd;
	err = link_keep(k, fd);
	return err ? err : link_event(k, fd, a);
}

static int kprobe_refused(struct kernel_engine *k, const struct attach *a, int err)
{
	struct diag *d = k->base.diag;

	switch (err) {
	case -ENOENT:
		return diag_fail(d, err, "`waggle list 'kprobe:*'` lists those that can be probed",
				 "this kernel has no function %s", a->pattern);
	case -EILSEQ:
	case -EINVAL:
	case -ERANGE:
		return diag_fail(d, err,
				 a->off ? "an offset must be where an instruction begins"
					: "it may be one that probes themselves need",
				 "the kernel does not let %s+%llu be probed", a->pattern,
				 (unsigned long long)a->off);
	case -EADDRNOTAVAIL:
		return diag_fail(d, err, "probe it with its address, or another one",
				 "several functions of the kernel are named %s", a->pattern);
	default: return why_event(k, err, k->base.object->progs.v[a->prog].probe);
	}
}

int link_kprobe(struct kernel_engine *k, const struct attach *a)
{
	const struct pmu *pmu = pmu_of(&k->kprobes, "kprobe");
	struct sys_event e = {.type = (u32)pmu->type,
			      .config1 = name_at(a->pattern),
			      .config2 = a->off,
			      .pid = -1};
	int err;

	if (pmu->type < 0)
		return diag_fail(k->base.diag, -ENOENT,
				 "tracepoint:... or rawtracepoint:... may serve",
				 "this kernel was built without kprobes");
	if (a->kind == ATTACH_KRETPROBE)
		e.config |= 1ull << MAX(pmu->retprobe, 0);
	err = open_and_set(k, &e, a);
	return err ? kprobe_refused(k, a, err) : 0;
}

u32 link_pid(const struct kernel_engine *k, const struct attach *a)
{
	return k->opts.pid ? k->opts.pid : a->kind == ATTACH_USDT ? k->opts.cpid : 0;
}

int link_uprobe(struct kernel_engine *k, const struct attach *a)
{
	const struct pmu *pmu = pmu_of(&k->uprobes, "uprobe");
	u32 pid = link_pid(k, a);
	struct sys_event e = {.type = (u32)pmu->type,
			      .config1 = name_at(a->pattern),
			      .config2 = a->off,
			      .pid = pid ? (int)pid : -1,
			      .cpu = pid ? -1 : 0};
	const char *probe = k->base.object->progs.v[a->prog].probe;
	int err;

	if (pmu->type < 0)
		return diag_fail(k->base.diag, -ENOENT, "it needs CONFIG_UPROBE_EVENTS=y",
				 "this kernel was built without uprobes");
	if (a->kind == ATTACH_URETPROBE)
		e.config |= 1ull << MAX(pmu->retprobe, 0);
	if (a->semaphore)
		e.config |= a->semaphore << MAX(pmu->semaphore, 0);
	err = open_and_set(k, &e, a);
	if (err == -ENOENT)
		return diag_fail(k->base.diag, err, NULL, "cannot attach %s: there is no file %s",
				 probe, a->pattern);
	if (err == -EINVAL || err == -EIO || err == -ENOTSUP)
		return diag_fail(k->base.diag, err,
				 "an address must be where an instruction begins, in code",
				 "the kernel does not let %s be probed at 0x%llx of %s", probe,
				 (unsigned long long)a->off, a->pattern);
	return err ? why_event(k, err, probe) : 0;
}
