/*
 * filler.c: puts the rings into their array without waiting.
 *
 * The kernel stores a map in an array of maps at once, but bpf(2) returns only after an RCU grace
 * period, 4 to 20 ms (maybe_wait_bpf_programs() in kernel/bpf/syscall.c). So a child makes the
 * call, and we go on as soon as all slots are seen to be filled.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 50000
#define POLLS	40000 /* 2 s */

/* Kernels without batches for arrays of maps: a process for each slot, so that all wait at once. */
static void fill_each(const struct filler *f)
{
	for (u32 i = 0; i < f->n; i++)
		if (!syscall(SYS_fork)) {
			sys_map_update(f->map, &f->keys[i], &f->fds[i], 0);
			syscall(SYS_exit_group, 0);
		}
}

static void filler_main(const struct child *c)
{
	const struct filler *f = (const struct filler *)c;

	if (sys_map_update_batch(f->map, f->keys, f->fds, f->n))
		fill_each(f);
}

int filler_start(struct filler *f)
{
	int *keep = malloc(sizeof(*keep) * (f->n + 1)), err;

	if (!keep)
		return -ENOMEM;
	memcpy(keep, f->fds, f->n * sizeof(*keep));
	keep[f->n] = f->map;
	f->child.main = filler_main;
	err = child_start(&f->child, keep, f->n + 1);
	free(keep);
	return err;
}

static bool filled(int map, u32 key)
{
	const struct timespec nap = {.tv_nsec = POLL_NS};
	u32 id = 0;

	for (u32 i = 0; i < POLLS; i++) {
		if (!sys_map_lookup(map, &key, &id) && id)
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

int filler_wait(const struct filler *f)
{
	for (u32 i = 0; i < f->n; i++)
		if (!filled(f->map, f->keys[i])) {
			int err = sys_map_update(f->map, &f->keys[i], &f->fds[i], 0);

			if (err)
				return err; /* which is why the child could not do it */
		}
	return 0;
}

void filler_end(struct filler *f)
{
	child_end(&f->child);
	free(f->keys);
	free(f->fds);
}
