/*
 * perf.c: perf event arrays of programs that other compilers made.
 *
 * In:  what programs hand to perf_event_output(). Out: records in memory that the session reads
 *      (engine/raw.c), in the kernel's form; one that finds no room is counted.
 *
 * There is one event for each map: of the CPU that the tracer is.
 */
#include "engine/raw.h"
#include "engine/user/user.h"

#include "base/clock.h"
#include "base/io.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#define INDEX        0xffffffffull
#define RECORD_BYTES (64u * 1024)

/* The page in front of the records; of the kernel's only the two positions are here. */
struct event_page {
	u64 lost;
	u8 pad[RAW_PERF_HEAD - sizeof(u64)];
	u64 head, tail; /* written; read */
};
struct sample {
	u32 kind;
	u16 flags, size;
	u64 ns;
	u32 bytes; /* of what follows, with the zeroes behind it */
};
#define SAMPLE_BYTES 20

int perf_open(struct engine *e, u32 map)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
	struct raw_ring *r = raw_new(e, map, TRACER_CPU);

	if (!r)
		return -ENOMEM;
	r->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->page = vm_memory(RAW_PAGE_BYTES + RAW_PERF_BYTES, false);
	r->whole = malloc(RECORD_BYTES);
	if (!r->page || !r->whole)
		return -ENOMEM;
	r->dropped = &((struct event_page *)(void *)r->page)->lost;
	return r->event < 0 || epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, r->event, &ev) < 0 ? -errno
											: 0;
}

void perf_close(struct raw_ring *r)
{
	if (r->page)
		vm_memory_free(r->page, RAW_PAGE_BYTES + RAW_PERF_BYTES);
	free(r->whole);
}

static void put(struct raw_ring *r, u64 at, const void *from, u32 n)
{
	u8 *data = r->page + RAW_PAGE_BYTES;
	u32 off = (u32)(at % RAW_PERF_BYTES), first = MIN(n, RAW_PERF_BYTES - off);

	memcpy(data + off, from, first);
	memcpy(data, (const u8 *)from + first, n - first);
}

static int output(struct raw_ring *r, const void *data, u32 size)
{
	static const u8 zeroes[8];
	struct event_page *page = (void *)r->page;
	u32 bytes = (u32)ALIGN_UP(size + 4ull, 8) - 4;
	struct sample s = {.kind = RAW_PERF_SAMPLE,
			   .size = (u16)(SAMPLE_BYTES + bytes),
			   .ns = clock_now(CLOCK_MONOTONIC),
			   .bytes = bytes};
	u64 head = page->head, tail = __atomic_load_n(&page->tail, __ATOMIC_ACQUIRE);

	if (s.size > RAW_PERF_BYTES - (head - tail)) {
		__atomic_fetch_add(&page->lost, 1, __ATOMIC_RELAXED);
		return -ENOSPC;
	}
	put(r, head, &s, SAMPLE_BYTES);
	put(r, head + SAMPLE_BYTES, data, size);
	put(r, head + SAMPLE_BYTES + size, zeroes, bytes - size);
	__atomic_store_n(&page->head, head + s.size, __ATOMIC_RELEASE);
	/* for each record: whether the reader has seen all before, and sleeps, cannot be told from
	 * tail */
	eventfd_wake(r->event);
	return 0;
}

int perf_output(struct vm_run *run, struct vm_map *map, u64 flags, const void *data, u64 size)
{
	const struct tracer *t = run->user;
	u64 index = flags & INDEX;

	if (index != INDEX && index >= map->max_entries)
		return -E2BIG;
	if (index != INDEX && index != run->cpu)
		return -EOPNOTSUPP;
	if (size > UINT16_MAX - 64)
		return -E2BIG;
	for (u32 i = 0; i < t->engine->nraw; i++)
		if (t->engine->raw[i].map == map->index && t->engine->raw[i].page)
			return output(&t->engine->raw[i], data, (u32)size);
	return -ENOENT;
}
