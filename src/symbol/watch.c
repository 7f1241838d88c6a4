/*
 * watch.c: which programs run, what they map, when they end, as perf tells it.
 *
 * In:  a process (and all that it starts), or all processes.
 * Out: calls of process_forked(), image_add(), process_executed(), process_ended(), in the order of
 *      time.
 *
 * An event that counts nothing (PERF_COUNT_SW_DUMMY) can carry records of mappings, program names,
 * forks and ends. There is one with a ring for each CPU, read when there is an address to be named
 * or nothing else to do. Only mappings of code are told of, so it costs nothing while a program
 * runs. Records that were lost are no harm: /proc/PID/maps is read again then.
 */
#include "symbol/process.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_BYTES  (128u << 10)
#define RECORD_MOST 8192

struct ring {
	int fd;
	struct perf_event_mmap_page *page;
	u64 tail;               /* up to where it was read */
	u64 time;               /* of the record at tail; UINT64_MAX: there is none */
	u8 record[RECORD_MOST]; /* it, in one piece */
};
struct watch {
	u32 n;
	struct ring *rings[];
};

/* What stands behind each record (sample_id_all): pid, tid, time. */
struct trailer {
	u32 pid, tid;
	u64 time;
};

static void ring_close(struct ring *r)
{
	if (r->page)
		munmap(r->page, RING_BYTES + (size_t)sysconf(_SC_PAGESIZE));
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static struct ring *ring_open(u32 pid, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
		.inherit = 1,
		.exclude_kernel = 1,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = 1, /* CLOCK_MONOTONIC */
		.watermark = 1,
		.wakeup_watermark = RING_BYTES,
	};
	struct ring *r = calloc(1, sizeof(*r));
	void *page;

	if (!r)
		return NULL;
	r->fd = (int)syscall(SYS_perf_event_open, &attr, pid ? (int)pid : -1, cpu, -1,
			     PERF_FLAG_FD_CLOEXEC);
	page = r->fd < 0 ? MAP_FAILED
			 : mmap(NULL, RING_BYTES + (size_t)sysconf(_SC_PAGESIZE),
				PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (page == MAP_FAILED) {
		ring_close(r);
		return NULL;
	}
	r->page = page;
	return r;
}

struct watch *watch_open(u32 pid)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct watch *w = calloc(1, sizeof(*w) + (size_t)MAX(cpus, 1) * sizeof(*w->rings));

	for (int cpu = 0; w && cpu < cpus; cpu++) {
		w->rings[w->n] = ring_open(pid, cpu);
		w->n += w->rings[w->n] != NULL; /* a CPU may be off */
	}
	if (w && !w->n) {
		free(w);
		w = NULL;
	}
	return w;
}

void watch_close(struct watch *w)
{
	for (u32 i = 0; w && i < w->n; i++)
		ring_close(w->rings[i]);
	free(w);
}

/* ---- records */

/* The next record in one piece, and its time. */
static void ring_next(struct ring *r)
{
	u64 head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
	const u8 *data = (const u8 *)r->page + r->page->data_offset;
	struct perf_event_header h;
	u64 size = r->page->data_size, at = r->tail % size;
	struct trailer t = {0};

	r->time = UINT64_MAX;
	if (head - r->tail < sizeof(h))
		return;
	memcpy(&h, data + at, sizeof(h)); /* records are aligned to 8 */
	if (h.size < sizeof(h) || h.size > head - r->tail || h.size > RECORD_MOST) {
		r->tail = head;
		return;
	}
	memcpy(r->record, data + at, MIN((u64)h.size, size - at));
	if (h.size > size - at)
		memcpy(r->record + (size - at), data, h.size - (size - at));
	if (h.size >= sizeof(h) + sizeof(t))
		memcpy(&t, r->record + h.size - sizeof(t), sizeof(t));
	r->time = h.type == PERF_RECORD_LOST ? 0 : t.time;
}

/* Something was lost: what is known of processes is to be looked at again. */
static void forget(struct processes *ps)
{
	for (u32 i = 0; i < PROCESS_BUCKETS; i++)
		for (struct process *p = ps->buckets[i]; p; p = p->next)
			p->whole = false;
}

/* pid, tid, addr, len, pgoff, maj, min, ino, ino_generation, prot, flags, filename */
static void take_mapping(struct processes *ps, const u8 *p, u32 n)
{
	u32 pid, major, minor;
	u64 addr, len, off, ino;
	const char *path = (const char *)p + 64;
	struct process *process;
	struct mapped_file *f;
	bool deleted;
	size_t end;

	if (n <= 64 || !memchr(path, 0, n - 64))
		return;
	memcpy(&pid, p, 4);
	memcpy(&addr, p + 8, 8);
	memcpy(&len, p + 16, 8);
	memcpy(&off, p + 24, 8);
	memcpy(&major, p + 32, 4);
	memcpy(&minor, p + 36, 4);
	memcpy(&ino, p + 40, 8);
	if ((*path != '/' || path[1] == '/') && strcmp(path, "[vdso]") != 0)
		return; /* //anon */
	process =
		process_of(ps, pid, false); /* what it mapped before is read when it is asked for */
	if (!process || pid == UINT32_MAX)
		return;
	deleted = path_deleted(path, &end);
	path = deleted ? arena_strndup(&ps->arena, path, end) : path;
	f = process_file(ps, (u64)major << 32 | minor, ino, path);
	f->deleted |= deleted;
	image_add(&process->images[0], (struct mapping){addr, addr + len, off, f});
}

static void take(struct processes *ps, const struct ring *r)
{
	const struct perf_event_header *h = (const void *)r->record;
	const u8 *p = r->record + sizeof(*h);
	u32 n = h->size - (u32)sizeof(*h), ids[4] = {0}; /* pid, parent, tid, parent's tid */

	memcpy(ids, p, MIN(n, sizeof(ids)));
	switch (h->type) {
	case PERF_RECORD_MMAP2: take_mapping(ps, p, n); break;
	case PERF_RECORD_COMM:
		if (h->misc & PERF_RECORD_MISC_COMM_EXEC)
			process_executed(ps, ids[0]);
		break;
	case PERF_RECORD_FORK:
		if (ids[0] != ids[1]) /* else a thread */
			process_forked(ps, ids[1], ids[0]);
		break;
	case PERF_RECORD_EXIT:
		if (ids[0] == ids[2])
			process_ended(ps, ids[0]);
		break;
	case PERF_RECORD_LOST: forget(ps); break;
	}
}

void watch_read(struct processes *ps)
{
	struct watch *w = ps->watch;
	struct ring *first;

	for (u32 i = 0; i < w->n; i++)
		ring_next(w->rings[i]);
	do {
		first = NULL;
		for (u32 i = 0; i < w->n; i++)
			if (w->rings[i]->time != UINT64_MAX &&
			    (!first || w->rings[i]->time < first->time))
				first = w->rings[i];
		if (first) {
			take(ps, first);
			first->tail +=
				((const struct perf_event_header *)(const void *)first->record)
					->size;
			__atomic_store_n(&first->page->data_tail, first->tail, __ATOMIC_RELEASE);
			ring_next(first);
		}
	} while (first);
}
