/*
 * plain_rings.c: makes maps that programs of other compilers write to for user space readable.
 *
 * In:  ring buffers and perf event arrays, as they are made. Out: their memory, for engine/raw.c; a
 *      perf event for each CPU that runs.
 */
#include "engine/kernel/kernel.h"
#include "engine/raw.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORD_MOST (64u * 1024)

static int watch(struct kernel_engine *k, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET}; /* as a ring of ours */

	return epoll_ctl(k->base.epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int open_ring(struct kernel_engine *k, u32 map)
{
	struct raw_ring *r = raw_new(&k->base, map, 0);
	int err;

	if (!r)
		return -ENOMEM;
	r->ring.size = k->base.object->maps.v[map].max_entries;
	err = ring_map(&r->ring, k->maps[map]);
	return err ? err : watch(k, k->maps[map]);
}

static int open_event(struct kernel_engine *k, u32 map, u32 cpu)
{
	struct raw_ring *r = raw_new(&k->base, map, cpu);
	void *p;
	int err;

	if (!r)
		return -ENOMEM;
	r->event = sys_event_output(cpu);
	if (r->event < 0)
		return r->event;
	p = mmap(NULL, RAW_PAGE_BYTES + RAW_PERF_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		 r->event, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->page = p;
	r->whole = malloc(RECORD_MOST);
	err = r->whole ? sys_map_update(k->maps[map], &cpu, &r->event, 0) : -ENOMEM;
	return err ? err : watch(k, r->event);
}

static int open_events(struct kernel_engine *k, u32 map)
{
	u32 said = k->base.object->maps.v[map].max_entries, top; /* 0: as many as there are CPUs */
	struct cpus online;
	int err = 0;

	cpus_read(&online, "online", &top);
	for (u32 cpu = 0; cpu < MIN(top, said ? said : k->base.cpus) && !err; cpu++)
		if (cpu_in(&online, cpu))
			err = open_event(k, map, cpu);
	return err;
}

int plain_rings_open(struct kernel_engine *k, u32 map)
{
	const struct object_map *m = &k->base.object->maps.v[map];
	int err = m->kind == MAP_RINGBUF            ? open_ring(k, map)
		  : m->kind == MAP_PERF_EVENT_ARRAY ? open_events(k, map)
						    : 0;

	return err ? why_failed(k, err, "cannot read the records of map %s", m->name) : 0;
}

void plain_rings_close(struct kernel_engine *k)
{
	for (u32 i = 0; i < k->base.nraw; i++) {
		struct raw_ring *r = &k->base.raw[i];

		ring_unmap(&r->ring);
		if (r->page)
			munmap(r->page, RAW_PAGE_BYTES + RAW_PERF_BYTES);
		if (r->event >= 0)
			close(r->event);
		free(r->whole);
	}
	free(k->base.raw);
	k->base.raw = NULL;
	k->base.nraw = 0;
}
