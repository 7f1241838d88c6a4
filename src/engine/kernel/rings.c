/*
 * rings.c: one ring buffer for each CPU that is online, in an array of maps.
 *
 * A program writes to the ring of its own CPU, so that producers never fight for a lock. Slots of
 * CPUs that are offline get the first ring: when such a CPU comes online, nothing is lost.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

/* kernel/bpf/ringbuf.c: the consumer's page, the producer's page, then the data twice */
int ring_map(struct ring *r, int fd)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	u8 *p;

	r->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r->consumer == MAP_FAILED) {
		r->consumer = NULL;
		return -errno;
	}
	p = mmap(NULL, page + 2 * (size_t)r->size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (p == MAP_FAILED)
		return -errno;
	r->producer = (const u64 *)p;
	r->data = p + page;
	return 0;
}

static int ring_open(struct kernel_engine *k, u32 cpu, u32 size)
{
	struct engine *e = &k->base;
	struct sys_map m = {.name = "waggle_ring", .kind = MAP_RINGBUF, .max_entries = size};
	struct ring *r = &e->rings[e->nrings];
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = e->nrings};
	int fd = map_create(k, &m), err;

	if (fd < 0)
		return fd;
	*r = (struct ring){.size = size, .cpu = cpu};
	k->ring_fds[e->nrings++] = fd;
	e->map_bytes += size;
	err = ring_map(r, fd);
	if (!err && epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		err = -errno;
	return err;
}

static int slots_fill(struct kernel_engine *k, int map)
{
	int *fds = malloc(sizeof(*fds) * k->slots);
	int err = fds ? 0 : -ENOMEM;

	for (u32 cpu = 0, ring = 0; fds && cpu < k->slots; cpu++) {
		bool own = ring < k->base.nrings && k->base.rings[ring].cpu == cpu;

		fds[cpu] = k->ring_fds[own ? ring : 0];
		ring += own;
	}
	if (!err)
		err = filler_start(&k->filler, map, fds, k->slots);
	free(fds);
	return err;
}

static int rings_fill(struct kernel_engine *k, u32 map, const struct cpus *online, u32 size)
{
	const struct object_map *m = &k->base.object->maps.v[map];
	struct sys_map s = {
		.name = m->name,
		.kind = m->kind,
		.key_size = m->key_size,
		.value_size = m->value_size,
		.max_entries = k->slots,
		.flags = m->flags,
	};
	int err = 0;

	for (u32 cpu = 0; cpu < k->slots && !err; cpu++)
		if (cpu_in(online, cpu))
			err = ring_open(k, cpu, size);
	if (err || !k->base.nrings)
		return err ? err : -ENODEV;
	s.inner_fd = k->ring_fds[0];
	k->maps[map] = map_create(k, &s);
	if (k->maps[map] < 0)
		return k->maps[map];
	return slots_fill(k, k->maps[map]);
}

int rings_open(struct kernel_engine *k, u32 map)
{
	u32 said = k->base.object->maps.v[map].inner.max_entries, top, n;
	u32 size = k->opts.ring_bytes ? k->opts.ring_bytes : said ? said : RING_BYTES;
	struct cpus online;
	int err;

	if (size & (size - 1) || size < 4096 || size > 1u << 30)
		return diag_fail(k->base.diag, -EINVAL, "for example 1048576",
				 "a ring of %u bytes: it must be a power of two from 4096", size);
	if (k->base.rings)
		return diag_fail(k->base.diag, -EINVAL, NULL, "the object has two arrays of rings");
	n = cpus_read(&online, "online", &top);
	k->base.rings = calloc(n, sizeof(*k->base.rings));
	k->ring_fds = calloc(n, sizeof(*k->ring_fds));
	if (!k->base.rings || !k->ring_fds)
		return -ENOMEM;
	err = rings_fill(k, map, &online, size);
	return err ? why_failed(k, err, "cannot make ring buffers of %u KiB", size / 1024) : 0;
}

void ring_unmap(const struct ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (r->consumer)
		munmap(r->consumer, page);
	if (r->producer)
		munmap((void *)(uintptr_t)r->producer, page + 2 * (size_t)r->size);
}

void rings_close(struct kernel_engine *k)
{
	for (u32 i = 0; i < k->base.nrings; i++) {
		ring_unmap(&k->base.rings[i]);
		close(k->ring_fds[i]);
	}
	free(k->base.rings);
	free(k->ring_fds);
}
