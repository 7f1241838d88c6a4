/*
 * engine.c: the kernel engine: opens, attaches, runs, detaches and closes an object.
 *
 * What is not there is NULL or -1, so that close can be called after any failure.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#define KERNEL_OLDEST KERNEL(5, 10)

static struct kernel_engine *kernel_of(struct engine *e)
{
	return (struct kernel_engine *)e;
}

static void engine_close(struct engine *e, bool leave)
{
	struct kernel_engine *k = kernel_of(e);

	if (e->control)
		__atomic_store_n(&e->control->open, 0, __ATOMIC_RELEASE);
	watches_close(k);
	hooks_close(k);
	if (leave && k->nevents && !closer_leave(k->events, k->nevents)) {
		free(k->events);
		k->events = NULL;
	} else {
		links_close(k);
	}
	for (u32 i = e->object->progs.n; k->progs && i--;)
		if (k->progs[i] >= 0)
			close(k->progs[i]);
	rings_close(k);
	plain_rings_close(k);
	tally_close(k);
	filler_close(&k->filler, leave);
	if (k->bss)
		munmap(k->bss, k->bss_size);
	for (u32 i = e->object->maps.n; k->maps && i--;)
		if (k->maps[i] >= 0)
			close(k->maps[i]);
	if (k->btf_fd)
		close(k->btf_fd);
	if (k->tracefs >= 0)
		close(k->tracefs);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	object_btf_free(&k->btf);
	free(k->progs);
	free(k->multi);
	free(k->linked);
	free(k->maps);
	free(k->log);
	free(k->rodata);
	free(k);
}

static int *no_fds(u32 n)
{
	int *fds = malloc(sizeof(*fds) * MAX(n, 1u));

	for (u32 i = 0; fds && i < n; i++)
		fds[i] = -1;
	return fds;
}

static int kernel_check(struct kernel_engine *k)
{
	struct utsname u;
	u32 major = 0, minor = 0;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return -EINVAL;
	k->kernel = KERNEL(major, minor);
	if (k->kernel < KERNEL_OLDEST)
		return diag_fail(k->base.diag, -ENOSYS, "waggle needs Linux 5.10 or later",
				 "Linux %s is too old", u.release);
	return 0;
}

/* BTF is for messages and for people with bpftool: an object without it runs as well. */
static void btf_open(struct kernel_engine *k)
{
	struct diag silent = {0};
	int fd;

	if (object_btf(k->base.object, &k->btf, &silent))
		return;
	if (k->base.object->plain)
		object_btf_age(&k->btf, k->kernel);
	tally_types(k);
	fd = sys_btf_load(k->btf.btf.p, (u32)k->btf.btf.n);
	if (fd == -EPERM && k->kernel < KERNEL(5, 11) && memlock_raise())
		fd = sys_btf_load(k->btf.btf.p, (u32)k->btf.btf.n);
	k->btf_fd = MAX(fd, 0);
}

static int engine_fill(struct kernel_engine *k)
{
	struct cpus possible;
	u32 top;
	int err = kernel_check(k);

	if (err)
		return err;
	if (!k->maps || !k->progs || !k->multi || !k->linked)
		return -ENOMEM;
	k->base.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (k->base.epoll_fd < 0)
		return why_failed(k, -errno, "cannot watch ring buffers");
	k->base.cpus = cpus_read(&possible, "possible", &top);
	for (k->slots = 1; k->slots < top;)
		k->slots *= 2;
	/* a map for each CPU, a program, an event and a link for each place */
	files_raise(256 + k->slots + k->base.object->maps.n + k->base.object->progs.n +
		    2 * (u64)k->base.object->attaches.n);
	btf_open(k);
	err = maps_open(k);
	if (!err)
		err = tally_open(k);
	if (!err)
		err = programs_open(k);
	if (err)
		return err;
	err = filler_wait(&k->filler);
	return err ? why_failed(k, err, "cannot give each CPU its ring buffer") : 0;
}

static int engine_open(struct engine **out, struct object *o, const struct engine_opts *opts,
		       struct diag *diag)
{
	struct kernel_engine *k = calloc(1, sizeof(*k));
	int err;

	*out = NULL;
	if (!k)
		return -ENOMEM;
	k->base = (struct engine){.ops = &kernel_engine, .object = o, .diag = diag, .epoll_fd = -1};
	k->opts = *opts;
	k->tracefs = k->devices = k->tally.map = k->tally.stats = -1;
	k->maps = no_fds(o->maps.n);
	k->progs = no_fds(o->progs.n);
	k->multi = calloc(MAX(o->progs.n, 1u), 1);
	k->linked = calloc(MAX(o->progs.n, 1u), sizeof(*k->linked));
	err = engine_fill(k);
	if (err) {
		engine_close(&k->base, false);
		return err;
	}
	*out = &k->base;
	return 0;
}

static int engine_attach(struct engine *e)
{
	int err = links_open(kernel_of(e));

	if (err)
		links_close(kernel_of(e));
	return err;
}

static void engine_go(struct engine *e)
{
	if (e->control)
		__atomic_store_n(&e->control->open, 1, __ATOMIC_RELEASE);
}

static void engine_detach(struct engine *e)
{
	if (e->control)
		__atomic_store_n(&e->control->open, 0, __ATOMIC_SEQ_CST);
	else
		links_close(kernel_of(e)); /* no gate to shut: the slow way */
}

static int engine_run(struct engine *e, u32 prog)
{
	struct kernel_engine *k = kernel_of(e);
	int err = sys_prog_run(k->progs[prog]);

	return err < 0 ? why_failed(k, err, "cannot run %s", e->object->progs.v[prog].probe) : 0;
}

static void *engine_memory(struct engine *e, u32 map, size_t *size)
{
	const struct object_map *m = &e->object->maps.v[map];
	void *p;

	*size = ALIGN_UP((size_t)m->max_entries * ALIGN_UP(m->value_size, 8), 4096);
	p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, kernel_of(e)->maps[map], 0);
	return p == MAP_FAILED ? NULL : p;
}

static s64 engine_recursion(struct engine *e)
{
	u64 sum = 0, misses;

	for (u32 i = 0; i < e->object->progs.n; i++) {
		if (kernel_of(e)->progs[i] < 0)
			continue;
		if (sys_prog_recursion(kernel_of(e)->progs[i], &misses))
			return -1;
		sum += misses;
	}
	return (s64)sum;
}

const struct engine_ops kernel_engine = {
	.name = "kernel",
	.open = engine_open,
	.attach = engine_attach,
	.go = engine_go,
	.detach = engine_detach,
	.run = engine_run,
	.iterate = kernel_iterate,
	.watch = kernel_watch,
	.unwatch = kernel_unwatch,
	.test = kernel_test,
	.map_bytes = kernel_map_bytes,
	.map_lookup = kernel_map_lookup,
	.map_update = kernel_map_update,
	.map_delete = kernel_map_delete,
	.map_memory = engine_memory,
	.map_next = kernel_map_next,
	.map_read = kernel_map_read,
	.map_pieces = kernel_map_pieces,
	.recursion = engine_recursion,
	.close = engine_close,
};
