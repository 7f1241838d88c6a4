/*
 * link_iter.c: iterators over things of the kernel.
 *
 * In: a row "task", or "task:/sys/fs/bpf/name". Out: a link and a descriptor; whoever reads from
 * that runs the program, once for each thing. Programs write a byte at each run, so that a read
 * of a few bytes is a few runs, and the rings are emptied in between. One with a pin is left in the
 * BPF file system, where it runs when somebody reads the file.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNS 128 /* of one read */

static bool is_of_tasks(const char *pattern)
{
	return !strncmp(pattern, "task", 4);
}

static int refused(struct kernel_engine *k, const struct attach *a, int err)
{
	const char *probe = k->base.object->progs.v[a->prog].probe;

	if (err == -EBADF || err == -EINVAL)
		return diag_fail(
			k->base.diag, err, "a script cannot name one yet",
			"cannot attach %s: it goes through a map or a socket's storage that "
			"must be named",
			probe);
	return why_event(k, err, probe);
}

static int pin(struct kernel_engine *k, const struct attach *a, int link, const char *path)
{
	int err = sys_pin(link, path);

	close(link);
	if (err == -EEXIST)
		return diag_fail(k->base.diag, err, "rm removes it",
				 "there is something at %s already", path);
	if (err)
		return diag_fail(k->base.diag, err,
				 "mount -t bpf bpf /sys/fs/bpf makes a place for pins",
				 "cannot pin %s at %s: %s", k->base.object->progs.v[a->prog].probe,
				 path, strerror(-err));
	diag_note(k->base.diag, NULL, "program pinned to %s; `cat` runs it, `rm` removes it", path);
	return 0;
}

static int keep(struct kernel_engine *k, int fd)
{
	int *more = realloc(k->iters, (k->niters + 1) * sizeof(*more));

	if (!more) {
		close(fd);
		return -ENOMEM;
	}
	k->iters = more;
	k->iters[k->niters++] = fd;
	return 0;
}

int link_iter(struct kernel_engine *k, const struct attach *a)
{
	const char *path = strchr(a->pattern, ':');
	u32 pid = is_of_tasks(a->pattern) ? k->opts.pid : 0;
	int link, fd;

	if (pid && k->kernel < KERNEL(6, 1))
		return diag_fail(k->base.diag, -EOPNOTSUPP,
				 "a predicate on ctx.task.tgid may serve",
				 "-p narrows iterators from Linux 6.1 on");
	link = sys_link_iter(k->progs[a->prog], pid);
	if (link < 0)
		return refused(k, a, link);
	if (path)
		return pin(k, a, link, path + 1);
	fd = sys_iter_create(link);
	close(link); /* the descriptor holds it */
	return fd < 0 ? refused(k, a, fd) : keep(k, fd);
}

int kernel_iterate(struct engine *e)
{
	struct kernel_engine *k = (struct kernel_engine *)e;
	char bytes[RUNS];
	ssize_t n;

	if (k->iters_done == k->niters)
		return 0;
	n = read(k->iters[k->iters_done], bytes, sizeof(bytes));
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return 1; /* EAGAIN: it has looked at a million and shown none */
	if (n < 0)
		return diag_fail(e->diag, -errno, NULL, "an iterator stopped: %s", strerror(errno));
	return ++k->iters_done < k->niters;
}

void iters_close(struct kernel_engine *k)
{
	for (u32 i = 0; i < k->niters; i++)
		close(k->iters[i]);
	free(k->iters);
	k->iters = NULL;
	k->niters = 0;
}
