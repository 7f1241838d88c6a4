/* raw.c: the reader of raw.h. */
#include "engine/raw.h"

#include <stdlib.h>

/* include/uapi/linux/perf_event.h: a kind of record */
#define PERF_LOST 2
/* kernel/bpf/ringbuf.c */
#define RING_HEADER    8
#define RING_BUSY      (1u << 31)
#define RING_DISCARDED (1u << 30)

struct raw_ring *raw_new(struct engine *e, u32 map, u32 cpu)
{
	struct raw_ring *more = realloc(e->raw, (e->nraw + 1) * sizeof(*more));

	if (!more)
		return NULL;
	e->raw = more;
	more[e->nraw] = (struct raw_ring){.map = map, .cpu = cpu, .event = -1};
	return &more[e->nraw++];
}

/* The next of a ring buffer; false: none, or it is still being written. */
static bool ring_next(struct raw_ring *r)
{
	while (r->at < r->end) {
		const u8 *p = r->ring.data + (r->at & (r->ring.size - 1));
		u32 word = __atomic_load_n((const u32 *)p, __ATOMIC_ACQUIRE);
		u32 size = word & ~RING_DISCARDED;

		if (word & RING_BUSY)
			return false;
		r->next.behind = r->at + ALIGN_UP((u64)size + RING_HEADER, 8);
		r->next.data = p + RING_HEADER;
		r->next.size = size;
		if (!(word & RING_DISCARDED))
			return true;
		r->at = r->next.behind;
	}
	return false;
}

static const u8 *perf_bytes(struct raw_ring *r, u64 at, u32 n)
{
	u8 *data = r->page + RAW_PAGE_BYTES;
	u32 from = (u32)(at % RAW_PERF_BYTES), first = MIN(n, RAW_PERF_BYTES - from);

	if (first == n)
		return data + from;
	memcpy(r->whole, data + from, first);
	memcpy(r->whole + first, data, n - first);
	return r->whole;
}

/* The next of a perf event. A record: u32 kind, u16 flags, u16 size; then, of a sample, u64 time,
 * u32 bytes and these; of a loss u64 id, u64 how many. */
static bool perf_next(struct raw_ring *r)
{
	struct {
		u32 kind;
		u16 flags, size;
	} h;
	u64 lost;

	while (r->at + sizeof(h) <= r->end) {
		const u8 *p = perf_bytes(r, r->at, sizeof(h));

		memcpy(&h, p, sizeof(h));
		if (h.size < sizeof(h))
			return false;
		p = perf_bytes(r, r->at, h.size);
		r->next.behind = r->at + h.size;
		if (h.kind == RAW_PERF_SAMPLE && h.size >= 20) {
			memcpy(&r->next.ns, p + 8, 8);
			memcpy(&r->next.size, p + 16, 4);
			r->next.data = p + 20;
			r->next.size = MIN(r->next.size, h.size - 20u);
			return true;
		}
		if (h.kind == PERF_LOST && h.size >= 24) {
			memcpy(&lost, p + 16, 8);
			r->lost += lost;
		}
		r->at = r->next.behind;
	}
	return false;
}

static void begin(struct raw_ring *r)
{
	r->at = r->page ? *(u64 *)(r->page + RAW_PERF_TAIL)
			: __atomic_load_n(r->ring.consumer, __ATOMIC_ACQUIRE);
	r->end = __atomic_load_n(r->page ? (u64 *)(r->page + RAW_PERF_HEAD) : r->ring.producer,
				 __ATOMIC_ACQUIRE);
	r->next.data = NULL;
}

static bool has_next(struct raw_ring *r)
{
	if (!r->next.data && !(r->page ? perf_next(r) : ring_next(r)))
		r->next.data = NULL;
	return r->next.data;
}

/* Gives the room back. */
static void done(struct raw_ring *r)
{
	__atomic_store_n(r->page ? (u64 *)(r->page + RAW_PERF_TAIL) : r->ring.consumer, r->at,
			 __ATOMIC_RELEASE);
}

bool engine_records(struct engine *e, engine_record_fn *fn, void *user)
{
	struct raw_ring *first;

	for (u32 i = 0; i < e->nraw; i++)
		begin(&e->raw[i]);
	do {
		first = NULL;
		for (u32 i = 0; i < e->nraw; i++) {
			struct raw_ring *r = &e->raw[i];

			if (has_next(r) && (!first || r->next.ns < first->next.ns))
				first = r;
		}
		if (first) {
			fn(user, first->map, first->cpu, first->next.data, first->next.size);
			first->at = first->next.behind;
			first->next.data = NULL;
			done(first);
		}
	} while (first);
	for (u32 i = 0; i < e->nraw; i++)
		done(&e->raw[i]);
	return e->nraw;
}

u64 engine_records_lost(const struct engine *e)
{
	u64 sum = 0;

	for (u32 i = 0; i < e->nraw; i++)
		sum += e->raw[i].lost +
		       (e->raw[i].dropped ? __atomic_load_n(e->raw[i].dropped, __ATOMIC_RELAXED)
					  : 0);
	return sum;
}
