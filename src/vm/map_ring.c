/*
 * map_ring.c: ring buffers, in the kernel's layout (kernel/bpf/ringbuf.c).
 *
 * In memory: a page of our own, the page of the consumer's position, that of the producer's, the
 * data, and the data once more, so that a record never wraps. A record is 8 bytes of header (its
 * size with two flags, and its distance from our own page) and its bytes; positions count bytes and
 * only grow. Reserving takes a lock for a moment; submitting clears the flag that says busy.
 *
 * A user ring buffer is the same with the roles turned round: others produce, programs drain.
 */
#include "vm/help.h"
#include "vm/ring.h"

#include "base/io.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u

struct ring_map {
	struct vm_ring ring;
	u32 lock, busy;
	u8 *records; /* where they begin: the same in each process */
};

static struct ring_map *ring_of(const struct vm_map *map)
{
	return map->data;
}

static u64 ring_bytes(u32 size)
{
	return 3 * PAGE + 2ull * size;
}

static int ring_open(struct vm_map *map)
{
	u32 size = map->max_entries;
	struct ring_map *r;
	u8 *p;

	if ((map->flags & ~BPF_F_NUMA_NODE) || map->key_size || map->value_size || !size ||
	    (size & (size - 1)) || size % PAGE)
		return -EINVAL;
	p = vm_memory(ring_bytes(size), false);
	if (!p)
		return -ENOMEM;
	/* The same pages once more: moving 0 bytes of shared memory leaves them where they are. */
	if (mremap(p + 3 * PAGE, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, p + 3 * PAGE + size) ==
	    MAP_FAILED) {
		vm_memory_free(p, ring_bytes(size));
		return -ENOMEM;
	}
	r = (struct ring_map *)(void *)p;
	r->ring = (struct vm_ring){.consumer = (u64 *)(void *)(p + PAGE),
				   .producer = (u64 *)(void *)(p + 2ull * PAGE),
				   .data = p + 3ull * PAGE,
				   .size = size,
				   .eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	map->data = r;
	return 0;
}

static void ring_close(struct vm_map *map)
{
	struct ring_map *r = ring_of(map);

	if (r->ring.eventfd >= 0)
		close(r->ring.eventfd);
	vm_memory_free(r, ring_bytes(r->ring.size));
}

struct vm_ring *vm_map_ring(struct vm_map *map)
{
	return map->kind == MAP_RINGBUF || map->kind == MAP_USER_RINGBUF ? &ring_of(map)->ring
									 : NULL;
}

/* ---- producing */

struct ring_header *ring_reserve(struct vm_map *map, u64 size)
{
	struct ring_map *r = ring_of(map);
	u64 length = ALIGN_UP(size + RING_HEADER, 8), used, at;
	struct ring_header *h;

	if (size > RING_RECORD_MAX || length > r->ring.size)
		return NULL;
	lock_take(&r->lock);
	at = *r->ring.producer;
	used = at + length - __atomic_load_n(r->ring.consumer, __ATOMIC_ACQUIRE);
	if (used > r->ring.size - 1) {
		lock_give(&r->lock);
		return NULL;
	}
	h = (struct ring_header *)(void *)(r->ring.data + (at & (r->ring.size - 1)));
	h->page = (u32)(((u8 *)h - (u8 *)r) / PAGE);
	__atomic_store_n(&h->length, (u32)size | RING_BUSY, __ATOMIC_RELAXED);
	__atomic_store_n(r->ring.producer, at + length, __ATOMIC_RELEASE);
	lock_give(&r->lock);
	return h;
}

void ring_commit(struct ring_header *h, u64 flags, bool discard)
{
	struct ring_map *r = (struct ring_map *)(void *)((u8 *)h - (address_of(h) & (PAGE - 1)) -
							 (u64)h->page * PAGE);
	u64 at = (u64)((u8 *)h - r->ring.data), consumer;
	u32 length = (h->length & ~RING_BUSY) | (discard ? RING_DISCARD : 0);

	__atomic_exchange_n(&h->length, length, __ATOMIC_SEQ_CST);
	consumer = __atomic_load_n(r->ring.consumer, __ATOMIC_ACQUIRE) & (r->ring.size - 1);
	if ((flags & BPF_RB_FORCE_WAKEUP) || (consumer == at && !(flags & BPF_RB_NO_WAKEUP)))
		eventfd_wake(r->ring.eventfd);
}

int ring_output(struct vm_map *map, const void *data, u64 size, u64 flags)
{
	struct ring_header *h;

	if (flags & ~(u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return -EINVAL;
	h = ring_reserve(map, size);
	if (!h)
		return -EAGAIN;
	copy_bytes(h + 1, data, size);
	ring_commit(h, flags, false);
	return 0;
}

u64 ring_query(const struct vm_map *map, u64 what)
{
	const struct vm_ring *r = &ring_of(map)->ring;
	u64 consumer = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);
	u64 producer = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

	return what == 0   ? producer - consumer
	       : what == 1 ? r->size
	       : what == 2 ? consumer
	       : what == 3 ? producer
			   : 0;
}

/* ---- draining */

bool ring_drain_begin(struct vm_map *map)
{
	return !__atomic_exchange_n(&ring_of(map)->busy, 1, __ATOMIC_ACQUIRE);
}

void ring_drain_end(struct vm_map *map, u64 flags, u32 drained)
{
	struct ring_map *r = ring_of(map);

	__atomic_store_n(&r->busy, 0, __ATOMIC_RELEASE);
	if ((flags & BPF_RB_FORCE_WAKEUP) || (drained && !(flags & BPF_RB_NO_WAKEUP)))
		eventfd_wake(r->ring.eventfd);
}

/* The producer's positions and sizes are not ours: each is looked at before it is believed. */
int ring_peek(struct vm_map *map, void **sample, u32 *size)
{
	struct vm_ring *r = &ring_of(map)->ring;
	u64 producer = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE), at = *r->consumer, length;
	struct ring_header *h;
	u32 word;

	if (producer % 8)
		return -EINVAL;
	if (at >= producer)
		return -ENODATA;
	h = (struct ring_header *)(void *)(r->data + (at & (r->size - 1)));
	word = __atomic_load_n(&h->length, __ATOMIC_ACQUIRE);
	*size = word & ~(RING_BUSY | RING_DISCARD);
	length = ALIGN_UP((u64)*size + RING_HEADER, 8);
	if (word & RING_BUSY)
		return -EBUSY;
	if (length > producer - at)
		return -EINVAL;
	if (length > r->size)
		return -E2BIG;
	if (word & RING_DISCARD) {
		__atomic_store_n(r->consumer, at + length, __ATOMIC_RELEASE);
		return -EAGAIN;
	}
	*sample = h + 1;
	return 0;
}

void ring_release(struct vm_map *map, u32 size)
{
	struct vm_ring *r = &ring_of(map)->ring;
	u64 next = *r->consumer + ALIGN_UP((u64)size + RING_HEADER, 8);

	__atomic_store_n(r->consumer, next, __ATOMIC_RELEASE);
}

/* ---- from outside: as the kernel answers */

static int ring_update(struct vm_map *map, const void *key, const void *value, u64 flags, u32 cpu)
{
	(void)map, (void)key, (void)value, (void)flags, (void)cpu;
	return -EOPNOTSUPP;
}

static int ring_copy(struct vm_map *map, const void *key, void *value)
{
	(void)map, (void)key, (void)value;
	return -EOPNOTSUPP;
}

const struct vm_map_ops map_ring = {
	.open = ring_open,
	.close = ring_close,
	.update = ring_update,
	.copy = ring_copy,
};
