/*
 * link_tracepoint.c: tracepoints, as perf events and raw.
 *
 * A tracepoint is opened as a perf event for one CPU; the program set on it runs on all CPUs, from
 * that moment on, whether or not the event is enabled. So nothing but the gate (control.h) starts
 * and stops it, and the event is there only to be closed.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int tracefs_open(struct kernel_engine *k)
{
	static const char *const places[] = {"/sys/kernel/tracing/events",
					     "/sys/kernel/debug/tracing/events"};
	int root, fd = -1;

	for (u32 i = 0; i < ARRAY_SIZE(places) && fd < 0; i++) {
		fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == EACCES)
			return diag_fail(k->base.diag, -EACCES, "run it as root (sudo waggle ...)",
					 "%s: permission denied", places[i]);
	}
	if (fd < 0) { /* mounted nowhere: then for us alone */
		root = sys_tracefs();
		fd = root < 0 ? root : openat(root, "events", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root >= 0)
			close(root);
	}
	if (fd < 0)
		return diag_fail(k->base.diag, -ENODEV,
				 "as root: mount -t tracefs tracefs /sys/kernel/tracing",
				 "tracefs is not mounted");
	k->tracefs = fd;
	return 0;
}

static int tracepoint_id(struct kernel_engine *k, const struct attach *a, u32 *id)
{
	const char *colon = strchr(a->pattern, ':');
	char path[256], text[32] = "";
	int fd, err;

	if (!colon || strchr(a->pattern, '/') ||
	    snprintf(path, sizeof(path), "%.*s/%s/id", (int)(colon - a->pattern), a->pattern,
		     colon + 1) >= (int)sizeof(path))
		return diag_fail(k->base.diag, -EINVAL, "tracepoints are written category:name",
				 "'%s' is not a tracepoint", a->pattern);
	if (k->tracefs < 0) {
		err = tracefs_open(k);
		if (err)
			return err;
	}
	fd = openat(k->tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return diag_fail(k->base.diag, -ENOENT, "ls /sys/kernel/tracing/events/* shows what there is",
				 "this kernel has no tracepoint %s", a->pattern);
	if (fd < 0)
		return why_failed(k, -errno, "cannot read the id of tracepoint %s", a->pattern);
	if (read(fd, text, sizeof(text) - 1) > 0)
		*id = (u32)strtoul(text, NULL, 10);
	close(fd);
	return *id ? 0 : -EIO;
}

int link_tracepoint(struct kernel_engine *k, const struct attach *a)
{
	const char *probe = k->base.object->progs.v[a->prog].probe;
	u32 id = 0;
	int err = tracepoint_id(k, a, &id), fd;

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
		return diag_fail(k->base.diag, err, "the kernel allows 64 at each; see bpftool prog",
				 "cannot attach %s: too many programs are attached there", probe);
	return err ? why_event(k, err, probe) : 0;
}

int link_raw_tracepoint(struct kernel_engine *k, const struct attach *a)
{
	int fd = sys_raw_tracepoint(a->pattern, k->progs[a->prog]);

	if (fd == -ENOENT)
		return diag_fail(k->base.diag, fd, "waggle list shows what there is",
				 "this kernel has no tracepoint %s", a->pattern);
	if (fd < 0)
		return why_event(k, fd, k->base.object->progs.v[a->prog].probe);
	return link_keep(k, fd);
}
